//! Invoices: what a customer owes, line by line, and what of it came in.
//!
//! A draft waits for its payment. Issuing takes the tenant's next number and freezes seller and
//! buyer; from then on the lines never change. Nothing here charges: that is `settlement`'s.

pub mod http;
mod parties;
pub mod pdf;
mod sql;

pub use parties::{Buyer, Seller};
pub use sql::{get, payments};

use crate::base::{
    Currency, CustomerId, Decimal, Ids, InvoiceId, Overflow, PaymentAttemptId, SubscriptionId,
    TaxRate, Time, money,
};
use crate::customers::{self, Customer};
use crate::db::{DbError, Tx};
use crate::organizations::{Environment, Tenant};
use crate::subscriptions::{CollectionMethod, Period};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug)]
pub struct Invoice {
    pub customer_no: i64,
    pub customer_id: CustomerId,
    pub id: InvoiceId,
    pub subscription_id: Option<SubscriptionId>,
    /// Taken when it is issued, and kept.
    pub number: Option<i64>,
    pub status: Status,
    pub reason: Reason,
    pub collection_method: CollectionMethod,
    pub currency: Currency,
    pub totals: Totals,
    pub amount_paid: i64,
    pub issued_at: Option<Time>,
    pub due_date: Option<Time>,
    pub paid_at: Option<Time>,
    pub period: Option<Period>,
    pub seller: Seller,
    pub buyer: Buyer,
    /// Empty in a list.
    pub lines: Vec<Line>,
    /// A JSON object of texts.
    pub metadata: String,
    pub created_at: Time,
    pub updated_at: Time,
}

#[derive(Clone, Debug)]
pub struct NewInvoice {
    pub subscription_id: Option<SubscriptionId>,
    pub reason: Reason,
    pub currency: Currency,
    pub lines: Vec<Line>,
    pub period: Option<Period>,
    pub collection_method: CollectionMethod,
    /// No two invoices have the same one.
    pub due_key: Option<String>,
}

/// One line, stored in this form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    pub description: String,
    #[serde(rename = "type")]
    pub kind: LineKind,
    pub quantity: Decimal,
    /// Minor units for one; `None` where no single price says it.
    pub unit_amount: Option<Decimal>,
    pub amount: i64,
    pub period: Option<Period>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    Recurring,
    Usage,
    OneOff,
    Proration,
    TopUp,
    /// What an earlier, too small amount came to.
    Addition,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Create,
    Renewal,
    Usage,
    Change,
    TopUp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Draft,
    Issued,
    PartiallyPaid,
    Paid,
    Overdue,
    Void,
    Uncollectible,
}

/// What lines come to: the tax is on their sum, rounded once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals {
    pub subtotal: i64,
    pub tax: Option<TaxRate>,
    pub tax_amount: i64,
    pub total: i64,
}

/// Money that came in: a charge or a transfer.
#[derive(Clone, Debug)]
pub struct Payment {
    pub id: PaymentAttemptId,
    pub amount: i64,
    pub paid_at: Time,
    pub brand: Option<String>,
    pub last4: Option<String>,
    /// What a transfer said.
    pub reference: Option<String>,
}

#[derive(Debug)]
pub enum InvoiceError {
    Db(DbError),
    /// The lines sum up to less than nothing, or beyond the range of amounts.
    OutOfRange,
    /// A live invoice needs the seller's legal name and address.
    SellerIncomplete,
    /// The invoice is a draft, void or paid.
    NotPayable,
}

impl Invoice {
    pub fn amount_due(&self) -> i64 {
        match self.status {
            Status::Void => 0,
            Status::Draft
            | Status::Issued
            | Status::PartiallyPaid
            | Status::Paid
            | Status::Overdue
            | Status::Uncollectible => self.totals.total - self.amount_paid,
        }
    }

    /// When it is overdue, where it is sent and nothing of it came in.
    pub fn overdue_from(&self) -> Option<Time> {
        let sent = self.collection_method == CollectionMethod::SendInvoice;
        self.due_date.filter(|_| sent && self.status == Status::Issued)
    }

    /// Has a draft's first period be this one; what it costs stays.
    pub fn redate(&mut self, period: Period) {
        let drafted = self.period.replace(period);
        for line in self.lines.iter_mut().filter(|line| line.period == drafted) {
            line.period = Some(period);
        }
    }

    /// `INV-000042`.
    pub fn number_text(&self) -> Option<String> {
        self.number.map(|number| format!("INV-{number:06}"))
    }
}

/// What lines come to for a customer.
pub async fn price(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    lines: &[Line],
) -> Result<Totals, InvoiceError> {
    let parties = sql::parties(tx, tenant, customer_no).await?;
    Ok(totals(lines, parties.tax())?)
}

