//! Reads files and standard input, whole or as a stream with flat memory.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    thread,
};

use anyhow::Context;
use futures_util::{Stream, stream};
use tokio::sync::mpsc;

use crate::failure::Failure;

/// Bytes of one piece; few enough that a slow receiver costs no memory, many enough that a fast one is not held up.
const PIECE_BYTES: usize = 64 * 1024;
/// Pieces that may wait; a full queue holds the reader.
const PIECES_WAITING_MAX: usize = 4;

/// Something to read, and its size if that is known.
pub(super) struct Source {
    reader: Box<dyn Read + Send>,
    /// Bytes in all.
    pub(super) size: Option<u64>,
}

impl Source {
    /// A file, or standard input for `-`.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            return Ok(Self { reader: Box::new(io::stdin()), size: None });
        }
        let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let size = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
        Ok(Self { reader: Box::new(file), size })
    }

    /// The first piece, shorter than a whole one only at the end.
    pub(super) fn first_piece(&mut self) -> io::Result<Vec<u8>> {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        self.reader.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut piece)?;
        Ok(piece)
    }

    /// `first` and then the rest, read by a thread of its own that ends with the source, or with the stream.
    pub(super) fn into_stream(
        self,
        first: Vec<u8>,
    ) -> io::Result<impl Stream<Item = io::Result<Vec<u8>>> + Send + 'static> {
        let (sender, receiver) = mpsc::channel(PIECES_WAITING_MAX);
        let mut reader = self.reader;
        thread::Builder::new().name("read".to_owned()).spawn(move || {
            let mut piece = Ok(first);
            // Ends behind an empty piece or a failure, and when nobody listens.
            while piece.as_ref().is_ok_and(|bytes| !bytes.is_empty()) {
                if sender.blocking_send(piece).is_err() {
                    return;
                }
                piece = read_piece(&mut reader);
            }
            if piece.is_err() {
                let _ = sender.blocking_send(piece);
            }
        })?;
        Ok(stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|piece| (piece, receiver)) }))
    }
}

fn read_piece(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match reader.read(&mut piece) {
            Ok(count) => {
                piece.truncate(count);
                return Ok(piece);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// All of a file or of standard input, as text.
pub(super) fn read_text(path: &Path) -> Result<String, Failure> {
    let mut source = Source::open(path)?;
    let mut bytes = Vec::new();
    source.reader.read_to_end(&mut bytes).with_context(|| format!("{} cannot be read", path.display()))?;
    String::from_utf8(bytes).map_err(|_| {
        Failure::failed(format!(
            "{} is not UTF-8; encode it, for example with base64, and use --type binary",
            path.display()
        ))
    })
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;

    use super::*;

    #[tokio::test]
    async fn a_stream_gives_every_byte_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("big");
        let bytes: Vec<u8> = (0..PIECE_BYTES * 9 + 5).map(|at| (at % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();

        let mut source = Source::open(&path).unwrap();
        assert_eq!(source.size, Some(bytes.len() as u64));
        let first = source.first_piece().unwrap();
        assert_eq!(first.len(), PIECE_BYTES);
        let pieces: Vec<Vec<u8>> = source.into_stream(first).unwrap().try_collect().await.unwrap();
        assert_eq!(pieces.concat(), bytes);
    }
}
