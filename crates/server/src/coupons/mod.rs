//! Coupons in use: who redeems which, and the discount that a subscription has from it.
//!
//! A customer redeems a coupon once, ever. A redemption is reserved in the transaction that shows its
//! price and settled in the one that brings the discount into force; one that is given up is deleted.
//! So the limits of a coupon are exact on any number of nodes. Terms are copied into the [`Discount`],
//! and a coupon that ends or is archived changes nothing for those who have it.

mod sql;

use crate::audit::Action;
use crate::base::{
    CouponId, CouponRedemptionId, Currency, CustomerId, LineDiscount, Overflow, PlanId,
    PromotionCodeId, SubscriptionId, Time,
};
use crate::catalog::{self, CodeText, Coupon, Plan, PromotionCode};
use crate::db::{DbError, FromRow, ToRow};
use crate::work::{BillingError, NotApplicable, Work};
use serde::{Deserialize, Serialize};
use serde_json::json;
use unitpay_billing::Off;

/// The coupon that a request asks for.
#[derive(Clone, Debug)]
pub enum CouponRef {
    /// A backend's choice.
    Coupon(CouponId),
    /// The text of a promotion code.
    Code(String),
    /// The discount that a subscription has reserved before.
    Held(Box<Discount>),
}

/// The discount of a subscription: the terms of its coupon, in their stored form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discount {
    pub coupon_id: CouponId,
    pub promotion_code_id: Option<PromotionCodeId>,
    pub redemption_id: CouponRedemptionId,
    pub name: String,
    /// Either this or `amount_off`.
    pub percent_off: Option<i64>,
    pub amount_off: Option<i64>,
    pub currency: Option<Currency>,
    pub plan_ids: Vec<PlanId>,
    /// The number of periods that it will lower after the current one; `None` if it never ends.
    pub periods_left: Option<i64>,
    /// Whether the current period is one of its periods.
    pub in_force: bool,
}

/// A coupon that a customer may redeem now.
#[derive(Clone, Debug)]
pub struct Found {
    pub discount: Discount,
    /// Whether it is for customers who have not bought anything yet.
    pub first_time_only: bool,
    /// Whether its redemption is reserved already.
    pub is_held: bool,
}

/// The use of a coupon by a customer.
#[derive(Clone, Debug, FromRow, ToRow)]
pub struct Redemption {
    pub coupon_id: CouponId,
    pub id: CouponRedemptionId,
    pub promotion_code_id: Option<PromotionCodeId>,
    pub subscription_id: SubscriptionId,
    /// Whether the discount came into force.
    pub settled: bool,
    pub created_at: Time,
}

/// A customer and the subscription that gets the discount.
#[derive(Clone, Copy, Debug)]
pub struct Redeemer {
    pub customer_no: i64,
    pub customer_id: CustomerId,
    pub subscription_id: SubscriptionId,
}

/// Finds a coupon that the customer may redeem now. A promotion code that is unknown, inactive, over
/// or used up gets one answer, so that guessing tells nothing.
pub async fn find(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
    wanted: &CouponRef,
) -> Result<Found, BillingError> {
    let (coupon, code) = match wanted {
        CouponRef::Held(discount) => {
            let discount = Discount::clone(discount);
            return Ok(Found { discount, first_time_only: false, is_held: true });
        }
        CouponRef::Coupon(id) => {
            let coupon = catalog::coupon(work.tx, work.tenant, *id).await?;
            (coupon.ok_or(BillingError::NoCoupon)?, None)
        }
        CouponRef::Code(text) => {
            let found = by_code(work, text).await?;
            let (coupon, code) = found.ok_or(BillingError::PromotionCodeInvalid)?;
            (coupon, Some(code))
        }
    };
    let known = sql::redemption(work.tx, work.tenant, customer_no, coupon.id).await?;
    let is_used_up = coupon.is_used_up() || code.as_ref().is_some_and(PromotionCode::is_used_up);
    match known {
        Some(known) if known.settled => {
            return Err(BillingError::CouponNotApplicable(NotApplicable::Redeemed));
        }
        // Reserved for a form that this request may replace: it counts as one already.
        Some(_) => {}
        None if is_used_up => return Err(refusal(code.is_some(), NotApplicable::UsedUp)),
        None => {}
    }
    let is_open = coupon.is_open(work.at) && code.as_ref().is_none_or(|code| code.is_open(work.at));
    if !is_open {
        return Err(refusal(code.is_some(), NotApplicable::Ended));
    }
    let redemption_id = work.by.ids.coupon_redemption();
    let first_time_only = code.as_ref().is_some_and(|code| code.first_time_only);
    let discount = Discount::new(coupon, code.map(|code| code.id), redemption_id);
    Ok(Found { discount, first_time_only, is_held: false })
}

async fn by_code(
    work: &mut Work<'_, '_, '_>,
    text: &str,
) -> Result<Option<(Coupon, PromotionCode)>, DbError> {
    let Ok(text) = text.trim().parse::<CodeText>() else { return Ok(None) };
    let code = catalog::promotion_code_by_text(work.tx, work.tenant, &text).await?;
    let Some(code) = code else { return Ok(None) };
    let coupon = catalog::coupon(work.tx, work.tenant, code.coupon_id).await?;
    Ok(coupon.map(|coupon| (coupon, code)))
}

