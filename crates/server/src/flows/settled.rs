//! What payments bring about. `settlement` calls these in the transaction that records a result,
//! behind the customer's lock. It issues a draft and marks it paid itself: after [`started`] and
//! [`changed`], before [`invoice_paid`].

use crate::base::SubscriptionId;
use crate::customers::billing;
use crate::db::{DbError, Tx};
use crate::flows::{cancel, change, create, dunning};
use crate::invoices::Invoice;
use crate::organizations::Tenant;
use crate::subscriptions::{self, PlanChange, Status};
use crate::work::{BillingError, Work};

/// The first invoice is paid: the subscription starts now. `false` where it no longer waits for
/// that, and the money is to go back.
pub async fn started(
    work: &mut Work<'_, '_, '_>,
    id: SubscriptionId,
    invoice: &mut Invoice,
) -> Result<bool, BillingError> {
    let Some(mut subscription) = subscriptions::get(work.tx, work.tenant, id).await? else {
        return Ok(false);
    };
    if subscription.status != Status::Pending {
        return Ok(false);
    }
    let plan = subscriptions::plan(work.tx, work.tenant, subscription.plan_id).await?;
    let profile = billing::get(work.tx, work.tenant, subscription.customer_no).await?;
    if profile.currency.is_some_and(|currency| currency != plan.currency) {
        // Something else was bought meanwhile, in another currency.
        return Ok(false);
    }
    // It was drafted when the form was opened; what is paid for begins now.
    invoice.redate(create::begin(&mut subscription, &plan, work.at))?;
    subscriptions::update(work.tx, work.tenant, &subscription).await?;
    create::start(work, &subscription, &plan, true).await?;
    Ok(true)
}

/// The first charge was declined: it is as though nobody had asked. The draft is the caller's.
pub async fn not_started(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: SubscriptionId,
) -> Result<(), DbError> {
    subscriptions::delete_pending(tx, tenant, id).await
}

/// Nobody filled in the form of the first payment in time. The draft is the caller's.
pub async fn expired(work: &mut Work<'_, '_, '_>, id: SubscriptionId) -> Result<(), BillingError> {
    match subscriptions::get(work.tx, work.tenant, id).await? {
        Some(mut pending) if pending.status == Status::Pending => {
            cancel::give_up(work, &mut pending).await
        }
        Some(_) | None => Ok(()),
    }
}

/// Brings a paid change into force, as of the instant that it was prorated to. The old plan was in
/// force until now: what was used since the quote is a segment of its own. Returns `false` if the
/// subscription is not what the change was quoted for, so that the money is refunded.
pub async fn changed(
    work: &mut Work<'_, '_, '_>,
    change: &PlanChange,
) -> Result<bool, BillingError> {
    let found = subscriptions::get(work.tx, work.tenant, change.subscription_id).await?;
    let Some(mut subscription) = found.filter(|found| change.fits(found)) else {
        return Ok(false);
    };
    change::apply(work, &mut subscription, change).await?;
    Ok(true)
}

/// An invoice of a subscription was paid in full, or voided.
pub async fn invoice_paid(
    work: &mut Work<'_, '_, '_>,
    id: SubscriptionId,
) -> Result<(), BillingError> {
    match subscriptions::get(work.tx, work.tenant, id).await? {
        Some(mut subscription) => dunning::paid(work, &mut subscription).await,
        None => Ok(()),
    }
}

/// A charge that nobody asked for (of a renewal, of usage, a retry) failed.
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
