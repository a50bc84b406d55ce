//! A disk that stalls: `fdatasync` and `fsync` of a process do not return as long as a file exists.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Stands before the C library's functions of the same names; everything else of the process goes on.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void wait_while_stalled(void) {
    const char *file = getenv("STALL_WHILE_EXISTS");
    while (file && access(file, F_OK) == 0) usleep(5000);
}

int fdatasync(int fd) { wait_while_stalled(); return syscall(SYS_fdatasync, fd); }
int fsync(int fd) { wait_while_stalled(); return syscall(SYS_fsync, fd); }
"#;

/// Makes the shim with the C compiler that Rust links with. `None` where there is none.
pub fn shim(folder: &Path) -> Option<PathBuf> {
    let (source, library) = (folder.join("stall.c"), folder.join("stall.so"));
    std::fs::write(&source, SHIM).expect("the folder can be written");
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
    compiled.is_ok_and(|status| status.success()).then_some(library)
}

/// What a process needs in its environment to have such a disk.
pub fn environment(library: &Path, stalls_while: &Path) -> Vec<(String, String)> {
    let text = |path: &Path| path.to_str().expect("temporary folders have plain names").to_owned();
    vec![("LD_PRELOAD".into(), text(library)), ("STALL_WHILE_EXISTS".into(), text(stalls_while))]
}
