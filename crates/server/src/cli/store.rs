//! Opens the store: folder, locks, schema and master key.

use super::manage::Env;
use crate::audit::{Actor, Author};
use crate::base::{Clock, Ids, Random, Time};
use crate::config::Config;
use crate::db::{Db, Lane, Postgres, PostgresOptions, Sqlite, Tx, newest_version};
use crate::organizations::{self, DEFAULT_ORGANIZATION, Organization, Tenant};
use crate::signing::{self, MasterKey, SigningKeys};
use anyhow::{Context, bail};
use std::fs::{DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const DATABASE: &str = "unitpay.db";
const MASTER_KEY: &str = "master.key";
const SERVE_LOCK: &str = "serve.lock";
const USE_LOCK: &str = "use.lock";
const BAD_MASTER_KEY: &str = "the master key must be 32 bytes in base64url without padding";
const CANNOT_LOCK: &str = "cannot lock the data directory";

/// The purpose of opening the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To serve it, exclusively if it is embedded.
    Serve,
    /// To run a command, possibly next to a server.
    Beside,
}

/// An open store.
pub struct Store {
    pub db: Db,
    pub clock: Clock,
    pub random: Random,
    pub ids: Ids,
    pub signing: SigningKeys,
    /// Held while the store is open; `None` for PostgreSQL.
    pub locks: Option<Locks>,
}

/// The locks of an embedded store. The kernel releases them however the process ends.
pub struct Locks {
    /// Shared by all processes that use the store; exclusive for replacing it.
    _in_use: File,
    /// Exclusive for the one server.
    _served: Option<File>,
}

impl Store {
    /// Opens the store of a configuration. Creates and migrates a missing one.
    pub async fn open(config: &Config, purpose: Purpose) -> anyhow::Result<Self> {
        let (clock, random) = (Clock::system(), Random::system());
        let ids = Ids::new(clock.clone(), random.clone());
        let configured = configured_master_key(config)?;
        let (db, locks) = if config.database_url.is_empty() {
            let (db, locks) = open_embedded(config, purpose).await?;
            (db, Some(locks))
        } else {
            (open_postgres(config, purpose).await?, None)
        };
        let master = match configured {
            Some(master) => master,
            None => own_master_key(config, &random, &db).await?,
        };
        let signing = SigningKeys::open(db.clone(), master, &clock, &random).await?;
        let store = Self { db, clock, random, ids, signing, locks };
        store.make_default_organization().await?;
        Ok(store)
    }

    /// Returns the author of a change that the operator makes at this instant.
    pub fn author(&self, now: Time) -> Author {
        Author { actor: Actor::Operator, ids: self.ids.clone(), now }
    }

    async fn make_default_organization(&self) -> anyhow::Result<()> {
        let name = DEFAULT_ORGANIZATION;
        if organizations::by_name(&mut self.db.read().await?, name).await?.is_some() {
            return Ok(());
        }
        let (id, now) = (self.ids.organization(), self.clock.now());
        self.db
            .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
                organizations::insert(tx, id, name, now).await
            })
            .await?;
        Ok(())
    }

    /// Returns the organization with this id or name.
    pub async fn organization(&self, named: &str) -> anyhow::Result<Organization> {
        let all = organizations::all(&mut self.db.read().await?).await?;
        all.into_iter()
            .find(|known| known.name == named || known.id.to_string() == named)
            .with_context(|| format!("there is no organization {named}"))
    }

    /// Returns an environment of the organization with this id or name.
    pub async fn tenant(&self, organization: &str, env: Env) -> anyhow::Result<Tenant> {
        let id = self.organization(organization).await?.id;
        let tenant = organizations::tenant(&mut self.db.read().await?, id, env.into()).await?;
        tenant.context("the organization has no such environment")
    }
}

