//! One range at one node: role, history of effects, what members have, remembered results. Plain code without IO, clock or
//! locks; the engine holds it under the shard's lock, and the links carry what it has to say. The protocol: docs/adr/0005.
//!
//! Knows nothing of tables, blocks and connections: an effect is whatever the engine makes it.

mod follow;
mod lead;
pub mod message;
mod operations;
mod range;

pub use follow::{Placed, Refusal};
pub use lead::{Addressee, Next, Wish};
pub use operations::{Admission, OpResult, Operations};
pub use range::{Entry, Keyed, Output, Range, Role, Submitted, TAIL_MAX};
