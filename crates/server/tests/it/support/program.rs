//! The real program, as a process of its own.

use super::Client;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// A running `unitpay serve`, killed when it is dropped.
pub struct Program {
    child: Child,
    pub client: Client,
    /// What it said until it listened.
    pub said: Vec<String>,
}

impl Program {
    /// The command with a clean environment for it.
    pub fn command(data_dir: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_unitpay"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("UNITPAY_")) {
            command.env_remove(name);
        }
        command.args(arguments).arg("--data-dir").arg(data_dir);
        command
    }

    /// Runs a command to its end.
    pub fn run(data_dir: &Path, arguments: &[&str]) -> Output {
        Self::command(data_dir, arguments).stdin(Stdio::null()).output().unwrap()
    }

    /// Starts a server and waits until it listens.
    pub fn serve(data_dir: &Path) -> Self {
        Self::start(Self::command(data_dir, &["serve", "--listen", "127.0.0.1:0"]))
    }

    /// Starts a server by a command that a test made and waits until it listens.
    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let address = loop {
            let line = lines.next().unwrap_or_else(|| panic!("it ended: {said:?}")).unwrap();
            said.push(line.clone());
            if let Some((_, address)) = line.split_once("listening on http://") {
                break address.trim().parse().unwrap();
            }
        };
        // Somebody must read on, or the pipe fills up and the server waits.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, client: Client::new(address), said }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once, as a crash does.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Tells it to stop and waits; true where it ended well.
    pub fn terminate(&mut self) -> bool {
        let told = Command::new("kill").arg("-TERM").arg(self.id().to_string()).status().unwrap();
        assert!(told.success());
        self.child.wait().unwrap().success()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
