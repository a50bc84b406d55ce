//! The steps that write, done to both sides.

use ringhold_model::{
    Version,
    wire::{Action, Condition, Conflict, Fault, NewRecord, Ttl},
};

use super::{
    super::rig::{New, Rig},
    Step, names,
    records::{Change, Model, Order, Record},
};
use crate::engine::Outcome;

/// What must hold for a write.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Guard {
    None,
    Absent,
    Present,
    /// It has the version that it has.
    Same,
    /// It has a version that it never had.
    Other,
}

impl Guard {
    pub(super) fn conditions(self, there: Option<Version>) -> Vec<Condition> {
        match self {
            Self::None => Vec::new(),
            Self::Absent => vec![Condition::Absent],
            Self::Present => vec![Condition::Present],
            Self::Same => vec![Condition::OneOf(there.into_iter().collect())],
            Self::Other => vec![Condition::OneOf(vec![Version::default()])],
        }
    }
}

/// Does one step that writes.
pub(super) fn run(rig: &mut Rig, model: &mut Model, step: Step) {
    let namespace = rig.namespace;
    match step {
        Step::Set { key, size, tags, ttl, own, guard } => {
            let (value, tags) = (vec![b'7'; size], names(&tags));
            let lives = ttl.map_or(Ttl::Default, Ttl::Millis);
            let new = New { tags: tags.clone(), ttl: lives, strategy: own, ..New::value(&value) };
            let when = guard.conditions(model.version(namespace, &key));
            let record = NewRecord { when, ..new.record() };
            let n = rig.next();
            let (outcome, version) = told(&rig.run(&key, Action::Set { n, record }), ttl);
            let deadline = ttl.map(|ttl| rig.now.mono_ms + ttl);
            let order = now_of(rig);
            let record = Record { namespace, key, value, tags, deadline, version, own, order };
            assert_eq!(outcome, model.set(record, guard, Change::Replace));
            model.expire(rig.now.mono_ms);
        }
        Step::Swap { key, size, guard } => {
            let value = vec![b'8'; size];
            let there = model.version(namespace, &key);
            let record = NewRecord { when: guard.conditions(there), ..New::value(&value).record() };
            let n = rig.next();
            let outcome = rig.run(&key, Action::Swap { n, record });
            if let Outcome::Swapped { previous, .. } = &outcome {
                let previous = previous.as_ref().map(|item| item.full().value.to_vec());
                assert_eq!(previous, model.find(namespace, &key).map(|at| model.records[at].value.clone()));
            }
            let (outcome, version) = told(&outcome, None);
            let order = now_of(rig);
            let (tags, deadline, own) = (Vec::new(), None, None);
            let record = Record { namespace, key, value, tags, deadline, version, own, order };
            assert_eq!(outcome, model.set(record, guard, Change::Replace));
        }
        Step::Increment { key, by, ttl, guard } => increment(rig, model, (key, by, ttl, guard)),
        Step::Touch { key, ttl, guard } => {
            let when = guard.conditions(model.version(namespace, &key));
            let n = rig.next();
            let outcome = rig.run(&key, Action::Touch { n, ttl: ttl.map_or(Ttl::Never, Ttl::Millis), when });
            if !model.holds(namespace, &key, guard) {
                assert!(matches!(outcome, Outcome::Conflict(Conflict::Unmet { at: 0, .. })), "{outcome:?}");
                return;
            }
            let Some(at) = model.find(namespace, &key) else {
                assert!(matches!(outcome, Outcome::Miss), "{outcome:?}");
                return;
            };
            let Outcome::Touched { version, ttl_ms } = outcome else { panic!("{outcome:?}") };
            let record = model.touch(at);
            assert!(ttl_ms == ttl && version > record.version);
            (record.version, record.deadline) = (version, ttl.map(|ttl| rig.now.mono_ms + ttl));
            model.expire(rig.now.mono_ms);
        }
        Step::Delete(key, guard) => {
            let when = guard.conditions(model.version(namespace, &key));
            let n = rig.next();
            let outcome = rig.run(&key, Action::Delete { n, when });
            if !model.holds(namespace, &key, guard) {
                assert!(matches!(outcome, Outcome::Conflict(Conflict::Unmet { at: 0, .. })), "{outcome:?}");
                return;
            }
            let expected = model.find(namespace, &key).map(|at| model.records.remove(at)).is_some();
            assert!(matches!(outcome, Outcome::Deleted { found } if found == expected), "{key}: {outcome:?}");
        }
        other => panic!("{other:?} does not write"),
    }
}

