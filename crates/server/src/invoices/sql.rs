//! SQL statements for invoices.

use super::parties::{Buyer, Parties, Seller};
use super::{Invoice, InvoiceReason, InvoiceStatus, Line, Payment};
use crate::base::{
    Address, Currency, CustomerId, InvoiceId, PageQuery, SubscriptionId, TaxDeclaration, TaxRate,
    Time,
};
use crate::customers::Customer;
use crate::customers::billing::{BillingProfile, TaxStatus};
use crate::db::{
    Command, DbError, FromRow, Pages, Query, Scalar, Sql, Tx, command, json, json_columns, pages,
    query, scalar, sql, word_columns,
};
use crate::organizations::Tenant;
use crate::work::Work;

const GET: Query<Invoice> = query!(
    Invoice,
    "SELECT {i} FROM invoices i JOIN customers c ON c.no = i.customer_no \
     WHERE i.tenant_no = $1 AND i.id = $2",
    customer_id = "c.id",
);
const IN_ARREARS: Query<Invoice> = query!(
    Invoice,
    "SELECT {i} FROM invoices i JOIN customers c ON c.no = i.customer_no \
     WHERE i.tenant_no = $1 AND i.customer_no = $2 AND i.subscription_id = $3 \
     AND i.status = 'overdue' ORDER BY i.number",
    customer_id = "c.id",
);
const OF_PERIOD: Query<Invoice> = query!(
    Invoice,
    "SELECT {i} FROM invoices i JOIN customers c ON c.no = i.customer_no \
     WHERE i.tenant_no = $1 AND i.customer_no = $2 AND i.subscription_id = $3 \
     AND i.period_end = $4 AND i.reason IN ('create', 'renewal', 'change') \
     AND i.status NOT IN ('draft', 'void') ORDER BY i.number DESC",
    customer_id = "c.id",
);
/// An empty text and 0 are no filter.
const OF_TENANT: Pages<Invoice> = pages!(
    Invoice,
    "SELECT {i} FROM invoices i JOIN customers c ON c.no = i.customer_no \
     WHERE i.tenant_no = $1 AND i.id < $2 AND i.id > $3 \
     AND (CAST($4 AS TEXT) = '' OR i.status = $4) \
     AND (CAST($5 AS BIGINT) = 0 OR i.number = $5) \
     AND (CAST($6 AS BIGINT) = 0 OR i.issued_at >= $6) \
     AND (CAST($7 AS BIGINT) = 0 OR i.issued_at < $7) ORDER BY i.id {order} LIMIT $8",
    customer_id = "c.id",
    items = "'[]'",
);
/// `$10` is the status that is left out: drafts, unless the caller may see them.
const OF_CUSTOMER: Pages<Invoice> = pages!(
    Invoice,
    "SELECT {i} FROM invoices i \
     WHERE i.tenant_no = $2 AND i.customer_no = $3 AND i.id < $4 AND i.id > $5 \
     AND (CAST($6 AS TEXT) = '' OR i.status = $6) \
     AND (CAST($7 AS BIGINT) = 0 OR i.number = $7) \
     AND (CAST($8 AS BIGINT) = 0 OR i.issued_at >= $8) \
     AND (CAST($9 AS BIGINT) = 0 OR i.issued_at < $9) AND i.status <> CAST($10 AS TEXT) \
     ORDER BY i.id {order} LIMIT $11",
    customer_id = "CAST($1 AS TEXT)",
    items = "'[]'",
);
const HAS_OPEN_FOR_PERIOD: Sql = sql("SELECT 1 FROM invoices \
     WHERE tenant_no = $1 AND customer_no = $2 AND subscription_id = $3 AND period_start = $4 \
     AND reason IN ('create', 'renewal', 'change') AND status NOT IN ('paid', 'void') LIMIT 1");
