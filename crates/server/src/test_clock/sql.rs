//! The statements on test clocks.

use crate::db::{DbError, Sql, Tx, sql};
use crate::organizations::Tenant;

const OFFSET: Sql = sql("SELECT offset_seconds FROM billing_clocks WHERE tenant_no = $1");

pub async fn offset_seconds(tx: &mut Tx<'_, '_>, tenant: &Tenant) -> Result<i64, DbError> {
    Ok(tx.one(&OFFSET, &[tenant.no.into()], |row| row.take()).await?.unwrap_or(0))
}
