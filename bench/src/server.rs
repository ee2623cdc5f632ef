//! The server under test: the release binary, started the way an operator starts it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::context::Context;
use crate::process::{Log, Process};
use crate::requests;
use crate::setup;

/// The interval between two readiness checks.
const LOOK_EVERY: Duration = Duration::from_millis(2);
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// Disables the two rate limits that a benchmark from one address would hit.
pub(crate) const NO_LIMITS: [(&str, &str); 2] = [
    ("UNITPAY_LIMITS_BAD_CREDENTIALS_PER_SECOND", "0"),
    ("UNITPAY_LIMITS_PORTAL_SESSION_PER_SECOND", "0"),
];

/// The store of the server.
#[derive(Clone, Copy)]
pub(crate) enum Store<'a> {
    Embedded(&'a Path),
    Postgres { url: &'a str, master_key: &'a str },
}

pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) log: Log,
    pub(crate) addr: SocketAddr,
    /// The time from spawn to the first 200 of `/readyz`.
    pub(crate) ready_after: Duration,
}

impl Server {
    /// Starts the server on a free port and waits until it is ready.
    pub(crate) async fn start(
        context: &Context,
        store: Store<'_>,
        env: &[(&str, &str)],
    ) -> Result<Server> {
        let mut log = Log::create(&context.temp.path().join("server.log"))?;
        let addr = free_address()?;
        let mut command = Process::command(&context.server_cpus, context.binary())?;
        command.args(["serve", "--listen", &addr.to_string()]).stderr(log.stdio()?);
        store.apply(&mut command);
        command.envs(env.iter().copied());

        let started = Instant::now();
        let mut process = Process::spawn("the server", command)?;
        while !is_ready(addr).await {
            if started.elapsed() > READY_TIMEOUT {
                bail!("the server is not ready: {}", log.text()?);
            }
            process.check().with_context(|| log.text().unwrap_or_default())?;
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let ready_after = started.elapsed();
        log.clear()?;
        Ok(Server { process, log, addr, ready_after })
    }
}

impl Store<'_> {
    fn apply(self, command: &mut Command) {
        match self {
            Store::Embedded(folder) => command.arg("--data-dir").arg(folder),
            Store::Postgres { url, master_key } => {
                command.args(["--database-url", url]).env("UNITPAY_MASTER_KEY", master_key)
            }
        };
    }

    /// Creates a secret key while the server is running.
    pub(crate) fn create_key(self, context: &Context) -> Result<String> {
        let mut command = Process::command(&context.server_cpus, context.binary())?;
        command.args(["keys", "create", "--env", "sandbox", "--name", "bench"]);
        self.apply(&mut command);
        let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output()?;
        let key = String::from_utf8(output.stdout)?.trim().to_owned();
        if !output.status.success() || key.is_empty() {
            bail!("no key was created: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(key)
    }
}

async fn is_ready(addr: SocketAddr) -> bool {
    let request = requests::ready();
    let answer = setup::once(addr, &request);
    match tokio::time::timeout(Duration::from_secs(1), answer).await {
        Ok(Ok(answer)) => answer.status == 200,
        Ok(Err(_)) | Err(_) => false,
    }
}

/// Returns a loopback address that is currently free.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
