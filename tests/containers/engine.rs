//! The container engine: one test at a time, and the images that all of them use.

use std::{
    path::Path,
    process::{Command, Output},
    sync::OnceLock,
    time::Instant,
};

use tokio::sync::{Mutex, MutexGuard};

/// What `deploy/base` makes.
pub(crate) const BASE: &str = "ringhold-base:local";
pub(crate) const BALANCER: &str = "ringhold-haproxy:local";
/// The image under test: the binary of this build.
pub(crate) const IMAGE: &str = "ringhold:under-test";

/// Held by the test that has the machine.
static MACHINE: Mutex<()> = Mutex::const_new(());

/// The engine, for one test.
pub(crate) struct Engine {
    since: Instant,
    _machine: MutexGuard<'static, ()>,
}

impl Drop for Engine {
    fn drop(&mut self) {
        println!("  the test had the machine for {:.1} s", self.since.elapsed().as_secs_f64());
    }
}

impl Engine {
    /// The engine with the images.
    pub(crate) async fn take() -> Self {
        static PREPARED: OnceLock<()> = OnceLock::new();
        let (machine, since) = (MACHINE.lock().await, Instant::now());
        PREPARED.get_or_init(build_images);
        Self { since, _machine: machine }
    }
}

/// Runs a program of this machine; fails the test when it fails.
pub(crate) fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } =
        command.output().unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}: {status}\n{stdout}\n{stderr}");
    stdout.into_owned()
}

/// `docker` with arguments.
pub(crate) fn docker(arguments: &[&str]) -> String {
    run(Command::new("docker").args(arguments))
}

/// Where the repository lies.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn build_images() {
    docker(&["version"]);
    let is_there = |image: &str| !docker(&["image", "ls", "--quiet", image]).trim().is_empty();
    if !is_there(BASE) || !is_there(BALANCER) {
        run(Command::new(repository().join("deploy/base")).arg("haproxy"));
    }
    // The context holds what the Dockerfile takes from it, and not the whole repository with its outputs.
    let context = tempfile::TempDir::new().expect("a temporary folder");
    let (data, binary) = (context.path().join("deploy/data"), context.path().join("ringhold"));
    std::fs::create_dir_all(&data).expect("the folder can be made");
    std::fs::copy(repository().join("deploy/data/README"), data.join("README")).expect("the data folder is there");
    std::fs::copy(env!("CARGO_BIN_EXE_ringhold"), binary).expect("the binary is there");
    let dockerfile = repository().join("deploy/Dockerfile");
    let (dockerfile, context) = (dockerfile.to_string_lossy(), context.path().to_string_lossy());
    let base = format!("BASE={BASE}");
    let arguments = ["build", "--file", &dockerfile, "--tag", IMAGE, "--target", "host", "--build-arg", &base];
    docker(&[&arguments[..], &["--build-arg", "BINARY=ringhold", &context]].concat());
}
