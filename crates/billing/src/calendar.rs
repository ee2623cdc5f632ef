//! Billing periods: boundary n is the anchor plus n months, in UTC, always counted from the anchor,
//! so that 31 January is followed by 28 February and then by 31 March. A day that a month does not
//! have becomes the month's last day.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// Returns the anchor plus a number of months.
pub fn boundary(anchor: i64, months: i64) -> i64 {
    let moved = civil(anchor).and_then(|start| {
        let end = start.checked_add(Span::new().try_months(months)?)?;
        Ok(end.to_zoned(TimeZone::UTC)?.timestamp().as_second())
    });
    // Both ends of the library's range lie thousands of years away from any billing instant.
    moved.unwrap_or(anchor)
}

/// Returns the end of the period of this many months that starts at a boundary of the anchor.
pub fn period_end(anchor: i64, start: i64, months: i64) -> i64 {
    boundary(anchor, months_until(anchor, start) + months)
}

/// Returns the start of the period of this many months that ends at an instant; `None` if that is no
/// boundary of the anchor.
pub fn period_start(anchor: i64, end: i64, months: i64) -> Option<i64> {
    let until = months_until(anchor, end);
    (boundary(anchor, until) == end).then(|| boundary(anchor, until - months))
}

/// Returns the boundary of the anchor with which the month of an instant starts.
pub fn month_start(anchor: i64, at: i64) -> i64 {
    boundary(anchor, months_until(anchor, at))
}

/// The largest n whose boundary is not after this instant.
fn months_until(anchor: i64, at: i64) -> i64 {
    let months = |seconds| {
        civil(seconds).map_or(0, |date| i64::from(date.year()) * 12 + i64::from(date.month()))
    };
    let apart = months(at) - months(anchor);
    if boundary(anchor, apart) > at { apart - 1 } else { apart }
}

fn civil(seconds: i64) -> Result<DateTime, jiff::Error> {
    Ok(TimeZone::UTC.to_datetime(Timestamp::from_second(seconds)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    fn text(seconds: i64) -> String {
        civil(seconds).unwrap().to_string()
    }

    #[test]
    fn boundaries_use_the_last_day_when_the_day_is_missing() {
        let boundaries = |anchor: &str, count| -> Vec<String> {
            (0..count).map(|n| text(boundary(at(anchor), n))[..10].to_owned()).collect()
        };
        let from_31 = ["2030-01-31", "2030-02-28", "2030-03-31", "2030-04-30", "2030-05-31"];
        assert_eq!(boundaries("2030-01-31T10:00:00Z", 5), from_31);
        let to_leap = ["2031-12-30", "2032-01-30", "2032-02-29", "2032-03-30"];
        assert_eq!(boundaries("2031-12-30T23:59:59Z", 4), to_leap);
        let leap = at("2028-02-29T12:00:00Z");
        let years: Vec<String> = (0..5).map(|n| text(boundary(leap, 12 * n))).collect();
        assert_eq!(years[1], "2029-02-28T12:00:00");
        assert_eq!(years[4], "2032-02-29T12:00:00");
    }

    #[test]
    fn period_starts_at_a_boundary_and_spans_its_months() {
        let anchor = at("2030-01-31T10:00:00Z");
        let february = boundary(anchor, 1);
        assert_eq!(period_end(anchor, february, 1), at("2030-03-31T10:00:00Z"));
        assert_eq!(period_end(anchor, february, 12), at("2031-02-28T10:00:00Z"));
    }

    proptest! {
        #[test]
        fn periods_follow_each_other_on_the_boundaries(
            anchor in 0i64..4_000_000_000, n in 0i64..600, yearly: bool,
        ) {
            let months = if yearly { 12 } else { 1 };
            let start = boundary(anchor, n);
            prop_assert_eq!(months_until(anchor, start), n);
            prop_assert_eq!(months_until(anchor, start - 1), n - 1);
            let end = period_end(anchor, start, months);
            prop_assert_eq!(end, boundary(anchor, n + months));
            prop_assert_eq!(period_start(anchor, end, months), Some(start));
            prop_assert_eq!(period_start(anchor, end + 1, months), None);
            prop_assert_eq!(month_start(anchor, end - 1), boundary(anchor, n + months - 1));
            // The time of day never moves; the day is the anchor's or its month's last.
            let (first, end) = (civil(anchor).unwrap(), civil(end).unwrap());
            prop_assert_eq!(first.time(), end.time());
            prop_assert_eq!(end.day(), first.day().min(end.days_in_month()));
        }
    }
}
