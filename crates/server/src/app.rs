//! What every request shares: configuration, clock, randomness, store, signing keys, limits.

use crate::audit::Actor;
use crate::base::{ApiKeyId, Clock, Ids, Random, Time};
use crate::config::Config;
use crate::db::{Db, DbError, Lane, Tx};
use crate::invoices::pdf::Renderer;
use crate::keys;
use crate::limits::Limits;
use crate::payments::{Processors, Sandbox};
use crate::signing::{Codes, SigningKeys};
use crate::work::By;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A node whose clock differs more than this from its store's serves no portal request.
const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_secs(2);

pub struct App {
    pub config: Config,
    /// The public base URL, `iss` of every token.
    pub issuer: String,
    pub clock: Clock,
    pub random: Random,
    pub ids: Ids,
    pub db: Db,
    pub signing: SigningKeys,
    pub codes: Codes,
    pub limits: Limits,
    pub key_uses: KeyUses,
    pub processors: Processors,
    pub invoices: Arc<Renderer>,
    clock_differs: AtomicBool,
}

/// This node's clock differs from its store's.
#[derive(Clone, Copy, Debug)]
pub struct ClockDiffers;

impl App {
    pub fn new(
        config: Config,
        issuer: String,
        clock: Clock,
        random: Random,
        db: Db,
        signing: SigningKeys,
    ) -> Self {
        let webhooks = signing.derive(b"unitpay sandbox webhooks");
        let sandbox = Sandbox::new(db.clone(), clock.clone(), random.clone(), &webhooks);
        Self {
            processors: Processors::new(sandbox),
            invoices: Arc::new(Renderer::new(config.fonts_dir.clone())),
            ids: Ids::new(clock.clone(), random.clone()),
            limits: Limits::new(&config.limits),
            key_uses: KeyUses::default(),
            clock_differs: AtomicBool::new(false),
            codes: Codes::new(&signing),
            config,
            issuer,
            clock,
            random,
            db,
            signing,
        }
    }

    /// What a write by this actor needs beside its transaction.
    pub fn by(&self, actor: Actor) -> By {
        let terms = Arc::new(self.processors.clone());
        By { actor, now: self.clock.now(), ids: self.ids.clone(), terms }
    }

    /// Refuses while this node's clock and the store's disagree: expiry would be a matter of luck.
    pub fn check_clock(&self) -> Result<(), ClockDiffers> {
        if self.clock_differs.load(Ordering::Relaxed) { Err(ClockDiffers) } else { Ok(()) }
    }

    /// Compares this node's clock with the store's; what it finds holds until the next time.
    pub async fn compare_clocks(&self) {
        match self.db.clock_ahead_by(|| self.clock.now()).await {
            Ok(difference) => {
                let differs = difference > MAX_CLOCK_DIFFERENCE;
                if self.clock_differs.swap(differs, Ordering::Relaxed) != differs {
                    tracing::warn!(?difference, differs, "this node's clock and the store's");
                }
            }
            Err(error) => tracing::warn!(%error, "cannot ask the store for its time"),
        }
    }
}

/// When keys were last used: noted in memory with each request, written to the store now and then.
#[derive(Debug, Default)]
pub struct KeyUses(Mutex<HashMap<ApiKeyId, Time>>);

impl KeyUses {
    pub fn note(&self, id: ApiKeyId, at: Time) {
        self.0.lock().insert(id, at);
    }

    /// Writes what was noted. What cannot be written now is forgotten: it is a hint, no record.
    pub async fn write(&self, db: &Db) -> Result<(), DbError> {
        let uses = std::mem::take(&mut *self.0.lock());
        if uses.is_empty() {
            return Ok(());
        }
        db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            for (id, at) in &uses {
                keys::note_use(tx, *id, *at).await?;
            }
            Ok(())
        })
        .await
    }
}
