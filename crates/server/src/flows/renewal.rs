//! The end of a period: usage is rated, the next period is billed and opened.
//!
//! Each runs in one transaction as of the period's end, and leaves at most one payment attempt to be
//! carried out. A second run finds the period closed.

use crate::audit::Action;
use crate::base::PaymentAttemptId;
use crate::db::DbError;
use crate::flows::dunning::bill;
use crate::flows::{cancel, lines};
use crate::invoices::InvoiceReason;
use crate::subscriptions::{self, Subscription, SubscriptionStatus, calendar, note};
use crate::work::{BillingError, Work};
use crate::{credits, usage};
use serde_json::json;

/// Ends a usage month within a longer period. It has an invoice of its own.
pub async fn usage_month(
    work: &mut Work<'_, '_, '_>,
    subscription: &mut Subscription,
) -> Result<Option<PaymentAttemptId>, BillingError> {
    let plan = subscriptions::plan(work.tx, work.tenant, subscription.plan_id).await?;
    let lines = lines::usage(work.tx, work.tenant, subscription, &plan, work.at).await?;
    let invoice = subscription.invoice(InvoiceReason::Usage, lines, subscription.usage_period);
    open_usage_month(work, subscription).await?;
    subscription.attention = None;
    subscriptions::update(work.tx, work.tenant, subscription).await?;
    let (action, detail) = (Action::SubscriptionUsageMonthEnded, json!({ "end": work.at }));
    note(work, subscription, action, detail).await?;
    let attempt = bill(work, subscription.customer_no, invoice).await?;
    credits::open_windows(work, subscription, &plan).await?;
    Ok(attempt)
}

/// Ends the period. The subscription ends with it if a cancellation was scheduled; otherwise the next
/// period begins, on the scheduled plan if there is one. Usage in a trial is not billed.
pub async fn period_end(
    work: &mut Work<'_, '_, '_>,
    subscription: &mut Subscription,
) -> Result<Option<PaymentAttemptId>, BillingError> {
    if subscription.cancel_at_period_end {
        return cancel::end(work, subscription).await;
    }
    let old = subscriptions::plan(work.tx, work.tenant, subscription.plan_id).await?;
    let mut lines = lines::usage(work.tx, work.tenant, subscription, &old, work.at).await?;
    let plan = match subscription.scheduled.take() {
        None => old.clone(),
        Some(change) => {
            subscription.quantity = change.quantity;
            subscriptions::plan(work.tx, work.tenant, change.plan_id).await?
        }
    };
    subscription.plan_id = plan.id;
    subscription.billing_interval = plan.billing_interval;
    let anchor = subscription.anchor.unwrap_or(work.at);
    let period = calendar::period_from(anchor, work.at, plan.billing_interval.months());
    let discount = subscription.discount.as_ref();
    lines.extend(lines::recurring(&plan, subscription.quantity, period, discount)?);
    subscription.begin_priced(&plan)?;
    lines.extend(lines::one_off(work.tx, subscription.customer_no, &plan).await?);
    lines::one_off_billed(work.tx, subscription.customer_no, &plan, work.at).await?;
    if subscription.status == SubscriptionStatus::Trialing {
        subscription.status = SubscriptionStatus::Active;
    }
    subscription.current_period = Some(period);
    subscription.updated_at = work.at;
    open_usage_month(work, subscription).await?;
    subscription.attention = None;
    subscriptions::update(work.tx, work.tenant, subscription).await?;
    let detail = json!({ "planId": plan.id, "periodStart": period.start });
    note(work, subscription, Action::SubscriptionRenewed, detail).await?;
    let invoice = subscription.invoice(InvoiceReason::Renewal, lines, Some(period));
    let attempt = bill(work, subscription.customer_no, invoice).await?;
    // After the invoice, which credits may wait for.
    credits::open_windows(work, subscription, &plan).await?;
    Ok(attempt)
}

/// Closes the usage period and opens the next month.
async fn open_usage_month(
    work: &mut Work<'_, '_, '_>,
    subscription: &mut Subscription,
) -> Result<(), DbError> {
    if let Some(open) = subscription.usage_period {
        usage::period_closed(work.tx, subscription, open).await?;
    }
    let month = calendar::period_from(subscription.anchor.unwrap_or(work.at), work.at, 1);
    subscription.usage_period = Some(month);
    Ok(())
}
