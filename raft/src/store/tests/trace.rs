//! What the system calls say: between an append and its acknowledgement the file is synced.

use std::{env, fs, path::Path, process::Command};

use super::{StoreKind, append, block_on, entry, opened};

/// Set in the child: engine and folder.
const CHILD: &str = "RINGHOLD_TEST_TRACE_CHILD";
const APPENDS: usize = 5;

#[test_with::executable(strace)]
#[test]
fn sled_is_synced_between_append_and_acknowledgement() {
    is_synced(StoreKind::Sled, "db");
}

#[test_with::executable(strace)]
#[test]
fn redb_is_synced_between_append_and_acknowledgement() {
    is_synced(StoreKind::Redb, "log.redb");
}

/// Not a test of its own: what the traced process runs.
#[test]
fn child_that_appends_between_marks() {
    let Ok(place) = env::var(CHILD) else { return };
    let (kind, folder) = place.split_once(' ').unwrap();
    let kind = if kind == "redb" { StoreKind::Redb } else { StoreKind::Sled };
    let mut store = opened(kind, &Path::new(folder).join("log")).unwrap();
    block_on(async {
        for index in 0..APPENDS as u64 {
            fs::write(Path::new(folder).join("mark"), format!("append-{index}")).unwrap();
            append(&mut store, [entry(index, 200)]).await.unwrap();
            fs::write(Path::new(folder).join("mark"), format!("acknowledged-{index}")).unwrap();
        }
    });
}

fn is_synced(kind: StoreKind, file: &str) {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("trace");
    let status = Command::new("strace")
        .args(["-f", "-y", "-s", "40", "-e", "trace=write,pwrite64,fsync,fdatasync", "-o"])
        .arg(&trace)
        .arg(env::current_exe().unwrap())
        .args(["--exact", "store::tests::trace::child_that_appends_between_marks", "--nocapture"])
        .env(CHILD, format!("{} {}", kind.name(), dir.path().display()))
        .status()
        .unwrap();
    assert!(status.success(), "the traced child failed: {status}");
    let trace = fs::read_to_string(trace).unwrap();
    let lines: Vec<_> = trace.lines().collect();
    let at = |mark: String| lines.iter().position(|line| line.contains(&mark)).unwrap_or_else(|| panic!("no {mark}"));
    for index in 0..APPENDS {
        let between = &lines[at(format!("append-{index}"))..at(format!("acknowledged-{index}"))];
        let synced = between.iter().position(|line| {
            (line.contains("fdatasync(") || line.contains("fsync(")) && line.contains(&format!("/log/{file}>"))
        });
        let written =
            between.iter().position(|line| line.contains("pwrite64(") && line.contains(&format!("/log/{file}>")));
        assert!(
            written.is_some() && synced > written,
            "{kind:?}: entry {index} was acknowledged without a sync after its write: {between:#?}"
        );
    }
}
