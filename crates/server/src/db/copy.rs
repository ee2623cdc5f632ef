//! Copies a whole SQLite store to an empty PostgreSQL store of the same schema version.
//!
//! One transaction writes everything, reads it back and compares each table's digest, so the target
//! is complete and verified or stays empty. Both schemas have the same tables and columns.

use super::postgres::postgres_error;
use super::sqlite::sqlite_error;
use super::value::sqlite_cell;
use super::{Cell, DbError, Postgres, Value};
use aws_lc_rs::digest;
use futures_util::TryStreamExt as _;
use rusqlite::{Connection, OpenFlags};
use std::fmt;
use std::path::Path;
use std::pin::pin;
use tokio_postgres::Transaction;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;

/// A table that was copied.
#[derive(Debug)]
pub struct CopiedTable {
    pub name: String,
    pub rows: u64,
    /// SHA-256 of the rows in the order of the primary key.
    pub digest: String,
}

#[derive(Debug)]
pub enum CopyError {
    Db(DbError),
    /// The target's table has rows.
    Occupied(String),
    /// The target's table is not what was written to it.
    Different(String),
}

struct Table {
    name: String,
    key: Vec<String>,
    refers_to: Vec<String>,
}

/// Copies every row. The source must not be in use, and the target's schema must be migrated.
pub async fn copy_store(from: &Path, to: &Postgres) -> Result<Vec<CopiedTable>, CopyError> {
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let source = source.map_err(sqlite_error)?;
    let tables = in_order_of_reference(tables(&source)?)?;
    let mut client = to.client().await?;
    let transaction = client.transaction().await.map_err(postgres_error)?;
    lock_empty(&transaction, &tables).await?;
    let mut copied = Vec::new();
    for table in &tables {
        let columns = columns(&transaction, table).await?;
        let written = write(&source, &transaction, table, &columns).await?;
        let read = read_back(&transaction, table, &columns).await?;
        if (written.rows, &written.digest) != (read.rows, &read.digest) {
            return Err(CopyError::Different(table.name.clone()));
        }
        continue_numbering(&transaction, table).await?;
        copied.push(written);
    }
    transaction.commit().await.map_err(postgres_error)?;
    Ok(copied)
}

fn tables(source: &Connection) -> Result<Vec<Table>, DbError> {
    let texts = |sql: &str, table: &str| -> rusqlite::Result<Vec<String>> {
        let mut statement = source.prepare(sql)?;
        statement.query_map([table], |row| row.get(0))?.collect()
    };
    let read = || -> rusqlite::Result<Vec<Table>> {
        let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE $1 \
                     ORDER BY name";
        let key = "SELECT name FROM pragma_table_info($1) WHERE pk > 0 ORDER BY pk";
        let refers_to = "SELECT DISTINCT \"table\" FROM pragma_foreign_key_list($1)";
        let table = |name: String| {
            let (key, refers_to) = (texts(key, &name)?, texts(refers_to, &name)?);
            Ok(Table { name, key, refers_to })
        };
        texts(names, "sqlite%")?.into_iter().map(table).collect()
    };
    read().map_err(sqlite_error)
}

/// Puts each table after those that it refers to.
fn in_order_of_reference(mut waiting: Vec<Table>) -> Result<Vec<Table>, DbError> {
    let mut ordered: Vec<Table> = Vec::new();
    while !waiting.is_empty() {
        let is_there = |name: &String| ordered.iter().any(|table| table.name == *name);
        let (ready, rest): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|table| table.refers_to.iter().all(is_there));
        if ready.is_empty() {
            return Err(DbError::Broken("tables that refer to each other in a circle"));
        }
        ordered.extend(ready);
        waiting = rest;
    }
    Ok(ordered)
}

/// Locks every table, so that no node starts on a half-written store, and refuses one with rows.
async fn lock_empty(transaction: &Transaction<'_>, tables: &[Table]) -> Result<(), CopyError> {
    let unlimited = "SET LOCAL statement_timeout = 0; \
                     SET LOCAL idle_in_transaction_session_timeout = 0";
    transaction.batch_execute(unlimited).await.map_err(postgres_error)?;
    for Table { name, .. } in tables {
        let lock = format!("LOCK TABLE \"{name}\" IN ACCESS EXCLUSIVE MODE");
        transaction.batch_execute(&lock).await.map_err(postgres_error)?;
        let any = format!("SELECT EXISTS (SELECT 1 FROM \"{name}\")");
        let row = transaction.query_one(&any, &[]).await.map_err(postgres_error)?;
        if row.try_get(0).map_err(postgres_error)? {
            return Err(CopyError::Occupied(name.clone()));
        }
    }
    Ok(())
}

/// Returns the columns of the target's table, each with its type.
async fn columns(
    transaction: &Transaction<'_>,
    table: &Table,
) -> Result<Vec<(String, Type)>, DbError> {
    let select = format!("SELECT * FROM \"{}\"", table.name);
    let statement = transaction.prepare(&select).await.map_err(postgres_error)?;
    let column = |column: &tokio_postgres::Column| {
        (format!("\"{}\"", column.name()), column.type_().clone())
    };
    Ok(statement.columns().iter().map(column).collect())
}

fn names(columns: &[(String, Type)]) -> String {
    columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
}

