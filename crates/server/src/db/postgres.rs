//! The PostgreSQL engine: one transaction per write on a pooled connection. The transaction begins
//! with the first statement that needs it, because BEGIN and COMMIT are round trips that a single
//! statement can avoid.
//!
//! Nodes keep no state between requests. Connections require a primary (`read-write`) and
//! `synchronous_commit`, so that acknowledged writes are durable. TLS is always verified, including
//! the host name, and required unless the server is on this machine or the URL says `disable`.

use super::{Columns, DbError, Engine, Migration, Sql, Tx, Value, migrate};
use crate::base::Time;
use deadpool_postgres::{
    GenericClient, Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod,
    Runtime, Transaction,
};
use rustls::RootCertStore as Roots;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::error::SqlState;
use tokio_postgres_rustls::MakeRustlsConnect;

const ATTEMPTS: usize = 8;
const WAIT: Duration = Duration::from_secs(5);
const DEAD_AFTER: Duration = Duration::from_secs(10);
/// Advisory lock held while one node creates or migrates the schema: "unitpay" in ASCII.
const MIGRATION_LOCK: i64 = 0x0075_6e69_7470_6179;
const SESSION: &str = "SET synchronous_commit = on; \
    SET default_transaction_isolation = 'read committed'; \
    SET statement_timeout = '20s'; \
    SET lock_timeout = '10s'; \
    SET idle_in_transaction_session_timeout = '30s'";

#[derive(Clone, Debug)]
pub struct Postgres {
    pool: Pool,
}

/// No `Debug`: the URL may contain a password.
#[derive(Clone)]
pub struct PostgresOptions {
    pub url: String,
    pub connections: usize,
    /// A PEM file of certificate authorities to trust instead of the system's.
    pub root_certificates: Option<PathBuf>,
}

impl Postgres {
    /// Prepares a pool. It connects on first use.
    pub fn new(options: &PostgresOptions) -> Result<Self, DbError> {
        let url = options.url.replace("sslmode=verify-full", "sslmode=require");
        // The parser's message may quote the URL, which may contain a password.
        let mut config: tokio_postgres::Config = url.parse().map_err(|_| {
            DbError::Unexpected("database_url is not a valid postgres:// URL".into())
        })?;
        // `prefer`, the default, would let a man in the middle disable TLS.
        if config.get_ssl_mode() == SslMode::Prefer {
            let local = config.get_hosts().iter().all(is_local)
                && config.get_hostaddrs().iter().all(IpAddr::is_loopback);
            config.ssl_mode(if local { SslMode::Disable } else { SslMode::Require });
        }
        // Detects a dead peer, so that a new connection replaces it.
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(DEAD_AFTER).keepalives_idle(DEAD_AFTER);
        }
        config
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .application_name("unitpay")
            .connect_timeout(WAIT);
        let encrypted = config.get_ssl_mode() != SslMode::Disable;
        let roots =
            if encrypted { roots(options.root_certificates.as_ref())? } else { Roots::empty() };
        let tls = MakeRustlsConnect::new(tls_config(roots)?);
        let manager = Manager::from_config(
            config,
            tls,
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let pool = Pool::builder(manager)
            .max_size(options.connections)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(WAIT))
            .recycle_timeout(Some(WAIT))
            .runtime(Runtime::Tokio1)
            .post_create(Hook::async_fn(|client, _| {
                Box::pin(async { client.batch_execute(SESSION).await.map_err(HookError::Backend) })
            }))
            .build()
            .map_err(|e| DbError::Unexpected(e.into()))?;
        Ok(Self { pool })
    }

    pub(super) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        E: From<DbError>,
        F: AsyncFn(&mut Tx<'_, '_>) -> Result<T, E>,
    {
        let mut attempt = 1;
        loop {
            let mut client = self.client().await?;
            let mut writing = Writing { client: Some(&mut client), transaction: None };
            let mut tx = Tx { engine: Engine::Postgres(&mut writing), again: false };
            let result = work(&mut tx).await;
            let again = tx.again;
            match result {
                Ok(value) => match writing.commit().await {
                    Ok(()) => return Ok(value),
                    Err(DbError::Contended) if attempt < ATTEMPTS => {}
                    Err(error) => return Err(error.into()),
                },
                Err(error) => {
                    writing.rollback().await?;
                    if !again || attempt == ATTEMPTS {
                        return Err(error);
                    }
                }
            }
            attempt += 1;
        }
    }

    pub(super) async fn ahead_of_store(&self, now: impl Fn() -> Time) -> Result<i64, DbError> {
        let client = self.client().await?;
        let before = now();
        let row = client
            .query_one("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::BIGINT", &[])
            .await
            .map_err(postgres_error)?;
        let theirs: i64 = row.try_get(0).map_err(postgres_error)?;
        let after = now();
        // The store read its clock somewhere between `before` and `after`.
        Ok((before.0 - theirs).max(0) - (theirs - after.0).max(0))
    }

    /// Refuses a pooler that gives each transaction whatever connection is free: prepared statements
    /// and the settings of a session would go to other clients. Two connections of this node have
    /// two backends that stay theirs, if nothing shares them.
    pub async fn refuse_shared_connections(options: &PostgresOptions) -> Result<(), DbError> {
        let two = Self::new(&PostgresOptions { connections: 2, ..options.clone() })?;
        let (one, other) = (two.client().await?, two.client().await?);
        let mut backends = Vec::new();
        for client in [&one, &other, &one, &other, &one, &other] {
            let row = client.simple_query("SELECT pg_backend_pid()").await;
            let pid = row.map_err(postgres_error)?.into_iter().find_map(|message| {
                let tokio_postgres::SimpleQueryMessage::Row(row) = message else { return None };
                row.get(0).map(str::to_owned)
            });
            backends.push(pid);
        }
        two.close();
        let of_one = backends.iter().step_by(2).all(|pid| *pid == backends[0]);
        let of_other = backends.iter().skip(1).step_by(2).all(|pid| *pid == backends[1]);
        if of_one && of_other && backends[0] != backends[1] { Ok(()) } else { Err(DbError::Shared) }
    }

    pub(super) async fn version(&self) -> Result<i64, DbError> {
        let client = self.client().await?;
        schema_version(&client).await
    }

    pub(super) async fn migrate(&self) -> Result<bool, DbError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(postgres_error)?;
        transaction
            .execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK])
            .await
            .map_err(postgres_error)?;
        let version = schema_version(&transaction).await?;
        let pending = migrate::pending(version)?;
        for Migration { version, postgres, .. } in pending {
            transaction.batch_execute(postgres).await.map_err(postgres_error)?;
            let note = format!(
                "CREATE OR REPLACE FUNCTION unitpay_schema_version() RETURNS BIGINT LANGUAGE SQL IMMUTABLE AS 'SELECT {version}::BIGINT'"
            );
            transaction.batch_execute(&note).await.map_err(postgres_error)?;
        }
        transaction.commit().await.map_err(postgres_error)?;
        Ok(!pending.is_empty())
    }

    pub(super) fn close(&self) {
        self.pool.close();
    }

    pub(super) async fn client(&self) -> Result<deadpool_postgres::Object, DbError> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Timeout(deadpool_postgres::TimeoutType::Wait) => DbError::Overloaded,
            PoolError::Backend(error) => postgres_error(error),
            PoolError::PostCreateHook(HookError::Backend(error)) => postgres_error(error),
            PoolError::Timeout(_)
            | PoolError::Closed
            | PoolError::NoRuntimeSpecified
            | PoolError::PostCreateHook(HookError::Message(_)) => {
                DbError::Unavailable(error.into())
            }
        })
    }
}

