//! Discounts: the coupon that a request asks for, and the one of a running subscription.

use crate::audit::Action;
use crate::base::{SubscriptionId, Viewer};
use crate::catalog::Plan;
use crate::coupons::{self, CouponRef, Discount, Found, Redeemer};
use crate::subscriptions::{self, Subscription, SubscriptionStatus, note, rating};
use crate::work::{BillingError, NotApplicable, Work};
use crate::{invoices, settlement};
use serde_json::json;

/// Finds the coupon that a customer asks for, which must lower the price of this plan and quantity.
pub async fn wanted(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
    coupon: &CouponRef,
    (plan, quantity): (&Plan, i64),
) -> Result<Found, BillingError> {
    let found = coupons::find(work, customer_no, coupon).await?;
    if found.is_held {
        return Ok(found);
    }
    if found.first_time_only && invoices::has_billed(work.tx, work.tenant, customer_no).await? {
        return Err(BillingError::CouponNotApplicable(NotApplicable::FirstTimeOnly));
    }
    found.discount.check_fits(plan, rating::recurring_total(plan, quantity)?)?;
    Ok(found)
}

/// Gives a running subscription a discount from its next period on, in place of the one that it has.
pub async fn set(
    work: &mut Work<'_, '_, '_>,
    id: SubscriptionId,
    coupon: &CouponRef,
) -> Result<Subscription, BillingError> {
    let mut subscription = lock(work, id).await?;
    let (plan_id, quantity) = match subscription.scheduled {
        None => (subscription.plan_id, subscription.quantity),
        Some(change) => (change.plan_id, change.quantity),
    };
    // A form shows a price, which the new discount would not be in.
    settlement::close_form_of_subscription(work, &subscription).await?;
    let plan = subscriptions::plan(work.tx, work.tenant, plan_id).await?;
    let customer = subscription.customer_no;
    let discount = wanted(work, customer, coupon, (&plan, quantity)).await?.discount;
    redeem(work, &subscription, &discount).await?;
    coupons::settle(work, &discount).await?;
    subscription.discount = Some(discount);
    store(work, &mut subscription, Action::SubscriptionDiscountSet).await?;
    Ok(subscription)
}

/// Removes the discount of a subscription. The current period keeps the price that was charged for it.
/// Idempotent.
pub async fn remove(
    work: &mut Work<'_, '_, '_>,
    id: SubscriptionId,
) -> Result<Subscription, BillingError> {
    let mut subscription = lock(work, id).await?;
    if subscription.discount.is_none() {
        return Ok(subscription);
    }
    settlement::close_form_of_subscription(work, &subscription).await?;
    subscription.discount = None;
    store(work, &mut subscription, Action::SubscriptionDiscountRemoved).await?;
    Ok(subscription)
}

/// Reserves the coupon of a subscription.
pub async fn redeem(
    work: &mut Work<'_, '_, '_>,
    subscription: &Subscription,
    discount: &Discount,
) -> Result<(), BillingError> {
    let Subscription { customer_no, customer_id, id: subscription_id, .. } = *subscription;
    coupons::redeem(work, Redeemer { customer_no, customer_id, subscription_id }, discount).await
}

async fn lock(
    work: &mut Work<'_, '_, '_>,
    id: SubscriptionId,
) -> Result<Subscription, BillingError> {
    let backend = Viewer::Backend;
    let subscription = subscriptions::lock_reachable(work.tx, work.tenant, backend, id).await?;
    match subscription.status {
        SubscriptionStatus::Canceled => Err(BillingError::NotActive),
        SubscriptionStatus::Pending => Err(BillingError::Unpaid),
        SubscriptionStatus::Trialing | SubscriptionStatus::Active | SubscriptionStatus::PastDue => {
            Ok(subscription)
        }
    }
}

async fn store(
    work: &mut Work<'_, '_, '_>,
    subscription: &mut Subscription,
    action: Action,
) -> Result<(), BillingError> {
    subscription.updated_at = work.at;
    subscriptions::update(work.tx, work.tenant, subscription).await?;
    let coupon = subscription.discount.as_ref().map(|discount| discount.coupon_id);
    Ok(note(work, subscription, action, json!({ "couponId": coupon })).await?)
}
