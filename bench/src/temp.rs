//! A private temporary folder that is removed on drop, with all of its content.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

pub(crate) struct Temp {
    path: PathBuf,
}

impl Temp {
    /// Creates `<parent>/unitpay-bench-<name>-<process id>`, mode 0700; fails if it exists.
    pub(crate) fn create(parent: &Path, name: &str) -> Result<Temp> {
        let path = parent.join(format!("unitpay-bench-{name}-{}", std::process::id()));
        make_private(&path)?;
        Ok(Temp { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Creates a folder inside, mode 0700.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        make_private(&path)?;
        Ok(path)
    }
}

fn make_private(path: &Path) -> Result<()> {
    DirBuilder::new()
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot create {}", path.display()))
}

impl Drop for Temp {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            eprintln!("cannot remove {}: {error}", self.path.display());
        }
    }
}
