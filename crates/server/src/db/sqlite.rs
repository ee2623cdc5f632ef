//! The embedded engine: one writer thread with group commit, and readers in place.
//!
//! The writer owns the only writing connection. It takes the queued closures (at most [`BATCH`]),
//! runs each in a savepoint of one transaction, commits once with `synchronous=FULL`, and then
//! answers. A lone caller waits for one sync, and concurrent callers share it. Closures run on the
//! writer's thread. Readers are read-only connections used in place by their caller, because a read
//! takes microseconds.
//!
//! The writer also holds a [`Snapshot`], so that readers share its lock instead of requesting one
//! from the system, and checkpoints the log after its answers.

use super::{Columns, DbError, Engine, Lane, Migration, Sql, Tx, Value, migrate};
use parking_lot::{Condvar, Mutex};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

const BATCH: usize = 256;
const QUEUE: usize = 4_096;
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The log is checkpointed when it has more pages than this.
const LOG_PAGES: i64 = 4_000;
/// The page cache per connection, in KiB.
const CACHE: i64 = -16_384;

#[derive(Clone, Debug)]
pub struct Sqlite(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    queue: Arc<Queue>,
    readers: Mutex<Vec<Connection>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// Runs a closure on the writer's connection, then reports the result of the commit to its caller.
type Job = Box<dyn FnOnce(&mut Connection) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Result<(), DbError>) + Send>;

#[derive(Default)]
struct Queue {
    lanes: Mutex<Lanes>,
    filled: Condvar,
}

#[derive(Default)]
struct Lanes {
    urgent: VecDeque<Job>,
    usual: VecDeque<Job>,
    closed: bool,
}

impl Sqlite {
    /// Opens or creates the database file and starts its writer.
    pub fn open(path: &Path) -> Result<Self, DbError> {
        let connection =
            connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(sqlite_error)?;
        connection.pragma_update(None, "synchronous", "FULL").map_err(sqlite_error)?;
        connection.pragma_update(None, "wal_autocheckpoint", 0).map_err(sqlite_error)?;
        let snapshot = Snapshot(connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?);
        let queue = Arc::new(Queue::default());
        let writers = Arc::clone(&queue);
        let writer = std::thread::Builder::new()
            .name("unitpay-writer".into())
            .spawn(move || run_writer(connection, snapshot, &writers))
            .map_err(|e| DbError::Unavailable(e.into()))?;
        let (path, writer) = (path.to_owned(), Mutex::new(Some(writer)));
        Ok(Self(Arc::new(Shared { path, queue, readers: Mutex::default(), writer })))
    }

    /// Writes what is queued, checkpoints the log and closes the file.
    pub fn close(&self) {
        self.0.readers.lock().clear();
        self.0.queue.close();
        if let Some(writer) = self.0.writer.lock().take() {
            // A panicking writer has already aborted the process.
            let _ = writer.join();
        }
    }

    pub(super) async fn write<T, E, F>(&self, lane: Lane, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: AsyncFn(&mut Tx<'_, '_>) -> Result<T, E> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = in_savepoint(connection, work);
            Box::new(move |committed| {
                // The caller may be gone. The write is committed anyway.
                let _ = sender.send(committed.map_err(E::from).and(result));
            })
        });
        self.0.queue.push(lane, job)?;
        receiver
            .await
            .unwrap_or_else(|_| Err(DbError::Unavailable("the writer ended".into()).into()))
    }

    pub(super) fn reader(&self) -> Result<Pooled, DbError> {
        let pooled = self.0.readers.lock().pop();
        let connection = match pooled {
            Some(connection) => connection,
            None => connect(&self.0.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
        };
        Ok(Pooled { connection: Some(connection), shared: Arc::clone(&self.0) })
    }

    pub(super) fn version(&self) -> Result<i64, DbError> {
        schema_version(self.reader()?.connection()?)
    }

    pub(super) async fn migrate(&self) -> Result<bool, DbError> {
        self.write(Lane::Usual, async |tx: &mut Tx<'_, '_>| match &tx.engine {
            Engine::Sqlite(connection) => {
                let version = schema_version(connection)?;
                let pending = migrate::pending(version)?;
                for Migration { version, sqlite, .. } in pending {
                    connection.execute_batch(sqlite).map_err(sqlite_error)?;
                    connection
                        .pragma_update(None, "user_version", version)
                        .map_err(sqlite_error)?;
                }
                Ok(!pending.is_empty())
            }
            Engine::SqliteRead(_) | Engine::Postgres(_) | Engine::PostgresRead(_) => {
                Err(DbError::Broken("not the embedded store's writer"))
            }
        })
        .await
    }
}

