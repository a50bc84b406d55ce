//! Real processes of the real binary. Each is ended by its pid when the value is dropped.

use std::{
    ffi::OsStr,
    fs::File,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::Instant,
};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use super::wait::PATIENCE;

/// A running `ringhold`.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    /// What it wrote to standard error.
    pub log: PathBuf,
    /// What it wrote to standard output.
    pub output: PathBuf,
}

impl Process {
    /// Starts `ringhold` with `arguments`; its output goes to files in `folder`. The environment is empty of settings.
    pub fn start(name: &str, folder: &Path, arguments: &[impl AsRef<OsStr>]) -> Self {
        Self::start_with(name, folder, arguments, &[])
    }

    /// The same with these settings in the environment.
    pub fn start_with(
        name: &str,
        folder: &Path,
        arguments: &[impl AsRef<OsStr>],
        environment: &[(&str, &str)],
    ) -> Self {
        std::fs::create_dir_all(folder).expect("the folder can be made");
        let (log, output) = (folder.join(format!("{name}.log")), folder.join(format!("{name}.out")));
        let child = command(folder, arguments)
            .env("RUST_LOG", "info")
            .envs(environment.iter().copied())
            .stdout(File::options().create(true).append(true).open(&output).expect("the file can be made"))
            .stderr(File::options().create(true).append(true).open(&log).expect("the file can be made"))
            .spawn()
            .expect("the binary starts");
        Self { name: name.into(), child, log, output }
    }

    /// The number that the system gave it.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap_or_else(|error| panic!("{} cannot be signalled: {error}", self.name));
    }

    /// Makes it stand still, and waits until all of its threads do; SIGCONT sets it going again.
    pub fn stall(&self) {
        self.signal(Signal::STOP);
        let stopped = waitpid(Some(self.pid()), WaitOptions::UNTRACED).expect("the child can be waited for");
        assert!(stopped.is_some_and(|(_, status)| status.stopped()), "{} does not stand still", self.name);
    }

    /// Ends it at once, as a crash does, and waits for its end.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }

    /// Asks it to end and waits for that.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the child can be asked") {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "{} does not end; its log is {}", self.name, self.log.display());
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    /// What it logged so far.
    pub fn logged(&self) -> String {
        std::fs::read_to_string(&self.log).expect("the log can be read")
    }

    /// What it printed so far.
    pub fn printed(&self) -> String {
        std::fs::read_to_string(&self.output).expect("the output can be read")
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("the child can be asked").is_none()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking()
            && let Ok(log) = std::fs::read_to_string(&self.log)
        {
            let tail: Vec<&str> = log.lines().rev().take(30).collect();
            eprintln!("--- the end of {}'s log", self.name);
            tail.iter().rev().for_each(|line| eprintln!("{line}"));
        }
    }
}

/// `ringhold` with `arguments`, to be started in `folder` with an empty environment and nothing to read.
pub fn command(folder: &Path, arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringhold"));
    command.args(arguments).current_dir(folder).env_clear().stdin(Stdio::null());
    command
}

/// First port given out, and how many follow. They lie below the ports that systems give to outgoing connections and to
/// listeners on port 0, so that nobody gets one by chance between its choice and its use.
const PORT_FIRST: u16 = 12_000;
const PORTS: u16 = 20_000;

/// A loopback address for a process that must be told its port. No other test of this process is given it, and test
/// processes that run beside each other begin at different places.
pub fn free_address() -> SocketAddr {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let begin = (std::process::id() % 997) as u16 * 20;
    loop {
        let step = TAKEN.fetch_add(1, Ordering::Relaxed);
        let port = PORT_FIRST + begin.wrapping_add(step) % PORTS;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
