//! The floor: a bare axum handler that returns as many bytes as the server's verified read. It does
//! no work, so its cost is the cost of HTTP on this machine.
//!
//! Contains both the child process and the handle that starts it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::context::Context;
use crate::load::Load;
use crate::process::{Log, Process};
use crate::requests::Requests;
use crate::rounds::Subject;
use crate::setup;

/// The size of hyper's response head: status line, type, length and date, without the length's
/// digits.
const HEAD_BYTES: usize = 106;

/// Serves until the process is killed.
pub(crate) fn serve(response_bytes: usize) -> Result<()> {
    let rest = response_bytes.saturating_sub(HEAD_BYTES);
    // The body and the digits of its length make up the rest. A few totals cannot be reached.
    let size = (0..rest).rev().find(|size| size + size.to_string().len() <= rest);
    let body = Bytes::from(vec![b'x'; size.unwrap_or(0)]);
    let handler = move || std::future::ready(([(CONTENT_TYPE, "application/json")], body.clone()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        eprintln!("listening on http://{}", listener.local_addr()?);
        axum::serve(listener, Router::new().route("/", get(handler))).await?;
        Ok(())
    })
}

/// A running floor on the server's core.
pub(crate) struct Floor {
    process: Process,
    addr: SocketAddr,
    requests: Requests,
}

impl Floor {
    pub(crate) async fn start(context: &Context, response_bytes: usize) -> Result<Floor> {
        let mut command = Floor::command(context)?;
        command.arg("floor").arg(response_bytes.to_string());
        let request = b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".to_vec();
        let floor = Floor::spawn(context, command, request.clone()).await?;
        let answer = setup::once(floor.addr, &request).await.context("floor")?;
        anyhow::ensure!(
            answer.bytes.abs_diff(response_bytes) <= 1,
            "the floor answers {} bytes instead of {response_bytes}",
            answer.bytes
        );
        Ok(floor)
    }

    /// Starts the handler that inserts a row before it answers, with its own store in this folder.
    pub(crate) async fn inserting(context: &Context, folder: &Path) -> Result<Floor> {
        let mut command = Floor::command(context)?;
        command.arg("insert").arg(folder);
        let request = b"POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\n\r\n".to_vec();
        Floor::spawn(context, command, request).await
    }

    fn command(context: &Context) -> Result<Command> {
        Process::command(&context.server_cpus, &std::env::current_exe()?)
    }

    async fn spawn(context: &Context, mut command: Command, request: Vec<u8>) -> Result<Floor> {
        let mut log = Log::create(&context.temp.path().join("floor.log"))?;
        command.stderr(log.stdio()?);
        let mut process = Process::spawn("floor", command)?;
        let addr = log.wait_for_address(&mut process).await?;
        Ok(Floor { process, addr, requests: Requests::from_iter([request]) })
    }

    pub(crate) fn subject(&self) -> Subject<'_> {
        Subject::new("floor", &self.process, None, Load::new(self.addr, &self.requests, &[200]))
    }
}
