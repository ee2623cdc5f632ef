//! The statements on invoices.

use super::parties::{Buyer, Parties, Seller};
use super::{Invoice, Line, Payment, Reason, Status, Totals};
use crate::base::{Currency, CustomerId, InvoiceId, PageQuery, Period, SubscriptionId, Time};
use crate::customers::billing::{CustomerType, TaxStatus};
use crate::db::{Columns, DbError, JsonText, Sql, Tx, sql, word_columns};
use crate::organizations::Tenant;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// An invoice of whichever customer, with all of it.
macro_rules! select {
    ($rest:literal) => {
        select!("c.id", "i.items", "JOIN customers c ON c.no = i.customer_no ", $rest)
    };
    ($customer_id:literal, $items:literal, $join:literal, $rest:literal) => {
        concat!(
            "SELECT i.customer_no, ",
            $customer_id,
            ", i.id, i.subscription_id, i.number, i.status, i.reason, \
             i.collection_method, i.currency, i.subtotal, i.tax, i.tax_amount, i.total_amount, \
             i.amount_paid, i.issued_at, i.due_date, i.paid_at, i.period_start, i.period_end, \
             i.seller, i.customer, ",
            $items,
            ", i.metadata, i.created_at, i.updated_at FROM invoices i ",
            $join,
            $rest
        )
    };
}

const GET: Sql = sql(select!("WHERE i.tenant_no = $1 AND i.id = $2"));
const GET_OF_CUSTOMER: Sql = sql(select!(
    "CAST($1 AS TEXT)",
    "i.items",
    "",
    "WHERE i.tenant_no = $2 AND i.customer_no = $3 AND i.id = $4"
));
const IN_ARREARS: Sql = sql(select!(
    "WHERE i.tenant_no = $1 AND i.customer_no = $2 AND i.subscription_id = $3 \
     AND i.status = 'overdue' ORDER BY i.number"
));
/// No filter is an empty text; drafts are left out where they are not asked for.
const OF_TENANT: [Sql; 2] = [
    sql(select!(
        "c.id",
        "'[]'",
        "JOIN customers c ON c.no = i.customer_no ",
        "WHERE i.tenant_no = $1 AND i.id < $2 AND i.id > $3 \
         AND (CAST($4 AS TEXT) = '' OR i.status = $4) ORDER BY i.id DESC LIMIT $5"
    )),
    sql(select!(
        "c.id",
        "'[]'",
        "JOIN customers c ON c.no = i.customer_no ",
        "WHERE i.tenant_no = $1 AND i.id < $2 AND i.id > $3 \
         AND (CAST($4 AS TEXT) = '' OR i.status = $4) ORDER BY i.id ASC LIMIT $5"
    )),
];
const OF_CUSTOMER: [Sql; 2] = [
    sql(select!(
        "CAST($1 AS TEXT)",
        "'[]'",
        "",
        "WHERE i.tenant_no = $2 AND i.customer_no = $3 AND i.id < $4 AND i.id > $5 \
         AND (CAST($6 AS TEXT) = '' OR i.status = $6) AND i.status <> CAST($7 AS TEXT) \
         ORDER BY i.id DESC LIMIT $8"
    )),
    sql(select!(
        "CAST($1 AS TEXT)",
        "'[]'",
        "",
        "WHERE i.tenant_no = $2 AND i.customer_no = $3 AND i.id < $4 AND i.id > $5 \
         AND (CAST($6 AS TEXT) = '' OR i.status = $6) AND i.status <> CAST($7 AS TEXT) \
         ORDER BY i.id ASC LIMIT $8"
    )),
];
const PARTIES: Sql = sql("SELECT c.id, c.external_id, c.name, c.email, b.type, b.locale, \
     b.address, b.tax_ids, b.tax_status, b.net_days, b.tax_rate, o.name, s.name, s.legal_name, \
     s.address, s.tax_id, s.support_email, s.invoice_footer, s.tax_rate FROM customers c \
     JOIN tenants t ON t.no = c.tenant_no JOIN organizations o ON o.id = t.organization_id \
     LEFT JOIN customer_billing b ON b.customer_no = c.no \
     LEFT JOIN brandings s ON s.tenant_no = c.tenant_no \
     WHERE c.tenant_no = $1 AND c.no = $2");
