//! The statements of the sandbox processor.

use super::{Intent, IntentStatus};
use crate::base::PaymentAttemptId;
use crate::db::{Columns, DbError, Sql, Tx, sql, word_columns};
use crate::organizations::Tenant;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT reference, customer, key, method, amount, currency, status, decline_reason, \
             client_secret, created_at FROM sandbox_intents ",
            $rest
        )
    };
}

const BY_KEY: Sql =
    sql(select!("WHERE tenant_no = $1 AND key = $2 ORDER BY created_at, reference"));
const BY_SECRET: Sql = sql(select!("WHERE tenant_no = $1 AND client_secret = $2"));
const INSERT: Sql =
    sql("INSERT INTO sandbox_intents (reference, tenant_no, customer, key, method, \
     amount, currency, status, decline_reason, client_secret, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING");
const SET_STATUS: Sql = sql("UPDATE sandbox_intents SET status = $1 WHERE reference = $2");

/// The charges of a key, oldest first: more than one where the key was forgotten in between.
pub(super) async fn by_key(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    key: PaymentAttemptId,
) -> Result<Vec<Intent>, DbError> {
    tx.all(&BY_KEY, &[tenant.no.into(), key.into()], read).await
}

pub(super) async fn by_secret(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    secret: &str,
) -> Result<Option<Intent>, DbError> {
    tx.one(&BY_SECRET, &[tenant.no.into(), secret.into()], read).await
}

/// Keeps an intent; `false` where its reference is taken.
pub(super) async fn insert(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    intent: &Intent,
) -> Result<bool, DbError> {
    let values = [
        (&intent.reference).into(),
        tenant.no.into(),
        (&intent.customer).into(),
        intent.key.into(),
        intent.method.as_ref().into(),
        intent.amount.into(),
        intent.currency.into(),
        intent.status.into(),
        intent.decline_reason.into(),
        intent.client_secret.as_ref().into(),
        intent.created_at.into(),
    ];
    Ok(tx.execute(&INSERT, &values).await? == 1)
}

pub(super) async fn set_status(tx: &mut Tx<'_, '_>, intent: &Intent) -> Result<(), DbError> {
    let values = [intent.status.into(), (&intent.reference).into()];
    tx.execute(&SET_STATUS, &values).await.map(|_| ())
}

fn read(row: &mut Columns<'_>) -> Result<Intent, DbError> {
    Ok(Intent {
        reference: row.take()?,
        customer: row.take()?,
        key: row.take()?,
        method: row.take()?,
        amount: row.take()?,
        currency: row.take()?,
        status: row.take()?,
        decline_reason: row.take()?,
        client_secret: row.take()?,
        created_at: row.take()?,
    })
}

word_columns!(IntentStatus);
