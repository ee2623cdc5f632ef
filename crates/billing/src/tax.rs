//! Tax: exclusive, on the subtotal of an invoice, rounded once.

use crate::money::{Overflow, divide};

/// Returns the tax on a subtotal at a rate in basis points (1,900 is 19 %).
pub fn amount(subtotal: i64, basis_points: i64) -> Result<i64, Overflow> {
    divide(i128::from(subtotal) * i128::from(basis_points), 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::MAX_AMOUNT;
    use proptest::prelude::*;

    #[test]
    fn tax_is_rounded_half_away_from_zero() {
        assert_eq!(amount(3, 1_900), Ok(1));
        assert_eq!(amount(5, 1_000), Ok(1));
        assert_eq!(amount(-5, 1_000), Ok(-1));
        assert_eq!(amount(4, 1_000), Ok(0));
    }

    proptest! {
        #[test]
        fn tax_is_the_nearest_amount(
            subtotal in -MAX_AMOUNT..=MAX_AMOUNT, basis_points in 0i64..=10_000,
        ) {
            let tax = amount(subtotal, basis_points).unwrap();
            let off = i128::from(subtotal) * i128::from(basis_points) - i128::from(tax) * 10_000;
            prop_assert!(2 * off.abs() <= 10_000);
            prop_assert_eq!(amount(-subtotal, basis_points).unwrap(), -tax);
        }
    }
}
