//! A webhook endpoint that others run, with good and bad manners.

use super::{Engine, Test};
use aws_lc_rs::hmac;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use unitpay::testing::config::Config;

/// The behavior of a receiver.
#[derive(Clone, Debug)]
pub enum Manner {
    Status(u16),
    Redirect(String),
    /// Answers nothing at all.
    Silent,
    /// Answers 200 with a body of this many bytes.
    Huge(usize),
    /// Answers 200 with a body that never ends.
    Endless,
    /// Answers 200 with the first part of a body, and then nothing.
    Stuck,
}

/// A request that a receiver got.
#[derive(Clone, Debug)]
pub struct Received {
    pub headers: HeaderMap,
    pub body: Bytes,
}

#[derive(Debug)]
pub struct Receiver {
    pub url: String,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    manner: Mutex<Manner>,
    received: Mutex<Vec<Received>>,
    arrived: Notify,
}

impl Receiver {
    pub async fn start(manner: Manner) -> Self {
        let inner = Arc::new(Inner {
            manner: Mutex::new(manner),
            received: Mutex::default(),
            arrived: Notify::new(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?a=1", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, inner }
    }

    pub fn set(&self, manner: Manner) {
        *self.inner.manner.lock().unwrap() = manner;
    }

    /// Returns what it got so far, and forgets it.
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut *self.inner.received.lock().unwrap())
    }

    /// Waits for the next request.
    pub async fn arrival(&self) {
        self.inner.arrived.notified().await;
    }
}

async fn answer(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: Bytes) -> Response {
    inner.received.lock().unwrap().push(Received { headers, body });
    inner.arrived.notify_one();
    let manner = inner.manner.lock().unwrap().clone();
    match manner {
        Manner::Status(status) => {
            (StatusCode::from_u16(status).unwrap(), format!("status {status}")).into_response()
        }
        Manner::Redirect(url) => (StatusCode::FOUND, [("location", url)]).into_response(),
        Manner::Silent => std::future::pending().await,
        Manner::Huge(bytes) => "x".repeat(bytes).into_response(),
        Manner::Endless => {
            let chunks =
                stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[0; 8192])));
            Body::from_stream(chunks).into_response()
        }
        Manner::Stuck => {
            let first = stream::once(async { Ok::<_, Infallible>(Bytes::from_static(b"wait")) });
            Body::from_stream(stream::StreamExt::chain(first, stream::pending())).into_response()
        }
    }
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The number of signatures, all of which must be of one of these secrets.
    pub fn signatures(&self, secrets: &[&str]) -> usize {
        let (id, at) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        let signed = [format!("{id}.{at}.").as_bytes(), &self.body].concat();
        let expected = secrets.iter().map(|secret| {
            let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &signed);
            format!("v1,{}", STANDARD.encode(tag))
        });
        let expected: Vec<String> = expected.collect();
        let sent: Vec<&str> = self.header("webhook-signature").split(' ').collect();
        assert!(sent.iter().all(|one| expected.iter().any(|known| known == one)), "{sent:?}");
        sent.len()
    }
}

/// Allows webhook endpoints on this machine, which have one second to answer.
pub fn deliver_here(config: &mut Config) {
    config.webhooks.allow_http = true;
    config.webhooks.allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
    config.webhooks.timeout_seconds = 1;
}

impl Test {
    /// A server whose webhook endpoints may be on this machine and have one second to answer.
    pub async fn with_webhooks(engine: Engine) -> Self {
        Self::start_with(engine, deliver_here).await
    }

    /// Creates an endpoint and returns its id and its secret.
    pub async fn endpoint(&self, receiver: &Receiver) -> (String, String) {
        let body = json!({ "url": receiver.url });
        let made = self.call(super::post("/v1/webhook-endpoints", &body).key(&self.key)).await;
        let made = made.expect(201);
        (made.text("id"), made.text("secret"))
    }

    pub async fn publish(&self) {
        unitpay::testing::jobs::publish(&self.app).await.unwrap();
    }

    /// Publishes what was recorded and delivers what is due.
    pub async fn deliver(&self) {
        self.publish().await;
        unitpay::testing::webhooks::deliver::deliver_due(&self.app).await.unwrap();
    }
}
