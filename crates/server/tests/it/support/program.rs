//! The real program as a process.

use super::Client;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};

/// A running `unitpay serve`, killed on drop.
pub struct Program {
    child: Child,
    pub client: Client,
    log: Arc<Log>,
}

/// The output lines of a process.
#[derive(Default)]
struct Log {
    lines: Mutex<(Vec<String>, bool)>,
    grown: Condvar,
}

impl Program {
    /// A command of the program, with a clean environment for it.
    pub fn bare(arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_unitpay"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("UNITPAY_")) {
            command.env_remove(name);
        }
        command.args(arguments).stdin(Stdio::null());
        command
    }

    /// The same on an embedded store.
    pub fn command(data_dir: &Path, arguments: &[&str]) -> Command {
        let mut command = Self::bare(arguments);
        command.arg("--data-dir").arg(data_dir);
        command
    }

    /// Starts a server with a prepared command and waits until it listens.
    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Log::default());
        log.follow(child.stderr.take().unwrap());
        let listening = "listening on http://";
        let said = log.wait_for(listening).unwrap_or_else(|said| panic!("it ended: {said:?}"));
        let line = said.iter().find_map(|line| line.split_once(listening)).unwrap().1;
        // The log may be JSON: the address ends at the first other character.
        let end = line.find(|c: char| !c.is_ascii_digit() && !".:".contains(c));
        let address = line[..end.unwrap_or(line.len())].parse().unwrap();
        Self { child, client: Client::new(address), log }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for this text and returns the line.
    pub fn wait_for(&self, text: &str) -> String {
        let said = self.log.wait_for(text).unwrap_or_else(|said| panic!("it ended: {said:?}"));
        said.into_iter().find(|line| line.contains(text)).unwrap()
    }

    /// Returns its whole output; call it after the process has ended.
    pub fn whole_log(&self) -> Vec<String> {
        let lines = self.log.lines.lock().unwrap();
        self.log.grown.wait_while(lines, |(_, ended)| !*ended).unwrap().0.clone()
    }

    /// Kills it, like a crash.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal by name.
    pub fn signal(&self, name: &str) {
        let killed = Command::new("kill").arg(name).arg(self.id().to_string()).status().unwrap();
        assert!(killed.success());
    }

    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Stops it and waits; true if it exited cleanly.
    pub fn terminate(&mut self) -> bool {
        self.signal("-TERM");
        self.wait().success()
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Log {
    /// Keeps reading, or the pipe fills up and the process blocks.
    fn follow(self: &Arc<Self>, pipe: ChildStderr) {
        let log = Arc::clone(self);
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                log.lines.lock().unwrap().0.push(line);
                log.grown.notify_all();
            }
            log.lines.lock().unwrap().1 = true;
            log.grown.notify_all();
        });
    }

    /// Waits for a text; returns the output until then, or all of it if the process ended without.
    fn wait_for(&self, text: &str) -> Result<Vec<String>, Vec<String>> {
        let said = |lines: &[String]| lines.iter().any(|line| line.contains(text));
        let lines = self.lines.lock().unwrap();
        let lines = self.grown.wait_while(lines, |(lines, ended)| !said(lines) && !*ended).unwrap();
        if said(&lines.0) { Ok(lines.0.clone()) } else { Err(lines.0.clone()) }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
