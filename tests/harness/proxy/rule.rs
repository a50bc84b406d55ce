//! Who talks, and what becomes of it.

use std::time::Duration;

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Party {
    /// A node, by its number in the fleet.
    Node(usize),
    /// A router, by its number in the fleet.
    Router(usize),
    /// The test itself, or whoever else.
    Other,
}

/// What becomes of what one party says to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    #[default]
    Pass,
    /// Nothing arrives; it is delivered when the rule ends, as TCP does after a partition. Connections stay open, new ones
    /// seem to open.
    Hold,
    /// What is said is lost, and the connection breaks when the rule ends.
    Lose,
    /// Connections break at once.
    Reset,
    /// Everything arrives so much later, and by up to `jitter` more.
    Delay { by: Duration, jitter: Duration },
}
