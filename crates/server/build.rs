//! Provides the commit and the target to `unitpay --version`.
//!
//! The commit is `BUILD_COMMIT`, or in a release build the one that is checked out. Other builds do
//! not name one, so that a commit does not make them compile again.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=BUILD_COMMIT");
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = env::var("BUILD_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = commit.or_else(|| if is_release { checked_out() } else { None });
    println!("cargo::rustc-env=BUILD_COMMIT={}", commit.as_deref().unwrap_or("unknown"));
    println!("cargo::rustc-env=BUILD_TARGET={}", env::var("TARGET").unwrap_or_default());
}

/// Returns the commit of the work tree; `None` outside a repository.
fn checked_out() -> Option<String> {
    let reflog = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    if Path::new(&reflog).exists() {
        println!("cargo::rerun-if-changed={reflog}");
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