const PARTIES: Query<PartiesRow> = query!(
    PartiesRow,
    "SELECT {customer: c, billing: b, seller: s} FROM customers c \
     JOIN tenants t ON t.no = c.tenant_no JOIN organizations o ON o.id = t.organization_id \
     LEFT JOIN customer_billing b ON b.customer_no = c.no \
     LEFT JOIN brandings s ON s.tenant_no = c.tenant_no \
     WHERE c.tenant_no = $1 AND c.no = $2",
    organization = "o.name",
);
const HAS_DUE_KEY: Sql = sql("SELECT 1 FROM invoices WHERE due_key = $1");
const INSERT: Command<Invoice> = command!(
    Invoice,
    "INSERT INTO invoices (tenant_no, due_key, {columns}) VALUES ($1, $2, {values}) \
     ON CONFLICT DO NOTHING"
);
const STORE_ISSUED: Command<Invoice> = command!(
    Invoice,
    "UPDATE invoices SET number = {number}, status = {status}, issued_at = {issued_at}, \
     due_date = {due_date}, paid_at = {paid_at}, seller = {seller}, customer = {customer}, \
     updated_at = {updated_at}, items = {items}, period_start = {period_start}, \
     period_end = {period_end} WHERE tenant_no = $1 AND id = {id} AND status = 'draft'"
);
const STORE_STATE: Command<Invoice> = command!(
    Invoice,
    "UPDATE invoices SET status = {status}, amount_paid = {amount_paid}, paid_at = {paid_at}, \
     balance_applied = {balance_applied}, credited_net = {credited_net}, \
     credited_tax = {credited_tax}, credited_due = {credited_due}, \
     amount_moved = {amount_moved}, dispute_status = {dispute_status}, \
     updated_at = {updated_at} \
     WHERE tenant_no = $1 AND id = {id} AND status <> 'draft'"
);
const STORE_BALANCE_APPLIED: Command<Invoice> = command!(
    Invoice,
    "UPDATE invoices SET balance_applied = {balance_applied} \
     WHERE tenant_no = $1 AND id = {id} AND status = 'draft'"
);
const DELETE_DRAFT: Sql =
    sql("DELETE FROM invoices WHERE tenant_no = $1 AND id = $2 AND status = 'draft'");
macro_rules! next_number {
    ($table:literal) => {
        query!(
            Numbered,
            concat!(
                "INSERT INTO ",
                $table,
                " AS n (tenant_no, last, last_issued_at) VALUES ($1, 1, $2) \
                 ON CONFLICT (tenant_no) DO UPDATE SET last = n.last + 1, \
                 last_issued_at = CASE WHEN n.last_issued_at > excluded.last_issued_at \
                 THEN n.last_issued_at ELSE excluded.last_issued_at END RETURNING {}"
            )
        )
    };
}
const NEXT_INVOICE: Query<Numbered> = next_number!("invoice_numbers");
const NEXT_CREDIT_NOTE: Query<Numbered> = next_number!("credit_note_numbers");
const HAS_BILLED: Sql = sql("SELECT 1 WHERE EXISTS (SELECT 1 FROM invoices \
     WHERE tenant_no = $1 AND customer_no = $2 AND status <> 'draft' AND total_amount > 0) \
     OR EXISTS (SELECT 1 FROM invoice_additions WHERE tenant_no = $1 AND customer_no = $2)");
const OWED: Scalar<InvoiceId> = scalar(
    "SELECT id FROM invoices WHERE tenant_no = $1 AND customer_no = $2 \
     AND status IN ('overdue', 'uncollectible') ORDER BY number LIMIT 1",
);
const ADDITIONS: Query<Addition> = query!(
    Addition,
    "SELECT {} FROM invoice_additions WHERE tenant_no = $1 AND customer_no = $2 \
     AND currency = $3 AND invoice_id IS NULL ORDER BY id"
);
const HELD_ADDITIONS: Sql = sql("SELECT 1 FROM invoice_additions \
     WHERE tenant_no = $1 AND customer_no = $2 AND invoice_id IS NOT NULL LIMIT 1");
const INSERT_ADDITION: Sql = sql("INSERT INTO invoice_additions (tenant_no, customer_no, id, \
     currency, items, created_at) VALUES ($1, $2, $3, $4, $5, $6)");
