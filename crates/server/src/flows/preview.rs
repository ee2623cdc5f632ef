//! Previews: the price of a purchase or a change, and the next invoice. Nothing is written; the same
//! functions price the preview and the charge.

use crate::base::{Currency, Decimal, Period, Time};
use crate::catalog::Plan;
use crate::customers;
use crate::db::{DbError, Tx};
use crate::emails::Renewal;
use crate::flows::change::ChangeRequest;
use crate::flows::create::{self, NewSubscription};
use crate::flows::lines;
use crate::flows::quote::{self, ChangeMode};
use crate::invoices::{self, Line, Totals};
use crate::organizations::Tenant;
use crate::payments;
use crate::settlement::{self, ToPay};
use crate::subscriptions::{self, Subscription, SubscriptionStatus, calendar};
use crate::work::{BillingError, Work};
use futures_util::future::BoxFuture;

/// The charges due now, and the next invoice.
#[derive(Clone, Debug)]
pub struct Preview {
    pub currency: Currency,
    /// Due now; may be empty.
    pub lines: Vec<Line>,
    pub totals: Totals,
    /// The part of the total that the customer's balance pays.
    pub balance_applied: i64,
    /// The instant at which it comes into force.
    pub effective_at: Time,
    /// The instant to which it is prorated; `change-plan` accepts it.
    pub proration_date: Time,
    pub trial_end: Option<Time>,
    pub next: Option<Upcoming>,
}

/// The next invoice, as far as it is known by now.
#[derive(Clone, Debug)]
pub struct Upcoming {
    pub date: Time,
    pub currency: Currency,
    pub period: Option<Period>,
    pub lines: Vec<Line>,
    pub totals: Totals,
}

/// Prices a new subscription.
pub async fn preview(
    work: &mut Work<'_, '_, '_>,
    new: &NewSubscription,
) -> Result<Preview, BillingError> {
    let customer = customers::by_no(work.tx, work.tenant, new.customer_no).await?;
    let customer = customer.ok_or(BillingError::CustomerNotFound)?;
    let offer = create::offer(work, &customer, new).await?;
    create::replaceable(work.tx, work.tenant, &offer.subscription).await?;
    let mut subscription = offer.subscription;
    if subscription.status == SubscriptionStatus::Pending {
        create::begin(&mut subscription, &offer.plan, work.at)?;
    }
    let (effective_at, proration_date) = (work.at, work.at);
    let (due, closed) = (offer.lines, Vec::new());
    let outcome = Outcome { subscription, due, closed, effective_at, proration_date };
    show(work, outcome).await
}

/// Prices a change.
pub async fn preview_change(
    work: &mut Work<'_, '_, '_>,
    request: &ChangeRequest,
) -> Result<Preview, BillingError> {
    let (viewer, id) = (request.viewer, request.subscription_id);
    let subscription = subscriptions::get_reachable(work.tx, work.tenant, viewer, id).await?;
    let quote = quote::quote(work, subscription, request).await?;
    let subscription = quote.outcome();
    let end = subscription.current_period.map_or(work.at, |period| period.end);
    let effective_at = if quote.mode == ChangeMode::Deferred { end } else { quote.at };
    let (due, closed, proration_date) = (quote.lines, quote.usage, quote.at);
    let outcome = Outcome { subscription, due, closed, effective_at, proration_date };
    show(work, outcome).await
}

/// The outcome of a request that is only previewed.
struct Outcome {
    subscription: Subscription,
    /// The lines that are due at once.
    due: Vec<Line>,
    /// The usage of the segment that ends with the change.
    closed: Vec<Line>,
    effective_at: Time,
    proration_date: Time,
}

/// Returns the charges now and next.
async fn show(work: &mut Work<'_, '_, '_>, outcome: Outcome) -> Result<Preview, BillingError> {
    let Outcome { subscription, mut due, closed, effective_at, proration_date } = outcome;
    let (customer, currency) = (subscription.customer_no, subscription.currency);
    let (tx, tenant) = (&mut *work.tx, work.tenant);
    let mut waiting = invoices::waiting(tx, tenant, customer, currency).await?;
    let changes = !closed.is_empty();
    waiting.extend(closed.into_iter().filter(|line| line.amount != 0));
    // Waiting lines are added to the first invoice that is written.
    if due.iter().any(Line::is_billed) {
        due = invoices::with_waiting(due, std::mem::take(&mut waiting));
    }
    let next = upcoming_after(tx, tenant, &subscription, waiting, changes).await?;
    let totals = invoices::price(tx, tenant, customer, &due).await?;
    let method = payments::default_of(tx, tenant, customer).await?;
    let to_pay = ToPay {
        customer_no: customer,
        currency,
        collection_method: subscription.collection_method,
        amount: totals.total,
    };
    Ok(Preview {
        currency,
        balance_applied: settlement::part_from_balance(work, &to_pay, method.as_ref()).await?,
        totals,
        lines: due,
        effective_at,
        proration_date,
        trial_end: subscription
            .trial_end
            .filter(|_| subscription.status == SubscriptionStatus::Trialing),
        next,
    })
}

