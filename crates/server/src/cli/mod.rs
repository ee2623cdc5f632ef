//! The commands of the program. They print their result on standard output and nothing else;
//! messages go to standard error.

mod copy;
mod demo;
mod export;
mod healthcheck;
mod import;
mod listen;
mod maintain;
mod manage;
mod manual;
mod processors;
mod serve;
mod store;

use crate::config::{Config, FILE_VARIABLE};
use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The version with the commit and the target that it was built from and for.
const BUILD: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (commit ",
    env!("BUILD_COMMIT"),
    ", ",
    env!("BUILD_TARGET"),
    ")"
);

#[derive(Parser)]
#[command(name = "unitpay", version, long_version = BUILD)]
#[command(about = "A self-hosted customer billing portal")]
struct Cli {
    #[command(flatten)]
    which: Which,
    #[command(subcommand)]
    command: Command,
}

/// The options that select configuration and store. Every command accepts them.
#[derive(Args)]
struct Which {
    /// The configuration file
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The directory of the embedded store
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<String>,
    /// Use PostgreSQL, as postgres://user@host/database
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Start a demo: a temporary store with customers, a key, and a curl command for each step
    Demo(Listen),
    /// Serve the API
    Serve(Listen),
    /// Check that the server on this machine is ready
    Healthcheck {
        /// The address that it listens on [default: 127.0.0.1:4000]
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<String>,
    },
    /// Create, list and revoke API keys
    #[command(subcommand)]
    Keys(manage::Keys),
    /// Create, list, suspend and resume organizations
    #[command(subcommand)]
    Orgs(manage::Orgs),
    /// Rotate, list, revoke and import signing keys
    #[command(subcommand)]
    SigningKeys(manage::Signing),
    /// Connect, list and disconnect payment processors
    #[command(subcommand)]
    Processors(processors::Processors),
    /// Move in from another system: customers, cards and subscriptions. Works while the server is running
    #[command(subcommand)]
    Import(import::Import),
    /// Migrate the store's schema to this version
    Migrate,
    /// Copy the embedded store to a file. Works while the server is running
    Backup { file: PathBuf },
    /// Replace the embedded store with a backup and end every session in it
    Restore(maintain::Restore),
    /// Copy the embedded store to PostgreSQL
    #[command(subcommand)]
    Store(copy::StoreCommand),
    /// Print invoices, payments, ledgers or usage for accounting. Works while the server is running
    Export(export::Export),
    /// End every session of the installation
    NewEpoch,
    /// Confirm the wall clock after it jumped: a server on the embedded store bills by it again
    AcceptClock,
    /// Send a server's events to a URL on this machine, signed as webhooks are
    Listen(listen::Listen),
    /// Print the OpenAPI description
    Openapi,
    /// Print the completion script of a shell
    Completions { shell: Shell },
    /// Write the manual pages to a directory
    Manual { dir: PathBuf },
}

#[derive(Args)]
struct Listen {
    /// Address to listen on [default: 127.0.0.1:4000]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Public address of the API, as browsers reach it
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
}

/// Runs the command given on the command line.
pub fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "unitpay: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let Cli { which, command } = cli;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let _handled = runtime.block_on(async { survive_size_limits() })?;
    if !matches!(command, Command::Demo(_) | Command::Serve(_)) {
        // A server configures its log. A command logs only warnings and errors.
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::WARN)
            .with_writer(std::io::stderr)
            .init();
    }
    let done = match command {
        Command::Import(command) => {
            return runtime.block_on(import::run(&which.plain()?, &command));
        }
        Command::Demo(listen) => runtime.block_on(demo::run(&which, &listen)),
        Command::Serve(listen) => runtime.block_on(serve::run(which.config(&listen)?)),
        Command::Healthcheck { listen } => {
            let listen = Listen { listen, public_url: None };
            runtime.block_on(healthcheck::run(&which.config(&listen)?))
        }
        Command::Keys(command) => runtime.block_on(manage::keys(&which.plain()?, command)),
        Command::Orgs(command) => runtime.block_on(manage::orgs(&which.plain()?, command)),
        Command::SigningKeys(command) => {
            runtime.block_on(manage::signing(&which.plain()?, command))
        }
        Command::Processors(command) => runtime.block_on(processors::run(&which.plain()?, command)),
        Command::Migrate => runtime.block_on(maintain::migrate(&which.plain()?)),
        Command::Backup { file } => maintain::backup(&which.plain()?, &file),
        Command::Restore(restore) => runtime.block_on(maintain::restore(&which.plain()?, &restore)),
        Command::Store(command) => runtime.block_on(copy::run(&which.plain()?, &command)),
        Command::Export(export) => runtime.block_on(export::run(&which.plain()?, &export)),
        Command::AcceptClock => runtime.block_on(maintain::accept_clock(&which.plain()?)),
        Command::NewEpoch => runtime.block_on(maintain::new_epoch(&which.plain()?)),
        Command::Listen(listen) => runtime.block_on(listen::run(&listen)),
        Command::Openapi => print(crate::routes::openapi_json().trim_end()),
        Command::Completions { shell } => manual::completions(shell),
        Command::Manual { dir } => manual::pages(&dir),
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// Has a write beyond the process's limit of file sizes fail, as on a full disk, where the signal of
/// it would end the process.
fn survive_size_limits() -> std::io::Result<Signal> {
    signal(SignalKind::from_raw(nix::libc::SIGXFSZ))
}

impl Which {
    fn plain(&self) -> anyhow::Result<Config> {
        let config = self.load(Vec::new())?;
        if let Some(line) = ignored(&config) {
            say(&line);
        }
        Ok(config)
    }

    fn config(&self, listen: &Listen) -> anyhow::Result<Config> {
        let mut flags = Vec::new();
        flags.extend(listen.listen.clone().map(|address| ("listen", address)));
        flags.extend(listen.public_url.clone().map(|url| ("public_url", url)));
        self.load(flags)
    }

    fn load(&self, mut flags: Vec<(&'static str, String)>) -> anyhow::Result<Config> {
        flags.extend(self.data_dir.clone().map(|dir| ("data_dir", dir)));
        flags.extend(self.database_url.clone().map(|url| ("database_url", url)));
        let named = std::env::var_os(FILE_VARIABLE).filter(|name| !name.is_empty());
        let file = self.config.clone().or_else(|| named.map(PathBuf::from));
        Config::load(file.as_deref(), variables()?, &flags)
    }
}

/// A line about variables that are not keys and were ignored.
fn ignored(config: &Config) -> Option<String> {
    let names = &config.ignored_variables;
    (!names.is_empty())
        .then(|| format!("ignored, made by Kubernetes of a service: {}", names.join(", ")))
}

/// The variables of this program; others need not even be text.
fn variables() -> anyhow::Result<Vec<(String, String)>> {
    let text = |value: OsString| value.into_string().ok();
    std::env::vars_os()
        .filter_map(|(name, value)| Some((text(name)?, value)))
        .filter(|(name, _)| name.starts_with("UNITPAY_"))
        .map(|(name, value)| match text(value) {
            Some(value) => Ok((name, value)),
            None => bail!("{name} is not text"),
        })
        .collect()
}

/// Prints a line of a command's result.
fn print(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{line}").context("cannot write to standard output")
}

/// Prints a message.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
