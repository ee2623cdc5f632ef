//! Customer balances: money that a customer has with the seller, for each currency. The next
//! invoices are paid from it before anything is charged.
//!
//! The ledger is append-only, and a balance is never negative. A balance equals the
//! `balance_after` of its last entry and the sum of its entries.

mod sql;

pub use sql::{all, page};

use crate::audit::Action;
use crate::base::words::words;
use crate::base::{BalanceEntryId, CreditNoteId, Currency, InvoiceId, MAX_AMOUNT, Time};
use crate::customers::Customer;
use crate::db::{DbError, FromRow, ToRow, Tx};
use crate::invoices::Invoice;
use crate::invoices::credit_notes::{CreditNote, Refund};
use crate::organizations::Tenant;
use crate::work::{BillingError, Work};
use serde_json::json;

/// A customer's balance in one currency.
#[derive(Clone, Debug, FromRow, ToRow)]
pub struct Balance {
    pub currency: Currency,
    pub amount: i64,
    pub last_entry_id: BalanceEntryId,
    pub updated_at: Time,
}

/// An entry of the ledger.
#[derive(Clone, Debug, FromRow, ToRow)]
pub struct BalanceEntry {
    pub id: BalanceEntryId,
    #[record(name = "type")]
    pub kind: BalanceEntryType,
    pub currency: Currency,
    /// Positive if the customer gains.
    pub amount: i64,
    pub balance_after: i64,
    pub invoice_id: Option<InvoiceId>,
    pub credit_note_id: Option<CreditNoteId>,
    pub description: Option<String>,
    pub created_at: Time,
}

words! {
    BalanceEntryType {
        /// Changed by a backend.
        Adjustment = "adjustment",
        /// Paid an invoice, or reserved for one that waits for its payment.
        Applied = "applied",
        /// Returned from an invoice that was voided or whose payment did not come.
        Returned = "returned",
        /// The excess of a transfer, or a payment that a bank gave back after it was paid again.
        Overpayment = "overpayment",
        CreditNote = "credit_note",
        /// Taken back with a credit note that was voided.
        CreditNoteVoided = "credit_note_voided",
        /// A refund that the processor could not make.
        RefundFailed = "refund_failed",
    }
}

/// A change of a balance.
#[derive(Clone, Debug)]
pub struct Change {
    pub kind: BalanceEntryType,
    pub currency: Currency,
    pub amount: i64,
    pub invoice_id: Option<InvoiceId>,
    pub credit_note_id: Option<CreditNoteId>,
    pub description: Option<String>,
}

impl Change {
    fn of_invoice(invoice: &Invoice, kind: BalanceEntryType, amount: i64) -> Self {
        let (currency, invoice_id) = (invoice.currency, Some(invoice.id));
        Self { kind, currency, amount, invoice_id, credit_note_id: None, description: None }
    }

    pub fn of_note(note: &CreditNote, kind: BalanceEntryType, amount: i64) -> Self {
        let (invoice_id, credit_note_id) = (Some(note.invoice_id), Some(note.id));
        let currency = note.currency;
        Self { kind, currency, amount, invoice_id, credit_note_id, description: None }
    }

    /// Adds what a refund should have paid back.
    pub fn of_refund(refund: &Refund, kind: BalanceEntryType) -> Self {
        Self {
            kind,
            currency: refund.currency,
            amount: refund.amount,
            invoice_id: Some(refund.invoice_id),
            credit_note_id: Some(refund.credit_note_id),
            description: None,
        }
    }
}

/// Changes the balance of a locked customer and appends the entry. Money that the seller already
/// has is added beyond `MAX_AMOUNT` too.
pub async fn change(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
    change: Change,
) -> Result<BalanceEntry, DbError> {
    let before = sql::get(work.tx, work.tenant, customer_no, change.currency).await?;
    let (amount, last) =
        before.map_or((0, None), |before| (before.amount, Some(before.last_entry_id)));
    let after = amount.checked_add(change.amount).filter(|after| *after >= 0);
    let balance_after = after.ok_or(DbError::Broken("a balance would leave its range"))?;
    // Ascends even if the clocks of nodes differ.
    let beyond = BalanceEntryId::from_u128(last.map_or(0, |id| id.to_u128() + 1));
    let entry = BalanceEntry {
        id: work.by.ids.balance_entry().max(beyond),
        kind: change.kind,
        currency: change.currency,
        amount: change.amount,
        balance_after,
        invoice_id: change.invoice_id,
        credit_note_id: change.credit_note_id,
        description: change.description,
        created_at: work.at,
    };
    sql::append(work.tx, work.tenant, customer_no, &entry).await?;
    Ok(entry)
}

