//! Connections to one memcached server, and its meta protocol.
//!
//! No driver that is kept gives each item of a batch its own CAS token and its own result, in one exchange; this needs both.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::OnceCell,
};
use xxhash_rust::xxh3::xxh3_64;

use crate::backend::error::Error;

/// Connections that are kept for later.
const IDLE_MAX: usize = 16;
/// Longest wait for a connection.
const CONNECT_MAX: Duration = Duration::from_secs(1);
/// Longest line of the protocol that is read.
const LINE_BYTES_MAX: u64 = 4_096;
/// Largest value that is read: more than values may have here.
const VALUE_BYTES_MAX: usize = 256 << 20;

/// One server; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Server {
    address: Arc<str>,
    /// Its own order of all names.
    pub(super) seed: u64,
    idle: Arc<Mutex<Vec<Connection>>>,
    /// Its limit of an item's size, asked for once.
    item_max: Arc<OnceCell<u64>>,
}

/// One connection; dropped when anything went wrong on it.
#[derive(Debug)]
pub(super) struct Connection {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    /// What is to be sent.
    buffer: Vec<u8>,
}

/// What the server says to one command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Done,
    Value {
        value: Bytes,
        cas: u64,
    },
    Missing,
    NotStored,
    /// The item is no longer the one with the CAS token given.
    Changed,
    Refused(String),
}

impl Server {
    pub(super) fn new(address: &str) -> Self {
        let (idle, item_max) = Default::default();
        Self { address: address.into(), seed: xxh3_64(address.as_bytes()), idle, item_max }
    }

    /// A connection without anything under way.
    pub(super) async fn connect(&self) -> Result<Connection, Error> {
        if let Some(connection) = self.idle.lock().pop() {
            return Ok(connection);
        }
        let down = |reason: String| Error::Down(format!("{}: {reason}", self.address));
        let stream = match tokio::time::timeout(CONNECT_MAX, TcpStream::connect(&*self.address)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(down(error.to_string())),
            Err(_) => return Err(down(format!("no connection within {} ms", CONNECT_MAX.as_millis()))),
        };
        stream.set_nodelay(true).map_err(|error| down(error.to_string()))?;
        let (reader, writer) = stream.into_split();
        Ok(Connection { reader: BufReader::new(reader), writer, buffer: Vec::new() })
    }

    /// Keeps a connection whose answers were all read.
    pub(super) fn keep(&self, connection: Connection) {
        let mut idle = self.idle.lock();
        if idle.len() < IDLE_MAX {
            idle.push(connection);
        }
    }

    /// One connection broke: the others are most likely dead too.
    pub(super) fn forget(&self) {
        self.idle.lock().clear();
    }

    /// Largest item that the server takes, in bytes.
    pub(super) async fn item_max(&self) -> Result<u64, Error> {
        let ask = || async {
            let mut connection = self.connect().await?;
            let max = connection.item_max().await.map_err(silent)?;
            self.keep(connection);
            Ok(max)
        };
        self.item_max.get_or_try_init(ask).await.copied()
    }
}

impl Connection {
    /// Adds a command to what is sent next.
    pub(super) fn command(&mut self, command: &str) {
        self.buffer.extend_from_slice(command.as_bytes());
        self.buffer.extend_from_slice(b"\r\n");
    }

    /// Adds a value to what is sent next.
    pub(super) fn set(&mut self, name: &str, value: &[u8], flags: &str) {
        self.command(&format!("ms {name} {} {flags}", value.len()));
        self.buffer.extend_from_slice(value);
        self.buffer.extend_from_slice(b"\r\n");
    }

    /// Sends what was added and reads so many answers. Both at once: either alone could fill the buffers between.
    pub(super) async fn exchange(&mut self, count: usize) -> Result<Vec<Answer>, Error> {
        let buffer = std::mem::take(&mut self.buffer);
        let Self { reader, writer, .. } = self;
        let receive = async {
            let mut answers = Vec::with_capacity(count);
            for _ in 0..count {
                answers.push(answer(reader).await?);
            }
            Ok(answers)
        };
        let (sent, answers) = tokio::join!(writer.write_all(&buffer), receive);
        sent.and(answers).map_err(silent)
    }

    async fn item_max(&mut self) -> io::Result<u64> {
        self.writer.write_all(b"stats settings\r\n").await?;
        let mut max = 1 << 20;
        loop {
            let line = line(&mut self.reader).await?;
            if line == "END" || line.starts_with("ERROR") {
                return Ok(max);
            }
            if let Some(number) = line.strip_prefix("STAT item_size_max ").and_then(|text| text.parse().ok()) {
                max = number;
            }
        }
    }
}

async fn answer(reader: &mut BufReader<OwnedReadHalf>) -> io::Result<Answer> {
    let line = line(reader).await?;
    let mut words = line.split(' ');
    let answer = match words.next().unwrap_or_default() {
        "HD" | "MN" => Answer::Done,
        "EN" | "NF" => Answer::Missing,
        "NS" => Answer::NotStored,
        "EX" => Answer::Changed,
        "VA" => {
            let size = words.next().and_then(|size| size.parse().ok()).filter(|size| *size <= VALUE_BYTES_MAX);
            let size: usize = size.ok_or_else(|| strange(&line))?;
            let cas = words.find_map(|flag| flag.strip_prefix('c')?.parse().ok()).unwrap_or(0);
            let mut value = vec![0; size + 2];
            reader.read_exact(&mut value).await?;
            value.truncate(size);
            Answer::Value { value: value.into(), cas }
        }
        "SERVER_ERROR" => Answer::Refused(line.clone()),
        // The rest of what was sent may be read as commands now.
        _ => return Err(strange(&line)),
    };
    Ok(answer)
}

async fn line(reader: &mut BufReader<OwnedReadHalf>) -> io::Result<String> {
    let mut line = String::new();
    let count = reader.take(LINE_BYTES_MAX).read_line(&mut line).await?;
    match line.strip_suffix("\r\n") {
        Some(text) => Ok(text.to_owned()),
        None if count == 0 => Err(io::ErrorKind::UnexpectedEof.into()),
        None => Err(strange(&line)),
    }
}

fn strange(line: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("it said {line:?}"))
}

fn silent(error: io::Error) -> Error {
    Error::Silent(error.to_string())
}
