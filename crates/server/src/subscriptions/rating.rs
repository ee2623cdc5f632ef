//! Rating of a plan's charges.

use crate::base::{Overflow, money};
use crate::catalog::{Charge, Plan};

pub use unitpay_billing::rating::times;

/// Returns the plan's price of one period, which is charged in advance.
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
