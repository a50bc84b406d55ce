//! One JSON line a request on standard output, written by a thread of its own.
//!
//! Lines hold the path without its query, truncated and escaped, and never a value, header or body. When the writer cannot
//! keep up, lines are dropped and counted rather than requests held.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::Serialize;

/// Lines that may wait for the writer.
const QUEUE_LINES: usize = 8_192;
/// Longest path in a line, in bytes.
const PATH_BYTES_MAX: usize = 256;

/// Takes lines; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct AccessLog {
    lines: SyncSender<Vec<u8>>,
    dropped: Arc<AtomicU64>,
}

#[derive(Serialize)]
struct Line<'a> {
    timestamp_ms: u64,
    log: &'static str,
    method: &'a str,
    path: &'a str,
    status: u16,
    duration_us: u64,
    request_id: &'a str,
}

impl AccessLog {
    /// Starts the writer. It ends, with all lines written, when the last clone is dropped.
    pub(crate) fn start() -> io::Result<(Self, JoinHandle<()>)> {
        let (lines, queue) = sync_channel(QUEUE_LINES);
        let writer = thread::Builder::new().name("access-log".into());
        let writer = writer.spawn(move || write_lines(&queue, &mut io::stdout()))?;
        Ok((Self { lines, dropped: Arc::default() }, writer))
    }

    /// Notes one request.
    pub(crate) fn note(&self, method: &str, path: &str, status: u16, duration: Duration, request_id: &str) {
        let line = Line {
            timestamp_ms: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64,
            log: "access",
            method,
            path: truncated(path),
            status,
            duration_us: duration.as_micros() as u64,
            request_id,
        };
        let Ok(mut bytes) = serde_json::to_vec(&line) else { return };
        bytes.push(b'\n');
        if self.lines.try_send(bytes).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lines dropped so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

fn truncated(path: &str) -> &str {
    if path.len() <= PATH_BYTES_MAX {
        return path;
    }
    let end = (0..=PATH_BYTES_MAX).rev().find(|at| path.is_char_boundary(*at)).unwrap_or(0);
    &path[..end]
}

/// Writes what has gathered in one call.
fn write_lines(queue: &Receiver<Vec<u8>>, out: &mut impl Write) {
    while let Ok(mut batch) = queue.recv() {
        while let Ok(line) = queue.try_recv() {
            batch.extend_from_slice(&line);
        }
        // A closed standard output must not stop the router.
        let _ = out.write_all(&batch).and_then(|()| out.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_leave_in_order_and_the_writer_ends_with_its_senders() {
        let (lines, queue) = sync_channel(4);
        lines.send(b"a\n".to_vec()).expect("room");
        lines.send(b"b\n".to_vec()).expect("room");
        drop(lines);
        let mut out = Vec::new();
        write_lines(&queue, &mut out);
        assert_eq!(out, b"a\nb\n");
    }

    #[test]
    fn paths_are_cut_at_a_character() {
        assert_eq!(truncated(&"\u{e9}".repeat(200)).len(), 256);
        assert_eq!(truncated(&format!("x{}", "\u{e9}".repeat(200))).len(), 255);
    }
}
