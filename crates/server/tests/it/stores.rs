//! Behaviour that both stores must share.

mod pgbouncer;
mod postgres;
mod schema;

use crate::on_both_stores;
use crate::support::{Engine, Folder, Test};
use futures_util::FutureExt as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use tokio::sync::{Barrier, Semaphore};
use unitpay::testing::db::{Db, DbError, Lane, Sql, Sqlite, Tx, Value, sql, sql_of_each};

const MAKE: Sql = sql_of_each(
    "CREATE TABLE scratch (id INTEGER NOT NULL PRIMARY KEY, n INTEGER, t TEXT, b INTEGER, d BLOB) STRICT",
    "CREATE TABLE scratch (id BIGINT NOT NULL PRIMARY KEY, n BIGINT, t TEXT COLLATE \"C\", b BOOLEAN, d BYTEA)",
);
const PUT: Sql = sql("INSERT INTO scratch (id, n, t, b, d) VALUES ($1, $2, $3, $4, $5)");
const PUT_ONE: Sql = sql("INSERT INTO scratch (id) VALUES ($1)");
const PUT_RETURNING: Sql = sql("INSERT INTO scratch (id) VALUES ($1) RETURNING id");
const ADD: Sql = sql("UPDATE scratch SET n = n + 1 WHERE id = $1");
const IDS: Sql = sql("SELECT id FROM scratch ORDER BY id");
const ALL: Sql = sql("SELECT n, t, b, d FROM scratch ORDER BY id");
const BY_TEXT: Sql = sql("SELECT id FROM scratch WHERE t = $1");
const IN_ORDER: Sql = sql("SELECT t FROM scratch ORDER BY t");

async fn scratch(t: &Test) -> Db {
    let make = async |tx: &mut Tx<'_, '_>| tx.execute(&MAKE, &[]).await;
    t.app.db.write::<_, DbError, _>(Lane::Usual, make).await.unwrap();
    t.app.db.clone()
}

async fn put_number(tx: &mut Tx<'_, '_>, id: i64) -> Result<(), DbError> {
    let values = [id.into(), 0.into(), Value::Null, Value::Null, Value::Null];
    tx.execute(&PUT, &values).await.map(|_| ())
}

async fn put(db: &Db, id: i64) -> Result<(), DbError> {
    db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| put_number(tx, id).await).await
}

async fn ids(db: &Db) -> Vec<i64> {
    db.read().await.unwrap().all(&IDS, &[], |row| row.take()).await.unwrap()
}

#[derive(Debug)]
enum Failed {
    Db,
    OnPurpose,
}

impl From<DbError> for Failed {
    fn from(_: DbError) -> Self {
        Self::Db
    }
}

/// The durability of a commit on the embedded store; `stores/postgres.rs` covers PostgreSQL.
#[tokio::test]
async fn sqlite_syncs_its_log_with_every_commit() {
    const SYNCHRONOUS: Sql = sql("PRAGMA synchronous");
    const FULL: i64 = 2;
    let t = Test::start(Engine::Sqlite).await;
    let written = t.app.db.write::<_, DbError, _>(Lane::Usual, async |tx: &mut Tx<'_, '_>| {
        tx.one(&SYNCHRONOUS, &[], |row| row.take::<i64>()).await
    });
    assert_eq!(written.await.unwrap(), Some(FULL));
}

