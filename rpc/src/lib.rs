//! The one way a Ringhold process calls another: framing, connections, deadlines, retry.
//!
//! ```text
//!  Caller ──► Link (calls, queued frames) ──► connection task ══ TCP ══► session task ──► Service
//!    ▲                                        one write a batch          one write a batch
//!    └────────────── reply: a slice of the read buffer ◄──────────────────────┘
//! ```
//!
//! One connection carries any number of calls in any order. On each side one task owns it: it decodes everything that has
//! arrived, handles it, and writes everything that became ready in one go. What a call's failure says about its execution is
//! in [`CallError`]. Deliberately absent: what the calls mean (`ringhold_model::wire`) and any repetition of a call: only
//! the caller knows whether a repetition is safe.
//!
//! Reading order: `deadline` → `error` → `frame` → `hello` → `transport` → `caller` → `link` → `connection` → `pool` →
//! `serve` → `session` → `listen` → `memory`.

mod alarm;
mod backoff;
mod caller;
mod calls;
mod connection;
mod deadline;
mod encode;
mod error;
mod frame;
mod hello;
mod link;
mod listen;
pub mod memory;
mod pipe;
mod pool;
mod serve;
mod session;
mod silence;
mod transport;

pub use backoff::Backoff;
pub use caller::{Caller, CallerOptions};
pub use deadline::Deadline;
pub use encode::encode_onto;
pub use error::CallError;
pub use frame::FRAME_BYTES_MAX;
pub use hello::{Hello, Refusal, Welcome, accept_hello};
pub use link::{PendingCall, Progress};
pub use listen::{Listener, ServeOptions, serve_listener};
pub use pool::{Callers, CallersOptions};
pub use serve::{Call, Handled, LaterReply, ReplyBuffer, ServeLimits, Service, serve_connection};
pub use transport::{BoxedStream, Connector, Stream, TcpConnector};
