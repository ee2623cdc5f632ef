//! The discount on an amount, stored and shown in this form.

use super::CouponId;
use serde::Deserialize;
use unitpay_request::response;

/// The part of a price that a coupon took off.
#[response]
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct LineDiscount {
    pub coupon_id: CouponId,
    /// The coupon's name.
    pub name: String,
    /// In minor units; negative on a credit.
    pub amount: i64,
}