async fn write(
    source: &Connection,
    transaction: &Transaction<'_>,
    table: &Table,
    columns: &[(String, Type)],
) -> Result<CopiedTable, DbError> {
    let (name, names) = (&table.name, names(columns));
    let types: Vec<Type> = columns.iter().map(|(_, ty)| ty.clone()).collect();
    let copy = format!("COPY \"{name}\" ({names}) FROM STDIN (FORMAT binary)");
    let sink = transaction.copy_in(&copy).await.map_err(postgres_error)?;
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
    let mut digest = Digest::new();
    let key = table.key.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let select = format!("SELECT {names} FROM \"{name}\" ORDER BY {key}");
    let mut statement = source.prepare(&select).map_err(sqlite_error)?;
    let mut rows = statement.query([]).map_err(sqlite_error)?;
    while let Some(row) = rows.next().map_err(sqlite_error)? {
        let cell = |(at, ty): (usize, &Type)| {
            let value = Value::from(sqlite_cell(row, at)?);
            let is_bool = *ty == Type::BOOL;
            Ok(if let (Value::Int(int), true) = (&value, is_bool) {
                Value::Bool(*int != 0)
            } else {
                value
            })
        };
        let values: Vec<Value<'_>> =
            types.iter().enumerate().map(cell).collect::<Result<_, DbError>>()?;
        digest.add(&values);
        writer.as_mut().write_raw(&values).await.map_err(postgres_error)?;
    }
    writer.finish().await.map_err(postgres_error)?;
    Ok(digest.finish(name))
}

async fn read_back(
    transaction: &Transaction<'_>,
    table: &Table,
    columns: &[(String, Type)],
) -> Result<CopiedTable, DbError> {
    // By bytes, as SQLite does, whatever the database's collation is.
    let by_bytes = |name: &String| {
        let name = format!("\"{name}\"");
        let is_text = columns.iter().any(|(column, ty)| *column == name && *ty == Type::TEXT);
        if is_text { format!("{name} COLLATE \"C\"") } else { name }
    };
    let key = table.key.iter().map(by_bytes).collect::<Vec<_>>().join(", ");
    let select = format!("SELECT {} FROM \"{}\" ORDER BY {key}", names(columns), table.name);
    let none: [Value<'_>; 0] = [];
    let mut rows = pin!(transaction.query_raw(&select, &none).await.map_err(postgres_error)?);
    let mut digest = Digest::new();
    while let Some(row) = rows.try_next().await.map_err(postgres_error)? {
        let cell = |at| row.try_get::<_, Cell<'_>>(at).map(Value::from).map_err(postgres_error);
        let values: Vec<Value<'_>> =
            (0..columns.len()).map(cell).collect::<Result<_, DbError>>()?;
        digest.add(&values);
    }
    Ok(digest.finish(&table.name))
}

/// Has PostgreSQL number new rows after the copied ones.
async fn continue_numbering(transaction: &Transaction<'_>, table: &Table) -> Result<(), DbError> {
    let numbered = "SELECT attname::TEXT FROM pg_attribute \
                    WHERE attrelid = to_regclass($1) AND attidentity <> ''";
    let name = format!("\"{}\"", table.name);
    let rows = transaction.query(numbered, &[&name]).await.map_err(postgres_error)?;
    for row in rows {
        let column: String = row.try_get(0).map_err(postgres_error)?;
        // Without rows, `max` is NULL and nothing is set.
        let set = format!(
            "SELECT setval(pg_get_serial_sequence($1, $2), (SELECT max(\"{column}\") FROM {name}))"
        );
        transaction.query(&set, &[&name, &column]).await.map_err(postgres_error)?;
    }
    Ok(())
}

/// A digest of rows that is the same for equal values of both engines.
struct Digest {
    rows: u64,
    context: digest::Context,
}

impl Digest {
    fn new() -> Self {
        Self { rows: 0, context: digest::Context::new(&digest::SHA256) }
    }

    fn add(&mut self, values: &[Value<'_>]) {
        self.rows += 1;
        for value in values {
            match value {
                Value::Null => self.context.update(b"n"),
                Value::Bool(bool) => self.context.update(&[b'b', u8::from(*bool)]),
                Value::Int(int) => self.sized(b"i", &int.to_be_bytes()),
                Value::Text(text) => self.sized(b"t", text.as_bytes()),
                Value::Blob(blob) => self.sized(b"x", blob),
            }
        }
    }

    /// The length separates this value from the next one.
    fn sized(&mut self, kind: &[u8], bytes: &[u8]) {
        self.context.update(kind);
        self.context.update(&(bytes.len() as u64).to_be_bytes());
        self.context.update(bytes);
    }

    fn finish(self, name: &str) -> CopiedTable {
        let bytes = self.context.finish();
        let digest = bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        CopiedTable { name: name.to_owned(), rows: self.rows, digest }
    }
}

impl From<DbError> for CopyError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl fmt::Display for CopyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Db(error) => error.fmt(f),
            Self::Occupied(table) => {
                write!(f, "the target is in use: its table {table} has rows")
            }
            Self::Different(table) => {
                write!(f, "the target's table {table} differs from what was written to it")
            }
        }
    }
}

impl std::error::Error for CopyError {}
