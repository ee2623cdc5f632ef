//! E-mail to customers: what they owe, paid, got back, what failed or ended, and what is ahead. And to
//! the organization: what it has to mend.
//!
//! The outbox feeds it: in the transaction that publishes an event, an e-mail is queued, so each event
//! has at most one. A node claims a due e-mail before it sends it, so two nodes do not send it twice.
//! A node that dies after the SMTP server accepted a message, and before it recorded that, leaves an
//! e-mail that is sent again with the same `Message-ID`. Nothing here logs an address, a name or a text.

mod compose;
mod deliver;
pub mod http;
pub mod http_settings;
mod message;
mod settings;
mod sql;
mod words;

pub use deliver::deliver_due;
pub use sql::{delete_before, erase};

use crate::app::App;
use crate::audit::{self, Action, Author};
use crate::base::words::words;
use crate::base::{CollectionMethod, Currency, CustomerId, EmailId, Ids, PortalSessionId, Time};
use crate::customers::{self, Customer};
use crate::db::{DbError, FromRow, ToRow, Tx};
use crate::events::{EventType, Unpublished};
use crate::logins::{self, LookedUp};
use crate::organizations::{Environment, Tenant};
use crate::settlement::Effect;
use crate::subscriptions::{self, Subscription};
use crate::{invoices, payments, settlement};
use futures_util::future::BoxFuture;
use serde_json::json;
use std::str::FromStr;

words! {
    EmailKind {
        /// An invoice to pay by transfer.
        Invoice = "invoice",
        Receipt = "receipt",
        PaymentFailed = "payment_failed",
        SubscriptionCanceled = "subscription_canceled",
        Refund = "refund",
        CardExpiring = "card_expiring",
        CreditsLow = "credits_low",
        /// A trial ends soon.
        TrialEnding = "trial_ending",
        /// A yearly plan renews soon.
        RenewalUpcoming = "renewal_upcoming",
        /// A webhook endpoint was disabled. To the organization.
        EndpointDisabled = "endpoint_disabled",
        /// A code to sign in.
        LoginCode = "login_code",
        /// A new link to the hosted page.
        PortalLink = "portal_link",
        /// A new link to an invoice.
        InvoiceLink = "invoice_link",
    }
}

/// The links that a customer gets in an hour, and those that continue one session.
pub const LINKS_AN_HOUR: u32 = 5;
const LINKS_OF_ONE: usize = 3;
/// The logins that are looked up at once.
const LOGINS: i64 = 100;

words! {
    EmailStatus {
        /// An attempt is due, now or later.
        Pending = "pending",
        /// The SMTP server accepted it.
        Sent = "sent",
        /// The SMTP server refused it for good, or all attempts failed.
        Failed = "failed",
        /// Not sent, because the address is paused.
        Paused = "paused",
    }
}

/// The outcome of the end of a subscription's period.
#[derive(Clone, Debug)]
pub struct Renewal {
    /// The name of the plan that follows.
    pub plan: String,
    pub date: Time,
    pub currency: Currency,
    /// Taxes included, usage not.
    pub amount: i64,
    /// Whether usage is billed with it or before it.
    pub adds_usage: bool,
}

/// Prices the renewal of a subscription; `None` if it cannot be priced. Flows do, which are a floor
/// higher.
pub type PriceRenewal = for<'a> fn(
    &'a mut Tx<'_, '_>,
    &'a Tenant,
    &'a Subscription,
) -> BoxFuture<'a, Result<Option<Renewal>, DbError>>;

#[derive(Clone, Debug, FromRow)]
pub struct Email {
    pub id: EmailId,
    /// `None`: it is to the organization.
    pub customer_id: Option<CustomerId>,
    pub kind: EmailKind,
    pub object_id: String,
    pub status: EmailStatus,
    /// The address of the last attempt.
    pub recipient: Option<String>,
    pub attempts: i64,
    pub next_at: Option<Time>,
    pub error: Option<String>,
    pub created_at: Time,
    pub sent_at: Option<Time>,
}

#[derive(Clone, Debug, ToRow)]
struct NewEmail {
    id: EmailId,
    tenant_no: i64,
    customer_id: Option<CustomerId>,
    kind: EmailKind,
    /// The invoice, payment attempt, subscription, payment method, wallet, login, portal session or
    /// webhook endpoint.
    object_id: String,
    next_at: Time,
    created_at: Time,
}

impl NewEmail {
    /// Returns an e-mail of a kind about an object, whose first attempt is due.
    fn due(
        id: EmailId,
        tenant: &Tenant,
        customer_id: Option<CustomerId>,
        (kind, object_id): (EmailKind, String),
        at: Time,
    ) -> Self {
        Self { id, tenant_no: tenant.no, customer_id, kind, object_id, next_at: at, created_at: at }
    }
}

