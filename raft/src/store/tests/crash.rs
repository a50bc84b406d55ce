//! A process that appends, votes and purges is killed at any moment: nothing that it was told is durable is missing.

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use openraft::{RaftLogReader as _, storage::RaftLogStorage as _};

use super::{KINDS, StoreKind, append, block_on, entry, log_id, opened};
use crate::types::Vote;

/// Set in the child: engine and folder.
const CHILD: &str = "RINGHOLD_TEST_CRASH_CHILD";
const ROUNDS: u64 = 6;
/// The child purges this far behind what it appended.
const KEPT: u64 = 50;

#[test]
fn what_was_acknowledged_survives_the_kill_of_the_process() {
    for kind in KINDS {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("log");
        for round in 1..=ROUNDS {
            let acknowledged = append_until_killed(kind, &folder, 20 + round * 13);
            let mut store = opened(kind, &folder).unwrap();
            block_on(async {
                let state = store.get_log_state().await.unwrap();
                let last = state.last_log_id.unwrap().index;
                assert!(last >= acknowledged, "{kind:?}: entry {acknowledged} was acknowledged, the last is {last}");
                let first = state.last_purged_log_id.map_or(0, |id| id.index + 1);
                let entries = store.try_get_log_entries(..).await.unwrap();
                let indexes: Vec<_> = entries.iter().map(|entry| entry.log_id.index).collect();
                assert_eq!(indexes, (first..=last).collect::<Vec<_>>(), "{kind:?}");
                assert!(entries.iter().all(|found| *found == entry(found.log_id.index, 200)));
                let vote = store.read_vote().await.unwrap().expect("it voted");
                assert!(vote.leader_id().term * 10 + 10 > acknowledged, "{kind:?}: {vote} after {acknowledged}");
            });
        }
    }
}

/// Not a test of its own: what the child process runs.
#[test]
fn child_that_appends_for_ever() {
    let Ok(place) = env::var(CHILD) else { return };
    let (kind, folder) = place.split_once(' ').unwrap();
    let kind = if kind == "redb" { StoreKind::Redb } else { StoreKind::Sled };
    let mut store = opened(kind, Path::new(folder)).unwrap();
    block_on(async {
        let mut next = store.get_log_state().await.unwrap().last_log_id.map_or(0, |id| id.index + 1);
        loop {
            append(&mut store, [entry(next, 200), entry(next + 1, 200)]).await.unwrap();
            next += 2;
            if next.is_multiple_of(10) {
                store.save_vote(&Vote::new(next / 10, 1)).await.unwrap();
                store.save_committed(Some(log_id(next - 1))).await.unwrap();
                if next > KEPT {
                    store.purge(log_id(next - KEPT)).await.unwrap();
                }
            }
            println!("\nacknowledged {}", next - 1);
            std::io::stdout().flush().unwrap();
        }
    });
}

/// Returns the highest index that the child said was acknowledged.
fn append_until_killed(kind: StoreKind, folder: &Path, times: u64) -> u64 {
    let mut child = spawn_child(kind, folder);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = 0;
    let mut heard = 0;
    while heard < times {
        let line = lines.next().expect("the child lives").unwrap();
        if let Some(index) = line.strip_prefix("acknowledged ") {
            acknowledged = index.parse().unwrap();
            heard += 1;
        }
    }
    // SIGKILL.
    child.kill().unwrap();
    for line in lines.map_while(Result::ok) {
        if let Some(index) = line.strip_prefix("acknowledged ").and_then(|index| index.parse().ok()) {
            acknowledged = index;
        }
    }
    child.wait().unwrap();
    acknowledged
}

fn spawn_child(kind: StoreKind, folder: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "store::tests::crash::child_that_appends_for_ever", "--nocapture"])
        .env(CHILD, format!("{} {}", kind.name(), folder.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}