/// A reading connection. It is used between two polls, so there are never more than threads.
pub struct Pooled {
    /// Present until it is dropped.
    connection: Option<Connection>,
    shared: Arc<Shared>,
}

impl Pooled {
    pub(super) fn connection(&self) -> Result<&Connection, DbError> {
        self.connection.as_ref().ok_or(DbError::Broken("a reading connection was given back"))
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        self.shared.readers.lock().extend(self.connection.take());
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Queue {
    fn push(&self, lane: Lane, job: Job) -> Result<(), DbError> {
        let mut lanes = self.lanes.lock();
        if lanes.closed {
            return Err(DbError::Unavailable("the store is closed".into()));
        }
        let queue = match lane {
            Lane::Usual => &mut lanes.usual,
            Lane::Urgent => &mut lanes.urgent,
        };
        if queue.len() >= QUEUE {
            return Err(DbError::Overloaded);
        }
        queue.push_back(job);
        drop(lanes);
        self.filled.notify_one();
        Ok(())
    }

    fn close(&self) {
        self.lanes.lock().closed = true;
        self.filled.notify_all();
    }

    /// Waits for work; `None` once the store is closed and everything is written.
    fn take(&self) -> Option<Vec<Job>> {
        let mut lanes = self.lanes.lock();
        if lanes.urgent.is_empty() && lanes.usual.is_empty() {
            while lanes.urgent.is_empty() && lanes.usual.is_empty() {
                if lanes.closed {
                    return None;
                }
                self.filled.wait(&mut lanes);
            }
        }
        // Yields once, so that other tasks on this core can queue more writes for the same sync.
        // There is no timer.
        drop(lanes);
        std::thread::yield_now();
        lanes = self.lanes.lock();
        let urgent = lanes.urgent.len().min(BATCH);
        let usual = lanes.usual.len().min(BATCH - urgent);
        let mut batch: Vec<Job> = lanes.urgent.drain(..urgent).collect();
        batch.extend(lanes.usual.drain(..usual));
        Some(batch)
    }
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Queue")
    }
}

fn run_writer(mut connection: Connection, snapshot: Snapshot, queue: &Queue) {
    let mut renewed = snapshot.renew();
    while let Some(batch) = queue.take() {
        // Without a snapshot, reads are slower but still correct.
        renewed.unwrap_or_else(|error| stop_if_damaged(&error));
        metrics::histogram!("unitpay_store_batch_writes").record(batch.len() as f64);
        let mut answers = Vec::with_capacity(batch.len());
        let committed = run_batch(&mut connection, batch, &mut answers);
        for answer in answers {
            answer(committed.as_ref().map_err(sqlite_error_of).copied());
        }
        renewed = snapshot.renew_after(&connection);
    }
    // Closing the last connection checkpoints the log.
    drop(snapshot);
}

/// A read transaction that stays open between writes. A reader locks the newest state of the log.
/// SQLite requests that lock from the system only if no other connection of the process holds it,
/// and this one does. It always has the newest state, except while an answer is being sent; then
/// readers lock for themselves.
struct Snapshot(Connection);

impl Snapshot {
    fn renew(&self) -> rusqlite::Result<()> {
        self.release()?;
        self.0.prepare_cached("BEGIN")?.execute([])?;
        // The transaction begins with its first read.
        self.0.prepare_cached("SELECT 1 FROM sqlite_schema LIMIT 1")?.exists([]).map(|_| ())
    }

    /// Renews the snapshot after a write. If the log has grown long, it is checkpointed, which no
    /// older snapshot may prevent, and the next write starts it again.
    fn renew_after(&self, writer: &Connection) -> rusqlite::Result<()> {
        let pages = |mode: &str| {
            let mut statement = writer.prepare_cached(mode)?;
            statement.query_row([], |row| row.get::<_, i64>(1))
        };
        if pages("PRAGMA wal_checkpoint(NOOP)")? > LOG_PAGES {
            self.release()?;
            pages("PRAGMA wal_checkpoint(PASSIVE)")?;
        }
        self.renew()
    }

