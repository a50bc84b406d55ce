//! What this node says, as a primary, to the members of its ranges: one task a peer, on a thread of their own.
//!
//! ```text
//!  worker: write ─► engine ── wake(peer) ──► peer's task ── Replicate, a few in flight, in order ──► peer: engine
//!     ▲                                          │                                                       │
//!     └── committed ◄── engine ◄── answers ◄─────┴───────────────────────────────────────────────────────┘
//! ```
//!
//! What is sent is decided by the engine whenever there is room in a peer's window, so that a busy range fills large
//! messages by itself and a quiet one waits for nothing. The tasks know of connections, failures and pace, and nothing of
//! ranges. Whoever cannot be reached is told to the control plane, whose leader takes its roles away.

mod bucket;
mod peer;
mod reach;
mod run;
mod wakes;

pub(crate) use reach::Reach;
pub(crate) use run::{Links, speak};
pub(crate) use wakes::Wakes;
