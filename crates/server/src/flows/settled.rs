//! What payments bring about. `settlement` calls these in the transaction that records a result,
//! behind the customer's lock. It issues a draft and marks it paid itself: after [`started`] and
//! [`changed`], before [`invoice_paid`].

use crate::base::{SubscriptionId, Time};
use crate::customers::billing;
use crate::db::{DbError, Tx};
use crate::flows::{cancel, change, create, dunning};
use crate::invoices::Invoice;
use crate::organizations::Tenant;
use crate::subscriptions::{self, PlanChange, Status};
use crate::work::{BillingError, By};

/// The first invoice is paid: the subscription starts now. `false` where it no longer waits for
/// that, and the money is to go back.
pub async fn started(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: SubscriptionId,
    invoice: &mut Invoice,
    at: Time,
    by: &By,
) -> Result<bool, BillingError> {
    let Some(mut subscription) = subscriptions::get(tx, tenant, id).await? else {
        return Ok(false);
    };
    if subscription.status != Status::Pending {
        return Ok(false);
    }
    let plan = subscriptions::plan(tx, tenant, subscription.plan_id).await?;
    let profile = billing::get(tx, tenant, subscription.customer_no).await?;
    if profile.currency.is_some_and(|currency| currency != plan.currency) {
        // Something else was bought meanwhile, in another currency.
        return Ok(false);
    }
    // It was drafted when the form was opened; what is paid for begins now.
    invoice.redate(create::begin(&mut subscription, &plan, at))?;
    subscriptions::update(tx, tenant, &subscription).await?;
    create::start(tx, tenant, &subscription, &plan, true, at, by).await?;
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
pub async fn expired(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: SubscriptionId,
    at: Time,
    by: &By,
) -> Result<(), BillingError> {
    match subscriptions::get(tx, tenant, id).await? {
        Some(mut pending) if pending.status == Status::Pending => {
            cancel::give_up(tx, tenant, &mut pending, at, by).await
        }
        Some(_) | None => Ok(()),
    }
}

/// Brings a paid change into force, as of the instant that it was prorated to. The old plan was in
/// force until now: what was used since the quote is a segment of its own. Returns `false` if the
/// subscription is not what the change was quoted for, so that the money is refunded.
pub async fn changed(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    change: &PlanChange,
    at: Time,
    by: &By,
) -> Result<bool, BillingError> {
    let found = subscriptions::get(tx, tenant, change.subscription_id).await?;
    let Some(mut subscription) = found.filter(|found| change.fits(found)) else {
        return Ok(false);
    };
    change::apply(tx, tenant, &mut subscription, change, at, by).await?;
    Ok(true)
}

/// An invoice of a subscription was paid in full, or voided.
pub async fn invoice_paid(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: SubscriptionId,
    at: Time,
    by: &By,
) -> Result<(), BillingError> {
    match subscriptions::get(tx, tenant, id).await? {
        Some(mut subscription) => dunning::paid(tx, tenant, &mut subscription, at, by).await,
        None => Ok(()),
    }
}

/// A charge that nobody asked for (of a renewal, of usage, a retry) failed.
pub async fn invoice_declined(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: SubscriptionId,
    invoice: &mut Invoice,
    at: Time,
    by: &By,
) -> Result<(), BillingError> {
    match subscriptions::get(tx, tenant, id).await? {
        Some(mut subscription) => {
            dunning::failed(tx, tenant, &mut subscription, invoice, at, by).await
        }
        None => Ok(()),
    }
}