/// A write in progress. Dropping it before its end rolls the transaction back.
pub struct Writing<'p> {
    /// Present until the transaction begins.
    client: Option<&'p mut deadpool_postgres::Object>,
    transaction: Option<Transaction<'p>>,
}

impl<'p> Writing<'p> {
    pub(super) async fn execute(
        &mut self,
        sql: &Sql,
        values: &[Value<'_>],
    ) -> Result<u64, DbError> {
        execute(self.transaction().await?, sql, values).await
    }

    /// Runs a statement as its own transaction, unless one has begun.
    pub(super) async fn execute_alone(
        &mut self,
        sql: &Sql,
        values: &[Value<'_>],
    ) -> Result<u64, DbError> {
        match &self.client {
            Some(client) => execute(&**client, sql, values).await,
            None => self.execute(sql, values).await,
        }
    }

    pub(super) async fn all<T>(
        &mut self,
        sql: &Sql,
        values: &[Value<'_>],
        read: impl Fn(&mut Columns<'_>) -> Result<T, DbError>,
    ) -> Result<Vec<T>, DbError> {
        all(self.transaction().await?, sql, values, read).await
    }

    pub(super) async fn each<T, const N: usize>(
        &mut self,
        sql: &Sql,
        rows: &[[Value<'_>; N]],
        read: impl Fn(&mut Columns<'_>) -> Result<T, DbError>,
    ) -> Result<Vec<T>, DbError> {
        each(self.transaction().await?, sql, rows, read).await
    }

    pub(super) async fn execute_each<'v>(
        &mut self,
        sql: &Sql,
        rows: &[impl AsRef<[Value<'v>]>],
    ) -> Result<u64, DbError> {
        execute_each(self.transaction().await?, sql, rows).await
    }

    async fn transaction(&mut self) -> Result<&Transaction<'p>, DbError> {
        if let Some(client) = self.client.take() {
            self.transaction = Some(client.transaction().await.map_err(postgres_error)?);
        }
        self.transaction.as_ref().ok_or(DbError::Broken("a transaction that did not begin"))
    }

    async fn commit(self) -> Result<(), DbError> {
        match self.transaction {
            Some(transaction) => transaction.commit().await.map_err(postgres_error),
            None => Ok(()),
        }
    }

    async fn rollback(self) -> Result<(), DbError> {
        match self.transaction {
            Some(transaction) => transaction.rollback().await.map_err(postgres_error),
            None => Ok(()),
        }
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        Host::Unix(_) => true,
    }
}

/// Loads the authorities from a file, or the system's, which takes a while.
fn roots(file: Option<&PathBuf>) -> Result<Roots, DbError> {
    let mut store = Roots::empty();
    match file {
        Some(path) => {
            let unreadable = |e: rustls::pki_types::pem::Error| DbError::Unexpected(e.into());
            for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
                store
                    .add(certificate.map_err(unreadable)?)
                    .map_err(|e| DbError::Unexpected(e.into()))?;
            }
        }
        None => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    Ok(store)
}

fn tls_config(roots: Roots) -> Result<rustls::ClientConfig, DbError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| DbError::Unexpected(e.into()))?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// The version is stored in a function of ours, which cannot be confused with other tables on the
/// search path.
async fn schema_version(client: &impl GenericClient) -> Result<i64, DbError> {
    let known = client
        .query_one("SELECT to_regproc('unitpay_schema_version') IS NOT NULL", &[])
        .await
        .map_err(postgres_error)?;
    if !known.try_get::<_, bool>(0).map_err(postgres_error)? {
        return Ok(0);
    }
    let row =
        client.query_one("SELECT unitpay_schema_version()", &[]).await.map_err(postgres_error)?;
    row.try_get(0).map_err(postgres_error)
}

async fn execute(
    client: &impl GenericClient,
    sql: &Sql,
    values: &[Value<'_>],
) -> Result<u64, DbError> {
    let statement = client.prepare_cached(sql.postgres).await.map_err(postgres_error)?;
    client.execute_raw(&statement, values).await.map_err(postgres_error)
}

pub(super) async fn all<T>(
    client: &impl GenericClient,
    sql: &Sql,
    values: &[Value<'_>],
    read: impl Fn(&mut Columns<'_>) -> Result<T, DbError>,
) -> Result<Vec<T>, DbError> {
    let statement = client.prepare_cached(sql.postgres).await.map_err(postgres_error)?;
    let parameters: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> =
        values.iter().map(|value| value as _).collect();
    let rows = client.query(&statement, &parameters).await.map_err(postgres_error)?;
    rows.iter().map(|row| read(&mut Columns::postgres(row))).collect()
}

async fn execute_each<'v>(
    client: &impl GenericClient,
    sql: &Sql,
    rows: &[impl AsRef<[Value<'v>]>],
) -> Result<u64, DbError> {
    let statement = client.prepare_cached(sql.postgres).await.map_err(postgres_error)?;
    client.execute_raw(&statement, arrays(rows)).await.map_err(postgres_error)
}

pub(super) async fn each<T, const N: usize>(
    client: &impl GenericClient,
    sql: &Sql,
    rows: &[[Value<'_>; N]],
    read: impl Fn(&mut Columns<'_>) -> Result<T, DbError>,
) -> Result<Vec<T>, DbError> {
    let statement = client.prepare_cached(sql.postgres).await.map_err(postgres_error)?;
    let arrays = arrays(rows);
    let parameters: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> =
        arrays.iter().map(|array| array as _).collect();
    let rows = client.query(&statement, &parameters).await.map_err(postgres_error)?;
    rows.iter().map(|row| read(&mut Columns::postgres(row))).collect()
}

/// Returns the columns of these rows, each as an array.
fn arrays<'a, 'v>(rows: &'a [impl AsRef<[Value<'v>]>]) -> Vec<Vec<&'a Value<'v>>> {
    let columns = rows.first().map_or(0, |row| row.as_ref().len());
    (0..columns).map(|column| rows.iter().map(|row| &row.as_ref()[column]).collect()).collect()
}

/// For the log: what PostgreSQL answered, or why it did not. The library's own text of an answer is
/// only `db error`.
fn describe(error: &tokio_postgres::Error) -> String {
    if let Some(answer) = error.as_db_error() {
        return format!(
            "{}, SQLSTATE {}: {}",
            answer.severity(),
            answer.code().code(),
            answer.message()
        );
    }
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

pub(super) fn postgres_error(error: tokio_postgres::Error) -> DbError {
    let text = describe(&error);
    let Some(state) = error.code() else {
        return DbError::Unavailable(text.into());
    };
    let class = state.code().get(..2).unwrap_or_default();
    if *state == SqlState::DISK_FULL {
        DbError::Full
    } else if class == "40"
        || [SqlState::LOCK_NOT_AVAILABLE, SqlState::UNIQUE_VIOLATION].contains(state)
    {
        // A unique value was free when it was checked and now belongs to another transaction. The
        // next run will see it.
        DbError::Contended
    } else if ["08", "25", "28", "3D", "53", "57", "58"].contains(&class) {
        // Connection lost, read-only, refused, database missing, out of resources, shutting down,
        // I/O error.
        DbError::Unavailable(text.into())
    } else {
        DbError::Unexpected(text.into())
    }
}
