//! Settlement: charges the amounts that are due.
//!
//! Three steps: (a) the effect's first transaction inserts a pending attempt with its changes
//! ([`collect`], [`begin`]); (b) the processor charges, with the attempt's id as idempotency key,
//! outside any transaction; (c) one transaction records the result and applies the effect. A crash
//! in between leaves a pending attempt, which any node continues. A time-out is not a decline.
//! Nothing here names a specific processor.

pub mod http;
mod outcome;
mod sql;

pub use outcome::{FormReason, FormSubject, SettleOutcome};
pub use sql::{
    ReceivedEvent, WaitingEvent, delete_events_before, due as all_due, due_events, event_done, get,
    keep_event, live, open_forms, store, take_up, take_up_event, waiting_event,
};

use crate::audit::Action;
use crate::base::{
    CollectionMethod, CreditAccountId, CreditPackageId, Currency, CustomerId, InvoiceId, Owned,
    PaymentAttemptId, PaymentMethodId, SubscriptionId, Time,
};
use crate::db::{DbError, FromRow, ToRow, Tx};
use crate::invoices::{self, Invoice, InvoiceStatus, Line, NewInvoice, balance};
use crate::organizations::Tenant;
use crate::payments::{Card, DeclineReason, PaymentMethod};
use crate::subscriptions::{PlanSwitch, Subscription, SubscriptionStatus};
use crate::work::{BillingError, Work};
use crate::{coupons, credits};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// The time after which another node may continue an attempt.
pub const TAKEN_UP_AFTER_SECONDS: i64 = 60;
/// The longest delay between checks of something that a processor has not decided.
const LONGEST_WAIT_SECONDS: i64 = 3_600;
/// The time that a customer has to complete a form.
pub const FORM_OPEN_FOR_SECONDS: i64 = 23 * 3_600;

/// The effect of a success, in its stored form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Effect {
    StartSubscription {
        subscription_id: SubscriptionId,
    },
    ChangePlan(Box<PlanSwitch>),
    /// Automatic collection (renewal or retry). The customer is off-session, so no form can be
    /// shown.
    CollectInvoice,
    /// A caller pays an issued invoice. `once` if a link to it was used: the card is not kept.
    PayInvoice {
        #[serde(default)]
        once: bool,
    },
    /// `automatic` if a balance fell below its threshold: the customer is off-session, so no form
    /// can be shown.
    TopUp {
        credit_account_id: CreditAccountId,
        credits: i64,
        package_id: Option<CreditPackageId>,
        automatic: bool,
    },
}

/// An attempt to charge an invoice.
#[derive(Clone, Debug, FromRow, ToRow)]
pub struct Attempt {
    #[record(insert_only)]
    pub customer_no: i64,
    #[record(computed)]
    pub customer_id: CustomerId,
    #[record(insert_only)]
    pub id: PaymentAttemptId,
    #[record(insert_only)]
    pub invoice_id: InvoiceId,
    pub payment_method_id: Option<PaymentMethodId>,
    /// The card at the start of the attempt. An off-session attempt has none if its payment method was
    /// declined for good: it is not charged.
    #[record(json)]
    pub card: Option<Card>,
    #[record(insert_only)]
    pub processor: String,
    #[record(insert_only)]
    pub amount: i64,
    #[record(insert_only)]
    pub currency: Currency,
    #[record(insert_only, json)]
    pub effect: Effect,
    pub status: AttemptStatus,
    pub charge_reference: Option<String>,
    pub client_secret: Option<String>,
    pub decline_reason: Option<DeclineReason>,
    /// Billing time at its start.
    #[record(insert_only)]
    pub billed_at: Time,
    /// The instant from which any node may continue it.
    pub next_at: Option<Time>,
    /// Real time, like `next_at`.
    #[record(insert_only)]
    pub created_at: Time,
}

impl Owned for Attempt {
    fn owner(&self) -> i64 {
        self.customer_no
    }

    fn linked_invoice(&self) -> Option<InvoiceId> {
        Some(self.invoice_id)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PaymentAttemptStatus)]
