//! Who calls, and whether the call is theirs to make.
//!
//! ```text
//! request ─▶ need (what the route asks for) ─▶ credential (key or token) ─▶ keys · token ─▶ grant ─▶ handler
//! ```
//!
//! Deny by default: a route that `need` does not name is for admins. Keys come from the replicated state, so that they hold
//! and end on all routers alike; their texts are compared as hashes, in constant time. Every credential that does not let in
//! gets the same answer, whatever is wrong with it. Knows nothing of what the calls do.

mod credential;
mod gate;
mod grant;
mod keys;
mod need;
mod secret;
mod token;

pub(crate) use gate::{Gate, Verdict};
pub(crate) use grant::{check_key, grant};
pub(crate) use keys::Keys;
#[cfg(test)]
pub(crate) use need::Scope;
pub(crate) use need::{Need, Reach, need};
pub use secret::Secret;
pub(crate) use secret::{hash, id_text, new_id, new_text, parse_id};
