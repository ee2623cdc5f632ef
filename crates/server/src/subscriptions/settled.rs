//! What payments bring about. `settlement` calls these in the transaction that records a result,
//! behind the customer's lock. It issues a draft and marks it paid itself: after [`started`] and
//! [`changed`], before [`invoice_paid`].

use super::{PlanChange, Status, SubscriptionError, change, create, dunning, sql};
use crate::app::By;
use crate::base::{SubscriptionId, Time};
use crate::db::{DbError, Tx};
use crate::invoices::Invoice;
use crate::organizations::Tenant;

/// The first invoice is paid: the subscription starts now. `false` where it no longer waits for
/// that, and the money is to go back.
pub async fn started(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: SubscriptionId,
    invoice: &mut Invoice,
    at: Time,
    by: &By,
) -> Result<bool, SubscriptionError> {
    let Some(mut subscription) = sql::get(tx, tenant, id).await? else { return Ok(false) };
    if subscription.status != Status::Pending {
        return Ok(false);
    }
    let plan = super::plan(tx, tenant, subscription.plan_id).await?;
    // It was drafted when the form was opened; what is paid for begins now.
    invoice.redate(create::begin(&mut subscription, &plan, at));
    sql::update(tx, tenant, &subscription).await?;
    create::start(tx, tenant, &subscription, &plan, at, by).await?;
    Ok(true)
}

/// The first charge was declined: it is as though nobody had asked. The draft is the caller's.
pub async fn not_started(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: SubscriptionId,
) -> Result<(), DbError> {
    sql::delete_pending(tx, tenant, id).await
}

/// Nobody filled in the form of the first payment in time. The draft is the caller's.
pub async fn expired(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: SubscriptionId,
    at: Time,
    by: &By,
) -> Result<(), SubscriptionError> {
    match sql::get(tx, tenant, id).await? {
        Some(mut pending) if pending.status == Status::Pending => {
            super::cancel::give_up(tx, tenant, &mut pending, at, by).await
        }
        Some(_) | None => Ok(()),
    }
}

/// A change is paid for and comes into force as of the instant that it was prorated to. `false`
/// where the subscription is not what it was quoted for, and the money is to go back.
pub async fn changed(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    change: &PlanChange,
    at: Time,
    by: &By,
) -> Result<bool, SubscriptionError> {
    let found = sql::get(tx, tenant, change.subscription_id).await?;
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
) -> Result<(), SubscriptionError> {
    match sql::get(tx, tenant, id).await? {
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
) -> Result<(), SubscriptionError> {
    match sql::get(tx, tenant, id).await? {
        Some(mut subscription) => {
            dunning::failed(tx, tenant, &mut subscription, invoice, at, by).await
        }
        None => Ok(()),
    }
}
