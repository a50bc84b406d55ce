//! A memory cgroup, of either version.

use std::{
    fs,
    io::{Error, ErrorKind, Result},
    path::{Path, PathBuf},
};

use crate::harness::process::Process;

/// Removed when dropped, after the processes in it have ended.
pub(crate) struct Cgroup {
    folder: PathBuf,
    is_v2: bool,
}

impl Cgroup {
    /// Makes one with a limit. Errors where the system or its owner does not allow that.
    pub(crate) fn make(name: &str, limit: u64) -> Result<Self> {
        let (v1, v2) = (Path::new("/sys/fs/cgroup/memory"), Path::new("/sys/fs/cgroup"));
        let controllers = fs::read_to_string(v2.join("cgroup.controllers")).unwrap_or_default();
        let is_v2 = controllers.split_whitespace().any(|controller| controller == "memory");
        if !is_v2 && !v1.join("memory.limit_in_bytes").exists() {
            return Err(Error::new(ErrorKind::Unsupported, "no memory controller"));
        }
        let name = format!("{name}-{}", std::process::id());
        let cgroup = Self { folder: if is_v2 { v2.join(name) } else { v1.join(name) }, is_v2 };
        if is_v2 {
            fs::write(v2.join("cgroup.subtree_control"), "+memory")?;
        }
        fs::create_dir(&cgroup.folder)?;
        fs::write(cgroup.file("memory.max", "memory.limit_in_bytes"), limit.to_string())?;
        // Without it what is too much is swapped out instead. Missing where there is no swap accounting.
        let _ = if is_v2 {
            fs::write(cgroup.folder.join("memory.swap.max"), "0")
        } else {
            fs::write(cgroup.folder.join("memory.swappiness"), "0")
        };
        Ok(cgroup)
    }

    /// Moves a process into it.
    pub(crate) fn take_in(&self, process: &Process) {
        fs::write(self.folder.join("cgroup.procs"), process.id().to_string()).expect("a process can be moved");
    }

    /// Processes that were killed in it for want of memory.
    pub(crate) fn kills(&self) -> u64 {
        let file = self.file("memory.events", "memory.oom_control");
        let text = fs::read_to_string(file).expect("the cgroup is there");
        let line = text.lines().find_map(|line| line.strip_prefix("oom_kill ")).expect("the system counts them");
        line.trim().parse().expect("a number")
    }

    /// The most that it ever held.
    pub(crate) fn peak(&self) -> u64 {
        let text = fs::read_to_string(self.file("memory.peak", "memory.max_usage_in_bytes")).unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    }

    fn file(&self, v2: &str, v1: &str) -> PathBuf {
        self.folder.join(if self.is_v2 { v2 } else { v1 })
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.folder);
    }
}
