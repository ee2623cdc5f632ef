//! SQL statements for settings of billing.

use super::BillingSettings;
use crate::base::AfterLostDispute;
use crate::db::{Command, DbError, Query, Tx, command, query, word_columns};
use crate::organizations::Tenant;

const GET: Query<BillingSettings> =
    query!(BillingSettings, "SELECT {} FROM billing_settings WHERE tenant_no = $1");
const PUT: Command<BillingSettings> = command!(
    BillingSettings,
    "INSERT INTO billing_settings (tenant_no, {columns}) VALUES ($1, {values}) \
     ON CONFLICT (tenant_no) DO UPDATE SET {set excluded}"
);

pub async fn get(tx: &mut Tx<'_, '_>, tenant: &Tenant) -> Result<BillingSettings, DbError> {
    Ok(tx.fetch_one(&GET, &[tenant.no.into()]).await?.unwrap_or_default())
}

pub async fn put(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    settings: &BillingSettings,
) -> Result<(), DbError> {
    tx.store(&PUT, settings, &[tenant.no.into()]).await.map(|_| ())
}

word_columns!(AfterLostDispute);
