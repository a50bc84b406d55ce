//! The answers, told key by key: what was written, what was removed and what was seen, and when each can have been.

use std::collections::BTreeMap;

use ringhold_model::{RangeId, Version, key::key_hash};
use ringhold_router::simulated::Answer;

use crate::{
    client::{name, tag_of},
    history::{Call, Event, Losses, value_of},
    world::World,
};

/// A value that was, or may have been, stored.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) began_ms: u64,
    /// By when it had surely happened: it was acknowledged, or seen.
    pub(super) done_ms: Option<u64>,
    pub(super) is_acknowledged: bool,
    /// Known when it was acknowledged or seen.
    pub(super) version: Option<Version>,
}

/// Something that removes the record of a key.
#[derive(Clone, Debug)]
pub(super) struct Removal {
    pub(super) began_ms: u64,
    /// `None`: perhaps later, perhaps never.
    pub(super) done_ms: Option<u64>,
}

/// What somebody saw.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) began_ms: u64,
    pub(super) ended_ms: u64,
    /// `None`: there was nothing.
    pub(super) version: Option<Version>,
    /// When it was a value of which that is known.
    pub(super) value: Option<u64>,
    pub(super) told: String,
}

/// One key's.
#[derive(Clone, Debug, Default)]
pub(super) struct Tale {
    pub(super) name: String,
    pub(super) range: RangeId,
    pub(super) writes: BTreeMap<u64, Write>,
    pub(super) removals: Vec<Removal>,
    pub(super) looks: Vec<Look>,
    /// Values that were surely not stored.
    pub(super) refused: Vec<u64>,
}

/// Of all keys.
pub(super) struct Story<'a> {
    pub(super) world: &'a World,
    pub(super) events: &'a [Event],
    /// The plain keys, in their order.
    pub(super) tales: Vec<Tale>,
    pub(super) losses: &'a Losses,
    /// Records may go by themselves.
    pub(super) has_evictions: bool,
}

impl<'a> Story<'a> {
    pub(super) fn new(world: &'a World, events: &'a [Event]) -> Self {
        let tales = (0..world.work.keys).map(|key| tale(world, events, key)).collect();
        let has_evictions = world.scenario.max_items > 0;
        Self { world, events, tales, losses: &world.losses, has_evictions }
    }
}

pub(super) fn range_of(world: &World, key: usize) -> RangeId {
    let state = world.authority.state();
    state.range_of(key_hash(state.hash_seed, world.work.namespace(key), &name(key)))
}

fn tale(world: &World, events: &[Event], key: usize) -> Tale {
    let mut tale = Tale { name: name(key), range: range_of(world, key), ..Tale::default() };
    for event in events {
        match &event.call {
            _ if event.key == Some(key) => tale.take(event),
            Call::Clear => tale.removals.push(removal(event)),
            Call::RemoveByTag { tag } if *tag == tag_of(key) => tale.removals.push(removal(event)),
            _ => {}
        }
    }
    for look in &tale.looks {
        let write = look.value.and_then(|value| tale.writes.get_mut(&value));
        if let Some(write) = write {
            write.done_ms = Some(write.done_ms.map_or(look.ended_ms, |done| done.min(look.ended_ms)));
            write.version = write.version.or(look.version);
        }
    }
    tale
}

/// A removal that failed may have been done in part, however its failure was told.
fn removal(event: &Event) -> Removal {
    let is_done = matches!(event.answer, Answer::Removed(_) | Answer::Deleted(_));
    Removal { began_ms: event.began_ms, done_ms: is_done.then_some(event.ended_ms) }
}

impl Tale {
    fn take(&mut self, event: &Event) {
        match (&event.call, &event.answer) {
            (Call::Set { value, .. }, Answer::Refused(_)) => self.refused.push(*value),
            (Call::Set { value, .. }, Answer::Conflict(version)) => {
                self.refused.push(*value);
                self.look(event, *version, None);
            }
            (Call::Set { value, if_absent }, answer) => {
                let version = if let Answer::Stored(version) = answer { Some(*version) } else { None };
                let write = Write {
                    began_ms: event.began_ms,
                    done_ms: version.map(|_| event.ended_ms),
                    is_acknowledged: version.is_some(),
                    version,
                };
                self.writes.insert(*value, write);
                if *if_absent && version.is_some() {
                    self.look(event, None, None);
                }
            }
            (Call::Delete, Answer::Deleted(false)) => {
                self.look(event, None, None);
            }
            (Call::Delete, Answer::Refused(_)) => {}
            (Call::Delete, _) => self.removals.push(removal(event)),
            (Call::Get { .. }, Answer::Miss) => self.look(event, None, None),
            (Call::Get { .. }, answer) => {
                if let Some((value, version)) = value_of(answer) {
                    self.look(event, Some(version), Some(value));
                }
            }
            _ => {}
        }
    }

    fn look(&mut self, event: &Event, version: Option<Version>, value: Option<u64>) {
        self.looks.push(Look {
            began_ms: event.began_ms,
            ended_ms: event.ended_ms,
            version,
            value,
            told: format!(
                "client {} {:?} {:?} {}..{}",
                event.client, event.call, event.answer, event.began_ms, event.ended_ms
            ),
        });
    }

    /// Whether something may have removed, between the two moments, what was there.
    pub(super) fn may_be_removed_between(&self, since_ms: u64, until_ms: u64) -> bool {
        let may =
            |removal: &Removal| removal.began_ms <= until_ms && removal.done_ms.is_none_or(|done| done >= since_ms);
        self.removals.iter().any(may)
    }
}
