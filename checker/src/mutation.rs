//! Rules broken one at a time.

use crate::{model::Scenario, scenario};

impl Mutation {
    /// The rule of the protocol that is broken.
    pub fn rule(self) -> &'static str {
        self.about()[0]
    }

    /// The scenario that shows it by a short trace.
    pub fn scenario(self) -> &'static Scenario {
        scenario::named(self.about()[1]).expect("a test looks every mutation's scenario up")
    }

    /// What is done wrong.
    pub fn wrong(self) -> &'static str {
        self.about()[2]
    }

    /// Whether the promise holds all the same.
    pub fn is_harmless(self) -> bool {
        Self::HARMLESS.contains(&self)
    }

    /// The mutation of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::CAUGHT.iter().chain(Self::HARMLESS).copied().find(|mutation| format!("{mutation:?}") == name)
    }
}

macro_rules! mutations {
    (
        caught { $($caught:ident: $($about:literal),+;)* }
        harmless { $($harmless:ident: $($reason:literal),+;)* }
    ) => {
        /// One way of getting the protocol wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Mutation {
            $(#[doc = concat!($($about, " "),+)] $caught,)*
            $(#[doc = concat!($($reason, " "),+)] $harmless,)*
        }

        impl Mutation {
            /// Those that break the promise.
            pub const CAUGHT: &[Self] = &[$(Self::$caught,)*];

            /// Those that one might expect to break it, and that do not.
            pub const HARMLESS: &[Self] = &[$(Self::$harmless,)*];

            /// Rule, scenario, what is done wrong.
            fn about(self) -> [&'static str; 3] {
                match self {
                    $(Self::$caught => [$($about),+],)*
                    $(Self::$harmless => [$($reason),+],)*
                }
            }
        }
    };
}

mutations! {
caught {
    DownWithoutLease: "L1", "failover", "A node is removed while its lease runs.";
    WriteWithoutLease: "L1", "clear", "A primary takes writes without a lease.";
    DeposedLeaderGrants: "L2", "leader change", "A leader grants leases without asking a majority whether it still leads.";
    NewLeaderGrantsAtOnce: "L3", "leader change", "A new leader grants leases before it applied what its log held.";
    RestartedLeaderGrantsAtOnce: "L3", "leader change", "A leader that restarted in its term goes on as if it had never stopped.";
    RenewsWhileRemoving: "L4", "leader change", "A leader renews the lease of a node whose removal it proposed.";
    LeaseIgnoresApplied: "L5", "rejoin", "A lease is granted to a node that has not applied the last entry touching it.";
    TouchedByRoleAlone: "L5", "reset", "An entry that gives a node the role that it had, in another membership, does not count as touching it.";
    LeaseIgnoresBarrier: "L5", "clear", "A lease is granted to a node that has not applied the last clear.";
    NewLeaderForgetsLeases: "L6", "leader change", "A new leader does not wait for the end of leases that others granted.";
    NoOtherHolderNeeded: "L7", "last copy", "The end of a lease removes a member while no other in-sync member holds one.";
    AliveJudgedWhenProposed: "L7", "last copy", "Whether another in-sync member lives is judged when the removal is proposed, not when it is applied.";
    AliveIgnoresIncarnation: "L7", "last copy, rejoin", "A member counts as alive though another process of its node has started since.";
    LeaseEndTakesLastCopy: "L7", "nobody died", "The end of a lease removes the last member.";
    ResumeWipes: "L7", "nobody died", "A node whose lease ended drops its data before it resumes.";
    RestartKeepsInSync: "L7", "join, crash", "A restarted node stays on the list with an empty memory.";
    LeaseCheckedBeforeRead: "L8", "rejoin", "Role and lease are checked before the value is read, not after.";
    NoMembershipId: "S1", "joins again", "Messages and acknowledgements of an earlier membership count.";
    ProposalsWithoutMembership: "S1", "join, given up, join", "Proposals about an earlier membership count.";
    NoSequenceFilter: "S1", "join, a duplicate", "A copy applies again what it has applied.";
    GapIsSkipped: "S1", "two keys, failover", "A copy skips a gap in the stream.";
    AckBeforeApply: "S1", "failover", "A copy acknowledges an effect before it has applied it.";
    HistoryRestarts: "S1", "handover", "A new primary counts its effects from one.";
    CopyDropsAlone: "S2, E1, E2", "failover", "A copy drops a record by its own clock, or for its own want of room.";
    ResentGetsNewVersion: "S3", "failover", "An effect that is sent again gets a new version.";
    RetryTableIsLocal: "S4", "handover, retry", "The table of operations does not travel with the effects.";
    ChunksWithoutOperations: "S4", "join, handover, retry", "The table of operations does not travel with the chunks.";
    LateRequestIgnoresEpoch: "S4", "handover twice, late", "An operation that comes late is done, though it was sent to an earlier epoch.";
    EarlierAttemptCounts: "S4", "handover twice, late", "A router that sends an operation again still takes the answer of the attempt before.";
    RefusalForgotten: "S4", "late", "A refused operation is done when its first sending comes late.";
    KnownAnsweredAtOnce: "S4", "handover, retry", "A retry is answered from the table of operations before the effect is committed.";
    VisibleBeforeCommit: "S5", "join, crash", "The primary shows a write before all have acknowledged it.";
    OneAckIsEnough: "S5", "join", "A write is answered when one copy has acknowledged it.";
    EvaluatedOnCommitted: "S5", "handover", "An operation is evaluated on what is committed, not on the table with its tail.";
    RefusalAnsweredAtOnce: "S5", "late", "A refusal is answered before what it was refused for is committed.";
    FormerPrimaryAnswersAtOnce: "S5", "handover", "A former primary answers its clients before it hears that their effects are committed.";
    WaitersSurviveWipe: "S5", "two keys, rejoin", "A former primary that lost its membership goes on waiting with its clients.";
    FreshShowsUncommitted: "Reads", "failover", "A copy answers with an effect that may not be committed.";
    PromoteBeforeAckSet: "C1", "join", "A copy is promoted before it must acknowledge writes.";
    PromoteWhileBehind: "C1", "join", "A copy is promoted before it has all that was committed without it.";
    PromoteBeforeStartCommitted: "C1", "join", "A copy is promoted before everything that was ahead of its filling is committed.";
    StreamBeforeReady: "C1", "join", "A pending copy acknowledges effects before it wiped.";
    RejoinWithoutWipe: "C1", "rejoin", "A copy that rejoins keeps its old records.";
    ChunkAtAnotherPlace: "C1", "join", "A chunk is applied at another place of the history than it was read at.";
    LostChunkCounts: "C1", "join", "A chunk that came too late counts as filled.";
    SkipsWhatIsFilled: "C1", "join", "A copy that is filled skips effects on what chunks have brought.";
    SkippedNotInTail: "C1", "join", "A copy that is filled does not keep the effects that it skips in its tail.";
    NoTransferId: "C1", "join, filled anew", "Acknowledged chunks of an earlier filling count.";
    NoEpochFence: "C2", "failover", "Nodes follow a primary of an older epoch than their record's.";
    ActsBeforeItFollows: "C2", "handover", "Nodes do what a new primary asks before they applied the entry of its epoch.";
    OpensWithoutAsking: "C2", "failover twice", "A new primary opens without promises and without bringing others to its history.";
    PromiseWithoutTail: "C2", "failover", "A promise does not bring the effects that the new primary lacks.";
    TailTrimmedTooEarly: "C2", "two keys, failover", "A copy takes what it has for committed when the next effect comes.";
    OpensBeforeTailCommitted: "C2", "failover", "A new primary opens before all members have its history.";
    RemovedWithoutAck: "C3", "retire", "A copy is removed before it says that it serves no longer.";
    DroppedByLeader: "C3", "retire", "The leader takes a copy off the list without asking it.";
    StopsWhileServing: "C3, C5", "retire", "A copy that stops asks to be taken off the list while it serves.";
    ResetKeepsOldData: "C6", "reset", "A range that begins again is not emptied first.";
    ResetWhileLeased: "C6", "reset", "A range begins again while a member holds a lease.";
    ResetIgnoresMembers: "C6", "join, reset", "A range begins again though another member came in sync since that was proposed.";
    ClearWithoutBarrier: "O1", "clear", "A clear is answered before every lease holder applied it.";
    ClearWithoutSilence: "O1", "clear", "Copies answer reads while a clear is under way.";
    SilenceEndsWithClear: "O1", "clear", "Copies answer again as soon as they are in the new generation.";
    ChunksWithoutGeneration: "O1", "clear, first join", "Chunks carry no generation.";
    EffectsWithoutGeneration: "O1", "clear", "Effects in the stream carry no generation.";
    InvalidateAnswersEarly: "O2", "invalidate", "An invalidation is answered before all its removals are committed.";
    InvalidateIgnoresTail: "O2", "invalidate", "An invalidation does not wait for effects in the tail that took its work away.";
}
harmless {
    ActsOnReplay: "L7", "restart", "A restarted node takes a role from entries before its own start.";
    CopiesExpand: "S2, O2", "invalidate, join", "The stream carries the command, and every copy expands it on what it has.";
    AppliesAheadOfChunks: "C1", "join", "A copy that is filled applies effects on what no chunk has brought.";
}
}
