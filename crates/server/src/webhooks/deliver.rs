//! Delivers queued events to webhook endpoints.
//!
//! A node serves an endpoint while it holds the endpoint's lease, so the first attempts of one
//! customer's events happen in the order of the events. Each endpoint is served by a task of its
//! own. A task works in batches: it sends the events of different customers concurrently, and
//! records the results while it sends. A crash loses only results that were not recorded; those
//! events are sent again.

use super::sql::{self, Attempted, Due, Results, Served};
use super::{DeliveryStatus, Endpoint, SEALED_FOR, WebhookError};
use crate::app::App;
use crate::audit::Actor;
use crate::base::Time;
use crate::db::{DbError, Lane, Tx};
use crate::events::{Event, Message};
use crate::organizations::Tenant;
use crate::outbound::{Answer, OutboundError, Peer, Target};
use crate::signing::SigningSecrets;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use hyper::body::Bytes;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

/// The waits before the second and each later attempt, in seconds.
const RETRY_AFTER_SECONDS: [i64; 9] =
    [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// An endpoint that has failed for this time is disabled.
const DISABLED_AFTER_DAYS: i64 = 5;
/// The bytes of a response that are kept.
const KEPT_BYTES: usize = 1024;

/// A lease ends this long after its last extension, when a node has died.
const LEASE_SECONDS: i64 = 60;
const EXTEND_EVERY: Duration = Duration::from_secs(15);
/// The deliveries that a task reads at once; bounds its memory.
const BATCH: i64 = 64;
/// The requests that an endpoint gets at once.
const CONCURRENCY: usize = 16;
/// A task that has worked for this long lets other endpoints have its place.
const SLICE: Duration = Duration::from_secs(20);

/// The lease of an endpoint, held by this node.
#[derive(Debug)]
pub struct Leased {
    endpoint: Endpoint,
    tenant: Tenant,
    /// Distinguishes this lease from any other.
    lease: String,
}

/// The means of delivering to one endpoint.
struct Courier<'a> {
    app: &'a App,
    leased: &'a Leased,
    peer: Result<Peer, OutboundError>,
    secrets: SigningSecrets,
    began: Instant,
    stop: AtomicBool,
}

/// Delivers all that is due now, to all endpoints. Returns when nothing is due any more.
pub async fn deliver_due(app: &App) -> Result<(), DbError> {
    loop {
        let leased = lease_due(app, 128).await?;
        if leased.is_empty() {
            return Ok(());
        }
        join_all(leased.into_iter().map(|leased| serve(app, leased))).await;
    }
}

/// Ends the leases of a process that died, on a store that only one process serves.
pub async fn release_all(app: &App) -> Result<(), DbError> {
    let release = async move |tx: &mut Tx<'_, '_>| sql::release_all(tx).await;
    app.db.write(Lane::Usual, release).await
}

/// Takes the leases of at most `limit` endpoints that have a due delivery and no lease.
pub async fn lease_due(app: &App, limit: i64) -> Result<Vec<Leased>, DbError> {
    let now = app.clock.now();
    let found = sql::to_serve(&mut app.db.read().await?, now, limit).await?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let lease = app.ids.request().to_string();
    let lock = async move |tx: &mut Tx<'_, '_>| {
        let mut leased = Vec::new();
        for Served { endpoint, tenant } in &found {
            let times = (now, now.plus_seconds(LEASE_SECONDS));
            if sql::lease(tx, endpoint.no, &lease, times).await? {
                let (endpoint, tenant, lease) = (endpoint.clone(), *tenant, lease.clone());
                leased.push(Leased { endpoint, tenant, lease });
            }
        }
        Ok::<_, DbError>(leased)
    };
    app.db.write(Lane::Usual, lock).await
}

