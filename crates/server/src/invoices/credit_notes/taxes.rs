//! The taxes of a credit note, by rate.
//!
//! A credited line is taxed at the rate of the line. A credited amount takes its share of each rate of
//! the invoice.

use super::CreditNoteItem;
use crate::base::{Overflow, TaxRate, money};
use crate::invoices::{self, Invoice, Line, Tax};
use unitpay_billing::credit::{Split, share};

/// Whether all lines are taxed at the invoice's rate.
pub(super) fn is_uniform(lines: &[Line]) -> bool {
    lines.iter().all(|line| line.tax.is_none())
}

/// Returns the taxes of newly credited lines. The tax of each rate is rounded once, over all lines
/// that were ever credited.
pub(super) fn of_lines(
    lines: &[Line],
    rate: Option<&TaxRate>,
    earlier: &[CreditNoteItem],
    new: &[CreditNoteItem],
) -> Result<Vec<Tax>, Overflow> {
    let taxes = |items: &[CreditNoteItem]| {
        let credited = items.iter().filter_map(|item| {
            let line = lines.get(item.item)?.clone();
            Some(Line { amount: item.amount, ..line })
        });
        invoices::taxes(&credited.collect::<Vec<_>>(), rate)
    };
    let before = taxes(earlier)?;
    let all = taxes(&[earlier, new].concat())?;
    let added = |tax: Tax| match before.iter().find(|before| before.rate == tax.rate) {
        None => tax,
        Some(before) => {
            Tax { net: tax.net - before.net, amount: tax.amount - before.amount, ..tax }
        }
    };
    Ok(all.into_iter().map(added).collect())
}

/// Returns the share that a credit has of each tax of its invoice.
pub(super) fn of_share(
    invoice: &Invoice,
    lines: &[Line],
    split: Split,
) -> Result<Vec<Tax>, Overflow> {
    let totals = &invoice.totals;
    let credited = |tax: Tax| {
        let net = share(tax.net, split.net, totals.subtotal)?;
        let amount = share(tax.amount, split.tax, totals.tax_amount)?;
        Ok(Tax { net, amount, ..tax })
    };
    invoices::taxes(lines, totals.tax.as_ref())?.into_iter().map(credited).collect()
}

/// Returns the sum of taxes.
pub(super) fn sum(taxes: &[Tax]) -> Result<i64, Overflow> {
    money::sum(taxes.iter().map(|tax| tax.amount))
}

/// Makes taxes add up to the tax of the credit note, and drops those of nothing.
pub(super) fn add_up(mut taxes: Vec<Tax>, total: i64) -> Result<Vec<Tax>, Overflow> {
    taxes.retain(|tax| (tax.net, tax.amount) != (0, 0));
    let off = total - sum(&taxes)?;
    if let Some(last) = taxes.last_mut() {
        last.amount += off;
    }
    Ok(taxes)
}