pub enum AttemptStatus {
    /// The charge may have succeeded.
    Pending,
    /// Waits for the customer.
    RequiresForm,
    Succeeded,
    Declined,
    /// No longer wanted: a success that arrives later is refunded.
    Abandoned,
    /// To be refunded. Without a `next_at` the processor could not, and an operator has to.
    RefundDue,
    Refunded,
}

/// The result of billing lines in the effect's first transaction.
#[derive(Clone, Debug)]
pub enum Billed {
    /// All lines are 0, or they were billed before: there is no invoice.
    Nothing,
    /// Below the processor's minimum: the lines wait for the customer's next invoice.
    Added,
    /// Issued without a charge: it is sent, or it is paid, because its lines cancel out or the
    /// customer's balance covers it.
    Issued(Box<Invoice>),
    /// To be charged now: continue with [`run`]. The effect follows its success.
    Attempt(Box<Attempt>),
}

/// An amount that a customer is to pay.
#[derive(Clone, Copy, Debug)]
pub struct ToPay {
    pub customer_no: i64,
    pub currency: Currency,
    pub collection_method: CollectionMethod,
    pub amount: i64,
}

/// Refuses lines that are too small to charge alone. Writes nothing.
pub async fn check_chargeable(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
    currency: Currency,
    lines: &[Line],
) -> Result<(), BillingError> {
    let terms = work.by.terms.processor_of(work.tx, work.tenant, None, currency).await?;
    let terms = terms.ok_or(BillingError::NoProcessor)?;
    let due = invoices::price(work.tx, work.tenant, customer_no, lines).await?.total;
    if due < terms.minimum { Err(BillingError::BelowMinimum) } else { Ok(()) }
}

/// Bills lines in the effect's first transaction, with the customer locked. The caller applies the
/// effect unless there is an attempt. An invoice that must be paid first stays a draft until then.
pub async fn collect(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
    new: NewInvoice,
    method: Option<&PaymentMethod>,
    effect: Effect,
) -> Result<Billed, BillingError> {
    let (currency, lines) = (new.currency, new.lines.clone());
    let drafted = invoices::draft(work, customer_no, new).await?;
    let Some(mut invoice) = drafted else { return Ok(Billed::Nothing) };
    let sent = invoice.collection_method == CollectionMethod::SendInvoice;
    let collection_method = invoice.collection_method;
    let to_pay = ToPay { customer_no, currency, collection_method, amount: invoice.amount_due() };
    let part = part_from_balance(work, &to_pay, method).await?;
    balance::apply(work, &mut invoice, part).await?;
    if sent || invoice.amount_due() == 0 {
        invoices::issue(work, &mut invoice).await?;
        return Ok(Billed::Issued(Box::new(invoice)));
    }
    match begin(work, &invoice, method, effect).await {
        Ok(attempt) => {
            if attempt.effect == Effect::CollectInvoice {
                invoices::issue(work, &mut invoice).await?;
            }
            Ok(Billed::Attempt(Box::new(attempt)))
        }
        Err(BillingError::BelowMinimum) => {
            invoices::delete_draft(work, &invoice).await?;
            invoices::add_to_next(work, customer_no, currency, &lines).await?;
            Ok(Billed::Added)
        }
        Err(error) => Err(error),
    }
}

/// Returns the part of an amount that the customer's balance pays: all of it, or as much as leaves
/// nothing that is too small to charge.
pub async fn part_from_balance(
    work: &mut Work<'_, '_, '_>,
    to_pay: &ToPay,
    method: Option<&PaymentMethod>,
) -> Result<i64, DbError> {
    let ToPay { customer_no, currency, collection_method, amount } = *to_pay;
    let available = balance::available(work.tx, work.tenant, customer_no, currency).await?;
    let minimum = match collection_method {
        CollectionMethod::SendInvoice => 0,
        CollectionMethod::ChargeAutomatically => {
            let name = method.map(|method| method.processor.as_str());
            let terms = work.by.terms.processor_of(work.tx, work.tenant, name, currency).await?;
            terms.map_or(0, |terms| terms.minimum)
        }
    };
    Ok(balance::usable(available, amount, minimum))
}