impl EmailKind {
    /// Returns the kind of e-mail that an event causes.
    const fn caused_by(event: EventType) -> Option<Self> {
        match event {
            EventType::InvoiceIssued => Some(Self::Invoice),
            EventType::InvoicePaid => Some(Self::Receipt),
            EventType::PaymentFailed => Some(Self::PaymentFailed),
            EventType::SubscriptionCanceled => Some(Self::SubscriptionCanceled),
            EventType::PaymentRefunded => Some(Self::Refund),
            EventType::PaymentMethodExpiring => Some(Self::CardExpiring),
            EventType::CreditsLow => Some(Self::CreditsLow),
            EventType::SubscriptionTrialEnding => Some(Self::TrialEnding),
            EventType::SubscriptionRenewalUpcoming => Some(Self::RenewalUpcoming),
            EventType::WebhookEndpointDisabled => Some(Self::EndpointDisabled),
            EventType::CustomerCreated
            | EventType::CustomerUpdated
            | EventType::CustomerArchived
            | EventType::CustomerUnarchived
            | EventType::CustomerSessionsRevoked
            | EventType::SubscriptionCreated
            | EventType::SubscriptionActivated
            | EventType::SubscriptionRenewed
            | EventType::SubscriptionChanged
            | EventType::SubscriptionChangeScheduled
            | EventType::SubscriptionCancelScheduled
            | EventType::SubscriptionUncanceled
            | EventType::SubscriptionPastDue
            | EventType::SubscriptionRecovered
            | EventType::InvoiceOverdue
            | EventType::InvoiceMarkedUncollectible
            | EventType::InvoiceVoided
            | EventType::InvoiceCredited
            | EventType::PaymentSucceeded
            | EventType::PaymentDisputed
            | EventType::PaymentMethodAttached
            | EventType::PaymentMethodUpdated
            | EventType::PaymentMethodDetached
            | EventType::CreditsGranted
            | EventType::CreditsExhausted
            | EventType::UsageLimitReached
            | EventType::PortalSessionCreated
            | EventType::PortalSessionRefreshed
            | EventType::PortalSessionRevoked
            | EventType::WebhookEndpointTested => None,
        }
    }
}

/// Whether e-mail of a tenant is sent.
pub fn is_on(app: &App, tenant: &Tenant) -> bool {
    app.mailer.as_ref().is_some_and(|mailer| is_sent(mailer.sends_sandbox, tenant))
}

fn is_sent(sends_sandbox: bool, tenant: &Tenant) -> bool {
    sends_sandbox || tenant.environment == Environment::Live
}

/// Queues the e-mails of events, in the transaction that publishes these.
pub async fn queue(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    events: &[Unpublished],
    ids: &Ids,
    at: Time,
) -> Result<(), DbError> {
    let mut queued = Vec::new();
    let settings = sql::settings(tx, tenant).await?;
    for event in events {
        let kind = EmailKind::caused_by(event.event_type);
        let kind = kind.filter(|kind| !settings.disabled_kinds.0.contains(kind));
        let Some(kind) = kind else { continue };
        let has_address = if kind == EmailKind::EndpointDisabled {
            settings.alerts_to.is_some()
        } else {
            event.customer_id.is_some()
        };
        if !has_address || !is_wanted(tx, tenant, kind, &event.object_id).await? {
            continue;
        }
        let about = (kind, event.object_id.clone());
        queued.push(NewEmail::due(ids.email(), tenant, event.customer_id, about, at));
    }
    sql::insert(tx, &queued).await
}