/// Delivers what is due to one endpoint, then releases its lease.
pub async fn serve(app: &App, leased: Leased) {
    let served = async {
        let courier = Courier::new(app, &leased)?;
        while courier.may_go_on() {
            let mut tx = app.db.read().await?;
            let due = sql::due(&mut tx, leased.endpoint.no, app.clock.now(), BATCH).await?;
            drop(tx);
            if due.is_empty() {
                break;
            }
            courier.deliver(due).await?;
        }
        Ok::<_, WebhookError>(())
    };
    let served = served.await;
    let (endpoint, now) = (leased.endpoint.no, app.clock.now());
    let release =
        async move |tx: &mut Tx<'_, '_>| sql::release(tx, endpoint, &leased.lease, now).await;
    let released = app.db.write::<(), DbError, _>(Lane::Usual, release).await;
    for error in [served.err(), released.err().map(WebhookError::Db)].into_iter().flatten() {
        tracing::warn!(?error, "cannot deliver webhooks; will retry");
    }
}

impl<'a> Courier<'a> {
    fn new(app: &'a App, leased: &'a Leased) -> Result<Self, WebhookError> {
        // The configuration may have become stricter since the endpoint was created.
        let target = Target::parse(&leased.endpoint.url, app.outbound.policy());
        let seal = app.signing.seal_for(SEALED_FOR);
        Ok(Self {
            app,
            leased,
            peer: target
                .map(|target| app.outbound.peer(target))
                .map_err(|_| OutboundError::AddressRefused),
            secrets: leased.endpoint.secrets(&leased.tenant, &seal)?,
            began: Instant::now(),
            stop: AtomicBool::new(false),
        })
    }

