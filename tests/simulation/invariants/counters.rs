//! Every increment is done exactly once: sums are all different, never below what was acknowledged before, never above that and
//! what is unknown.

use ringhold_router::simulated::Answer;

use super::writes::{Story, range_of};
use crate::{
    client::name,
    history::{Call, Event, value_of},
};

pub(super) fn check(story: &Story<'_>) -> Vec<String> {
    let work = &story.world.work;
    (work.keys..work.keys + work.counter_keys).flat_map(|key| of_one(story, key)).collect()
}

fn of_one(story: &Story<'_>, key: usize) -> Vec<String> {
    // After a loss or an eviction it begins again, and nothing can be said.
    if story.has_evictions || story.losses.any_between(range_of(story.world, key), 0, u64::MAX) {
        return Vec::new();
    }
    let events: Vec<&Event> = story.events.iter().filter(|event| event.key == Some(key)).collect();
    let mut found = Vec::new();
    for event in &events {
        let (sum, own) = match (&event.call, &event.answer) {
            (Call::Increment, Answer::Counted(sum, _)) => (*sum, 1),
            (Call::Get { .. }, Answer::Miss) => (0, 0),
            (Call::Get { .. }, answer) => match value_of(answer) {
                Some((sum, _)) => (sum as i64, 0),
                None => continue,
            },
            _ => continue,
        };
        let others = || events.iter().filter(|other| other.call == Call::Increment && !std::ptr::eq(**other, *event));
        let is_counted = |other: &Event| matches!(other.answer, Answer::Counted(..));
        let least = others().filter(|other| is_counted(other) && other.ended_ms < event.began_ms).count() as i64 + own;
        let perhaps = others().filter(|other| other.began_ms <= event.ended_ms);
        let most = perhaps.filter(|other| !matches!(other.answer, Answer::Refused(_))).count() as i64 + own;
        if sum < least || sum > most {
            found.push(format!("{}: {sum} is not between {least} and {most}: {event:?}", name(key)));
        }
        let is_twin = |other: &Event| matches!(other.answer, Answer::Counted(counted, _) if counted == sum);
        let twin = others().find(|other| own == 1 && is_twin(other));
        if let Some(twin) = twin {
            found.push(format!("{}: {sum} came twice: {event:?} and {twin:?}", name(key)));
        }
    }
    found
}
