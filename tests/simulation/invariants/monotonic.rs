//! What one client has seen, no client sees an older version of afterwards.

use super::writes::Story;

pub(super) fn check(story: &Story<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for tale in &story.tales {
        for look in &tale.looks {
            let Some(seen) = look.version else { continue };
            let earlier = tale.looks.iter().find(|earlier| {
                earlier.ended_ms < look.began_ms && earlier.version.is_some_and(|version| version > seen)
            });
            if let Some(earlier) = earlier {
                found.push(format!("{}: {} and after it {}", tale.name, earlier.told, look.told));
            }
        }
    }
    found
}
