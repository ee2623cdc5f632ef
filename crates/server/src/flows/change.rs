//! Change: another plan of the product, or another quantity; at once if it costs more, at the
//! period's end if it costs less.
//!
//! `quote` decides and prices both the preview and the change, so that the two agree. A change with
//! a price is paid first: until then nothing changes.

use crate::audit::Action;
use crate::base::{Period, PlanId, SubscriptionId, Time, Viewer};
use crate::catalog::{self, Interval, Plan, PlanStatus};
use crate::credits::Switched;
use crate::db::{DbError, Tx};
use crate::flows::{create, lines};
use crate::invoices::{self, Invoice, Line, Reason};
use crate::organizations::Tenant;
use crate::settlement::{self, Billed, Effect, Kept, SettleOutcome};
use crate::subscriptions::{
    self, PlanSwitch, Scheduled, Status, Subscription, calendar, note, rating,
};
use crate::work::{BillingError, Work};
use crate::{credits, payments, usage};
use serde_json::json;

/// A preview holds this long.
const QUOTE_SECONDS: i64 = 600;

/// A requested change; its bounds are checked.
#[derive(Clone, Debug)]
pub struct ChangeRequest {
    pub subscription_id: SubscriptionId,
    /// The caller whose view of subscriptions and plans applies.
    pub viewer: Viewer,
    pub plan_id: Option<PlanId>,
    pub quantity: Option<i64>,
    /// The `prorationDate` of a preview.
    pub proration_date: Option<Time>,
    /// Whether a customer who owes an invoice may upgrade; a backend's choice.
    pub allow_unpaid: bool,
}

/// The way in which a change comes into force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Nothing changes.
    Same,
    /// At once; nothing recurring is charged.
    Free,
    /// At once; the rest of the period is charged, the unused part of the old price credited.
    Prorated,
    /// At once, with a new period that is charged in full; the rest of the old period is credited.
    Restarted,
    /// Applies at the period's end.
    Deferred,
}

#[derive(Clone, Debug)]
pub struct ChangeQuote {
    pub subscription: Subscription,
    pub old: Plan,
    pub new: Plan,
    pub quantity: i64,
    pub way: Way,
    /// Charges and credits of the change.
    pub lines: Vec<Line>,
    /// Usage of the segment that the change closes, under the old plan.
    pub usage: Vec<Line>,
    pub at: Time,
}

impl Way {
    const fn is_now(self) -> bool {
        match self {
            Self::Free | Self::Prorated | Self::Restarted => true,
            Self::Same | Self::Deferred => false,
        }
    }
}

/// Compares the recurring totals of the plan in force and of the wanted plan.
fn choose_way(trialing: bool, from: (Interval, i64), to: (Interval, i64)) -> Way {
    let ((old_interval, old), (new_interval, new)) = (from, to);
    if trialing {
        return Way::Free;
    }
    match (old_interval, new_interval) {
        _ if new == 0 && old > 0 => Way::Deferred,
        _ if old == 0 && new > 0 => Way::Restarted,
        (Interval::Month, Interval::Year) => Way::Restarted,
        (Interval::Year, Interval::Month) => Way::Deferred,
        (Interval::Month, Interval::Month) | (Interval::Year, Interval::Year) => {
            match new.cmp(&old) {
                std::cmp::Ordering::Greater => Way::Prorated,
                std::cmp::Ordering::Equal => Way::Free,
                std::cmp::Ordering::Less => Way::Deferred,
            }
        }
    }
}

/// Changes a subscription, schedules the change, or starts the payment that it waits for.
pub async fn change(
    work: &mut Work<'_, '_, '_>,
    request: &ChangeRequest,
) -> Result<Kept, BillingError> {
    let (viewer, id) = (request.viewer, request.subscription_id);
    let subscription = subscriptions::lock_reachable(work.tx, work.tenant, viewer, id).await?;
    let quote = quote(work.tx, work.tenant, subscription, request, work.at).await?;
    match quote.way {
        Way::Prorated | Way::Restarted => {
            create::may_buy(
                work.tx,
                work.tenant,
                quote.subscription.customer_no,
                request.allow_unpaid,
            )
            .await?;
        }
        Way::Same | Way::Free | Way::Deferred => {}
    }
    settlement::close_form_of_subscription(work, &quote.subscription).await?;
    let subscription_id = quote.subscription.id;
    let outcome = match quote.way {
        Way::Same | Way::Deferred => return schedule(work, &quote).await,
        Way::Free | Way::Prorated | Way::Restarted => pay(work, &quote).await?,
    };
    // A charge asks for the payment method itself.
    if quote.new.id != quote.old.id
        && !matches!(outcome, Billed::Attempt(_))
        && create::lacks_payment_method(work, &quote.subscription, &quote.new).await?
    {
        return Err(BillingError::NoPaymentMethod);
    }
    let outcome = match outcome {
        Billed::Attempt(attempt) => return Ok(Kept::Attempt(attempt.id)),
        Billed::Added => SettleOutcome::InvoiceAdded { subscription_id: Some(subscription_id) },
        Billed::Issued(invoice) if invoice.totals.total > 0 => {
            SettleOutcome::of_issued(&invoice, Some(subscription_id))
        }
        Billed::Issued(_) | Billed::Nothing => SettleOutcome::CreatedNoCharge { subscription_id },
    };
    let (change, mut subscription) = (quote.change(), quote.subscription);
    apply(work, &mut subscription, &change).await?;
    Ok(Kept::Outcome(outcome))
}

