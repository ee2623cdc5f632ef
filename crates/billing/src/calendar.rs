//! Periods: boundary n is the anchor plus n months, in UTC, always counted from the anchor, so that
//! 31 January is followed by 28 February and then by 31 March. A missing day is the month's last.

use super::Period;
use crate::base::Time;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

/// The anchor plus so many months.
pub fn boundary(anchor: Time, months: i64) -> Time {
    // Both ends of jiff's range lie thousands of years away from any billing instant.
    let moved = utc(anchor).and_then(|zoned| zoned.checked_add(Span::new().try_months(months)?));
    moved.map_or(anchor, |zoned| Time(zoned.timestamp().as_microsecond()))
}

/// The period of so many months that starts at a boundary of the anchor.
pub fn period_from(anchor: Time, start: Time, months: i64) -> Period {
    Period { start, end: boundary(anchor, months_until(anchor, start) + months) }
}

/// The largest n whose boundary is not after this instant.
fn months_until(anchor: Time, at: Time) -> i64 {
    let months =
        |time| utc(time).map_or(0, |zoned| i64::from(zoned.year()) * 12 + i64::from(zoned.month()));
    let apart = months(at) - months(anchor);
    if boundary(anchor, apart) > at { apart - 1 } else { apart }
}

fn utc(time: Time) -> Result<Zoned, jiff::Error> {
    Ok(Timestamp::from_microsecond(time.0)?.to_zoned(TimeZone::UTC))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Time {
        Time(text.parse::<Timestamp>().unwrap().as_microsecond())
    }

    #[test]
    fn a_missing_day_is_the_months_last_and_the_anchors_day_returns() {
        let boundaries = |anchor: &str, count| -> Vec<String> {
            (0..count).map(|n| boundary(at(anchor), n).to_string()[..10].to_owned()).collect()
        };
        let from_31 = ["2030-01-31", "2030-02-28", "2030-03-31", "2030-04-30", "2030-05-31"];
        assert_eq!(boundaries("2030-01-31T10:00:00Z", 5), from_31);
        let to_leap = ["2031-12-30", "2032-01-30", "2032-02-29", "2032-03-30"];
        assert_eq!(boundaries("2031-12-30T23:59:59Z", 4), to_leap);
        let leap = at("2028-02-29T12:00:00Z");
        let years: Vec<String> = (0..5).map(|n| boundary(leap, 12 * n).to_string()).collect();
        assert_eq!(years[1], "2029-02-28T12:00:00.000Z");
        assert_eq!(years[4], "2032-02-29T12:00:00.000Z");
    }

    #[test]
    fn a_period_starts_at_any_boundary_and_spans_its_months() {
        let anchor = at("2030-01-31T10:00:00Z");
        let february = boundary(anchor, 1);
        let month = period_from(anchor, february, 1);
        assert_eq!((month.start, month.end), (february, at("2030-03-31T10:00:00Z")));
        let year = period_from(anchor, february, 12);
        assert_eq!((year.start, year.end), (february, at("2031-02-28T10:00:00Z")));
    }

    proptest! {
        #[test]
        fn periods_follow_each_other_on_the_boundaries_of_the_anchor(
            anchor in 0i64..4_000_000_000, n in 0i64..600, yearly: bool,
        ) {
            let months = if yearly { 12 } else { 1 };
            let anchor = Time::from_seconds(anchor);
            let start = boundary(anchor, n);
            prop_assert_eq!(months_until(anchor, start), n);
            prop_assert_eq!(months_until(anchor, start.plus_seconds(-1)), n - 1);
            let period = period_from(anchor, start, months);
            prop_assert_eq!(period.end, boundary(anchor, n + months));
            // The time of day never moves; the day is the anchor's or its month's last.
            let (first, end) = (utc(anchor).unwrap(), utc(period.end).unwrap());
            prop_assert_eq!(first.time(), end.time());
            prop_assert_eq!(end.day(), first.day().min(end.days_in_month()));
            let days = (period.end.seconds() - period.start.seconds()) / 86_400;
            let expected = if yearly { 365..=366 } else { 28..=31 };
            prop_assert!(expected.contains(&days));
        }
    }
}
