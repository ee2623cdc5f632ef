//! Settlement: how what is owed is charged, and what a charge brings about.
//!
//! Three steps, each its own transaction or none: (a) the effect's first transaction inserts a
//! pending attempt beside whatever it changes ([`collect`], [`begin`]); (b) the processor charges,
//! by the attempt's id as its idempotency key, outside of any transaction; (c) one transaction
//! records the result and carries out the effect. Whoever dies in between leaves a pending attempt,
//! which any node takes up. A time-out is no decline. Nothing here knows a processor by name.

pub mod http;
mod outcome;
mod sql;

pub use outcome::{FormReason, Kept, SettleOutcome, Subject, Unsettled, keep, outcome, replay};
pub use sql::{due as all_due, get, live, store, take_up};

use crate::audit::Action;
use crate::base::{
    CollectionMethod, CreditAccountId, CreditPackageId, Currency, CustomerId, InvoiceId,
    PaymentAttemptId, PaymentMethodId, SubscriptionId, Time,
};
use crate::credits;
use crate::db::{DbError, Tx};
use crate::invoices::{self, Invoice, Line, NewInvoice, Status};
use crate::organizations::Tenant;
use crate::payments::{Card, DeclineReason, PaymentMethod};
use crate::subscriptions::{PlanChange, Subscription};
use crate::work::{BillingError, By};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// Another node may take an attempt up when its own has had this long.
pub const TAKEN_UP_AFTER_SECONDS: i64 = 60;
/// How long a customer may take over a form.
pub const FORM_OPEN_FOR_SECONDS: i64 = 23 * 3_600;

/// What a success brings about, stored in this form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Effect {
    StartSubscription {
        subscription_id: SubscriptionId,
    },
    ChangePlan(PlanChange),
    /// An issued invoice is collected of itself: a renewal, a retry. Nobody is there for a form.
    CollectInvoice,
    /// Somebody pays an issued invoice.
    PayInvoice,
    /// `automatic` where a balance fell below its threshold: nobody is there for a form.
    TopUp {
        credit_account_id: CreditAccountId,
        credits: i64,
        package_id: Option<CreditPackageId>,
        automatic: bool,
    },
}

/// One try to charge an invoice.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub customer_no: i64,
    pub customer_id: CustomerId,
    pub id: PaymentAttemptId,
    pub invoice_id: InvoiceId,
    pub payment_method_id: Option<PaymentMethodId>,
    /// What is charged, as it was when the attempt began.
    pub card: Option<Card>,
    pub processor: String,
    pub amount: i64,
    pub currency: Currency,
    pub effect: Effect,
    pub status: AttemptStatus,
    pub charge_reference: Option<String>,
    pub client_secret: Option<String>,
    pub decline_reason: Option<DeclineReason>,
    /// Billing's now when it began.
    pub billed_at: Time,
    /// When any node may go on with it.
    pub next_at: Option<Time>,
    /// Real time, as `next_at` is.
    pub created_at: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PaymentAttemptStatus)]
pub enum AttemptStatus {
    /// It may have been charged or not.
    Pending,
    /// Waits for the customer.
    RequiresForm,
    Succeeded,
    Declined,
    /// No longer wanted: a success that arrives later is refunded.
    Abandoned,
    RefundDue,
    Refunded,
}

/// What a new invoice came to in the effect's first transaction.
#[derive(Clone, Debug)]
pub enum Billed {
    /// Every line is 0, or this was billed before: there is no invoice.
    Nothing,
    /// Too little to charge: the lines wait for the customer's next invoice.
    Added,
    /// Issued, and nothing to charge now: it is sent, or its lines cancel out and it is paid.
    Issued(Box<Invoice>),
    /// To be charged now: go on with [`run`]. The effect comes with its success.
    Attempt(Box<Attempt>),
}

