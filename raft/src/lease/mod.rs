//! Leases: who may serve, decided without a clock, without IO and without openraft (rules L1 to L7 of the data plane).
//!
//! ```text
//! node:    Holder    until when it may serve, by its own clock
//! leader:  LeaseBook who holds, who may get one, whose has surely ended ──→ Leases, for the leader's duties
//! voter:   Followed  how long it did not follow an earlier leader
//! ```
//!
//! A lease is the right to serve what the state gives to a node. The leader counts it longer than the node does, so that what
//! the leader takes for ended has ended. Only after that it takes roles from the node without asking it.

mod account;
mod book;
mod followed;
mod holder;
mod margin;
mod quarrel;
mod rules;
mod standing;
mod succession;
mod taking;
#[cfg(test)]
mod tests;

pub use book::{Admission, Beginning, LeaseBook, Taking};
pub use followed::Followed;
pub use holder::Holder;
pub use rules::Rules;
pub use standing::{Leases, Standing};
pub use taking::taken_from;
