//! Signing keys: one `next` key is published next to the `active` one, and `retiring` keys still
//! verify.
//!
//! The store is the authority. A node keeps opened keys in memory only for signing and checking
//! signatures. The statements that mint and verify check whether a key is active or revoked, so a
//! rotation on another node takes effect at a node's next request.

mod codes;
pub mod http;
mod messages;
mod seal;
mod sql;

pub use codes::{Codes, InvoiceLink};
pub use messages::SigningSecrets;
pub use seal::{MasterKey, Seal, SealError};
pub use sql::{all, remove_retired_before};

use crate::base::{Clock, Random, Time};
use crate::db::{Db, DbError, FromRow, Lane, ToRow, Tx};
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use unitpay_token::{MAX_LIFE_SECONDS, PublicKey, SigningKey};

const RELOAD_AT_MOST_EVERY: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStatus {
    Next,
    Active,
    Retiring,
    Revoked,
    Removed,
}

/// A stored signing key with its sealed seed.
#[derive(Clone, Debug, FromRow)]
pub struct StoredKey {
    pub kid: String,
    pub status: KeyStatus,
    pub public_key: Vec<u8>,
    pub sealed_seed: Option<Vec<u8>>,
    pub created_at: Time,
    pub activated_at: Option<Time>,
    pub ended_at: Option<Time>,
}

#[derive(Debug)]
pub enum SigningError {
    Db(DbError),
    /// The master key does not open the stored keys.
    Seal(SealError),
    /// A stored key is damaged.
    BadKey,
    /// The key does not exist or has ended.
    UnknownKey,
    /// The key already exists in the store.
    KeyExists,
}

/// The opened keys of the installation.
#[derive(Default)]
struct KeySet {
    active: Option<Arc<SigningKey>>,
    signers: HashMap<String, Arc<SigningKey>>,
    verifiers: HashMap<String, PublicKey>,
}

/// Signs and finds keys; shared by all requests of a node.
pub struct SigningKeys {
    db: Db,
    master: MasterKey,
    keys: RwLock<Arc<KeySet>>,
    reloaded: tokio::sync::Mutex<Option<Instant>>,
}

