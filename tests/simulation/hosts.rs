//! The machines: each has a runtime of its own with a clock of its own that only goes on when the simulation says so.
//!
//! One thread runs them one after the other, a millisecond each, so that the order of everything follows from the seed. A machine
//! whose turn is left out stands still while time goes on (what SIGSTOP does); one whose runtime is dropped has crashed.

use std::{future::Future, time::Duration};

use tokio::{
    runtime::{Builder, Runtime},
    time,
};

/// How long a machine runs before it is another's turn. Messages take at least as long, so the order of turns cannot be seen.
pub(crate) const TURN_MS: u64 = 1;

/// Its place in the list of machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HostId(pub(crate) usize);

#[derive(Default)]
struct Host {
    /// `None`: it does not run.
    runtime: Option<Runtime>,
    /// Until when it has run.
    ran_until_ms: u64,
    is_paused: bool,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Hosts(Vec<Host>);

impl Hosts {
    /// One more machine, which does not run yet.
    pub(crate) fn add(&mut self) -> HostId {
        self.0.push(Host::default());
        HostId(self.0.len() - 1)
    }

    /// Starts `software` on a machine that does not run.
    pub(crate) fn start(&mut self, id: HostId, now_ms: u64, software: impl Future<Output = ()> + Send + 'static) {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime without threads and files can be made");
        runtime.spawn(software);
        self.0[id.0] = Host { runtime: Some(runtime), ran_until_ms: now_ms, is_paused: false };
    }

    /// Starts something more on a machine that runs.
    pub(crate) fn spawn(&self, id: HostId, software: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.0[id.0].runtime {
            runtime.spawn(software);
        }
    }

    /// Everything in the machine's memory is gone.
    pub(crate) fn crash(&mut self, id: HostId) {
        self.0[id.0] = Host::default();
    }

    pub(crate) fn set_paused(&mut self, id: HostId, is_paused: bool) {
        self.0[id.0].is_paused = is_paused;
    }

    pub(crate) fn is_paused(&self, id: HostId) -> bool {
        self.0[id.0].is_paused
    }

    /// Gives every machine its turn, until `until_ms`. One that stood still finds that so much later all at once.
    pub(crate) fn run_until(&mut self, until_ms: u64) {
        for host in self.0.iter_mut().filter(|host| !host.is_paused) {
            let Some(runtime) = &host.runtime else { continue };
            let missed_ms = (until_ms - host.ran_until_ms).saturating_sub(TURN_MS);
            runtime.block_on(async {
                if missed_ms > 0 {
                    time::advance(Duration::from_millis(missed_ms)).await;
                }
                time::sleep(Duration::from_millis(TURN_MS)).await;
            });
            host.ran_until_ms = until_ms;
        }
    }
}
