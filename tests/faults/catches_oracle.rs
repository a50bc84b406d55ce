//! The oracle finds what is planted, and nothing else.

use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::harness::oracle::{
    claims::{Attempt, Claims},
    counters::Counters,
    registers::{Kind, Registers, Seen, kind_of},
    violation::{Outcome, Violation, Wrong},
};

/// A key with one write after the other.
struct One(Registers);

impl One {
    fn new() -> Self {
        Self(Registers::new(1))
    }

    fn write(&mut self, outcome: Outcome) -> u32 {
        let write = self.0.begin_write(0).expect("no write is under way");
        self.0.end_write(write, outcome);
        write.n
    }

    /// So many acknowledged writes.
    fn writes(mut self, count: u32) -> Self {
        for _ in 0..count {
            self.write(Outcome::Done);
        }
        self
    }

    fn read(&mut self, seen: &Seen) -> Option<Wrong> {
        let read = self.0.begin_read(0);
        wrong(self.0.end_read(&read, seen))
    }
}

fn wrong(checked: Result<(), Violation>) -> Option<Wrong> {
    checked.err().map(|violation| violation.wrong)
}

#[test]
fn a_read_older_than_an_acknowledged_write_is_stale() {
    let mut one = One::new().writes(3);
    assert_eq!(one.read(&Seen::Value(3)), None);
    assert_eq!(one.read(&Seen::Value(2)), Some(Wrong::Stale));
}

#[test]
fn a_read_that_began_before_the_acknowledgement_may_be_older() {
    let mut one = One::new().writes(2);
    let early = one.0.begin_read(0);
    one.write(Outcome::Done);
    assert_eq!(wrong(one.0.end_read(&early, &Seen::Value(2))), None);
    assert_eq!(wrong(one.0.end_read(&early, &Seen::Value(1))), Some(Wrong::Stale));
}

#[test]
fn a_read_behind_an_earlier_read_went_back() {
    let mut one = One::new().writes(1);
    let write = one.0.begin_write(0).expect("no write is under way");
    let before = one.0.begin_read(0);
    assert_eq!(one.read(&Seen::Value(2)), None, "a write may be seen before it is acknowledged");
    assert_eq!(one.read(&Seen::Value(1)), Some(Wrong::WentBack));
    assert_eq!(wrong(one.0.end_read(&before, &Seen::Value(1))), None, "it began before the other one ended");
    one.0.end_write(write, Outcome::Done);
}

#[test]
fn a_miss_where_a_value_must_be_is_a_lost_write() {
    let mut one = One::new();
    assert_eq!(one.read(&Seen::Nothing), None, "nothing was written yet");
    let mut one = one.writes(1);
    assert_eq!(one.read(&Seen::Nothing), Some(Wrong::Lost));
}

#[test]
fn a_removed_value_that_returns_is_resurrected() {
    let mut one = One::new().writes(5);
    assert_eq!(kind_of(5), Kind::Delete);
    assert_eq!(one.read(&Seen::Nothing), None);
    assert_eq!(one.read(&Seen::Value(4)), Some(Wrong::Resurrected));
    // A delete that was only seen, not acknowledged yet, counts as well.
    let mut one = One::new().writes(4);
    let write = one.0.begin_write(0).expect("no write is under way");
    assert_eq!(one.read(&Seen::Nothing), None);
    assert_eq!(one.read(&Seen::Value(4)), Some(Wrong::Resurrected));
    one.0.end_write(write, Outcome::Unknown);
    assert_eq!(one.read(&Seen::Value(4)), Some(Wrong::Resurrected), "what was seen happened, whatever was answered");
}

#[test]
fn what_nobody_wrote_is_found() {
    let mut one = One::new().writes(2);
    assert_eq!(one.read(&Seen::Value(3)), Some(Wrong::NeverWritten));
    assert_eq!(one.read(&Seen::Value(0)), Some(Wrong::NeverWritten));
    assert_eq!(one.read(&Seen::Strange("r-7#1#".into())), Some(Wrong::NeverWritten));
}

