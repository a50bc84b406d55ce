//! Leases at work: the node asks for its own, the leader's desk grants them, the data plane looks at them. The rules are in
//! [`lease`](crate::lease).
//!
//! ```text
//! keeper ── Renew ──→ desk (leader) ── one round of Raft for all that wait ──→ Office: LeaseBook
//!    └──→ Lease ←── data plane
//! ```

mod cell;
mod clock;
pub(crate) mod desk;
pub(crate) mod keeper;
mod office;
mod removal;

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
};

pub use cell::{Lease, LeaseSwitch};
pub(crate) use clock::now_ms;
pub(crate) use office::{Held, Lead, Obstacle};
use parking_lot::Mutex;
pub(crate) use removal::{Hindrance, begin_removal, is_leaders_alone};
use ringhold_model::NodeId;
use tokio::sync::{Notify, mpsc};

use self::{desk::Ask, office::Office, removal::UnderWay};
use crate::lease::Followed;

/// What the tasks share of leases. Locks are held briefly, never across an await.
pub(crate) struct Leasing {
    /// The node's own. Written by the keeper alone.
    pub(crate) lease: Lease,
    /// The node is to renew at once.
    pub(crate) renew_now: Notify,
    /// Something happened that the leader's duties may depend on.
    pub(crate) duties_due: Notify,
    /// What the node says with its renewals. Written by handles.
    is_stopping: AtomicBool,
    unreachable: Mutex<BTreeSet<NodeId>>,
    /// Written by the service and the desk.
    followed: Mutex<Followed>,
    /// While this node leads. Opened and closed by [`office::attend`] alone.
    office: Mutex<Option<Office>>,
    asks: mpsc::Sender<Ask>,
    removals: mpsc::Sender<UnderWay>,
}

/// What the desk takes in.
pub(crate) struct Inbox {
    asks: mpsc::Receiver<Ask>,
    removals: mpsc::Receiver<UnderWay>,
}

impl Leasing {
    pub(crate) fn new() -> (Self, Inbox) {
        let (asks, asked) = mpsc::channel(desk::WAITING_MAX);
        let (removals, removed) = mpsc::channel(removal::REMOVALS_MAX);
        let leasing = Self {
            lease: Lease::new(),
            renew_now: Notify::new(),
            duties_due: Notify::new(),
            is_stopping: AtomicBool::new(false),
            unreachable: Mutex::default(),
            followed: Mutex::new(Followed::since(now_ms())),
            office: Mutex::new(None),
            asks,
            removals,
        };
        (leasing, Inbox { asks: asked, removals: removed })
    }

    /// Raft begins: what it followed before is unknown.
    pub(crate) fn raft_begins(&self) {
        *self.followed.lock() = Followed::since(now_ms());
    }

    /// A message of the leader of `term` arrived and is about to be handled, or this node begins a round as that leader.
    pub(crate) fn follows(&self, term: u64) {
        self.followed.lock().note(term, now_ms());
    }

    /// How long this node did not follow a leader of a term below `term`.
    pub(crate) fn leader_silence_ms(&self, term: u64) -> u64 {
        self.followed.lock().silent_ms(term, now_ms())
    }

    pub(crate) fn set_unreachable(&self, nodes: BTreeSet<NodeId>) {
        *self.unreachable.lock() = nodes;
    }

    pub(crate) fn set_stopping(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
        self.renew_now.notify_one();
    }
}