/// Whether the recipient needs this e-mail. The receipt or the failure follows an invoice that is
/// charged automatically, a customer who pays by form is shown a decline, and nothing was paid of an
/// invoice over 0.
async fn is_wanted(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    kind: EmailKind,
    object_id: &str,
) -> Result<bool, DbError> {
    match kind {
        EmailKind::Invoice => {
            let invoice = invoices::get(tx, tenant, parsed(object_id)?).await?;
            Ok(invoice.is_some_and(|invoice| {
                invoice.collection_method == CollectionMethod::SendInvoice
                    && invoice.amount_due() > 0
            }))
        }
        EmailKind::Receipt => {
            let invoice = invoices::get(tx, tenant, parsed(object_id)?).await?;
            Ok(invoice.is_some_and(|invoice| invoice.totals.total > 0))
        }
        EmailKind::PaymentFailed => {
            let attempt = settlement::get(tx, tenant, parsed(object_id)?).await?;
            Ok(attempt.is_some_and(|attempt| match attempt.effect {
                Effect::CollectInvoice | Effect::TopUp { automatic: true, .. } => true,
                Effect::StartSubscription { .. }
                | Effect::ChangePlan(_)
                | Effect::PayInvoice { .. }
                | Effect::TopUp { automatic: false, .. } => false,
            }))
        }
        EmailKind::CardExpiring => {
            // Of two cards, the other one is charged.
            let method = payments::get(tx, tenant, parsed(object_id)?).await?;
            Ok(method.is_some_and(|method| method.is_default))
        }
        // What was announced may not happen any more.
        EmailKind::TrialEnding | EmailKind::RenewalUpcoming => {
            subscriptions::is_noticed(tx, tenant, parsed(object_id)?).await
        }
        EmailKind::SubscriptionCanceled
        | EmailKind::EndpointDisabled
        | EmailKind::Refund
        | EmailKind::CreditsLow
        | EmailKind::LoginCode
        | EmailKind::PortalLink
        | EmailKind::InvoiceLink => Ok(true),
    }
}

/// Whether e-mail of a kind is sent.
pub async fn sends(app: &App, tenant: &Tenant, kind: EmailKind) -> Result<bool, DbError> {
    let disabled = sql::settings(&mut app.db.read().await?, tenant).await?.disabled_kinds;
    Ok(is_on(app, tenant) && !disabled.0.contains(&kind))
}

/// Queues a new link of a customer, which continues a session or opens an invoice; `false` if too many were
/// asked for.
pub async fn queue_link(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer: &Customer,
    about: (EmailKind, String),
    author: &Author,
) -> Result<bool, DbError> {
    // One at a time, so that concurrent requests are counted.
    customers::lock_no(tx, tenant, customer.no).await?;
    let since = author.now.plus_seconds(-3_600);
    let sent = sql::links(tx, tenant, customer.id, since).await?;
    let of_link = sent.iter().filter(|object_id| **object_id == about.1).count();
    if sent.len() >= LINKS_AN_HOUR as usize || of_link >= LINKS_OF_ONE {
        return Ok(false);
    }
    let id = author.ids.email();
    sql::insert(tx, &[NewEmail::due(id, tenant, Some(customer.id), about, author.now)]).await?;
    Ok(true)
}

/// Returns the session that the link of an e-mail continues; `None` if it has none.
pub async fn sent_link(
    tx: &mut Tx<'_, '_>,
    id: EmailId,
) -> Result<Option<PortalSessionId>, DbError> {
    sql::sent_link(tx, id).await?.as_deref().map(parsed).transpose()
}

/// Queues the codes of logins whose address is a customer's.
pub async fn queue_codes(app: &App) -> Result<(), DbError> {
    let Some(mailer) = &app.mailer else { return Ok(()) };
    let (ids, at, sends_sandbox) = (app.ids.clone(), app.clock.now(), mailer.sends_sandbox);
    let queue = async move |tx: &mut Tx<'_, '_>, login: LookedUp| {
        let tenant = &login.tenant;
        let disabled = sql::settings(tx, tenant).await?.disabled_kinds;
        let is_on = is_sent(sends_sandbox, tenant);
        if !is_on || disabled.0.contains(&EmailKind::LoginCode) {
            return Ok(());
        }
        let about = (EmailKind::LoginCode, login.id.to_string());
        let email = NewEmail::due(ids.email(), tenant, Some(login.customer_id), about, at);
        sql::insert(tx, &[email]).await
    };
    while logins::look_up(app, LOGINS, queue.clone()).await? {}
    Ok(())
}

/// Queues an e-mail again, as a new one to the customer's present address, and ends the pause of the
/// address that the earlier one was for. Returns its id.
async fn resend(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    email: &Email,
    author: &Author,
) -> Result<EmailId, DbError> {
    if let Some(address) = &email.recipient {
        sql::unpause(tx, tenant, address).await?;
    }
    let (id, about) = (author.ids.email(), (email.kind, email.object_id.clone()));
    let again = NewEmail::due(id, tenant, email.customer_id, about, author.now);
    let detail = json!({ "newEmailId": again.id, "kind": email.kind });
    let event = author.event(Action::EmailResent, email.id, email.customer_id, detail);
    audit::record(tx, tenant.no, &event).await?;
    sql::insert(tx, &[again]).await?;
    Ok(id)
}

/// Reads the id of the object that an e-mail is about.
fn parsed<T: FromStr>(object_id: &str) -> Result<T, DbError> {
    object_id.parse().map_err(|_| DbError::Broken("an e-mail has an id of another kind"))
}
