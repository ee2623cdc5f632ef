//! Maintaining the store: migrate, backup, restore, new epoch.

use super::say;
use super::store::{Purpose, Store, database_path, lock_to_serve, make_folder, master_key};
use crate::base::{Clock, Random};
use crate::config::Config;
use crate::db::{Db, Lane, Postgres, PostgresOptions, Sqlite, Tx, copy_database};
use crate::signing::SigningKeys;
use crate::{customers, keys};
use anyhow::{Context, bail};
use clap::Args;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const POSTGRES_TOOLS: &str = "PostgreSQL has its own tools for that; see docs/operate.md";

#[derive(Args)]
#[command(group(clap::ArgGroup::new("keys").required(true)))]
pub struct Restore {
    /// What `unitpay backup` wrote
    file: PathBuf,
    /// Trust the backup's API keys, those revoked after it too
    #[arg(long, group = "keys")]
    keep_api_keys: bool,
    /// End every API key of the backup
    #[arg(long, group = "keys")]
    revoke_api_keys: bool,
}

pub async fn migrate(config: &Config) -> anyhow::Result<()> {
    if config.database_url.is_empty() {
        // Opening an embedded store that nobody serves migrates it.
        Store::open(config, Purpose::Serve).await?.db.close();
    } else {
        let roots = &config.postgres.root_certificates;
        let db = Postgres::new(&PostgresOptions {
            url: config.database_url.clone(),
            connections: 1,
            root_certificates: (!roots.is_empty()).then(|| PathBuf::from(roots)),
        })?;
        Db::Postgres(db).migrate().await?;
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
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    made.with_context(|| format!("cannot make {}", file.display()))?;
    copy_database(&source, file)?;
    File::open(file)?.sync_all()?;
    say("backed up; keep the master key too, and elsewhere");
    Ok(())
}

/// Makes the store anew beside the old one, ends every session in it, then puts it in place: a
/// crash at any point leaves the old store or the new one with no session alive.
pub async fn restore(config: &Config, restore: &Restore) -> anyhow::Result<()> {
    if !config.database_url.is_empty() {
        bail!(POSTGRES_TOOLS);
    }
    make_folder(&config.data_dir)?;
    let Some(_lock) = lock_to_serve(&config.data_dir)? else {
        bail!("a server runs on this store; stop it first");
    };
    let target = database_path(config);
    let fresh = target.with_extension("restoring");
    remove_database(&fresh)?;
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh);
    made.with_context(|| format!("cannot make {}", fresh.display()))?;
    copy_database(&restore.file, &fresh)
        .with_context(|| format!("{} is not a backup", restore.file.display()))?;
    let db = Db::Sqlite(Sqlite::open(&fresh)?);
    db.migrate().await?;
    let (clock, random) = (Clock::system(), Random::system());
    let master = master_key(config, &random)?;
    SigningKeys::open(db.clone(), master, &clock, &random).await?;
    let (now, revoke_keys) = (clock.now(), restore.revoke_api_keys);
    db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
        customers::sql::raise_all_generations(tx, now).await?;
        if revoke_keys {
            keys::sql::revoke_all(tx, now).await?;
        }
        Ok::<_, crate::db::DbError>(())
    })
    .await?;
    db.close();
    File::open(&fresh)?.sync_all()?;
    // The old log goes first: it must never be read with the new file.
    remove_database(&target)?;
    std::fs::rename(&fresh, &target)?;
    File::open(&config.data_dir)?.sync_all()?;
    say("restored; every session in it has ended");
    Ok(())
}

fn remove_database(path: &Path) -> anyhow::Result<()> {
    for suffix in ["-wal", "-shm", ""] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(&name) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

pub async fn new_epoch(config: &Config) -> anyhow::Result<()> {
    let store = Store::open(config, Purpose::Beside).await?;
    let now = store.clock.now();
    let ended = store
        .db
        .write(Lane::Urgent, async move |tx: &mut Tx<'_, '_>| {
            customers::sql::raise_all_generations(tx, now).await
        })
        .await?;
    say(&format!("every session of {ended} customers has ended"));
    Ok(())
}
