//! The statements on confirmations of the wall clock.

use crate::base::Time;
use crate::db::{DbError, Sql, Tx, sql};

const ACCEPT: Sql = sql("INSERT INTO clock_confirmations (no, confirmed_at) \
     SELECT COALESCE(MAX(no), 0) + 1, CAST($1 AS BIGINT) FROM clock_confirmations");
const NEWEST: Sql =
    sql("SELECT no, confirmed_at FROM clock_confirmations ORDER BY no DESC LIMIT 1");

/// Records that an operator confirmed this time of the wall clock.
pub async fn accept(tx: &mut Tx<'_, '_>, wall: Time) -> Result<(), DbError> {
    tx.execute(&ACCEPT, &[wall.into()]).await.map(|_| ())
}

/// The newest confirmation and the time that it means.
pub(super) async fn newest(tx: &mut Tx<'_, '_>) -> Result<Option<(i64, Time)>, DbError> {
    tx.one(&NEWEST, &[], |row| Ok((row.take()?, row.take()?))).await
}
