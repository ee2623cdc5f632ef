//! Rating: what a plan's charges come to. Graduated tiers, one rounding for each line.

use crate::base::{Decimal, Overflow, money};
use crate::catalog::{Charge, Plan, Tier};

/// What a plan charges each period, in advance.
pub fn recurring_total(plan: &Plan, quantity: i64) -> Result<i64, Overflow> {
    let amounts: Result<Vec<_>, _> = plan
        .charges
        .iter()
        .map(|charge| match charge {
            Charge::Recurring { amount, per_unit } => times(*amount, *per_unit, quantity),
            Charge::Usage { .. } | Charge::OneOff { .. } => Ok(0),
        })
        .collect();
    money::sum(amounts?)
}

/// A recurring charge for a quantity of units.
pub fn times(amount: i64, per_unit: bool, quantity: i64) -> Result<i64, Overflow> {
    let quantity = if per_unit { quantity } else { 1 };
    money::amount(i128::from(amount) * i128::from(quantity))
}

/// What so many units cost, beyond those that are included: each tier prices the units within it.
pub fn usage_amount(tiers: &[Tier], included: Decimal, units: Decimal) -> Result<i64, Overflow> {
    let billable = units.checked_sub(included)?.max(Decimal::ZERO).units();
    let (mut below, mut cost) = (0i128, 0i128);
    for tier in tiers {
        let up_to = tier.up_to.map_or(billable, |end| Decimal::from_integer(end).units());
        let within = billable.min(up_to) - below;
        if within <= 0 {
            break;
        }
        // What overflows here is far beyond the range of amounts.
        let part = within.checked_mul(tier.unit_price.units()).ok_or(Overflow)?;
        cost = cost.checked_add(part).ok_or(Overflow)?;
        below += within;
    }
    money::divide(cost, Decimal::ONE * Decimal::ONE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tiers(list: &[(Option<i64>, &str)]) -> Vec<Tier> {
        let tier = |(up_to, price): &(Option<i64>, &str)| Tier {
            up_to: *up_to,
            unit_price: price.parse().unwrap(),
        };
        list.iter().map(tier).collect()
    }

    fn amount(list: &[(Option<i64>, &str)], included: &str, units: &str) -> i64 {
        usage_amount(&tiers(list), included.parse().unwrap(), units.parse().unwrap()).unwrap()
    }

    #[test]
    fn each_tier_prices_the_units_within_it_and_included_units_cost_nothing() {
        let list = [(Some(100), "10"), (Some(1_000), "5"), (None, "1")];
        let costs =
            [("0", 0), ("1", 10), ("100", 1_000), ("101", 1_005), ("1000", 5_500), ("2000", 6_500)];
        for (units, cost) in costs {
            assert_eq!(amount(&list, "0", units), cost, "{units}");
        }
        assert_eq!(amount(&list, "50", "50"), 0);
        assert_eq!(amount(&list, "50", "20"), 0);
        assert_eq!(amount(&list, "50", "151"), 1_005);
    }

    #[test]
    fn a_line_is_rounded_once_whatever_its_tiers() {
        // 0.5 + 0.5 is one, not two roundings up to two.
        assert_eq!(amount(&[(Some(1), "0.5"), (None, "0.5")], "0", "2"), 1);
        assert_eq!(amount(&[(None, "0.000000000001")], "0", "499999999999"), 0);
        assert_eq!(amount(&[(None, "0.000000000001")], "0", "500000000000"), 1);
        assert_eq!(amount(&[(None, "0.3")], "0", "0.5"), 0);
        assert_eq!(amount(&[(None, "1")], "0", "0.5"), 1);
        assert_eq!(amount(&[(None, "1")], "0", "0.499999"), 0);
    }

    #[test]
    fn what_is_beyond_the_range_of_amounts_is_an_error() {
        let price = tiers(&[(None, "1")]);
        let rate = |units: &str| usage_amount(&price, Decimal::ZERO, units.parse().unwrap());
        assert_eq!(rate("1000000000000"), Ok(money::MAX_AMOUNT));
        assert_eq!(rate("1000000000001"), Err(Overflow));
        assert_eq!(times(money::MAX_AMOUNT, true, 2), Err(Overflow));
        assert_eq!(times(money::MAX_AMOUNT, false, 2), Ok(money::MAX_AMOUNT));
        let dear = tiers(&[(None, "999999999999999")]);
        assert_eq!(
            usage_amount(&dear, Decimal::ZERO, "999999999999999".parse().unwrap()),
            Err(Overflow)
        );
    }

    proptest! {
        #[test]
        fn more_units_never_cost_less_and_a_tier_boundary_is_continuous(
            ends in proptest::collection::btree_set(1i64..10_000, 0..4),
            prices in proptest::collection::vec(0i64..1_000_000, 5),
            units in 0i64..20_000, more in 0i64..1_000, included in 0i64..500,
        ) {
            let ends = ends.into_iter().map(Some).chain([None]);
            let tiers: Vec<Tier> = ends.zip(&prices).map(|(up_to, price)| Tier {
                up_to,
                unit_price: Decimal::from_units(i128::from(*price) * 1_000_000_000),
            }).collect();
            let cost = |units| usage_amount(&tiers, Decimal::from_integer(included), Decimal::from_integer(units));
            prop_assert!(cost(units).unwrap() <= cost(units + more).unwrap());
            // Unit by unit, in thousandths of a minor unit, it comes to the same.
            let price_of = |n: i64| tiers.iter().find(|t| t.up_to.is_none_or(|end| n <= end)).unwrap().unit_price.units() / 1_000_000_000;
            let exact: i128 = (1..=units - included).map(price_of).sum();
            prop_assert_eq!(cost(units).unwrap(), money::divide(exact, 1_000).unwrap());
        }
    }
}
