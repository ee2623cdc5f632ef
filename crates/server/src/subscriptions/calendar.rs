//! Periods: boundary n is the anchor plus n months, in UTC, always counted from the anchor, so that
//! 31 January is followed by 28 February and then by 31 March. A missing day is the month's last.

use super::Period;
use crate::base::Time;
use crate::catalog::Interval;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

/// The anchor plus so many months.
pub fn boundary(anchor: Time, months: i64) -> Time {
    // Both ends of jiff's range lie thousands of years away from any billing instant.
    let moved = utc(anchor).and_then(|zoned| zoned.checked_add(Span::new().try_months(months)?));
    moved.map_or(anchor, |zoned| Time(zoned.timestamp().as_microsecond()))
}

/// The period of the anchor's boundaries that an instant, not before the anchor, lies in.
pub fn period_at(anchor: Time, interval: Interval, at: Time) -> Period {
    let step = interval.months();
    let whole = months_until(anchor, at).div_euclid(step) * step;
    Period { start: boundary(anchor, whole), end: boundary(anchor, whole + step) }
}

/// How many boundaries an instant has reached: the largest n whose boundary is not after it.
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
    fn a_boundary_belongs_to_the_period_that_it_starts() {
        let anchor = at("2030-01-31T10:00:00Z");
        let february = boundary(anchor, 1);
        let before = period_at(anchor, Interval::Month, february.plus_seconds(-1));
        let from = period_at(anchor, Interval::Month, february);
        assert_eq!((before.start, before.end), (anchor, february));
        assert_eq!((from.start, from.end), (february, at("2030-03-31T10:00:00Z")));
        let year = period_at(anchor, Interval::Year, february);
        assert_eq!((year.start, year.end), (anchor, at("2031-01-31T10:00:00Z")));
    }

    proptest! {
        #[test]
        fn every_instant_lies_in_one_period_and_periods_follow_each_other(
            anchor in 0i64..4_000_000_000, after in 0i64..1_000_000_000, yearly: bool,
        ) {
            let interval = if yearly { Interval::Year } else { Interval::Month };
            let anchor = Time::from_seconds(anchor);
            let at = anchor.plus_seconds(after);
            let period = period_at(anchor, interval, at);
            prop_assert!(period.start <= at && at < period.end);
            let next = period_at(anchor, interval, period.end);
            prop_assert_eq!(next.start, period.end);
            // The time of day never moves, the day never passes the anchor's.
            let (first, end) = (utc(anchor).unwrap(), utc(period.end).unwrap());
            prop_assert_eq!(first.time(), end.time());
            prop_assert!(end.day() == first.day() || (end.day() < first.day() && end.day() >= 28));
            let days = (period.end.seconds() - period.start.seconds()) / 86_400;
            let expected = if yearly { 365..=366 } else { 28..=31 };
            prop_assert!(expected.contains(&days));
        }
    }
}
