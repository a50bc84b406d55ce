//! A network that can be broken: everything that processes say to a node goes through a proxy in the test's process.
//!
//! ```text
//!  node 0 ──┐                         ┌── rule 0→1 ──►┐
//!  node 2 ──┼──► address that node 1 ─┤               ├──► address that node 1
//!  router ──┘    tells to everybody   └◄── rule 1→0 ──┘    listens on
//! ```
//!
//! Rules hold for a directed pair of parties and for all connections between them, whoever opened them. Who opens a
//! connection is found by the owner of the socket at its other end ([`owner`]), so the proxy knows nothing of the protocol.

mod owner;
mod pipe;
pub mod rule;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use rule::{Party, Rule};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// Pause after a connection could not be taken.
const PAUSE: Duration = Duration::from_millis(10);

/// The proxies of all nodes, in a thread of their own. They end with this value.
#[derive(Debug)]
pub struct Network {
    shared: Arc<Shared>,
    runtime: tokio::runtime::Handle,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Who runs as which process.
    processes: Mutex<HashMap<u32, Party>>,
    /// Where nodes listen behind their proxies.
    behind: Mutex<HashMap<Party, SocketAddr>>,
    rules: Mutex<HashMap<(Party, Party), watch::Sender<Rule>>>,
}

impl Shared {
    fn rule(&self, from: Party, to: Party) -> watch::Receiver<Rule> {
        lock(&self.rules).entry((from, to)).or_insert_with(|| watch::Sender::new(Rule::Pass)).subscribe()
    }
}

impl Network {
    pub fn start() -> Self {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let handle = runtime.handle().clone();
        let thread = std::thread::spawn(move || runtime.block_on(stopped.cancelled()));
        Self { shared: Arc::default(), runtime: handle, stop, thread: Some(thread) }
    }

    /// Lets `advertised` lead to a node, which listens at `listen`. May be called again when that changes.
    pub fn add_node(&self, node: usize, advertised: SocketAddr, listen: SocketAddr) {
        let to = Party::Node(node);
        if lock(&self.shared.behind).insert(to, listen).is_some() {
            return;
        }
        let (shared, stop) = (Arc::clone(&self.shared), self.stop.clone());
        let listener = std::net::TcpListener::bind(advertised).expect("the address is free");
        listener.set_nonblocking(true).expect("a socket can be set so");
        // It ends with the network's runtime.
        self.runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).expect("the runtime runs");
            stop.run_until_cancelled(serve(&shared, to, listener)).await;
        });
    }

    /// Tells which process a party is. To be called again for every process of it.
    pub fn is_process(&self, party: Party, process: u32) {
        let mut processes = lock(&self.shared.processes);
        processes.retain(|_, other| *other != party);
        processes.insert(process, party);
    }

    /// What holds from now on for what `from` says to `to`.
    pub fn set(&self, from: Party, to: Party, rule: Rule) {
        let mut rules = lock(&self.shared.rules);
        rules.entry((from, to)).or_insert_with(|| watch::Sender::new(Rule::Pass)).send_replace(rule);
    }

    /// The same in both directions.
    pub fn set_both(&self, one: Party, other: Party, rule: Rule) {
        self.set(one, other, rule);
        self.set(other, one, rule);
    }

    /// Lets nothing pass between the two sides, in either direction.
    pub fn cut(&self, one: &[Party], other: &[Party]) {
        for a in one {
            other.iter().for_each(|b| self.set_both(*a, *b, Rule::Hold));
        }
    }

    /// Everything passes again; what was held is delivered, as TCP does.
    pub fn heal(&self) {
        for rule in lock(&self.shared.rules).values() {
            rule.send_replace(Rule::Pass);
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic was shown already.
            let _ = thread.join();
        }
    }
}

/// Takes connections for one node, for ever.
async fn serve(shared: &Arc<Shared>, to: Party, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((near, peer)) = listener.accept().await else {
            // Most likely there are too many open files; some will be closed.
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        connections.spawn(pass(Arc::clone(shared), to, near, peer));
    }
}

/// Carries one connection to its end.
async fn pass(shared: Arc<Shared>, to: Party, near: TcpStream, peer: SocketAddr) {
    let (processes, local) = (lock(&shared.processes).clone(), near.local_addr().expect("it is connected"));
    // Reading `/proc` takes long enough to hold up what other connections carry.
    let owner = tokio::task::spawn_blocking(move || owner::of(peer, local, &processes));
    let Ok(Some(from)) = owner.await else { return };
    let listen = lock(&shared.behind).get(&to).copied().expect("it was added");
    let (there, back) = (shared.rule(from, to), shared.rule(to, from));
    pipe::connect(near, listen, there, back).await;
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
