//! What runs on machines: nodes and routers, each process built from the real parts.

use std::sync::Arc;

use ringhold_model::{NodeId, RouterId, wire::Channel};
use ringhold_node::simulated::Simulated as NodeProcess;
use ringhold_raft::{
    Handle, Timings,
    lease::Rules,
    simulated::{Options, Simulated as ControlProcess},
};
use ringhold_router::simulated::Client;
use ringhold_rpc::{
    BoxedStream, Connector, Deadline, Hello, Listener as _, ServeLimits, Service, Welcome, accept_hello,
    serve_connection,
};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    authority::{AUTHORITY, CLUSTER},
    hosts::HostId,
    net::{Net, SimulatedListener},
};

/// A peer has so long to introduce itself.
const HELLO_MAX: Duration = Duration::from_secs(2);

/// Where a machine is reached; its number is part of it.
pub(crate) fn address(host: HostId) -> String {
    format!("machine:{}", host.0)
}

/// One process of a node, from outside.
#[derive(Clone)]
pub(crate) struct Process {
    pub(crate) control: Handle,
    pub(crate) node: NodeProcess,
}

/// A node's machine and what is on its disk.
pub(crate) struct NodeMachine {
    pub(crate) host: HostId,
    /// Its id, which it keeps.
    pub(crate) id: NodeId,
    pub(crate) birth: u64,
    pub(crate) boot: u64,
    /// While it runs.
    pub(crate) process: Option<Process>,
}

/// A process of a node and what its machine has to run for it.
pub(crate) fn node(
    machine: &NodeMachine,
    net: &Net,
    authority: HostId,
    (timings, rules): (Timings, Rules),
) -> (Process, impl Future<Output = ()> + Send + 'static) {
    let connector = net.connector(machine.host);
    let options = Options {
        cluster: CLUSTER,
        node: machine.id,
        birth: machine.birth,
        boot: machine.boot,
        address: address(machine.host),
        zone: String::new(),
        proposer: machine.id.0 << 32 | machine.boot,
        authority: (AUTHORITY, address(authority)),
        timings,
        rules,
    };
    let control = ControlProcess::new(options, Arc::clone(&connector));
    let process = Process { control: control.handle(), node: NodeProcess::new(control.handle()) };
    let listener = net.listen(machine.host, &address(machine.host));
    let running = run_node(control, process.node.clone(), machine.id, listener, connector);
    (process, running)
}

async fn run_node(
    control: ControlProcess,
    node: NodeProcess,
    id: NodeId,
    listener: SimulatedListener,
    connector: Arc<dyn Connector>,
) {
    let cancel = CancellationToken::new();
    let served = serve(listener, id, control.service(), node.service());
    tokio::join!(control.run(), node.run(connector, &cancel), served);
}

async fn serve(mut listener: SimulatedListener, id: NodeId, control: Arc<dyn Service>, data: Arc<dyn Service>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok(stream) => drop(connections.spawn(connection(stream, id, Arc::clone(&control), Arc::clone(&data)))),
                Err(_) => return,
            },
        }
    }
}

async fn connection(stream: BoxedStream, id: NodeId, control: Arc<dyn Service>, data: Arc<dyn Service>) {
    let welcome = |hello: &Hello| {
        let welcome = Welcome { cluster: CLUSTER, node: Some(id) };
        welcome.check(hello).map(|()| welcome)
    };
    let Ok((stream, hello)) = accept_hello(stream, welcome, Deadline::after(HELLO_MAX)).await else { return };
    let service = match hello.channel {
        Channel::Data => data,
        Channel::Control => control,
    };
    // Why a connection ended is seen by its other end.
    drop(serve_connection(stream, hello, service, ServeLimits::default(), CancellationToken::new()).await);
}

/// A router's machine.
pub(crate) struct RouterMachine {
    pub(crate) host: HostId,
    pub(crate) client: Arc<Client>,
}

/// A router, and what its machine has to run for it. `seeds` are addresses of nodes.
pub(crate) fn router(
    host: HostId,
    number: u64,
    net: &Net,
    seeds: Vec<String>,
) -> (RouterMachine, impl Future<Output = ()> + Send + 'static) {
    let client = Arc::new(Client::new(RouterId(number), net.connector(host)));
    let following = Arc::clone(&client);
    let running = async move { following.watch(seeds, CancellationToken::new()).await };
    (RouterMachine { host, client }, running)
}
