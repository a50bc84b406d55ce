//! Real servers on ports and in folders of their own; they end with the value.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::harness::{process::free_address, wait};

/// What a server is asked to see whether it serves, and how its answer begins.
type Greeting = (&'static str, &'static str);

/// A server that runs, or was killed and may run again at the same place.
#[derive(Debug)]
pub struct Server {
    program: &'static str,
    arguments: Vec<String>,
    greeting: Greeting,
    pub address: SocketAddr,
    child: Option<Child>,
    _folder: TempDir,
}

impl Server {
    pub async fn redis() -> Self {
        let (address, folder) = (free_address(), TempDir::new().expect("a folder"));
        let port = address.port().to_string();
        let place = folder.path().to_str().expect("a path of text");
        let arguments = ["--port", &port, "--bind", "127.0.0.1", "--dir", place, "--save", "", "--appendonly", "no"];
        let arguments = arguments.iter().map(ToString::to_string).collect();
        Self::start("redis-server", arguments, ("PING\r\n", "+PONG"), address, folder).await
    }

    pub async fn memcached() -> Self {
        let (address, folder) = (free_address(), TempDir::new().expect("a folder"));
        let port = address.port().to_string();
        // As root it wants to be told whom to run as; others it does not ask.
        let arguments = ["-p", &port, "-l", "127.0.0.1", "-U", "0", "-u", "root", "-t", "1"];
        let arguments = arguments.iter().map(ToString::to_string).collect();
        Self::start("memcached", arguments, ("version\r\n", "VERSION"), address, folder).await
    }

    async fn start(
        program: &'static str,
        arguments: Vec<String>,
        greeting: Greeting,
        address: SocketAddr,
        folder: TempDir,
    ) -> Self {
        let mut server = Self { program, arguments, greeting, address, child: None, _folder: folder };
        server.restart().await;
        server
    }

    /// Starts it, empty, and waits until it serves.
    pub async fn restart(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        let mut command = Command::new(self.program);
        command.args(&self.arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let missing = |error| panic!("{} cannot be started: {error}", self.program);
        self.child = Some(command.spawn().unwrap_or_else(missing));
        let (question, beginning) = self.greeting;
        wait::until("the server to serve", async || {
            self.ask(question).is_some_and(|answer| answer.starts_with(beginning)).then_some(())
        })
        .await;
    }

    /// Ends it without a word, with all it holds.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
        }
    }

    /// Stops it from doing anything, while its connections stay.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("it runs");
        kill_process(Pid::from_child(child), signal).expect("it takes signals");
    }

    /// What it says to a command, as far as it comes in one piece; `None`: it does not serve.
    pub fn ask(&self, command: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        stream.write_all(command.as_bytes()).ok()?;
        let mut answer = vec![0; 64 * 1024];
        let count = stream.read(&mut answer).ok()?;
        Some(String::from_utf8_lossy(&answer[..count]).into_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // A stopped process is killed all the same.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
