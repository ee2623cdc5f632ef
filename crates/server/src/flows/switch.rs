//! Switch: brings a change into force, at once or when it is paid.

use crate::audit::Action;
use crate::base::{Period, Time};
use crate::catalog::Plan;
use crate::credits::Switched;
use crate::db::DbError;
use crate::flows::lines;
use crate::invoices::Invoice;
use crate::subscriptions::{self, PlanSwitch, Subscription, SubscriptionStatus, calendar, note};
use crate::work::{BillingError, Work};
use crate::{coupons, credits, invoices, usage};
use serde_json::json;

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
    (subscription.discount, subscription.period_discount) =
        (change.discount.clone(), change.period_discount.clone());
    if let Some(discount) = &subscription.discount {
        coupons::settle(work, discount).await?;
    }
    if !change.restarts {
        shorten_trial(subscription, &new, work.at);
    }
    subscription.updated_at = work.at;
    subscriptions::update(work.tx, work.tenant, subscription).await?;
    note_kept_on(work, was_ending, subscription).await?;
    let switched = Switched { before: &before, old: &old, new: &new, change };
    credits::plan_changed(work, subscription, switched).await?;
    if subscription.status != SubscriptionStatus::Trialing {
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
    if subscription.status != SubscriptionStatus::Trialing {
        let old = subscriptions::plan(work.tx, work.tenant, change.old_plan_id).await?;
        let used = lines::used_since_quote(work, subscription, &old, quoted_at).await?;
        let (customer, currency) = (subscription.customer_no, subscription.currency);
        invoices::wait_for_next(work, customer, currency, vec![used]).await?;
    }
    let new = subscriptions::plan(work.tx, work.tenant, change.plan_id).await?;
    let period = calendar::period_from(work.at, work.at, new.billing_interval.months());
    Ok(invoice.redate(period)?)
}

/// Undoes a scheduled cancellation. Choosing another plan does this; a quantity does not.
pub fn keep_on(subscription: &mut Subscription) {
    subscription.cancel_at_period_end = false;
    subscription.cancel_reason = None;
}

pub fn switch(subscription: &mut Subscription, plan: &Plan, quantity: i64) {
    if subscription.plan_id != plan.id {
        keep_on(subscription);
    }
    subscription.plan_id = plan.id;
    subscription.quantity = quantity;
    subscription.billing_interval = plan.billing_interval;
    subscription.scheduled = None;
}

/// Audits that a change undid a scheduled cancellation.
pub async fn note_kept_on(
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
pub fn trial_on(subscription: &Subscription, plan: &Plan, at: Time) -> Option<Period> {
    let Period { start, end } = subscription.current_period?;
    let end = end.min(start.plus_days(plan.trial_days));
    (end > at).then_some(Period { start, end })
}

pub fn shorten_trial(subscription: &mut Subscription, plan: &Plan, at: Time) {
    if subscription.status != SubscriptionStatus::Trialing {
        return;
    }
    if let Some(trial) = trial_on(subscription, plan, at) {
        (subscription.anchor, subscription.trial_end) = (Some(trial.end), Some(trial.end));
        (subscription.current_period, subscription.usage_period) = (Some(trial), Some(trial));
    }
}

/// Begins a new period, which ends a trial.
pub fn restart(subscription: &mut Subscription, plan: &Plan, at: Time) {
    subscription.status = SubscriptionStatus::Active;
    let period = |months| Some(calendar::period_from(at, at, months));
    subscription.anchor = Some(at);
    subscription.trial_end = subscription.trial_end.map(|end| end.min(at));
    subscription.current_period = period(plan.billing_interval.months());
    subscription.usage_period = period(1);
}