/// Starts a charge of an invoice's amount due, with the customer locked. Without a payment method,
/// a form asks for one; off-session, the charge is declined. Closes an open form.
pub async fn begin(
    work: &mut Work<'_, '_, '_>,
    invoice: &Invoice,
    method: Option<&PaymentMethod>,
    effect: Effect,
) -> Result<Attempt, BillingError> {
    // A saved payment method is known to its own processor only.
    let name = method.map(|method| method.processor.as_str());
    let terms = work.by.terms.processor_of(work.tx, work.tenant, name, invoice.currency).await?;
    let terms = terms.ok_or(BillingError::NoProcessor)?;
    if invoice.amount_due() < terms.minimum {
        return Err(BillingError::BelowMinimum);
    }
    close_form(work, invoice).await?;
    let attempt = Attempt {
        customer_no: invoice.customer_no,
        customer_id: invoice.customer_id,
        id: work.by.ids.payment_attempt(),
        invoice_id: invoice.id,
        payment_method_id: method.map(|method| method.id),
        card: method
            .filter(|method| !(effect.is_off_session() && method.declined_for_good))
            .map(|method| method.card.clone()),
        processor: terms.name.to_owned(),
        amount: invoice.amount_due(),
        currency: invoice.currency,
        effect,
        status: AttemptStatus::Pending,
        charge_reference: None,
        client_secret: None,
        decline_reason: None,
        billed_at: work.at,
        next_at: Some(work.by.now.plus_seconds(TAKEN_UP_AFTER_SECONDS)),
        created_at: work.by.now,
    };
    sql::insert(work.tx, work.tenant, &attempt).await?;
    attempt.note(work, Action::PaymentStarted).await?;
    Ok(attempt)
}

/// Closes the open form of an invoice, with the customer locked. A later payment is refunded. Fails
/// if an attempt may have been charged.
pub async fn close_form(
    work: &mut Work<'_, '_, '_>,
    invoice: &Invoice,
) -> Result<(), BillingError> {
    let Some(mut attempt) = sql::live(work.tx, work.tenant, invoice.id).await? else {
        return Ok(());
    };
    if attempt.status == AttemptStatus::Pending {
        return Err(BillingError::InProgress);
    }
    Ok(abandon(work, &mut attempt).await?)
}

/// Returns the attempt that starts or changes a subscription, if any, with the customer locked.
pub async fn open_of_subscription(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    subscription: &Subscription,
) -> Result<Option<Attempt>, DbError> {
    let live = sql::live_of_customer(tx, tenant, subscription.customer_no).await?;
    let wanted = Some(subscription.id);
    Ok(live.into_iter().find(|attempt| attempt.effect.subscription_id() == wanted))
}

/// Closes the form that starts or changes a subscription, like [`close_form`].
pub async fn close_form_of_subscription(
    work: &mut Work<'_, '_, '_>,
    subscription: &Subscription,
) -> Result<(), BillingError> {
    match open_of_subscription(work.tx, work.tenant, subscription).await? {
        None => Ok(()),
        Some(attempt) if attempt.status == AttemptStatus::Pending => Err(BillingError::InProgress),
        Some(mut attempt) => Ok(abandon(work, &mut attempt).await?),
    }
}

/// Gives up the form of a change that has been open for as long as it may be, by billing time.
pub async fn expire_form_of_subscription(
    work: &mut Work<'_, '_, '_>,
    subscription: &Subscription,
) -> Result<(), BillingError> {
    if subscription.status == SubscriptionStatus::Pending {
        return Ok(());
    }
    match open_of_subscription(work.tx, work.tenant, subscription).await? {
        Some(mut attempt) if attempt.form_is_over(work.at) => {
            Ok(abandon(work, &mut attempt).await?)
        }
        Some(_) | None => Ok(()),
    }
}

