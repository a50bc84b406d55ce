//! Runs a whole cluster in this process: some nodes on free ports, and a router in front of them.

use std::{
    fmt::Write,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    thread,
};

use anyhow::Context;
use ringhold_node::{Formation, Node};
use ringhold_router::Router;
use tokio_util::sync::CancellationToken;

use super::{
    parts::{self, Place},
    port,
};
use crate::settings::Settings;

/// First internal port that is tried; the following nodes try the following ports.
const NODE_PORT: u16 = 7_400;
/// The same for health and metrics.
const HEALTH_PORT: u16 = 7_480;

/// Builds nodes and router, prints where they are, and runs them until `cancel`; then they drain.
///
/// The router drains before the nodes stop, so that requests in flight are answered.
pub(super) fn run(settings: &Settings, cancel: &CancellationToken) -> anyhow::Result<()> {
    let listen = port::check_free(settings.router.listen_addr()?, "ringhold dev")?;
    let nodes = build_nodes(settings)?;
    let addresses: Vec<SocketAddr> = nodes.iter().map(|(address, _)| *address).collect();
    let seeds = addresses.iter().map(ToString::to_string).collect();
    let router = Router::build(parts::router_options(&settings.router, listen, seeds))?;
    let health = nodes.iter().map(|(_, node)| node.health_address()).collect();
    let running = Running {
        api: router.address(),
        is_encrypted: settings.router.tls.is_some(),
        data: &settings.dev.data,
        nodes: &addresses,
        health,
        has_metrics: settings.router.metrics_enabled,
    };
    println!("{}", banner(&running));
    let stop_nodes = CancellationToken::new();
    thread::scope(|scope| {
        let nodes: Vec<_> = nodes
            .into_iter()
            .map(|(address, node)| {
                let (stop, cancel) = (stop_nodes.clone(), cancel.clone());
                scope.spawn(move || {
                    // All stop together, so there is nobody to hand anything over to.
                    let ended = node
                        .run_until(CancellationToken::new(), stop)
                        .with_context(|| format!("the node at {address} failed"));
                    // A cluster that lost a node by a failure of its own is not what was asked for: stop all.
                    cancel.cancel();
                    ended
                })
            })
            .collect();
        let routed = router.run(cancel.clone());
        stop_nodes.cancel();
        let mut outcome = routed.context("the router failed");
        for node in nodes {
            outcome = outcome.and(node.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a node panicked"))));
        }
        outcome
    })
}

/// Nodes on loopback, each with a folder of its own and all with the same list of seeds.
fn build_nodes(settings: &Settings) -> anyhow::Result<Vec<(SocketAddr, Node)>> {
    let mut places = Vec::new();
    for number in 0..settings.dev.nodes {
        let folder = settings.dev.data.join(format!("node-{}", number + 1));
        places.push((folder, bind_near(NODE_PORT, number)?, bind_near(HEALTH_PORT, number)?));
    }
    let seeds =
        places.iter().map(|(_, listen, _)| Ok(listen.local_addr()?.to_string())).collect::<io::Result<Vec<_>>>()?;
    let build = |(folder, listen, health): (PathBuf, TcpListener, TcpListener)| {
        let address = listen.local_addr()?;
        let place = Place { folder, listen, health, formation: Formation::Seeds(seeds.clone()) };
        let mut options = parts::node_options(&settings.node, place);
        // They share the machine's cores with each other and the router.
        options.workers = 1;
        Ok((address, Node::build(options)?))
    };
    places.into_iter().map(build).collect()
}

/// The preferred port if it is free, so that addresses stay the same between runs; else any.
fn bind_near(first: u16, number: usize) -> anyhow::Result<TcpListener> {
    let preferred = u16::try_from(number).ok().and_then(|number| first.checked_add(number));
    let loopback = std::net::Ipv4Addr::LOCALHOST;
    let bound =
        preferred.map_or_else(|| Err(io::ErrorKind::AddrInUse.into()), |port| TcpListener::bind((loopback, port)));
    bound.or_else(|_| TcpListener::bind((loopback, 0))).context("no port can be bound on 127.0.0.1")
}

/// What runs where.
#[derive(Clone, Debug)]
pub(super) struct Running<'a> {
    /// Address that the router listens on.
    pub(super) api: SocketAddr,
    /// Whether it speaks TLS.
    pub(super) is_encrypted: bool,
    /// Folder with a folder for each node.
    pub(super) data: &'a Path,
    /// Internal addresses of the nodes.
    pub(super) nodes: &'a [SocketAddr],
    /// Health addresses of the nodes.
    pub(super) health: Vec<SocketAddr>,
    /// Whether `/metrics` is served.
    pub(super) has_metrics: bool,
}

