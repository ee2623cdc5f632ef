//! SQL statements of the sandbox processor.

use super::intent::{Intent, IntentStatus};
use crate::base::PaymentAttemptId;
use crate::db::{Command, DbError, Query, Tx, command, query, word_columns};
use crate::organizations::Tenant;

const BY_KEY: Query<Intent> = query!(
    Intent,
    "SELECT {} FROM sandbox_intents WHERE tenant_no = $1 AND key = $2 \
     ORDER BY created_at, reference"
);
const BY_SECRET: Query<Intent> =
    query!(Intent, "SELECT {} FROM sandbox_intents WHERE tenant_no = $1 AND client_secret = $2");
const INSERT: Command<Intent> = command!(
    Intent,
    "INSERT INTO sandbox_intents (tenant_no, {columns}) VALUES ($1, {values}) \
     ON CONFLICT DO NOTHING"
);
const SET_STATUS: Command<Intent> =
    command!(Intent, "UPDATE sandbox_intents SET status = {status} WHERE reference = {reference}");

/// Returns the charges of a key, oldest first: several if the key expired in between.
pub(super) async fn by_key(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    key: PaymentAttemptId,
) -> Result<Vec<Intent>, DbError> {
    tx.fetch(&BY_KEY, &[tenant.no.into(), key.into()]).await
}

pub(super) async fn by_secret(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    secret: &str,
) -> Result<Option<Intent>, DbError> {
    tx.fetch_one(&BY_SECRET, &[tenant.no.into(), secret.into()]).await
}

/// Stores an intent; returns `false` if its reference is taken.
pub(super) async fn insert(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    intent: &Intent,
) -> Result<bool, DbError> {
    Ok(tx.store(&INSERT, intent, &[tenant.no.into()]).await? == 1)
}

pub(super) async fn set_status(tx: &mut Tx<'_, '_>, intent: &Intent) -> Result<(), DbError> {
    tx.store(&SET_STATUS, intent, &[]).await.map(|_| ())
}

word_columns!(IntentStatus);
