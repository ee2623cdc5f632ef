//! Computes the amount of a credit note, and where it goes.

use super::{CreditNote, CreditNoteItem, CreditNoteReason, CreditNoteStatus, Parts, taxes};
use crate::base::money;
use crate::invoices::{Invoice, InvoiceStatus, Line, Tax};
use crate::work::BillingError;
use unitpay_billing::credit::{Creditable, Split};

/// A credit note that a caller asks for.
#[derive(Clone, Debug)]
pub struct CreditOrder {
    pub credit: Credit,
    pub reason: CreditNoteReason,
    pub parts: WantedParts,
    pub memo: Option<String>,
}

#[derive(Clone, Debug)]
pub enum Credit {
    /// An amount with its tax.
    Amount(i64),
    Lines(Vec<LineCredit>),
}

/// A part of a line, before tax; without an amount, all that is left of it.
#[derive(Clone, Copy, Debug)]
pub struct LineCredit {
    pub item: usize,
    pub amount: Option<i64>,
}

/// Where the caller wants the part to go that does not lower the amount due. Without any, it goes to
/// the balance.
#[derive(Clone, Copy, Debug, Default)]
pub struct WantedParts {
    pub refund: Option<i64>,
    pub balance: Option<i64>,
    pub out_of_band: Option<i64>,
}

#[derive(Clone, Debug)]
pub struct Draft {
    pub lines: Vec<CreditNoteItem>,
    pub split: Split,
    /// The tax of `split`, by rate.
    pub taxes: Vec<Tax>,
    pub parts: Parts,
}

/// Prices a credit note of an invoice that has these credit notes. Writes nothing.
pub fn draft(
    invoice: &Invoice,
    notes: &[CreditNote],
    order: &CreditOrder,
) -> Result<Draft, BillingError> {
    if matches!(invoice.status, InvoiceStatus::Draft | InvoiceStatus::Void) {
        return Err(BillingError::NotCreditable);
    }
    let creditable = Creditable {
        invoice: Split { net: invoice.totals.subtotal, tax: invoice.totals.tax_amount },
        credited: Split { net: invoice.credited_net, tax: invoice.credited_tax },
    };
    let too_high = BillingError::CreditTooHigh { rest: creditable.rest().total() };
    let charged = invoice.lines.read()?;
    let (lines, split, by_line) = match &order.credit {
        Credit::Amount(amount) => (Vec::new(), creditable.of_total(*amount)?, None),
        Credit::Lines(wanted) => {
            let earlier = earlier_items(notes)?;
            let lines = credited_lines(&charged, &earlier, wanted)?;
            let net = money::sum(lines.iter().map(|line| line.amount))?;
            if taxes::is_uniform(&charged) {
                (lines, creditable.of_net(net)?, None)
            } else {
                let rate = invoice.totals.tax.as_ref();
                let taxes = taxes::of_lines(&charged, rate, &earlier, &lines)?;
                (lines, creditable.of_taxed(net, taxes::sum(&taxes)?), Some(taxes))
            }
        }
    };
    let split = split.ok_or(too_high)?;
    let taxes = match by_line {
        Some(taxes) => taxes,
        None => taxes::of_share(invoice, &charged, split)?,
    };
    let taxes = taxes::add_up(taxes, split.tax)?;
    if split.total() == 0 {
        return Err(BillingError::NothingToCredit);
    }
    let due = if invoice.status.is_payable() { invoice.amount_due() } else { 0 };
    let parts = parts(split.total(), due, order.parts)?;
    Ok(Draft { lines, split, taxes, parts })
}

/// Returns the lines that credit notes have credited.
fn earlier_items(notes: &[CreditNote]) -> Result<Vec<CreditNoteItem>, BillingError> {
    let mut items = Vec::new();
    for note in notes.iter().filter(|note| note.status == CreditNoteStatus::Issued) {
        items.extend(note.lines.read()?);
    }
    Ok(items)
}

/// Returns the credited parts of lines: of each at most what no other credit note has credited.
fn credited_lines(
    lines: &[Line],
    earlier: &[CreditNoteItem],
    wanted: &[LineCredit],
) -> Result<Vec<CreditNoteItem>, BillingError> {
    let mut left: Vec<i64> = lines.iter().map(|line| line.amount).collect();
    for item in earlier {
        if let Some(left) = left.get_mut(item.item) {
            *left -= item.amount;
        }
    }
    let mut credited = Vec::with_capacity(wanted.len());
    for LineCredit { item, amount } in wanted {
        let known = lines.get(*item).zip(left.get_mut(*item));
        let (line, left) = known.ok_or(BillingError::NoSuchLine(*item))?;
        let amount = amount.unwrap_or(*left);
        if amount > *left || amount < 0 {
            return Err(BillingError::CreditTooHigh { rest: (*left).max(0) });
        }
        *left -= amount;
        let description = line.description.clone();
        credited.push(CreditNoteItem { item: *item, description, amount });
    }
    Ok(credited)
}

/// Splits a total: first what is still due, then as the caller wants it.
fn parts(total: i64, due: i64, wanted: WantedParts) -> Result<Parts, BillingError> {
    let due = due.min(total);
    let rest = total - due;
    let WantedParts { refund, balance, out_of_band } = wanted;
    let balance = match (refund, balance, out_of_band) {
        (None, None, None) => rest,
        (_, balance, _) => balance.unwrap_or(0),
    };
    let (refund, out_of_band) = (refund.unwrap_or(0), out_of_band.unwrap_or(0));
    match money::sum([refund, balance, out_of_band]) == Ok(rest) {
        true => Ok(Parts { due, refund, balance, out_of_band }),
        false => Err(BillingError::PartsDoNotAddUp { rest }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_what_is_due_first_and_must_add_up() {
        let wanted = |refund, balance, out_of_band| WantedParts { refund, balance, out_of_band };
        let all = |parts: Result<Parts, BillingError>| {
            parts.map(|p| [p.due, p.refund, p.balance, p.out_of_band]).ok()
        };
        assert_eq!(all(parts(80, 60, WantedParts::default())), Some([60, 0, 20, 0]));
        assert_eq!(all(parts(50, 60, WantedParts::default())), Some([50, 0, 0, 0]));
        assert_eq!(all(parts(80, 0, wanted(Some(50), Some(20), Some(10)))), Some([0, 50, 20, 10]));
        assert_eq!(all(parts(80, 60, wanted(Some(20), None, None))), Some([60, 20, 0, 0]));
        assert_eq!(all(parts(80, 60, wanted(Some(19), None, None))), None);
        assert_eq!(all(parts(80, 60, wanted(Some(80), None, None))), None);
        assert_eq!(all(parts(50, 60, wanted(Some(0), None, None))), Some([50, 0, 0, 0]));
    }
}