const TAKE_ADDITIONS: Sql = sql("UPDATE invoice_additions SET invoice_id = $1 \
     WHERE tenant_no = $2 AND customer_no = $3 AND currency = $4 AND invoice_id IS NULL");
const FREE_ADDITIONS: Sql = sql("UPDATE invoice_additions SET invoice_id = NULL \
     WHERE tenant_no = $1 AND customer_no = $2 AND invoice_id = $3");
const SPEND_ADDITIONS: Sql = sql("DELETE FROM invoice_additions \
     WHERE tenant_no = $1 AND customer_no = $2 AND invoice_id = $3");
const INSERT_PAYMENT: Command<Payment> = command!(
    Payment,
    "INSERT INTO payments (tenant_no, customer_no, invoice_id, {columns}) \
     VALUES ($1, $2, $3, {values})"
);
const PAYMENTS: Query<Payment> =
    query!(Payment, "SELECT {} FROM payments WHERE tenant_no = $1 AND invoice_id = $2 ORDER BY id");
const ERASE: Sql =
    sql("UPDATE invoices SET metadata = '{}' WHERE tenant_no = $1 AND customer_no = $2");

#[derive(FromRow)]
struct PartiesRow {
    #[record(join)]
    customer: Customer,
    #[record(join, default)]
    billing: BillingProfile,
    #[record(computed)]
    organization: String,
    #[record(join)]
    seller: SellerRow,
}

/// The seller's part of a branding, without its logo.
#[derive(FromRow)]
struct SellerRow {
    name: Option<String>,
    legal_name: Option<String>,
    address: Option<Address>,
    tax_id: Option<String>,
    support_email: Option<String>,
    invoice_footer: Option<String>,
    tax_rate: Option<TaxRate>,
    tax_declaration: Option<TaxDeclaration>,
}

/// The documents whose numbers have no gaps.
#[derive(Clone, Copy, Debug)]
pub enum Series {
    Invoices,
    CreditNotes,
}

#[derive(FromRow)]
struct Numbered {
    last: i64,
    last_issued_at: Time,
}

#[derive(FromRow)]
struct Addition {
    items: Vec<Line>,
}

pub async fn get(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: InvoiceId,
) -> Result<Option<Invoice>, DbError> {
    tx.fetch_one(&GET, &[tenant.no.into(), id.into()]).await
}

/// Chooses the invoices of one customer or of all; a filter that is absent chooses any.
#[derive(Clone, Copy, Debug, Default)]
pub struct InvoiceFilter {
    pub customer: Option<(i64, CustomerId)>,
    pub status: Option<InvoiceStatus>,
    pub number: Option<i64>,
    pub issued_from: Option<Time>,
    pub issued_before: Option<Time>,
    /// Whether one customer's drafts are among them; those of a whole tenant are.
    pub drafts: bool,
}

/// Returns a page of a tenant's invoices, without their lines.
pub async fn page(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    filter: InvoiceFilter,
    query: &PageQuery,
) -> Result<Vec<Invoice>, DbError> {
    let (before, after, newer) = query.bounds();
    let status = filter.status.map_or("", InvoiceStatus::as_str);
    let (mut values, statements) = match filter.customer {
        Some((no, id)) => (vec![id.into(), tenant.no.into(), no.into()], &OF_CUSTOMER),
        None => (vec![tenant.no.into()], &OF_TENANT),
    };
    values.extend([before.into(), after.into(), status.into()]);
    values.push(filter.number.unwrap_or_default().into());
    values
        .extend([filter.issued_from, filter.issued_before].map(|at| at.unwrap_or_default().into()));
    if filter.customer.is_some() {
        values.push(if filter.drafts { "" } else { InvoiceStatus::Draft.as_str() }.into());
    }
    values.push(query.fetch().into());
    tx.fetch(&statements[usize::from(newer)], &values).await
}

