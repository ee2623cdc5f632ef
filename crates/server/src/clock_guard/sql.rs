//! The statements on confirmations of the wall clock.

use crate::base::Time;
use crate::db::{DbError, FromRow, Query, Sql, Tx, query, sql};

const ACCEPT: Sql = sql("INSERT INTO clock_confirmations (no, confirmed_at) \
     SELECT COALESCE(MAX(no), 0) + 1, CAST($1 AS BIGINT) FROM clock_confirmations");
const NEWEST: Query<Confirmation> =
    query!(Confirmation, "SELECT {} FROM clock_confirmations ORDER BY no DESC LIMIT 1");

#[derive(FromRow)]
struct Confirmation {
    no: i64,
    confirmed_at: Time,
}

/// Records that an operator confirmed this time of the wall clock.
pub async fn accept(tx: &mut Tx<'_, '_>, wall: Time) -> Result<(), DbError> {
    tx.execute(&ACCEPT, &[wall.into()]).await.map(|_| ())
}

/// Returns the newest confirmation and its time.
pub(super) async fn newest(tx: &mut Tx<'_, '_>) -> Result<Option<(i64, Time)>, DbError> {
    let newest = tx.fetch_one(&NEWEST, &[]).await?;
    Ok(newest.map(|confirmation| (confirmation.no, confirmation.confirmed_at)))
}
