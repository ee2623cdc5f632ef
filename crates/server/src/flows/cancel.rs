//! Cancel: at the period's end, which may be undone until then, or now. Nothing is refunded. Usage
//! that is not billed yet is invoiced after the subscription has ended, once late events had
//! `billing.usage_grace_seconds` to arrive.

use crate::audit::Action;
use crate::base::words::words;
use crate::base::{PaymentAttemptId, Period, Time};
use crate::catalog::Plan;
use crate::db::DbError;
use crate::flows::dunning::bill;
use crate::flows::lines;
use crate::invoices::{self, InvoiceReason, Line};
use crate::subscriptions::{self, Attention, Subscription, SubscriptionStatus, note};
use crate::work::{BillingError, Work};
use crate::{coupons, credits, customers, settlement, usage};
use serde_json::json;

/// The wait of the last usage invoice for the end of an open form, before it looks again.
const DRAFT_WAIT_SECONDS: i64 = 3_600;

words! {
    CancelMode {
        PeriodEnd = "period_end",
        Now = "now",
    }
}

/// Cancels a live subscription. The caller carries out the returned attempt.
pub async fn cancel(
    work: &mut Work<'_, '_, '_>,
    subscription: &mut Subscription,
    mode: CancelMode,
    reason: Option<String>,
) -> Result<Option<PaymentAttemptId>, BillingError> {
    let before = (subscription.cancel_at_period_end, subscription.cancel_reason.clone());
    if reason.is_some() {
        subscription.cancel_reason = reason;
    }
    match (subscription.status, mode) {
        (SubscriptionStatus::Canceled, _) => Err(BillingError::NotActive),
        // A pending subscription has no period yet.
        (SubscriptionStatus::Pending, _) => {
            give_up(work, subscription).await?;
            Ok(None)
        }
        (
            SubscriptionStatus::Trialing | SubscriptionStatus::Active | SubscriptionStatus::PastDue,
            CancelMode::Now,
        ) => {
            settlement::close_form_of_subscription(work, subscription).await?;
            end(work, subscription).await
        }
        (
            SubscriptionStatus::Trialing | SubscriptionStatus::Active | SubscriptionStatus::PastDue,
            CancelMode::PeriodEnd,
        ) => {
            // A change that is paid later would undo the cancellation.
            settlement::close_form_of_subscription(work, subscription).await?;
            subscription.cancel_at_period_end = true;
            let had_change = subscription.scheduled.take().is_some();
            if !had_change && before == (true, subscription.cancel_reason.clone()) {
                return Ok(None);
            }
            subscription.updated_at = work.at;
            subscriptions::update(work.tx, work.tenant, subscription).await?;
            let action = Action::SubscriptionCancelScheduled;
            let detail = json!({ "reason": subscription.cancel_reason });
            note(work, subscription, action, detail).await?;
            Ok(None)
        }
    }
}

