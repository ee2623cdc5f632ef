//! Invoices: the amounts that a customer owes, line by line, and the payments.
//!
//! A draft waits for its payment. Issuing takes the tenant's next number and freezes seller and
//! buyer; from then on the lines never change. `settlement` charges them.

pub mod balance;
pub mod credit_notes;
pub mod disputes;
pub mod http;
mod issue;
mod lines;
mod parties;
pub mod pdf;
mod sql;

pub use disputes::Dispute;
pub use issue::{
    add_to_next, create_issued, delete_draft, draft, is_credit, issue, price, tax_rate, taxes,
    wait_for_next, waiting, with_waiting,
};
pub use lines::{InvoiceItem, InvoiceTier, Line, LineCode, LineKind, LineLabel, UsageParts};
pub use parties::{Buyer, DeclaredTax, Seller};
pub use sql::{
    InvoiceFilter, draft_holds_lines, erase, get, has_billed, has_open_for_period, of_period, owed,
    page, payments,
};

use crate::audit::Action;
use crate::base::words::words;
use crate::base::{
    CollectionMethod, Currency, CustomerId, Decimal, DisputeStatus, InvoiceId, Owned,
    PaymentAttemptId, Period, SubscriptionId, TaxRate, Time,
};
use crate::customers::{self, Customer};
use crate::db::{DbError, FromRow, Stored, ToRow, Tx};
use crate::events::EventType;
use crate::organizations::Tenant;
use crate::work::{BillingError, Work};
use serde::{Deserialize, Serialize};
use serde_json::json;

const DAY_SECONDS: i64 = 86_400;

#[derive(Clone, Debug, FromRow, ToRow)]
pub struct Invoice {
    pub customer_no: i64,
    #[record(computed)]
    pub customer_id: CustomerId,
    pub id: InvoiceId,
    pub subscription_id: Option<SubscriptionId>,
    /// Assigned at issue, permanent.
    pub number: Option<i64>,
    pub status: InvoiceStatus,
    pub reason: InvoiceReason,
    pub collection_method: CollectionMethod,
    pub currency: Currency,
    #[record(prefix = "")]
    pub totals: Totals,
    pub amount_paid: i64,
    /// The part of the total that was paid from the customer's balance. A draft reserves it.
    pub balance_applied: i64,
    /// Sum of its credit notes, before tax.
    pub credited_net: i64,
    pub credited_tax: i64,
    /// The part of them that lowers the amount due.
    pub credited_due: i64,
    /// The remainder that moved to the customer's next invoice, because it is too small to charge.
    pub amount_moved: i64,
    /// The status of the dispute that changed last.
    pub dispute_status: Option<DisputeStatus>,
    pub issued_at: Option<Time>,
    pub due_date: Option<Time>,
    pub paid_at: Option<Time>,
    #[record(prefix = "period_")]
    pub period: Option<Period>,
    pub seller: Stored<Seller>,
    #[record(name = "customer")]
    pub buyer: Stored<Buyer>,
    /// Empty in lists.
    #[record(name = "items")]
    pub lines: Stored<Vec<Line>>,
    /// A JSON object of strings.
    pub metadata: String,
    pub created_at: Time,
    pub updated_at: Time,
}

impl Owned for Invoice {
    fn owner(&self) -> i64 {
        self.customer_no
    }

    fn linked_invoice(&self) -> Option<InvoiceId> {
        Some(self.id)
    }

    fn is_internal(&self) -> bool {
        self.status == InvoiceStatus::Draft
    }
}

#[derive(Clone, Debug)]
pub struct NewInvoice {
    pub subscription_id: Option<SubscriptionId>,
    pub reason: InvoiceReason,
    pub currency: Currency,
    pub lines: Vec<Line>,
    pub period: Option<Period>,
    pub collection_method: CollectionMethod,
    /// Unique over all invoices.
    pub due_key: Option<String>,
}

words! {
    InvoiceReason {
        Create = "create",
        Renewal = "renewal",
        Usage = "usage",
        Change = "change",
        TopUp = "top_up",
        /// A backend wrote it.
        Manual = "manual",
    }
}

words! {
    InvoiceStatus {
        Draft = "draft",
        Issued = "issued",
        PartiallyPaid = "partially_paid",
        Paid = "paid",
        Overdue = "overdue",
        Void = "void",
        Uncollectible = "uncollectible",
    }
}

