//! What makes an eviction necessary.

use ringhold_model::wire::EvictionCauses;

use super::budget::{Budget, Margin};

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// A write, at the limit of items.
    Items,
    /// A write, at the limit of bytes.
    Memory,
    /// A limit that was lowered below what is held.
    Lowered,
    /// A node that holds a copy of the range and is short of room.
    Copies,
}

impl Cause {
    /// Why a record goes that counts towards this budget. A limit counts as reached from where writes leave the rest to
    /// copies; when both are, it is that of items.
    pub(super) fn in_budget(budget: &Budget) -> Self {
        let max_items = budget.max_items();
        if budget.is_over() {
            Self::Lowered
        } else if max_items != 0 && budget.items() >= Margin::Copies.of(max_items) {
            Self::Items
        } else {
            Self::Memory
        }
    }

    /// Its count.
    pub(super) fn of(self, causes: &mut EvictionCauses) -> &mut u64 {
        match self {
            Self::Items => &mut causes.max_items,
            Self::Memory => &mut causes.max_memory,
            Self::Lowered => &mut causes.lowered_limit,
            Self::Copies => &mut causes.room_for_copies,
        }
    }
}
