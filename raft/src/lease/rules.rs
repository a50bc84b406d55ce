//! Which rules hold.

/// The rules of leases, each of which a simulation can break to see that it finds out. A real node keeps them all.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a rule of its own")]
pub struct Rules {
    /// A lease counts from when it was asked for, and both sides allow for the other's clock. Broken: the node counts from
    /// when the answer arrived, and neither allows for anything.
    pub l1: bool,
    /// A lease is granted only after a majority confirmed the leader, in a round that began after the request arrived.
    pub l2: bool,
    /// A new leader does nothing before it applied what its log held.
    pub l3: bool,
    /// Whom something is being taken from gets no lease until it is taken.
    pub l4: bool,
    /// A lease goes only to a node that acts by what concerns it.
    pub l5: bool,
    /// A new leader waits for the end of leases that earlier ones gave.
    pub l6: bool,
    /// A leader that stood still starts all waits anew.
    pub l7: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { l1: true, l2: true, l3: true, l4: true, l5: true, l6: true, l7: true }
    }
}
