//! Proration: what of a period is unused at an instant, over real seconds, rounded once.

use super::Period;
use crate::base::{Overflow, Time, money};

/// `amount × (end − at) / (end − start)`, rounded half away from zero. An instant outside of the
/// period counts as its nearer end.
pub fn unused(amount: i64, period: Period, at: Time) -> Result<i64, Overflow> {
    let at = at.clamp(period.start, period.end);
    let seconds = |from: Time, to: Time| i128::from(to.seconds() - from.seconds());
    let whole = seconds(period.start, period.end);
    money::divide(i128::from(amount) * seconds(at, period.end), whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn period(start: i64, length: i64) -> Period {
        Period { start: Time::from_seconds(start), end: Time::from_seconds(start + length) }
    }

    #[test]
    fn the_unused_part_is_rounded_half_away_from_zero() {
        let p = period(0, 4);
        let rest = |amount, at| unused(amount, p, Time::from_seconds(at)).unwrap();
        assert_eq!(
            [rest(1_000, 0), rest(1_000, 1), rest(1_000, 3), rest(1_000, 4)],
            [1_000, 750, 250, 0]
        );
        assert_eq!([rest(2, 1), rest(2, 3), rest(-2, 1), rest(1, 2), rest(1, 3)], [2, 1, -2, 1, 0]);
    }

    proptest! {
        #[test]
        fn a_change_and_its_reverse_at_one_instant_cancel_out(
            a in 0..=money::MAX_AMOUNT, b in 0..=money::MAX_AMOUNT,
            length in 1i64..=366 * 86_400, part in 0.0..=1.0f64,
        ) {
            let p = period(1_700_000_000, length);
            #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
            let at = p.start.plus_seconds((length as f64 * part) as i64);
            let rest = |amount: i64| unused(amount, p, at).unwrap();
            // What is credited is rounded as what is charged.
            let change = |from: i64, to: i64| rest(-from) + rest(to);
            prop_assert_eq!(change(a, b) + change(b, a), 0);
            // Of all amounts it is the nearest to the exact part.
            let exact = i128::from(a) * i128::from(p.end.seconds() - at.seconds());
            let off = exact - i128::from(rest(a)) * i128::from(length);
            prop_assert!(2 * off.abs() <= i128::from(length), "{} of {}", rest(a), a);
        }
    }
}
