//! `export`: streams to a file or to standard output, and tells a whole export from a broken one.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path as FilePath, PathBuf},
};

use anyhow::Context;
use reqwest::Method;

use super::progress;
use crate::{
    cli::{ExportArgs, ExportFormat},
    client::{Client, Path, gap},
    failure::Failure,
    fields::Fields,
};

/// The last line of an export is kept to be judged; it holds the coverage and is short.
const TAIL_BYTES_MAX: usize = 64 * 1024;

/// Writes an export. A file gets its name only when the export is complete.
pub(super) async fn export(arguments: &ExportArgs, client: &Client) -> Result<(), Failure> {
    let format = match arguments.format {
        ExportFormat::Json => "json",
        ExportFormat::Ndjson => "ndjson",
    };
    let path =
        Path::new("/api/cache/export").query("format", Some(format)).query("pattern", arguments.pattern.as_deref());
    let path = path.query("backend", arguments.target.backend.as_deref());
    let mut response = client.patiently(|| 0, client.open(client.request(Method::GET, &path))).await?;
    let mut target = Target::create(&arguments.file)?;
    let mut tail = Tail::default();
    let bar = progress::bar("export", None);
    while let Some(piece) = client.next_piece(&mut response).await? {
        let piece = piece.as_ref();
        target.write(piece)?;
        tail.push(piece);
        bar.inc(piece.len() as u64);
        if arguments.format == ExportFormat::Ndjson {
            bar.set_message(format!("{} lines", tail.lines));
        }
    }
    bar.finish_and_clear();
    let verdict = tail.verdict(arguments.format);
    target.finish(verdict.is_ok())?;
    verdict
}

/// Where an export goes.
enum Target {
    Stdout(io::Stdout),
    File { writer: BufWriter<File>, partial: PathBuf, path: PathBuf },
}

impl Target {
    fn create(path: &FilePath) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            return Ok(Self::Stdout(io::stdout()));
        }
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let file = File::create(&partial).with_context(|| format!("{} cannot be written", partial.display()))?;
        Ok(Self::File { writer: BufWriter::new(file), partial, path: path.to_owned() })
    }

    fn write(&mut self, piece: &[u8]) -> Result<(), Failure> {
        let written = match self {
            Self::Stdout(out) => out.write_all(piece),
            Self::File { writer, .. } => writer.write_all(piece),
        };
        written.map_err(Failure::of_output)
    }

    /// Flushes; a complete file gets its name, an incomplete one keeps `.partial`.
    fn finish(self, is_complete: bool) -> Result<(), Failure> {
        match self {
            Self::Stdout(mut out) => out.flush().map_err(Failure::of_output),
            Self::File { writer, partial, path } => {
                let file = writer.into_inner().map_err(|error| Failure::of_output(error.into_error()))?;
                file.sync_all().map_err(Failure::of_output)?;
                if is_complete {
                    fs::rename(&partial, &path).with_context(|| format!("{} cannot be written", path.display()))?;
                    eprintln!("exported to {}", path.display());
                } else {
                    eprintln!("what was received is in {}", partial.display());
                }
                Ok(())
            }
        }
    }
}

/// The end of what was received.
#[derive(Debug, Default)]
struct Tail {
    bytes: Vec<u8>,
    lines: u64,
}

impl Tail {
    fn push(&mut self, piece: &[u8]) {
        self.lines += piece.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.bytes.extend_from_slice(&piece[piece.len().saturating_sub(TAIL_BYTES_MAX)..]);
        let excess = self.bytes.len().saturating_sub(TAIL_BYTES_MAX);
        self.bytes.drain(..excess);
    }

    /// Whether the export came to its end and covers the whole cluster.
    fn verdict(&self, format: ExportFormat) -> Result<(), Failure> {
        let text = String::from_utf8_lossy(&self.bytes);
        let text = text.trim_end();
        let gap = match format {
            ExportFormat::Ndjson => {
                let last = text.rsplit('\n').next().unwrap_or_default();
                let fields: Fields<'_> = serde_json::from_str(last).map_err(|_| broken())?;
                // An item has a key; what closes the export has the coverage.
                fields.get("coverage").ok_or_else(broken)?;
                gap(&fields)
            }
            ExportFormat::Json => gap_at_end(text)?,
        };
        match gap {
            Some(coverage) => Err(Failure::failed(format!(
                "the export is incomplete: only {coverage} answered; see `ringhold cluster status` and repeat it"
            ))),
            None => Ok(()),
        }
    }
}

/// Coverage and completeness stand behind the items, at the end of the document.
fn gap_at_end(text: &str) -> Result<Option<String>, Failure> {
    if !text.ends_with('}') {
        return Err(broken());
    }
    let at = text.rfind("\"coverage\"").ok_or_else(broken)?;
    let end = format!("{{{}", &text[at..]);
    let fields: Fields<'_> = serde_json::from_str(&end).map_err(|_| broken())?;
    fields.get("complete").ok_or_else(broken)?;
    Ok(gap(&fields))
}

fn broken() -> Failure {
    Failure::failed("the export broke off before its end; repeat it")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(text: &str, format: ExportFormat) -> Result<(), String> {
        let mut tail = Tail::default();
        text.as_bytes().chunks(7).for_each(|piece| tail.push(piece));
        tail.verdict(format).map_err(|failure| format!("{failure:?}"))
    }

    #[test]
    fn a_whole_export_is_told_from_a_broken_or_incomplete_one() {
        use ExportFormat::{Json, Ndjson};
        let item = "{\"key\": \"a\", \"value\": 1}\n";
        assert_eq!(verdict(&format!("{item}{{\"coverage\": \"3/3\"}}\n"), Ndjson), Ok(()));
        assert!(verdict(&format!("{item}{{\"coverage\": \"2/3\"}}\n"), Ndjson).unwrap_err().contains("incomplete"));
        assert!(verdict(item, Ndjson).unwrap_err().contains("broke off"));
        assert!(verdict("", Ndjson).unwrap_err().contains("broke off"));
        assert_eq!(verdict(r#"{"data": {}, "coverage": {"nodes": 3}, "complete": true}"#, Json), Ok(()));
        let partial = r#"{"data": {}, "coverage": {"nodes": 2, "nodes_total": 3}, "complete": false}"#;
        assert!(verdict(partial, Json).unwrap_err().contains("only 2 of 3 nodes answered"));
        assert!(verdict(r#"{"data": {"a": {"value": {"coverage": 1}"#, Json).unwrap_err().contains("broke off"));
        assert!(verdict(r#"{"data": {"a": {"key": "a"}"#, Json).unwrap_err().contains("broke off"));
    }

    #[test]
    fn only_the_end_is_kept() {
        let mut tail = Tail::default();
        (0..10).for_each(|_| tail.push(&[b'x'; TAIL_BYTES_MAX / 3]));
        tail.push(b"\nend");
        assert!(tail.bytes.len() <= TAIL_BYTES_MAX && tail.bytes.ends_with(b"\nend"));
    }
}
