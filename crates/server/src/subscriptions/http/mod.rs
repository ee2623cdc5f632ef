//! HTTP handlers of subscriptions: responses, and the routes that read.

mod read;

pub use read::*;

use super::{Attention, Scheduled, Subscription, SubscriptionStatus};
use crate::auth::Caller;
use crate::base::{
    CollectionMethod, CouponId, Currency, CustomerId, PlanId, ProductId, PromotionCodeId,
    SubscriptionId, Time,
};
use crate::catalog::Interval;
use crate::coupons::Discount;
use crate::flows::{Preview, Upcoming};
use crate::invoices::InvoiceItem;
use crate::keys::KeyScopes;
use crate::portal::PortalScopes;
use serde_json::Value;
use unitpay_request::response;

type Reader = Caller<{ KeyScopes::SUBSCRIPTIONS_READ }, { PortalScopes::SUBSCRIPTIONS_READ }>;
pub type Writer = Caller<{ KeyScopes::SUBSCRIPTIONS_WRITE }, { PortalScopes::SUBSCRIPTIONS_WRITE }>;

#[response]
#[schema(as = Subscription)]
pub struct SubscriptionResponse {
    pub id: SubscriptionId,
    pub customer_id: CustomerId,
    pub plan_id: PlanId,
    pub product_id: ProductId,
    pub quantity: i64,
    pub status: SubscriptionStatus,
    pub billing_interval: Interval,
    pub collection_method: CollectionMethod,
    pub current_billing_period_start: Option<Time>,
    pub current_billing_period_end: Option<Time>,
    /// Usage is counted and billed in months from the same anchor, on yearly plans too.
    pub usage_period_start: Option<Time>,
    pub usage_period_end: Option<Time>,
    pub trial_end: Option<Time>,
    pub cancel_at_period_end: bool,
    /// Why billing of this subscription has stopped until somebody looks at it.
    pub attention: Option<Attention>,
    pub canceled_at: Option<Time>,
    /// The change that applies at the period's end.
    pub scheduled_change: Option<ScheduledChange>,
    /// The coupon that lowers the price of its periods.
    pub discount: Option<SubscriptionDiscount>,
    /// The integrator's metadata. Omitted for portal tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    pub created_at: Time,
    pub updated_at: Time,
}

#[response]
pub struct ScheduledChange {
    pub plan_id: PlanId,
    pub quantity: i64,
    pub effective_at: Time,
}

/// The coupon of a subscription.
#[response]
pub struct SubscriptionDiscount {
    pub coupon_id: CouponId,
    /// The promotion code that it was redeemed with, if any.
    pub promotion_code_id: Option<PromotionCodeId>,
    /// The coupon's name.
    pub name: String,
    /// The part of the price that it takes off, in percent. Either this or `amountOff`.
    pub percent_off: Option<i64>,
    /// The amount that it takes off the price of each period, in the currency's minor unit.
    pub amount_off: Option<i64>,
    pub currency: Option<Currency>,
    /// The number of billing periods that it will lower after the current one; `null` if it never ends.
    pub periods_left: Option<i64>,
    /// Whether it lowers the current period.
    pub in_force: bool,
}

/// The charges now and next.
#[response]
#[schema(as = SubscriptionPreview)]
pub struct PreviewResponse {
    pub currency: Currency,
    /// The lines due now; empty if there are none.
    pub items: Vec<InvoiceItem>,
    pub subtotal: i64,
    pub tax_amount: i64,
    pub total_amount: i64,
    /// The part of `totalAmount` that the customer's balance pays.
    pub balance_applied: i64,
    /// `totalAmount` less `balanceApplied`.
    pub amount_due: i64,
    /// The instant at which the change applies.
    pub effective_at: Time,
    /// Pass it to `change-plan` within ten minutes to be charged exactly these amounts.
    pub proration_date: Time,
    pub trial_end: Option<Time>,
    pub next_invoice: Option<UpcomingResponse>,
}