async fn open_embedded(config: &Config, purpose: Purpose) -> anyhow::Result<(Db, Locks)> {
    let folder = &config.data_dir;
    make_folder(folder)?;
    let in_use = lock_to_use(folder)?;
    let served = match purpose {
        Purpose::Serve => Some(lock_to_serve(folder)?),
        Purpose::Beside => None,
    };
    let path = database_path(config);
    if !path.exists() && restoring_path(config).exists() {
        bail!("a restore was interrupted in {}; run it again", folder.display());
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    refuse_wide(&path)?;
    let db = Db::Sqlite(Sqlite::open(&path)?);
    migrate_to_open(&db, purpose).await?;
    Ok((db, Locks { _in_use: in_use, _served: served }))
}

async fn open_postgres(config: &Config, purpose: Purpose) -> anyhow::Result<Db> {
    let roots = &config.postgres.root_certificates;
    let options = PostgresOptions {
        url: config.database_url.clone(),
        connections: config.postgres.connections,
        root_certificates: (!roots.is_empty()).then(|| PathBuf::from(roots)),
    };
    Postgres::refuse_shared_connections(&options).await?;
    let db = Db::Postgres(Postgres::new(&options)?);
    migrate_to_open(&db, purpose).await?;
    Ok(db)
}

/// Creates the schema of an empty store. Only a server migrates an existing one, because commands
/// may run next to a server of another version.
async fn migrate_to_open(db: &Db, purpose: Purpose) -> anyhow::Result<()> {
    let version = db.version().await?;
    if version == 0 || (version != newest_version() && purpose == Purpose::Serve) {
        db.migrate().await?;
    } else if version != newest_version() {
        bail!("the store has another version than this program; see `unitpay migrate`");
    }
    Ok(())
}

/// A complete new store that is about to replace the old one.
pub fn restoring_path(config: &Config) -> PathBuf {
    database_path(config).with_extension("restoring")
}

pub fn database_path(config: &Config) -> PathBuf {
    config.data_dir.join(DATABASE)
}

/// Makes the data directory if it is absent and refuses one that others can read.
pub fn make_folder(folder: &Path) -> anyhow::Result<()> {
    if !folder.exists() {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.with_context(|| format!("cannot make the folder {}", folder.display()))?;
        // Syncs the parent folder, so that the directory itself is durable.
        sync_folder_of(folder)?;
    }
    refuse_wide(folder)?;
    refuse_read_only(folder)
}

/// Refuses a file or folder that others can read.
///
/// A folder whose setgid bit is set is meant for its group: Kubernetes prepares a volume of an
/// `fsGroup` so, with all that is in it readable and writable by the group, and its root often
/// searchable by others. If this process is of that group, such access is accepted.
fn refuse_wide(path: &Path) -> anyhow::Result<()> {
    let data = std::fs::metadata(path)?;
    let folder = if data.is_dir() { Some(path) } else { path.parent() };
    let shared =
        folder.map(std::fs::metadata).transpose()?.is_some_and(|folder| is_shared(&folder));
    let allowed = match (data.is_dir(), shared && our_groups().contains(&data.gid())) {
        (true, true) => 0o775,
        (false, true) => 0o770,
        (_, false) => 0o700,
    };
    if data.mode() & 0o777 & !allowed != 0 {
        let (path, wanted) = (path.display(), if data.is_dir() { "700" } else { "600" });
        bail!("others may read {path}; it holds secrets: chmod {wanted} {path}");
    }
    Ok(())
}

/// Whether a folder is meant for a group that this process is in.
fn is_shared(folder: &Metadata) -> bool {
    const SETGID: u32 = 0o2000;
    folder.mode() & SETGID != 0 && our_groups().contains(&folder.gid())
}

/// The group of this process and its supplementary groups.
fn our_groups() -> Vec<u32> {
    let groups = nix::unistd::getgroups().unwrap_or_default();
    std::iter::once(nix::unistd::getegid()).chain(groups).map(|group| group.as_raw()).collect()
}

/// A fresh volume often belongs to root: says how to hand it over.
fn refuse_read_only(folder: &Path) -> anyhow::Result<()> {
    use nix::unistd::{AccessFlags, access, getegid, geteuid};
    if access(folder, AccessFlags::W_OK | AccessFlags::X_OK).is_err() {
        let (user, group, path) = (geteuid(), getegid(), folder.display());
        bail!("cannot write to {path}; as root: chown {user}:{group} {path} && chmod 700 {path}");
    }
    Ok(())
}

/// Takes the lock of the one server.
fn lock_to_serve(folder: &Path) -> anyhow::Result<File> {
    let file = lock_file(folder, SERVE_LOCK)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("another server is running on {}", folder.display())
        }
        Err(TryLockError::Error(error)) => Err(error).context(CANNOT_LOCK),
    }
}

/// Takes the shared lock for using the store.
pub fn lock_to_use(folder: &Path) -> anyhow::Result<File> {
    let file = lock_file(folder, USE_LOCK)?;
    match file.try_lock_shared() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("the store in {} is being restored", folder.display())
        }
        Err(TryLockError::Error(error)) => Err(error).context(CANNOT_LOCK),
    }
}

/// Takes the exclusive lock for replacing the store.
pub fn lock_to_replace(folder: &Path) -> anyhow::Result<File> {
    let file = lock_file(folder, USE_LOCK)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("a server or another command runs on this store; stop it first")
        }
        Err(TryLockError::Error(error)) => Err(error).context(CANNOT_LOCK),
    }
}

fn lock_file(folder: &Path, name: &str) -> anyhow::Result<File> {
    let opened = OpenOptions::new().create(true).append(true).mode(0o600).open(folder.join(name));
    opened.context(CANNOT_LOCK)
}

/// Returns the configured master key; `None` if the embedded store has its own.
pub fn configured_master_key(config: &Config) -> anyhow::Result<Option<MasterKey>> {
    if !config.master_key.is_empty() {
        return MasterKey::parse(&config.master_key).context(BAD_MASTER_KEY).map(Some);
    }
    if !config.database_url.is_empty() {
        bail!(
            "PostgreSQL needs UNITPAY_MASTER_KEY; make one by: openssl rand 32 | basenc --base64url | tr -d ="
        );
    }
    Ok(None)
}

/// Returns the embedded store's own master key, and creates it for a new store.
pub async fn own_master_key(
    config: &Config,
    random: &Random,
    db: &Db,
) -> anyhow::Result<MasterKey> {
    let path = config.data_dir.join(MASTER_KEY);
    // Checked before looking for the file, because another process may be creating both.
    let sealed = !signing::all(&mut db.read().await?).await?.is_empty();
    if !path.exists() {
        if sealed {
            bail!("{} is missing; this store was sealed with one", path.display());
        }
        make_master_key(&path, random)
            .with_context(|| format!("cannot make {}", path.display()))?;
    }
    refuse_wide(&path)?;
    let text = std::fs::read_to_string(&path)?;
    MasterKey::parse(&text).with_context(|| format!("{}: {BAD_MASTER_KEY}", path.display()))
}

/// Writes and syncs the file before it gets its name: sealed data must never outlive the key, and
/// no process may read half of it. If another process creates it first, that file is used.
fn make_master_key(path: &Path, random: &Random) -> std::io::Result<()> {
    let unique = path.with_extension(format!("key-{:x}", u64::from_ne_bytes(random.bytes())));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unique)?;
    writeln!(file, "{}", MasterKey::new(random.bytes()).encode())?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&unique, path);
    std::fs::remove_file(&unique)?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => sync_folder_of(path),
    }
}

/// Syncs the folder of a path, so that its names are durable.
pub fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