on_both_stores! {
    async fn failed_closure_is_rolled_back(t) {
        let db = scratch(&t).await;
        let failing = async |tx: &mut Tx<'_, '_>| {
            put_number(tx, 1).await?;
            put_number(tx, 2).await?;
            Err::<(), _>(Failed::OnPurpose)
        };
        assert!(matches!(db.write(Lane::Usual, failing).await, Err(Failed::OnPurpose)));
        // Also one that the store refuses: the second has the first one's id.
        let refused = async |tx: &mut Tx<'_, '_>| {
            put_number(tx, 3).await?;
            put_number(tx, 3).await
        };
        assert!(db.write(Lane::Usual, refused).await.is_err());
        assert!(ids(&db).await.is_empty());
        put(&db, 1).await.unwrap();
        assert_eq!(ids(&db).await, [1]);
    }

    async fn single_statement_commits_alone(t) {
        let db = scratch(&t).await;
        let alone = async |tx: &mut Tx<'_, '_>| tx.execute_alone(&PUT_ONE, &[1.into()]).await;
        assert_eq!(db.write::<_, DbError, _>(Lane::Usual, alone).await.unwrap(), 1);
        assert_eq!(ids(&db).await, [1]);
        let failing = async |tx: &mut Tx<'_, '_>| {
            put_number(tx, 2).await?;
            tx.execute_alone(&PUT_ONE, &[3.into()]).await?;
            Err::<(), _>(Failed::OnPurpose)
        };
        assert!(matches!(db.write(Lane::Usual, failing).await, Err(Failed::OnPurpose)));
        assert_eq!(ids(&db).await, [1]);
        let again = async |tx: &mut Tx<'_, '_>| tx.execute_alone(&PUT_ONE, &[1.into()]).await;
        assert!(db.write::<_, DbError, _>(Lane::Usual, again).await.is_err());
    }

    async fn write_on_a_read_connection_is_refused(t) {
        let db = scratch(&t).await;
        let mut reading = db.read().await.unwrap();
        let one = [1.into()];
        let returned = reading.all(&PUT_RETURNING, &one, |row| row.take::<i64>()).await;
        assert!(matches!(returned, Err(DbError::Broken(_))));
        assert!(matches!(reading.execute(&ADD, &one).await, Err(DbError::Broken(_))));
        drop(reading);
        assert!(ids(&db).await.is_empty());
    }

    async fn written_values_are_read_back(t) {
        let db = scratch(&t).await;
        let texts = [
            String::new(),
            "plain".into(),
            "ü 日本 🦀 \u{202e}\u{feff}\u{1}\u{7f}".into(),
            "e\u{301}".into(),
            "'; DROP TABLE scratch; -- \\ \" $1 %_ ?1 :a".into(),
            "null".into(),
            "x".repeat(1 << 20),
        ];
        let numbers = [i64::MIN, -1, 0, 1, i64::MAX, 1 << 53, -(1 << 31)];
        let bytes: Vec<u8> = (0..=255).collect();
        let (given, blob) = (texts.clone(), bytes.clone());
        db.write::<_, DbError, _>(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            for (id, (text, number)) in given.iter().zip(numbers).enumerate() {
                let d: &[u8] = if id == 0 { &[] } else { &blob };
                let values =
                    [(id as i64).into(), number.into(), text.into(), (id % 2 == 0).into(), d.into()];
                tx.execute(&PUT, &values).await?;
            }
            tx.execute(&PUT, &[99.into(), Value::Null, Value::Null, Value::Null, Value::Null]).await?;
            Ok(())
        })
        .await
        .unwrap();
        let mut reading = db.read().await.unwrap();
        let read = reading
            .all(&ALL, &[], |row| {
                let n: Option<i64> = row.take()?;
                let text: Option<String> = row.take()?;
                let b: Option<bool> = row.take()?;
                Ok((n, text, b, row.take::<Option<Vec<u8>>>()?))
            })
            .await
            .unwrap();
        for (id, (text, number)) in texts.iter().zip(numbers).enumerate() {
            let d = if id == 0 { Vec::new() } else { bytes.clone() };
            assert!(read[id] == (Some(number), Some(text.clone()), Some(id % 2 == 0), Some(d)), "{id}");
            let found = reading.all(&BY_TEXT, &[text.into()], |row| row.take::<i64>()).await;
            assert_eq!(found.unwrap(), [id as i64]);
        }
        assert_eq!(read[texts.len()], (None, None, None, None));
        // A column of another type is an error.
        assert!(reading.all(&ALL, &[], |row| row.take::<String>()).await.is_err());
        assert!(reading.all(&ALL, &[], |row| row.take::<i64>()).await.is_err());
    }

    async fn texts_sort_by_bytes(t) {
        let db = scratch(&t).await;
        let mut texts = ["b", "B", "a", "", "é", "z", "_", "a b", "ab", "日", "\u{10ffff}", "\u{ffff}"];
        db.write::<_, DbError, _>(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            for (id, text) in texts.into_iter().enumerate() {
                let values = [(id as i64).into(), Value::Null, text.into(), Value::Null, Value::Null];
                tx.execute(&PUT, &values).await?;
            }
            Ok(())
        })
        .await
        .unwrap();
        let mut reading = db.read().await.unwrap();
        let read: Vec<String> = reading.all(&IN_ORDER, &[], |row| row.take()).await.unwrap();
        texts.sort_unstable();
        assert_eq!(read, texts);
    }

    async fn abandoned_write_is_atomic(t) {
        let db = scratch(&t).await;
        let both = async |tx: &mut Tx<'_, '_>| {
            put_number(tx, 1).await?;
            put_number(tx, 2).await
        };
        // Polled once, then let go.
        assert!(db.write(Lane::Usual, both).now_or_never().is_none());
        put(&db, 3).await.unwrap();
        let found = ids(&db).await;
        assert!(found == [3] || found == [1, 2, 3], "{found:?}");
    }
}

