//! Opening the store: its folder, its lock, its schema, its master key.

use crate::base::{Clock, Ids, Random};
use crate::config::Config;
use crate::db::{Db, Lane, Postgres, PostgresOptions, Sqlite, Tx, newest_version};
use crate::organizations::{self, DEFAULT_ORGANIZATION, Organization};
use crate::signing::{MasterKey, SigningKeys};
use anyhow::{Context, bail};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const DATABASE: &str = "unitpay.db";
const MASTER_KEY: &str = "master.key";
const SERVE_LOCK: &str = "serve.lock";

/// What a command wants of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To serve it: alone on an embedded store.
    Serve,
    /// To work on it, beside a server perhaps.
    Beside,
}

/// An open store.
pub struct Store {
    pub db: Db,
    pub clock: Clock,
    pub random: Random,
    pub ids: Ids,
    pub signing: SigningKeys,
    /// The lock of the embedded store, held while it is served.
    pub lock: Option<File>,
}

impl Store {
    /// Opens the store that a configuration names, making and migrating an absent one.
    pub async fn open(config: &Config, purpose: Purpose) -> anyhow::Result<Self> {
        let (clock, random) = (Clock::system(), Random::system());
        let ids = Ids::new(clock.clone(), random.clone());
        let (db, lock) = if config.database_url.is_empty() {
            open_embedded(config, purpose).await?
        } else {
            (open_postgres(config, purpose).await?, None)
        };
        let master = master_key(config, &random)?;
        let signing = SigningKeys::open(db.clone(), master, &clock, &random).await?;
        let store = Self { db, clock, random, ids, signing, lock };
        store.make_default_organization().await?;
        Ok(store)
    }

    async fn make_default_organization(&self) -> anyhow::Result<()> {
        let name = DEFAULT_ORGANIZATION;
        if organizations::sql::by_name(&mut self.db.read().await?, name).await?.is_some() {
            return Ok(());
        }
        let (id, now) = (self.ids.organization(), self.clock.now());
        self.db
            .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
                organizations::sql::insert(tx, id, name, now).await
            })
            .await?;
        Ok(())
    }

    /// The organization of this id or name.
    pub async fn organization(&self, named: &str) -> anyhow::Result<Organization> {
        let all = organizations::sql::all(&mut self.db.read().await?).await?;
        all.into_iter()
            .find(|known| known.name == named || known.id.to_string() == named)
            .with_context(|| format!("there is no organization {named}"))
    }
}

async fn open_embedded(config: &Config, purpose: Purpose) -> anyhow::Result<(Db, Option<File>)> {
    make_folder(&config.data_dir)?;
    let lock = lock_to_serve(&config.data_dir)?;
    if purpose == Purpose::Serve && lock.is_none() {
        bail!("another server is running on {}", config.data_dir.display());
    }
    let path = database_path(config);
    OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
    refuse_wide(&path)?;
    let db = Db::Sqlite(Sqlite::open(&path)?);
    if db.version().await? != newest_version() {
        if lock.is_none() {
            bail!("the store has another version than this program, and a server runs on it");
        }
        db.migrate().await?;
    }
    Ok((db, lock.filter(|_| purpose == Purpose::Serve)))
}

async fn open_postgres(config: &Config, purpose: Purpose) -> anyhow::Result<Db> {
    let roots = &config.postgres.root_certificates;
    let db = Db::Postgres(Postgres::new(&PostgresOptions {
        url: config.database_url.clone(),
        connections: config.postgres.connections,
        root_certificates: (!roots.is_empty()).then(|| PathBuf::from(roots)),
    })?);
    let version = db.version().await?;
    if version == 0 || (version != newest_version() && purpose == Purpose::Serve) {
        db.migrate().await?;
    } else if version != newest_version() {
        bail!("the store has another version than this program; see `unitpay migrate`");
    }
    Ok(db)
}

pub fn database_path(config: &Config) -> PathBuf {
    config.data_dir.join(DATABASE)
}

/// Makes the data directory where it is absent and refuses one that others can look into.
pub fn make_folder(folder: &Path) -> anyhow::Result<()> {
    if !folder.exists() {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    refuse_wide(folder)
}

fn refuse_wide(path: &Path) -> anyhow::Result<()> {
    let mode = std::fs::metadata(path)?.mode();
    if mode & 0o077 != 0 {
        let (path, wanted) = (path.display(), if mode & 0o040_000 == 0 { "600" } else { "700" });
        bail!("others may read {path}; it holds secrets: chmod {wanted} {path}");
    }
    Ok(())
}

/// Takes the lock that a server holds; `None` where one does.
pub fn lock_to_serve(folder: &Path) -> anyhow::Result<Option<File>> {
    let path = folder.join(SERVE_LOCK);
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error).context("cannot lock the data directory"),
    }
}

/// The configured master key, or the embedded store's own, made where it is absent.
pub fn master_key(config: &Config, random: &Random) -> anyhow::Result<MasterKey> {
    let wrong = "the master key must be 32 bytes in base64url without padding";
    if !config.master_key.is_empty() {
        return MasterKey::parse(&config.master_key).context(wrong);
    }
    if !config.database_url.is_empty() {
        bail!(
            "PostgreSQL needs UNITPAY_MASTER_KEY; make one by: openssl rand 32 | basenc --base64url | tr -d ="
        );
    }
    let path = config.data_dir.join(MASTER_KEY);
    let fresh = MasterKey::new(random.bytes());
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
        Ok(mut file) => {
            // Synced before use: what it seals must never outlive it.
            writeln!(file, "{}", fresh.encode())?;
            file.sync_all()?;
            File::open(&config.data_dir)?.sync_all()?;
            Ok(fresh)
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            refuse_wide(&path)?;
            let text = std::fs::read_to_string(&path)?;
            MasterKey::parse(&text).with_context(|| format!("{}: {wrong}", path.display()))
        }
        Err(error) => Err(error).with_context(|| format!("cannot make {}", path.display())),
    }
}