/// Gives up all attempts of a locked customer: deletes drafts, and later payments are refunded.
pub async fn abandon_all_of_customer(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
) -> Result<(), DbError> {
    for mut attempt in sql::live_of_customer(work.tx, work.tenant, customer_no).await? {
        abandon(work, &mut attempt).await?;
    }
    Ok(())
}

/// Gives up the coupon that a change had reserved, if it did not come into force.
pub async fn release_coupon(
    work: &mut Work<'_, '_, '_>,
    customer: CustomerId,
    change: &PlanSwitch,
) -> Result<(), DbError> {
    match &change.discount {
        Some(discount) => coupons::release(work, customer, discount).await,
        None => Ok(()),
    }
}

/// Gives up an attempt and deletes its invoice if that is a draft.
pub async fn abandon(work: &mut Work<'_, '_, '_>, attempt: &mut Attempt) -> Result<(), DbError> {
    // An open form is canceled at the processor.
    attempt.next_at = (attempt.status == AttemptStatus::RequiresForm).then_some(work.by.now);
    attempt.status = AttemptStatus::Abandoned;
    sql::store(work.tx, work.tenant, attempt, work.by.now).await?;
    let invoice = invoices::get(work.tx, work.tenant, attempt.invoice_id).await?;
    // An issued invoice stays, and so does its purchase.
    if let Some(invoice) = invoice.filter(|invoice| invoice.status == InvoiceStatus::Draft) {
        invoices::delete_draft(work, &invoice).await?;
        let mut work = work.as_of(attempt.billed_at);
        credits::top_up_failed(&mut work, &invoice, attempt.payment_method_id).await?;
    }
    if let Effect::ChangePlan(change) = &attempt.effect {
        release_coupon(work, attempt.customer_id, change).await?;
    }
    attempt.note(work, Action::PaymentAbandoned).await
}

/// Returns the instant of the next check of something that has been undecided since `since`: the delay
/// grows with the time that it has taken so far.
pub fn next_check(since: Time, now: Time) -> Time {
    let so_far = now.seconds() - since.seconds();
    now.plus_seconds(so_far.clamp(TAKEN_UP_AFTER_SECONDS, LONGEST_WAIT_SECONDS))
}

impl Effect {
    /// Whether the customer is off-session, so that no form can be shown.
    pub const fn is_off_session(&self) -> bool {
        match self {
            Self::CollectInvoice => true,
            Self::TopUp { automatic, .. } => *automatic,
            Self::StartSubscription { .. } | Self::ChangePlan(_) | Self::PayInvoice { .. } => false,
        }
    }

    /// Whether a card that is entered in a form becomes a payment method of the customer.
    pub const fn keeps_card(&self) -> bool {
        match self {
            Self::PayInvoice { once } => !*once,
            Self::StartSubscription { .. }
            | Self::ChangePlan(_)
            | Self::CollectInvoice
            | Self::TopUp { .. } => true,
        }
    }

    /// Returns the subscription that it starts or changes.
    pub const fn subscription_id(&self) -> Option<SubscriptionId> {
        match self {
            Self::StartSubscription { subscription_id } => Some(*subscription_id),
            Self::ChangePlan(change) => Some(change.subscription_id),
            Self::CollectInvoice | Self::PayInvoice { .. } | Self::TopUp { .. } => None,
        }
    }
}

impl Attempt {
    /// Whether its form has expired. An issued invoice may be paid for as long as it is owed.
    pub fn form_is_over(&self, at: Time) -> bool {
        self.status == AttemptStatus::RequiresForm
            && !matches!(self.effect, Effect::PayInvoice { .. })
            && at >= self.billed_at.plus_seconds(FORM_OPEN_FOR_SECONDS)
    }

    pub async fn note(&self, work: &mut Work<'_, '_, '_>, action: Action) -> Result<(), DbError> {
        let detail = json!({
            "invoiceId": self.invoice_id,
            "amount": self.amount,
            "currency": self.currency,
            "declineReason": self.decline_reason.map(DeclineReason::as_str),
        });
        work.note(self.customer_id, action, self.id, detail).await
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
