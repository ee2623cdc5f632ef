//! Billing periods in the server's own types.

use crate::base::{Period, Time};
use unitpay_billing::calendar;

/// Returns the period of this many months that starts at a boundary of the anchor.
pub fn period_from(anchor: Time, start: Time, months: i64) -> Period {
    let end = calendar::period_end(anchor.seconds(), start.seconds(), months);
    Period { start, end: Time::from_seconds(end) }
}