/// Schedules the change for the period's end, or removes a scheduled change.
async fn schedule(work: &mut Work<'_, '_, '_>, quote: &ChangeQuote) -> Result<Kept, BillingError> {
    let (old, mut new) = (&quote.subscription, quote.outcome());
    let subscription_id = new.id;
    let unchanged =
        old.scheduled == new.scheduled && old.cancel_at_period_end == new.cancel_at_period_end;
    if !unchanged {
        new.updated_at = work.at;
        subscriptions::update(work.tx, work.tenant, &new).await?;
        let scheduled = new.scheduled.map(|change| json!([change.plan_id, change.quantity]));
        let detail = json!({ "scheduled": scheduled });
        note(work, &new, Action::SubscriptionChangeScheduled, detail).await?;
        note_kept_on(work, old.cancel_at_period_end, &new).await?;
    }
    Ok(Kept::Outcome(match new.scheduled.and(new.current_period) {
        Some(period) => SettleOutcome::Deferred { subscription_id, effective_at: period.end },
        None if unchanged => SettleOutcome::NoAction,
        None => SettleOutcome::CreatedNoCharge { subscription_id },
    }))
}

/// Bills the price of a change.
async fn pay(work: &mut Work<'_, '_, '_>, quote: &ChangeQuote) -> Result<Billed, BillingError> {
    let (subscription, customer_no) = (&quote.subscription, quote.subscription.customer_no);
    // The invoice takes the lines of the segment. A change that is given up releases them.
    lines::close_segment(work, subscription, &quote.old).await?;
    let end = quote.outcome().current_period.map_or(quote.at, |period| period.end);
    let period = Some(Period { start: quote.at, end });
    let invoice = subscription.invoice(Reason::Change, quote.lines.clone(), period);
    let method = payments::default_of(work.tx, work.tenant, customer_no).await?;
    let (method, effect) = (method.as_ref(), Effect::ChangePlan(quote.change()));
    settlement::collect(work, customer_no, invoice, method, effect).await
}

/// Applies a change.
pub async fn apply(
    work: &mut Work<'_, '_, '_>,
    subscription: &mut Subscription,
    change: &PlanSwitch,
) -> Result<(), BillingError> {
    let old = subscriptions::plan(work.tx, work.tenant, change.old_plan_id).await?;
    let new = subscriptions::plan(work.tx, work.tenant, change.plan_id).await?;
    lines::close_segment(work, subscription, &old).await?;
    let before = subscription.clone();
    if change.restarts {
        if let Some(open) = subscription.usage_period {
            usage::period_closed(work.tx, subscription, open).await?;
        }
        restart(subscription, &new, change.at);
    }
    let was_ending = subscription.cancel_at_period_end;
    switch(subscription, &new, change.quantity);
    if !change.restarts {
        shorten_trial(subscription, &new, work.at);
    }
    subscription.updated_at = work.at;
    subscriptions::update(work.tx, work.tenant, subscription).await?;
    note_kept_on(work, was_ending, subscription).await?;
    let switched = Switched { before: &before, old: &old, new: &new, change };
    credits::plan_changed(work, subscription, switched).await?;
    if subscription.status != Status::Trialing {
        lines::one_off_billed(work.tx, subscription.customer_no, &new, work.at).await?;
    }
    let detail = json!({
        "oldPlanId": old.id, "oldQuantity": change.old_quantity,
        "planId": new.id, "quantity": change.quantity,
    });
    Ok(note(work, subscription, Action::SubscriptionChanged, detail).await?)
}

