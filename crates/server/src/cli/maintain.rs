//! Maintenance of the store: migrate, backup, restore, new epoch.

use super::say;
use super::store::{
    Purpose, Store, configured_master_key, database_path, lock_to_replace, lock_to_use,
    make_folder, own_master_key, restoring_path, sync_folder_of,
};
use crate::base::{Clock, Random};
use crate::config::Config;
use crate::db::{Db, Lane, Postgres, PostgresOptions, Sqlite, Tx, copy_database};
use crate::signing::SigningKeys;
use crate::{clock_guard, customers, keys};
use anyhow::{Context, bail};
use clap::Args;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const POSTGRES_TOOLS: &str = "PostgreSQL has its own tools for that; see docs/operate.md";

#[derive(Args)]
#[command(group(clap::ArgGroup::new("keys").required(true)))]
pub struct Restore {
    /// A file that `unitpay backup` wrote
    file: PathBuf,
    /// Keep the backup's API keys, including those revoked after it
    #[arg(long, group = "keys")]
    keep_api_keys: bool,
    /// Revoke every API key in the backup
    #[arg(long, group = "keys")]
    revoke_api_keys: bool,
}

pub async fn migrate(config: &Config) -> anyhow::Result<()> {
    if config.database_url.is_empty() {
        // Opening an embedded store that no server uses migrates it.
        Store::open(config, Purpose::Serve).await?.db.close();
    } else {
        let roots = &config.postgres.root_certificates;
        let options = PostgresOptions {
            url: config.database_url.clone(),
            connections: 1,
            root_certificates: (!roots.is_empty()).then(|| PathBuf::from(roots)),
        };
        Postgres::refuse_shared_connections(&options).await?;
        Db::Postgres(Postgres::new(&options)?).migrate().await?;
    }
    say("the schema is up to date");
    Ok(())
}

pub fn backup(config: &Config, file: &Path) -> anyhow::Result<()> {
    if !config.database_url.is_empty() {
        bail!(POSTGRES_TOOLS);
    }
    let source = database_path(config);
    if !source.exists() {
        bail!("there is no store in {}", config.data_dir.display());
    }
    let _lock = lock_to_use(&config.data_dir)?;
    if file.exists() {
        bail!("{} is there already", file.display());
    }
    // The file gets its name only when it is complete and durable, so a partial backup is never
    // mistaken for one.
    let partial = with_suffix(file, &format!(".{}.partial", std::process::id()));
    let written = copy_durably(&source, &partial)
        .and_then(|()| Ok(std::fs::rename(&partial, file)?))
        .and_then(|()| Ok(sync_folder_of(file)?));
    if written.is_err() {
        remove_database(&partial)?;
    }
    written.with_context(|| format!("cannot write {}", file.display()))?;
    say("backed up; keep the master key too, and elsewhere");
    Ok(())
}

/// Copies a database to a new file with mode 0600.
fn copy_durably(from: &Path, to: &Path) -> anyhow::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    copy_database(from, to)?;
    File::open(to)?.sync_all()?;
    Ok(())
}

/// Builds the new store next to the old one, ends every session in it, then renames it into place.
/// After a crash there is the old store, or the new one with no live session, or for a moment
/// neither; then nothing opens until the restore is run again.
pub async fn restore(config: &Config, restore: &Restore) -> anyhow::Result<()> {
    if !config.database_url.is_empty() {
        bail!(POSTGRES_TOOLS);
    }
    make_folder(&config.data_dir)?;
    let _lock = lock_to_replace(&config.data_dir)?;
    let target = database_path(config);
    let incoming = target.with_extension("incoming");
    remove_database(&incoming)?;
    let made = make_restored(config, restore, &incoming).await;
    if made.is_err() {
        remove_database(&incoming)?;
    }
    made?;
    let fresh = restoring_path(config);
    std::fs::rename(&incoming, &fresh)?;
    sync_folder_of(&fresh)?;
    // Removes the old store together with its log, which must never be read with the new file.
    remove_database(&target)?;
    sync_folder_of(&target)?;
    std::fs::rename(&fresh, &target)?;
    sync_folder_of(&target)?;
    say("restored; every session in it has ended");
    Ok(())
}

/// Creates the store from a backup and ends every session in it.
async fn make_restored(config: &Config, restore: &Restore, fresh: &Path) -> anyhow::Result<()> {
    let backup = restore.file.display();
    copy_durably(&restore.file, fresh).with_context(|| format!("cannot restore {backup}"))?;
    let db = Db::Sqlite(Sqlite::open(fresh)?);
    if db.version().await? == 0 {
        bail!("{backup} is not a backup of UnitPay");
    }
    db.migrate().await?;
    let (clock, random) = (Clock::system(), Random::system());
    let master = match configured_master_key(config)? {
        Some(master) => master,
        None => own_master_key(config, &random, &db).await?,
    };
    SigningKeys::open(db.clone(), master, &clock, &random).await?;
    let (now, revoke_keys) = (clock.now(), restore.revoke_api_keys);
    db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
        customers::raise_all_generations(tx, now).await?;
        if revoke_keys {
            keys::revoke_all(tx, now).await?;
        }
        Ok::<_, crate::db::DbError>(())
    })
    .await?;
    db.close();
    // Closing folds the log into the file. Anything left in the log would be lost.
    if with_suffix(fresh, "-wal").exists() {
        bail!("the restored store could not be closed");
    }
    File::open(fresh)?.sync_all()?;
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Removes a database: the file first, because its log is useless without it.
fn remove_database(path: &Path) -> anyhow::Result<()> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        match std::fs::remove_file(with_suffix(path, suffix)) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Confirms the wall clock. The server on this store reads the confirmation within two seconds.
pub async fn accept_clock(config: &Config) -> anyhow::Result<()> {
    if !config.database_url.is_empty() {
        bail!("nodes on PostgreSQL go by its clock: set this machine's clock right instead");
    }
    let store = Store::open(config, Purpose::Beside).await?;
    let wall = store.clock.now();
    store
        .db
        .write(Lane::Urgent, async move |tx: &mut Tx<'_, '_>| clock_guard::accept(tx, wall).await)
        .await?;
    say(&format!("confirmed that it is {wall}; a running server goes by it within two seconds"));
    Ok(())
}

pub async fn new_epoch(config: &Config) -> anyhow::Result<()> {
    let store = Store::open(config, Purpose::Beside).await?;
    let now = store.clock.now();
    let ended = store
        .db
        .write(Lane::Urgent, async move |tx: &mut Tx<'_, '_>| {
            customers::raise_all_generations(tx, now).await
        })
        .await?;
    say(&format!("every session of {ended} customers has ended"));
    Ok(())
}
