//! `unitpay completions` and `unitpay manual`: files that packages install.

use super::{Cli, print};
use anyhow::Context;
use clap::CommandFactory as _;
use clap_complete::Shell;
use std::path::Path;

/// Prints the completion script of a shell.
pub fn completions(shell: Shell) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "unitpay", &mut script);
    print(String::from_utf8(script)?.trim_end())
}

/// Writes a manual page for the program and for each command.
pub fn pages(folder: &Path) -> anyhow::Result<()> {
    let cannot = || format!("cannot write to {}", folder.display());
    std::fs::create_dir_all(folder).with_context(cannot)?;
    clap_mangen::generate_to(Cli::command(), folder).with_context(cannot)
}
