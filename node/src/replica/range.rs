//! The state of one range at one node, and how it follows the replicated record.
//!
//! What is common to all roles is here; `follow` is what a member does at a primary's word, `lead` what a primary does.

use std::collections::VecDeque;

use ringhold_model::{
    Epoch, NodeId, RangeId, Version,
    cluster::{Member, RangeRecord},
    rules::Rule,
    wire::Fault,
};

use super::{
    follow::Filling,
    lead::{Lead, Phase},
    operations::Operations,
};

/// Most effects that wait for copies; a primary whose copies do not acknowledge refuses writes beyond.
pub const TAIL_MAX: usize = 1_024;

/// Most bytes of such effects. A copy without room has to be sent all of them at once, with the removals that make room, so
/// they must fit into one message, with the records that such removals name.
pub(super) const TAIL_BYTES_MAX: usize = 8 << 20;

/// What a node is to a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Orders the range's effects and answers for it.
    Primary,
    /// Holds every acknowledged effect.
    Copy,
    /// Is being filled.
    Pending,
    /// Holds nothing of it.
    None,
}

/// What the range wants its owner to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// There is something to send to this node: ask [`Range::next`].
    Send(NodeId),
    /// The same, but only a commit to tell of, which costs little with other things and may wait for them.
    Tell(NodeId),
    /// All effects up to this number are committed: they are visible and may be answered.
    Committed(u64),
    /// What was not committed will never be known here: who waits for it gets `Unknown`.
    Lost,
}

/// An effect at its place in the range's history.
#[derive(Clone, Debug)]
pub struct Entry<E> {
    /// The epoch of its birth, and its number in the history.
    pub version: Version,
    /// What it does.
    pub effect: E,
}

/// What a range needs to know of effects.
pub trait Keyed {
    /// Hash of the key that the effect is about.
    fn hash(&self) -> u64;

    /// About how many bytes it keeps in memory; at least what is sent of it.
    fn bytes(&self) -> usize;
}

/// Place of a new effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// Its version, and that of a record that it stores.
    pub version: Version,
    /// True when no other copy has to acknowledge it.
    pub is_committed: bool,
}

/// One range at one node. Created without a role; [`Range::set_record`] gives it one.
#[derive(Debug)]
pub struct Range<E> {
    id: RangeId,
    pub(super) epoch: Epoch,
    pub(super) role: Role,
    primary: Option<NodeId>,
    resets: u32,
    pub(super) me: Option<Member>,
    in_sync: u8,
    /// Number of the last effect that is in the table.
    pub(super) applied: u64,
    /// Number of the last effect known to be held by every in-sync member.
    pub(super) committed: u64,
    /// The newest effects, without a gap up to `applied`: those that are not committed, and at a primary those that some
    /// member may have to be sent.
    pub(super) tail: VecDeque<Entry<E>>,
    /// Bytes of the effects in it.
    pub(super) tail_bytes: usize,
    pub(super) lead: Option<Lead>,
    pub(super) filling: Option<Filling>,
    /// A copy that said that it serves no longer, in this epoch.
    pub(super) is_retired: bool,
    is_wiping: bool,
    /// Records of the range in the engine, of every generation.
    records: u64,
    /// Results of recent writes.
    pub operations: Operations,
}

impl<E: Keyed> Range<E> {
    /// A range that this node has nothing to do with yet.
    pub fn new(id: RangeId) -> Self {
        Self {
            id,
            epoch: Epoch(0),
            role: Role::None,
            primary: None,
            resets: 0,
            me: None,
            in_sync: 0,
            applied: 0,
            committed: 0,
            tail: VecDeque::new(),
            tail_bytes: 0,
            lead: None,
            filling: None,
            is_retired: false,
            is_wiping: false,
            records: 0,
            operations: Operations::default(),
        }
    }

    /// Which range.
    pub fn id(&self) -> RangeId {
        self.id
    }

    /// Its epoch.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// What this node is to it.
    pub fn role(&self) -> Role {
        self.role
    }

    /// True when this node is to order the range's effects, though perhaps not yet.
    pub fn is_primary(&self) -> bool {
        self.role == Role::Primary
    }

    /// True when this node is a member that holds every acknowledged effect.
    pub fn is_in_sync(&self) -> bool {
        matches!(self.role, Role::Primary | Role::Copy)
    }

    /// The node that orders the range's effects.
    pub fn primary(&self) -> Option<NodeId> {
        self.primary
    }

    /// This node's membership.
    pub fn member(&self) -> Option<Member> {
        self.me
    }

    /// How often the range lost all it had.
    pub fn resets(&self) -> u32 {
        self.resets
    }

    /// How many nodes hold what is acknowledged.
    pub fn copies(&self) -> u8 {
        self.in_sync
    }

    /// Number of the last effect in the table.
    pub fn applied(&self) -> u64 {
        self.applied
    }

    /// Number of the last effect that every in-sync member holds, as far as this node knows.
    pub fn committed(&self) -> u64 {
        self.committed
    }

    /// True when this node is primary and has taken over.
    pub fn is_open(&self) -> bool {
        self.lead.as_ref().is_some_and(|lead| lead.phase == Phase::Open) && !self.is_wiping
    }

    /// Checks that this node may order the range's effects in `epoch`, and answer for it. `view` goes into the fault.
    pub fn check(&self, epoch: Epoch, view: u64) -> Result<(), Fault> {
        if self.role != Role::Primary {
            return Err(Fault::NotPrimary { primary: self.primary, view });
        }
        if self.epoch != epoch {
            return Err(Fault::WrongEpoch { epoch: self.epoch, view });
        }
        if self.is_open() { Ok(()) } else { Err(Fault::Busy) }
    }

