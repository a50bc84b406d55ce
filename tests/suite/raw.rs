//! Requests byte by byte, for what no decent client would send.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Longest wait for an answer or an end.
const WAIT: Duration = Duration::from_secs(30);

/// A connection.
pub struct Raw {
    stream: TcpStream,
}

impl Raw {
    pub async fn connect(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.expect("the router listens") }
    }

    /// Sends bytes; the other side may have gone already.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Sends bytes.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        assert!(self.try_send(bytes).await, "the connection is open");
    }

    /// All that comes until the other side closes.
    pub async fn until_closed(&mut self) -> String {
        let mut all = Vec::new();
        // A reset is an end as well: what came before it counts.
        let _ = timeout(WAIT, self.stream.read_to_end(&mut all)).await.expect("the connection is closed in time");
        String::from_utf8_lossy(&all).into_owned()
    }

    /// Reads until `done` likes what came so far.
    pub async fn until(&mut self, done: impl Fn(&str) -> bool) -> String {
        let mut all = Vec::new();
        let reading = async {
            while !done(&String::from_utf8_lossy(&all)) {
                if self.stream.read_buf(&mut all).await.unwrap_or(0) == 0 {
                    panic!("the connection was closed after {:?}", String::from_utf8_lossy(&all));
                }
            }
        };
        timeout(WAIT, reading).await.expect("the answer comes in time");
        String::from_utf8_lossy(&all).into_owned()
    }

    /// At most `bytes` of what comes.
    pub async fn some(&mut self, bytes: usize) -> Vec<u8> {
        let mut part = vec![0; bytes];
        let count = timeout(WAIT, self.stream.read(&mut part)).await.expect("something comes in time");
        part.truncate(count.unwrap_or(0));
        part
    }
}

/// Sends `request` on a connection of its own; the answer must be the last on it.
pub async fn exchange(address: SocketAddr, request: impl AsRef<[u8]>) -> String {
    let mut raw = Raw::connect(address).await;
    raw.try_send(request).await;
    raw.until_closed().await
}

/// The status of an answer.
#[track_caller]
pub fn status(answer: &str) -> u16 {
    let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
    status.unwrap_or_else(|| panic!("no answer: {answer:?}"))
}
