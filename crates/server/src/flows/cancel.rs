//! Cancel: at the period's end, which may be undone until then, or now. Nothing is refunded; what
//! was used and not yet billed is invoiced when the subscription ends.

use crate::audit::Action;
use crate::base::{PaymentAttemptId, Period, Time};
use crate::db::{DbError, Tx};
use crate::flows::dunning::bill;
use crate::flows::lines;
use crate::invoices::Reason;
use crate::organizations::Tenant;
use crate::subscriptions::{self, Status, Subscription, note};
use crate::work::{BillingError, By};
use crate::{credits, settlement, usage};
use serde_json::json;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelMode {
    PeriodEnd,
    Now,
}

impl CancelMode {
    pub const ALL: [Self; 2] = [Self::PeriodEnd, Self::Now];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PeriodEnd => "period_end",
            Self::Now => "now",
        }
    }
}

/// Cancels a live subscription; the attempt is to be carried out.
pub async fn cancel(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    subscription: &mut Subscription,
    mode: CancelMode,
    reason: Option<String>,
    at: Time,
    by: &By,
) -> Result<Option<PaymentAttemptId>, BillingError> {
    if reason.is_some() {
        subscription.cancel_reason = reason;
    }
    match (subscription.status, mode) {
        (Status::Canceled, _) => Err(BillingError::NotActive),
        // One that waits for its form has no period yet.
        (Status::Pending, _) => {
            give_up(tx, tenant, subscription, at, by).await?;
            Ok(None)
        }
        (Status::Trialing | Status::Active | Status::PastDue, CancelMode::Now) => {
            end(tx, tenant, subscription, at, by).await
        }
        (Status::Trialing | Status::Active | Status::PastDue, CancelMode::PeriodEnd) => {
            // Paid later, the form of a change would undo this.
            settlement::close_form_of_subscription(tx, tenant, subscription, by).await?;
            subscription.cancel_at_period_end = true;
            subscription.scheduled = None;
            subscription.updated_at = at;
            subscriptions::update(tx, tenant, subscription).await?;
            let action = Action::SubscriptionCancelScheduled;
            let detail = json!({ "reason": subscription.cancel_reason });
            note(tx, tenant, subscription, action, detail, by).await?;
            Ok(None)
        }
    }
}

/// Undoes a cancellation that has not come into force.
pub async fn uncancel(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    subscription: &mut Subscription,
    at: Time,
    by: &By,
) -> Result<(), BillingError> {
    if subscription.status == Status::Canceled {
        return Err(BillingError::NotActive);
    }
    if !subscription.cancel_at_period_end {
        return Ok(());
    }
    subscription.cancel_at_period_end = false;
    subscription.cancel_reason = None;
    subscription.updated_at = at;
    subscriptions::update(tx, tenant, subscription).await?;
    let action = Action::SubscriptionUncanceled;
    Ok(note(tx, tenant, subscription, action, json!({}), by).await?)
}

/// Ends a subscription now and bills what it used.
pub async fn end(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    subscription: &mut Subscription,
    at: Time,
    by: &By,
) -> Result<Option<PaymentAttemptId>, BillingError> {
    let plan = subscriptions::plan(tx, tenant, subscription.plan_id).await?;
    let lines = lines::usage(tx, tenant, subscription, &plan, at).await?;
    let period = subscription.usage_period.map(|open| Period { end: at, ..open });
    let invoice = subscription.invoice(Reason::Usage, lines, period);
    stop(tx, tenant, subscription, at, by).await?;
    bill(tx, tenant, subscription.customer_no, invoice, at, by).await
}

/// Ends a subscription now and bills nothing.
async fn stop(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    subscription: &mut Subscription,
    at: Time,
    by: &By,
) -> Result<(), DbError> {
    if let Some(open) = subscription.usage_period {
        // The counts stay: until the window ends, a customer who comes back goes on with them.
        usage::segment_closed(tx, subscription, open, at).await?;
        credits::subscription_ended(tx, tenant, subscription, at, &by.ids).await?;
    }
    subscription.status = Status::Canceled;
    subscription.scheduled = None;
    subscription.dunning_next_at = None;
    subscription.canceled_at = Some(at);
    subscription.updated_at = at;
    subscriptions::update(tx, tenant, subscription).await?;
    let detail = json!({ "reason": subscription.cancel_reason });
    note(tx, tenant, subscription, Action::SubscriptionCanceled, detail, by).await
}

/// Gives up a subscription that waits for its first payment, with the form and the draft.
pub async fn give_up(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    pending: &mut Subscription,
    at: Time,
    by: &By,
) -> Result<(), BillingError> {
    settlement::close_form_of_subscription(tx, tenant, pending, by).await?;
    Ok(stop(tx, tenant, pending, at, by).await?)
}

/// Ends a subscription whose first payment did not come in time. What may have been charged by now
/// is told later, and goes back.
pub async fn expire(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    pending: &mut Subscription,
    at: Time,
    by: &By,
) -> Result<(), BillingError> {
    match settlement::close_form_of_subscription(tx, tenant, pending, by).await {
        Ok(()) | Err(BillingError::InProgress) => Ok(stop(tx, tenant, pending, at, by).await?),
        Err(error) => Err(error),
    }
}

/// Ends every subscription of a customer that is archived, and charges nothing more.
pub async fn end_all_of_customer(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    at: Time,
    by: &By,
) -> Result<(), DbError> {
    settlement::abandon_all_of_customer(tx, tenant, customer_no, by).await?;
    for mut subscription in subscriptions::live_of_customer(tx, tenant, customer_no).await? {
        stop(tx, tenant, &mut subscription, at, by).await?;
    }
    Ok(())
}
