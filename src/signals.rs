//! Signals that ask the process to stop: the first one drains, the second one ends it at once.

use std::{io, process, thread};

use anyhow::Context;
use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

/// Exit code after the second signal: 128 plus the number of SIGINT, as shells expect.
const INTERRUPTED: i32 = 130;

/// A token that is cancelled by the first SIGINT or SIGTERM.
///
/// The waiting thread has its own runtime, so that a second signal is obeyed whatever the others are busy with. It lives
/// as long as the process and is joined by nobody.
pub(crate) fn watch() -> anyhow::Result<CancellationToken> {
    let cancel = CancellationToken::new();
    let runtime =
        runtime::Builder::new_current_thread().enable_all().build().context("signals cannot be waited for")?;
    let mut signals = {
        let _entered = runtime.enter();
        Signals::install().context("signals cannot be handled")?
    };
    let token = cancel.clone();
    let wait = move || {
        let name = runtime.block_on(signals.next());
        tracing::info!("{name} received: draining; a second signal stops at once");
        token.cancel();
        let name = runtime.block_on(signals.next());
        tracing::warn!("{name} received again: stopping at once");
        process::exit(INTERRUPTED)
    };
    thread::Builder::new().name("signals".to_owned()).spawn(wait).context("the thread that waits for signals")?;
    Ok(cancel)
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn install() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Name of the next one.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}