/// Returns the next invoice as if it were due now, with the lines that wait for it; `None` if there
/// will be none.
pub async fn upcoming(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    subscription: &Subscription,
    waiting: Vec<Line>,
) -> Result<Option<Upcoming>, BillingError> {
    upcoming_after(tx, tenant, subscription, waiting, false).await
}

/// Returns the same after a change that closes the open segment, whose usage is in `waiting`.
async fn upcoming_after(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    subscription: &Subscription,
    waiting: Vec<Line>,
    changes: bool,
) -> Result<Option<Upcoming>, BillingError> {
    let periods = subscription.current_period.zip(subscription.usage_period);
    let Some((current, usage)) = periods.filter(|_| subscription.status.gives_access()) else {
        return Ok(None);
    };
    let plan = subscriptions::plan(tx, tenant, subscription.plan_id).await?;
    let mut lines = lines::usage(tx, tenant, subscription, &plan, usage.end).await?;
    if changes {
        for line in &mut lines {
            (line.quantity, line.amount) = (Decimal::ZERO, 0);
        }
    }
    // A usage month ends with an invoice if it has lines.
    let measured = !waiting.is_empty() || plan.charges_for_usage();
    let (mut date, mut period) = (usage.end, Some(usage));
    if !measured || usage.end >= current.end {
        date = current.end;
        period = None;
        if !subscription.cancel_at_period_end {
            let next = Next::after(tx, tenant, subscription, current.end).await?;
            let discount = subscription.discount.as_ref();
            lines.extend(lines::recurring(&next.plan, next.quantity, next.period, discount)?);
            if !changes {
                lines.extend(lines::one_off(tx, subscription.customer_no, &next.plan).await?);
            }
            period = Some(next.period);
        }
    }
    if !measured && !lines.iter().any(Line::is_billed) {
        return Ok(None);
    }
    lines.extend(waiting);
    let totals = invoices::price(tx, tenant, subscription.customer_no, &lines).await?;
    Ok(Some(Upcoming { date, currency: subscription.currency, period, lines, totals }))
}

/// The period that follows the current one.
struct Next {
    plan: Plan,
    quantity: i64,
    period: Period,
}

impl Next {
    /// Returns the period after `end`, on the scheduled plan if there is one.
    async fn after(
        tx: &mut Tx<'_, '_>,
        tenant: &Tenant,
        subscription: &Subscription,
        end: Time,
    ) -> Result<Self, DbError> {
        let (plan, quantity) = match subscription.scheduled {
            None => (subscription.plan_id, subscription.quantity),
            Some(change) => (change.plan_id, change.quantity),
        };
        let plan = subscriptions::plan(tx, tenant, plan).await?;
        let anchor = subscription.anchor.unwrap_or(end);
        let period = calendar::period_from(anchor, end, plan.billing_interval.months());
        Ok(Self { plan, quantity, period })
    }
}

/// Prices the renewal at the end of the period, for an e-mail; `None` if it cannot be priced.
pub fn price_renewal<'a>(
    tx: &'a mut Tx<'_, '_>,
    tenant: &'a Tenant,
    subscription: &'a Subscription,
) -> BoxFuture<'a, Result<Option<Renewal>, DbError>> {
    Box::pin(async move {
        match renewal(tx, tenant, subscription).await {
            Err(BillingError::Db(error)) => Err(error),
            Err(error) => {
                tracing::warn!(?error, "an announced renewal could not be priced");
                Ok(None)
            }
            Ok(renewal) => Ok(renewal),
        }
    })
}

/// The items that wait for the customer's next invoice are on this one, unless a month of usage ends
/// before it.
async fn renewal(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    subscription: &Subscription,
) -> Result<Option<Renewal>, BillingError> {
    let (customer, currency) = (subscription.customer_no, subscription.currency);
    let Some(current) = subscription.current_period else { return Ok(None) };
    let plan = subscriptions::plan(tx, tenant, subscription.plan_id).await?;
    let next = Next::after(tx, tenant, subscription, current.end).await?;
    let discount = subscription.discount.as_ref();
    let mut lines = lines::recurring(&next.plan, next.quantity, next.period, discount)?;
    lines.extend(lines::one_off(tx, customer, &next.plan).await?);
    let is_next_invoice = subscription.usage_period.is_none_or(|usage| usage.end >= current.end);
    if is_next_invoice {
        lines.extend(invoices::waiting(tx, tenant, customer, currency).await?);
    }
    let totals = invoices::price(tx, tenant, customer, &lines).await?;
    let is_trial = subscription.status == SubscriptionStatus::Trialing;
    Ok(Some(Renewal {
        plan: next.plan.name,
        date: current.end,
        currency,
        amount: totals.total,
        adds_usage: !is_trial && plan.charges_for_usage(),
    }))
}