/// Refuses lines that could not be charged by themselves: nothing is written.
pub async fn check_chargeable(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    currency: Currency,
    lines: &[Line],
    by: &By,
) -> Result<(), BillingError> {
    let terms = by.terms.processor_of(tenant, currency).ok_or(BillingError::NoProcessor)?;
    let due = invoices::price(tx, tenant, customer_no, lines).await?.total;
    if due < terms.minimum { Err(BillingError::BelowMinimum) } else { Ok(()) }
}

/// Bills lines in the effect's first transaction, the customer locked. The caller carries out the
/// effect itself unless there is an attempt. What has to be paid first stays a draft until it is.
#[allow(clippy::too_many_arguments)] // One bill, all of it.
pub async fn collect(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    new: NewInvoice,
    method: Option<&PaymentMethod>,
    effect: Effect,
    at: Time,
    by: &By,
) -> Result<Billed, BillingError> {
    let (currency, lines) = (new.currency, new.lines.clone());
    let drafted = invoices::draft(tx, tenant, customer_no, new, at, &by.ids).await?;
    let Some(mut invoice) = drafted else { return Ok(Billed::Nothing) };
    let sent = invoice.collection_method == CollectionMethod::SendInvoice;
    if sent || invoice.totals.total == 0 {
        invoices::issue(tx, tenant, &mut invoice, at, by).await?;
        return Ok(Billed::Issued(Box::new(invoice)));
    }
    match begin(tx, tenant, &invoice, method, effect, at, by).await {
        Ok(attempt) => {
            if attempt.effect == Effect::CollectInvoice {
                invoices::issue(tx, tenant, &mut invoice, at, by).await?;
            }
            Ok(Billed::Attempt(Box::new(attempt)))
        }
        Err(BillingError::BelowMinimum) => {
            invoices::delete_draft(tx, tenant, &invoice).await?;
            invoices::add_to_next(tx, tenant, customer_no, currency, &lines, at, &by.ids).await?;
            Ok(Billed::Added)
        }
        Err(error) => Err(error),
    }
}

/// Begins to charge what is due of an invoice, its customer locked. Without a payment method a form
/// will ask for one, or where nobody is there it is declined. A form that is open is given up.
pub async fn begin(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: &Invoice,
    method: Option<&PaymentMethod>,
    effect: Effect,
    at: Time,
    by: &By,
) -> Result<Attempt, BillingError> {
    let terms = by.terms.processor_of(tenant, invoice.currency);
    let terms = terms.ok_or(BillingError::NoProcessor)?;
    if invoice.amount_due() < terms.minimum {
        return Err(BillingError::BelowMinimum);
    }
    close_form(tx, tenant, invoice, by).await?;
    let attempt = Attempt {
        customer_no: invoice.customer_no,
        customer_id: invoice.customer_id,
        id: by.ids.payment_attempt(),
        invoice_id: invoice.id,
        payment_method_id: method.map(|method| method.id),
        card: method.map(|method| method.card.clone()),
        processor: terms.name.to_owned(),
        amount: invoice.amount_due(),
        currency: invoice.currency,
        effect,
        status: AttemptStatus::Pending,
        charge_reference: None,
        client_secret: None,
        decline_reason: None,
        billed_at: at,
        next_at: Some(by.now.plus_seconds(TAKEN_UP_AFTER_SECONDS)),
        created_at: by.now,
    };
    sql::insert(tx, tenant, &attempt).await?;
    attempt.note(tx, tenant, Action::PaymentStarted, by).await?;
    Ok(attempt)
}

/// Gives up the form that is open for an invoice, its customer locked: what comes in for it later
/// goes back. An attempt that may have been charged stands in the way.
pub async fn close_form(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: &Invoice,
    by: &By,
) -> Result<(), BillingError> {
    let Some(mut attempt) = sql::live(tx, tenant, invoice.id).await? else { return Ok(()) };
    if attempt.status == AttemptStatus::Pending {
        return Err(BillingError::InProgress);
    }
    Ok(abandon(tx, tenant, &mut attempt, by).await?)
}

