//! Nobody sees anything older than what was acknowledged before they asked.

use super::writes::Story;

pub(super) fn check(story: &Story<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for tale in &story.tales {
        for look in &tale.looks {
            let Some(seen) = look.version else { continue };
            let newer = tale.writes.values().find(|write| {
                write.is_acknowledged
                    && write.done_ms.is_some_and(|done| done < look.began_ms)
                    && write.version.is_some_and(|version| version > seen)
            });
            if let Some(newer) = newer {
                found.push(format!("{}: {newer:?} was acknowledged before {}", tale.name, look.told));
            }
        }
    }
    found
}
