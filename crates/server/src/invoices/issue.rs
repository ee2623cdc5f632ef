//! From lines to an issued invoice: prices, drafts, numbers.

use super::sql::Series;
use super::{
    Buyer, DeclaredTax, Invoice, InvoiceReason, InvoiceStatus, Line, LineKind, NewInvoice, Seller,
    Tax, Totals, balance, sql,
};
use crate::audit::Action;
use crate::base::{CollectionMethod, Currency, Overflow, TaxRate, money};
use crate::db::{DbError, Stored, Tx};
use crate::events::EventType;
use crate::organizations::{Environment, Tenant};
use crate::test_clock;
use crate::work::{BillingError, Work};
use serde_json::json;

/// Returns the totals of lines for a customer.
pub async fn price(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    lines: &[Line],
) -> Result<Totals, BillingError> {
    let parties = sql::parties(tx, tenant, customer_no).await?;
    Ok(totals(lines, parties.tax())?)
}

/// Whether lines come to less than nothing, before or after tax: they cannot be invoiced.
pub async fn is_credit(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    lines: &[Line],
) -> Result<bool, BillingError> {
    let parties = sql::parties(tx, tenant, customer_no).await?;
    let sums = sums(lines, parties.tax())?;
    Ok(sums.subtotal < 0 || sums.total < 0)
}

/// Returns the rate that a customer's invoices are taxed at now, if any.
pub async fn tax_rate(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
) -> Result<Option<TaxRate>, DbError> {
    Ok(sql::parties(tx, tenant, customer_no).await?.tax())
}

/// Returns the lines that wait for the customer's next invoice of this currency: usage that a change
/// of plan cut off, and amounts too small to charge. A top-up's invoice does not take them.
pub async fn waiting(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    currency: Currency,
) -> Result<Vec<Line>, DbError> {
    sql::additions(tx, tenant, customer_no, currency).await
}

/// Adds lines whose sum is too small to charge to the customer's next invoice.
pub async fn add_to_next(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
    currency: Currency,
    lines: &[Line],
) -> Result<(), DbError> {
    let addition = |line: &Line| Line { kind: LineKind::Addition, ..line.clone() };
    let lines: Vec<Line> = lines.iter().map(addition).collect();
    wait_for_next(work, customer_no, currency, lines).await
}

/// Keeps lines for the customer's next invoice. Drops lines of 0.
pub async fn wait_for_next(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
    currency: Currency,
    mut lines: Vec<Line>,
) -> Result<(), DbError> {
    lines.retain(|line| line.amount != 0);
    if lines.is_empty() {
        return Ok(());
    }
    sql::insert_addition(work, customer_no, currency, &lines).await
}

/// Writes a draft. Returns `None` if there is nothing to bill, or an invoice with this `due_key`.
pub async fn draft(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
    new: NewInvoice,
) -> Result<Option<Invoice>, BillingError> {
    let waiting = match new.reason {
        InvoiceReason::TopUp | InvoiceReason::Manual => Vec::new(),
        InvoiceReason::Create
        | InvoiceReason::Renewal
        | InvoiceReason::Usage
        | InvoiceReason::Change => {
            sql::additions(work.tx, work.tenant, customer_no, new.currency).await?
        }
    };
    if !is_worth_an_invoice(new.reason, &new.lines, &waiting) {
        return Ok(None);
    }
    if let Some(key) = &new.due_key
        && sql::has_due_key(work.tx, key).await?
    {
        return Ok(None);
    }
    let parties = sql::parties(work.tx, work.tenant, customer_no).await?;
    if work.tenant.environment == Environment::Live && !parties.seller.is_complete() {
        return Err(BillingError::SellerIncomplete);
    }
    let id = work.by.ids.invoice();
    if !waiting.is_empty() {
        sql::take_additions(work.tx, work.tenant, customer_no, new.currency, id).await?;
    }
    let lines = with_waiting(new.lines, waiting);
    let invoice = Invoice {
        customer_no,
        customer_id: parties.buyer.id,
        id,
        subscription_id: new.subscription_id,
        number: None,
        status: InvoiceStatus::Draft,
        reason: new.reason,
        collection_method: new.collection_method,
        currency: new.currency,
        totals: totals(&lines, parties.tax())?,
        amount_paid: 0,
        balance_applied: 0,
        credited_net: 0,
        credited_tax: 0,
        credited_due: 0,
        amount_moved: 0,
        dispute_status: None,
        issued_at: None,
        due_date: None,
        paid_at: None,
        period: new.period,
        seller: Stored::new(&parties.seller)?,
        buyer: Stored::new(&parties.buyer)?,
        lines: Stored::new(&lines)?,
        metadata: "{}".to_owned(),
        created_at: work.at,
        updated_at: work.at,
    };
    if !sql::insert(work.tx, work.tenant, &invoice, new.due_key.as_ref()).await? {
        return Err(work.tx.again().into());
    }
    Ok(Some(invoice))
}