    fn may_go_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed) && self.began.elapsed() < SLICE
    }

    /// Sends a batch: the events of one customer one after the other, those of different customers
    /// concurrently.
    async fn deliver(&self, due: Vec<Due>) -> Result<(), DbError> {
        let (results, received) = mpsc::channel(BATCH.unsigned_abs() as usize);
        let sending = async move {
            let send_all = |chain: Vec<Due>| {
                let results = results.clone();
                async move {
                    for due in chain {
                        if !self.may_go_on() {
                            break;
                        }
                        // The receiver lives until the last sender is dropped.
                        let _ = results.send(self.attempt(due).await).await;
                    }
                }
            };
            stream::iter(chains(due)).for_each_concurrent(CONCURRENCY, send_all).await;
        };
        let ((), recorded) = tokio::join!(sending, self.record_all(received));
        recorded
    }

    async fn attempt(&self, due: Due) -> Attempted {
        let now = self.app.clock.now();
        let Some(event) = due.event else {
            return Attempted::given_up(&due);
        };
        let answer = match &self.peer {
            Ok(peer) => self.send(peer, event, now).await,
            Err(error) => Err(*error),
        };
        let outcome = match &answer {
            Ok(answer) if (200..300).contains(&answer.status) => "succeeded",
            Ok(_) => "refused",
            Err(error) => error.as_str(),
        };
        metrics::counter!("unitpay_webhook_attempts_total", "outcome" => outcome).increment(1);
        Attempted::new(due.id, due.attempts, answer, now)
    }

    async fn send(&self, peer: &Peer, event: Event, now: Time) -> Result<Answer, OutboundError> {
        let id = event.id.to_string();
        // Our own types serialize; an empty body would not verify at the receiver.
        let body = Bytes::from(serde_json::to_vec(&Message::from(event)).unwrap_or_default());
        let headers =
            self.secrets.headers(&id, now, &body).map_err(|_| OutboundError::RequestFailed)?;
        let within = Duration::from_secs(self.app.config.webhooks.timeout_seconds);
        peer.post(&headers, &body, KEPT_BYTES, within).await
    }

    /// Records results as they arrive, and extends the lease meanwhile.
    async fn record_all(&self, mut results: mpsc::Receiver<Attempted>) -> Result<(), DbError> {
        let mut recorded = Ok(());
        loop {
            let mut batch = Vec::new();
            let most = BATCH.unsigned_abs() as usize;
            if let Ok(0) = timeout(EXTEND_EVERY, results.recv_many(&mut batch, most)).await {
                return recorded;
            }
            if let Err(error) = self.record(batch).await {
                // Without a record the events are sent again; no more are sent now.
                self.stop.store(true, Ordering::Relaxed);
                recorded = Err(error);
            }
        }
    }

    async fn record(&self, batch: Vec<Attempted>) -> Result<(), DbError> {
        let (tenant, id) = (self.leased.tenant, self.leased.endpoint.id);
        let (no, lease) = (self.leased.endpoint.no, self.leased.lease.clone());
        let author = self.app.author(Actor::System);
        let succeeded = |attempt: &Attempted| attempt.status == DeliveryStatus::Succeeded;
        let results = Results {
            any_success: batch.iter().any(succeeded),
            any_failure: !batch.iter().all(succeeded),
        };
        let batch = Arc::new(batch);
        let step = async move |tx: &mut Tx<'_, '_>| {
            let now = author.now;
            sql::record(tx, &batch).await?;
            let times = (now, now.plus_seconds(LEASE_SECONDS));
            let Some(health) = sql::extend(tx, no, &lease, times, results).await? else {
                return Ok(false);
            };
            let limit = now.plus_days(-DISABLED_AFTER_DAYS);
            if results.any_failure && health.failing_since.is_some_and(|since| since <= limit) {
                match super::disable(tx, &tenant, id, &author).await {
                    Ok(()) | Err(WebhookError::NotFound | WebhookError::TooMany) => {}
                    Err(WebhookError::Db(error)) => return Err(error),
                }
                return Ok(false);
            }
            Ok::<_, DbError>(true)
        };
        if !self.app.db.write(Lane::Usual, step).await? {
            self.stop.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl Attempted {
    fn new(
        id: crate::base::WebhookDeliveryId,
        before: i64,
        answer: Result<Answer, OutboundError>,
        now: Time,
    ) -> Self {
        let attempts = before + 1;
        let succeeded = answer.as_ref().is_ok_and(|answer| (200..300).contains(&answer.status));
        let wait = usize::try_from(before).ok().and_then(|at| RETRY_AFTER_SECONDS.get(at));
        let (status, next_at) = match (succeeded, wait) {
            (true, _) => (DeliveryStatus::Succeeded, None),
            (false, Some(wait)) => (DeliveryStatus::Pending, Some(now.plus_seconds(*wait))),
            (false, None) => (DeliveryStatus::Failed, None),
        };
        let (answer, error) = match answer {
            Ok(answer) => (Some(answer), None),
            Err(error) => (None, Some(error.as_str().to_owned())),
        };
        Self {
            id,
            status,
            attempts,
            next_at,
            attempted_at: Some(now),
            response_status: answer.as_ref().map(|answer| answer.status.into()),
            response_body: answer.map(|answer| text(&answer.body)),
            error,
        }
    }

    /// The result of a delivery whose event was deleted.
    fn given_up(due: &Due) -> Self {
        Self {
            id: due.id,
            status: DeliveryStatus::Failed,
            attempts: due.attempts,
            next_at: None,
            attempted_at: None,
            response_status: None,
            response_body: None,
            error: Some("event_deleted".to_owned()),
        }
    }
}

/// Groups deliveries by customer. Order is kept within a customer. Events without a customer are
/// independent of each other.
fn chains(due: Vec<Due>) -> Vec<Vec<Due>> {
    let (mut chains, mut of_customer) = (Vec::<Vec<Due>>::new(), BTreeMap::new());
    for due in due {
        let Some(customer) = due.customer_id else {
            chains.push(vec![due]);
            continue;
        };
        match of_customer.entry(customer) {
            Entry::Vacant(entry) => {
                entry.insert(chains.len());
                chains.push(vec![due]);
            }
            Entry::Occupied(entry) => chains[*entry.get()].push(due),
        }
    }
    chains
}

/// Reads the kept bytes of a response as text. PostgreSQL stores no U+0000.
fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body).replace('\0', "\u{fffd}")
}
