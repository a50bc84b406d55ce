//! Making room: reservations, and what is done when there is none. What goes is chosen in `victim`.

use std::sync::Arc;

use ringhold_model::wire::Fault;

use super::{Engine, budget::Margin, pool::Pool};

/// Looks at slots in one hold of a shard's lock.
const LOOKS_PER_HOLD: u32 = 256;

/// Whose room is short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Short {
    /// The limit of the namespace's own config.
    Pool,
    /// The limit of the node.
    Total,
}

impl Engine {
    /// Reserves room for a write, under its shard's lock.
    pub(super) fn reserve(&self, pool: &Pool, items: u64, bytes: u64, margin: Margin) -> Result<(), Short> {
        if let Some(own) = &pool.budget
            && !own.reserve(items, bytes, margin)
        {
            return Err(Short::Pool);
        }
        if pool.is_in_total && !self.shared.total.reserve(items, bytes, margin) {
            if let Some(own) = &pool.budget {
                own.release(items, bytes);
            }
            return Err(Short::Total);
        }
        Ok(())
    }

    /// Refuses what could not be stored even alone, before anything is evicted for it.
    pub(super) fn check_fits(&self, pool: &Pool, charge: u64) -> Result<(), Fault> {
        for budget in pool.budget.iter().chain(pool.is_in_total.then_some(&self.shared.total)) {
            let max = budget.max_bytes();
            if max != 0 && charge > max {
                return Err(Fault::TooLarge { bytes: charge, max });
            }
        }
        Ok(())
    }

    /// Frees what is due, else evicts the one record that goes first on the whole node. No lock is held by the caller. False:
    /// nothing can go. A record with the hash `spare`, which is to be overwritten, does not go while another can.
    pub(super) fn make_room(&self, pool: &Pool, short: Short, spare: Option<u64>, now_ms: u64) -> bool {
        self.expire_some(now_ms, &mut LOOKS_PER_HOLD.clone()) > 0 || self.evict(pool, short, spare, now_ms)
    }

    /// Frees records whose time is over, each look costing one of `budget`. Returns how many it freed.
    pub(super) fn expire_some(&self, now_ms: u64, budget: &mut u32) -> u64 {
        let mut freed = 0;
        while *budget > 0 && self.shared.next_due.get() <= now_ms {
            self.shared.next_due.begin_sweep();
            for shard in &self.shards {
                let mut shard = shard.lock();
                if shard.next_due <= now_ms {
                    let mut hold = (*budget).min(LOOKS_PER_HOLD);
                    *budget -= hold;
                    freed += shard.expire(&self.shared, now_ms, &mut hold);
                    *budget += hold;
                }
                self.shared.next_due.lower(shard.next_due);
            }
        }
        freed
    }

    /// Evicts one record of a pool, or of all, that is over a lowered limit. False: none is, or nothing can go.
    pub(super) fn trim(&self, now_ms: u64) -> bool {
        self.over().is_some_and(|(pool, short)| self.make_room(&pool, short, None, now_ms))
    }

    /// Evicts at most `max` records of a pool, or of all, that is over a lowered limit: this node's part of what is too much. The
    /// copies among it are for their primaries to evict. Returns how many went.
    pub(super) fn trim_part(&self, max: usize, now_ms: u64) -> usize {
        let Some((pool, short)) = self.over() else { return 0 };
        let budget = pool.budget.as_ref().filter(|_| short == Short::Pool).unwrap_or(&self.shared.total);
        let (led, held) = self.records_led();
        // Rounded down, so that a node that leads anything evicts at least one.
        let of_others = |excess: u64| (u128::from(excess) * u128::from(held - led) / u128::from(held.max(1))) as u64;
        let (items, bytes) = budget.short(0, 0);
        let goal = (of_others(items), of_others(bytes));
        let is_too_much = || {
            let (items, bytes) = budget.short(0, 0);
            items > goal.0 || bytes > goal.1
        };
        (0..max).take_while(|_| is_too_much() && self.make_room(&pool, short, None, now_ms)).count()
    }

    /// Records in ranges whose primary this node is, and in all.
    fn records_led(&self) -> (u64, u64) {
        let (mut led, mut held) = (0, 0);
        for shard in &self.shards {
            for part in &shard.lock().parts {
                let records = part.range.records();
                held += records;
                led += if part.range.is_primary() { records } else { 0 };
            }
        }
        (led, held)
    }

    fn over(&self) -> Option<(Arc<Pool>, Short)> {
        let view = self.view.load();
        let own = view
            .pools
            .iter()
            .chain(&view.outside)
            .find(|pool| pool.budget.as_ref().is_some_and(|budget| budget.is_over()));
        match own {
            Some(pool) => Some((pool.clone(), Short::Pool)),
            None => self.shared.total.is_over().then(|| (view.pools[0].clone(), Short::Total)),
        }
    }
}
