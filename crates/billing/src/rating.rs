//! Rating: the price of usage. Graduated tiers, one rounding for each line.
//!
//! A price is a function `f` of the quantity that a whole usage window measures. A part of the
//! window, from quantity a to quantity b, costs `f(b) − f(a)`. The parts of a window therefore add
//! up to the price of the whole window, wherever it is cut, and included units count once.

use crate::money::{Decimal, Overflow, amount, divide};

/// The price of a whole usage window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// Units that cost nothing.
    pub included: Decimal,
    /// Ascending; the last one has no end.
    pub tiers: Vec<Tier>,
}

/// A price up to a number of units, counted after the included ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    pub up_to: Option<i64>,
    /// Minor units for one unit.
    pub unit_price: Decimal,
}

impl Price {
    /// Returns the cost of the first `units` of a window: each tier prices the units within it.
    pub fn of_window(&self, units: Decimal) -> Result<i64, Overflow> {
        let billable = units.checked_sub(self.included)?.max(Decimal::ZERO).units();
        let (mut below, mut cost) = (0i128, 0i128);
        for tier in &self.tiers {
            let up_to = tier.up_to.map_or(billable, |end| Decimal::from_integer(end).units());
            let within = billable.min(up_to) - below;
            if within <= 0 {
                break;
            }
            // A product that overflows here is far beyond the range of amounts.
            let part = within.checked_mul(tier.unit_price.units()).ok_or(Overflow)?;
            cost = cost.checked_add(part).ok_or(Overflow)?;
            below += within;
        }
        divide(cost, Decimal::ONE * Decimal::ONE)
    }

    /// Returns the cost of the units of a window from one quantity to another.
    pub fn of_segment(&self, from: Decimal, to: Decimal) -> Result<i64, Overflow> {
        amount(i128::from(self.of_window(to)?) - i128::from(self.of_window(from)?))
    }

    /// Splits the units of a segment by price: the included ones, then for each tier with units its
    /// units and its unit price.
    pub fn parts(&self, from: Decimal, to: Decimal) -> (Decimal, Vec<(Decimal, Decimal)>) {
        let within = |start: i128, end: i128| {
            Decimal::from_units((to.units().min(end) - from.units().max(start)).max(0))
        };
        let free = self.included.units().max(0);
        let mut start = free;
        let mut parts = Vec::new();
        for tier in &self.tiers {
            let up_to = |end| free.saturating_add(Decimal::from_integer(end).units());
            let end = tier.up_to.map_or(i128::MAX, up_to);
            let units = within(start, end);
            if units > Decimal::ZERO {
                parts.push((units, tier.unit_price));
            }
            start = end;
        }
        (within(0, free), parts)
    }
}