/// Moves a new period that was paid by form to its payment: nothing starts in the past. The old plan
/// was in force until then, so its time since the quote, which the form credits, waits for the next
/// invoice.
pub async fn begin_when_paid(
    work: &mut Work<'_, '_, '_>,
    subscription: &Subscription,
    change: &mut PlanSwitch,
    invoice: &mut Invoice,
) -> Result<(), BillingError> {
    let quoted_at = std::mem::replace(&mut change.at, work.at);
    if subscription.status != Status::Trialing {
        let old = subscriptions::plan(work.tx, work.tenant, change.old_plan_id).await?;
        let used = lines::used_since_quote(work, subscription, &old, quoted_at).await?;
        let (customer, currency) = (subscription.customer_no, subscription.currency);
        invoices::wait_for_next(work, customer, currency, vec![used]).await?;
    }
    let new = subscriptions::plan(work.tx, work.tenant, change.plan_id).await?;
    let period = calendar::period_from(work.at, work.at, new.billing_interval.months());
    Ok(invoice.redate(period)?)
}

/// Decides and prices a change, as of now or of its preview.
pub async fn quote(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    subscription: Subscription,
    request: &ChangeRequest,
    now: Time,
) -> Result<ChangeQuote, BillingError> {
    match subscription.status {
        Status::Canceled => return Err(BillingError::NotActive),
        Status::Pending | Status::PastDue => return Err(BillingError::Unpaid),
        Status::Trialing | Status::Active => {}
    }
    let period = subscription.current_period.ok_or(BillingError::NotActive)?;
    let at = instant(&subscription, period, request.proration_date, now)?;
    let old = subscriptions::plan(tx, tenant, subscription.plan_id).await?;
    let new = match request.plan_id.filter(|id| *id != old.id) {
        None => old.clone(),
        Some(id) => wanted(tx, tenant, request.viewer, id, &old).await?,
    };
    let quantity = request.quantity.unwrap_or(subscription.quantity);
    let trialing = subscription.status == Status::Trialing;
    let total = rating::recurring_total;
    let from = (old.billing_interval, total(&old, subscription.quantity)?);
    let to = (new.billing_interval, total(&new, quantity)?);
    let mut way = match new.id == old.id && quantity == subscription.quantity {
        true => Way::Same,
        false => choose_way(trialing, from, to),
    };
    if way == Way::Free && trialing && trial_on(&subscription, &new, at).is_none() {
        way = Way::Restarted;
    }
    let (mut lines, mut usage) = (Vec::new(), Vec::new());
    match way {
        Way::Same | Way::Deferred => {}
        Way::Free => usage = lines::usage(tx, tenant, &subscription, &old, at).await?,
        Way::Prorated => {
            usage = lines::usage(tx, tenant, &subscription, &old, at).await?;
            lines.push(lines::unused(tx, tenant, &subscription, &old, at).await?);
            lines.push(lines::remaining(&new, quantity, period, at)?);
        }
        Way::Restarted => {
            usage = lines::usage(tx, tenant, &subscription, &old, at).await?;
            if from.1 > 0 && !trialing {
                lines.push(lines::unused(tx, tenant, &subscription, &old, at).await?);
            }
            let next = calendar::period_from(at, at, new.billing_interval.months());
            lines.extend(lines::recurring(&new, quantity, next)?);
        }
    }
    // More tax may be credited than charged, also by a change to a higher price.
    let all = [usage.clone(), lines.clone()].concat();
    if invoices::is_credit(tx, tenant, subscription.customer_no, &all).await? {
        (way, lines, usage) = (Way::Deferred, Vec::new(), Vec::new());
    }
    if way.is_now() && new.id != old.id && (!trialing || way == Way::Restarted) {
        lines.extend(lines::one_off(tx, subscription.customer_no, &new).await?);
    }
    Ok(ChangeQuote { subscription, old, new, quantity, way, lines, usage, at })
}

/// Returns the instant to prorate to. The instant of a preview holds for ten minutes, within the same
/// period, until the subscription changes.
fn instant(
    subscription: &Subscription,
    period: Period,
    previewed: Option<Time>,
    now: Time,
) -> Result<Time, BillingError> {
    let Some(at) = previewed else { return Ok(now) };
    let oldest = now.plus_seconds(-QUOTE_SECONDS).max(period.start).max(subscription.updated_at);
    let holds = (oldest..=now).contains(&at) && at.0 % 1_000_000 == 0;
    holds.then_some(at).ok_or(BillingError::ProrationDate)
}

/// Reads the wanted plan, if this caller may choose it.
async fn wanted(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    viewer: Viewer,
    id: PlanId,
    old: &Plan,
) -> Result<Plan, BillingError> {
    let plan = catalog::visible_plan(tx, tenant, viewer, id).await?;
    let plan = plan.ok_or(BillingError::NotFound)?;
    if plan.status != PlanStatus::Active {
        return Err(BillingError::PlanNotAvailable);
    }
    if plan.product_id != old.product_id {
        return Err(BillingError::OtherProduct);
    }
    if plan.currency != old.currency {
        return Err(BillingError::CurrencyMismatch);
    }
    Ok(plan)
}

