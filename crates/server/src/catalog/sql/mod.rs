//! The statements on the catalog: the same few for each of its tables.

mod tables;

use super::Viewer;
use crate::base::PageQuery;
use crate::db::{Columns, DbError, Sql, Tx, Value, json};
use crate::organizations::Tenant;
use serde::Serialize;

/// How an object of the catalog is stored.
pub trait Row: Sized + Send + Sync + 'static {
    type Id: Copy + Send + Sync + Into<Value<'static>>;
    const GET: Sql;
    const LOCK: Sql;
    const MANY: Sql;
    const PAGE: [Sql; 2];
    const PUT: Sql;

    /// Reads the id and the columns of the table, in their order.
    fn read(row: &mut Columns<'_>) -> Result<Self, DbError>;

    /// The same columns as parameters, without the id.
    fn values(&self) -> Vec<Value<'_>>;
}

/// A table: its columns with their places in `PUT`, what `$2`, the viewer, may see of it (nothing
/// hides from the backend, which is NULL), and by which column a list is filtered.
macro_rules! table {
    (
        $type:ident, $id:ident, $table:literal, $visible:tt, $filter:literal, $columns:tt
        $($find:ident $by:literal)*
    ) => {
        impl $type {
            $(table!(@find $find $by $table $columns);)*
        }
        table!(@row $type, $id, $table, $visible, $filter, $columns);
    };
    (@find $find:ident $by:literal $table:literal {
        $first:ident $($column:ident $place:literal)*
    }) => {
        pub(in crate::catalog) const $find: Sql = sql(concat!(
            table!(@select $table $first $($column)*), " AND ", $by, " = $2 ORDER BY id"
        ));
    };
    (
        @row $type:ident, $id:ident, $table:literal, [$($visible:tt)*], $filter:literal,
        { $first:ident $($column:ident $place:literal)* }
    ) => {
        impl Row for $type {
            type Id = $id;
            const GET: Sql = sql(concat!(
                table!(@select $table $first $($column)*),
                " AND (CAST($2 AS BIGINT) IS NULL OR ", $($visible)*, ") AND id = $3"
            ));
            const LOCK: Sql = sql_of_each(
                concat!(table!(@select $table $first $($column)*), " AND id = $2"),
                concat!(table!(@select $table $first $($column)*), " AND id = $2 FOR NO KEY UPDATE"),
            );
            const MANY: Sql = sql_of_each(
                concat!(
                    table!(@select $table $first $($column)*),
                    " AND id IN (SELECT value FROM json_each($2)) ORDER BY id"
                ),
                concat!(
                    table!(@select $table $first $($column)*),
                    " AND id IN (SELECT json_array_elements_text(CAST(CAST($2 AS TEXT) AS JSON))) ORDER BY id"
                ),
            );
            const PAGE: [Sql; 2] = [
                sql(concat!(
                    table!(@select $table $first $($column)*),
                    " AND (CAST($2 AS BIGINT) IS NULL OR ", $($visible)*,
                    ") AND (CAST($3 AS TEXT) IS NULL OR ", $filter,
                    " = $3) AND id < $4 AND id > $5 ORDER BY id DESC LIMIT $6"
                )),
                sql(concat!(
                    table!(@select $table $first $($column)*),
                    " AND (CAST($2 AS BIGINT) IS NULL OR ", $($visible)*,
                    ") AND (CAST($3 AS TEXT) IS NULL OR ", $filter,
                    " = $3) AND id < $4 AND id > $5 ORDER BY id ASC LIMIT $6"
                )),
            ];
            const PUT: Sql = sql(concat!(
                "INSERT INTO ", $table, " (tenant_no, id, ", stringify!($first),
                $(", ", stringify!($column),)* ") VALUES ($1, $2, $3", $(", ", $place,)*
                ") ON CONFLICT (tenant_no, id) DO UPDATE SET ",
                stringify!($first), " = excluded.", stringify!($first),
                $(", ", stringify!($column), " = excluded.", stringify!($column),)*
            ));

            fn read(row: &mut Columns<'_>) -> Result<Self, DbError> {
                $type::read(row)
            }

            fn values(&self) -> Vec<Value<'_>> {
                $type::values(self)
            }
        }
    };
    (@select $table:literal $($column:ident)*) => {
        concat!(
            "SELECT id", $(", ", stringify!($column),)* " FROM ", $table, " WHERE tenant_no = $1"
        )
    };
}

use table;

pub async fn get<T: Row>(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    viewer: Viewer,
    id: T::Id,
) -> Result<Option<T>, DbError> {
    tx.one(&T::GET, &[tenant.no.into(), viewer.into(), id.into()], T::read).await
}

/// Those of these ids, whatever their status; in no order of the caller's.
pub async fn many<T: Row<Id: Serialize>>(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    ids: &[T::Id],
) -> Result<Vec<T>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    tx.all(&T::MANY, &[tenant.no.into(), json(ids).into()], T::read).await
}

/// Reads an object for change: whoever else wants to change it waits.
pub async fn lock<T: Row>(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: T::Id,
) -> Result<Option<T>, DbError> {
    tx.one(&T::LOCK, &[tenant.no.into(), id.into()], T::read).await
}

/// A page of those that the viewer may see and whose filtered column has this value.
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
    tx.all(&T::PAGE[usize::from(newer)], &values, T::read).await
}

/// Those that one of the statements by a text finds, oldest first.
pub async fn find<T: Row>(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    statement: &Sql,
    text: &str,
) -> Result<Vec<T>, DbError> {
    tx.all(statement, &[tenant.no.into(), text.into()], T::read).await
}

/// Stores all of an object, new or not.
pub async fn put<T: Row>(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: T::Id,
    object: &T,
) -> Result<(), DbError> {
    let mut values = vec![tenant.no.into(), id.into()];
    values.extend(object.values());
    tx.execute(&T::PUT, &values).await.map(|_| ())
}

/// NULL is the backend; no customer has the number 0.
impl From<Viewer> for Value<'_> {
    fn from(viewer: Viewer) -> Self {
        match viewer {
            Viewer::Backend => Self::Null,
            Viewer::Customer(no) => Self::Int(no),
            Viewer::Public => Self::Int(0),
        }
    }
}
