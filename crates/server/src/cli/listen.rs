//! `unitpay listen`: sends a server's events to a developer's machine, which webhooks cannot reach.
//!
//! It reads `GET /v1/events` with the developer's API key and signs each event as a webhook endpoint's
//! events are signed. The signing secret is derived from the key, so it stays the same.

use super::{print, say};
use crate::base::wall_clock;
use crate::outbound::{Answer, Outbound, OutboundError, Peer, Policy, Target};
use crate::signing::SigningSecrets;
use anyhow::{Context, anyhow, bail};
use aws_lc_rs::hmac;
use clap::Args;
use http::{HeaderMap, HeaderName, HeaderValue};
use hyper::body::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::time::Duration;
use tokio::time::interval;

const DEFAULT_SERVER: &str = "http://127.0.0.1:4000";
const POLL_EVERY: Duration = Duration::from_secs(1);
const WITHIN: Duration = Duration::from_secs(30);
/// The largest page of events that is read.
const MAX_PAGE_BYTES: usize = 64 * 1024 * 1024;

#[derive(Args)]
pub struct Listen {
    /// Where events are sent, as http://localhost:3000/hook
    #[arg(long, value_name = "URL")]
    forward_to: String,
    /// The server [default: UNITPAY_BASE_URL, or http://127.0.0.1:4000]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
}

/// The server whose events are read.
struct Server {
    peer: Peer,
    path: String,
    headers: HeaderMap,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventPage {
    data: Vec<Box<RawValue>>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Event {
    id: String,
    r#type: String,
    sequence: i64,
}

/// Forwards events until the process is stopped.
pub async fn run(listen: &Listen) -> anyhow::Result<()> {
    let key = std::env::var("UNITPAY_API_KEY").context("UNITPAY_API_KEY must be a secret key")?;
    let given = listen.server.clone().or_else(|| std::env::var("UNITPAY_BASE_URL").ok());
    let server = Server::new(given.as_deref().unwrap_or(DEFAULT_SERVER), &key)?;
    let receiver = peer(&listen.forward_to).context("--forward-to")?;
    let secrets = SigningSecrets::of_key(derive(&key));
    let mut after = server.newest().await?;
    print(&format!("The signing secret is {}", secrets.reveal().reveal()))?;
    print(&format!("Events are sent to {}", listen.forward_to))?;
    let mut rounds = interval(POLL_EVERY);
    loop {
        rounds.tick().await;
        let events = match server.after(after).await {
            Ok(events) => events,
            Err(error) => {
                say(&format!("{error:#}"));
                continue;
            }
        };
        for raw in events {
            let event: Event = serde_json::from_str(raw.get()).context("an event")?;
            print(&forward(&receiver, &secrets, &event, &raw).await)?;
            after = event.sequence;
        }
    }
}

impl Server {
    fn new(url: &str, key: &str) -> anyhow::Result<Self> {
        let url = url.trim_end_matches('/').trim_end_matches("/v1");
        let target = target(url).context("--server")?;
        let path = target.path().trim_end_matches('/').to_owned() + "/v1/events";
        let mut value = HeaderValue::from_str(key).context("UNITPAY_API_KEY")?;
        value.set_sensitive(true);
        let headers = HeaderMap::from_iter([(HeaderName::from_static("x-api-key"), value)]);
        Ok(Self { peer: Outbound::new(Policy::anywhere()).peer(target), path, headers })
    }

    /// Returns the sequence number of the newest event.
    async fn newest(&self) -> anyhow::Result<i64> {
        let page = self.page("limit=1").await?;
        let newest = page.data.first().map(|raw| serde_json::from_str::<Event>(raw.get()));
        Ok(newest.transpose()?.map_or(0, |event| event.sequence))
    }

    /// Returns the events after a sequence number, oldest first.
    async fn after(&self, after: i64) -> anyhow::Result<Vec<Box<RawValue>>> {
        let (mut events, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.page(&format!("limit=100&afterSequence={after}{cursor}")).await?;
            events.extend(page.data);
            match page.next_cursor {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        events.reverse();
        Ok(events)
    }

    async fn page(&self, query: &str) -> anyhow::Result<EventPage> {
        let path = format!("{}?{query}", self.path);
        let answer = self.peer.get(&path, &self.headers, MAX_PAGE_BYTES, WITHIN).await;
        let Answer { status, body } = answer
            .map_err(|error| anyhow!("cannot read the server's events: {}", error.as_str()))?;
        match status {
            200 => serde_json::from_slice(&body).context("the server's answer is not a page"),
            401 | 403 => bail!("the server refuses UNITPAY_API_KEY: it needs webhooks:read"),
            other => bail!("cannot read the server's events: status {other}"),
        }
    }
}

/// Sends one event and returns a line about the answer. It is not repeated.
async fn forward(
    receiver: &Peer,
    secrets: &SigningSecrets,
    event: &Event,
    raw: &RawValue,
) -> String {
    let body = Bytes::copy_from_slice(raw.get().as_bytes());
    let sent = match secrets.headers(&event.id, wall_clock(), &body) {
        Ok(headers) => receiver.post(&headers, &body, 0, WITHIN).await,
        Err(_) => Err(OutboundError::RequestFailed),
    };
    let result = match sent {
        Ok(answer) => answer.status.to_string(),
        Err(error) => error.as_str().to_owned(),
    };
    format!("{} {} {} -> {result}", event.sequence, event.r#type, event.id)
}

fn derive(key: &str) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), b"unitpay listen");
    let mut secret = [0; 32];
    secret.copy_from_slice(tag.as_ref());
    secret
}

fn target(url: &str) -> anyhow::Result<Target> {
    Target::parse(url, &Policy::anywhere()).map_err(|error| anyhow!("{url} {}", error.message()))
}

fn peer(url: &str) -> anyhow::Result<Peer> {
    Ok(Outbound::new(Policy::anywhere()).peer(target(url)?))
}