pub async fn in_arrears(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    subscription: SubscriptionId,
) -> Result<Vec<Invoice>, DbError> {
    let values = [tenant.no.into(), customer_no.into(), subscription.into()];
    tx.fetch(&IN_ARREARS, &values).await
}

/// Returns the issued invoices that charge for the period of a subscription that ends at this instant,
/// newest first.
pub async fn of_period(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    subscription: SubscriptionId,
    end: Time,
) -> Result<Vec<Invoice>, DbError> {
    let values = [tenant.no.into(), customer_no.into(), subscription.into(), end.into()];
    tx.fetch(&OF_PERIOD, &values).await
}

/// Whether the customer was ever invoiced an amount above zero, or will be: lines wait.
pub async fn has_billed(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
) -> Result<bool, DbError> {
    tx.exists(&HAS_BILLED, &[tenant.no.into(), customer_no.into()]).await
}

/// Returns the oldest invoice that the customer should have paid by now.
pub async fn owed(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
) -> Result<Option<InvoiceId>, DbError> {
    tx.scalar(&OWED, &[tenant.no.into(), customer_no.into()]).await
}

/// Whether an invoice of a subscription for the period that starts at this instant is not paid.
pub async fn has_open_for_period(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    subscription: SubscriptionId,
    start: Time,
) -> Result<bool, DbError> {
    let values = [tenant.no.into(), customer_no.into(), subscription.into(), start.into()];
    tx.exists(&HAS_OPEN_FOR_PERIOD, &values).await
}

/// Returns the current seller and buyer.
pub async fn parties(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
) -> Result<Parties, DbError> {
    let row = tx.fetch_one(&PARTIES, &[tenant.no.into(), customer_no.into()]).await?;
    row.map(Parties::from).ok_or(DbError::Broken("no customer to bill"))
}

pub async fn has_due_key(tx: &mut Tx<'_, '_>, key: &str) -> Result<bool, DbError> {
    tx.exists(&HAS_DUE_KEY, &[key.into()]).await
}

/// Stores a draft; returns `false` if its `due_key` is taken.
pub async fn insert(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: &Invoice,
    due_key: Option<&String>,
) -> Result<bool, DbError> {
    Ok(tx.store(&INSERT, invoice, &[tenant.no.into(), due_key.into()]).await? == 1)
}

pub async fn store_issued(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: &Invoice,
) -> Result<(), DbError> {
    changed_one(tx.store(&STORE_ISSUED, invoice, &[tenant.no.into()]).await?)
}

/// Stores the fields of an issued invoice that change.
pub async fn store_state(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: &Invoice,
) -> Result<(), DbError> {
    changed_one(tx.store(&STORE_STATE, invoice, &[tenant.no.into()]).await?)
}

/// Stores the part of a draft that the balance pays.
pub async fn store_balance_applied(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: &Invoice,
) -> Result<(), DbError> {
    changed_one(tx.store(&STORE_BALANCE_APPLIED, invoice, &[tenant.no.into()]).await?)
}

fn changed_one(rows: u64) -> Result<(), DbError> {
    if rows == 1 { Ok(()) } else { Err(DbError::Broken("an invoice is not what it was read as")) }
}

pub async fn delete_draft(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: InvoiceId,
) -> Result<(), DbError> {
    tx.execute(&DELETE_DRAFT, &[tenant.no.into(), id.into()]).await.map(|_| ())
}

/// Takes the tenant's next number of a series, and the date of a document that is issued at this
/// instant: never before the last number's. Other transactions that issue wait for the end of this
/// one; a rollback returns the number.
pub async fn next_number(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    series: Series,
    at: Time,
) -> Result<(i64, Time), DbError> {
    let statement = match series {
        Series::Invoices => &NEXT_INVOICE,
        Series::CreditNotes => &NEXT_CREDIT_NOTE,
    };
    let numbered = tx.fetch_one(statement, &[tenant.no.into(), at.into()]).await?;
    let numbered = numbered.ok_or(DbError::Broken("no number came back"))?;
    Ok((numbered.last, numbered.last_issued_at))
}

