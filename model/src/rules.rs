//! Rules of the data plane that a simulation breaks, one at a time, to see that it would find out.
//!
//! For a whole process, because each simulated run has its own. In release builds every rule holds, and asking costs nothing.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// One rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// L8: a read is answered only under a lease.
    ReadUnderLease,
    /// L8: a write begins only under a lease.
    WriteUnderLease,
    /// S1: an effect counts as held by a member when that says so, not when it was sent.
    AckBeforeCommit,
    /// S1: messages of another epoch are refused.
    Fencing,
    /// S2: what is removed by tag or pattern is removed at the copies, too.
    RemovalsTravel,
    /// S4: a write that is sent again is answered and not done again.
    KnownOperations,
    /// S4: copies know what became of operations.
    OperationsTravel,
    /// S5: a write is answered when all members hold it.
    AnswerAfterCommit,
    /// S5: a primary shows nothing that is not committed.
    PrimaryHides,
    /// S5: a copy answers nothing of a key with an uncommitted effect.
    CopyHides,
    /// C1: a copy is in sync only when all of it was filled and found equal.
    CompleteBeforeInSync,
    /// C1: a copy that is complete has to acknowledge before it is in sync.
    CompleteAcknowledges,
    /// C2: a new primary asks all members for what they have.
    Promises,
    /// C3: a copy stops serving before it is taken out.
    Retire,
    /// C5: a process takes no role that a former one had.
    Incarnation,
    /// E2: an eviction is an effect, so that copies agree.
    EvictionsTravel,
    /// O1: copies are silent while a space is cleared.
    Silence,
    /// O1: a clear is answered when everyone who serves acts by it.
    Barrier,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::ReadUnderLease,
        Self::WriteUnderLease,
        Self::AckBeforeCommit,
        Self::Fencing,
        Self::RemovalsTravel,
        Self::KnownOperations,
        Self::OperationsTravel,
        Self::AnswerAfterCommit,
        Self::PrimaryHides,
        Self::CopyHides,
        Self::CompleteBeforeInSync,
        Self::CompleteAcknowledges,
        Self::Promises,
        Self::Retire,
        Self::Incarnation,
        Self::EvictionsTravel,
        Self::Silence,
        Self::Barrier,
    ];

    /// Whether it holds.
    #[inline]
    pub fn holds(self) -> bool {
        !cfg!(debug_assertions) || BROKEN.load(Relaxed) & self.bit() == 0
    }

    /// From now on it does not hold in this process.
    pub fn break_it(self) {
        BROKEN.fetch_or(self.bit(), Relaxed);
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// A bit for each rule that does not hold.
static BROKEN: AtomicU32 = AtomicU32::new(0);
