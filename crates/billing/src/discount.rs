//! Discounts: the part that a coupon takes off a price, and its split over the lines of that price.

use crate::money::{Overflow, divide};

/// The reduction of a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Off {
    /// A share in basis points (2,000 is 20 %).
    Share(i64),
    /// An amount in minor units.
    Amount(i64),
}

impl Off {
    /// Returns the discount on a price: from 0 to the whole price. A share is rounded once.
    pub fn on(self, price: i64) -> Result<i64, Overflow> {
        let price = price.max(0);
        let discount = match self {
            Self::Share(points) => divide(i128::from(price) * i128::from(points), 10_000)?,
            Self::Amount(amount) => amount,
        };
        Ok(discount.clamp(0, price))
    }
}

/// Splits a discount over the amounts of its price, in proportion. The parts add up to the discount
/// exactly: what rounding leaves is given to the largest remainders, to the first of equal ones. No
/// part is larger than its amount. Expects amounts from 0 that are together at least the discount.
pub fn split(discount: i64, amounts: &[i64]) -> Vec<i64> {
    let whole: i128 = amounts.iter().copied().map(i128::from).sum();
    if whole == 0 {
        return vec![0; amounts.len()];
    }
    let exact = |amount: &i64| i128::from(*amount) * i128::from(discount);
    // A part is at most its amount, which is an `i64`.
    let floor = |amount: &i64| i64::try_from(exact(amount) / whole).unwrap_or(*amount);
    let mut parts: Vec<i64> = amounts.iter().map(floor).collect();
    let mut by_remainder: Vec<usize> = (0..amounts.len()).collect();
    by_remainder.sort_by_key(|at| std::cmp::Reverse(exact(&amounts[*at]) % whole));
    let left = discount - parts.iter().sum::<i64>();
    for at in by_remainder.into_iter().take(usize::try_from(left).unwrap_or(0)) {
        parts[at] += 1;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::MAX_AMOUNT;
    use crate::proration::unused;
    use proptest::prelude::*;

    #[test]
    fn share_is_rounded_half_away_from_zero() {
        let on = |points, price| Off::Share(points).on(price);
        assert_eq!([on(2_000, 2_900), on(5_000, 5), on(3_333, 100)], [Ok(580), Ok(3), Ok(33)]);
        assert_eq!(
            [on(10_000, 7), on(0, 7), on(5_000, 0), on(5_000, -9)],
            [Ok(7), Ok(0), Ok(0), Ok(0)]
        );
    }

    #[test]
    fn amount_takes_off_no_more_than_the_price() {
        let on = |amount, price| Off::Amount(amount).on(price);
        assert_eq!([on(500, 2_900), on(3_000, 2_900), on(500, 0)], [Ok(500), Ok(2_900), Ok(0)]);
    }

    #[test]
    fn split_gives_the_rest_to_the_largest_remainders() {
        assert_eq!(split(100, &[100, 100, 100]), [34, 33, 33]);
        assert_eq!(split(10, &[1, 2, 97]), [0, 0, 10]);
        assert_eq!(split(1, &[1, 2, 1]), [0, 1, 0]);
        assert_eq!(split(0, &[5, 0]), [0, 0]);
        assert_eq!(split(0, &[0, 0]), [0, 0]);
        assert_eq!(split(0, &[]), [0_i64; 0]);
    }

    fn any_off() -> impl Strategy<Value = Off> {
        let share = (0i64..=10_000).prop_map(Off::Share);
        prop_oneof![share, (0..=MAX_AMOUNT).prop_map(Off::Amount)]
    }

    proptest! {
        #[test]
        fn parts_add_up_and_are_within_their_amounts(
            off in any_off(), amounts in prop::collection::vec(0..=MAX_AMOUNT / 20, 0..20),
        ) {
            let whole: i64 = amounts.iter().sum();
            let discount = off.on(whole).unwrap();
            prop_assert!((0..=whole).contains(&discount));
            let parts = split(discount, &amounts);
            prop_assert_eq!(parts.iter().sum::<i64>(), discount);
            for (part, amount) in parts.iter().zip(&amounts) {
                prop_assert!((0..=*amount).contains(part));
                let exact = i128::from(discount) * i128::from(*amount);
                let off = exact - i128::from(*part) * i128::from(whole);
                prop_assert!(off.abs() < i128::from(whole.max(1)), "not the nearest two");
            }
        }

        /// A customer changes between plans and coupons within one period. Each change credits the
        /// unused part of what the period cost until then, and charges that of the new price. The
        /// credits of a period never exceed what was charged for it.
        #[test]
        fn credits_of_a_period_never_exceed_its_charges(
            steps in prop::collection::vec((0..=MAX_AMOUNT / 100, any_off(), 0i64..=1_000), 1..12),
        ) {
            let (start, end) = (1_700_000_000, 1_700_000_000 + 31 * 86_400);
            let (mut at, mut net, mut balance) = (start, 0, 0);
            for (price, off, part) in steps {
                at += (end - at) * part / 1_000;
                balance -= unused(net, start, end, at).unwrap();
                // The time that was used, but for half a unit of rounding for each amount.
                prop_assert!(balance >= -12, "{balance} after a credit");
                net = price - off.on(price).unwrap();
                balance += unused(net, start, end, at).unwrap();
                prop_assert!(balance >= -12, "{balance} after a charge");
            }
        }
    }
}
