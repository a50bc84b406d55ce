//! What was removed does not come back.

use super::writes::Story;

pub(super) fn check(story: &Story<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for tale in &story.tales {
        for look in &tale.looks {
            let Some(write) = look.value.and_then(|value| tale.writes.get(&value)) else { continue };
            // The moment by which it had been stored, as known without this look.
            let others = tale.looks.iter().filter(|other| other.value == look.value && other.ended_ms < look.began_ms);
            let acknowledged = write.done_ms.filter(|_| write.is_acknowledged);
            let Some(stored_ms) = others.map(|other| other.ended_ms).chain(acknowledged).min() else { continue };
            let removal = tale.removals.iter().find(|removal| {
                removal.began_ms > stored_ms && removal.done_ms.is_some_and(|done| done < look.began_ms)
            });
            if let Some(removal) = removal {
                found.push(format!("{}: {write:?} was removed by {removal:?} before {}", tale.name, look.told));
            }
            let missed = tale.looks.iter().find(|missed| {
                missed.version.is_none() && missed.began_ms > stored_ms && missed.ended_ms < look.began_ms
            });
            if let Some(missed) = missed {
                found.push(format!("{}: it was gone, {}, before {}", tale.name, missed.told, look.told));
            }
        }
    }
    found
}