/// The lines of amounts too small to charge, which the customer's next invoice of this currency
/// takes in unless it is a top-up's.
pub async fn waiting(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    currency: Currency,
) -> Result<Vec<Line>, DbError> {
    sql::additions(tx, tenant, customer_no, currency).await
}

/// Has lines wait for the customer's next invoice.
pub async fn add_to_next(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    currency: Currency,
    lines: &[Line],
    at: Time,
    ids: &Ids,
) -> Result<(), DbError> {
    let addition = |line: &Line| Line { kind: LineKind::Addition, ..line.clone() };
    let lines: Vec<Line> = lines.iter().map(addition).collect();
    sql::insert_addition(tx, tenant, customer_no, ids.invoice(), currency, &lines, at).await
}

/// Writes a draft; `None` where every line is 0 or an invoice of this `due_key` is there.
pub async fn draft(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    new: NewInvoice,
    at: Time,
    ids: &Ids,
) -> Result<Option<Invoice>, InvoiceError> {
    if new.lines.iter().all(|line| line.amount == 0) {
        return Ok(None);
    }
    if let Some(key) = &new.due_key
        && sql::has_due_key(tx, key).await?
    {
        return Ok(None);
    }
    let parties = sql::parties(tx, tenant, customer_no).await?;
    if tenant.environment == Environment::Live && !parties.seller.is_complete() {
        return Err(InvoiceError::SellerIncomplete);
    }
    let id = ids.invoice();
    let mut lines = new.lines;
    if new.reason != Reason::TopUp {
        lines.extend(sql::additions(tx, tenant, customer_no, new.currency).await?);
        sql::take_additions(tx, tenant, customer_no, new.currency, id).await?;
    }
    let invoice = Invoice {
        customer_no,
        customer_id: parties.buyer.id,
        id,
        subscription_id: new.subscription_id,
        number: None,
        status: Status::Draft,
        reason: new.reason,
        collection_method: new.collection_method,
        currency: new.currency,
        totals: totals(&lines, parties.tax())?,
        amount_paid: 0,
        issued_at: None,
        due_date: None,
        paid_at: None,
        period: new.period,
        seller: parties.seller,
        buyer: parties.buyer,
        lines,
        metadata: "{}".to_owned(),
        created_at: at,
        updated_at: at,
    };
    if !sql::insert(tx, tenant, &invoice, new.due_key.as_ref()).await? {
        return Err(tx.again().into());
    }
    Ok(Some(invoice))
}

/// Issues a draft: seller and buyer are frozen as they are now, lines and tax as they were drafted,
/// and last of all it takes its number.
pub async fn issue(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: &mut Invoice,
    at: Time,
) -> Result<(), InvoiceError> {
    let parties = sql::parties(tx, tenant, invoice.customer_no).await?;
    invoice.due_date = Some(match invoice.collection_method {
        CollectionMethod::ChargeAutomatically => at,
        CollectionMethod::SendInvoice => at.plus_days(parties.net_days),
    });
    (invoice.seller, invoice.buyer) = (parties.seller, parties.buyer);
    (invoice.issued_at, invoice.updated_at) = (Some(at), at);
    invoice.status = Status::Issued;
    if invoice.totals.total == 0 {
        (invoice.status, invoice.paid_at) = (Status::Paid, Some(at));
    }
    sql::spend_additions(tx, tenant, invoice).await?;
    invoice.number = Some(sql::next_number(tx, tenant).await?);
    Ok(sql::store_issued(tx, tenant, invoice).await?)
}

/// Drafts and issues; `None` as in [`draft`].
pub async fn create_issued(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    new: NewInvoice,
    at: Time,
    ids: &Ids,
) -> Result<Option<Invoice>, InvoiceError> {
    let Some(mut invoice) = draft(tx, tenant, customer_no, new, at, ids).await? else {
        return Ok(None);
    };
    issue(tx, tenant, &mut invoice, at).await?;
    Ok(Some(invoice))
}

/// Deletes a draft; what it took in waits again. An issued invoice stays as it is.
pub async fn delete_draft(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: &Invoice,
) -> Result<(), DbError> {
    sql::free_additions(tx, tenant, invoice).await?;
    sql::delete_draft(tx, tenant, invoice.id).await
}

/// Reads an invoice for change, behind its customer: whoever else bills that customer waits.
pub async fn lock(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: InvoiceId,
) -> Result<Option<(Customer, Invoice)>, DbError> {
    let Some(seen) = sql::get(tx, tenant, id).await? else { return Ok(None) };
    let customer = customers::lock_no(tx, tenant, seen.customer_no).await?;
    Ok(customer.zip(sql::get(tx, tenant, id).await?))
}

pub async fn set_status(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: &mut Invoice,
    status: Status,
    at: Time,
) -> Result<(), DbError> {
    (invoice.status, invoice.updated_at) = (status, at);
    sql::store_state(tx, tenant, invoice).await
}

