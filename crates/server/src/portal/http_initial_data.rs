//! The portal's first data in one response.
//!
//! Each entry is the response of one of our routes, requested in this process with the session's
//! own token. The usual checks apply, so it contains only what the session may read.

use crate::app::App;
use crate::base::Time;
use crate::http::Problem;
use crate::http::operation::Describe;
use crate::http::request::RequestInfo;
use crate::portal::{PortalScopes, PortalSession};
use axum::Router;
use axum::body::Body;
use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tower::ServiceExt;

/// The server's routes without their middleware. A request carries them, so that its handler can
/// call others.
#[derive(Clone, Copy, Debug)]
pub struct OwnRoutes(pub fn() -> &'static Router<Arc<App>>);

/// Responses by their path and query.
pub type InitialData = BTreeMap<String, Box<RawValue>>;

const MOST_BYTES: usize = 64 * 1024;
/// More are rare, and each costs a calculation.
const MOST_SUBSCRIPTIONS: usize = 5;

/// The first requests of the portal with the scope that each needs, most important first. They
/// match the requests of the hooks of `@unitpay/react`; the hosted page's tests compare them.
const FIRST: &[(u32, &str)] = &[
    (0, "/portal-sessions/current"),
    (0, "/branding"),
    (PortalScopes::CUSTOMER_READ, "/customers/{customer}"),
    (PortalScopes::SUBSCRIPTIONS_READ, SUBSCRIPTIONS),
    (PortalScopes::SUBSCRIPTIONS_READ, "/plans?limit=100"),
    (PortalScopes::SUBSCRIPTIONS_READ, UPCOMING),
    (PortalScopes::INVOICES_READ, "/invoices"),
    (PortalScopes::CREDITS_READ, "/credit-accounts?limit=100"),
    (PortalScopes::CREDITS_READ, "/credit-currencies?limit=100"),
    (PortalScopes::PAYMENT_METHODS_READ, "/customers/{customer}/payment-methods?limit=100"),
    (USAGE, "/customers/{customer}/entitlements"),
    (USAGE, "/features?limit=100"),
    (PortalScopes::USAGE_READ, "/usage/aggregate?from={from}&to={to}"),
    (PortalScopes::USAGE_READ, "/billable-metrics?limit=100"),
];

const SUBSCRIPTIONS: &str = "/subscriptions?limit=100";
/// Requested for each subscription of the response to `SUBSCRIPTIONS` that is billed again.
const UPCOMING: &str = "/subscriptions/{subscription}/upcoming-invoice";
/// Used of included needs both scopes.
const USAGE: u32 = PortalScopes::USAGE_READ | PortalScopes::CUSTOMER_READ;

/// The number of days in the portal's chart.
const CHART_DAYS: i64 = 30;

/// A request whose handler can call the server's other routes.
#[derive(Debug)]
pub struct Inner {
    pub info: Arc<RequestInfo>,
    routes: OwnRoutes,
}

impl<S: Sync> FromRequestParts<S> for Inner {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let extensions = &parts.extensions;
        let (info, routes) = (extensions.get::<Arc<RequestInfo>>(), extensions.get::<OwnRoutes>());
        let (info, routes) =
            info.zip(routes).ok_or_else(|| Problem::internal("a request without its routes"))?;
        Ok(Self { info: Arc::clone(info), routes: *routes })
    }
}

impl Describe for Inner {}

/// Requests everything that the session may read, in the order of the list, while it fits.
pub async fn gather(
    app: &Arc<App>,
    Inner { info, routes }: &Inner,
    session: &PortalSession,
    token: &str,
) -> InitialData {
    let router = (routes.0)().clone().with_state(Arc::clone(app));
    let now = app.clock.now();
    let mut data = InitialData::new();
    let mut room = MOST_BYTES;
    let mut billed = Vec::new();
    let allowed = FIRST.iter().filter(|(scope, _)| session.scopes.contains(*scope));
    let paths = allowed.map(|(_, path)| *path);
    let mut queue: VecDeque<String> = paths.map(str::to_owned).collect();
    queue.extend(session.invoice_id.map(|id| format!("/invoices/{id}")));
    while let Some(path) = queue.pop_front() {
        if path == UPCOMING {
            let each = |id: &String| path.replace("{subscription}", id);
            billed.iter().rev().map(each).for_each(|path| queue.push_front(path));
            continue;
        }
        let path = path
            .replace("{customer}", &session.customer_id.to_string())
            .replace("{from}", &day(now.plus_days(1 - CHART_DAYS)))
            .replace("{to}", &day(now));
        let request = Request::get(format!("/v1{path}"))
            .header(header::HOST, "localhost")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .extension(Arc::clone(info))
            .extension(*routes)
            .body(Body::empty());
        let Ok(request) = request else { continue };
        let Ok(answer) = router.clone().oneshot(request).await;
        if answer.status() != StatusCode::OK {
            continue;
        }
        let Ok(body) = answer.into_body().collect().await.map(|body| body.to_bytes()) else {
            continue;
        };
        if path == SUBSCRIPTIONS {
            billed = billed_again(&body);
        }
        let Some(rest) = room.checked_sub(path.len() + body.len()) else { continue };
        if let Ok(value) = serde_json::from_slice(&body) {
            room = rest;
            data.insert(path, value);
        }
    }
    data
}

/// Returns the ids of the subscriptions that have a next invoice.
fn billed_again(body: &[u8]) -> Vec<String> {
    #[derive(Deserialize)]
    struct Row {
        id: String,
        status: String,
    }
    #[derive(Deserialize)]
    struct Rows {
        data: Vec<Row>,
    }
    let rows = serde_json::from_slice(body).map_or(Vec::new(), |rows: Rows| rows.data);
    let is_billed = |row: &Row| !matches!(row.status.as_str(), "canceled" | "pending");
    rows.into_iter().filter(is_billed).take(MOST_SUBSCRIPTIONS).map(|row| row.id).collect()
}

/// Formats the UTC day of a time as `2026-01-31`.
fn day(time: Time) -> String {
    time.to_string().chars().take(10).collect()
}