    /// True when this node serves the range as its primary in `epoch`.
    pub fn serves(&self, epoch: Epoch) -> bool {
        self.check(epoch, 0).is_ok()
    }

    /// Checks that this node may answer a read as one of the copies. Which keys it may answer, [`Range::uncommitted`] tells.
    pub fn check_copy(&self) -> Result<(), Fault> {
        let is_retired = self.is_retired && Rule::Retire.holds();
        if self.is_in_sync() && !is_retired && !self.is_wiping { Ok(()) } else { Err(Fault::NotCommitted) }
    }

    /// The oldest effect about a key that is not known to be committed: what was there before it is what may be shown.
    pub fn uncommitted(&self, hash: u64, is_about: impl Fn(&E) -> bool) -> Option<&E> {
        let is_it = |entry: &&Entry<E>| entry.effect.hash() == hash && is_about(&entry.effect);
        self.uncommitted_entries().find(is_it).map(|entry| &entry.effect)
    }

    /// Number of the newest effect about a key that is not known to be committed; who decides by the table waits for it.
    pub fn last_uncommitted(&self, hash: u64) -> Option<u64> {
        let newest = self.uncommitted_entries().rev().find(|entry| entry.effect.hash() == hash);
        newest.map(|entry| entry.version.seq)
    }

    fn uncommitted_entries(&self) -> impl DoubleEndedIterator<Item = &Entry<E>> {
        self.tail.range(self.place_after(self.committed)..)
    }

    /// True while effects wait to be committed.
    pub fn is_uncommitted(&self) -> bool {
        self.committed < self.applied
    }

    pub(super) fn keep(&mut self, entry: Entry<E>) {
        self.tail_bytes += entry.effect.bytes();
        self.tail.push_back(entry);
    }

    /// The effect with this number, while it is kept.
    pub fn entry(&self, seq: u64) -> Option<&Entry<E>> {
        let at = seq.checked_sub(self.first_kept())?;
        self.tail.get(usize::try_from(at).ok()?)
    }

    pub(super) fn first_kept(&self) -> u64 {
        self.applied + 1 - self.tail.len() as u64
    }

    /// Place in the tail of the first effect after number `seq`.
    pub(super) fn place_after(&self, seq: u64) -> usize {
        let skipped = seq.saturating_add(1).saturating_sub(self.first_kept());
        usize::try_from(skipped).unwrap_or(usize::MAX).min(self.tail.len())
    }

    /// A record was linked.
    pub fn record_added(&mut self) {
        self.records += 1;
    }

    /// A record was unlinked. Ends a wipe with the last one.
    pub fn record_removed(&mut self) {
        self.records -= 1;
        if self.records == 0 {
            self.is_wiping = false;
        }
    }

    /// Records of the range in the engine.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// True while records of a lost membership are still being freed; the range does not serve until then.
    pub fn is_wiping(&self) -> bool {
        self.is_wiping
    }

    /// Lets go of everything; what is in the table is to be freed before the range serves again.
    pub(super) fn start_over(&mut self) {
        self.is_wiping = self.records > 0;
        self.operations = Operations::default();
        self.applied = 0;
        self.committed = 0;
        self.tail.clear();
        self.tail_bytes = 0;
        self.filling = None;
    }

    /// Follows the replicated record. `wanted` are the nodes that should hold the range, by the plan; empty: members stay.
    ///
    /// What the range holds survives only an unbroken membership: the same `mid`, no reset in between. A member that was never
    /// pending here was there when the range began, empty.
    pub fn set_record(&mut self, record: &RangeRecord, wanted: &[NodeId], me: NodeId, outputs: &mut Vec<Output>) {
        let mine = record.in_sync.iter().find(|member| member.node == me).copied();
        let pending = record.pending.filter(|member| member.node == me);
        let member = mine.or(pending);
        if member.is_none() && self.me.is_none() {
            (self.epoch, self.primary, self.resets) = (record.epoch, record.primary, record.resets);
            return;
        }
        let keeps = member.is_some() && member == self.me && record.resets == self.resets;
        let role = match (mine, pending) {
            (Some(_), _) if record.primary == Some(me) => Role::Primary,
            (Some(_), _) => Role::Copy,
            (None, Some(_)) => Role::Pending,
            (None, None) => Role::None,
        };
        let is_new_epoch = record.epoch != self.epoch;
        if !keeps {
            self.start_over();
            self.lead = None;
            outputs.push(Output::Lost);
        }
        if is_new_epoch || !keeps {
            self.is_retired = false;
            self.lead = None;
        }
        if mine.is_some() {
            self.filling = None;
        }
        self.epoch = record.epoch;
        self.role = role;
        self.primary = record.primary;
        self.resets = record.resets;
        self.me = member;
        self.in_sync = record.in_sync.len() as u8;
        if role == Role::Primary {
            self.lead_by(record, wanted, me, outputs);
        } else {
            self.lead = None;
        }
    }

    /// Notes that all effects up to `committed` are committed.
    pub(super) fn commit(&mut self, committed: u64, outputs: &mut Vec<Output>) {
        let committed = committed.min(self.applied);
        if committed > self.committed {
            self.committed = committed;
            outputs.push(Output::Committed(committed));
        }
        self.trim();
    }

    /// Drops effects that nobody needs any more: committed, and held by every member that is sent any.
    fn trim(&mut self) {
        let needed = self.lead.as_ref().map_or(self.committed, |lead| lead.lowest_needed(self.committed));
        while self.tail.front().is_some_and(|entry| entry.version.seq <= needed) {
            self.tail_bytes -= self.tail.pop_front().map_or(0, |entry| entry.effect.bytes());
        }
    }
}
