//! Create: a trial and what costs nothing start at once, everything else with its first payment.
//!
//! Until then the subscription is `pending` and gives nothing. It is stored beside the draft and
//! the payment attempt, so that a form may be filled in later and a crash loses nothing.

use crate::audit::Action;
use crate::base::{Period, PlanId, Time};
use crate::catalog::{self, Plan, PlanStatus, Viewer};
use crate::customers::{self, Customer, billing};
use crate::db::{DbError, Tx};
use crate::flows::{cancel, lines};
use crate::invoices::{Line, Reason};
use crate::organizations::Tenant;
use crate::settlement::{self, Billed, Effect, Kept, SettleOutcome};
use crate::subscriptions::{self, Status, Subscription, calendar, note};
use crate::work::{BillingError, Work};
use crate::{credits, payments, usage};
use serde_json::json;

/// A subscription that somebody asks for; its bounds are checked.
#[derive(Clone, Debug)]
pub struct NewSubscription {
    pub customer_no: i64,
    /// As whom the plan is looked for.
    pub viewer: Viewer,
    pub plan_id: PlanId,
    pub quantity: i64,
    /// A JSON object of texts.
    pub metadata: String,
}

/// What is asked for, laid out as of now, and what is to be paid before it starts.
#[derive(Clone, Debug)]
pub struct Offer {
    pub subscription: Subscription,
    pub plan: Plan,
    pub lines: Vec<Line>,
    /// What they are for.
    pub first: Option<Period>,
}

/// Starts a subscription, or begins the payment that starts it.
pub async fn create(
    work: &mut Work<'_, '_, '_>,
    new: &NewSubscription,
) -> Result<Kept, BillingError> {
    let customer = customers::lock_no(work.tx, work.tenant, new.customer_no).await?;
    let customer = customer.ok_or(BillingError::CustomerNotFound)?;
    let Offer { mut subscription, plan, lines, first } = offer(work, &customer, new).await?;
    if let Some(mut other) = replaceable(work.tx, work.tenant, &subscription).await? {
        if (other.plan_id, other.quantity) == (plan.id, new.quantity)
            && let Some(form) =
                settlement::open_of_subscription(work.tx, work.tenant, &other).await?
        {
            return Ok(Kept::Attempt(form.id));
        }
        cancel::give_up(work, &mut other).await?;
    }
    if subscription.status == Status::Trialing {
        subscriptions::note_trial(work.tx, work.tenant, customer.no, plan.product_id, work.at)
            .await?;
    }
    subscriptions::insert(work.tx, work.tenant, &subscription).await?;
    let id = subscription.id;
    let invoice = subscription.invoice(Reason::Create, lines, first);
    let method = payments::default_of(work.tx, work.tenant, customer.no).await?;
    let effect = Effect::StartSubscription { subscription_id: id };
    let billed = settlement::collect(work, customer.no, invoice, method.as_ref(), effect);
    let billed = billed.await?;
    let paid = !matches!(billed, Billed::Nothing);
    let outcome = match billed {
        Billed::Attempt(attempt) => return Ok(Kept::Attempt(attempt.id)),
        Billed::Nothing => SettleOutcome::CreatedNoCharge { subscription_id: id },
        Billed::Added => SettleOutcome::InvoiceAdded { subscription_id: Some(id) },
        Billed::Issued(invoice) => SettleOutcome::InvoiceSent { invoice_id: invoice.id },
    };
    if subscription.status == Status::Pending {
        begin(&mut subscription, &plan, work.at);
        subscriptions::update(work.tx, work.tenant, &subscription).await?;
    }
    start(work, &subscription, &plan, paid).await?;
    Ok(Kept::Outcome(outcome))
}

