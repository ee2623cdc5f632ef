//! Adjusting a customer's balance by hand.

use crate::base::Currency;
use crate::customers;
use crate::flows::create;
use crate::invoices::balance::{self, BalanceEntry};
use crate::work::{BillingError, Work};

/// A change that a backend asks for.
#[derive(Clone, Debug)]
pub struct Adjustment {
    pub currency: Currency,
    /// Positive to add, negative to take.
    pub amount: i64,
    pub description: Option<String>,
}

/// Adjusts a balance. Money is added in a currency only that the customer may buy in.
pub async fn adjust_balance(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
    adjustment: Adjustment,
) -> Result<BalanceEntry, BillingError> {
    let customer = customers::lock_no(work.tx, work.tenant, customer_no).await?;
    let customer = customer.ok_or(BillingError::CustomerNotFound)?;
    if customer.archived_at.is_some() {
        return Err(BillingError::CustomerArchived);
    }
    let Adjustment { currency, amount, description } = adjustment;
    if amount > 0 && !create::may_pay_in(work.tx, work.tenant, customer_no, currency).await? {
        return Err(BillingError::CurrencyMismatch);
    }
    balance::adjust(work, &customer, currency, amount, description).await
}
