//! Proration: the unused part of a period's price at an instant, over real seconds, rounded once.

use crate::money::{Overflow, divide};

/// Returns `amount × (end − at) / (end − start)`. An instant outside of the period counts as its
/// nearer end.
pub fn unused(amount: i64, start: i64, end: i64, at: i64) -> Result<i64, Overflow> {
    let at = at.clamp(start, end.max(start));
    divide(i128::from(amount) * i128::from(end - at), i128::from(end - start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::MAX_AMOUNT;
    use proptest::prelude::*;

    #[test]
    fn unused_part_is_rounded_half_away_from_zero() {
        let rest = |amount, at| unused(amount, 0, 4, at).unwrap();
        assert_eq!(
            [rest(1_000, 0), rest(1_000, 1), rest(1_000, 3), rest(1_000, 4)],
            [1_000, 750, 250, 0]
        );
        assert_eq!([rest(2, 1), rest(2, 3), rest(-2, 1), rest(1, 2), rest(1, 3)], [2, 1, -2, 1, 0]);
        assert_eq!([rest(8, -9), rest(8, 9)], [8, 0]);
        assert_eq!(unused(1, 7, 7, 7), Err(Overflow));
    }

    proptest! {
        #[test]
        fn change_and_its_reverse_at_one_instant_cancel_out(
            a in 0..=MAX_AMOUNT, b in 0..=MAX_AMOUNT,
            length in 1i64..=366 * 86_400, part in 0i64..=1_000_000,
        ) {
            let start = 1_700_000_000;
            let at = start + length * part / 1_000_000;
            let rest = |amount: i64| unused(amount, start, start + length, at).unwrap();
            // The credit is rounded like the charge.
            let change = |from: i64, to: i64| rest(-from) + rest(to);
            prop_assert_eq!(change(a, b) + change(b, a), 0);
            // No other amount is nearer to the exact part.
            let exact = i128::from(a) * i128::from(start + length - at);
            let off = exact - i128::from(rest(a)) * i128::from(length);
            prop_assert!(2 * off.abs() <= i128::from(length), "{} of {}", rest(a), a);
        }
    }
}