/// Records money that came in, at most what is due; all of it makes the invoice paid.
pub async fn mark_paid(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: &mut Invoice,
    payment: &Payment,
    at: Time,
) -> Result<(), InvoiceError> {
    if !invoice.status.is_payable() {
        return Err(InvoiceError::NotPayable);
    }
    if payment.amount <= 0 || payment.amount > invoice.amount_due() {
        return Err(InvoiceError::OutOfRange);
    }
    invoice.amount_paid += payment.amount;
    let whole = invoice.amount_due() == 0;
    invoice.paid_at = whole.then_some(payment.paid_at);
    sql::insert_payment(tx, tenant, invoice, payment).await?;
    let status = if whole { Status::Paid } else { Status::PartiallyPaid };
    Ok(set_status(tx, tenant, invoice, status, at).await?)
}

/// The issued invoices of a subscription that were not paid when they should have been, oldest
/// first.
pub async fn in_arrears(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    subscription: SubscriptionId,
) -> Result<Vec<Invoice>, DbError> {
    sql::in_arrears(tx, tenant, customer_no, subscription).await
}

fn totals(lines: &[Line], tax: Option<TaxRate>) -> Result<Totals, Overflow> {
    let subtotal = money::sum(lines.iter().map(|line| line.amount))?;
    if subtotal < 0 {
        return Err(Overflow);
    }
    let points = tax.as_ref().map_or(0, |tax| tax.basis_points);
    let tax_amount = money::divide(i128::from(subtotal) * i128::from(points), 10_000)?;
    Ok(Totals { subtotal, tax, tax_amount, total: money::sum([subtotal, tax_amount])? })
}

impl Status {
    pub const ALL: [Self; 7] = [
        Self::Draft,
        Self::Issued,
        Self::PartiallyPaid,
        Self::Paid,
        Self::Overdue,
        Self::Void,
        Self::Uncollectible,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Issued => "issued",
            Self::PartiallyPaid => "partially_paid",
            Self::Paid => "paid",
            Self::Overdue => "overdue",
            Self::Void => "void",
            Self::Uncollectible => "uncollectible",
        }
    }

    /// Whether money is owed: an uncollectible invoice may still be paid.
    pub const fn is_payable(self) -> bool {
        match self {
            Self::Issued | Self::PartiallyPaid | Self::Overdue | Self::Uncollectible => true,
            Self::Draft | Self::Paid | Self::Void => false,
        }
    }
}

impl LineKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recurring => "recurring",
            Self::Usage => "usage",
            Self::OneOff => "one_off",
            Self::Proration => "proration",
            Self::TopUp => "top_up",
            Self::Addition => "addition",
        }
    }
}

impl Reason {
    pub const ALL: [Self; 5] =
        [Self::Create, Self::Renewal, Self::Usage, Self::Change, Self::TopUp];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Renewal => "renewal",
            Self::Usage => "usage",
            Self::Change => "change",
            Self::TopUp => "top_up",
        }
    }
}

impl From<DbError> for InvoiceError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<Overflow> for InvoiceError {
    fn from(_: Overflow) -> Self {
        Self::OutOfRange
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(amount: i64) -> Line {
        let (kind, quantity) = (LineKind::Recurring, Decimal::from_integer(1));
        Line { description: "A".into(), kind, quantity, unit_amount: None, amount, period: None }
    }

    #[test]
    fn the_tax_is_rounded_once_on_the_sum_of_the_lines() {
        let tax = TaxRate { name: "VAT".into(), basis_points: 1_900 };
        // A tax of each line, rounded, would come to nothing.
        let totals = totals(&[line(1), line(1), line(1)], Some(tax)).unwrap();
        assert_eq!((totals.subtotal, totals.tax_amount, totals.total), (3, 1, 4));
    }

    #[test]
    fn a_sum_below_nothing_or_beyond_the_range_is_refused() {
        let tax = |basis_points| Some(TaxRate { name: "VAT".into(), basis_points });
        assert_eq!(totals(&[line(5), line(-6)], None), Err(Overflow));
        assert_eq!(totals(&[line(money::MAX_AMOUNT), line(1)], None), Err(Overflow));
        assert_eq!(totals(&[line(money::MAX_AMOUNT)], tax(1)), Err(Overflow));
        assert_eq!(totals(&[line(5), line(-5)], tax(2_000)).unwrap().total, 0);
    }

    #[test]
    fn a_line_survives_its_stored_form() {
        let (start, end) = (Time::from_seconds(1), Time::from_seconds(2));
        let line = Line { period: Some(Period { start, end }), ..line(-7) };
        let text = serde_json::to_string(&line).unwrap();
        assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), line);
    }
}