/// The totals of lines. The tax is calculated on the sum of the lines of one rate and rounded once.
#[derive(Clone, Debug, PartialEq, Eq, FromRow, ToRow)]
pub struct Totals {
    pub subtotal: i64,
    #[record(json)]
    pub tax: Option<TaxRate>,
    pub tax_amount: i64,
    #[record(name = "total_amount")]
    pub total: i64,
}

/// The tax at one rate, on the lines that come to `net`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tax {
    pub rate: TaxRate,
    pub net: i64,
    pub amount: i64,
}

/// A payment received: a charge or a transfer.
#[derive(Clone, Debug, FromRow, ToRow)]
pub struct Payment {
    pub id: PaymentAttemptId,
    pub amount: i64,
    pub paid_at: Time,
    pub brand: Option<String>,
    pub last4: Option<String>,
    /// The reference of a transfer.
    pub reference: Option<String>,
    /// The part that disputes have taken back.
    pub reversed: i64,
}

/// The payments of an invoice, and their disputes.
#[derive(Clone, Debug, Default)]
pub struct Received {
    pub payments: Vec<Payment>,
    pub disputes: Vec<Dispute>,
}

words! {
    /// The way that an invoice was paid.
    PaidBy as InvoicePaymentMethod {
        Card = "card",
        Transfer = "transfer",
    }
}

impl Payment {
    pub const fn method(&self) -> PaidBy {
        match (&self.brand, &self.reference) {
            (None, Some(_)) => PaidBy::Transfer,
            (Some(_), _) | (None, None) => PaidBy::Card,
        }
    }
}

impl Invoice {
    pub fn amount_due(&self) -> i64 {
        match self.status {
            InvoiceStatus::Void => 0,
            InvoiceStatus::Draft
            | InvoiceStatus::Issued
            | InvoiceStatus::PartiallyPaid
            | InvoiceStatus::Paid
            | InvoiceStatus::Overdue
            | InvoiceStatus::Uncollectible => {
                let settled = self.balance_applied + self.credited_due + self.amount_paid;
                self.totals.total - settled - self.amount_moved
            }
        }
    }

    /// Returns the instant at which a sent invoice that is not fully paid becomes overdue: the end of
    /// its due day, UTC.
    pub fn overdue_from(&self) -> Option<Time> {
        let sent = self.collection_method == CollectionMethod::SendInvoice;
        let open = matches!(self.status, InvoiceStatus::Issued | InvoiceStatus::PartiallyPaid);
        self.due_date.filter(|_| sent && open).map(end_of_day)
    }

    /// Moves a draft's first period; its price stays.
    pub fn redate(&mut self, period: Period) -> Result<(), DbError> {
        let drafted = self.period.replace(period);
        let mut lines = self.lines.read()?;
        for line in lines.iter_mut().filter(|line| line.period == drafted) {
            line.period = Some(period);
        }
        self.lines = Stored::new(&lines)?;
        Ok(())
    }

    /// `INV-000042`.
    pub fn number_text(&self) -> Option<String> {
        self.number.map(|number| format!("INV-{number:06}"))
    }
}

/// Returns the first instant of the next day, UTC.
pub const fn end_of_day(at: Time) -> Time {
    Time::from_seconds((at.seconds().div_euclid(DAY_SECONDS) + 1) * DAY_SECONDS)
}

/// Returns the number of days by which something is late that was due on the day of this instant, UTC.
/// The first one begins when that day has ended.
pub const fn days_late(due: Time, now: Time) -> i64 {
    let late = now.seconds() - end_of_day(due).seconds();
    if late < 0 { 0 } else { late / DAY_SECONDS + 1 }
}

/// Locks the customer and reads an invoice: other writers on the customer's billing wait.
pub async fn lock(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: InvoiceId,
) -> Result<Option<(Customer, Invoice)>, DbError> {
    let Some(invoice) = sql::get(tx, tenant, id).await? else { return Ok(None) };
    let customer = customers::lock_no(tx, tenant, invoice.customer_no).await?;
    Ok(customer.zip(sql::get(tx, tenant, id).await?))
}

pub async fn set_status(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: &mut Invoice,
    status: InvoiceStatus,
    at: Time,
) -> Result<(), DbError> {
    (invoice.status, invoice.updated_at) = (status, at);
    sql::store_state(tx, tenant, invoice).await
}

/// Returns what came in for an invoice, the oldest first.
pub async fn received(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: InvoiceId,
) -> Result<Received, DbError> {
    let payments = sql::payments(tx, tenant, invoice).await?;
    Ok(Received { payments, disputes: disputes::of_invoice(tx, tenant, invoice).await? })
}