/// The outcome of a write in the model's words, and the version of what it stored.
fn told(outcome: &Outcome, ttl: Option<u64>) -> (&'static str, Version) {
    match *outcome {
        Outcome::Stored { version, ttl_ms, copies: 1, .. } | Outcome::Swapped { version, ttl_ms, copies: 1, .. }
            if ttl_ms == ttl =>
        {
            ("stored", version)
        }
        Outcome::Conflict(Conflict::Unmet { at: 0, .. }) => ("unmet", Version::default()),
        Outcome::Failed(Fault::TooLarge { .. }) => ("too large", Version::default()),
        ref other => panic!("{other:?}"),
    }
}

/// Values of records are digits without a sign, so most are whole numbers, but many are too large, and an empty one is none.
fn increment(rig: &mut Rig, model: &mut Model, (key, by, ttl, guard): (String, i64, Option<u64>, Guard)) {
    let (namespace, initial) = (rig.namespace, 5);
    let when = guard.conditions(model.version(namespace, &key));
    let new = New { ttl: ttl.map_or(Ttl::Default, Ttl::Millis), ..New::value(b"") };
    let record = NewRecord { when, ..new.record() };
    let n = rig.next();
    let outcome = rig.run(&key, Action::Increment { n, by, initial, record });
    let found = model.find(namespace, &key).map(|at| model.records[at].clone());
    let from = found.as_ref().map_or(Some(initial), |record| String::from_utf8_lossy(&record.value).parse().ok());
    let sum = from.map(|from: i64| from.checked_add(by));
    match (outcome, model.holds(namespace, &key, guard), sum) {
        (Outcome::Conflict(Conflict::Unmet { at: 0, .. }), false, _)
        | (Outcome::Conflict(Conflict::NotInteger { .. }), true, None)
        | (Outcome::Conflict(Conflict::Overflow { .. }), true, Some(None)) => {}
        (Outcome::Failed(Fault::TooLarge { .. }), true, Some(Some(sum))) => {
            let new = new_counter(rig, key, sum, (found, None), Version::default());
            assert_eq!(model.set(new, guard, Change::Count), "too large");
        }
        (Outcome::Counted { value, version, ttl_ms, copies: 1 }, true, Some(Some(sum))) => {
            let deadline = found.as_ref().map_or(ttl.map(|ttl| rig.now.mono_ms + ttl), |record| record.deadline);
            assert_eq!((value, ttl_ms), (sum, deadline.map(|deadline| deadline - rig.now.mono_ms)));
            let new = new_counter(rig, key, sum, (found, deadline), version);
            assert_eq!(model.set(new, guard, Change::Count), "stored");
            model.expire(rig.now.mono_ms);
        }
        other => panic!("{other:?}"),
    }
}

fn new_counter(
    rig: &Rig,
    key: String,
    sum: i64,
    (found, deadline): (Option<Record>, Option<u64>),
    version: Version,
) -> Record {
    let (namespace, value) = (rig.namespace, sum.to_string().into_bytes());
    let own = found.as_ref().and_then(|record| record.own);
    let tags = found.map_or_else(Vec::new, |record| record.tags);
    Record { namespace, key, value, tags, deadline, version, own, order: now_of(rig) }
}

/// Of a record that is written now.
fn now_of(rig: &Rig) -> Order {
    Order::written(rig.now.wall_ms)
}