/// Checks what is asked for and lays it out: nothing is written.
pub async fn offer(
    work: &mut Work<'_, '_, '_>,
    customer: &Customer,
    new: &NewSubscription,
) -> Result<Offer, BillingError> {
    if customer.archived_at.is_some() {
        return Err(BillingError::CustomerArchived);
    }
    let plan = catalog::visible_plan(work.tx, work.tenant, new.viewer, new.plan_id).await?;
    let plan = plan.ok_or(BillingError::NotFound)?;
    if plan.status != PlanStatus::Active {
        return Err(BillingError::PlanNotAvailable);
    }
    let profile = billing::get(work.tx, work.tenant, customer.no).await?;
    if profile.currency.is_some_and(|currency| currency != plan.currency) {
        return Err(BillingError::CurrencyMismatch);
    }
    let mut subscription = Subscription {
        customer_no: customer.no,
        customer_id: customer.id,
        id: work.by.ids.subscription(),
        product_id: plan.product_id,
        plan_id: plan.id,
        quantity: new.quantity,
        status: Status::Pending,
        billing_interval: plan.billing_interval,
        currency: plan.currency,
        collection_method: profile.collection_method,
        anchor: None,
        current_period: None,
        usage_period: None,
        trial_end: None,
        started_at: None,
        cancel_at_period_end: false,
        cancel_reason: None,
        canceled_at: None,
        scheduled: None,
        dunning_failures: 0,
        dunning_since: None,
        dunning_next_at: None,
        metadata: new.metadata.clone(),
        created_at: work.at,
        updated_at: work.at,
    };
    let had_trial =
        subscriptions::had_trial(work.tx, work.tenant, customer.no, plan.product_id).await?;
    if plan.trial_days > 0 && !had_trial {
        begin_trial(&mut subscription, &plan, work.at);
        return Ok(Offer { subscription, plan, lines: Vec::new(), first: None });
    }
    let first = calendar::period_from(work.at, work.at, plan.billing_interval.months());
    let lines = lines::first(&plan, new.quantity, first)?;
    Ok(Offer { subscription, plan, lines, first: Some(first) })
}

/// The customer's subscription of the same product that waits for its first payment, if any. A
/// living one stands in the way.
pub async fn replaceable(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    new: &Subscription,
) -> Result<Option<Subscription>, BillingError> {
    let live = subscriptions::live_of_customer(tx, tenant, new.customer_no).await?;
    match live.into_iter().find(|live| live.product_id == new.product_id) {
        Some(other) if other.status != Status::Pending => Err(BillingError::SubscriptionExists),
        other => Ok(other),
    }
}

/// Sets the periods of a subscription that starts now, and returns the first.
pub fn begin(subscription: &mut Subscription, plan: &Plan, at: Time) -> Period {
    let first = calendar::period_from(at, at, plan.billing_interval.months());
    subscription.status = Status::Active;
    subscription.anchor = Some(at);
    subscription.started_at = Some(at);
    subscription.current_period = Some(first);
    subscription.usage_period = Some(calendar::period_from(at, at, 1));
    subscription.updated_at = at;
    first
}

fn begin_trial(subscription: &mut Subscription, plan: &Plan, at: Time) {
    let trial = Period { start: at, end: at.plus_days(plan.trial_days) };
    subscription.status = Status::Trialing;
    subscription.anchor = Some(trial.end);
    subscription.trial_end = Some(trial.end);
    subscription.started_at = Some(at);
    subscription.current_period = Some(trial);
    subscription.usage_period = Some(trial);
}

/// What comes with the start, a trial's or the first period's; `paid` where that costs something.
pub async fn start(
    work: &mut Work<'_, '_, '_>,
    subscription: &Subscription,
    plan: &Plan,
    paid: bool,
) -> Result<(), DbError> {
    billing::set_currency(work.tx, work.tenant, subscription.customer_no, plan.currency).await?;
    continue_window(work.tx, work.tenant, subscription, work.at).await?;
    credits::subscription_started(work, subscription, plan, paid).await?;
    let detail = json!({ "planId": plan.id, "quantity": subscription.quantity });
    note(work, subscription, Action::SubscriptionStarted, detail).await
}

/// A usage window belongs to the customer and product. A customer who comes back before its end goes
/// on counting where the last subscription stopped, so that leaving renews no allowance.
async fn continue_window(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    subscription: &Subscription,
    at: Time,
) -> Result<(), DbError> {
    let (no, product) = (subscription.customer_no, subscription.product_id);
    let ended = subscriptions::ended_in_window(tx, tenant, no, product, at).await?;
    match ended.zip(subscription.usage_period) {
        None => Ok(()),
        Some((ended, window)) => usage::window_continued(tx, ended, subscription, window).await,
    }
}
