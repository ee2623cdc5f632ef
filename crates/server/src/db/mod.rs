//! The store: one SQL text for two engines.
//!
//! SQLite is embedded and the default. PostgreSQL serves several nodes. A slice's `sql.rs` writes
//! each statement once and runs it through [`Tx`]. [`Db::write`] runs a closure in one durable
//! transaction, [`Db::read`] runs read-only statements. Nothing here knows the meaning of the rows.

mod copy;
mod error;
mod migrate;
mod postgres;
pub mod record;
mod sql;
mod sqlite;
pub mod text;
mod value;

pub use copy::copy_store;
pub use error::DbError;
pub use migrate::{Migration, newest_version};
pub use postgres::{Postgres, PostgresOptions};
pub use record::{Command, FromRow, Pages, Query, Scalar, ToRow, scalar};
pub(crate) use record::{command, pages, query};
pub use sql::{Sql, sql, sql_of_each};
pub use sqlite::{Sqlite, copy_database};
pub use value::{Cell, Column, Columns, JsonText, Stored, ToColumn, Value, json};
pub(crate) use value::{json_columns, text_columns, word_columns};

/// A handle to the store; cheap to clone.
#[derive(Clone, Debug)]
pub enum Db {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// The lane of a write in the writer's queue. Revocations do not wait behind other work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    Usual,
    Urgent,
}

const HOLD: Sql = sql("SELECT pg_advisory_xact_lock($1)");

/// Runs the statements of a closure. On SQLite they run in place and never wait.
pub struct Tx<'a, 'p> {
    engine: Engine<'a, 'p>,
    again: bool,
}

enum Engine<'a, 'p> {
    Sqlite(&'a mut rusqlite::Connection),
    SqliteRead(sqlite::Pooled),
    Postgres(&'a mut postgres::Writing<'p>),
    PostgresRead(deadpool_postgres::Object),
}

impl Db {
    /// Runs a closure in one transaction and returns when it is durable. An `Err` rolls everything
    /// back. The closure may run again from its start after a serialization failure.
    pub async fn write<T, E, F>(&self, lane: Lane, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: AsyncFn(&mut Tx<'_, '_>) -> Result<T, E> + Send + 'static,
    {
        match self {
            Self::Sqlite(sqlite) => sqlite.write(lane, work).await,
            Self::Postgres(postgres) => postgres.write(work).await,
        }
    }

    /// Returns a connection for read-only statements, without a transaction around them.
    pub async fn read(&self) -> Result<Tx<'static, 'static>, DbError> {
        let engine = match self {
            Self::Sqlite(sqlite) => Engine::SqliteRead(sqlite.reader()?),
            Self::Postgres(postgres) => Engine::PostgresRead(postgres.client().await?),
        };
        Ok(Tx { engine, again: false })
    }

    /// Microseconds that `now` is ahead of the store's clock, negative if it is behind; `None` on
    /// an embedded store, which has no clock of its own.
    pub async fn ahead_of_store(
        &self,
        now: impl Fn() -> crate::base::Time,
    ) -> Result<Option<i64>, DbError> {
        match self {
            Self::Sqlite(_) => Ok(None),
            Self::Postgres(postgres) => postgres.ahead_of_store(now).await.map(Some),
        }
    }

    /// Migrates the schema to this program's version; `Ok(false)` if it is current.
    pub async fn migrate(&self) -> Result<bool, DbError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.migrate().await,
            Self::Postgres(postgres) => postgres.migrate().await,
        }
    }

    /// Shuts the store down cleanly.
    pub fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close(),
            Self::Postgres(postgres) => postgres.close(),
        }
    }

    /// Returns the schema version, 0 for an empty store.
    pub async fn version(&self) -> Result<i64, DbError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.version(),
            Self::Postgres(postgres) => postgres.version().await,
        }
    }
}