/// The attempt that is to start or change a subscription, if any, its customer locked.
pub async fn open_of_subscription(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    subscription: &Subscription,
) -> Result<Option<Attempt>, DbError> {
    let live = sql::live_of_customer(tx, tenant, subscription.customer_no).await?;
    let wanted = Some(subscription.id);
    Ok(live.into_iter().find(|attempt| attempt.effect.subscription_id() == wanted))
}

/// Gives up the form that is to start or change a subscription, as [`close_form`] does.
pub async fn close_form_of_subscription(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    subscription: &Subscription,
    by: &By,
) -> Result<(), BillingError> {
    match open_of_subscription(tx, tenant, subscription).await? {
        None => Ok(()),
        Some(attempt) if attempt.status == AttemptStatus::Pending => Err(BillingError::InProgress),
        Some(mut attempt) => Ok(abandon(tx, tenant, &mut attempt, by).await?),
    }
}

/// Gives up whatever is under way for a customer, who is locked: drafts go, and what comes in later
/// goes back.
pub async fn abandon_all_of_customer(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    by: &By,
) -> Result<(), DbError> {
    for mut attempt in sql::live_of_customer(tx, tenant, customer_no).await? {
        abandon(tx, tenant, &mut attempt, by).await?;
    }
    Ok(())
}

/// Gives up an attempt; its invoice goes where it is a draft.
pub async fn abandon(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    attempt: &mut Attempt,
    by: &By,
) -> Result<(), DbError> {
    (attempt.status, attempt.next_at) = (AttemptStatus::Abandoned, None);
    sql::store(tx, tenant, attempt, by.now).await?;
    let invoice = invoices::get(tx, tenant, attempt.invoice_id).await?;
    // An issued invoice stays, and so does what it is to pay for.
    if let Some(invoice) = invoice.filter(|invoice| invoice.status == Status::Draft) {
        invoices::delete_draft(tx, tenant, &invoice).await?;
        let (card, at) = (attempt.payment_method_id, attempt.billed_at);
        credits::top_up_failed(tx, tenant, &invoice, card, at, by).await?;
    }
    attempt.note(tx, tenant, Action::PaymentAbandoned, by).await
}

impl Effect {
    /// Whether nobody is there to fill in a form.
    pub const fn is_off_session(&self) -> bool {
        match self {
            Self::CollectInvoice => true,
            Self::TopUp { automatic, .. } => *automatic,
            Self::StartSubscription { .. } | Self::ChangePlan(_) | Self::PayInvoice => false,
        }
    }

    /// The subscription that it starts or changes.
    pub const fn subscription_id(&self) -> Option<SubscriptionId> {
        match self {
            Self::StartSubscription { subscription_id } => Some(*subscription_id),
            Self::ChangePlan(change) => Some(change.subscription_id),
            Self::CollectInvoice | Self::PayInvoice | Self::TopUp { .. } => None,
        }
    }
}

impl Attempt {
    pub async fn note(
        &self,
        tx: &mut Tx<'_, '_>,
        tenant: &Tenant,
        action: Action,
        by: &By,
    ) -> Result<(), DbError> {
        let detail = json!({
            "invoiceId": self.invoice_id,
            "amount": self.amount,
            "currency": self.currency,
            "declineReason": self.decline_reason.map(DeclineReason::as_str),
        });
        by.note(tx, tenant, self.customer_id, action, self.id, detail).await
    }
}

impl AttemptStatus {
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::RequiresForm,
        Self::Succeeded,
        Self::Declined,
        Self::Abandoned,
        Self::RefundDue,
        Self::Refunded,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::RequiresForm => "requires_form",
            Self::Succeeded => "succeeded",
            Self::Declined => "declined",
            Self::Abandoned => "abandoned",
            Self::RefundDue => "refund_due",
            Self::Refunded => "refunded",
        }
    }
}