#[test]
fn what_was_surely_not_applied_must_not_be_seen() {
    let mut one = One::new().writes(1);
    assert_eq!(one.write(Outcome::NotApplied), 2);
    assert_eq!(one.read(&Seen::Value(1)), None);
    assert_eq!(one.read(&Seen::Value(2)), Some(Wrong::Refused));
    // Nor does a refused delete excuse a miss.
    let mut one = One::new().writes(4);
    one.write(Outcome::NotApplied);
    assert_eq!(one.read(&Seen::Nothing), Some(Wrong::Lost));
}

#[test]
fn an_unknown_write_may_be_seen_late_but_once() {
    let mut one = One::new().writes(1);
    assert_eq!(one.write(Outcome::Unknown), 2);
    assert_eq!(one.write(Outcome::Done), 3);
    assert_eq!(one.read(&Seen::Value(3)), None);
    assert_eq!(one.read(&Seen::Value(2)), None, "it took effect after the later write");
    assert_eq!(one.read(&Seen::Value(2)), None);
    assert_eq!(one.read(&Seen::Value(1)), Some(Wrong::Stale));
    assert_eq!(one.write(Outcome::Done), 4);
    assert_eq!(one.read(&Seen::Value(2)), Some(Wrong::WentBack), "it was seen, then overwritten");
}

#[test]
fn an_unknown_write_that_was_seen_last_stays() {
    let mut one = One::new().writes(1);
    one.write(Outcome::Unknown);
    assert_eq!(one.read(&Seen::Value(1)), None);
    assert_eq!(one.read(&Seen::Value(2)), None);
    assert_eq!(one.read(&Seen::Nothing), Some(Wrong::Lost));
    assert_eq!(one.read(&Seen::Value(1)), Some(Wrong::Stale));
    assert_eq!(one.0.wild(), 0);
}

#[test]
fn an_unknown_delete_excuses_a_miss() {
    let mut one = One::new().writes(4);
    one.write(Outcome::Unknown);
    assert_eq!(one.read(&Seen::Value(4)), None);
    one.write(Outcome::Done);
    assert_eq!(one.read(&Seen::Nothing), None, "the delete took effect late");
    assert_eq!(one.read(&Seen::Value(4)), Some(Wrong::Stale));
}

#[test]
fn after_the_loss_of_all_copies_only_emptiness_and_what_is_new_may_be_seen() {
    let mut one = One::new().writes(3);
    one.0.reset();
    assert_eq!(one.read(&Seen::Value(3)), Some(Wrong::Resurrected));
    assert_eq!(one.read(&Seen::Nothing), None);
    assert_eq!(one.write(Outcome::Done), 4);
    assert_eq!(one.read(&Seen::Value(3)), Some(Wrong::Stale));
    assert_eq!(one.read(&Seen::Value(4)), None);
    assert_eq!(one.read(&Seen::Nothing), Some(Wrong::Lost));
}

#[test]
fn an_increment_that_was_done_twice_is_found() {
    let mut counters = Counters::new(1);
    let (first, second) = (counters.begin_increment(0), counters.begin_increment(0));
    assert_eq!(wrong(counters.end_increment(first, Outcome::Done, Some(1))), None);
    assert_eq!(wrong(counters.end_increment(second, Outcome::Done, Some(1))), Some(Wrong::CountedTwice));
    let read = counters.begin_read(0);
    assert_eq!(wrong(counters.end_read(read, 3)), Some(Wrong::CountedTwice), "two were asked for");
    assert_eq!(wrong(counters.end_read(read, 2)), None);
    assert_eq!(wrong(counters.end_read(read, 1)), Some(Wrong::Stale));
}

#[test]
fn counters_lose_nothing_and_never_go_back() {
    let mut counters = Counters::new(1);
    for (outcome, sum) in [(Outcome::Done, Some(1)), (Outcome::Unknown, None), (Outcome::NotApplied, None)] {
        let ticket = counters.begin_increment(0);
        assert_eq!(wrong(counters.end_increment(ticket, outcome, sum)), None);
    }
    let read = counters.begin_read(0);
    assert_eq!(wrong(counters.end_read(read, 0)), Some(Wrong::Lost));
    assert_eq!(wrong(counters.end_read(read, 3)), Some(Wrong::CountedTwice), "one was refused");
    assert_eq!(wrong(counters.end_read(read, 2)), None, "the unknown one took effect");
    let read = counters.begin_read(0);
    assert_eq!(wrong(counters.end_read(read, 1)), Some(Wrong::Stale), "it was seen already");
    let late = counters.begin_increment(0);
    assert_eq!(wrong(counters.end_increment(late, Outcome::Done, Some(2))), Some(Wrong::Stale), "it comes after 2");
}

