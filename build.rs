//! Tells the tests which servers are installed, so that those which need a missing one are shown as ignored, with the reason. With
//! `RINGHOLD_REQUIRE_TOOLS=1`, none is ignored, and a missing server fails its tests.

use std::{env, path::Path};

const SERVERS: [(&str, &str); 2] = [("redis-server", "has_redis"), ("memcached", "has_memcached")];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=PATH");
    println!("cargo::rerun-if-env-changed=RINGHOLD_REQUIRE_TOOLS");
    let are_required = env::var("RINGHOLD_REQUIRE_TOOLS").is_ok_and(|value| value == "1");
    let path = env::var_os("PATH").unwrap_or_default();
    for (server, cfg) in SERVERS {
        println!("cargo::rustc-check-cfg=cfg({cfg})");
        // A place where it may be installed later.
        println!("cargo::rerun-if-changed=/usr/bin/{server}");
        if are_required || env::split_paths(&path).any(|folder| Path::new(&folder).join(server).is_file()) {
            println!("cargo::rustc-cfg={cfg}");
        }
    }
}