impl Tx<'_, '_> {
    /// Runs a statement and returns the number of changed rows.
    pub async fn execute(&mut self, sql: &Sql, values: &[Value<'_>]) -> Result<u64, DbError> {
        match &mut self.engine {
            Engine::Sqlite(connection) => sqlite::execute(connection, sql, values),
            Engine::Postgres(writing) => {
                writing.execute(sql, values).await.map_err(note(&mut self.again))
            }
            Engine::SqliteRead(_) | Engine::PostgresRead(_) => {
                Err(DbError::Broken("a write on a reading connection"))
            }
        }
    }

    /// Runs the only writing statement of a closure. On PostgreSQL it is its own transaction. Its
    /// effect stays whatever the closure returns, so the closure may fail only if the statement
    /// changed nothing.
    pub async fn execute_alone(&mut self, sql: &Sql, values: &[Value<'_>]) -> Result<u64, DbError> {
        match &mut self.engine {
            Engine::Postgres(writing) => {
                writing.execute_alone(sql, values).await.map_err(note(&mut self.again))
            }
            Engine::Sqlite(_) | Engine::SqliteRead(_) | Engine::PostgresRead(_) => {
                self.execute(sql, values).await
            }
        }
    }

    /// Waits until no other transaction of any node holds this number, and holds it until this one ends.
    /// SQLite has one writer, so there is nothing to wait for.
    pub async fn serialize(&mut self, number: i64) -> Result<(), DbError> {
        match self.engine {
            Engine::Postgres(_) => self.execute(&HOLD, &[number.into()]).await.map(|_| ()),
            Engine::Sqlite(_) | Engine::SqliteRead(_) | Engine::PostgresRead(_) => Ok(()),
        }
    }

    /// Runs a statement and reads every returned row.
    pub async fn all<T: Send>(
        &mut self,
        sql: &Sql,
        values: &[Value<'_>],
        read: impl Fn(&mut Columns<'_>) -> Result<T, DbError> + Send,
    ) -> Result<Vec<T>, DbError> {
        self.may_run(sql)?;
        match &mut self.engine {
            Engine::Sqlite(connection) => sqlite::all(connection, sql, values, read),
            Engine::SqliteRead(pooled) => sqlite::all(pooled.connection()?, sql, values, read),
            Engine::Postgres(writing) => {
                writing.all(sql, values, read).await.map_err(note(&mut self.again))
            }
            Engine::PostgresRead(client) => postgres::all(&*client, sql, values, read).await,
        }
    }

    /// Runs a statement that returns at most one row.
    pub async fn one<T: Send>(
        &mut self,
        sql: &Sql,
        values: &[Value<'_>],
        read: impl Fn(&mut Columns<'_>) -> Result<T, DbError> + Send,
    ) -> Result<Option<T>, DbError> {
        Ok(self.all(sql, values, read).await?.pop())
    }

    /// Runs a statement for each of these rows of parameters and reads the results: one by one on
    /// the embedded store, where a statement is a function call; in one round trip on PostgreSQL,
    /// where the text takes each parameter as an array (`unnest`).
    pub async fn each<T: Send, const N: usize>(
        &mut self,
        sql: &Sql,
        rows: &[[Value<'_>; N]],
        read: impl Fn(&mut Columns<'_>) -> Result<T, DbError> + Send,
    ) -> Result<Vec<T>, DbError> {
        self.may_run(sql)?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        match &mut self.engine {
            Engine::Sqlite(connection) => sqlite::each(connection, sql, rows, read),
            Engine::SqliteRead(pooled) => sqlite::each(pooled.connection()?, sql, rows, read),
            Engine::Postgres(writing) => {
                writing.each(sql, rows, read).await.map_err(note(&mut self.again))
            }
            Engine::PostgresRead(client) => postgres::each(&*client, sql, rows, read).await,
        }
    }

    /// Runs a statement for each of these rows of parameters and returns how many rows it changed.
    pub async fn execute_each<'v>(
        &mut self,
        sql: &Sql,
        rows: &[impl AsRef<[Value<'v>]>],
    ) -> Result<u64, DbError> {
        if rows.is_empty() {
            return Ok(0);
        }
        match &mut self.engine {
            Engine::Sqlite(connection) => sqlite::execute_each(connection, sql, rows),
            Engine::Postgres(writing) => {
                writing.execute_each(sql, rows).await.map_err(note(&mut self.again))
            }
            Engine::SqliteRead(_) | Engine::PostgresRead(_) => {
                Err(DbError::Broken("a write on a reading connection"))
            }
        }
    }

    /// Runs a query and reads every row.
    pub async fn fetch<R: FromRow + Send>(
        &mut self,
        query: &Query<R>,
        values: &[Value<'_>],
    ) -> Result<Vec<R>, DbError> {
        self.all(&query.sql, values, R::read).await
    }

    /// Runs a query that returns at most one row.
    pub async fn fetch_one<R: FromRow + Send>(
        &mut self,
        query: &Query<R>,
        values: &[Value<'_>],
    ) -> Result<Option<R>, DbError> {
        self.one(&query.sql, values, R::read).await
    }

    /// Runs a query for each of these rows of parameters: one by one on SQLite, where a statement
    /// is a call; at once on PostgreSQL, whose text takes each parameter as an array (`unnest`).
    pub async fn fetch_each<R: FromRow + Send, const N: usize>(
        &mut self,
        query: &Query<R>,
        rows: &[[Value<'_>; N]],
    ) -> Result<Vec<R>, DbError> {
        self.each(&query.sql, rows, R::read).await
    }

    /// Runs a statement that returns at most one row of one column.
    pub async fn scalar<T: Column + Send>(
        &mut self,
        scalar: &Scalar<T>,
        values: &[Value<'_>],
    ) -> Result<Option<T>, DbError> {
        self.one(&scalar.sql, values, |row| row.take()).await
    }

    /// Whether a statement returns a row.
    pub async fn exists(&mut self, sql: &Sql, values: &[Value<'_>]) -> Result<bool, DbError> {
        Ok(self.one(sql, values, |_| Ok(())).await?.is_some())
    }

    /// Writes a record and returns how many rows that changed. `given` are the statement's `$1`,
    /// `$2`, …
    pub async fn store<'v, R: ToRow>(
        &mut self,
        command: &Command<R>,
        record: &'v R,
        given: &[Value<'v>],
    ) -> Result<u64, DbError> {
        let values = command.values(self.is_postgres(), record, given)?;
        self.execute(&command.sql, &values).await
    }

    /// As [`Tx::store`], where the write consists of this: see [`Tx::execute_alone`].
    pub async fn store_alone<'v, R: ToRow>(
        &mut self,
        command: &Command<R>,
        record: &'v R,
        given: &[Value<'v>],
    ) -> Result<u64, DbError> {
        let values = command.values(self.is_postgres(), record, given)?;
        self.execute_alone(&command.sql, &values).await
    }

    /// Writes these records and returns how many rows that changed: one by one on SQLite, all at
    /// once on PostgreSQL.
    pub async fn store_each<R: ToRow>(
        &mut self,
        command: &Command<R>,
        records: &[R],
    ) -> Result<u64, DbError> {
        let postgres = self.is_postgres();
        let rows = records.iter().map(|record| command.values(postgres, record, &[]));
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        self.execute_each(&command.sql, &rows).await
    }

    fn is_postgres(&self) -> bool {
        match &self.engine {
            Engine::Sqlite(_) | Engine::SqliteRead(_) => false,
            Engine::Postgres(_) | Engine::PostgresRead(_) => true,
        }
    }

    /// PostgreSQL would also accept a write on this connection and commit it.
    fn may_run(&self, sql: &Sql) -> Result<(), DbError> {
        match &self.engine {
            Engine::SqliteRead(_) | Engine::PostgresRead(_)
                if !sql.postgres.starts_with("SELECT") =>
            {
                Err(DbError::Broken("a write on a reading connection"))
            }
            Engine::Sqlite(_)
            | Engine::Postgres(_)
            | Engine::SqliteRead(_)
            | Engine::PostgresRead(_) => Ok(()),
        }
    }

    /// Rolls the whole transaction back and runs the closure again: another write came first, and
    /// this closure must see it.
    pub fn again(&mut self) -> DbError {
        self.again = true;
        DbError::Contended
    }
}

fn note(again: &mut bool) -> impl FnOnce(DbError) -> DbError {
    move |error| {
        *again |= matches!(error, DbError::Contended);
        error
    }
}
