//! What a crash or a bad disk may make of files.

use std::{fs, path::PathBuf};

use ringhold_node::backend::{Driver, Put, file::Files};

use crate::conformance::{key, row, stamp};

/// The only row's file.
fn file_of_the_row(root: &std::path::Path) -> PathBuf {
    let folders = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut files = folders.filter(|path| !path.ends_with("damaged")).flat_map(|folder| fs::read_dir(folder).unwrap());
    files.next().expect("a row").unwrap().path()
}

#[tokio::test]
async fn damaged_rows_are_set_aside_and_never_served() {
    let folder = tempfile::tempdir().unwrap();
    let (files, key) = (Files::new(folder.path()).unwrap(), key("default", "../../escape"));
    let row = row(&key, stamp(1, 1), "value", None);
    let whole = {
        files.put(std::slice::from_ref(&row)).await.unwrap();
        fs::read(file_of_the_row(folder.path())).unwrap()
    };
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for (number, damaged) in
        [&whole[..0], &whole[..5], &whole[..whole.len() - 1], &flipped, b"RINGHOLD"].iter().enumerate()
    {
        fs::write(file_of_the_row(folder.path()), damaged).unwrap();
        assert_eq!(files.get(std::slice::from_ref(&key)).await.unwrap(), [None], "{number}");
        assert_eq!(files.damaged(), number as u64 + 1);
        assert_eq!(files.put(std::slice::from_ref(&row)).await.unwrap(), [Put::Stored], "it is written anew");
        assert_eq!(files.get(std::slice::from_ref(&key)).await.unwrap(), [Some(row.body.clone())]);
    }
    assert_eq!(fs::read_dir(folder.path().join("damaged")).unwrap().count(), 5, "kept for a person to look at");
}

#[tokio::test]
async fn rows_outlive_the_process_and_nothing_leaves_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    let (key, other) = (key("default", "../../../k"), key("default", "/etc/hosts"));
    let row = row(&key, stamp(1, 1), "value", None);
    Files::new(&root).unwrap().put(std::slice::from_ref(&row)).await.unwrap();
    let again = Files::new(&root).unwrap();
    assert_eq!(again.get(&[key, other]).await.unwrap(), [Some(row.body), None]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