/// Changes a balance by hand, with the customer locked. The caller has checked the currency.
pub async fn adjust(
    work: &mut Work<'_, '_, '_>,
    customer: &Customer,
    currency: Currency,
    amount: i64,
    description: Option<String>,
) -> Result<BalanceEntry, BillingError> {
    let after = available(work.tx, work.tenant, customer.no, currency).await? + amount;
    if after < 0 {
        return Err(BillingError::BalanceTooLow);
    }
    if after > MAX_AMOUNT {
        return Err(BillingError::OutOfRange);
    }
    let kind = BalanceEntryType::Adjustment;
    let new =
        Change { kind, currency, amount, invoice_id: None, credit_note_id: None, description };
    let entry = change(work, customer.no, new).await?;
    let detail = json!({
        "entryId": entry.id, "currency": currency, "amount": amount,
        "balanceAfter": entry.balance_after,
    });
    work.note(customer.id, Action::BalanceAdjusted, customer.id, detail).await?;
    Ok(entry)
}

/// Pays a part of a draft from the balance of its locked customer.
pub async fn apply(
    work: &mut Work<'_, '_, '_>,
    invoice: &mut Invoice,
    part: i64,
) -> Result<(), DbError> {
    if part == 0 {
        return Ok(());
    }
    change(
        work,
        invoice.customer_no,
        Change::of_invoice(invoice, BalanceEntryType::Applied, -part),
    )
    .await?;
    invoice.balance_applied = part;
    super::sql::store_balance_applied(work.tx, work.tenant, invoice).await
}

/// Returns what an invoice took from the balance of its locked customer. The caller stores or
/// deletes the invoice.
pub async fn give_back(work: &mut Work<'_, '_, '_>, invoice: &Invoice) -> Result<(), DbError> {
    let applied = invoice.balance_applied;
    if applied == 0 {
        return Ok(());
    }
    let new = Change::of_invoice(invoice, BalanceEntryType::Returned, applied);
    change(work, invoice.customer_no, new).await.map(|_| ())
}

/// Adds the excess of a transfer to the balance of a locked customer.
pub async fn overpaid(
    work: &mut Work<'_, '_, '_>,
    invoice: &Invoice,
    excess: i64,
    reference: &str,
) -> Result<(), DbError> {
    let new = Change::of_invoice(invoice, BalanceEntryType::Overpayment, excess);
    let new = Change { description: Some(reference.to_owned()), ..new };
    change(work, invoice.customer_no, new).await.map(|_| ())
}

/// Returns the balance of a customer in a currency.
pub async fn available(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    currency: Currency,
) -> Result<i64, DbError> {
    let balance = sql::get(tx, tenant, customer_no, currency).await?;
    Ok(balance.map_or(0, |balance| balance.amount))
}

/// Returns the part of an amount due that a balance pays: all of it, or as much as leaves nothing
/// that is too small to charge.
pub fn usable(available: i64, due: i64, minimum: i64) -> i64 {
    if available >= due {
        return due.max(0);
    }
    available.min(due - minimum).max(0)
}

/// Whether the customer has money in another currency than this one.
pub async fn is_elsewhere(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    currency: Currency,
) -> Result<bool, DbError> {
    let all = all(tx, tenant, customer_no).await?;
    Ok(all.iter().any(|balance| balance.amount > 0 && balance.currency != currency))
}

#[cfg(test)]
mod tests {
    use super::usable;
    use proptest::prelude::*;

    #[test]
    fn balance_leaves_nothing_too_small_to_charge() {
        let part = |available, due| usable(available, due, 50);
        assert_eq!([part(0, 100), part(30, 100), part(50, 100)], [0, 30, 50]);
        assert_eq!(
            [part(51, 100), part(99, 100), part(100, 100), part(500, 100)],
            [50, 50, 100, 100]
        );
        assert_eq!([part(10, 40), part(40, 40), part(9, 0)], [0, 40, 0]);
        assert_eq!(usable(99, 100, 0), 99);
    }

    proptest! {
        #[test]
        fn rest_is_nothing_or_chargeable_unless_it_was_small_before(
            available in 0i64..10_000, due in 0i64..10_000, minimum in 0i64..1_000,
        ) {
            let part = usable(available, due, minimum);
            prop_assert!((0..=available.min(due)).contains(&part));
            let rest = due - part;
            prop_assert!(rest == 0 || rest >= minimum || part == 0);
            // No more can be used.
            let more = part + 1;
            prop_assert!(more > available || more > due || due - more < minimum);
        }
    }
}