/// Undoes a scheduled cancellation.
pub async fn uncancel(
    work: &mut Work<'_, '_, '_>,
    subscription: &mut Subscription,
) -> Result<(), BillingError> {
    if subscription.status == SubscriptionStatus::Canceled {
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

/// Ends a subscription now. Its usage is billed once late events had their time to arrive, or now if
/// there is nothing to wait for.
pub async fn end(
    work: &mut Work<'_, '_, '_>,
    subscription: &mut Subscription,
) -> Result<Option<PaymentAttemptId>, BillingError> {
    close_form(work, subscription).await?;
    let plan = subscriptions::plan(work.tx, work.tenant, subscription.plan_id).await?;
    let measured = subscription.status != SubscriptionStatus::Trialing && plan.charges_for_usage();
    if measured && work.by.usage_grace_seconds > 0 {
        subscription.usage_grace_until = Some(work.at.plus_seconds(work.by.usage_grace_seconds));
        stop(work, subscription).await?;
        return Ok(None);
    }
    let lines = last_usage(work, subscription, &plan, work.at).await?;
    stop(work, subscription).await?;
    bill_last(work, subscription, lines).await
}

/// Closes the form of a change, which frees the lines that its draft took in. A charge that is under
/// way finds the subscription canceled and is refunded.
async fn close_form(
    work: &mut Work<'_, '_, '_>,
    subscription: &Subscription,
) -> Result<(), BillingError> {
    match settlement::close_form_of_subscription(work, subscription).await {
        Ok(()) | Err(BillingError::InProgress) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Bills the usage of a subscription whose grace is over. Waits while the draft of an open form holds
/// lines of the customer: the form may be given up, and no other invoice may follow.
pub async fn grace_over(
    work: &mut Work<'_, '_, '_>,
    subscription: &mut Subscription,
) -> Result<Option<PaymentAttemptId>, BillingError> {
    if invoices::draft_holds_lines(work.tx, work.tenant, subscription.customer_no).await? {
        subscription.usage_grace_until = Some(work.at.plus_seconds(DRAFT_WAIT_SECONDS));
        subscriptions::update(work.tx, work.tenant, subscription).await?;
        return Ok(None);
    }
    let plan = subscriptions::plan(work.tx, work.tenant, subscription.plan_id).await?;
    let end = subscription.canceled_at.unwrap_or(work.at);
    let lines = last_usage(work, subscription, &plan, end).await?;
    if let Some(open) = subscription.usage_period {
        usage::segment_closed(work.tx, subscription, open, end).await?;
    }
    subscription.usage_grace_until = None;
    subscriptions::update(work.tx, work.tenant, subscription).await?;
    let customer = customers::by_no(work.tx, work.tenant, subscription.customer_no).await?;
    if customer.is_none_or(|customer| customer.archived_at.is_some()) {
        return Ok(None);
    }
    bill_last(work, subscription, lines).await
}

/// Rates the last usage of a subscription. Usage beyond the range of amounts is not billed: the
/// subscription ends nevertheless, and needs attention.
async fn last_usage(
    work: &mut Work<'_, '_, '_>,
    subscription: &mut Subscription,
    plan: &Plan,
    end: Time,
) -> Result<Vec<Line>, BillingError> {
    let (customer, currency) = (subscription.customer_no, subscription.currency);
    let waiting = invoices::waiting(work.tx, work.tenant, customer, currency).await?;
    let rated = lines::usage(work.tx, work.tenant, subscription, plan, end).await;
    let priced = match rated {
        Ok(lines) => {
            let all = invoices::with_waiting(lines.clone(), waiting);
            invoices::price(work.tx, work.tenant, customer, &all).await.map(|_| lines)
        }
        Err(error) => Err(error),
    };
    match priced {
        Err(BillingError::OutOfRange) => {
            let why = Attention::AmountOutOfRange;
            subscriptions::needs_attention(work, subscription, why).await?;
            Ok(Vec::new())
        }
        priced => priced,
    }
}

/// Issues the last usage invoice of a subscription, with whatever waits for one.
async fn bill_last(
    work: &mut Work<'_, '_, '_>,
    subscription: &Subscription,
    lines: Vec<Line>,
) -> Result<Option<PaymentAttemptId>, BillingError> {
    let end = subscription.canceled_at.unwrap_or(work.at);
    let period = subscription.usage_period.map(|open| Period { end, ..open });
    let invoice = subscription.invoice(InvoiceReason::Usage, lines, period);
    bill(work, subscription.customer_no, invoice).await
}

/// Ends a subscription now and bills nothing.
async fn stop(work: &mut Work<'_, '_, '_>, subscription: &mut Subscription) -> Result<(), DbError> {
    if subscription.status == SubscriptionStatus::Pending
        && let Some(held) = subscription.discount.take()
    {
        coupons::release(work, subscription.customer_id, &held).await?;
    }
    if let Some(open) = subscription.usage_period {
        // The aggregates stay, so that a customer who returns before the window's end continues
        // counting.
        if subscription.usage_grace_until.is_none() {
            usage::segment_closed(work.tx, subscription, open, work.at).await?;
        }
        credits::subscription_ended(work, subscription).await?;
    }
    subscription.status = SubscriptionStatus::Canceled;
    subscription.scheduled = None;
    subscription.dunning_next_at = None;
    subscription.canceled_at = Some(work.at);
    subscription.updated_at = work.at;
    subscriptions::update(work.tx, work.tenant, subscription).await?;
    let detail = json!({ "reason": subscription.cancel_reason });
    note(work, subscription, Action::SubscriptionCanceled, detail).await
}

/// Closes a pending subscription with its form and draft.
pub async fn give_up(
    work: &mut Work<'_, '_, '_>,
    pending: &mut Subscription,
) -> Result<(), BillingError> {
    settlement::close_form_of_subscription(work, pending).await?;
    Ok(stop(work, pending).await?)
}

/// Ends a subscription whose first payment did not come in time. A charge whose result is not known
/// yet is refunded when it turns out to have succeeded.
pub async fn expire(
    work: &mut Work<'_, '_, '_>,
    pending: &mut Subscription,
) -> Result<(), BillingError> {
    close_form(work, pending).await?;
    Ok(stop(work, pending).await?)
}

/// Ends every subscription of an archived customer. Nothing more is charged.
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
