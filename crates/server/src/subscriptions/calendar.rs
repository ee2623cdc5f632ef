//! Billing periods in the server's own types.

use crate::base::{Period, Time};
use unitpay_billing::calendar;

/// Returns the period of this many months that starts at a boundary of the anchor.
pub fn period_from(anchor: Time, start: Time, months: i64) -> Period {
    let end = calendar::period_end(anchor.seconds(), start.seconds(), months);
    Period { start, end: Time::from_seconds(end) }
}

/// Returns the period of this many months that ends at an instant; `None` if that is no boundary of
/// the anchor.
pub fn period_until(anchor: Time, end: Time, months: i64) -> Option<Period> {
    let start = calendar::period_start(anchor.seconds(), end.seconds(), months)?;
    Some(Period { start: Time::from_seconds(start), end })
}

/// Returns the month, counted from the anchor, in which an instant is.
pub fn month_of(anchor: Time, at: Time) -> Period {
    let start = calendar::month_start(anchor.seconds(), at.seconds());
    period_from(anchor, Time::from_seconds(start), 1)
}
