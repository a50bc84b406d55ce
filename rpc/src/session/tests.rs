//! The server against peers that speak in raw frames, and not always as they should.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::BytesMut;
use ringhold_model::{ClusterId, wire::Channel};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
    time::timeout,
};
use tokio_util::task::AbortOnDropHandle;

use super::*;
use crate::serve::serve_connection;

const ECHO: u8 = Method::Point as u8;
const HELLO: Hello = Hello { channel: Channel::Data, cluster: ClusterId(0), from: None, target: None };
const REPLY_BYTES: usize = 10_000;

/// Replies to everything with 10 kB and counts.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Service for Counting {
    fn call(&self, call: Call<'_>) -> Handled {
        self.0.fetch_add(1, Ordering::SeqCst);
        call.reply.extend_from_slice(&[7; REPLY_BYTES]);
        Handled::Replied
    }
}

struct Peer {
    stream: DuplexStream,
    inbox: BytesMut,
    service: Arc<Counting>,
    cancel: CancellationToken,
    served: AbortOnDropHandle<io::Result<()>>,
}

impl Peer {
    fn new(limits: ServeLimits) -> Self {
        let (near, far) = duplex(4096);
        let service = Arc::new(Counting::default());
        let cancel = CancellationToken::new();
        let serving = serve_connection(far, HELLO, Arc::clone(&service) as Arc<dyn Service>, limits, cancel.clone());
        #[expect(clippy::disallowed_methods, reason = "the handle joins it")]
        let served = AbortOnDropHandle::new(tokio::spawn(serving));
        Self { stream: near, inbox: BytesMut::new(), service, cancel, served }
    }

    async fn send(&mut self, id: u64, method: u8, timeout_ms: u32) {
        self.stream.write_all(&request(id, method, timeout_ms)).await.unwrap();
    }

    async fn next(&mut self) -> (u64, Status, Bytes) {
        loop {
            if let Some(payload) = frame::next_payload(&mut self.inbox).unwrap() {
                return frame::split_reply(payload).unwrap();
            }
            assert_ne!(self.stream.read_buf(&mut self.inbox).await.unwrap(), 0, "the server left");
        }
    }

    async fn next_fault(&mut self) -> (u64, Fault) {
        let (id, status, body) = self.next().await;
        assert_eq!(status, Status::Fault);
        (id, ringhold_model::wire::decode(&body).unwrap())
    }

    fn executed(&self) -> usize {
        self.service.0.load(Ordering::SeqCst)
    }

    async fn served(self) -> io::Result<()> {
        timeout(Duration::from_secs(10), self.served).await.expect("the server goes on").unwrap()
    }
}

fn request(id: u64, method: u8, timeout_ms: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let start = frame::begin_request(&mut out, RequestHead { id, method, timeout_ms });
    out.extend_from_slice(b"body");
    frame::finish(&mut out, start).unwrap();
    out
}

#[tokio::test]
async fn a_request_without_time_left_is_not_executed() {
    let mut peer = Peer::new(ServeLimits::default());
    peer.send(1, ECHO, 0).await;
    assert_eq!(peer.next_fault().await, (1, Fault::DeadlinePassed));
    assert_eq!(peer.executed(), 0);
}

#[tokio::test]
async fn an_unknown_method_is_refused_and_a_probe_is_answered() {
    let mut peer = Peer::new(ServeLimits::default());
    peer.send(1, 200, 1000).await;
    assert!(matches!(peer.next_fault().await, (1, Fault::Unsupported(_))));
    peer.send(2, PROBE, 1000).await;
    assert_eq!(peer.next().await, (2, Status::Done, Bytes::new()));
    assert_eq!(peer.executed(), 0);
}

#[tokio::test]
async fn a_frame_that_is_too_long_or_too_short_closes_the_connection() {
    for breach in [&u32::MAX.to_be_bytes()[..], &[0, 0, 0, 3, 1, 2, 3]] {
        let mut peer = Peer::new(ServeLimits::default());
        peer.stream.write_all(breach).await.unwrap();
        assert_eq!(peer.served().await.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_not_read_from_and_loses_nothing() {
    let limits = ServeLimits { reply_bytes_max: 3 * REPLY_BYTES, ..ServeLimits::default() };
    let mut peer = Peer::new(limits);
    let mut sent = 0u64;
    // Until the pipe is full: the server reads no more.
    while timeout(Duration::from_millis(100), peer.send(sent, ECHO, 60_000)).await.is_ok() {
        sent += 1;
        assert!(sent < 100_000, "the server takes everything");
    }
    assert!(peer.executed() <= 6, "{} replies wait in memory", peer.executed());
    for id in 0..sent {
        let (replied, status, body) = peer.next().await;
        assert_eq!((replied, status, body.len()), (id, Status::Done, REPLY_BYTES));
    }
}

#[tokio::test]
async fn a_peer_that_never_reads_is_cut_off() {
    let limits = ServeLimits { write_stall_max: Duration::from_millis(10), ..ServeLimits::default() };
    let mut peer = Peer::new(limits);
    peer.send(1, ECHO, 1000).await;
    assert_eq!(peer.served().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn a_peer_that_asks_nothing_is_cut_off() {
    let peer = Peer::new(ServeLimits { idle_max: Duration::from_millis(10), ..ServeLimits::default() });
    assert_eq!(peer.served().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn a_peer_that_stays_after_goodbye_is_refused_and_then_left() {
    let mut peer = Peer::new(ServeLimits { drain_grace: Duration::from_millis(200), ..ServeLimits::default() });
    peer.cancel.cancel();
    assert_eq!(peer.next().await, (0, Status::Goodbye, Bytes::new()));
    peer.send(1, ECHO, 1000).await;
    assert_eq!(peer.next_fault().await, (1, Fault::ShuttingDown));
    assert_eq!(peer.executed(), 0);
    assert!(peer.served().await.is_ok());
}

#[tokio::test]
async fn requests_that_arrive_in_pieces_are_put_together() {
    let mut peer = Peer::new(ServeLimits::default());
    let mut bytes = request(1, ECHO, 5000);
    bytes.extend(request(2, ECHO, 5000));
    for byte in bytes {
        peer.stream.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(peer.next().await.0, 1);
    assert_eq!(peer.next().await.0, 2);
}
