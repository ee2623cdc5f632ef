//! Child processes: started on chosen cores, measured through `/proc`, and ended by their id
//! whatever happens to the benchmark.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;

/// How long a process may take to end after it was asked to.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a process may take to say where it listens.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// `/proc/stat` counts in hundredths of a second on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// Binds the calling process to `cpus`, then becomes `program`; returns only on failure. The
/// process also ends when the benchmark dies without a chance to clean up.
pub(crate) fn exec(cpus: &[usize], program: &OsStr, rest: &[OsString]) -> Result<()> {
    bind(cpus)?;
    set_pdeathsig(Signal::SIGTERM)?;
    Err(Command::new(program).args(rest).exec()).with_context(|| format!("cannot run {program:?}"))
}

/// Binds the calling thread, and what it starts later, to `cpus`.
pub(crate) fn bind(cpus: &[usize]) -> Result<()> {
    let mut set = CpuSet::new();
    for cpu in cpus {
        set.set(*cpu)?;
    }
    sched_setaffinity(Pid::from_raw(0), &set).context("cannot bind to a core")
}

/// CPU time of this process, which is the load's.
pub(crate) fn own_cpu_time() -> Result<Duration> {
    Ok(ClockId::CLOCK_PROCESS_CPUTIME_ID.now()?.into())
}

/// CPU time that everything on the machine has spent, the kernel included, to 10 ms.
pub(crate) fn busy_time() -> Result<Duration> {
    let text = std::fs::read_to_string("/proc/stat")?;
    let line = text.lines().next().context("unexpected stat")?;
    // user nice system idle iowait irq softirq steal
    let fields = line.split_ascii_whitespace().skip(1).take(8).map(str::parse);
    let fields = fields.collect::<Result<Vec<u32>, _>>()?;
    let idle: u32 = fields.iter().skip(3).take(2).sum();
    Ok(TICK * (fields.iter().sum::<u32>() - idle))
}

/// A child that is ended when this value goes.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    stop: Signal,
}

/// What a process holds in memory, in MiB.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) resident: f64,
    pub(crate) peak: f64,
}

impl Process {
    /// A command that runs `program` on `cpus`, with no `UNITPAY_…` variable of the caller's.
    pub(crate) fn command(cpus: &[usize], program: &Path) -> Result<Command> {
        let list = cpus.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("exec").arg(list).arg(program).stdin(Stdio::null()).stdout(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("UNITPAY_") {
                command.env_remove(name);
            }
        }
        Ok(command)
    }

    pub(crate) fn spawn(name: &'static str, mut command: Command) -> Result<Process> {
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        Ok(Process { name, child, stop: Signal::SIGTERM })
    }

    /// Asks with another signal than SIGTERM when the process is to end.
    pub(crate) fn stop_with(mut self, signal: Signal) -> Process {
        self.stop = signal;
        self
    }

    /// CPU time of all threads since the start, those that have ended included.
    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        let id = Pid::from_raw(self.child.id().try_into()?);
        let clock = clock_getcpuclockid(id).with_context(|| format!("{} is gone", self.name))?;
        Ok(clock.now()?.into())
    }

    pub(crate) fn memory(&self) -> Result<Memory> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .with_context(|| format!("{} is gone", self.name))?;
        let mebibytes = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
            kibibytes.map(|kibibytes: f64| kibibytes / 1024.0).context("unexpected status")
        };
        Ok(Memory { resident: mebibytes("VmRSS:")?, peak: mebibytes("VmHWM:")? })
    }

    /// An error if the process has ended by itself.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("{} ended: {status}", self.name),
            None => Ok(()),
        }
    }

    /// Asks the process to end and waits for it; a clean exit is part of what is measured.
    pub(crate) fn stop(mut self) -> Result<()> {
        match self.end()? {
            Some(status) if !status.success() => bail!("{} ended badly: {status}", self.name),
            Some(_) => Ok(()),
            None => bail!("{} did not end within {STOP_TIMEOUT:?}", self.name),
        }
    }

    fn end(&mut self) -> Result<Option<std::process::ExitStatus>> {
        if let Some(status) = self.child.try_wait()? {
            return Ok(Some(status));
        }
        kill(Pid::from_raw(self.child.id().try_into()?), self.stop)?;
        let asked = Instant::now();
        while asked.elapsed() < STOP_TIMEOUT {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(None)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !matches!(self.end(), Ok(Some(_))) {
            // Nothing is left to do about a failure here: the child is gone or not ours.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The file that takes a child's stderr. It is emptied between rounds, so that it stays small.
pub(crate) struct Log {
    file: File,
}

impl Log {
    pub(crate) fn create(path: &Path) -> Result<Log> {
        let file = OpenOptions::new().create(true).append(true).read(true).open(path)?;
        file.set_len(0)?;
        Ok(Log { file })
    }

    pub(crate) fn stdio(&self) -> Result<Stdio> {
        Ok(self.file.try_clone()?.into())
    }

    pub(crate) fn clear(&self) -> Result<()> {
        Ok(self.file.set_len(0)?)
    }

    pub(crate) fn text(&mut self) -> Result<String> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Waits for the line that says where the process listens.
    pub(crate) async fn wait_for_address(&mut self, process: &mut Process) -> Result<SocketAddr> {
        let asked = Instant::now();
        while asked.elapsed() < START_TIMEOUT {
            let text = self.text()?;
            if let Some((_, rest)) = text.split_once("listening on http://") {
                let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':');
                if let Some(address) = end.map(|end| &rest[..end]) {
                    return address.parse().with_context(|| format!("odd address {address}"));
                }
            }
            process.check().with_context(|| text)?;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        bail!("{} does not listen: {}", process.name, self.text()?)
    }
}
