//! Coupons, which take something off the price of a period, and the promotion codes that stand for
//! them. The terms of a coupon never change. Who redeems one is the matter of `coupons`.

use super::{CatalogError, Entry};
use crate::audit::Action;
use crate::base::changes::changes;
use crate::base::words::words;
use crate::base::{CouponId, Currency, PlanId, PromotionCodeId, Time};
use crate::db::{FromRow, ToRow, Tx};
use crate::organizations::Tenant;
use std::fmt;
use std::str::FromStr;

#[derive(Clone, Debug, PartialEq, Eq, FromRow, ToRow)]
pub struct Coupon {
    #[record(insert_only)]
    pub id: CouponId,
    pub name: String,
    /// Either this or `amount_off`.
    pub percent_off: Option<i64>,
    /// In minor units of `currency`.
    pub amount_off: Option<i64>,
    pub currency: Option<Currency>,
    pub duration: CouponDuration,
    /// Of a coupon that repeats.
    pub duration_in_periods: Option<i64>,
    /// The plans whose price it lowers; empty for all.
    pub plan_ids: Vec<PlanId>,
    pub starts_at: Option<Time>,
    /// The first instant at which it cannot be redeemed any more.
    pub ends_at: Option<Time>,
    pub max_redemptions: Option<i64>,
    /// Changed by redemptions only.
    #[record(insert_only)]
    pub times_redeemed: i64,
    pub archived: bool,
    /// A JSON object of strings.
    pub metadata: String,
    pub created_at: Time,
    pub updated_at: Time,
}

words! {
    /// The periods of a subscription whose price a coupon lowers.
    CouponDuration {
        Once = "once",
        /// `durationInPeriods` of them.
        Repeating = "repeating",
        Forever = "forever",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, FromRow, ToRow)]
pub struct PromotionCode {
    #[record(insert_only)]
    pub id: PromotionCodeId,
    #[record(insert_only)]
    pub code: CodeText,
    #[record(insert_only)]
    pub coupon_id: CouponId,
    pub active: bool,
    /// The first instant at which it cannot be redeemed any more.
    pub expires_at: Option<Time>,
    pub max_redemptions: Option<i64>,
    /// Changed by redemptions only.
    #[record(insert_only)]
    pub times_redeemed: i64,
    /// Whether it is for customers who have not bought anything yet.
    pub first_time_only: bool,
    /// A JSON object of strings.
    pub metadata: String,
    pub created_at: Time,
    pub updated_at: Time,
}

/// A promotion code in upper case: 3 to 40 letters, digits, hyphens and underscores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeText(String);

/// The text is no promotion code.
#[derive(Clone, Copy, Debug)]
pub struct NotACode;

/// The fields of a PATCH; `None` leaves a field unchanged.
#[derive(Clone, Debug, Default)]
pub struct CouponChange {
    pub name: Option<String>,
    pub ends_at: Option<Option<Time>>,
    pub max_redemptions: Option<Option<i64>>,
    pub archived: Option<bool>,
    pub metadata: Option<String>,
}

/// The fields of a PATCH; `None` leaves a field unchanged.
#[derive(Clone, Debug, Default)]
pub struct PromotionCodeChange {
    pub active: Option<bool>,
    pub expires_at: Option<Option<Time>>,
    pub max_redemptions: Option<Option<i64>>,
    pub first_time_only: Option<bool>,
    pub metadata: Option<String>,
}

impl Coupon {
    /// Whether it can be redeemed at this instant, limits apart.
    pub fn is_open(&self, at: Time) -> bool {
        !self.archived
            && self.starts_at.is_none_or(|start| start <= at)
            && self.ends_at.is_none_or(|end| at < end)
    }

    pub fn is_used_up(&self) -> bool {
        self.max_redemptions.is_some_and(|most| self.times_redeemed >= most)
    }

    /// Returns the number of periods that it lowers; `None` for all.
    pub const fn periods(&self) -> Option<i64> {
        match self.duration {
            CouponDuration::Once => Some(1),
            CouponDuration::Repeating => self.duration_in_periods,
            CouponDuration::Forever => None,
        }
    }