const HAS_DUE_KEY: Sql = sql("SELECT 1 FROM invoices WHERE due_key = $1");
const INSERT: Sql = sql("INSERT INTO invoices (tenant_no, customer_no, id, subscription_id, \
     status, reason, collection_method, currency, subtotal, tax, tax_amount, total_amount, \
     period_start, period_end, seller, customer, items, due_key, metadata, created_at, \
     updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, \
     $17, $18, $19, $20, $20) ON CONFLICT DO NOTHING");
const STORE_ISSUED: Sql = sql("UPDATE invoices SET number = $1, status = $2, issued_at = $3, \
     due_date = $4, paid_at = $5, seller = $6, customer = $7, updated_at = $8, items = $9, \
     period_start = $10, period_end = $11 WHERE tenant_no = $12 AND id = $13 AND status = 'draft'");
const STORE_STATE: Sql = sql("UPDATE invoices SET status = $1, amount_paid = $2, paid_at = $3, \
     updated_at = $4 WHERE tenant_no = $5 AND id = $6 AND status <> 'draft'");
const DELETE_DRAFT: Sql =
    sql("DELETE FROM invoices WHERE tenant_no = $1 AND id = $2 AND status = 'draft'");
const NEXT_NUMBER: Sql = sql("INSERT INTO invoice_numbers (tenant_no, last) VALUES ($1, 1) \
     ON CONFLICT (tenant_no) DO UPDATE SET last = invoice_numbers.last + 1 RETURNING last");
const ADDITIONS: Sql =
    sql("SELECT items FROM invoice_additions WHERE tenant_no = $1 AND customer_no = $2 \
     AND currency = $3 AND invoice_id IS NULL ORDER BY id");
const INSERT_ADDITION: Sql = sql("INSERT INTO invoice_additions (tenant_no, customer_no, id, \
     currency, items, created_at) VALUES ($1, $2, $3, $4, $5, $6)");
const TAKE_ADDITIONS: Sql = sql("UPDATE invoice_additions SET invoice_id = $1 \
     WHERE tenant_no = $2 AND customer_no = $3 AND currency = $4 AND invoice_id IS NULL");
const FREE_ADDITIONS: Sql = sql("UPDATE invoice_additions SET invoice_id = NULL \
     WHERE tenant_no = $1 AND customer_no = $2 AND invoice_id = $3");
const SPEND_ADDITIONS: Sql = sql("DELETE FROM invoice_additions \
     WHERE tenant_no = $1 AND customer_no = $2 AND invoice_id = $3");