    fn release(&self) -> rusqlite::Result<()> {
        if self.0.is_autocommit() {
            return Ok(());
        }
        self.0.prepare_cached("COMMIT")?.execute([]).map(|_| ())
    }
}

fn run_batch(
    connection: &mut Connection,
    batch: Vec<Job>,
    answers: &mut Vec<Answer>,
) -> rusqlite::Result<()> {
    if !connection.is_autocommit() {
        // The device failed so that a transaction before could not be undone.
        connection.execute_batch("ROLLBACK")?;
    }
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    for job in batch {
        if connection.is_autocommit() {
            // When the disk is full, SQLite rolls back the whole transaction on its own. Later
            // closures would run outside a transaction, so the rest of the batch is dropped and
            // answered with this error.
            drop(job);
        } else {
            answers.push(job(connection));
        }
    }
    if connection.is_autocommit() {
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL),
            None,
        ));
    }
    let committed = connection.prepare_cached("COMMIT")?.execute([]);
    if committed.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    committed.map(|_| ())
}

fn in_savepoint<T, E, F>(connection: &mut Connection, work: F) -> Result<T, E>
where
    E: From<DbError>,
    F: AsyncFn(&mut Tx<'_, '_>) -> Result<T, E>,
{
    run(connection, "SAVEPOINT work")?;
    // A panic in a closure leaves the transaction in an unknown state. The process aborts and
    // recovers from what is durable.
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        poll_once(work(&mut Tx { engine: Engine::Sqlite(connection), again: false }))
    }))
    .unwrap_or_else(|_| std::process::abort());
    let result = match result {
        Ok(result) => result,
        Err(error) => Err(error.into()),
    };
    if connection.is_autocommit() {
        return result;
    }
    let undone = if result.is_err() { run(connection, "ROLLBACK TO work") } else { Ok(()) };
    if let Err(error) = undone.and_then(|()| run(connection, "RELEASE work")) {
        // This closure's changes can be neither kept nor rolled back alone, so the whole batch is
        // rolled back.
        run(connection, "ROLLBACK")?;
        return Err(error.into());
    }
    result
}

fn run(connection: &Connection, text: &str) -> Result<(), DbError> {
    let done = connection.prepare_cached(text).and_then(|mut statement| statement.execute([]));
    done.map(|_| ()).map_err(sqlite_error)
}

/// Polls a future that never waits.
fn poll_once<T>(future: impl Future<Output = T>) -> Result<T, DbError> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Ok(value),
        Poll::Pending => Err(DbError::Broken("a transaction waited for something")),
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, DbError> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(sqlite_error)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(sqlite_error)?;
    connection.set_prepared_statement_cache_capacity(256);
    // Makes plans independent of bound values. Otherwise each binding would parse and plan the
    // statement again.
    connection
        .set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(sqlite_error)?;
    connection.pragma_update(None, "cache_size", CACHE).map_err(sqlite_error)?;
    for (name, value) in [("foreign_keys", "ON"), ("trusted_schema", "OFF")] {
        connection.pragma_update(None, name, value).map_err(sqlite_error)?;
    }
    Ok(connection)
}

fn schema_version(connection: &Connection) -> Result<i64, DbError> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(sqlite_error)
}

/// Writes a consistent copy of a database to a file, also while a server is running: a single file
/// without a log, verified by reading it.
pub fn copy_database(from: &Path, to: &Path) -> Result<(), DbError> {
    // Not `sqlite_error`: a damaged backup is no reason to abort the process.
    let failed = |error: rusqlite::Error| DbError::Unexpected(error.into());
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let source = source.map_err(failed)?;
    source.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    let mut target = Connection::open(to).map_err(failed)?;
    {
        let copy = rusqlite::backup::Backup::new(&source, &mut target).map_err(failed)?;
        // Copies all pages in one step. Between steps, a server's writes would restart it forever.
        copy.run_to_completion(i32::MAX, Duration::from_millis(50), None).map_err(failed)?;
    }
    let journal = target.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()));
    journal.map_err(failed)?;
    let sound: String =
        target.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if sound != "ok" {
        return Err(DbError::Unexpected(format!("the copy is damaged: {sound}").into()));
    }
    Ok(())
}

