//! A node's side of its lease.

use super::{Rules, margin::until_surely};

/// Until when the node may serve (rule L1). Milliseconds are of one clock of the node's, which runs through suspends.
#[derive(Clone, Copy, Debug, Default)]
pub struct Holder {
    rules: Rules,
    until_ms: u64,
}

impl Holder {
    /// A node that may not serve yet.
    #[doc(hidden)]
    pub const fn with_rules(rules: Rules) -> Self {
        Self { rules, until_ms: 0 }
    }

    /// The leader granted what was asked for at `sent_ms`; the word arrived at `arrived_ms`. A grant that was overtaken by a
    /// later one takes nothing away.
    pub fn granted(&mut self, sent_ms: u64, arrived_ms: u64, lease_ms: u32) {
        let until_ms =
            if self.rules.l1 { sent_ms + until_surely(lease_ms.into()) } else { arrived_ms + u64::from(lease_ms) };
        self.until_ms = self.until_ms.max(until_ms);
    }

    /// Whether the node may serve at `now_ms`.
    pub const fn holds(&self, now_ms: u64) -> bool {
        now_ms < self.until_ms
    }

    /// When the lease ends; 0: there was none.
    pub const fn until_ms(&self) -> u64 {
        self.until_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_runs_from_when_it_was_asked_for_and_ends_before_the_leader_thinks_so() {
        let mut holder = Holder::default();
        assert!(!holder.holds(0));
        holder.granted(1_000, 1_900, 2_000);
        assert_eq!(holder.until_ms(), 2_960);
        assert!(holder.holds(2_959) && !holder.holds(2_960));
        let mut broken = Holder::with_rules(Rules { l1: false, ..Rules::default() });
        broken.granted(1_000, 1_900, 2_000);
        assert_eq!(broken.until_ms(), 3_900);
    }

    #[test]
    fn an_answer_that_was_overtaken_does_not_shorten_the_lease() {
        let mut holder = Holder::default();
        holder.granted(500, 510, 1_000);
        holder.granted(100, 600, 1_000);
        assert_eq!(holder.until_ms(), 1_480);
    }
}