/// Returns a recurring charge for a quantity of units.
pub fn times(price: i64, per_unit: bool, quantity: i64) -> Result<i64, Overflow> {
    let quantity = if per_unit { quantity } else { 1 };
    amount(i128::from(price) * i128::from(quantity))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::MAX_AMOUNT;
    use proptest::prelude::*;

    fn price(list: &[(Option<i64>, &str)], included: &str) -> Price {
        let tier = |(up_to, price): &(Option<i64>, &str)| Tier {
            up_to: *up_to,
            unit_price: price.parse().unwrap(),
        };
        let included = included.parse().unwrap();
        Price { included, tiers: list.iter().map(tier).collect() }
    }

    fn cost(list: &[(Option<i64>, &str)], included: &str, units: &str) -> i64 {
        price(list, included).of_window(units.parse().unwrap()).unwrap()
    }

    #[test]
    fn each_tier_prices_the_units_within_it() {
        let list = [(Some(100), "10"), (Some(1_000), "5"), (None, "1")];
        let costs =
            [("0", 0), ("1", 10), ("100", 1_000), ("101", 1_005), ("1000", 5_500), ("2000", 6_500)];
        for (units, expected) in costs {
            assert_eq!(cost(&list, "0", units), expected, "{units}");
        }
    }

    #[test]
    fn included_units_cost_nothing() {
        let list = [(Some(100), "10"), (None, "5")];
        assert_eq!([cost(&list, "50", "50"), cost(&list, "50", "20")], [0, 0]);
        assert_eq!(cost(&list, "50", "151"), 1_005);
    }

    #[test]
    fn line_is_rounded_once_whatever_its_tiers() {
        // 0.5 + 0.5 is one, not two roundings up to two.
        assert_eq!(cost(&[(Some(1), "0.5"), (None, "0.5")], "0", "2"), 1);
        assert_eq!(cost(&[(None, "0.000000000001")], "0", "499999999999"), 0);
        assert_eq!(cost(&[(None, "0.000000000001")], "0", "500000000000"), 1);
        assert_eq!(cost(&[(None, "0.3")], "0", "0.5"), 0);
        assert_eq!(cost(&[(None, "1")], "0", "0.5"), 1);
        assert_eq!(cost(&[(None, "1")], "0", "0.499999"), 0);
    }

    #[test]
    fn segment_costs_the_units_above_its_start() {
        let list = price(&[(Some(100), "10"), (None, "5")], "1000");
        let part = |from, to| {
            list.of_segment(Decimal::from_integer(from), Decimal::from_integer(to)).unwrap()
        };
        assert_eq!(part(0, 1_000), 0);
        assert_eq!(part(400, 1_001), 10);
        assert_eq!(part(10_000, 10_001), 5);
        assert_eq!(part(1_050, 1_150), 750);
        assert_eq!(part(1_500, 1_500), 0);
    }

    #[test]
    fn cost_beyond_the_range_of_amounts_is_an_error() {
        let list = price(&[(None, "1")], "0");
        let rate = |units: &str| list.of_window(units.parse().unwrap());
        assert_eq!(rate("1000000000000"), Ok(MAX_AMOUNT));
        assert_eq!(rate("1000000000001"), Err(Overflow));
        assert_eq!(times(MAX_AMOUNT, true, 2), Err(Overflow));
        assert_eq!(times(MAX_AMOUNT, false, 2), Ok(MAX_AMOUNT));
        let dear = price(&[(None, "999999999999999")], "0");
        assert_eq!(dear.of_window("999999999999999".parse().unwrap()), Err(Overflow));
    }

    fn prices() -> impl Strategy<Value = Price> {
        let ends = proptest::collection::btree_set(1i64..10_000, 0..4);
        let prices = proptest::collection::vec(0i64..1_000_000, 5);
        (ends, prices, 0i64..500).prop_map(|(ends, prices, included)| Price {
            included: Decimal::from_integer(included),
            tiers: (ends.into_iter().map(Some).chain([None]).zip(prices))
                .map(|(up_to, price)| Tier {
                    up_to,
                    unit_price: Decimal::from_units(i128::from(price) * 1_000_000_000),
                })
                .collect(),
        })
    }

    proptest! {
        #[test]
        fn parts_of_a_segment_sum_up_to_its_units_and_its_price(
            included in 0i64..500, first in 1i64..1_000, more in 1i64..1_000,
            from in 0i64..3_000, units in 0i64..3_000,
        ) {
            let tier = |up_to, price: i64| Tier { up_to, unit_price: Decimal::from_integer(price) };
            let price = Price {
                included: Decimal::from_integer(included),
                tiers: vec![tier(Some(first), 7), tier(Some(first + more), 3), tier(None, 1)],
            };
            let (from, to) = (Decimal::from_integer(from), Decimal::from_integer(from + units));
            let (free, parts) = price.parts(from, to);
            let sum: i128 = parts.iter().map(|(units, _)| units.units()).sum();
            prop_assert_eq!(free.units() + sum, to.units() - from.units());
            let cost: i128 = parts.iter().map(|(units, price)| units.units() * price.units()).sum();
            prop_assert_eq!(divide(cost, Decimal::ONE * Decimal::ONE), price.of_segment(from, to));
        }

        #[test]
        fn window_costs_the_sum_of_its_units(
            price in prices(), units in 0i64..20_000, more in 0i64..1_000,
        ) {
            let cost = |units| price.of_window(Decimal::from_integer(units)).unwrap();
            prop_assert!(cost(units) <= cost(units + more));
            let unit = |n: i64| {
                let tier = price.tiers.iter().find(|t| t.up_to.is_none_or(|end| n <= end)).unwrap();
                tier.unit_price.units() / 1_000_000_000
            };
            let included = i64::try_from(price.included.units() / Decimal::ONE).unwrap();
            let exact: i128 = (1..=units - included).map(unit).sum();
            prop_assert_eq!(cost(units), divide(exact, 1_000).unwrap());
        }

        #[test]
        fn segments_add_up_to_their_window(
            price in prices(), mut cuts in proptest::collection::vec(0i64..20_000_000, 0..8),
        ) {
            // Thousandths of a unit, in order: where changes cut the window.
            cuts.sort_unstable();
            let at = |cut: i64| Decimal::from_units(i128::from(cut) * 1_000_000_000);
            let (mut from, mut sum) = (Decimal::ZERO, 0);
            for cut in &cuts {
                let part = price.of_segment(from, at(*cut)).unwrap();
                prop_assert!(part >= 0);
                sum += part;
                from = at(*cut);
            }
            prop_assert_eq!(sum, price.of_window(from).unwrap());
        }
    }
}
