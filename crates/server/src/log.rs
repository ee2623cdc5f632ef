//! The log's way to standard error: lines are gathered and written together.
//!
//! One write for each line would cost a request as much as reading its session. A line leaves
//! within [`GATHER`]; an error leaves at once, with all that was said before it, since what follows
//! an error may be the end of the process.

use parking_lot::{Condvar, Mutex};
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

const GATHER: Duration = Duration::from_millis(50);
const MOST: usize = 64 * 1024;

/// Gathers lines; cheap to clone.
#[derive(Clone, Default)]
pub struct Log(Arc<Gathered>);

#[derive(Default)]
struct Gathered {
    lines: Mutex<Vec<u8>>,
    begun: Condvar,
}

/// Takes one line.
pub struct Line<'l> {
    log: &'l Log,
    urgent: bool,
}

impl Log {
    /// Starts the thread that writes what has been gathered.
    pub fn start() -> io::Result<Self> {
        let log = Self::default();
        let gathered = log.clone();
        std::thread::Builder::new().name("unitpay-log".into()).spawn(move || {
            loop {
                gathered.wait();
                std::thread::sleep(GATHER);
                gathered.flush();
            }
        })?;
        Ok(log)
    }

    /// Writes what has been gathered.
    pub fn flush(&self) {
        write_out(&mut self.0.lines.lock());
    }

    fn wait(&self) {
        let mut lines = self.0.lines.lock();
        while lines.is_empty() {
            self.0.begun.wait(&mut lines);
        }
    }
}

fn write_out(lines: &mut Vec<u8>) {
    // A log that nobody takes is lost; requests go on.
    let _ = io::stderr().write_all(lines);
    lines.clear();
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lines = self.log.0.lines.lock();
        let first = lines.is_empty();
        lines.extend_from_slice(line);
        if self.urgent || lines.len() >= MOST {
            write_out(&mut lines);
        } else if first {
            self.log.0.begun.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'l> MakeWriter<'l> for Log {
    type Writer = Line<'l>;

    fn make_writer(&'l self) -> Line<'l> {
        Line { log: self, urgent: true }
    }

    fn make_writer_for(&'l self, metadata: &Metadata<'_>) -> Line<'l> {
        Line { log: self, urgent: *metadata.level() == Level::ERROR }
    }
}
