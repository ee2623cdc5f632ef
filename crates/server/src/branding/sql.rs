//! SQL statements for brandings.

use super::Branding;
use crate::db::{Command, DbError, Query, Tx, command, query};
use crate::organizations::Tenant;

const GET: Query<Branding> = query!(Branding, "SELECT {} FROM brandings WHERE tenant_no = $1");
const PUT: Command<Branding> = command!(
    Branding,
    "INSERT INTO brandings (tenant_no, {columns}) VALUES ($1, {values}) \
     ON CONFLICT (tenant_no) DO UPDATE SET {set excluded}"
);

pub async fn get(tx: &mut Tx<'_, '_>, tenant: &Tenant) -> Result<Branding, DbError> {
    Ok(tx.fetch_one(&GET, &[tenant.no.into()]).await?.unwrap_or_default())
}

pub async fn put(tx: &mut Tx<'_, '_>, tenant: &Tenant, branding: &Branding) -> Result<(), DbError> {
    tx.store(&PUT, branding, &[tenant.no.into()]).await.map(|_| ())
}
