//! The columns of each kind of record, named as in the API. Amounts are in minor units.

use crate::credits::{AccountView, LedgerEntry};
use crate::customers::Customer;
use crate::invoices::credit_notes::CreditNote;
use crate::invoices::{Buyer, Invoice, Line, Payment};
use crate::usage::UsageEvent;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use std::fmt::Display;

/// A row: each column with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row(pub Vec<(&'static str, Cell)>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    Empty,
    Integer(i64),
    /// A word, date, id or decimal: text that no customer writes.
    Plain(String),
    /// Text that somebody wrote.
    Text(String),
}

/// Writes an object with the columns in their order.
impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, cell) in &self.0 {
            match cell {
                Cell::Empty => map.serialize_entry(name, &None::<()>)?,
                Cell::Integer(value) => map.serialize_entry(name, value)?,
                Cell::Plain(text) | Cell::Text(text) => map.serialize_entry(name, text)?,
            }
        }
        map.end()
    }
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

fn plain(value: impl Display) -> Cell {
    Cell::Plain(value.to_string())
}

fn plain_if(value: Option<impl Display>) -> Cell {
    value.map_or(Cell::Empty, plain)
}

/// A value of a closed list, as in JSON.
fn word(value: impl Serialize) -> Cell {
    let json = serde_json::to_value(value).ok();
    plain_if(json.as_ref().and_then(|value| value.as_str()))
}

fn text(value: Option<&str>) -> Cell {
    value.map_or(Cell::Empty, |value| Cell::Text(value.to_owned()))
}

/// The columns of a record, which is read with the object that it belongs to.
type Columns<A, B> = &'static [(&'static str, fn(&A, &B) -> Cell)];

pub const INVOICES: Columns<Invoice, Buyer> = &[
    ("invoiceId", |invoice, _| plain(invoice.id)),
    ("invoiceNumber", |invoice, _| plain_if(invoice.number_text())),
    ("status", |invoice, _| plain(invoice.status.as_str())),
    ("reason", |invoice, _| plain(invoice.reason.as_str())),
    ("customerId", |_, buyer| plain(buyer.id)),
    ("customerExternalId", |_, buyer| text(buyer.external_id.as_deref())),
    ("customerName", |_, buyer| text(Some(&buyer.name))),
    ("subscriptionId", |invoice, _| plain_if(invoice.subscription_id)),
    ("currency", |invoice, _| plain(invoice.currency.as_str())),
    ("subtotal", |invoice, _| invoice.totals.subtotal.into()),
    ("taxAmount", |invoice, _| invoice.totals.tax_amount.into()),
    ("totalAmount", |invoice, _| invoice.totals.total.into()),
    ("balanceApplied", |invoice, _| invoice.balance_applied.into()),
    ("amountCredited", |invoice, _| (invoice.credited_net + invoice.credited_tax).into()),
    ("amountDueReduction", |invoice, _| invoice.credited_due.into()),
    ("amountPaid", |invoice, _| invoice.amount_paid.into()),
    ("amountMoved", |invoice, _| invoice.amount_moved.into()),
    ("amountDue", |invoice, _| invoice.amount_due().into()),
    ("issuedAt", |invoice, _| plain_if(invoice.issued_at)),
    ("dueDate", |invoice, _| plain_if(invoice.due_date)),
    ("paidAt", |invoice, _| plain_if(invoice.paid_at)),
    ("periodStart", |invoice, _| plain_if(invoice.period.map(|period| period.start))),
    ("periodEnd", |invoice, _| plain_if(invoice.period.map(|period| period.end))),
];

pub const LINES: Columns<Invoice, (i64, Line)> = &[
    ("invoiceId", |invoice, _| plain(invoice.id)),
    ("invoiceNumber", |invoice, _| plain_if(invoice.number_text())),
    ("customerId", |invoice, _| plain(invoice.customer_id)),
    ("line", |_, (number, _)| (*number).into()),
    ("type", |_, (_, line)| word(line.kind)),
    ("description", |_, (_, line)| text(Some(&line.description))),
    ("quantity", |_, (_, line)| plain(line.quantity)),
    ("unitAmount", |_, (_, line)| plain_if(line.unit_amount)),
    ("amount", |_, (_, line)| line.amount.into()),
    ("discountAmount", |_, (_, line)| {
        line.discount.as_ref().map_or(Cell::Empty, |discount| discount.amount.into())
    }),
    ("currency", |invoice, _| plain(invoice.currency.as_str())),
    ("taxName", |invoice, (_, line)| {
        text(line.rate(invoice.totals.tax.as_ref()).map(|rate| &*rate.name))
    }),
    ("taxBasisPoints", |invoice, (_, line)| {
        line.rate(invoice.totals.tax.as_ref()).map_or(Cell::Empty, |rate| rate.basis_points.into())
    }),
    ("periodStart", |_, (_, line)| plain_if(line.period.map(|period| period.start))),
    ("periodEnd", |_, (_, line)| plain_if(line.period.map(|period| period.end))),
];