impl ChangeQuote {
    fn change(&self) -> PlanSwitch {
        PlanSwitch {
            subscription_id: self.subscription.id,
            old_plan_id: self.old.id,
            old_quantity: self.subscription.quantity,
            plan_id: self.new.id,
            quantity: self.quantity,
            at: self.at,
            restarts: self.way == Way::Restarted,
        }
    }

    /// Returns the subscription as the change would leave it.
    pub fn outcome(&self) -> Subscription {
        let mut subscription = self.subscription.clone();
        match self.way {
            Way::Same => subscription.scheduled = None,
            Way::Deferred => {
                let change = Scheduled { plan_id: self.new.id, quantity: self.quantity };
                subscription.scheduled = Some(change);
            }
            Way::Free | Way::Prorated => {
                switch(&mut subscription, &self.new, self.quantity);
                shorten_trial(&mut subscription, &self.new, self.at);
            }
            Way::Restarted => {
                switch(&mut subscription, &self.new, self.quantity);
                restart(&mut subscription, &self.new, self.at);
            }
        }
        if self.new.id != self.old.id {
            keep_on(&mut subscription);
        }
        subscription
    }
}

/// Undoes a scheduled cancellation. Choosing another plan does this; a quantity does not.
fn keep_on(subscription: &mut Subscription) {
    subscription.cancel_at_period_end = false;
    subscription.cancel_reason = None;
}

fn switch(subscription: &mut Subscription, plan: &Plan, quantity: i64) {
    if subscription.plan_id != plan.id {
        keep_on(subscription);
    }
    subscription.plan_id = plan.id;
    subscription.quantity = quantity;
    subscription.billing_interval = plan.billing_interval;
    subscription.scheduled = None;
}

/// Audits that a change undid a scheduled cancellation.
async fn note_kept_on(
    work: &mut Work<'_, '_, '_>,
    was_ending: bool,
    subscription: &Subscription,
) -> Result<(), DbError> {
    if !was_ending || subscription.cancel_at_period_end {
        return Ok(());
    }
    let detail = json!({ "planId": subscription.plan_id });
    note(work, subscription, Action::SubscriptionUncanceled, detail).await
}

/// Returns the trial that is left on another plan: it ends at the earlier of the two ends. `None` if
/// that plan has no trial, or one that would be over.
fn trial_on(subscription: &Subscription, plan: &Plan, at: Time) -> Option<Period> {
    let Period { start, end } = subscription.current_period?;
    let end = end.min(start.plus_days(plan.trial_days));
    (end > at).then_some(Period { start, end })
}

fn shorten_trial(subscription: &mut Subscription, plan: &Plan, at: Time) {
    if subscription.status != Status::Trialing {
        return;
    }
    if let Some(trial) = trial_on(subscription, plan, at) {
        (subscription.anchor, subscription.trial_end) = (Some(trial.end), Some(trial.end));
        (subscription.current_period, subscription.usage_period) = (Some(trial), Some(trial));
    }
}

/// Begins a new period, which ends a trial.
fn restart(subscription: &mut Subscription, plan: &Plan, at: Time) {
    subscription.status = Status::Active;
    let period = |months| Some(calendar::period_from(at, at, months));
    subscription.anchor = Some(at);
    subscription.trial_end = subscription.trial_end.map(|end| end.min(at));
    subscription.current_period = period(plan.billing_interval.months());
    subscription.usage_period = period(1);
}

#[cfg(test)]
mod tests {
    use super::*;
    use Interval::{Month, Year};

    #[test]
    fn change_timing_follows_totals_and_intervals() {
        let cases = [
            ((Month, 100), (Month, 101), Way::Prorated),
            ((Month, 100), (Month, 100), Way::Free),
            ((Month, 100), (Month, 99), Way::Deferred),
            ((Year, 100), (Year, 101), Way::Prorated),
            ((Month, 0), (Month, 0), Way::Free),
            ((Month, 0), (Month, 1), Way::Restarted),
            ((Month, 1), (Month, 0), Way::Deferred),
            ((Month, 100), (Year, 1), Way::Restarted),
            ((Month, 100), (Year, 0), Way::Deferred),
            ((Month, 0), (Year, 0), Way::Restarted),
            ((Year, 0), (Month, 1), Way::Restarted),
            ((Year, 100), (Month, 1_000), Way::Deferred),
            ((Year, 0), (Month, 0), Way::Deferred),
        ];
        for (from, to, expected) in cases {
            assert_eq!(choose_way(false, from, to), expected, "{from:?} {to:?}");
            assert_eq!(choose_way(true, from, to), Way::Free, "{from:?} {to:?}");
        }
    }
}