impl SigningKeys {
    /// Checks the master key against the store, creates the first keys of an empty store, and loads
    /// all keys.
    pub async fn open(
        db: Db,
        master: MasterKey,
        clock: &Clock,
        random: &Random,
    ) -> Result<Self, SigningError> {
        let check = master.check_value();
        let kept = db
            .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
                sql::keep_master_key_check(tx, &check).await
            })
            .await?;
        if kept != check {
            return Err(SigningError::Seal(SealError));
        }
        let keys =
            Self { db, master, keys: RwLock::default(), reloaded: tokio::sync::Mutex::default() };
        let fresh = [keys.fresh(random)?, keys.fresh(random)?];
        let now = clock.now();
        keys.db
            .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
                let [active, next] = &fresh;
                // Locks the row of the check value, because several nodes may start at once.
                sql::lock(tx).await?;
                if sql::all(tx).await?.is_empty() {
                    sql::insert(tx, active, KeyStatus::Active, now).await?;
                    sql::insert(tx, next, KeyStatus::Next, now).await?;
                }
                Ok::<_, SigningError>(())
            })
            .await?;
        keys.load().await?;
        Ok(keys)
    }

    /// Derives a secret for one purpose, the same on every node of the installation.
    pub fn derive(&self, purpose: &[u8]) -> [u8; 32] {
        self.master.derive(purpose)
    }

    /// The seal for one kind of secret, the same on every node of the installation.
    pub fn seal_for(&self, purpose: &[u8]) -> Seal {
        self.master.seal_for(purpose)
    }

    /// Returns the active key, as far as this node knows.
    pub fn active(&self) -> Result<Arc<SigningKey>, SigningError> {
        self.keys.read().active.clone().ok_or(SigningError::UnknownKey)
    }

    /// Returns the key with this id, for signing again. The id comes from the store, so an unknown
    /// one is loaded immediately.
    pub async fn signer(&self, kid: &str) -> Result<Arc<SigningKey>, SigningError> {
        let find = || self.keys.read().signers.get(kid).cloned();
        match find() {
            Some(key) => Ok(key),
            None => {
                self.load().await?;
                find().ok_or(SigningError::UnknownKey)
            }
        }
    }

    /// Returns the public key with this id, as far as this node knows. For an unknown one, see
    /// [`Self::reload`].
    pub fn verifier(&self, kid: &str) -> Option<PublicKey> {
        self.keys.read().verifiers.get(kid).cloned()
    }

    /// Reloads the keys, one caller at a time, at most once a second.
    pub async fn reload(&self) -> Result<(), SigningError> {
        let mut reloaded = self.reloaded.lock().await;
        if reloaded.is_none_or(|at| at.elapsed() >= RELOAD_AT_MOST_EVERY) {
            self.load().await?;
            *reloaded = Some(Instant::now());
        }
        Ok(())
    }

    /// Reloads the keys immediately, because the store reported that the active one has changed.
    pub async fn load(&self) -> Result<(), SigningError> {
        let stored = sql::all(&mut self.db.read().await?).await?;
        let mut set = KeySet::default();
        for key in stored {
            let public =
                PublicKey::from_bytes(&key.public_key).map_err(|_| SigningError::BadKey)?;
            if let Some(sealed) = &key.sealed_seed {
                let seed = self.master.open(&key.kid, sealed).map_err(SigningError::Seal)?;
                let signer =
                    Arc::new(SigningKey::from_seed(&seed).map_err(|_| SigningError::BadKey)?);
                if key.status == KeyStatus::Active {
                    set.active = Some(Arc::clone(&signer));
                }
                set.signers.insert(key.kid.clone(), signer);
            }
            match key.status {
                KeyStatus::Next | KeyStatus::Active | KeyStatus::Retiring => {
                    set.verifiers.insert(key.kid, public);
                }
                KeyStatus::Revoked | KeyStatus::Removed => {}
            }
        }
        *self.keys.write() = Arc::new(set);
        Ok(())
    }

    /// Promotes `next` and creates another key, in one transaction.
    pub async fn rotate(&self, clock: &Clock, random: &Random) -> Result<(), SigningError> {
        let fresh = self.fresh(random)?;
        let now = clock.now();
        self.db
            .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
                sql::lock(tx).await?;
                promote(tx, &fresh, now).await
            })
            .await?;
        self.load().await
    }

    /// Revokes a key, which ends every session that it signed. For the active key, promotes `next`
    /// first.
    pub async fn revoke(
        &self,
        kid: String,
        clock: &Clock,
        random: &Random,
    ) -> Result<(), SigningError> {
        let fresh = self.fresh(random)?;
        let now = clock.now();
        self.db
            .write(Lane::Urgent, async move |tx: &mut Tx<'_, '_>| {
                sql::lock(tx).await?;
                let keys = sql::all(tx).await?;
                let status = keys.iter().find(|key| key.kid == kid).map(|key| key.status);
                match status {
                    Some(KeyStatus::Active) => promote(tx, &fresh, now).await?,
                    Some(KeyStatus::Next) => {
                        sql::end(tx, &kid, KeyStatus::Revoked, now).await?;
                        sql::insert(tx, &fresh, KeyStatus::Next, now).await?;
                    }
                    Some(KeyStatus::Retiring) => {}
                    Some(KeyStatus::Revoked | KeyStatus::Removed) | None => {
                        return Err(SigningError::UnknownKey);
                    }
                }
                sql::end(tx, &kid, KeyStatus::Revoked, now).await?;
                Ok(())
            })
            .await?;
        self.load().await
    }

    /// Makes an imported key the active one. The former active key retires.
    pub async fn import(&self, seed: &[u8; 32], clock: &Clock) -> Result<String, SigningError> {
        let imported = self.stored(seed)?;
        let kid = imported.kid.clone();
        let now = clock.now();
        self.db
            .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
                sql::lock(tx).await?;
                let keys = sql::all(tx).await?;
                if keys.iter().any(|key| key.kid == imported.kid) {
                    return Err(SigningError::KeyExists);
                }
                sql::retire_active(tx, now).await?;
                sql::insert(tx, &imported, KeyStatus::Active, now).await?;
                Ok(())
            })
            .await?;
        self.load().await?;
        Ok(kid)
    }

    fn fresh(&self, random: &Random) -> Result<NewKey, SigningError> {
        self.stored(&random.bytes())
    }

    fn stored(&self, seed: &[u8; 32]) -> Result<NewKey, SigningError> {
        let key = SigningKey::from_seed(seed).map_err(|_| SigningError::BadKey)?;
        let sealed = self.master.seal(key.kid(), seed).map_err(SigningError::Seal)?;
        Ok(NewKey {
            kid: key.kid().to_owned(),
            public_key: key.public_key().bytes().to_vec(),
            sealed_seed: sealed,
        })
    }
}

/// A key to store.
#[derive(Clone, Debug, ToRow)]
pub struct NewKey {
    kid: String,
    public_key: Vec<u8>,
    sealed_seed: Vec<u8>,
}

async fn promote(tx: &mut Tx<'_, '_>, fresh: &NewKey, now: Time) -> Result<(), SigningError> {
    sql::retire_active(tx, now).await?;
    sql::activate_next(tx, now).await?;
    sql::insert(tx, fresh, KeyStatus::Next, now).await?;
    Ok(())
}

/// Returns the public keys for verifying tokens, as a key set (RFC 7517).
pub fn jwks(keys: &[StoredKey]) -> Result<serde_json::Value, SigningError> {
    let mut published = Vec::new();
    for key in keys {
        match key.status {
            KeyStatus::Next | KeyStatus::Active | KeyStatus::Retiring => {
                let public =
                    PublicKey::from_bytes(&key.public_key).map_err(|_| SigningError::BadKey)?;
                published.push(public.to_jwk());
            }
            KeyStatus::Revoked | KeyStatus::Removed => {}
        }
    }
    Ok(serde_json::json!({ "keys": published }))
}

/// Returns the time after which the last token of a key that retired at this instant has expired,
/// with a margin for clock differences.
pub fn removable_before(now: Time) -> Time {
    now.plus_seconds(-(MAX_LIFE_SECONDS + 3_600))
}

impl KeyStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Revoked => "revoked",
            Self::Removed => "removed",
        }
    }
}

impl From<DbError> for SigningError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl std::fmt::Display for SigningError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Db(error) => error.fmt(f),
            Self::Seal(error) => error.fmt(f),
            Self::BadKey => f.write_str("a stored signing key is damaged"),
            Self::UnknownKey => f.write_str("no such signing key, or it has ended"),
            Self::KeyExists => f.write_str("this signing key is in the store already"),
        }
    }
}

impl std::error::Error for SigningError {}
