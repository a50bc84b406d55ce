//! No file of Rust grows beyond what can be read in one go.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::root;

/// Most lines of one file, tests included.
const LINES_MAX: usize = 400;

/// Folders that hold no code of ours.
const SKIPPED: &[&str] = &["target", ".git", "ringhold-data", "node_modules", "snapshots"];

#[test]
fn no_file_is_longer_than_400_lines() {
    let mut files = Vec::new();
    collect(&root(), &mut files);
    assert!(files.len() > 20, "the walk found only {files:?}");
    let too_long: Vec<String> = files
        .iter()
        .map(|path| (path, lines(path)))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(path, lines)| format!("{} has {lines} lines", path.strip_prefix(root()).unwrap_or(path).display()))
        .collect();
    assert!(too_long.is_empty(), "at most {LINES_MAX} lines a file; split by theme:\n{}", too_long.join("\n"));
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    // Files may come and go while editors and other tests are at work.
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && !SKIPPED.iter().any(|skipped| name == *skipped) {
            collect(&path, files);
        } else if !is_folder && path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn lines(path: &Path) -> usize {
    fs::read(path).map_or(0, |bytes| bytes.split(|byte| *byte == b'\n').count().saturating_sub(1))
}