#[test]
fn a_claim_has_one_winner_whose_value_stays() {
    let mut claims = Claims::default();
    let (first, second, third) = (claims.begin(0), claims.begin(0), claims.begin(0));
    assert_eq!(wrong(claims.end(0, second, Attempt::Won)), None);
    assert_eq!(wrong(claims.end(0, first, Attempt::Won)), Some(Wrong::WonTwice));
    assert_eq!(wrong(claims.end(0, third, Attempt::Conflict)), None);
    for (value, expected) in [
        (Some(second), None),
        (Some(first), Some(Wrong::WonTwice)),
        (Some(third), Some(Wrong::Refused)),
        (Some(99), Some(Wrong::NeverWritten)),
        (None, Some(Wrong::Lost)),
    ] {
        let read = claims.begin_read(0);
        assert_eq!(wrong(claims.end_read(read, value)), expected, "{value:?}");
    }
}

#[test]
fn a_claim_that_was_done_but_answered_with_a_conflict_is_found() {
    let mut claims = Claims::default();
    let alone = claims.begin(0);
    assert_eq!(wrong(claims.end(0, alone, Attempt::Conflict)), Some(Wrong::NeverWritten));
    let (one, other) = (claims.begin(1), claims.begin(1));
    let read = claims.begin_read(1);
    assert_eq!(wrong(claims.end_read(read, Some(one))), None);
    assert_eq!(wrong(claims.end(1, other, Attempt::Unknown)), None);
    assert_eq!(wrong(claims.end(1, one, Attempt::Conflict)), Some(Wrong::Refused));
}

#[test]
fn a_key_takes_few_bytes() {
    assert!(Registers::bytes_per_key() <= 16, "{}", Registers::bytes_per_key());
}

/// A correct register, with writes that take effect late or never, is never accused.
#[test]
fn correct_histories_are_never_accused() {
    for seed in 0..2_000 {
        correct_history(seed);
    }
}

fn correct_history(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut one = One::new();
    let mut value = Seen::Nothing;
    // Writes that have not taken effect yet, with the outcome that they were or will be answered with.
    let mut waiting = Vec::new();
    let mut write = None;
    // Reads that have begun, and what they return once they have looked.
    let mut reads = Vec::new();
    let apply = |n: u32| if kind_of(n) == Kind::Set { Seen::Value(n) } else { Seen::Nothing };
    for step in 0..60 {
        match random.random_range(0..6) {
            0 if write.is_none() => write = one.0.begin_write(0),
            1 => {
                let Some(begun) = write.take() else { continue };
                if random.random_range(0..3) > 0 {
                    value = apply(begun.n);
                    let outcome = if random.random() { Outcome::Done } else { Outcome::Unknown };
                    // It may be read before it is answered.
                    let read = one.0.begin_read(0);
                    if random.random() {
                        assert_eq!(one.0.end_read(&read, &value), Ok(()), "seed {seed}, step {step}");
                    }
                    one.0.end_write(begun, outcome);
                } else if random.random() {
                    one.0.end_write(begun, Outcome::Unknown);
                    waiting.push(begun.n);
                } else {
                    one.0.end_write(begun, Outcome::NotApplied);
                }
            }
            2 if !waiting.is_empty() => value = apply(waiting.swap_remove(random.random_range(0..waiting.len()))),
            3 => reads.push((one.0.begin_read(0), None)),
            4 => reads.iter_mut().for_each(|(_, seen)| {
                if random.random() {
                    _ = seen.get_or_insert(value.clone());
                }
            }),
            _ => {
                let Some((read, seen)) = reads.pop() else { continue };
                let seen = seen.unwrap_or(value.clone());
                assert_eq!(one.0.end_read(&read, &seen), Ok(()), "seed {seed}, step {step}");
            }
        }
    }
}
