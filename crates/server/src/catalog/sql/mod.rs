//! SQL statements for the catalog, shared by all of its tables.

mod tables;

use crate::base::{PageQuery, Viewer};
use crate::db::{Command, DbError, FromRow, Pages, Query, ToRow, Tx, Value, json};
use crate::organizations::Tenant;
use serde::Serialize;

/// An object of the catalog and its statements.
pub trait Row: FromRow + ToRow + Send + Sync + 'static {
    type Id: Copy + Send + Sync + Into<Value<'static>>;
    const GET: Query<Self>;
    const LOCK: Query<Self>;
    const MANY: Query<Self>;
    const PAGE: Pages<Self>;
    const PUT: Command<Self>;
}

/// A table: its record, the rows that the viewer `$2` may see (the backend, NULL, sees all), the
/// column that a list is filtered by, and the columns that rows are found by.
macro_rules! table {
    (
        $type:ident, $id:ident, $table:literal, $visible:expr, $filter:literal
        $(, $find:ident $by:literal)* $(,)?
    ) => {
        impl $type {
            $(pub(in crate::catalog) const $find: Query<Self> = query!(
                $type,
                concat!(
                    "SELECT {} FROM ", $table, " WHERE tenant_no = $1 AND ", $by,
                    " = $2 ORDER BY id"
                )
            );)*
        }

        impl Row for $type {
            type Id = $id;
            const GET: Query<Self> = query!(
                $type,
                concat!(
                    "SELECT {} FROM ", $table, " WHERE tenant_no = $1 \
                     AND (CAST($2 AS BIGINT) IS NULL OR ", $visible, ") AND id = $3"
                )
            );
            const LOCK: Query<Self> = query!(
                $type,
                concat!("SELECT {} FROM ", $table, " WHERE tenant_no = $1 AND id = $2 {lock}")
            );
            const MANY: Query<Self> = query!(
                $type,
                sqlite = concat!(
                    "SELECT {} FROM ", $table, " WHERE tenant_no = $1 \
                     AND id IN (SELECT value FROM json_each($2)) ORDER BY id"
                ),
                postgres = concat!(
                    "SELECT {} FROM ", $table, " WHERE tenant_no = $1 AND id IN \
                     (SELECT json_array_elements_text(CAST(CAST($2 AS TEXT) AS JSON))) ORDER BY id"
                ),
            );
            const PAGE: Pages<Self> = pages!(
                $type,
                concat!(
                    "SELECT {} FROM ", $table, " WHERE tenant_no = $1 \
                     AND (CAST($2 AS BIGINT) IS NULL OR ", $visible,
                    ") AND (CAST($3 AS TEXT) IS NULL OR ", $filter,
                    " = $3) AND id < $4 AND id > $5 ORDER BY id {order} LIMIT $6"
                )
            );
            const PUT: Command<Self> = command!(
                $type,
                concat!(
                    "INSERT INTO ", $table, " (tenant_no, {columns}) VALUES ($1, {values}) \
                     ON CONFLICT (tenant_no, id) DO UPDATE SET {set excluded}"
                )
            );
        }
    };
}

use table;

pub async fn get<T: Row>(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    viewer: Viewer,
    id: T::Id,
) -> Result<Option<T>, DbError> {
    tx.fetch_one(&T::GET, &[tenant.no.into(), viewer.into(), id.into()]).await
}

/// Returns the objects of these ids, whatever their status, in the order of their ids.
pub async fn many<T: Row<Id: Serialize>>(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    ids: &[T::Id],
) -> Result<Vec<T>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    tx.fetch(&T::MANY, &[tenant.no.into(), json(ids).into()]).await
}

/// Reads an object and locks its row until the transaction ends.
pub async fn lock<T: Row>(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: T::Id,
) -> Result<Option<T>, DbError> {
    tx.fetch_one(&T::LOCK, &[tenant.no.into(), id.into()]).await
}

/// Returns a page of the objects that the viewer may see and whose filtered column has this value.
pub async fn page<T: Row>(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    viewer: Viewer,
    filter: Option<&str>,
    query: &PageQuery,
) -> Result<Vec<T>, DbError> {
    let (before, after, newer) = query.bounds();
    let values = [
        tenant.no.into(),
        viewer.into(),
        filter.into(),
        before.into(),
        after.into(),
        query.fetch().into(),
    ];
    tx.fetch(&T::PAGE[usize::from(newer)], &values).await
}

/// Returns the objects that a statement finds by a text, the oldest first.
pub async fn find<T: Row>(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    statement: &Query<T>,
    text: &str,
) -> Result<Vec<T>, DbError> {
    tx.fetch(statement, &[tenant.no.into(), text.into()]).await
}

/// Inserts an object or replaces it.
pub async fn put<T: Row>(tx: &mut Tx<'_, '_>, tenant: &Tenant, object: &T) -> Result<(), DbError> {
    tx.store(&T::PUT, object, &[tenant.no.into()]).await.map(|_| ())
}

/// NULL is the backend. No customer has number 0.
impl From<Viewer> for Value<'_> {
    fn from(viewer: Viewer) -> Self {
        match viewer {
            Viewer::Backend => Self::Null,
            Viewer::Customer(no) => Self::Int(no),
            Viewer::Invoice(..) | Viewer::Public => Self::Int(0),
        }
    }
}