/// What a person needs to begin.
pub(super) fn banner(running: &Running<'_>) -> String {
    let base = base_url(running.api, running.is_encrypted);
    let count = running.nodes.len();
    let nodes = running.nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let url =
        if running.api.port() == 8000 && !running.is_encrypted { String::new() } else { format!(" --url {base}") };
    let mut text = format!("Ringhold {} runs a cluster of {count} {}.\n\n", crate::build_info::VERSION, plural(count));
    let mut line = |name: &str, value: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {name:<9} {value}");
    };
    line("API", &base);
    line("Docs", &format!("{base}/docs"));
    if running.has_metrics {
        line("Metrics", &format!("{base}/metrics"));
    }
    line("Nodes", &nodes);
    line(
        "Health",
        &running.health.iter().map(|health| format!("http://{health}/health")).collect::<Vec<_>>().join(", "),
    );
    line("Data", &running.data.display().to_string());
    line("Try", &format!("ringhold{url} set greeting hello && ringhold{url} get greeting"));
    text.push_str("\nStop it with Ctrl-C. What is in memory is gone then; the configuration stays.\n");
    text
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "node" } else { "nodes" }
}

/// An address that a browser on this machine can open. Of the loopback addresses, only the first one is `localhost`.
fn base_url(api: SocketAddr, is_encrypted: bool) -> String {
    let scheme = if is_encrypted { "https" } else { "http" };
    match api.ip() {
        ip if ip == Ipv4Addr::LOCALHOST || ip == Ipv6Addr::LOCALHOST || ip.is_unspecified() => {
            format!("{scheme}://localhost:{}", api.port())
        }
        IpAddr::V4(ip) => format!("{scheme}://{ip}:{}", api.port()),
        IpAddr::V6(ip) => format!("{scheme}://[{ip}]:{}", api.port()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banner_says_where_everything_is_and_how_to_stop() {
        let nodes = ["127.0.0.1:7401".parse().unwrap(), "127.0.0.1:7402".parse().unwrap()];
        let running = Running {
            api: "0.0.0.0:9000".parse().unwrap(),
            is_encrypted: false,
            data: Path::new("./ringhold-data"),
            nodes: &nodes,
            health: vec!["127.0.0.1:7480".parse().unwrap()],
            has_metrics: true,
        };
        let text = banner(&running);
        for part in [
            "a cluster of 2 nodes",
            "http://localhost:9000\n",
            "http://localhost:9000/docs",
            "http://localhost:9000/metrics",
            "127.0.0.1:7401, 127.0.0.1:7402",
            "./ringhold-data",
            "ringhold --url http://localhost:9000 set greeting hello",
            "Ctrl-C",
        ] {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
        assert!(banner(&Running { is_encrypted: true, ..running.clone() }).contains("--url https://localhost:9000"));
        assert!(!banner(&Running { has_metrics: false, ..running }).contains("/metrics"));
    }

    #[test]
    fn only_what_localhost_stands_for_is_called_so() {
        for (address, url) in [
            ("127.0.0.1:1", "http://localhost:1"),
            ("[::1]:1", "http://localhost:1"),
            ("0.0.0.0:1", "http://localhost:1"),
            ("[::]:1", "http://localhost:1"),
            ("127.0.0.2:1", "http://127.0.0.2:1"),
            ("192.0.2.7:1", "http://192.0.2.7:1"),
            ("[2001:db8::7]:1", "http://[2001:db8::7]:1"),
        ] {
            assert_eq!(base_url(address.parse().unwrap(), false), url);
        }
    }
}
