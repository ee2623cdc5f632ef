//! SQL statements of the sandbox processor.

use super::intent::{Intent, IntentStatus};
use super::refund::{SandboxRefund, State};
use crate::base::{PaymentAttemptId, Time};
use crate::db::{Command, DbError, Query, Sql, Tx, command, query, sql, word_columns};
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
const CANCEL: Sql = sql("UPDATE sandbox_intents SET status = 'declined', \
     decline_reason = 'processing_error' WHERE tenant_no = $1 AND reference = $2 AND status = 'requires_form'");
const SET_STATUS: Command<Intent> =
    command!(Intent, "UPDATE sandbox_intents SET status = {status} WHERE reference = {reference}");

const REFUNDS: Query<SandboxRefund> = query!(
    SandboxRefund,
    "SELECT {} FROM sandbox_refunds WHERE tenant_no = $1 AND reference = $2 ORDER BY key"
);
const INSERT_REFUND: Command<SandboxRefund> = command!(
    SandboxRefund,
    "INSERT INTO sandbox_refunds (tenant_no, {columns}) VALUES ($1, {values})"
);
const SET_REFUND_STATUS: Command<SandboxRefund> = command!(
    SandboxRefund,
    "UPDATE sandbox_refunds SET status = {status} WHERE tenant_no = $1 AND key = {key}"
);
const CLOSE_SETUPS: Sql = sql("DELETE FROM sandbox_intents WHERE reference IN \
     (SELECT reference FROM sandbox_intents WHERE tenant_no = $1 AND customer = $2 \
     AND key IS NULL AND status = 'requires_form' \
     ORDER BY created_at DESC, reference LIMIT 1000000 OFFSET $3)");
const DELETE_SETUPS: Sql = sql("DELETE FROM sandbox_intents WHERE reference IN \
     (SELECT reference FROM sandbox_intents WHERE key IS NULL AND status = 'requires_form' \
     AND created_at < $1 ORDER BY created_at LIMIT $2)");

/// Closes the oldest open setup forms of a customer, so that this many stay.
pub(super) async fn close_setups(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer: &str,
    kept: i64,
) -> Result<(), DbError> {
    let values = [tenant.no.into(), customer.into(), kept.into()];
    tx.execute(&CLOSE_SETUPS, &values).await.map(|_| ())
}

/// Deletes open setup forms that were made before an instant; at most `limit`.
pub(super) async fn delete_setups_before(
    tx: &mut Tx<'_, '_>,
    time: Time,
    limit: i64,
) -> Result<u64, DbError> {
    tx.execute(&DELETE_SETUPS, &[time.into(), limit.into()]).await
}

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

/// Cancels an intent whose form is open.
pub(super) async fn cancel(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    reference: &str,
) -> Result<(), DbError> {
    tx.execute(&CANCEL, &[tenant.no.into(), reference.into()]).await.map(|_| ())
}

/// Returns the refunds of a charge.
pub(super) async fn refunds(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    reference: &str,
) -> Result<Vec<SandboxRefund>, DbError> {
    tx.fetch(&REFUNDS, &[tenant.no.into(), reference.into()]).await
}

pub(super) async fn insert_refund(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    refund: &SandboxRefund,
) -> Result<(), DbError> {
    tx.store(&INSERT_REFUND, refund, &[tenant.no.into()]).await.map(|_| ())
}

pub(super) async fn set_refund_status(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    refund: &SandboxRefund,
) -> Result<(), DbError> {
    tx.store(&SET_REFUND_STATUS, refund, &[tenant.no.into()]).await.map(|_| ())
}

word_columns!(IntentStatus, State);
