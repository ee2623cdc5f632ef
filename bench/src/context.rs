//! State shared by all cases: arguments, cores, temporary folder and report.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;

use crate::args::Args;
use crate::process;
use crate::report::Report;
use crate::rounds::median;
use crate::temp::Temp;

pub(crate) struct Context {
    pub(crate) args: Args,
    pub(crate) temp: Temp,
    pub(crate) report: Report,
    /// Where the server and the floor run: one core, or all in the PostgreSQL case.
    pub(crate) server_cpus: Vec<usize>,
    load_cpu: usize,
    all_cpus: Vec<usize>,
    /// The duration of one round of one subject, and the number of rounds.
    pub(crate) round: Duration,
    pub(crate) rounds: usize,
    /// CPU used by the rest of the machine, in cores, one value per round.
    pub(crate) others: RefCell<Vec<f64>>,
}

impl Context {
    pub(crate) fn new(args: Args) -> Result<Context> {
        if !args.server.is_file() {
            bail!("no server at {}: build the release binary first", args.server.display());
        }
        let allowed = sched_getaffinity(Pid::from_raw(0))?;
        let mut all_cpus = Vec::new();
        for cpu in 0..CpuSet::count() {
            if allowed.is_set(cpu)? {
                all_cpus.push(cpu);
            }
        }
        let &[server, load, ..] = all_cpus.as_slice() else {
            bail!("two cores are needed: one for the server, one for the load");
        };
        let (round, rounds) = match args.quick {
            true => (Duration::from_millis(200), 11),
            false => (Duration::from_millis(300), 31),
        };
        Ok(Context {
            temp: Temp::create(&args.dir, "run")?,
            report: Report::new(environment(args.quick, all_cpus.len())),
            args,
            server_cpus: vec![server],
            load_cpu: load,
            all_cpus,
            round,
            rounds,
            others: RefCell::default(),
        })
    }

    pub(crate) fn binary(&self) -> &Path {
        &self.args.server
    }

    /// Runs the load on its own core and the server on another.
    pub(crate) fn load_core_only(&mut self) -> Result<()> {
        self.server_cpus.truncate(1);
        process::bind(&[self.load_cpu])
    }

    /// Whether the load has a core of its own.
    pub(crate) fn has_load_core(&self) -> bool {
        !self.server_cpus.contains(&self.load_cpu)
    }

    /// Runs everything on all cores.
    pub(crate) fn every_core(&mut self) -> Result<()> {
        self.server_cpus.clone_from(&self.all_cpus);
        process::bind(&self.all_cpus)
    }

    /// Notes how much CPU other processes used. The results are unreliable if that is a lot.
    pub(crate) fn note_others(&mut self) {
        let others = self.others.borrow();
        let most = others.iter().copied().fold(0.0, f64::max);
        self.report.note(format!(
            "All else on the machine, the kernel's own threads included, took {:.2} of its cores in \
             the median round and {most:.2} in the worst.",
            median(&others)
        ));
    }

    /// Creates a folder for one case's store.
    pub(crate) fn store(&self, name: &str) -> Result<PathBuf> {
        self.temp.folder(name).context("the case's store")
    }
}

/// The machine details that a reader needs to compare two reports.
fn environment(quick: bool, cores: usize) -> serde_json::Value {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map(|line| line.trim_start_matches([' ', '\t', ':']).to_owned());
    serde_json::json!({
        "cpu": cpu,
        "cores": cores,
        "kernel": read("/proc/sys/kernel/osrelease").trim(),
        "quick": quick,
    })
}
