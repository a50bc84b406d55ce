//! Nobody sees what nobody stored.

use super::writes::Story;

pub(super) fn check(story: &Story<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for tale in &story.tales {
        for look in &tale.looks {
            let Some(value) = look.value else { continue };
            let is_refused = tale.refused.contains(&value);
            let is_early = tale.writes.get(&value).is_some_and(|write| write.began_ms > look.ended_ms);
            if is_refused || is_early || !tale.writes.contains_key(&value) {
                found.push(format!("{}: nobody stored what was seen: {}", tale.name, look.told));
            }
        }
    }
    found
}
