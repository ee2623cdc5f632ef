//! Parses the command line: a few flags, and three hidden roles of the same binary.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::cases::NAMES;

pub(crate) const USAGE: &str = "\
usage: unitpay-bench [--only NAME]... [--quick] [--postgres] [--check]
                     [--json FILE] [--server FILE] [--dir DIR]

  --only NAME    run this case alone; may be repeated
                 footprint read mint lone login revoke garbage objects track debit year
                 growth webhooks customers postgres
  --quick        short rounds; 100,000 sessions and customers instead of a million
  --postgres     fail where PostgreSQL's programs are missing instead of skipping the case
  --check        exit with an error where a target is missed
  --json FILE    write the rows as JSON too
  --server FILE  the server's binary; default: `unitpay` beside this program
  --dir DIR      where the temporary stores go; must be a disk for durable writes to mean anything";

/// The role of this process.
#[derive(Debug)]
pub(crate) enum Command {
    Bench(Args),
    Help,
    /// Internal: pin the process to the cores, then exec the program.
    Exec {
        cpus: Vec<usize>,
        program: OsString,
        rest: Vec<OsString>,
    },
    /// Internal: serve the bare handler that the server is compared with.
    Floor {
        response_bytes: usize,
    },
    /// Internal: serve the bare handler that inserts a row.
    Insert {
        folder: PathBuf,
    },
}

#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) only: Vec<String>,
    pub(crate) quick: bool,
    pub(crate) postgres: bool,
    pub(crate) check: bool,
    pub(crate) json: Option<PathBuf>,
    pub(crate) server: PathBuf,
    pub(crate) dir: PathBuf,
}

impl Args {
    pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Command> {
        let mut arguments = arguments.peekable();
        match arguments.peek().and_then(|first| first.to_str()) {
            Some("exec") => return exec(arguments.skip(1)),
            Some("floor") => return floor(arguments.skip(1)),
            Some("insert") => {
                let folder = arguments.nth(1).context("insert needs a folder")?.into();
                return Ok(Command::Insert { folder });
            }
            Some(_) | None => {}
        }
        let mut args = Args {
            only: Vec::new(),
            quick: false,
            postgres: false,
            check: false,
            json: None,
            server: std::env::current_exe()?.with_file_name("unitpay"),
            dir: std::env::temp_dir(),
        };
        while let Some(flag) = arguments.next() {
            let flag = flag.to_string_lossy().into_owned();
            let mut value = || arguments.next().with_context(|| format!("{flag} needs a value"));
            match flag.as_str() {
                "--only" => args.only.push(case(value()?)?),
                "--quick" => args.quick = true,
                "--postgres" => args.postgres = true,
                "--check" => args.check = true,
                "--json" => args.json = Some(value()?.into()),
                "--server" => args.server = value()?.into(),
                "--dir" => args.dir = value()?.into(),
                "--help" | "-h" => return Ok(Command::Help),
                _ => bail!("unknown argument {flag}\n{USAGE}"),
            }
        }
        Ok(Command::Bench(args))
    }
}

fn case(name: OsString) -> Result<String> {
    let name = name.to_string_lossy().into_owned();
    if !NAMES.contains(&name.as_str()) {
        bail!("unknown case {name}; there are: {}", NAMES.join(" "));
    }
    Ok(name)
}

fn exec(mut rest: impl Iterator<Item = OsString>) -> Result<Command> {
    let list = rest.next().context("exec needs a list of cores")?;
    let cpus = list.to_string_lossy().split(',').map(str::parse).collect::<Result<_, _>>()?;
    let program = rest.next().context("exec needs a program")?;
    Ok(Command::Exec { cpus, program, rest: rest.collect() })
}

fn floor(mut rest: impl Iterator<Item = OsString>) -> Result<Command> {
    let bytes = rest.next().context("floor needs a size")?;
    Ok(Command::Floor { response_bytes: bytes.to_string_lossy().parse()? })
}
