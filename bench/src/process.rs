//! Child processes: pinned to cores, measured through `/proc`, and killed by their id even if the
//! benchmark fails.

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

/// The time that a process has to exit after a signal.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// The time that a process has to print its address.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// `/proc/stat` counts in hundredths of a second on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// Pins the calling process to `cpus` and execs `program`. Returns only on failure. The process is
/// killed if the benchmark dies without cleaning up.
pub(crate) fn exec(cpus: &[usize], program: &OsStr, rest: &[OsString]) -> Result<()> {
    bind(cpus)?;
    set_pdeathsig(Signal::SIGTERM)?;
    Err(Command::new(program).args(rest).exec()).with_context(|| format!("cannot run {program:?}"))
}

/// Pins the calling thread and its later children to `cpus`.
pub(crate) fn bind(cpus: &[usize]) -> Result<()> {
    let mut set = CpuSet::new();
    for cpu in cpus {
        set.set(*cpu)?;
    }
    sched_setaffinity(Pid::from_raw(0), &set).context("cannot bind to a core")
}

/// Returns the CPU time of this process, which is the load.
pub(crate) fn own_cpu_time() -> Result<Duration> {
    Ok(ClockId::CLOCK_PROCESS_CPUTIME_ID.now()?.into())
}

/// Returns the CPU time of the whole machine, including the kernel, with a resolution of 10 ms.
pub(crate) fn busy_time() -> Result<Duration> {
    let text = std::fs::read_to_string("/proc/stat")?;
    let line = text.lines().next().context("unexpected stat")?;
    // user nice system idle iowait irq softirq steal
    let fields = line.split_ascii_whitespace().skip(1).take(8).map(str::parse);
    let fields = fields.collect::<Result<Vec<u32>, _>>()?;
    let idle: u32 = fields.iter().skip(3).take(2).sum();
    Ok(TICK * (fields.iter().sum::<u32>() - idle))
}

/// A child process that is killed on drop.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    stop: Signal,
}

/// The resident memory of a process, in MiB.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) resident: f64,
    pub(crate) peak: f64,
}

impl Process {
    /// Returns a command that runs `program` on `cpus`, without the caller's `UNITPAY_…` variables.
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

    /// Stops the process with this signal instead of SIGTERM.
    pub(crate) fn stop_with(mut self, signal: Signal) -> Process {
        self.stop = signal;
        self
    }

    /// Returns the CPU time of all threads since the start, including finished ones.
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

    /// Returns an error if the process has exited.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("{} ended: {status}", self.name),
            None => Ok(()),
        }
    }

    /// Stops the process and waits for a clean exit.
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
            // A failure here means that the child has exited.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The file for a child's stderr. It is truncated between rounds, so that it stays small.
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

    /// Waits for the line with the address that the process listens on.
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