const INSERT_PAYMENT: Sql = sql("INSERT INTO payments (tenant_no, customer_no, invoice_id, id, \
     amount, paid_at, brand, last4, reference) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
const PAYMENTS: Sql = sql("SELECT id, amount, paid_at, brand, last4, reference FROM payments \
     WHERE tenant_no = $1 AND invoice_id = $2 ORDER BY id");

pub async fn get(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: InvoiceId,
) -> Result<Option<Invoice>, DbError> {
    tx.one(&GET, &[tenant.no.into(), id.into()], read).await
}

/// The same, where it is this customer's.
pub async fn get_of_customer(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    (customer_no, customer_id): (i64, CustomerId),
    id: InvoiceId,
) -> Result<Option<Invoice>, DbError> {
    let values = [customer_id.into(), tenant.no.into(), customer_no.into(), id.into()];
    tx.one(&GET_OF_CUSTOMER, &values, read).await
}

/// A page of a tenant's invoices, without their lines, or of one customer's; `drafts` tells whether
/// the customer's drafts are among them.
pub async fn page(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer: Option<(i64, CustomerId)>,
    status: Option<Status>,
    drafts: bool,
    query: &PageQuery,
) -> Result<Vec<Invoice>, DbError> {
    let (before, after, newer) = query.bounds();
    let status = status.map_or("", Status::as_str);
    let (mut values, statements) = match customer {
        Some((no, id)) => (vec![id.into(), tenant.no.into(), no.into()], &OF_CUSTOMER),
        None => (vec![tenant.no.into()], &OF_TENANT),
    };
    values.extend([before.into(), after.into(), status.into()]);
    if customer.is_some() {
        values.push(if drafts { "" } else { Status::Draft.as_str() }.into());
    }
    values.push(query.fetch().into());
    tx.all(&statements[usize::from(newer)], &values, read).await
}

pub async fn in_arrears(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    subscription: SubscriptionId,
) -> Result<Vec<Invoice>, DbError> {
    let values = [tenant.no.into(), customer_no.into(), subscription.into()];
    tx.all(&IN_ARREARS, &values, read).await
}

/// Both sides of an invoice as they are now.
pub async fn parties(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
) -> Result<Parties, DbError> {
    tx.one(&PARTIES, &[tenant.no.into(), customer_no.into()], read_parties)
        .await?
        .ok_or(DbError::Broken("no customer to bill"))
}

pub async fn has_due_key(tx: &mut Tx<'_, '_>, key: &str) -> Result<bool, DbError> {
    Ok(tx.one(&HAS_DUE_KEY, &[key.into()], |_| Ok(())).await?.is_some())
}

/// Stores a draft; `false` where its `due_key` is taken.
pub async fn insert(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: &Invoice,
    due_key: Option<&String>,
) -> Result<bool, DbError> {
    let Totals { subtotal, tax, tax_amount, total } = &invoice.totals;
    let values = [
        tenant.no.into(),
        invoice.customer_no.into(),
        invoice.id.into(),
        invoice.subscription_id.into(),
        invoice.status.into(),
        invoice.reason.into(),
        invoice.collection_method.into(),
        invoice.currency.into(),
        (*subtotal).into(),
        text(tax)?.into(),
        (*tax_amount).into(),
        (*total).into(),
        invoice.period.map(|period| period.start).into(),
        invoice.period.map(|period| period.end).into(),
        (&invoice.seller).into(),
        (&invoice.buyer).into(),
        (&invoice.lines).into(),
        due_key.into(),
        (&invoice.metadata).into(),
        invoice.created_at.into(),
    ];
    Ok(tx.execute(&INSERT, &values).await? == 1)
}

pub async fn store_issued(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: &Invoice,
) -> Result<(), DbError> {
    let values = [
        invoice.number.into(),
        invoice.status.into(),
        invoice.issued_at.into(),
        invoice.due_date.into(),
        invoice.paid_at.into(),
        (&invoice.seller).into(),
        (&invoice.buyer).into(),
        invoice.updated_at.into(),
        (&invoice.lines).into(),
        invoice.period.map(|period| period.start).into(),
        invoice.period.map(|period| period.end).into(),
        tenant.no.into(),
        invoice.id.into(),
    ];
    changed_one(tx.execute(&STORE_ISSUED, &values).await?)
}

/// Stores what changes of an issued invoice.
pub async fn store_state(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: &Invoice,
) -> Result<(), DbError> {
    let values = [
        invoice.status.into(),
        invoice.amount_paid.into(),
        invoice.paid_at.into(),
        invoice.updated_at.into(),
        tenant.no.into(),
        invoice.id.into(),
    ];
    changed_one(tx.execute(&STORE_STATE, &values).await?)
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

/// The tenant's next invoice number. Others who issue wait for the end of this transaction, and
/// one that is undone gives its number back.
pub async fn next_number(tx: &mut Tx<'_, '_>, tenant: &Tenant) -> Result<i64, DbError> {
    tx.one(&NEXT_NUMBER, &[tenant.no.into()], |row| row.take())
        .await?
        .ok_or(DbError::Broken("no invoice number came back"))
}

pub async fn additions(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    currency: Currency,
) -> Result<Vec<Line>, DbError> {
    let values = [tenant.no.into(), customer_no.into(), currency.into()];
    Ok(tx.all(&ADDITIONS, &values, json::<Vec<Line>>).await?.into_iter().flatten().collect())
}

pub async fn insert_addition(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    id: InvoiceId,
    currency: Currency,
    lines: &[Line],
    at: Time,
) -> Result<(), DbError> {
    let values = [
        tenant.no.into(),
        customer_no.into(),
        id.into(),
        currency.into(),
        text(&lines)?.into(),
        at.into(),
    ];
    tx.execute(&INSERT_ADDITION, &values).await.map(|_| ())
}

/// Notes that a draft has the additions that wait.
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
    let values = [
        tenant.no.into(),
        invoice.customer_no.into(),
        invoice.id.into(),
        payment.id.into(),
        payment.amount.into(),
        payment.paid_at.into(),
        payment.brand.as_ref().into(),
        payment.last4.as_ref().into(),
        payment.reference.as_ref().into(),
    ];
    tx.execute(&INSERT_PAYMENT, &values).await.map(|_| ())
}

/// What came in for an invoice, oldest first.
pub async fn payments(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: InvoiceId,
) -> Result<Vec<Payment>, DbError> {
    tx.all(&PAYMENTS, &[tenant.no.into(), invoice.into()], |row| {
        Ok(Payment {
            id: row.take()?,
            amount: row.take()?,
            paid_at: row.take()?,
            brand: row.take()?,
            last4: row.take()?,
            reference: row.take()?,
        })
    })
    .await
}

fn read(row: &mut Columns<'_>) -> Result<Invoice, DbError> {
    Ok(Invoice {
        customer_no: row.take()?,
        customer_id: row.take()?,
        id: row.take()?,
        subscription_id: row.take()?,
        number: row.take()?,
        status: row.take()?,
        reason: row.take()?,
        collection_method: row.take()?,
        currency: row.take()?,
        totals: Totals {
            subtotal: row.take()?,
            tax: json(row)?,
            tax_amount: row.take()?,
            total: row.take()?,
        },
        amount_paid: row.take()?,
        issued_at: row.take()?,
        due_date: row.take()?,
        paid_at: row.take()?,
        period: row
            .take::<Option<Time>>()?
            .zip(row.take::<Option<Time>>()?)
            .map(|(start, end)| Period { start, end }),
        seller: row.take()?,
        buyer: row.take()?,
        lines: row.take()?,
        metadata: row.take()?,
        created_at: row.take()?,
        updated_at: row.take()?,
    })
}

fn read_parties(row: &mut Columns<'_>) -> Result<Parties, DbError> {
    let buyer = Buyer {
        id: row.take()?,
        external_id: row.take()?,
        name: row.take()?,
        email: row.take()?,
        r#type: row
            .take::<Option<CustomerType>>()?
            .unwrap_or(CustomerType::Company)
            .as_str()
            .to_owned(),
        locale: row.take()?,
        address: optional_json(row)?,
        tax_ids: optional_json(row)?.unwrap_or_default(),
        tax_status: row
            .take::<Option<TaxStatus>>()?
            .unwrap_or(TaxStatus::Taxable)
            .as_str()
            .to_owned(),
    };
    let net_days = row.take::<Option<i64>>()?.unwrap_or(30);
    let customers_tax = optional_json(row)?;
    let organization: String = row.take()?;
    let seller = Seller {
        name: row.take::<Option<String>>()?.unwrap_or(organization),
        legal_name: row.take()?,
        address: optional_json(row)?,
        tax_id: row.take()?,
        support_email: row.take()?,
        footer: row.take()?,
    };
    Ok(Parties { seller, buyer, net_days, customers_tax, organizations_tax: optional_json(row)? })
}

/// The next column, which is JSON of ours.
fn json<T: DeserializeOwned>(row: &mut Columns<'_>) -> Result<T, DbError> {
    row.take::<JsonText<T>>().map(|json| json.0)
}

fn optional_json<T: DeserializeOwned>(row: &mut Columns<'_>) -> Result<Option<T>, DbError> {
    Ok(row.take::<Option<JsonText<T>>>()?.map(|json| json.0))
}

fn text(value: &impl Serialize) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(|error| DbError::Unexpected(error.into()))
}

word_columns!(Reason, Status);