/// An upcoming invoice, as far as it is known. The customer's balance is not deducted.
#[response]
#[schema(as = UpcomingInvoice)]
pub struct UpcomingResponse {
    pub date: Time,
    pub currency: Currency,
    pub period_start: Option<Time>,
    pub period_end: Option<Time>,
    pub items: Vec<InvoiceItem>,
    pub subtotal: i64,
    pub tax_amount: i64,
    pub total_amount: i64,
}

impl From<Preview> for PreviewResponse {
    fn from(preview: Preview) -> Self {
        Self {
            currency: preview.currency,
            items: preview.lines.iter().cloned().map(InvoiceItem::from).collect(),
            subtotal: preview.totals.subtotal,
            tax_amount: preview.totals.tax_amount,
            total_amount: preview.totals.total,
            balance_applied: preview.balance_applied,
            amount_due: preview.totals.total - preview.balance_applied,
            effective_at: preview.effective_at,
            proration_date: preview.proration_date,
            trial_end: preview.trial_end,
            next_invoice: preview.next.map(UpcomingResponse::from),
        }
    }
}

impl From<Upcoming> for UpcomingResponse {
    fn from(upcoming: Upcoming) -> Self {
        Self {
            date: upcoming.date,
            currency: upcoming.currency,
            period_start: upcoming.period.map(|period| period.start),
            period_end: upcoming.period.map(|period| period.end),
            items: upcoming.lines.iter().cloned().map(InvoiceItem::from).collect(),
            subtotal: upcoming.totals.subtotal,
            tax_amount: upcoming.totals.tax_amount,
            total_amount: upcoming.totals.total,
        }
    }
}

impl From<&Discount> for SubscriptionDiscount {
    fn from(discount: &Discount) -> Self {
        Self {
            coupon_id: discount.coupon_id,
            promotion_code_id: discount.promotion_code_id,
            name: discount.name.clone(),
            percent_off: discount.percent_off,
            amount_off: discount.amount_off,
            currency: discount.currency,
            periods_left: discount.periods_left,
            in_force: discount.in_force,
        }
    }
}

impl SubscriptionResponse {
    pub fn to_backend(subscription: &Subscription) -> Self {
        let metadata = serde_json::from_str(&subscription.metadata).unwrap_or_default();
        Self { metadata: Some(metadata), ..Self::to_browser(subscription) }
    }

    pub fn to_browser(subscription: &Subscription) -> Self {
        let s = subscription;
        let end = s.current_period.map(|period| period.end);
        let scheduled = s.scheduled.zip(end).map(|(change, effective_at)| {
            let Scheduled { plan_id, quantity } = change;
            ScheduledChange { plan_id, quantity, effective_at }
        });
        Self {
            id: s.id,
            customer_id: s.customer_id,
            plan_id: s.plan_id,
            product_id: s.product_id,
            quantity: s.quantity,
            status: s.status,
            billing_interval: s.billing_interval,
            collection_method: s.collection_method,
            current_billing_period_start: s.current_period.map(|period| period.start),
            current_billing_period_end: end,
            usage_period_start: s.usage_period.map(|period| period.start),
            usage_period_end: s.usage_period.map(|period| period.end),
            trial_end: s.trial_end,
            cancel_at_period_end: s.cancel_at_period_end,
            attention: s.attention,
            canceled_at: s.canceled_at,
            scheduled_change: scheduled,
            discount: s.discount.as_ref().map(SubscriptionDiscount::from),
            metadata: None,
            created_at: s.created_at,
            updated_at: s.updated_at,
        }
    }
}

pub fn view<const K: u32, const P: u32>(
    caller: &Caller<K, P>,
    subscription: &Subscription,
) -> SubscriptionResponse {
    match caller {
        Caller::Key(_) => SubscriptionResponse::to_backend(subscription),
        Caller::Portal(_) => SubscriptionResponse::to_browser(subscription),
    }
}