pub const PAYMENTS: Columns<Invoice, Payment> = &[
    ("paymentId", |_, payment| plain(payment.id)),
    ("invoiceId", |invoice, _| plain(invoice.id)),
    ("invoiceNumber", |invoice, _| plain_if(invoice.number_text())),
    ("customerId", |invoice, _| plain(invoice.customer_id)),
    ("amount", |_, payment| payment.amount.into()),
    ("amountReversed", |_, payment| payment.reversed.into()),
    ("currency", |invoice, _| plain(invoice.currency.as_str())),
    ("paidAt", |_, payment| plain(payment.paid_at)),
    ("method", |_, payment| plain(payment.method().as_str())),
    ("brand", |_, payment| plain_if(payment.brand.as_deref())),
    ("last4", |_, payment| plain_if(payment.last4.as_deref())),
    ("reference", |_, payment| text(payment.reference.as_deref())),
];

pub const CREDIT_NOTES: Columns<CreditNote, Buyer> = &[
    ("creditNoteId", |note, _| plain(note.id)),
    ("creditNoteNumber", |note, _| plain(note.number_text())),
    ("status", |note, _| plain(note.status.as_str())),
    ("reason", |note, _| plain(note.reason.as_str())),
    ("invoiceId", |note, _| plain(note.invoice_id)),
    ("invoiceNumber", |note, _| plain(note.invoice_number_text())),
    ("customerId", |_, buyer| plain(buyer.id)),
    ("customerExternalId", |_, buyer| text(buyer.external_id.as_deref())),
    ("customerName", |_, buyer| text(Some(&buyer.name))),
    ("currency", |note, _| plain(note.currency.as_str())),
    ("subtotal", |note, _| note.subtotal.into()),
    ("taxAmount", |note, _| note.tax_amount.into()),
    ("totalAmount", |note, _| note.total_amount.into()),
    ("amountDueReduction", |note, _| note.parts.due.into()),
    ("refundAmount", |note, _| note.parts.refund.into()),
    ("creditAmount", |note, _| note.parts.balance.into()),
    ("outOfBandAmount", |note, _| note.parts.out_of_band.into()),
    ("memo", |note, _| text(note.memo.as_deref())),
    ("issuedAt", |note, _| plain(note.issued_at)),
    ("voidedAt", |note, _| plain_if(note.voided_at)),
];

/// The second part is the number of days since the invoice was due.
pub const RECEIVABLES: Columns<Invoice, (Buyer, i64)> = &[
    ("invoiceId", |invoice, _| plain(invoice.id)),
    ("invoiceNumber", |invoice, _| plain_if(invoice.number_text())),
    ("status", |invoice, _| plain(invoice.status.as_str())),
    ("customerId", |_, (buyer, _)| plain(buyer.id)),
    ("customerExternalId", |_, (buyer, _)| text(buyer.external_id.as_deref())),
    ("customerName", |_, (buyer, _)| text(Some(&buyer.name))),
    ("amountDue", |invoice, _| invoice.amount_due().into()),
    ("currency", |invoice, _| plain(invoice.currency.as_str())),
    ("issuedAt", |invoice, _| plain_if(invoice.issued_at)),
    ("dueDate", |invoice, _| plain_if(invoice.due_date)),
    ("daysOverdue", |_, (_, days)| (*days).into()),
    ("age", |_, (_, days)| plain(age(*days))),
];

pub const LEDGER: Columns<AccountView, LedgerEntry> = &[
    ("entryId", |_, entry| plain(entry.id)),
    ("creditAccountId", |view, _| plain(view.account.id)),
    ("creditCurrency", |view, _| plain(&view.currency.slug)),
    ("customerId", |view, _| plain(view.customer_id)),
    ("type", |_, entry| plain(entry.kind.as_str())),
    ("amount", |_, entry| entry.amount.into()),
    ("balanceAfter", |_, entry| entry.balance_after.into()),
    ("grantId", |_, entry| plain(entry.grant_id)),
    ("usageEventId", |_, entry| plain_if(entry.usage_event_id)),
    ("description", |_, entry| text(entry.description.as_deref())),
    ("createdAt", |_, entry| plain(entry.at)),
];

pub const USAGE: Columns<Customer, UsageEvent> = &[
    ("usageEventId", |_, event| plain(event.id)),
    ("customerId", |customer, _| plain(customer.id)),
    ("customerExternalId", |customer, _| text(customer.external_id.as_deref())),
    ("eventName", |_, event| text(Some(&event.event_name))),
    ("quantity", |_, event| plain(&event.quantity)),
    ("timestamp", |_, event| plain(event.at)),
    ("idempotencyKey", |_, event| text(Some(&event.key))),
    ("properties", |_, event| text(event.properties.as_deref())),
];

/// Builds the row of a record.
pub fn row<A, B>(columns: Columns<A, B>, owner: &A, record: &B) -> Row {
    Row(columns.iter().map(|(name, cell)| (*name, cell(owner, record))).collect())
}

pub fn names<A, B>(columns: Columns<A, B>) -> Vec<&'static str> {
    columns.iter().map(|(name, _)| *name).collect()
}

/// Returns the bucket of a receivable.
const fn age(days: i64) -> &'static str {
    match days {
        ..=0 => "current",
        1..=30 => "1-30",
        31..=60 => "31-60",
        61..=90 => "61-90",
        91.. => "over-90",
    }
}
