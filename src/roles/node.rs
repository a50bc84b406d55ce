//! Runs one node until it is told to stop.

use ringhold_node::{Formation, Node};
use tokio_util::sync::CancellationToken;

use super::parts::{self, Place};
use crate::settings::NodeSettings;

/// Builds the node, announces where it listens, and runs it until `cancel`; then it hands over what it holds, and drains.
pub(super) fn run(settings: &NodeSettings, cancel: &CancellationToken) -> anyhow::Result<()> {
    let listen = parts::bind(&settings.listen, "internal address")?;
    let health = parts::bind(&settings.health_listen, "health address")?;
    let advertise = advertised(&settings.advertise, &listen)?;
    let place = Place { folder: settings.data.clone(), listen, health, formation: formation(settings) };
    let mut options = parts::node_options(settings, place);
    options.advertise = Some(advertise.clone());
    options.advertise_health.clone_from(&settings.advertise_health);
    let node = Node::build(options)?;
    tracing::info!(
        node.address = advertise,
        health = %node.health_address(),
        data = %settings.data.display(),
        "the node listens"
    );
    node.run(cancel.clone())?;
    Ok(())
}

fn formation(settings: &NodeSettings) -> Formation {
    match (&settings.seeds[..], &settings.join[..]) {
        (_, [_, ..]) => Formation::Join(settings.join.clone()),
        ([_, ..], []) => Formation::Seeds(settings.seeds.clone()),
        ([], []) => Formation::Alone,
    }
}

/// The advertised address; its port 0 stands for the port that was bound.
fn advertised(wanted: &str, listen: &std::net::TcpListener) -> anyhow::Result<String> {
    Ok(match wanted.strip_suffix(":0") {
        Some(host) => format!("{host}:{}", listen.local_addr()?.port()),
        None => wanted.to_owned(),
    })
}
