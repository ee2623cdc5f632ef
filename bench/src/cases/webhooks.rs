//! Measures webhook deliveries from a backlog to one fast endpoint on loopback: one event of each of
//! many customers.

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpListener;

use super::Stage;
use crate::context::Context;
use crate::report::Target;
use crate::requests;
use crate::server::Store;
use crate::setup::{member, once};

const BACKLOG: usize = 100_000;
const QUICK_BACKLOG: usize = 20_000;
/// Lets endpoints be on this machine.
const LOOPBACK: [(&str, &str); 2] =
    [("UNITPAY_WEBHOOKS_ALLOW_HTTP", "true"), ("UNITPAY_WEBHOOKS_ALLOWED_NETWORKS", "127.0.0.0/8")];
const PATIENCE: Duration = Duration::from_secs(300);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The events that the endpoint has received.
#[derive(Default)]
struct Received {
    ids: HashSet<String>,
    requests: usize,
    last: Option<Instant>,
}

type Shared = Arc<Mutex<Received>>;

pub(super) async fn run(context: &mut Context) -> Result<()> {
    let backlog = if context.args.quick { QUICK_BACKLOG } else { BACKLOG };
    let folder = context.store("webhooks")?;
    let stage = Stage::open(context, Store::Embedded(&folder), &LOOPBACK, backlog).await?;
    let published = Instant::now();
    while newest(&stage).await? < backlog {
        ensure!(published.elapsed() < PATIENCE, "the events are not published in time");
        tokio::time::sleep(LOOK_EVERY).await;
    }

    let received = Shared::default();
    let endpoint = endpoint(&stage, &received).await?;
    let cpu = stage.server.process.cpu_time()?;
    let started = Instant::now();
    let path = format!("/v1/webhook-endpoints/{endpoint}/recover");
    let recover = requests::post(&path, &stage.key, r#"{"since":"2020-01-01T00:00:00Z"}"#);
    let answer = once(stage.server.addr, &recover).await?;
    ensure!(answer.status == 200, "the recovery is refused: {}", answer.status);
    while lock(&received).ids.len() < backlog {
        ensure!(started.elapsed() < PATIENCE, "{} arrived in time", lock(&received).ids.len());
        tokio::time::sleep(LOOK_EVERY).await;
    }

    let elapsed = lock(&received).last.context("nothing arrived")?.duration_since(started);
    let cpu = stage.server.process.cpu_time()?.saturating_sub(cpu);
    let (count, memory) = (backlog as f64, stage.server.process.memory()?);
    let twice = lock(&received).requests - backlog;
    let report = &mut context.report;
    let rate = count / elapsed.as_secs_f64();
    report.row("webhooks", "deliveries a second", (rate, "/s"), Target::AtLeast(1_000.0));
    let each = cpu.as_secs_f64() * 1e6 / count;
    report.row("webhooks", "CPU a delivery", (each, "us"), Target::None);
    report.row("webhooks", "peak memory", (memory.peak, "MiB"), Target::AtMost(300.0));
    report.row("webhooks", "sent more than once", (twice as f64, ""), Target::AtMost(0.0));
    stage.server.process.stop()
}

/// Starts a receiver and creates an endpoint for it.
async fn endpoint(stage: &Stage, received: &Shared) -> Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}/", listener.local_addr()?);
    let router = Router::new().route("/", post(receive)).with_state(Arc::clone(received));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let create =
        requests::post("/v1/webhook-endpoints", &stage.key, &format!(r#"{{"url":"{url}"}}"#));
    let made = once(stage.server.addr, &create).await?;
    member(&made.body, "id")
}

async fn receive(State(received): State<Shared>, headers: HeaderMap) -> StatusCode {
    let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    let mut received = lock(&received);
    received.ids.insert(id.to_owned());
    received.requests += 1;
    received.last = Some(Instant::now());
    StatusCode::NO_CONTENT
}

/// Returns the sequence number of the newest published event.
async fn newest(stage: &Stage) -> Result<usize> {
    let list = requests::get_by_key("/v1/events?limit=1", &stage.key);
    let list: Value = serde_json::from_slice(&once(stage.server.addr, &list).await?.body)?;
    Ok(usize::try_from(list["data"][0]["sequence"].as_u64().unwrap_or(0))?)
}

fn lock(received: &Shared) -> std::sync::MutexGuard<'_, Received> {
    received.lock().unwrap_or_else(PoisonError::into_inner)
}
