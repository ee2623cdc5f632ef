//! Proration in the server's own types.

use crate::base::{Overflow, Period, Time};
use unitpay_billing::proration;

/// Returns the unused part of a period's price at an instant.
pub fn unused(amount: i64, period: Period, at: Time) -> Result<i64, Overflow> {
    proration::unused(amount, period.start.seconds(), period.end.seconds(), at.seconds())
}
