//! One connection through a proxy: two directions, each under its own rule.

use std::{net::SocketAddr, time::Duration};

use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::{mpsc, watch},
    time::Instant,
};

use super::rule::Rule;

const CHUNK_BYTES: usize = 64 * 1024;
/// Chunks on their way in one direction; a sender that is ahead by more waits, as with any network.
const CHUNKS_MAX: usize = 64;

/// Bytes and when they are due.
type Chunk = (Instant, Vec<u8>);

/// Connects the two ends and copies until both have ended or either breaks.
pub(super) async fn connect(
    mut near: TcpStream,
    listen: SocketAddr,
    there: watch::Receiver<Rule>,
    back: watch::Receiver<Rule>,
) {
    // Closing breaks the connection, unless both ends have ended in peace.
    let _ = (near.set_zero_linger(), near.set_nodelay(true));
    let (near_read, near_write) = near.split();
    let (asked, asks) = mpsc::channel(CHUNKS_MAX);
    let hear = take(near_read, asked, there.clone());
    tokio::pin!(hear);
    // Who opens a connection while nothing arrives is not heard of, and gives up some time.
    let mut opened = there.clone();
    tokio::select! {
        biased;
        _ = opened.wait_for(|rule| *rule != Rule::Hold) => {}
        _ = &mut hear => return,
    }
    let Ok(mut far) = TcpStream::connect(listen).await else { return };
    let _ = (far.set_zero_linger(), far.set_nodelay(true));
    let (far_read, far_write) = far.split();
    let (answered, answers) = mpsc::channel(CHUNKS_MAX);
    let answer = take(far_read, answered, back.clone());
    let pass = async {
        tokio::try_join!(hear, give(far_write, asks, there.clone()), answer, give(near_write, answers, back.clone()))
    };
    tokio::select! {
        // The first break ends everything.
        _ = pass => {}
        () = broken(there.clone()) => {}
        () = broken(back.clone()) => {}
    }
}

/// The connection breaks.
struct Broken;

/// Ends when the rule is to break connections.
async fn broken(mut rule: watch::Receiver<Rule>) {
    if rule.wait_for(|rule| *rule == Rule::Reset).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Reads what is said and decides when it is due.
async fn take(mut read: ReadHalf<'_>, send: mpsc::Sender<Chunk>, rule: watch::Receiver<Rule>) -> Result<(), Broken> {
    let (mut due, mut random) = (Instant::now(), StdRng::seed_from_u64(1));
    loop {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        match read.read_buf(&mut chunk).await {
            // An end is no break: the other direction goes on.
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(_) => return Err(Broken),
        }
        let delay = match *rule.borrow() {
            Rule::Delay { by, jitter } => by + jitter.mul_f64(random.random()),
            _ => Duration::ZERO,
        };
        // In order, whatever the jitter.
        due = due.max(Instant::now() + delay);
        if send.send((due, chunk)).await.is_err() {
            return Err(Broken);
        }
    }
}

/// Writes what is due, as far as the rule lets it.
async fn give(
    mut write: WriteHalf<'_>,
    mut receive: mpsc::Receiver<Chunk>,
    mut rule: watch::Receiver<Rule>,
) -> Result<(), Broken> {
    let mut has_lost = false;
    loop {
        let chunk = receive.recv().await;
        if let Some((due, _)) = &chunk {
            tokio::time::sleep_until(*due).await;
        }
        // The end is passed on like anything else that is said.
        let passing = *rule.wait_for(|rule| *rule != Rule::Hold).await.map_err(|_| Broken)?;
        match chunk {
            Some(_) if passing == Rule::Lose => has_lost = true,
            _ if has_lost => return Err(Broken),
            Some((_, chunk)) => write.write_all(&chunk).await.map_err(|_| Broken)?,
            None => return write.shutdown().await.map_err(|_| Broken),
        }
    }
}
