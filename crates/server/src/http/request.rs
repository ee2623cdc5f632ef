//! The layer around every request: id, time limit, log line, rendering of problems, CORS on browser
//! routes.

use super::{Code, Problem};
use crate::app::App;
use crate::audit::Actor;
use crate::base::RequestId;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// The callers of a group of routes, which decide about CORS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// Backends only: no CORS.
    Backend,
    /// Also browsers, with a portal token or a publishable key.
    Browser,
}

/// Data about a request beside its parts.
#[derive(Debug)]
pub struct RequestInfo {
    pub id: RequestId,
    pub peer: IpAddr,
    caller: OnceLock<Actor>,
}

/// The peer of a connection. The listener attaches it to each request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

impl RequestInfo {
    pub fn get(parts: &Parts) -> Result<&Self, Problem> {
        let info = parts.extensions.get::<Arc<Self>>();
        info.map(AsRef::as_ref).ok_or_else(|| Problem::internal("a request without its info"))
    }

    /// Builds the data for a request from this process.
    pub fn local(id: RequestId) -> Self {
        Self { id, peer: IpAddr::from(std::net::Ipv4Addr::LOCALHOST), caller: OnceLock::new() }
    }

    /// Records the caller for the log.
    pub fn caller(&self) -> Option<&Actor> {
        self.caller.get()
    }

    pub fn set_caller(&self, caller: Actor) {
        // The first record wins. A second one would be of the same request.
        let _ = self.caller.set(caller);
    }
}

/// The middleware around every route.
pub async fn around(
    State((app, surface)): State<(Arc<App>, Surface)>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let info = Arc::new(RequestInfo {
        id: app.ids.request(),
        peer: peer(&app, &request),
        caller: OnceLock::new(),
    });
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    request.extensions_mut().insert(Arc::clone(&info));
    let mut response = if surface == Surface::Browser && method == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        run(&app, request, next).await
    };
    let id = info.id.to_string();
    let source = render_problem(&mut response, &id);
    finish_headers(&mut response, &id, surface);
    let route = route.as_ref().map_or("none", |route| route.as_str());
    let status = response.status().as_u16();
    let done = Done { info: &info, method: &method, route, status, elapsed: started.elapsed() };
    done.log(&id, source);
    if !app.config.metrics_listen.is_empty() {
        done.measure();
    }
    response
}

async fn run(app: &App, request: Request, next: Next) -> Response {
    let limit = Duration::from_secs(app.config.http.request_timeout_seconds);
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(limit, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => Problem::internal("a handler panicked").into_response(),
        Err(_) => Problem::unavailable("the request took too long").into_response(),
    }
}

/// Handles unknown routes and methods.
pub async fn no_route() -> Problem {
    Problem::new(Code::NotFound, "There is no such route.")
}

pub async fn no_method() -> Problem {
    Problem::new(Code::MethodNotAllowed, "This route does not support this method.")
}

/// Writes the body of a problem and returns what to log.
fn render_problem(response: &mut Response, id: &str) -> Option<Problem> {
    let problem = response.extensions_mut().remove::<Problem>()?;
    let headers = response.headers_mut();
    let json = HeaderValue::from_static("application/problem+json");
    headers.insert(header::CONTENT_TYPE, json);
    headers.remove(header::CONTENT_LENGTH);
    if let Some(seconds) = problem.retry_after_seconds() {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    if let Some(limit) = &problem.limit {
        let (name, window) = (limit.policy, limit.window_seconds);
        set(headers, "ratelimit-policy", &format!("\"{name}\";q={};w={window}", limit.burst));
        set(headers, "ratelimit", &format!("\"{name}\";r=0;t={}", limit.wait_seconds));
    }
    if problem.code.status() == StatusCode::UNAUTHORIZED {
        set(headers, "www-authenticate", "Bearer realm=\"unitpay\"");
    }
    if let Ok(body) = serde_json::to_vec(&problem.body(id)) {
        *response.body_mut() = body.into();
    }
    Some(problem)
}

fn finish_headers(response: &mut Response, id: &str, surface: Surface) {
    const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
    let headers = response.headers_mut();
    headers.reserve(8);
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert_with(|| HeaderValue::from_static("no-store"));
    if surface == Surface::Browser {
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, PATCH, DELETE"),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS),
            (
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                "Date, Retry-After, X-Request-Id, RateLimit, RateLimit-Policy",
            ),
            (header::ACCESS_CONTROL_MAX_AGE, "7200"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

/// The request headers that a page may send: what the API reads, and what tracing libraries add to
/// every fetch, which is ignored. `*` would not do: it does not cover `Authorization`.
const ALLOWED_HEADERS: &str = "Authorization, Content-Type, Idempotency-Key, X-Api-Key, baggage, \
     traceparent, tracestate, sentry-trace, b3, x-b3-traceid, x-b3-spanid, x-b3-parentspanid, \
     x-b3-sampled, x-b3-flags, x-datadog-origin, x-datadog-parent-id, \
     x-datadog-sampling-priority, x-datadog-trace-id, x-datadog-tags";

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// A request that was answered.
struct Done<'a> {
    info: &'a RequestInfo,
    method: &'a Method,
    /// The route instead of the path, which may contain the integrator's data.
    route: &'a str,
    status: u16,
    elapsed: Duration,
}

impl Done<'_> {
    fn measure(&self) {
        let labels = [
            ("method", known(self.method).to_owned()),
            ("route", self.route.to_owned()),
            ("status", self.status.to_string()),
        ];
        metrics::histogram!("unitpay_http_request_duration_seconds", &labels).record(self.elapsed);
    }

    /// Writes one log line per request.
    fn log(&self, id: &str, problem: Option<Problem>) {
        let Self { info, method, route, status, elapsed } = *self;
        let caller = info.caller.get().and_then(|caller| caller.id());
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        let code = problem.as_ref().map(|problem| problem.code.as_str());
        let source = problem.as_ref().and_then(|problem| problem.source.as_ref());
        match source {
            Some(source) => tracing::error!(
                request = %id, %method, route, status, micros, peer = %info.peer, caller, code,
                error = %source, "request"
            ),
            None => tracing::info!(
                request = %id, %method, route, status, micros, peer = %info.peer, caller, code,
                "request"
            ),
        }
    }
}

/// Clients can invent methods, and metric labels are kept forever.
fn known(method: &Method) -> &str {
    let known = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    if known.contains(method) { method.as_str() } else { "other" }
}

/// Returns the peer's address; behind a configured proxy, the nearest address that is not a proxy.
fn peer(app: &App, request: &Request) -> IpAddr {
    let direct = request
        .extensions()
        .get::<Peer>()
        .map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0.to_canonical());
    let proxies = &app.config.http.trusted_proxies;
    if !proxies.contains(&direct) {
        return direct;
    }
    let forwarded = request.headers().get_all("x-forwarded-for").iter();
    let hops: Vec<&str> = forwarded
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .collect();
    hops.iter()
        .rev()
        .map_while(|hop| hop.trim().parse::<IpAddr>().ok())
        .map(|hop| hop.to_canonical())
        .find(|hop| !proxies.contains(hop))
        .unwrap_or(direct)
}
