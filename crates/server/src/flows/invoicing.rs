//! Invoices that a backend writes, and items that wait for a customer's next invoice.

use crate::base::{
    CollectionMethod, Currency, Decimal, InvoiceId, Overflow, PaymentAttemptId, money,
};
use crate::customers::{self, Customer, billing};
use crate::flows::create;
use crate::invoices::{self, InvoiceReason, Line, LineKind, NewInvoice, balance};
use crate::payments;
use crate::settlement::{self, Effect, ToPay};
use crate::work::{BillingError, Work};

/// One item that a backend bills.
#[derive(Clone, Debug)]
pub struct Item {
    pub description: String,
    pub quantity: i64,
    /// In minor units, before tax.
    pub unit_amount: i64,
}

/// An invoice that a backend asks for.
#[derive(Clone, Debug)]
pub struct InvoiceOrder {
    pub customer_no: i64,
    /// Default: the customer's.
    pub currency: Option<Currency>,
    pub items: Vec<Item>,
    /// The days until it is due if it is sent. Default: the customer's `netDays`.
    pub due_in_days: Option<i64>,
    /// Whether the default payment method is charged.
    pub auto_collect: bool,
}

impl Item {
    fn line(&self) -> Result<Line, Overflow> {
        Ok(Line {
            description: self.description.clone(),
            label: None,
            kind: LineKind::OneOff,
            quantity: Decimal::from_integer(self.quantity),
            unit_amount: Some(Decimal::from_integer(self.unit_amount)),
            usage: None,
            tax: None,
            amount: money::amount(i128::from(self.quantity) * i128::from(self.unit_amount))?,
            discount: None,
            period: None,
        })
    }
}

/// Issues an invoice of these items and begins to charge it if it is collected automatically. The
/// caller carries out the attempt; a decline leaves the invoice open.
pub async fn write_invoice(
    work: &mut Work<'_, '_, '_>,
    order: &InvoiceOrder,
) -> Result<(InvoiceId, Option<PaymentAttemptId>), BillingError> {
    let (customer, currency) = buyer(work, order.customer_no, order.currency).await?;
    let lines: Vec<Line> = order.items.iter().map(Item::line).collect::<Result<_, _>>()?;
    let method = payments::default_of(work.tx, work.tenant, customer.no).await?;
    let (customer_no, auto) = (customer.no, order.auto_collect);
    if auto {
        settlement::check_chargeable(work, customer_no, currency, &lines).await?;
    }
    let sent = CollectionMethod::SendInvoice;
    let collection_method = if auto { CollectionMethod::ChargeAutomatically } else { sent };
    let new = NewInvoice {
        subscription_id: None,
        reason: InvoiceReason::Manual,
        currency,
        lines,
        period: None,
        collection_method,
        due_key: None,
    };
    let drafted = invoices::draft(work, customer_no, new).await?;
    let mut invoice = drafted.ok_or(BillingError::OutOfRange)?;
    invoice.due_date = order.due_in_days.map(|days| work.at.plus_days(days));
    let to_pay = ToPay { customer_no, currency, collection_method, amount: invoice.amount_due() };
    let part = settlement::part_from_balance(work, &to_pay, method.as_ref()).await?;
    balance::apply(work, &mut invoice, part).await?;
    let mut attempt = None;
    if auto && invoice.amount_due() > 0 {
        let effect = Effect::CollectInvoice;
        attempt = Some(settlement::begin(work, &invoice, method.as_ref(), effect).await?.id);
    }
    invoices::issue(work, &mut invoice).await?;
    billing::set_currency(work.tx, work.tenant, customer_no, currency).await?;
    Ok((invoice.id, attempt))
}

/// Keeps an item for the customer's next invoice in its currency, and returns all that wait.
pub async fn add_item(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
    currency: Option<Currency>,
    item: &Item,
) -> Result<(Currency, Vec<Line>), BillingError> {
    let (customer, currency) = buyer(work, customer_no, currency).await?;
    let line = item.line()?;
    if line.amount == 0 {
        return Err(BillingError::OutOfRange);
    }
    invoices::wait_for_next(work, customer.no, currency, vec![line]).await?;
    let waiting = invoices::waiting(work.tx, work.tenant, customer.no, currency).await?;
    // The next invoice must be possible.
    invoices::price(work.tx, work.tenant, customer.no, &waiting).await?;
    billing::set_currency(work.tx, work.tenant, customer.no, currency).await?;
    Ok((currency, waiting))
}

/// Locks the customer and returns the currency in which it is billed.
async fn buyer(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
    currency: Option<Currency>,
) -> Result<(Customer, Currency), BillingError> {
    let customer = customers::lock_no(work.tx, work.tenant, customer_no).await?;
    let customer = customer.ok_or(BillingError::CustomerNotFound)?;
    if customer.archived_at.is_some() {
        return Err(BillingError::CustomerArchived);
    }
    let known = billing::get(work.tx, work.tenant, customer_no).await?.currency;
    let currency = currency.or(known).ok_or(BillingError::CurrencyRequired)?;
    match create::may_pay_in(work.tx, work.tenant, customer_no, currency).await? {
        true => Ok((customer, currency)),
        false => Err(BillingError::CurrencyMismatch),
    }
}
