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
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::Arc;
use tower::ServiceExt;

/// The server's routes without their middleware. A request carries them, so that its handler can
/// call others.
#[derive(Clone, Copy, Debug)]
pub struct OwnRoutes(pub fn() -> &'static Router<Arc<App>>);

/// Responses by their path and query.
pub type InitialData = BTreeMap<String, Box<RawValue>>;

const MOST_BYTES: usize = 64 * 1024;

/// The first requests of the portal with the scope that each needs, most important first. They
/// match the requests of the hooks of `@unitpay/react`; the hosted page's tests compare them.
const FIRST: &[(u32, &str)] = &[
    (0, "/portal-sessions/current"),
    (0, "/branding"),
    (PortalScopes::CUSTOMER_READ, "/customers/{customer}"),
    (PortalScopes::SUBSCRIPTIONS_READ, "/subscriptions?limit=100"),
    (PortalScopes::SUBSCRIPTIONS_READ, "/plans?limit=100"),
    (PortalScopes::INVOICES_READ, "/invoices"),
    (PortalScopes::CREDITS_READ, "/credit-accounts?limit=100"),
    (PortalScopes::CREDITS_READ, "/credit-currencies?limit=100"),
    (PortalScopes::PAYMENT_METHODS_READ, "/customers/{customer}/payment-methods?limit=100"),
    (PortalScopes::USAGE_READ, "/usage/aggregate?from={from}&to={to}"),
    (PortalScopes::USAGE_READ, "/billable-metrics?limit=100"),
];

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
    for (_, path) in FIRST.iter().filter(|(scope, _)| session.scopes.contains(*scope)) {
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
        let Some(rest) = room.checked_sub(path.len() + body.len()) else { continue };
        if let Ok(value) = serde_json::from_slice(&body) {
            room = rest;
            data.insert(path, value);
        }
    }
    data
}

/// Formats the UTC day of a time as `2026-01-31`.
fn day(time: Time) -> String {
    time.to_string().chars().take(10).collect()
}
