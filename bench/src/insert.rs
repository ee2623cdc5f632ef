//! The floor of a durable write: a bare axum handler that inserts one row into SQLite, grouped with
//! the rows of other requests, and answers after the commit. It does the minimum that any store has
//! to do for a request: no credential, no rule, one statement.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use rusqlite::{Connection, params};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// The server's batch size.
const GROUP: usize = 256;
const QUEUE: usize = 4096;

type Waiting = oneshot::Sender<()>;

/// Serves until the process is killed.
pub(crate) fn serve(folder: &Path) -> Result<()> {
    let connection = Connection::open(folder.join("insert.db"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch(
        "CREATE TABLE entries (account_no INTEGER NOT NULL, id TEXT NOT NULL, amount INTEGER NOT NULL, \
         balance_after INTEGER NOT NULL, grant_id TEXT NOT NULL, at INTEGER NOT NULL, \
         PRIMARY KEY (account_no, id)) STRICT, WITHOUT ROWID",
    )?;
    let (queue, waiting) = sync_channel(QUEUE);
    std::thread::spawn(move || {
        if let Err(error) = write(&connection, &waiting) {
            eprintln!("the inserts failed: {error}");
            std::process::exit(1);
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        eprintln!("listening on http://{}", listener.local_addr()?);
        axum::serve(listener, Router::new().route("/", post(insert)).with_state(queue)).await?;
        Ok(())
    })
}

async fn insert(
    axum::extract::State(queue): axum::extract::State<SyncSender<Waiting>>,
) -> Result<([(axum::http::HeaderName, &'static str); 1], Bytes), StatusCode> {
    const BODY: &[u8] = br#"{"accepted":1,"rejected":0,"rejections":[]}"#;
    let (sender, receiver) = oneshot::channel();
    queue.try_send(sender).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    receiver.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(([(CONTENT_TYPE, "application/json")], Bytes::from_static(BODY)))
}

fn write(connection: &Connection, waiting: &Receiver<Waiting>) -> Result<()> {
    let mut number: i64 = 0;
    while let Ok(first) = waiting.recv() {
        // Yields so that other tasks on this core can add rows to the same flush.
        std::thread::yield_now();
        let group: Vec<_> =
            std::iter::once(first).chain(waiting.try_iter().take(GROUP - 1)).collect();
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut insert =
            connection.prepare_cached("INSERT INTO entries VALUES ($1, $2, $3, $4, $5, $6)")?;
        for _ in &group {
            number += 1;
            let id = format!("le_{number:026}");
            insert
                .execute(params![number % 10_000, id, -6, 1_000_000 - number, "gr_1", number])
                .context("a row")?;
        }
        connection.prepare_cached("COMMIT")?.execute([])?;
        for one in group {
            // The caller may be gone. The row is committed anyway.
            let _ = one.send(());
        }
    }
    Ok(())
}