/// Blocks the embedded store's writer until it is released. Writes queued meanwhile form one batch.
struct Held {
    go: mpsc::Sender<()>,
    holder: tokio::task::JoinHandle<Result<(), DbError>>,
}

impl Held {
    async fn hold(db: &Db) -> Self {
        let (go, wait) = mpsc::channel();
        let wait = std::sync::Mutex::new(wait);
        let (holding, held) = tokio::sync::oneshot::channel();
        let holding = std::sync::Mutex::new(Some(holding));
        let db = db.clone();
        let holder = tokio::spawn(async move {
            db.write(Lane::Usual, async move |_: &mut Tx<'_, '_>| {
                if let Some(holding) = holding.lock().unwrap().take() {
                    holding.send(()).unwrap();
                }
                wait.lock().unwrap().recv().unwrap();
                Ok(())
            })
            .await
        });
        held.await.unwrap();
        Self { go, holder }
    }

    async fn let_go(self) {
        self.go.send(()).unwrap();
        self.holder.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_closure_leaves_the_rest_of_its_batch() {
    let t = Test::start(Engine::Sqlite).await;
    let db = scratch(&t).await;
    let held = Held::hold(&db).await;
    let writes: Vec<_> = (0..200)
        .map(|id: i64| {
            let mut write = Box::pin(db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
                put_number(tx, id).await?;
                if id % 3 == 0 { Err(Failed::OnPurpose) } else { Ok(()) }
            }));
            assert!(write.as_mut().now_or_never().is_none());
            write
        })
        .collect();
    held.let_go().await;
    for (id, write) in writes.into_iter().enumerate() {
        assert_eq!(write.await.is_ok(), id % 3 != 0);
    }
    assert_eq!(ids(&db).await, (0..200).filter(|id| id % 3 != 0).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_queue_returns_503_while_revocations_pass() {
    let t = Test::start(Engine::Sqlite).await;
    let db = scratch(&t).await;
    let held = Held::hold(&db).await;
    let order = Arc::new(AtomicU32::new(0));
    let mut queued = Vec::new();
    let refused = loop {
        let order = Arc::clone(&order);
        let work =
            async move |_: &mut Tx<'_, '_>| Ok::<_, DbError>(order.fetch_add(1, Ordering::SeqCst));
        let mut write = Box::pin(db.write(Lane::Usual, work));
        match write.as_mut().now_or_never() {
            None => queued.push(write),
            Some(answer) => break answer,
        }
        assert!(queued.len() < 100_000, "the queue has no end");
    };
    assert!(matches!(refused, Err(DbError::Overloaded)));
    let first = Arc::clone(&order);
    let urgent =
        async move |_: &mut Tx<'_, '_>| Ok::<_, DbError>(first.fetch_add(1, Ordering::SeqCst));
    let mut urgent = Box::pin(db.write(Lane::Urgent, urgent));
    assert!(urgent.as_mut().now_or_never().is_none());
    held.let_go().await;
    assert_eq!(urgent.await.unwrap(), 0, "the revocation waited behind other work");
    for (at, write) in queued.into_iter().enumerate() {
        assert_eq!(write.await.unwrap() as usize, at + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closed_store_returns_an_error() {
    let t = Test::start(Engine::Sqlite).await;
    let db = scratch(&t).await;
    put(&db, 1).await.unwrap();
    db.close();
    assert!(matches!(put(&db, 2).await, Err(DbError::Unavailable(_))));
}

/// Takes as long as the pool lets a caller wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_without_free_connection_returns_503() {
    let t = Test::start(Engine::Postgres).await;
    let db = t.app.db.clone();
    let mut taken = Vec::new();
    for _ in 0..t.app.config.postgres.connections {
        taken.push(db.read().await.unwrap());
    }
    assert!(matches!(db.read().await.err(), Some(DbError::Overloaded)));
    taken.pop();
    db.read().await.unwrap();
}

/// Two closures that deadlock: the database ends one, which runs again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_retries_a_closure_after_a_conflict() {
    let t = Test::start(Engine::Postgres).await;
    let db = scratch(&t).await;
    put(&db, 1).await.unwrap();
    put(&db, 2).await.unwrap();
    let (both, runs) = (Arc::new(Barrier::new(2)), Arc::new(AtomicU32::new(0)));
    let won = Arc::new(Semaphore::new(0));
    let cross = |first: i64, second: i64| {
        let (db, both, runs) = (db.clone(), Arc::clone(&both), Arc::clone(&runs));
        let (won, other_won) = (Arc::clone(&won), Arc::clone(&won));
        tokio::spawn(async move {
            let work = async move |tx: &mut Tx<'_, '_>| {
                let run = runs.fetch_add(1, Ordering::SeqCst);
                if run >= 2 {
                    // Otherwise it might lock its first row again before the other one wakes up.
                    other_won.acquire().await.unwrap().forget();
                }
                tx.execute(&ADD, &[first.into()]).await?;
                if run < 2 {
                    both.wait().await;
                }
                tx.execute(&ADD, &[second.into()]).await.map(|_| ())
            };
            let done = db.write::<_, DbError, _>(Lane::Usual, work).await;
            won.add_permits(1);
            done
        })
    };
    let (one, two) = (cross(1, 2), cross(2, 1));
    one.await.unwrap().unwrap();
    two.await.unwrap().unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 3);
    let mut reading = db.read().await.unwrap();
    let sums = reading.all(&ALL, &[], |row| row.take::<i64>()).await.unwrap();
    assert_eq!(sums, [2, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_bounds_requested_retries() {
    let t = Test::start(Engine::Postgres).await;
    let db = scratch(&t).await;
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let done = db.write::<_, DbError, _>(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
        put_number(tx, 1).await?;
        if counted.fetch_add(1, Ordering::SeqCst) == 0 { Err(tx.again()) } else { Ok(()) }
    });
    done.await.unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    let for_ever = async |tx: &mut Tx<'_, '_>| {
        put_number(tx, 2).await?;
        Err::<(), _>(tx.again())
    };
    assert!(matches!(db.write(Lane::Usual, for_ever).await, Err(DbError::Contended)));
    assert_eq!(ids(&db).await, [1]);
}

#[tokio::test]
async fn sqlite_log_stays_short() {
    let folder = Folder::make();
    let path = folder.0.join("scratch.db");
    let db = Db::Sqlite(Sqlite::open(&path).unwrap());
    let make = async |tx: &mut Tx<'_, '_>| tx.execute(&MAKE, &[]).await;
    db.write::<_, DbError, _>(Lane::Usual, make).await.unwrap();
    let text = "x".repeat(200_000);
    for id in 0..150 {
        let text = text.clone();
        db.write::<_, DbError, _>(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            let values = [id.into(), 0.into(), (&text).into(), Value::Null, Value::Null];
            tx.execute(&PUT, &values).await
        })
        .await
        .unwrap();
        assert_eq!(ids(&db).await.len() as i64, id + 1);
    }
    // 30 MB were written, and the log restarts after sixteen.
    let length = || std::fs::metadata(path.with_extension("db-wal")).map(|log| log.len());
    assert!(length().unwrap() < 20_000_000);
    // Closing the store last checkpoints its log.
    db.close();
    assert!(length().is_err());
}
