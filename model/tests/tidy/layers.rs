//! Dependencies point downward: raft, node, router -> rpc -> model; node and router never meet.

use std::{collections::BTreeSet, fs};

use super::root;

/// Names of everything that a member depends on, in any kind of dependency table.
fn dependencies(member: &str) -> BTreeSet<String> {
    let path = root().join(member).join("Cargo.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
    let mut names = BTreeSet::new();
    let mut in_table = false;
    for line in text.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            let (_, last) = header.rsplit_once('.').unwrap_or(("", header));
            in_table = last.ends_with("dependencies") && header != "workspace.dependencies";
            // `[dependencies.name]`
            if let Some((_, name)) = header.split_once("dependencies.").filter(|_| !header.starts_with("workspace")) {
                names.insert(name.to_owned());
            }
        } else if let Some((key, value)) = line.split_once('=').filter(|_| in_table && !line.starts_with('#')) {
            names.insert(key.split('.').next().unwrap_or(key).trim().to_owned());
            // `alias = { package = "name" }`
            let package = value.split_once("package").and_then(|(_, rest)| rest.split('"').nth(1));
            names.extend(package.map(str::to_owned));
        }
    }
    names
}

fn assert_none_of(member: &str, banned: &[&str], why: &str) {
    let dependencies = dependencies(member);
    let found: Vec<_> = banned.iter().filter(|name| dependencies.contains(**name)).collect();
    assert!(found.is_empty(), "{member}/Cargo.toml depends on {found:?}: {why}");
}

#[test]
fn the_reader_of_manifests_sees_what_is_there() {
    assert!(dependencies("model").contains("consistent_hash_ring"));
    assert!(dependencies("model").contains("proptest"), "tests count too");
    assert!(dependencies("raft").contains("openraft"));
    assert!(!dependencies("").contains("openraft"), "a version in the workspace's list is not a dependency");
}

#[test]
fn only_raft_knows_openraft_and_its_stores() {
    for member in ["", "model", "rpc", "node", "router"] {
        assert_none_of(member, &["openraft", "sled", "redb"], "only ringhold-raft may know them");
    }
}

#[test]
fn the_model_has_no_runtime_and_no_network() {
    let banned =
        ["tokio", "tokio-util", "hyper", "hyper-util", "axum", "reqwest", "tower", "tower-http", "socket2", "rand"];
    assert_none_of("model", &banned, "the model is plain functions, without runtime, IO, clock or randomness");
    let ours = ["ringhold-rpc", "ringhold-raft", "ringhold-node", "ringhold-router"];
    assert_none_of("model", &ours, "the model is below everything");
}

#[test]
fn the_crates_depend_downward_only() {
    assert_none_of("rpc", &["ringhold-raft", "ringhold-node", "ringhold-router"], "rpc knows the model alone");
    assert_none_of("raft", &["ringhold-node", "ringhold-router"], "raft is below node");
    assert_none_of("node", &["ringhold-router"], "node and router never meet");
    assert_none_of("router", &["ringhold-node", "ringhold-raft"], "node and router never meet");
}

#[test]
fn what_talks_to_people_stays_in_the_binary() {
    for member in ["model", "rpc", "raft", "node", "router"] {
        assert_none_of(member, &["clap", "anyhow"], "they belong to the binary; libraries have typed errors");
    }
}
