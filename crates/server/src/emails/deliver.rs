//! Sends e-mails that are due. A claim is in the row: `next_at` is put off and `claim` names the
//! attempt, so another node takes over only if this one died.

use super::compose::{ComposeError, Composed, compose};
use super::sql::{self, Attempted, Due};
use super::{Email, EmailStatus, PriceRenewal};
use crate::app::App;
use crate::audit::{self, Action, Actor};
use crate::base::Time;
use crate::db::{DbError, Lane, Tx};
use crate::smtp::{Mailer, SendError};
use futures_util::stream::{self, StreamExt as _};
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;

/// The waits before the second and each later attempt, in seconds.
const RETRY_AFTER_SECONDS: [i64; 6] = [60, 300, 1_800, 7_200, 21_600, 43_200];
/// A claim ends this long after it began, when a node has died. Longer than composing and sending
/// may take together.
const CLAIM_SECONDS: i64 = 300;
const COMPOSE_WITHIN: Duration = Duration::from_secs(120);
/// The e-mails that are read at once; bounds the memory.
const BATCH: i64 = 32;
/// The connections to the SMTP server at once.
const CONCURRENCY: usize = 4;

/// The result of an attempt.
#[derive(Debug)]
enum Outcome {
    Sent,
    /// The address is paused.
    Paused,
    Error(SendError),
}

/// The means of sending.
#[derive(Clone, Copy)]
pub struct Post<'a> {
    pub app: &'a App,
    pub mailer: &'a Mailer,
    pub price: PriceRenewal,
}

/// Sends what is due now. Returns when nothing is due any more.
pub async fn deliver_due(app: &App, price: PriceRenewal) -> Result<(), DbError> {
    let Some(mailer) = &app.mailer else { return Ok(()) };
    let post = Post { app, mailer, price };
    loop {
        let due = sql::due(&mut app.db.read().await?, app.clock.now(), BATCH).await?;
        if due.is_empty() {
            return Ok(());
        }
        let taken = stream::iter(due).map(|due| take_up(post, due));
        let taken: Vec<_> = taken.buffer_unordered(CONCURRENCY).collect().await;
        taken.into_iter().collect::<Result<(), DbError>>()?;
    }
}

async fn take_up(post: Post<'_>, due: Due) -> Result<(), DbError> {
    let app = post.app;
    let (id, now) = (due.email.id, app.clock.now());
    let claim = app.ids.request().to_string();
    let (text, times) = (claim.clone(), (now, now.plus_seconds(CLAIM_SECONDS)));
    let step = async move |tx: &mut Tx<'_, '_>| sql::claim(tx, id, &text, times).await;
    if !app.db.write::<bool, DbError, _>(Lane::Usual, step).await? {
        return Ok(());
    }
    let (recipient, outcome) = attempt(post, &due).await?;
    record(app, due, claim, recipient, outcome).await
}

/// Attempts to send an e-mail. Returns the address that it was for, and the outcome.
async fn attempt(post: Post<'_>, due: &Due) -> Result<(Option<String>, Outcome), DbError> {
    let composed = timeout(COMPOSE_WITHIN, compose(post, &due.tenant, &due.email)).await;
    let later = |word: &str| Outcome::Error(SendError::Later(word.to_owned()));
    let Composed { from, to, bytes } = match composed {
        Ok(Ok(composed)) => composed,
        Ok(Err(ComposeError::Db(error))) => return Err(error),
        Ok(Err(ComposeError::Invalid(word))) => {
            return Ok((None, Outcome::Error(SendError::Message(word.to_owned()))));
        }
        Ok(Err(ComposeError::Document)) | Err(_) => return Ok((None, later("document_failed"))),
    };
    let address = to.to_string();
    if sql::is_paused(&mut post.app.db.read().await?, &due.tenant, &address).await? {
        return Ok((Some(address), Outcome::Paused));
    }
    let outcome = match post.mailer.send(due.email.id, (&from, &to), &bytes).await {
        Ok(()) => Outcome::Sent,
        Err(error) => Outcome::Error(error),
    };
    Ok((Some(address), outcome))
}

/// Stores the result of an attempt, and pauses an address that the server refused for good.
async fn record(
    app: &App,
    due: Due,
    claim: String,
    recipient: Option<String>,
    outcome: Outcome,
) -> Result<(), DbError> {
    metrics::counter!("unitpay_email_attempts_total", "outcome" => outcome.word()).increment(1);
    let author = app.author(Actor::System);
    let step = async move |tx: &mut Tx<'_, '_>| {
        let attempted = attempted(&due.email, recipient.clone(), &outcome, author.now);
        if !sql::record(tx, &claim, &attempted).await? {
            return Ok(());
        }
        let Outcome::Error(SendError::Recipient(status)) = &outcome else { return Ok(()) };
        let Some(address) = &recipient else { return Ok(()) };
        if sql::pause(tx, &due.tenant, address, author.now).await? {
            let (id, customer) = (due.email.id, due.email.customer_id);
            let detail = json!({ "status": status });
            let event = author.event(Action::EmailAddressPaused, id, customer, detail);
            audit::record(tx, due.tenant.no, &event).await?;
        }
        Ok::<_, DbError>(())
    };
    app.db.write(Lane::Usual, step).await
}

fn attempted(email: &Email, recipient: Option<String>, outcome: &Outcome, now: Time) -> Attempted {
    let wait = usize::try_from(email.attempts).ok().and_then(|at| RETRY_AFTER_SECONDS.get(at));
    let (status, next_at, error) = match (outcome, wait) {
        (Outcome::Sent, _) => (EmailStatus::Sent, None, None),
        (Outcome::Paused, _) => (EmailStatus::Paused, None, None),
        (Outcome::Error(SendError::Later(why)), Some(wait)) => {
            (EmailStatus::Pending, Some(now.plus_seconds(*wait)), Some(why.clone()))
        }
        (
            Outcome::Error(
                SendError::Later(why) | SendError::Recipient(why) | SendError::Message(why),
            ),
            _,
        ) => (EmailStatus::Failed, None, Some(why.clone())),
    };
    Attempted {
        id: email.id,
        status,
        recipient,
        attempts: email.attempts + i64::from(!matches!(outcome, Outcome::Paused)),
        next_at,
        error,
        sent_at: (status == EmailStatus::Sent).then_some(now),
    }
}

impl Outcome {
    /// Returns the label of the metric.
    const fn word(&self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Paused => "paused",
            Self::Error(SendError::Later(_)) => "failed",
            Self::Error(SendError::Recipient(_) | SendError::Message(_)) => "refused",
        }
    }
}
