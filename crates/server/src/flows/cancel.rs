//! Cancel: at the period's end, which may be undone until then, or now. Nothing is refunded; what
//! was used and not yet billed is invoiced when the subscription ends.

use crate::audit::Action;
use crate::base::{PaymentAttemptId, Period};
use crate::db::DbError;
use crate::flows::dunning::bill;
use crate::flows::lines;
use crate::invoices::Reason;
use crate::subscriptions::{self, Status, Subscription, note};
use crate::work::{BillingError, Work};
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
    work: &mut Work<'_, '_, '_>,
    subscription: &mut Subscription,
    mode: CancelMode,
    reason: Option<String>,
) -> Result<Option<PaymentAttemptId>, BillingError> {
    if reason.is_some() {
        subscription.cancel_reason = reason;
    }
    match (subscription.status, mode) {
        (Status::Canceled, _) => Err(BillingError::NotActive),
        // One that waits for its form has no period yet.
        (Status::Pending, _) => {
            give_up(work, subscription).await?;
            Ok(None)
        }
        (Status::Trialing | Status::Active | Status::PastDue, CancelMode::Now) => {
            end(work, subscription).await
        }
        (Status::Trialing | Status::Active | Status::PastDue, CancelMode::PeriodEnd) => {
            // Paid later, the form of a change would undo this.
            settlement::close_form_of_subscription(work, subscription).await?;
            subscription.cancel_at_period_end = true;
            subscription.scheduled = None;
            subscription.updated_at = work.at;
            subscriptions::update(work.tx, work.tenant, subscription).await?;
            let action = Action::SubscriptionCancelScheduled;
            let detail = json!({ "reason": subscription.cancel_reason });
            note(work, subscription, action, detail).await?;
            Ok(None)
        }
    }
}

/// Undoes a cancellation that has not come into force.
pub async fn uncancel(
    work: &mut Work<'_, '_, '_>,
    subscription: &mut Subscription,
) -> Result<(), BillingError> {
    if subscription.status == Status::Canceled {
        return Err(BillingError::NotActive);
    }
    if !subscription.cancel_at_period_end {
        return Ok(());
    }
    subscription.cancel_at_period_end = false;
    subscription.cancel_reason = None;
    subscription.updated_at = work.at;
    subscriptions::update(work.tx, work.tenant, subscription).await?;
    let action = Action::SubscriptionUncanceled;
    Ok(note(work, subscription, action, json!({})).await?)
}

/// Ends a subscription now and bills what it used.
pub async fn end(
    work: &mut Work<'_, '_, '_>,
    subscription: &mut Subscription,
) -> Result<Option<PaymentAttemptId>, BillingError> {
    let plan = subscriptions::plan(work.tx, work.tenant, subscription.plan_id).await?;
    let lines = lines::usage(work.tx, work.tenant, subscription, &plan, work.at).await?;
    let period = subscription.usage_period.map(|open| Period { end: work.at, ..open });
    let invoice = subscription.invoice(Reason::Usage, lines, period);
    stop(work, subscription).await?;
    bill(work, subscription.customer_no, invoice).await
}

/// Ends a subscription now and bills nothing.
async fn stop(work: &mut Work<'_, '_, '_>, subscription: &mut Subscription) -> Result<(), DbError> {
    if let Some(open) = subscription.usage_period {
        // The counts stay: until the window ends, a customer who comes back goes on with them.
        usage::segment_closed(work.tx, subscription, open, work.at).await?;
        credits::subscription_ended(work, subscription).await?;
    }
    subscription.status = Status::Canceled;
    subscription.scheduled = None;
    subscription.dunning_next_at = None;
    subscription.canceled_at = Some(work.at);
    subscription.updated_at = work.at;
    subscriptions::update(work.tx, work.tenant, subscription).await?;
    let detail = json!({ "reason": subscription.cancel_reason });
    note(work, subscription, Action::SubscriptionCanceled, detail).await
}

/// Gives up a subscription that waits for its first payment, with the form and the draft.
pub async fn give_up(
    work: &mut Work<'_, '_, '_>,
    pending: &mut Subscription,
) -> Result<(), BillingError> {
    settlement::close_form_of_subscription(work, pending).await?;
    Ok(stop(work, pending).await?)
}

/// Ends a subscription whose first payment did not come in time. What may have been charged by now
/// is told later, and goes back.
pub async fn expire(
    work: &mut Work<'_, '_, '_>,
    pending: &mut Subscription,
) -> Result<(), BillingError> {
    match settlement::close_form_of_subscription(work, pending).await {
        Ok(()) | Err(BillingError::InProgress) => Ok(stop(work, pending).await?),
        Err(error) => Err(error),
    }
}

/// Ends every subscription of a customer that is archived, and charges nothing more.
pub async fn end_all_of_customer(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
) -> Result<(), DbError> {
    settlement::abandon_all_of_customer(work, customer_no).await?;
    for mut subscription in
        subscriptions::live_of_customer(work.tx, work.tenant, customer_no).await?
    {
        stop(work, &mut subscription).await?;
    }
    Ok(())
}