/// Marks an invoice as overdue; audited once.
pub async fn overdue(work: &mut Work<'_, '_, '_>, invoice: &mut Invoice) -> Result<(), DbError> {
    if invoice.status == InvoiceStatus::Overdue {
        return Ok(());
    }
    set_status(work.tx, work.tenant, invoice, InvoiceStatus::Overdue, work.at).await?;
    let action = Action::InvoiceOverdue;
    work.note(invoice.customer_id, action, invoice.id, json!({})).await
}

/// Marks an invoice as uncollectible. It can still be paid.
pub async fn uncollectible(
    work: &mut Work<'_, '_, '_>,
    invoice: &mut Invoice,
) -> Result<(), DbError> {
    set_status(work.tx, work.tenant, invoice, InvoiceStatus::Uncollectible, work.at).await?;
    let action = Action::InvoiceUncollectible;
    work.note(invoice.customer_id, action, invoice.id, json!({})).await
}

/// Records a payment of at most the amount due. The full amount makes the invoice paid; until then
/// an overdue invoice stays overdue.
pub async fn mark_paid(
    work: &mut Work<'_, '_, '_>,
    invoice: &mut Invoice,
    payment: &Payment,
) -> Result<(), BillingError> {
    if !invoice.status.is_payable() {
        return Err(BillingError::NotPayable);
    }
    if payment.amount <= 0 || payment.amount > invoice.amount_due() {
        return Err(BillingError::OutOfRange);
    }
    invoice.amount_paid += payment.amount;
    let whole = invoice.amount_due() == 0;
    invoice.paid_at = whole.then_some(payment.paid_at);
    sql::insert_payment(work.tx, work.tenant, invoice, payment).await?;
    let status = match invoice.status {
        _ if whole => InvoiceStatus::Paid,
        late @ (InvoiceStatus::Overdue | InvoiceStatus::Uncollectible) => late,
        InvoiceStatus::Issued
        | InvoiceStatus::PartiallyPaid
        | InvoiceStatus::Draft
        | InvoiceStatus::Paid
        | InvoiceStatus::Void => InvoiceStatus::PartiallyPaid,
    };
    set_status(work.tx, work.tenant, invoice, status, work.at).await?;
    if whole {
        work.announce(invoice.customer_id, EventType::InvoicePaid, invoice.id).await?;
    }
    Ok(())
}

/// Moves the amount due, which is too small to charge, to the customer's next invoice. Its tax is on
/// this one. Nothing is due here any more.
pub async fn move_to_next(
    work: &mut Work<'_, '_, '_>,
    invoice: &mut Invoice,
) -> Result<(), DbError> {
    let amount = invoice.amount_due();
    let line = Line {
        description: format!("Remainder, {}", invoice.number_text().unwrap_or_default()),
        label: None,
        kind: LineKind::Addition,
        quantity: Decimal::from_integer(1),
        unit_amount: Some(Decimal::from_integer(amount)),
        usage: None,
        tax: Some(None),
        amount,
        discount: None,
        period: None,
    };
    wait_for_next(work, invoice.customer_no, invoice.currency, vec![line]).await?;
    (invoice.amount_moved, invoice.paid_at) = (amount, Some(work.at));
    set_status(work.tx, work.tenant, invoice, InvoiceStatus::Paid, work.at).await?;
    let (action, detail) = (Action::InvoiceRemainderMoved, json!({ "amount": amount }));
    work.note(invoice.customer_id, action, invoice.id, detail).await?;
    work.announce(invoice.customer_id, EventType::InvoicePaid, invoice.id).await
}

/// Returns the overdue invoices of a subscription, oldest first.
pub async fn in_arrears(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    subscription: SubscriptionId,
) -> Result<Vec<Invoice>, DbError> {
    sql::in_arrears(tx, tenant, customer_no, subscription).await
}

impl InvoiceStatus {
    /// Whether an amount is due. An uncollectible invoice can still be paid.
    pub const fn is_payable(self) -> bool {
        match self {
            Self::Issued | Self::PartiallyPaid | Self::Overdue | Self::Uncollectible => true,
            Self::Draft | Self::Paid | Self::Void => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_day_late_begins_when_the_due_day_has_ended() {
        let due = Time::from_seconds(10 * DAY_SECONDS + 36_000);
        let at = |days, seconds| days_late(due, Time::from_seconds(days * DAY_SECONDS + seconds));
        assert_eq!([at(9, 0), at(10, 86_399), at(11, 0)], [0, 0, 1]);
        assert_eq!([at(11, 86_399), at(12, 0), at(41, 0)], [1, 2, 31]);
    }
}