pub async fn additions(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    currency: Currency,
) -> Result<Vec<Line>, DbError> {
    let values = [tenant.no.into(), customer_no.into(), currency.into()];
    let additions = tx.fetch(&ADDITIONS, &values).await?;
    Ok(additions.into_iter().flat_map(|addition| addition.items).collect())
}

pub async fn insert_addition(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
    currency: Currency,
    lines: &[Line],
) -> Result<(), DbError> {
    let values = [
        work.tenant.no.into(),
        customer_no.into(),
        work.by.ids.invoice().into(),
        currency.into(),
        json(lines).into(),
        work.at.into(),
    ];
    work.tx.execute(&INSERT_ADDITION, &values).await.map(|_| ())
}

/// Whether a draft holds lines that waited for the customer's next invoice.
pub async fn draft_holds_lines(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
) -> Result<bool, DbError> {
    tx.exists(&HELD_ADDITIONS, &[tenant.no.into(), customer_no.into()]).await
}

/// Assigns the waiting additions to a draft.
pub async fn take_additions(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    currency: Currency,
    invoice: InvoiceId,
) -> Result<(), DbError> {
    let values = [invoice.into(), tenant.no.into(), customer_no.into(), currency.into()];
    tx.execute(&TAKE_ADDITIONS, &values).await.map(|_| ())
}

pub async fn free_additions(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: &Invoice,
) -> Result<(), DbError> {
    let values = [tenant.no.into(), invoice.customer_no.into(), invoice.id.into()];
    tx.execute(&FREE_ADDITIONS, &values).await.map(|_| ())
}

pub async fn spend_additions(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: &Invoice,
) -> Result<(), DbError> {
    let values = [tenant.no.into(), invoice.customer_no.into(), invoice.id.into()];
    tx.execute(&SPEND_ADDITIONS, &values).await.map(|_| ())
}

pub async fn insert_payment(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: &Invoice,
    payment: &Payment,
) -> Result<(), DbError> {
    let given = [tenant.no.into(), invoice.customer_no.into(), invoice.id.into()];
    tx.store(&INSERT_PAYMENT, payment, &given).await.map(|_| ())
}

/// Returns the payments of an invoice, the oldest first.
pub async fn payments(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: InvoiceId,
) -> Result<Vec<Payment>, DbError> {
    tx.fetch(&PAYMENTS, &[tenant.no.into(), invoice.into()]).await
}

impl From<PartiesRow> for Parties {
    fn from(row: PartiesRow) -> Self {
        let PartiesRow { customer, billing, organization, seller } = row;
        let exempt = billing.tax_status == TaxStatus::Exempt;
        Self {
            seller: Seller {
                name: seller.name.unwrap_or(organization),
                legal_name: seller.legal_name,
                address: seller.address,
                tax_id: seller.tax_id,
                support_email: seller.support_email,
                footer: seller.invoice_footer,
                declared_tax: None,
            },
            buyer: Buyer {
                id: customer.id,
                external_id: customer.external_id,
                name: customer.name,
                email: customer.email,
                r#type: billing.r#type.as_str().to_owned(),
                locale: billing.locale,
                address: billing.address,
                tax_ids: billing.tax_ids,
                tax_status: billing.tax_status.as_str().to_owned(),
                tax_exempt_reason: billing.tax_exempt_reason.filter(|_| exempt),
                po_number: billing.po_number,
                notes: billing.notes,
            },
            net_days: billing.net_days,
            customers_tax: billing.tax_rate,
            organizations_tax: seller.tax_rate,
            tax_declaration: seller.tax_declaration,
        }
    }
}

/// Erases what the backend noted about a customer's invoices.
pub async fn erase(tx: &mut Tx<'_, '_>, tenant: &Tenant, customer_no: i64) -> Result<(), DbError> {
    tx.execute(&ERASE, &[tenant.no.into(), customer_no.into()]).await.map(|_| ())
}

word_columns!(InvoiceReason, InvoiceStatus);
json_columns!(Vec<Line>);
