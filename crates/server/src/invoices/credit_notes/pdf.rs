//! Credit notes as PDF: rendered on demand, in the layout of invoices.

use super::{CreditNote, CreditNoteStatus};
use crate::branding::Branding;
use crate::db::DbError;
use crate::invoices::Tax;
use crate::invoices::pdf::{buyer, seller, tax};
use unitpay_invoice_pdf as pdf;

/// Returns the content of the document of a credit note.
pub fn document(note: &CreditNote, branding: &Branding) -> Result<pdf::Invoice, DbError> {
    let (from, to) = (note.seller.read()?, note.buyer.read()?);
    let locale = to.locale.clone().unwrap_or_default();
    let item = |description: String, amount: i64| pdf::Item {
        description,
        quantity: "1".to_owned(),
        amount,
        ..pdf::Item::default()
    };
    let lines = note.lines.read()?.into_iter().map(|line| item(line.description, line.amount));
    let mut items: Vec<pdf::Item> = lines.collect();
    if items.is_empty() {
        items.push(item(note.invoice_number_text(), note.subtotal));
    }
    let mut taxes = note.taxes.read()?;
    if let Some(rate) = note.tax.clone().filter(|_| taxes.is_empty()) {
        taxes.push(Tax { rate, net: note.subtotal, amount: note.tax_amount });
    }
    Ok(pdf::Invoice {
        number: note.number_text(),
        status: match note.status {
            CreditNoteStatus::Issued => pdf::Status::Issued,
            CreditNoteStatus::Void => pdf::Status::Void,
        },
        issued_at: Some(note.issued_at.seconds()),
        currency: note.currency.to_string(),
        seller: seller(from, branding, &locale),
        reverse_charge: to.is_reverse_charge(),
        po_number: to.po_number.clone(),
        notes: note.memo.clone(),
        customer: buyer(to, &locale),
        items,
        subtotal: note.subtotal,
        taxes: taxes.into_iter().map(tax).collect(),
        total: note.total_amount,
        credit_note: Some(pdf::CreditNote {
            invoice_number: note.invoice_number_text(),
            due_reduction: note.parts.due,
            refunded: note.parts.refund,
            credited: note.parts.balance,
            out_of_band: note.parts.out_of_band,
        }),
        locale,
        ..pdf::Invoice::default()
    })
}
