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
    let place = Place {
        folder: settings.data.clone(),
        listen,
        health,
        formation: formation(&settings.seeds, &settings.join, &advertise),
    };
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

/// With both lists, whoever is on the list of seeds forms the cluster with the others on it, and whoever is not joins: so
/// that all can be started alike.
fn formation(seeds: &[String], join: &[String], advertise: &str) -> Formation {
    let is_seed = seeds.iter().any(|seed| seed == advertise);
    match (seeds, join) {
        ([], []) => Formation::Alone,
        (_, [_, ..]) if !is_seed => Formation::Join(join.to_vec()),
        _ => Formation::Seeds(seeds.to_vec()),
    }
}

/// The advertised address; its port 0 stands for the port that was bound.
fn advertised(wanted: &str, listen: &std::net::TcpListener) -> anyhow::Result<String> {
    Ok(match wanted.strip_suffix(":0") {
        Some(host) => format!("{host}:{}", listen.local_addr()?.port()),
        None => wanted.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_nodes_that_are_started_alike_the_seeds_form_the_cluster_and_the_others_join() {
        let seeds = ["a:1".to_owned(), "b:1".to_owned()];
        let formed = |seeds: &[String], join: &[String], me| format!("{:?}", formation(seeds, join, me));
        assert!(formed(&seeds, &seeds, "b:1").starts_with("Seeds"));
        assert!(formed(&seeds, &seeds, "c:1").starts_with("Join"));
        assert!(formed(&seeds, &[], "c:1").starts_with("Seeds"), "the node itself says what is wrong with it");
        assert!(formed(&[], &seeds, "a:1").starts_with("Join"));
        assert!(formed(&[], &[], "a:1").starts_with("Alone"));
    }
}