    fn check_terms(&self) -> Result<(), CatalogError> {
        if self.percent_off.is_some() == self.amount_off.is_some() {
            let message = "exactly one of percentOff and amountOff is required";
            return Err(CatalogError::unfit("percentOff", message));
        }
        if self.amount_off.is_some() != self.currency.is_some() {
            return Err(CatalogError::unfit("currency", "is required with amountOff, only"));
        }
        let repeats = self.duration == CouponDuration::Repeating;
        if repeats != self.duration_in_periods.is_some() {
            let message = "is required if duration is repeating, only";
            return Err(CatalogError::unfit("durationInPeriods", message));
        }
        if self.starts_at.zip(self.ends_at).is_some_and(|(start, end)| end <= start) {
            return Err(CatalogError::unfit("endsAt", "must be after startsAt"));
        }
        Ok(())
    }
}

impl PromotionCode {
    /// Whether it can be redeemed at this instant, limits apart.
    pub fn is_open(&self, at: Time) -> bool {
        self.active && self.expires_at.is_none_or(|end| at < end)
    }

    pub fn is_used_up(&self) -> bool {
        self.max_redemptions.is_some_and(|most| self.times_redeemed >= most)
    }
}

impl Entry for Coupon {
    type Change = CouponChange;
    const CREATED: Action = Action::CouponCreated;
    const UPDATED: Action = Action::CouponUpdated;

    fn apply(&mut self, change: &CouponChange) -> Result<Vec<&'static str>, CatalogError> {
        Ok(changes!(self, change, {
            name "name", ends_at "endsAt", max_redemptions "maxRedemptions",
            archived "status", metadata "metadata",
        }))
    }

    async fn check(&self, tx: &mut Tx<'_, '_>, tenant: &Tenant) -> Result<(), CatalogError> {
        self.check_terms()?;
        for id in &self.plan_ids {
            let plan = super::plan(tx, tenant, *id).await?;
            let plan = plan.ok_or_else(|| CatalogError::unfit("planIds", "are not all plans"))?;
            if self.currency.is_some_and(|currency| currency != plan.currency) {
                let message = "must be plans in the coupon's currency";
                return Err(CatalogError::unfit("planIds", message));
            }
        }
        Ok(())
    }

    fn id(&self) -> CouponId {
        self.id
    }

    fn updated(&mut self, at: Time) {
        self.updated_at = at;
    }
}

impl Entry for PromotionCode {
    type Change = PromotionCodeChange;
    const CREATED: Action = Action::PromotionCodeCreated;
    const UPDATED: Action = Action::PromotionCodeUpdated;

    fn apply(&mut self, change: &PromotionCodeChange) -> Result<Vec<&'static str>, CatalogError> {
        Ok(changes!(self, change, {
            active "active", expires_at "expiresAt", max_redemptions "maxRedemptions",
            first_time_only "firstTimeOnly", metadata "metadata",
        }))
    }

    async fn check(&self, tx: &mut Tx<'_, '_>, tenant: &Tenant) -> Result<(), CatalogError> {
        if super::coupon(tx, tenant, self.coupon_id).await?.is_none() {
            return Err(CatalogError::unfit("couponId", "is not a coupon"));
        }
        match super::promotion_code_by_text(tx, tenant, &self.code).await? {
            Some(other) if other.id != self.id => Err(CatalogError::CodeTaken),
            Some(_) | None => Ok(()),
        }
    }

    fn id(&self) -> PromotionCodeId {
        self.id
    }

    fn updated(&mut self, at: Time) {
        self.updated_at = at;
    }
}

impl CodeText {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CodeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for CodeText {
    type Err = NotACode;

    fn from_str(text: &str) -> Result<Self, NotACode> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        match (3..=40).contains(&text.len()) && text.bytes().all(plain) {
            true => Ok(Self(text.to_ascii_uppercase())),
            false => Err(NotACode),
        }
    }
}
