//! A small client of Stripe's HTTP API: form-encoded requests, JSON answers.
//!
//! It keeps a few connections open and bounds each call in time and size. A request is repeated only
//! if Stripe refused to begin it (409 `lock_timeout`, 429) or if it was never sent; after any other
//! failure it may have been carried out, and the caller decides.

use crate::base::Secret;
use crate::config::ApiOrigin;
use http::{HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use rustls::pki_types::ServerName;
use serde_json::Value;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// The version of the API that this adapter was written for, sent with each request.
pub const API_VERSION: &str = "2026-10-28.endive";

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Below the time that a request of ours may take in all, so that its caller gets an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
const MAX_ANSWER_BYTES: usize = 1024 * 1024;
const MAX_IDLE: usize = 8;
const IDLE_FOR_AT_MOST: Duration = Duration::from_secs(20);
const TRIES: u32 = 3;
const FIRST_WAIT: Duration = Duration::from_millis(200);

type Failure = Box<dyn Error + Send + Sync>;
type Connection = SendRequest<Full<Bytes>>;

/// Calls one Stripe API on behalf of any number of accounts.
pub struct Client {
    origin: ApiOrigin,
    tls: OnceLock<TlsConnector>,
    idle: Mutex<Vec<(Instant, Connection)>>,
}

/// One request.
#[derive(Debug)]
pub struct Call {
    method: Method,
    path: String,
    parameters: Vec<(&'static str, String)>,
    idempotency_key: Option<String>,
}

/// Stripe's answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub request_id: String,
}

#[derive(Debug)]
pub enum CallError {
    /// Nothing was sent, so nothing happened.
    NotSent(Failure),
    /// The request may have been carried out.
    NoAnswer(Failure),
}

impl Call {
    pub fn get(path: impl Into<String>) -> Self {
        let path = path.into();
        Self { method: Method::GET, path, parameters: Vec::new(), idempotency_key: None }
    }

    pub fn post(path: impl Into<String>) -> Self {
        Self { method: Method::POST, ..Self::get(path) }
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.parameters.push((name, value.into()));
        self
    }

    /// Has Stripe carry the request out at most once for this key.
    #[must_use]
    pub fn once(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    fn request(
        &self,
        origin: &ApiOrigin,
        secret: &Secret,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let encoded = serde_urlencoded::to_string(&self.parameters)?;
        let (target, body) = match self.method {
            Method::GET if encoded.is_empty() => (self.path.clone(), String::new()),
            Method::GET => (format!("{}?{encoded}", self.path), String::new()),
            _ => (self.path.clone(), encoded),
        };
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", secret.reveal()))?;
        bearer.set_sensitive(true);
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(target)
            .header(header::HOST, origin.authority())
            .header(header::AUTHORIZATION, bearer)
            .header(header::USER_AGENT, concat!("UnitPay/", env!("CARGO_PKG_VERSION")))
            .header("stripe-version", API_VERSION);
        if self.method != Method::GET {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        if let Some(key) = &self.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        Ok(request.body(Full::from(body))?)
    }
}

impl Answer {
    pub const fn is_success(&self) -> bool {
        self.status == 200
    }

    /// `error.code` of a refusal, or its type if it has no code.
    pub fn error_code(&self) -> &str {
        let error = &self.body["error"];
        error["code"].as_str().or_else(|| error["type"].as_str()).unwrap_or_default()
    }

    /// Whether Stripe refused to begin the request, so that it may be repeated as it is.
    fn was_not_begun(&self) -> bool {
        self.status == 429 || (self.status == 409 && self.error_code() == "lock_timeout")
    }
}

impl Client {
    pub fn new(origin: ApiOrigin) -> Self {
        Self { origin, tls: OnceLock::new(), idle: Mutex::default() }
    }

    /// Sends a request with an account's secret key.
    pub async fn send(&self, secret: &Secret, call: &Call) -> Result<Answer, CallError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let done = match timeout(ANSWER_WITHIN, self.send_once(secret, call)).await {
                Ok(done) => done,
                Err(late) => Err(CallError::NoAnswer(late.into())),
            };
            match &done {
                Ok(answer) => {
                    let (path, status, id) = (&call.path, answer.status, &answer.request_id);
                    tracing::debug!(path, status, stripe_request = id, "Stripe answered");
                }
                Err(error) => tracing::debug!(path = call.path, %error, "Stripe did not answer"),
            }
            let again = match &done {
                Ok(answer) => answer.was_not_begun(),
                Err(CallError::NotSent(_)) => true,
                Err(CallError::NoAnswer(_)) => false,
            };
            if !again || tries == TRIES {
                return done;
            }
            tokio::time::sleep(FIRST_WAIT * tries).await;
        }
    }

    async fn send_once(&self, secret: &Secret, call: &Call) -> Result<Answer, CallError> {
        let request = call.request(&self.origin, secret).map_err(CallError::NotSent)?;
        let mut connection = match self.idle_connection() {
            Some(connection) => connection,
            None => self.connect().await.map_err(CallError::NotSent)?,
        };
        let sent = connection.try_send_request(request).await;
        let response = sent.map_err(|mut error| match error.take_message() {
            Some(_) => CallError::NotSent(error.into_error().into()),
            None => CallError::NoAnswer(error.into_error().into()),
        })?;
        let answer = read(response).await.map_err(CallError::NoAnswer)?;
        if !connection.is_closed() {
            let mut idle = self.idle.lock();
            if idle.len() < MAX_IDLE {
                idle.push((Instant::now(), connection));
            }
        }
        Ok(answer)
    }

    fn idle_connection(&self) -> Option<Connection> {
        let mut idle = self.idle.lock();
        idle.retain(|(since, kept)| since.elapsed() < IDLE_FOR_AT_MOST && !kept.is_closed());
        let ready = idle.iter().rposition(|(_, kept)| kept.is_ready())?;
        Some(idle.remove(ready).1)
    }

    async fn connect(&self) -> Result<Connection, Failure> {
        let ApiOrigin { host, port, .. } = &self.origin;
        let connecting = async {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            stream.set_nodelay(true)?;
            if !self.origin.tls {
                return open(stream).await;
            }
            let name = ServerName::try_from(host.clone())?;
            open(self.tls()?.connect(name, stream).await?).await
        };
        timeout(CONNECT_WITHIN, connecting).await?
    }

    /// Reads the system's certificates when they are first needed: that takes a while.
    fn tls(&self) -> Result<&TlsConnector, Failure> {
        if let Some(tls) = self.tls.get() {
            return Ok(tls);
        }
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(self.tls.get_or_init(|| TlsConnector::from(Arc::new(config))))
    }
}

async fn open<S>(stream: S) -> Result<Connection, Failure>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (connection, driver) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(driver);
    Ok(connection)
}

async fn read(response: http::Response<Incoming>) -> Result<Answer, Failure> {
    let (head, body) = response.into_parts();
    let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await?.to_bytes();
    let request_id = head.headers.get("request-id").and_then(|id| id.to_str().ok());
    Ok(Answer {
        status: head.status.as_u16(),
        body: serde_json::from_slice(&body)?,
        request_id: request_id.unwrap_or_default().to_owned(),
    })
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent(source) => write!(f, "the request was not sent: {source}"),
            Self::NoAnswer(source) => write!(f, "there was no usable answer: {source}"),
        }
    }
}

impl Error for CallError {}
