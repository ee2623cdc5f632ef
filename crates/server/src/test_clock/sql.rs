//! The statements on test clocks.

use super::TestClock;
use crate::db::{DbError, Sql, Tx, sql};
use crate::organizations::Tenant;

const GET: Sql =
    sql("SELECT offset_seconds, advancing_to FROM billing_clocks WHERE tenant_no = $1");

pub async fn get(tx: &mut Tx<'_, '_>, tenant: &Tenant) -> Result<TestClock, DbError> {
    let clock = tx
        .one(&GET, &[tenant.no.into()], |row| {
            Ok(TestClock { offset_seconds: row.take()?, advancing_to: row.take()? })
        })
        .await?;
    Ok(clock.unwrap_or_default())
}
