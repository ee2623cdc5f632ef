//! Starts a PostgreSQL server for the benchmark in a temporary folder, with the distribution's
//! settings (including durable commits), on a free port, as an unprivileged user if the benchmark
//! runs as root.

use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::Signal;
use nix::unistd::{User, geteuid};

use crate::context::Context;
use crate::process::{Log, Process};
use crate::server::free_address;
use crate::temp::Temp;

const READY_TIMEOUT: Duration = Duration::from_secs(30);
/// Folders of the PostgreSQL programs that are not on the path.
const INSTALLED: &str = "/usr/lib/postgresql";
/// The user to run PostgreSQL as when the benchmark is root, which PostgreSQL refuses.
const UNPRIVILEGED: &str = "postgres";

pub(crate) struct Postgres {
    // Dropped in this order: the server stops before its folder is removed.
    _process: Process,
    _folder: Temp,
    pub(crate) url: String,
}

/// Returns the folder of `initdb` and `postgres`, of the newest version if there are several.
pub(crate) fn programs() -> Option<PathBuf> {
    let mut found: Vec<_> = std::fs::read_dir(INSTALLED)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
        .collect();
    found.sort_unstable();
    found.pop()
}

impl Postgres {
    pub(crate) async fn start(context: &Context, programs: &Path) -> Result<Postgres> {
        let folder = Temp::create(&context.args.dir, "postgres")?;
        if geteuid().is_root() {
            let user = User::from_name(UNPRIVILEGED)?.context("no user postgres to run as")?;
            chown(folder.path(), Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
        }
        let data = folder.path().join("data");
        let init = unprivileged(&programs.join("initdb"))
            .args(["--auth=trust", "--username=unitpay", "--encoding=UTF8", "--locale=C", "-D"])
            .arg(&data)
            .stdin(Stdio::null())
            .output()?;
        if !init.status.success() {
            bail!("initdb failed: {}", String::from_utf8_lossy(&init.stderr));
        }

        let addr = free_address()?;
        let mut log = Log::create(&context.temp.path().join("postgres.log"))?;
        let mut command = unprivileged(&programs.join("postgres"));
        command.arg("-D").arg(&data).arg("-k").arg(folder.path());
        command.args(["-h", "127.0.0.1", "-p", &addr.port().to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log.stdio()?);
        // SIGINT requests a fast shutdown, which does not wait for clients.
        let mut process = Process::spawn("PostgreSQL", command)?.stop_with(Signal::SIGINT);
        let asked = Instant::now();
        while !log.text()?.contains("ready to accept connections") {
            if asked.elapsed() > READY_TIMEOUT {
                bail!("PostgreSQL is not ready: {}", log.text()?);
            }
            process.check().with_context(|| log.text().unwrap_or_default())?;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let url = format!("postgres://unitpay@{addr}/postgres");
        Ok(Postgres { _process: process, _folder: folder, url })
    }
}

/// Returns a command that runs the program as the unprivileged user if the caller is root.
fn unprivileged(program: &Path) -> Command {
    if !geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.arg(format!("--reuid={UNPRIVILEGED}")).arg(format!("--regid={UNPRIVILEGED}"));
    command.args(["--clear-groups", "--pdeathsig", "INT", "--"]).arg(program);
    // A folder that the user may not enter only causes a warning.
    command.current_dir("/");
    command
}
