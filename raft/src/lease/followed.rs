//! A voter's side of rule L6: how long ago it last followed a leader of an earlier term.

/// Terms that are told apart; of older ones only the last moment is kept.
const TERMS_MAX: usize = 4;

/// When this voter last helped to confirm the leader of each term, itself included. Written before a leader's message is
/// handled, because what counts is that it may have confirmed a round that had begun by then.
#[derive(Clone, Debug)]
pub struct Followed {
    /// Nothing is known of before; also of terms that were forgotten.
    since_ms: u64,
    /// Terms, ascending, and the last moment of each.
    terms: Vec<(u64, u64)>,
}

impl Followed {
    /// A voter whose process began at `now_ms`: what it did before is unknown.
    pub const fn since(now_ms: u64) -> Self {
        Self { since_ms: now_ms, terms: Vec::new() }
    }

    /// A message of the leader of `term` arrived, or this voter leads in `term` and begins a round.
    pub fn note(&mut self, term: u64, now_ms: u64) {
        match self.terms.binary_search_by_key(&term, |(known, _)| *known) {
            Ok(at) => self.terms[at].1 = now_ms,
            Err(at) => self.terms.insert(at, (term, now_ms)),
        }
        if self.terms.len() > TERMS_MAX {
            self.since_ms = self.since_ms.max(self.terms.remove(0).1);
        }
    }

    /// How long it did not follow a leader of a term below `term`; since its start if it never did.
    pub fn silent_ms(&self, term: u64, now_ms: u64) -> u64 {
        let earlier = self.terms.iter().filter(|(known, _)| *known < term).map(|(_, at)| *at);
        let last = earlier.fold(self.since_ms, u64::max);
        now_ms.saturating_sub(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_counted_from_the_last_message_of_an_earlier_term() {
        let mut voter = Followed::since(100);
        assert_eq!(voter.silent_ms(5, 130), 30, "since its start");
        voter.note(3, 200);
        voter.note(4, 300);
        voter.note(4, 320);
        voter.note(5, 400);
        assert_eq!(voter.silent_ms(5, 420), 100, "the asker's own messages do not count");
        assert_eq!(voter.silent_ms(4, 420), 220);
        assert_eq!(voter.silent_ms(6, 420), 20);
    }

    #[test]
    fn forgotten_terms_still_count() {
        let mut voter = Followed::since(0);
        for term in 1..=6 {
            voter.note(term, term * 10);
        }
        assert_eq!(voter.silent_ms(2, 100), 80, "at least as late as any of the forgotten");
        assert_eq!(voter.silent_ms(7, 100), 40);
    }
}
