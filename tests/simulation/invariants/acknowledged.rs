//! What was acknowledged is there until something removes it, unless all that had it died.

use super::writes::Story;

pub(super) fn check(story: &Story<'_>) -> Vec<String> {
    if story.has_evictions {
        return Vec::new();
    }
    let mut found = Vec::new();
    for tale in &story.tales {
        for look in tale.looks.iter().filter(|look| look.version.is_none()) {
            let before = tale.writes.values().filter(|write| write.done_ms.is_some_and(|done| done < look.began_ms));
            let Some(last) = before.max_by_key(|write| write.began_ms) else { continue };
            let is_excused = tale.may_be_removed_between(last.began_ms, look.ended_ms)
                || story.losses.any_between(tale.range, last.began_ms, look.ended_ms);
            if !is_excused {
                found.push(format!("{} ({:?}): {last:?} is lost: {}", tale.name, tale.range, look.told));
            }
        }
    }
    found
}
