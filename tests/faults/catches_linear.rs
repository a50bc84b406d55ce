//! The linearizability checker agrees with trying every order.

use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::harness::linear::{Input, OPERATIONS_MAX, Operation, Output, Verdict, check, check_within};

fn op(input: Input, output: Output, begin: u64, end: u64) -> Operation {
    Operation { input, output: Some(output), begin, end }
}

fn unknown(input: Input, begin: u64) -> Operation {
    Operation { input, output: None, begin, end: u64::MAX }
}

#[test]
fn what_no_order_explains_is_found() {
    use Input::{Delete, Get, Increment, Set, SetIfAbsent};
    use Output::{Changed, Stored, Sum, Value};
    for (what, history) in [
        ("a stale read", vec![op(Set(1), Stored, 0, 1), op(Set(2), Stored, 2, 3), op(Get, Value(Some(1)), 4, 5)]),
        ("a lost write", vec![op(Set(1), Stored, 0, 1), op(Get, Value(None), 2, 3)]),
        (
            "reads that go back",
            vec![
                op(Set(1), Stored, 0, 1),
                op(Set(2), Stored, 2, 9),
                op(Get, Value(Some(2)), 3, 4),
                op(Get, Value(Some(1)), 5, 6),
            ],
        ),
        ("two that were first", vec![op(SetIfAbsent(1), Changed(true), 0, 5), op(SetIfAbsent(2), Changed(true), 0, 5)]),
        ("an increment done twice", vec![op(Increment, Sum(1), 0, 1), op(Get, Value(Some(2)), 2, 3)]),
        (
            "a resurrected value",
            vec![op(Set(1), Stored, 0, 1), op(Delete, Changed(true), 2, 3), op(Get, Value(Some(1)), 4, 5)],
        ),
        (
            "an unknown write that is undone",
            vec![unknown(Set(1), 0), op(Get, Value(Some(1)), 2, 3), op(Get, Value(None), 4, 5)],
        ),
    ] {
        assert_eq!(check(&history), Verdict::Violated, "{what}");
    }
}

#[test]
fn an_unknown_write_may_happen_late_or_never() {
    use Input::{Get, Set};
    use Output::{Stored, Value};
    let late =
        [unknown(Set(1), 0), op(Set(2), Stored, 2, 3), op(Get, Value(Some(2)), 4, 5), op(Get, Value(Some(1)), 6, 7)];
    assert_eq!(check(&late), Verdict::Linearizable);
    assert_eq!(check(&late[..3]), Verdict::Linearizable);
}

#[test]
fn giving_up_is_said() {
    let history: Vec<Operation> = (0..30).map(|n| unknown(Input::Set(n), 0)).collect();
    let impossible = op(Input::Get, Output::Value(Some(99)), 5, 6);
    assert_eq!(check_within(&[history, vec![impossible]].concat(), 1_000), Verdict::Undecided);
}

#[test]
fn the_verdict_is_that_of_trying_every_order() {
    let mut violated = 0;
    for seed in 0..3_000 {
        let history = random_history(&mut StdRng::seed_from_u64(seed), 6);
        let expected = any_order_explains(&history, None, &mut vec![false; history.len()]);
        let verdict = if expected { Verdict::Linearizable } else { Verdict::Violated };
        assert_eq!(check(&history), verdict, "seed {seed}: {history:#?}");
        violated += usize::from(!expected);
    }
    assert!((500..2_500).contains(&violated), "both verdicts are tried: {violated}");
}

/// Operations with answers drawn at random, which often cannot be.
fn random_history(random: &mut StdRng, operations: usize) -> Vec<Operation> {
    let one = |_| {
        let begin = random.random_range(0..12);
        let input = match random.random_range(0..6) {
            0 | 1 => Input::Get,
            2 => Input::Set(random.random_range(1..3)),
            3 => Input::SetIfAbsent(random.random_range(1..3)),
            4 => Input::Delete,
            _ => Input::Increment,
        };
        if random.random_range(0..5) == 0 {
            return unknown(input, begin);
        }
        let output = match input {
            Input::Get => Output::Value(Some(random.random_range(0..3)).filter(|value| *value > 0)),
            Input::Set(_) => Output::Stored,
            Input::SetIfAbsent(_) | Input::Delete => Output::Changed(random.random()),
            Input::Increment => Output::Sum(random.random_range(1..3)),
        };
        op(input, output, begin, begin + random.random_range(1..9))
    };
    (0..operations).map(one).collect()
}

fn any_order_explains(history: &[Operation], value: Option<i64>, done: &mut Vec<bool>) -> bool {
    if history.iter().zip(&*done).all(|(op, done)| *done || op.output.is_none()) {
        return true;
    }
    for at in 0..history.len() {
        let may_be_next = !done[at]
            && history
                .iter()
                .zip(&*done)
                .all(|(other, done)| *done || other.output.is_none() || history[at].begin < other.end);
        if !may_be_next {
            continue;
        }
        let (output, after) = step(history[at].input, value);
        if history[at].output.is_some_and(|answered| answered != output) {
            continue;
        }
        done[at] = true;
        let explains = any_order_explains(history, after, done);
        done[at] = false;
        if explains {
            return true;
        }
    }
    false
}

fn step(input: Input, value: Option<i64>) -> (Output, Option<i64>) {
    match (input, value) {
        (Input::Get, _) => (Output::Value(value), value),
        (Input::Set(new), _) => (Output::Stored, Some(new)),
        (Input::SetIfAbsent(new), None) => (Output::Changed(true), Some(new)),
        (Input::SetIfAbsent(_), Some(_)) => (Output::Changed(false), value),
        (Input::Delete, _) => (Output::Changed(value.is_some()), None),
        (Input::Increment, _) => (Output::Sum(value.unwrap_or(0) + 1), Some(value.unwrap_or(0) + 1)),
    }
}

/// Four clients on one key, as many operations as are allowed, some of unknown outcome: as hard as it gets in the suite.
#[test]
fn the_longest_histories_are_decided() {
    for seed in 0..10 {
        let mut random = StdRng::seed_from_u64(seed);
        let (mut value, mut history) = (None, Vec::new());
        let mut clock = 0;
        while history.len() < OPERATIONS_MAX {
            // A round of operations at the same time, in the order in which they take effect.
            let (begin, end) = (clock, clock + 10);
            clock += 8;
            for n in 0..4 {
                let input = match random.random_range(0..4) {
                    0 | 1 => Input::Get,
                    2 => Input::Set(i64::from(clock as u32) * 10 + n),
                    _ => Input::Increment,
                };
                let (output, after) = step(input, value);
                let is_unknown = input != Input::Get && random.random_range(0..40) == 0;
                if is_unknown && random.random() {
                    history.push(unknown(input, begin));
                    continue;
                }
                value = after;
                history.push(if is_unknown { unknown(input, begin) } else { op(input, output, begin, end) });
            }
        }
        history.truncate(OPERATIONS_MAX);
        assert_eq!(check(&history), Verdict::Linearizable, "seed {seed}");
        let last = history.iter_mut().rev().find(|op| op.input == Input::Get).expect("there are reads");
        last.output = Some(Output::Value(Some(-1)));
        assert_eq!(check(&history), Verdict::Violated, "seed {seed}, with a read that cannot be");
    }
}