/// Issues a draft: freezes seller and buyer as they are now, lines and tax (with the buyer's tax ids
/// and status) as they were drafted. Takes the next number; the date is today's.
pub async fn issue(work: &mut Work<'_, '_, '_>, invoice: &mut Invoice) -> Result<(), BillingError> {
    let parties = sql::parties(work.tx, work.tenant, invoice.customer_no).await?;
    sql::spend_additions(work.tx, work.tenant, invoice).await?;
    // A late job bills as of the period's end, but an invoice carries the date of its issue.
    let now = test_clock::now(work.tx, work.tenant, work.by.now).await?.max(work.at);
    let (number, at) = sql::next_number(work.tx, work.tenant, Series::Invoices, now).await?;
    invoice.number = Some(number);
    invoice.due_date = Some(match invoice.collection_method {
        CollectionMethod::ChargeAutomatically => at,
        // A draft may have a due date of its own.
        CollectionMethod::SendInvoice => {
            invoice.due_date.unwrap_or_else(|| at.plus_days(parties.net_days))
        }
    });
    let (currency, tax_amount) = (invoice.currency, invoice.totals.tax_amount);
    let declaration = parties.tax_declaration.as_ref();
    let declared_tax =
        declaration.and_then(|known| DeclaredTax::convert(known, currency, tax_amount));
    let Buyer { tax_ids, tax_status, tax_exempt_reason, .. } = invoice.buyer.read()?;
    invoice.seller = Stored::new(&Seller { declared_tax, ..parties.seller })?;
    let buyer = Buyer { tax_ids, tax_status, tax_exempt_reason, ..parties.buyer };
    invoice.buyer = Stored::new(&buyer)?;
    (invoice.issued_at, invoice.updated_at) = (Some(at), at);
    invoice.status = InvoiceStatus::Issued;
    if invoice.amount_due() == 0 {
        (invoice.status, invoice.paid_at) = (InvoiceStatus::Paid, Some(at));
    }
    sql::store_issued(work.tx, work.tenant, invoice).await?;
    let detail = json!({
        "number": invoice.number_text(), "currency": invoice.currency,
        "totalAmount": invoice.totals.total,
    });
    work.note(invoice.customer_id, Action::InvoiceIssued, invoice.id, detail).await?;
    if invoice.status == InvoiceStatus::Paid {
        work.announce(invoice.customer_id, EventType::InvoicePaid, invoice.id).await?;
    }
    Ok(())
}

/// Adds the waiting lines to an invoice's own: usage segments first, the rest last.
pub fn with_waiting(lines: Vec<Line>, waiting: Vec<Line>) -> Vec<Line> {
    let (mut all, rest): (Vec<Line>, Vec<Line>) =
        waiting.into_iter().partition(|line| line.kind == LineKind::Usage);
    all.extend(lines);
    all.extend(rest);
    all
}

/// Whether there is something to bill. Waiting lines justify an invoice that falls due, not one that
/// a caller asks for.
fn is_worth_an_invoice(reason: InvoiceReason, lines: &[Line], waiting: &[Line]) -> bool {
    let any = |lines: &[Line]| lines.iter().any(Line::is_billed);
    match reason {
        InvoiceReason::Renewal | InvoiceReason::Usage => any(lines) || any(waiting),
        InvoiceReason::Create
        | InvoiceReason::Change
        | InvoiceReason::TopUp
        | InvoiceReason::Manual => any(lines),
    }
}

/// Drafts and issues an invoice; `None` as in [`draft`].
pub async fn create_issued(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
    new: NewInvoice,
) -> Result<Option<Invoice>, BillingError> {
    let Some(mut invoice) = draft(work, customer_no, new).await? else {
        return Ok(None);
    };
    issue(work, &mut invoice).await?;
    Ok(Some(invoice))
}

/// Deletes a draft: the lines that it took in wait again, and the balance that it reserved is
/// returned. An issued invoice stays.
pub async fn delete_draft(work: &mut Work<'_, '_, '_>, invoice: &Invoice) -> Result<(), DbError> {
    if invoice.status != InvoiceStatus::Draft {
        return Ok(());
    }
    balance::give_back(work, invoice).await?;
    sql::free_additions(work.tx, work.tenant, invoice).await?;
    sql::delete_draft(work.tx, work.tenant, invoice.id).await
}

