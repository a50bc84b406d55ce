//! What happened, in its order: a hash of all of it, and the lines that are worth reading.

use std::{fmt, fmt::Write as _, sync::Arc};

use parking_lot::Mutex;
use xxhash_rust::xxh3::Xxh3;

/// Shared by everyone in one simulation.
#[derive(Clone, Default)]
pub(crate) struct Trace(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    hash: Xxh3,
    line: String,
    /// `None`: nobody wants to read.
    is_shown: bool,
}

impl Trace {
    /// `is_shown`: lines are printed as they come.
    pub(crate) fn new(is_shown: bool) -> Self {
        Self(Arc::new(Mutex::new(State { is_shown, ..State::default() })))
    }

    /// Something happened; too much of it to be shown.
    pub(crate) fn note(&self, now_ms: u64, what: &str, details: &impl fmt::Debug) {
        self.0.lock().take(now_ms, what, details);
    }

    /// Something happened that is worth a line.
    pub(crate) fn tell(&self, now_ms: u64, what: &str, details: &impl fmt::Debug) {
        let mut state = self.0.lock();
        state.take(now_ms, what, details);
        if state.is_shown {
            println!("{}", state.line);
        }
    }

    /// Equal for equal traces.
    pub(crate) fn hash(&self) -> u64 {
        self.0.lock().hash.digest()
    }
}

impl State {
    fn take(&mut self, now_ms: u64, what: &str, details: &impl fmt::Debug) {
        self.line.clear();
        // A string takes everything.
        let _ = write!(self.line, "{now_ms:>6} {what} {details:?}");
        self.hash.update(self.line.as_bytes());
    }
}