pub(super) fn execute(
    connection: &Connection,
    sql: &Sql,
    values: &[Value<'_>],
) -> Result<u64, DbError> {
    let mut statement = connection.prepare_cached(sql.sqlite).map_err(sqlite_error)?;
    let changed = statement.execute(rusqlite::params_from_iter(values)).map_err(sqlite_error)?;
    Ok(changed as u64)
}

pub(super) fn execute_each<'v>(
    connection: &Connection,
    sql: &Sql,
    rows: &[impl AsRef<[Value<'v>]>],
) -> Result<u64, DbError> {
    let mut statement = connection.prepare_cached(sql.sqlite).map_err(sqlite_error)?;
    let mut changed = 0;
    for values in rows {
        let values = rusqlite::params_from_iter(values.as_ref());
        changed += statement.execute(values).map_err(sqlite_error)? as u64;
    }
    Ok(changed)
}

pub(super) fn each<T, const N: usize>(
    connection: &Connection,
    sql: &Sql,
    rows: &[[Value<'_>; N]],
    read: impl Fn(&mut Columns<'_>) -> Result<T, DbError>,
) -> Result<Vec<T>, DbError> {
    let mut statement = connection.prepare_cached(sql.sqlite).map_err(sqlite_error)?;
    let mut found = Vec::new();
    for values in rows {
        let mut rows = statement.query(rusqlite::params_from_iter(values)).map_err(sqlite_error)?;
        while let Some(row) = rows.next().map_err(sqlite_error)? {
            found.push(read(&mut Columns::sqlite(row))?);
        }
    }
    Ok(found)
}

pub(super) fn all<T>(
    connection: &Connection,
    sql: &Sql,
    values: &[Value<'_>],
    read: impl Fn(&mut Columns<'_>) -> Result<T, DbError>,
) -> Result<Vec<T>, DbError> {
    let mut statement = connection.prepare_cached(sql.sqlite).map_err(sqlite_error)?;
    let mut rows = statement.query(rusqlite::params_from_iter(values)).map_err(sqlite_error)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(sqlite_error)? {
        found.push(read(&mut Columns::sqlite(row))?);
    }
    Ok(found)
}

pub(super) fn sqlite_error(error: rusqlite::Error) -> DbError {
    match error.sqlite_error_code() {
        Some(_) => sqlite_error_of(&error),
        None => DbError::Unexpected(error.into()),
    }
}

fn sqlite_error_of(error: &rusqlite::Error) -> DbError {
    stop_if_damaged(error);
    #[allow(clippy::wildcard_enum_match_arm)] // The engine's codes are not ours.
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => DbError::Full,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            DbError::Unavailable("another process holds the database's write lock".into())
        }
        Some(
            ErrorCode::CannotOpen
            | ErrorCode::SystemIoFailure
            | ErrorCode::NotADatabase
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::OutOfMemory,
        ) => DbError::Unavailable(error.to_string().into()),
        _ => DbError::Unexpected(error.to_string().into()),
    }
}

/// After a failed sync nobody knows what reached the disk, and asking again may say "fine" of
/// pages that were lost. The process ends; the next start recovers from the log. So it is with a
/// damaged file. An error of a read or a write (no space, over a quota or a size limit, a device
/// that fails) is no such failure: what was not written is not committed, and is written again.
fn stop_if_damaged(error: &rusqlite::Error) {
    use rusqlite::ffi::{
        SQLITE_IOERR_CORRUPTFS, SQLITE_IOERR_DATA, SQLITE_IOERR_DIR_FSYNC, SQLITE_IOERR_FSYNC,
    };
    const LOST: [std::ffi::c_int; 4] =
        [SQLITE_IOERR_FSYNC, SQLITE_IOERR_DIR_FSYNC, SQLITE_IOERR_DATA, SQLITE_IOERR_CORRUPTFS];
    let Some(failure) = error.sqlite_error() else { return };
    if failure.code == ErrorCode::DatabaseCorrupt || LOST.contains(&failure.extended_code) {
        tracing::error!(%error, "the database's device failed; stopping, the next start recovers");
        std::process::abort();
    }
}
