//! What the end of a period brings: usage is rated, the next period is billed and opened.
//!
//! Each runs in one transaction as of the period's own end, and leaves at most one payment attempt
//! to be carried out. Whoever comes second finds the period closed.

use crate::audit::Action;
use crate::base::{PaymentAttemptId, Time};
use crate::catalog::{Cadence, Plan};
use crate::db::{DbError, Tx};
use crate::flows::dunning::bill;
use crate::flows::{cancel, lines};
use crate::invoices::Reason;
use crate::organizations::Tenant;
use crate::subscriptions::{self, Status, Subscription, calendar, note};
use crate::work::{BillingError, By};
use crate::{credits, usage};
use serde_json::json;

/// Ends a usage month within a longer period: it is invoiced by itself.
pub async fn usage_month(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    subscription: &mut Subscription,
    at: Time,
    by: &By,
) -> Result<Option<PaymentAttemptId>, BillingError> {
    let plan = subscriptions::plan(tx, tenant, subscription.plan_id).await?;
    let lines = lines::usage(tx, tenant, subscription, &plan, at).await?;
    let invoice = subscription.invoice(Reason::Usage, lines, subscription.usage_period);
    open_usage_month(tx, tenant, subscription, &plan, at, by).await?;
    subscriptions::update(tx, tenant, subscription).await?;
    let (action, detail) = (Action::SubscriptionUsageMonthEnded, json!({ "end": at }));
    note(tx, tenant, subscription, action, detail, by).await?;
    bill(tx, tenant, subscription.customer_no, invoice, at, by).await
}

/// Ends the period: the subscription with it where that was asked for, else the next one begins, on
/// the plan that was scheduled for it. Of a trial's usage nothing is billed.
pub async fn period_end(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    subscription: &mut Subscription,
    at: Time,
    by: &By,
) -> Result<Option<PaymentAttemptId>, BillingError> {
    if subscription.cancel_at_period_end {
        return cancel::end(tx, tenant, subscription, at, by).await;
    }
    let old = subscriptions::plan(tx, tenant, subscription.plan_id).await?;
    let mut lines = lines::usage(tx, tenant, subscription, &old, at).await?;
    let plan = match subscription.scheduled.take() {
        None => old.clone(),
        Some((plan_id, quantity)) => {
            subscription.quantity = quantity;
            subscriptions::plan(tx, tenant, plan_id).await?
        }
    };
    subscription.plan_id = plan.id;
    subscription.billing_interval = plan.billing_interval;
    let anchor = subscription.anchor.unwrap_or(at);
    let period = calendar::period_from(anchor, at, plan.billing_interval.months());
    lines.extend(lines::recurring(&plan, subscription.quantity, period)?);
    if subscription.status == Status::Trialing {
        lines.extend(lines::one_off(&plan));
        subscription.status = Status::Active;
    }
    subscription.current_period = Some(period);
    subscription.updated_at = at;
    open_usage_month(tx, tenant, subscription, &plan, at, by).await?;
    let cadence = Cadence::Period;
    credits::period_renewed(tx, tenant, subscription, &plan, period, cadence, at, &by.ids).await?;
    subscriptions::update(tx, tenant, subscription).await?;
    let detail = json!({ "planId": plan.id, "periodStart": period.start });
    note(tx, tenant, subscription, Action::SubscriptionRenewed, detail, by).await?;
    let invoice = subscription.invoice(Reason::Renewal, lines, Some(period));
    bill(tx, tenant, subscription.customer_no, invoice, at, by).await
}

/// Closes the usage period and opens the next month.
async fn open_usage_month(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    subscription: &mut Subscription,
    plan: &Plan,
    at: Time,
    by: &By,
) -> Result<(), DbError> {
    if let Some(open) = subscription.usage_period {
        usage::period_closed(tx, subscription, open).await?;
    }
    let month = calendar::period_from(subscription.anchor.unwrap_or(at), at, 1);
    subscription.usage_period = Some(month);
    let cadence = Cadence::Month;
    credits::period_renewed(tx, tenant, subscription, plan, month, cadence, at, &by.ids).await
}
