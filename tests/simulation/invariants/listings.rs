//! A listing that says that it is complete has no key twice, none that was never stored, and misses none that was there all the
//! time.

use std::collections::BTreeSet;

use ringhold_router::simulated::Answer;

use super::writes::{Story, Tale};
use crate::history::Event;

pub(super) fn check(story: &Story<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for event in story.events {
        let Answer::Keys(keys) = &event.answer else { continue };
        let names: BTreeSet<&str> = keys.iter().map(|(key, _)| key.as_str()).collect();
        if names.len() != keys.len() {
            found.push(format!("a key is listed twice: {event:?}"));
        }
        for tale in &story.tales {
            let is_listed = names.contains(tale.name.as_str());
            if is_listed && tale.writes.values().all(|write| write.began_ms > event.ended_ms) {
                found.push(format!("{} is listed and was never stored: {event:?}", tale.name));
            }
            if !is_listed && must_be_there(story, tale, event) {
                found.push(format!("{} is not listed: {event:?}", tale.name));
            }
        }
    }
    found
}

fn must_be_there(story: &Story<'_>, tale: &Tale, event: &Event) -> bool {
    let before = tale.writes.values().filter(|write| write.done_ms.is_some_and(|done| done < event.began_ms));
    before.max_by_key(|write| write.began_ms).is_some_and(|last| {
        !story.has_evictions
            && !tale.may_be_removed_between(last.began_ms, event.ended_ms)
            && !story.losses.any_between(tale.range, last.began_ms, event.ended_ms)
    })
}
