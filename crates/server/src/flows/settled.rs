//! Effects of payments on subscriptions. `apply` calls these in the transaction that records a
//! result, with the customer locked. It issues the draft and marks it paid: after [`started`] and
//! [`changed`], before [`invoice_paid`].

use crate::base::SubscriptionId;
use crate::db::DbError;
use crate::flows::{cancel, create, dunning, switch};
use crate::invoices::Invoice;
use crate::subscriptions::{self, PlanSwitch, SubscriptionStatus};
use crate::work::{BillingError, Work};
use crate::{coupons, credits};

/// Starts the subscription whose first invoice is paid. Returns `false` if it no longer waits for
/// the payment, so that the money is refunded.
pub async fn started(
    work: &mut Work<'_, '_, '_>,
    id: SubscriptionId,
    invoice: &mut Invoice,
) -> Result<bool, BillingError> {
    let Some(mut subscription) = subscriptions::get(work.tx, work.tenant, id).await? else {
        return Ok(false);
    };
    if subscription.status != SubscriptionStatus::Pending {
        return Ok(false);
    }
    let plan = subscriptions::plan(work.tx, work.tenant, subscription.plan_id).await?;
    if !create::may_pay_in(work.tx, work.tenant, subscription.customer_no, plan.currency).await? {
        // The customer bought something in another currency meanwhile.
        return Ok(false);
    }
    // The draft is as old as the form; the period that it pays for begins now.
    invoice.redate(create::begin(&mut subscription, &plan, work.at)?)?;
    subscriptions::update(work.tx, work.tenant, &subscription).await?;
    create::start(work, &subscription, &plan, true).await?;
    Ok(true)
}

/// Deletes the pending subscription whose first charge was declined. The caller deletes the draft.
pub async fn not_started(work: &mut Work<'_, '_, '_>, id: SubscriptionId) -> Result<(), DbError> {
    let pending = subscriptions::get(work.tx, work.tenant, id).await?;
    let pending = pending.filter(|found| found.status == SubscriptionStatus::Pending);
    if let Some((customer, held)) = pending.and_then(|one| Some((one.customer_id, one.discount?))) {
        coupons::release(work, customer, &held).await?;
    }
    subscriptions::delete_pending(work.tx, work.tenant, id).await
}

/// Ends the pending subscription whose form expired. The caller deletes the draft.
pub async fn expired(work: &mut Work<'_, '_, '_>, id: SubscriptionId) -> Result<(), BillingError> {
    match subscriptions::get(work.tx, work.tenant, id).await? {
        Some(mut pending) if pending.status == SubscriptionStatus::Pending => {
            cancel::give_up(work, &mut pending).await
        }
        Some(_) | None => Ok(()),
    }
}

/// Applies a paid change, as of the instant that it was prorated to. The old plan was in force
/// until now, so usage since the quote is a segment of its own. A new period that was paid by form
/// begins now. Returns `false` if the subscription no longer matches the quote, so that the payment is
/// refunded.
pub async fn changed(
    work: &mut Work<'_, '_, '_>,
    change: &PlanSwitch,
    invoice: &mut Invoice,
    by_form: bool,
) -> Result<bool, BillingError> {
    let found = subscriptions::get(work.tx, work.tenant, change.subscription_id).await?;
    let Some(mut subscription) = found.filter(|found| change.fits(found)) else {
        return Ok(false);
    };
    let mut change = change.clone();
    if change.restarts && by_form {
        switch::begin_when_paid(work, &subscription, &mut change, invoice).await?;
    }
    switch::apply(work, &mut subscription, &change).await?;
    Ok(true)
}

/// Records that an invoice of a subscription was paid in full or voided. The subscription recovers if
/// nothing else is overdue, and the credits that waited for the payment are granted.
pub async fn invoice_paid(
    work: &mut Work<'_, '_, '_>,
    id: SubscriptionId,
) -> Result<(), BillingError> {
    let found = subscriptions::get(work.tx, work.tenant, id).await?;
    let Some(mut subscription) = found else { return Ok(()) };
    dunning::paid(work, &mut subscription).await?;
    if subscription.status.gives_access() {
        let plan = subscriptions::plan(work.tx, work.tenant, subscription.plan_id).await?;
        credits::open_windows(work, &subscription, &plan).await?;
    }
    Ok(())
}

/// Records that an automatic charge failed: of a renewal, of usage or a retry.
pub async fn invoice_declined(
    work: &mut Work<'_, '_, '_>,
    id: SubscriptionId,
    invoice: &mut Invoice,
) -> Result<(), BillingError> {
    match subscriptions::get(work.tx, work.tenant, id).await? {
        Some(mut subscription) => dunning::failed(work, &mut subscription, invoice).await,
        None => Ok(()),
    }
}
