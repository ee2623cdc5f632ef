//! `unitpay store copy`: moves an embedded store to PostgreSQL.

use super::store::{configured_master_key, database_path, lock_to_replace, own_master_key};
use super::{print, say};
use crate::base::{Clock, Random};
use crate::config::Config;
use crate::db::{Db, Postgres, PostgresOptions, Sqlite, copy_store, newest_version};
use crate::signing::SigningKeys;
use anyhow::{Context, bail};
use clap::Subcommand;
use std::path::{Path, PathBuf};

#[derive(Subcommand)]
pub enum StoreCommand {
    /// Copy the embedded store to an empty PostgreSQL database. Stop the server first
    Copy {
        /// The database, as postgres://user@host/database [default: the configured database_url]
        #[arg(long, value_name = "URL")]
        to: Option<String>,
    },
}

pub async fn run(config: &Config, command: &StoreCommand) -> anyhow::Result<()> {
    let StoreCommand::Copy { to } = command;
    let url = to.clone().unwrap_or_else(|| config.database_url.clone());
    if url.is_empty() {
        bail!("name the database: --to postgres://user@host/database, or UNITPAY_DATABASE_URL");
    }
    let embedded = Config { database_url: String::new(), ..config.clone() };
    let source = database_path(&embedded);
    if !source.exists() {
        bail!("there is no store in {}", config.data_dir.display());
    }
    let _lock = lock_to_replace(&config.data_dir)?;
    check_source(&embedded, &source).await?;
    let roots = &config.postgres.root_certificates;
    let options = PostgresOptions {
        url,
        connections: 1,
        root_certificates: (!roots.is_empty()).then(|| PathBuf::from(roots)),
    };
    Postgres::refuse_shared_connections(&options).await?;
    let target = Postgres::new(&options)?;
    Db::Postgres(target.clone()).migrate().await?;
    let copied = copy_store(&source, &target).await.context("nothing was copied")?;
    for table in &copied {
        print(&format!("{} {} sha256:{}", table.name, table.rows, table.digest))?;
    }
    if config.master_key.is_empty() {
        let folder = config.data_dir.display();
        say(&format!("set UNITPAY_MASTER_KEY to the content of {folder}/master.key"));
    }
    say("copied and verified; serve the database from now on, and never the embedded store again");
    Ok(())
}

/// Refuses a store of another version, or one that the master key does not open: its sessions and
/// processors would not work in PostgreSQL either.
async fn check_source(embedded: &Config, source: &Path) -> anyhow::Result<()> {
    let db = Db::Sqlite(Sqlite::open(source)?);
    if db.version().await? != newest_version() {
        bail!("the store has another version than this program; see `unitpay migrate`");
    }
    let (clock, random) = (Clock::system(), Random::system());
    let master = match configured_master_key(embedded)? {
        Some(master) => master,
        None => own_master_key(embedded, &random, &db).await?,
    };
    SigningKeys::open(db.clone(), master, &clock, &random).await?;
    db.close();
    Ok(())
}