fn totals(lines: &[Line], tax: Option<TaxRate>) -> Result<Totals, Overflow> {
    let totals = sums(lines, tax)?;
    if totals.subtotal < 0 || totals.total < 0 { Err(Overflow) } else { Ok(totals) }
}

/// Returns the sums of lines, which may be below zero.
fn sums(lines: &[Line], tax: Option<TaxRate>) -> Result<Totals, Overflow> {
    let subtotal = money::sum(lines.iter().map(|line| line.amount))?;
    let tax_amount = money::sum(taxes(lines, tax.as_ref())?.iter().map(|tax| tax.amount))?;
    Ok(Totals { subtotal, tax, tax_amount, total: money::sum([subtotal, tax_amount])? })
}

/// Returns the taxes of lines by rate, each rounded once, that of the invoice first.
pub fn taxes(lines: &[Line], invoice_rate: Option<&TaxRate>) -> Result<Vec<Tax>, Overflow> {
    let mut rates: Vec<&TaxRate> = invoice_rate.into_iter().collect();
    for rate in lines.iter().filter_map(|line| line.rate(invoice_rate)) {
        if !rates.contains(&rate) {
            rates.push(rate);
        }
    }
    let tax = |rate: &TaxRate| {
        let taxed = lines.iter().filter(|line| line.rate(invoice_rate) == Some(rate));
        let net = money::sum(taxed.map(|line| line.amount))?;
        let amount = unitpay_billing::tax::amount(net, rate.basis_points)?;
        Ok(Tax { rate: rate.clone(), net, amount })
    };
    rates.into_iter().map(tax).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Decimal;
    use crate::base::{Period, Time};
    use crate::invoices::{LineCode, LineLabel};

    fn vat(basis_points: i64) -> TaxRate {
        TaxRate { name: "VAT".into(), basis_points }
    }

    fn line(amount: i64) -> Line {
        let (kind, quantity) = (LineKind::Recurring, Decimal::from_integer(1));
        Line {
            description: "A".into(),
            label: Some(LineLabel::new(LineCode::Plan, "A")),
            kind,
            quantity,
            unit_amount: None,
            usage: None,
            tax: None,
            amount,
            discount: None,
            period: None,
        }
    }

    #[test]
    fn tax_is_rounded_once_on_the_subtotal() {
        // The tax of each line alone would round to zero.
        let totals = totals(&[line(1), line(1), line(1)], Some(vat(1_900))).unwrap();
        assert_eq!((totals.subtotal, totals.tax_amount, totals.total), (3, 1, 4));
    }

    #[test]
    fn tax_is_rounded_once_for_each_rate() {
        let credit = |tax| Line { tax: Some(tax), ..line(-2_000) };
        let total = |lines: &[Line], tax| totals(lines, tax).map(|totals| totals.tax_amount);
        let credited = [credit(Some(vat(1_900))), line(3_003)];
        assert_eq!(total(&credited, Some(vat(2_000))), Ok(-380 + 601));
        assert_eq!(total(&credited, None), Ok(-380));
        assert_eq!(total(&[credit(None), line(3_003)], Some(vat(2_000))), Ok(601));
        // 1 net, and less than nothing with the tax of the credit.
        assert_eq!(total(&[credit(Some(vat(1_900))), line(2_001)], None), Err(Overflow));
    }

    #[test]
    fn totals_are_refused_when_negative_or_out_of_range() {
        let tax = |basis_points| Some(vat(basis_points));
        assert_eq!(totals(&[line(5), line(-6)], None), Err(Overflow));
        assert_eq!(totals(&[line(money::MAX_AMOUNT), line(1)], None), Err(Overflow));
        assert_eq!(totals(&[line(money::MAX_AMOUNT)], tax(1)), Err(Overflow));
        assert_eq!(totals(&[line(5), line(-5)], tax(2_000)).unwrap().total, 0);
    }

    #[test]
    fn line_round_trips_through_its_stored_form() {
        let (start, end) = (Time::from_seconds(1), Time::from_seconds(2));
        for tax in [None, Some(None), Some(Some(vat(1_900)))] {
            let line = Line { tax, period: Some(Period { start, end }), ..line(-7) };
            let text = serde_json::to_string(&line).unwrap();
            assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), line);
            let former = text.replace(r#""label":{"code":"plan","name":"A"},"#, "");
            assert_ne!(former, text);
            let read = serde_json::from_str::<Line>(&former).unwrap();
            assert_eq!(read, Line { label: None, ..line });
        }
    }
}
