//! A bare HTTP/1.1 client for load: one connection, one request at a time, nothing is ever sent twice.
//!
//! The usual clients send a request again, unasked, when a kept connection turns out to be closed. Whoever counts failed
//! requests must see that.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Longest head of an answer.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// A connection that was not used for so long is not used again: the router closes idle ones some time.
const IDLE_MAX: Duration = Duration::from_secs(5);

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    used: Instant,
    is_closing: bool,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as text; what is no UTF-8 is replaced.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

impl Connection {
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(4096), used: Instant::now(), is_closing: false })
    }

    /// Whether another request may be sent on it.
    pub fn is_usable(&self) -> bool {
        !self.is_closing && self.used.elapsed() < IDLE_MAX
    }

    /// Sends `request`, a whole one, and reads the answer. After an error or when dropped before its end, the connection is
    /// of no use any more.
    ///
    /// # Errors
    /// The connection broke: nobody knows whether the request was executed.
    pub async fn call(&mut self, request: &[u8]) -> io::Result<Reply> {
        self.is_closing = true;
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head = self.read_head().await?;
        let (status, length, closes) = parse_head(&self.buffer[..head])?;
        while self.buffer.len() < head + length {
            self.read_more().await?;
        }
        let body = self.buffer[head..head + length].to_vec();
        (self.used, self.is_closing) = (Instant::now(), closes);
        Ok(Reply { status, body })
    }

    /// Length of the head, which is in the buffer then.
    async fn read_head(&mut self) -> io::Result<usize> {
        loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                return Ok(at + 4);
            }
            if self.buffer.len() > HEAD_BYTES_MAX {
                return Err(invalid("a head without an end"));
            }
            self.read_more().await?;
        }
    }

    async fn read_more(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// Status, length of the body, and whether the connection ends with it.
fn parse_head(head: &[u8]) -> io::Result<(u16, usize, bool)> {
    let text = std::str::from_utf8(head).map_err(|_| invalid("a head that is no text"))?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let (mut length, mut closes) = (None, false);
    for line in lines {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok();
        } else if name.eq_ignore_ascii_case("connection") {
            closes = value.trim().eq_ignore_ascii_case("close");
        }
    }
    match (status, length) {
        (Some(status), Some(length)) => Ok((status, length, closes)),
        _ => Err(invalid("an answer without status or length")),
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// A request without a body.
pub fn bare(method: &str, path: &str) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nHost: ringhold\r\nContent-Length: 0\r\n\r\n").into_bytes()
}

/// A request with a JSON body.
pub fn json(method: &str, path: &str, body: &str) -> Vec<u8> {
    let head = format!("{method} {path} HTTP/1.1\r\nHost: ringhold\r\nContent-Type: application/json\r\n");
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}