const fn refusal(by_code: bool, why: NotApplicable) -> BillingError {
    if by_code {
        BillingError::PromotionCodeInvalid
    } else {
        BillingError::CouponNotApplicable(why)
    }
}

/// Reserves a coupon for a customer, who is locked. Fails if the customer has redeemed it before, or
/// if others have redeemed it as often as it may be.
pub async fn redeem(
    work: &mut Work<'_, '_, '_>,
    by: Redeemer,
    discount: &Discount,
) -> Result<(), BillingError> {
    let code = discount.promotion_code_id;
    let redemption = Redemption {
        coupon_id: discount.coupon_id,
        id: discount.redemption_id,
        promotion_code_id: code,
        subscription_id: by.subscription_id,
        settled: false,
        created_at: work.at,
    };
    if !sql::insert(work.tx, work.tenant, by.customer_no, &redemption).await? {
        return Err(BillingError::CouponNotApplicable(NotApplicable::Redeemed));
    }
    let mut counted = sql::count_coupon(work.tx, work.tenant, discount.coupon_id).await?;
    if let Some(code) = code.filter(|_| counted) {
        counted = sql::count_code(work.tx, work.tenant, code).await?;
    }
    if !counted {
        return Err(refusal(code.is_some(), NotApplicable::UsedUp));
    }
    let detail = json!({ "subscriptionId": by.subscription_id, "promotionCodeId": code });
    Ok(work.note(by.customer_id, Action::CouponRedeemed, discount.coupon_id, detail).await?)
}

/// Records that a discount came into force: its redemption is not given up any more. Idempotent.
pub async fn settle(work: &mut Work<'_, '_, '_>, discount: &Discount) -> Result<(), DbError> {
    sql::settle(work.tx, work.tenant, discount.redemption_id).await
}

/// Gives up a redemption that is reserved, so that it does not count. One that is settled stays.
pub async fn release(
    work: &mut Work<'_, '_, '_>,
    customer: CustomerId,
    discount: &Discount,
) -> Result<(), DbError> {
    if !sql::delete_reserved(work.tx, work.tenant, discount.redemption_id).await? {
        return Ok(());
    }
    sql::uncount_coupon(work.tx, work.tenant, discount.coupon_id).await?;
    if let Some(code) = discount.promotion_code_id {
        sql::uncount_code(work.tx, work.tenant, code).await?;
    }
    work.note(customer, Action::CouponReleased, discount.coupon_id, json!({})).await
}

impl Discount {
    fn new(
        coupon: Coupon,
        promotion_code_id: Option<PromotionCodeId>,
        redemption_id: CouponRedemptionId,
    ) -> Self {
        Self {
            periods_left: coupon.periods(),
            coupon_id: coupon.id,
            promotion_code_id,
            redemption_id,
            name: coupon.name,
            percent_off: coupon.percent_off,
            amount_off: coupon.amount_off,
            currency: coupon.currency,
            plan_ids: coupon.plan_ids,
            in_force: false,
        }
    }

    /// Whether it is of the same coupon, redeemed in the same way.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.coupon_id, self.promotion_code_id) == (other.coupon_id, other.promotion_code_id)
    }

    /// Checks that it lowers the price of a plan.
    pub fn check_fits(&self, plan: &Plan, price: i64) -> Result<(), BillingError> {
        let why = if !self.covers(plan.id) || price == 0 {
            NotApplicable::Plan
        } else if self.currency.is_some_and(|currency| currency != plan.currency) {
            NotApplicable::Currency
        } else {
            return Ok(());
        };
        Err(BillingError::CouponNotApplicable(why))
    }

    fn covers(&self, plan: PlanId) -> bool {
        self.plan_ids.is_empty() || self.plan_ids.contains(&plan)
    }

    /// Whether it will lower the price of a later period.
    pub const fn has_periods_left(&self) -> bool {
        !matches!(self.periods_left, Some(0))
    }

    /// Returns what it takes off the price of a period of a plan; `None` if nothing.
    pub fn on(&self, plan: &Plan, price: i64) -> Result<Option<LineDiscount>, Overflow> {
        let same = self.currency.is_none_or(|currency| currency == plan.currency);
        let off = match (self.percent_off, self.amount_off) {
            _ if !same || !self.covers(plan.id) => return Ok(None),
            (Some(percent), _) => Off::Share(percent * 100),
            (None, Some(amount)) => Off::Amount(amount),
            (None, None) => return Ok(None),
        };
        let amount = off.on(price)?;
        let (coupon_id, name) = (self.coupon_id, self.name.clone());
        Ok((amount > 0).then_some(LineDiscount { coupon_id, name, amount }))
    }

    /// Returns what it takes off the next period's price; `None` if it has ended, or takes off nothing.
    pub fn on_next(&self, plan: &Plan, price: i64) -> Result<Option<LineDiscount>, Overflow> {
        if self.has_periods_left() { self.on(plan, price) } else { Ok(None) }
    }

    /// Begins a period of a plan, which is one of the discount's if its price is lowered. Returns what
    /// it takes off.
    pub fn begin(&mut self, plan: &Plan, price: i64) -> Result<Option<LineDiscount>, Overflow> {
        let lowered = self.on_next(plan, price)?;
        self.in_force = lowered.is_some();
        if lowered.is_some() {
            self.periods_left = self.periods_left.map(|left| left - 1);
        }
        Ok(lowered)
    }
}
