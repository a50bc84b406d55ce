//! A network inside the process, for tests: connections over buffers, addresses as names, and a link between two
//! addresses that can be cut and healed.
//!
//! A cut is what a firewall that drops packets does: nothing arrives, nothing fails, connecting hangs; after healing the
//! bytes under way arrive. A reset is what a crash does: connections break at once.

use std::{
    collections::HashMap,
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex},
    sync::mpsc,
};

use crate::{
    listen::Listener,
    transport::{BoxedStream, Connector},
};

/// Bytes that are under way in one direction before a writer has to wait: about a socket's buffer.
const BUFFER_BYTES: usize = 64 << 10;
/// Connections that wait to be accepted.
const BACKLOG: usize = 64;

/// The network. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct MemoryNetwork(Arc<Mutex<Addresses>>);

#[derive(Debug, Default)]
struct Addresses {
    listeners: HashMap<String, mpsc::Sender<MemoryStream>>,
    wires: HashMap<(String, String), Arc<Wire>>,
}

/// What two addresses share: the state of everything between them.
#[derive(Debug, Default)]
struct Wire(Mutex<WireState>);

#[derive(Debug, Default)]
struct WireState {
    is_cut: bool,
    /// Connections of an earlier generation are broken.
    generation: u64,
    /// Everyone who waits on any connection of this wire since the last change.
    wakers: Vec<Waker>,
}

impl MemoryNetwork {
    /// Listens at `address`; an earlier listener there no longer gets connections.
    pub fn bind(&self, address: &str) -> MemoryListener {
        let (sender, accepted) = mpsc::channel(BACKLOG);
        self.0.lock().listeners.insert(address.to_owned(), sender);
        MemoryListener { accepted }
    }

    /// Connects in the name of `from`.
    pub fn connector(&self, from: &str) -> Arc<dyn Connector> {
        Arc::new(MemoryConnector { network: self.clone(), from: from.to_owned() })
    }

    /// From now on nothing passes between the two.
    pub fn cut(&self, one: &str, other: &str) {
        self.wire(one, other).change(|state| state.is_cut = true);
    }

    /// Lets everything pass again, what was under way included.
    pub fn heal(&self, one: &str, other: &str) {
        self.wire(one, other).change(|state| state.is_cut = false);
    }

    /// Breaks the connections between the two; new ones can be opened.
    pub fn reset(&self, one: &str, other: &str) {
        self.wire(one, other).change(|state| state.generation += 1);
    }

    fn wire(&self, one: &str, other: &str) -> Arc<Wire> {
        let (low, high) = if one <= other { (one, other) } else { (other, one) };
        Arc::clone(self.0.lock().wires.entry((low.to_owned(), high.to_owned())).or_default())
    }

    async fn connect(&self, from: &str, to: &str) -> io::Result<BoxedStream> {
        let wire = self.wire(from, to);
        let generation = wire.passable().await;
        let listener = self.0.lock().listeners.get(to).cloned();
        let listener = listener.ok_or(io::ErrorKind::ConnectionRefused)?;
        let (near, far) = duplex(BUFFER_BYTES);
        let end = |inner| MemoryStream { inner, wire: Arc::clone(&wire), generation };
        listener.send(end(far)).await.map_err(|_| io::ErrorKind::ConnectionRefused)?;
        Ok(Box::new(end(near)))
    }
}

impl Wire {
    fn change(&self, change: impl FnOnce(&mut WireState)) {
        let wakers = {
            let mut state = self.0.lock();
            change(&mut state);
            std::mem::take(&mut state.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Waits until the wire is not cut; its generation.
    async fn passable(&self) -> u64 {
        std::future::poll_fn(|cx| {
            let mut state = self.0.lock();
            state.watch(cx);
            if state.is_cut { Poll::Pending } else { Poll::Ready(state.generation) }
        })
        .await
    }
}

impl WireState {
    fn watch(&mut self, cx: &Context<'_>) {
        if !self.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.wakers.push(cx.waker().clone());
        }
    }
}

struct MemoryConnector {
    network: MemoryNetwork,
    from: String,
}

impl Connector for MemoryConnector {
    fn connect<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<BoxedStream>> {
        Box::pin(self.network.connect(&self.from, address))
    }
}

/// Where connections to an address arrive. Dropping it refuses further ones.
pub struct MemoryListener {
    accepted: mpsc::Receiver<MemoryStream>,
}

impl fmt::Debug for MemoryListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryListener").finish_non_exhaustive()
    }
}

impl Listener for MemoryListener {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<BoxedStream>> {
        Box::pin(async move {
            let stream = self.accepted.recv().await.ok_or(io::ErrorKind::NotConnected)?;
            Ok(Box::new(stream) as BoxedStream)
        })
    }
}

/// One end of a connection.
#[derive(Debug)]
struct MemoryStream {
    inner: DuplexStream,
    wire: Arc<Wire>,
    generation: u64,
}

impl MemoryStream {
    /// Pending while the wire is cut, an error once it was reset.
    fn poll_wire(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.wire.0.lock();
        if state.generation != self.generation {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        state.watch(cx);
        if state.is_cut { Poll::Pending } else { Poll::Ready(Ok(())) }
    }
}

impl AsyncRead for MemoryStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        std::task::ready!(self.poll_wire(cx))?;
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for MemoryStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        std::task::ready!(self.poll_wire(cx))?;
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
