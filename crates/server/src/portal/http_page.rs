//! HTTP handlers of the hosted pages' files. They are the same for every customer; the exchange
//! identifies the customer.

use crate::app::App;
use crate::auth::Anyone;
use crate::http::gzip::takes_gzip;
use crate::http::{PathText, Problem};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use std::sync::Arc;
use unitpay_portal_assets::{Asset, asset as find, login_page, page as index, pay_page};

/// Allows only content from this server, and no framing. Logos are `data:` URIs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'";

/// Allows Stripe's script and frames, and calls of its API only: a script on this page cannot call this
/// server, and so cannot open the session of the customer who is here.
const PAY_POLICY: &str = "default-src 'none'; \
     script-src 'self' https://js.stripe.com https://*.js.stripe.com; style-src 'self'; \
     frame-src https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com; \
     connect-src https://api.stripe.com; img-src 'self' data:; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'";

/// The page of a session. Browsers revalidate it each time, since it names the assets.
pub async fn page(State(app): State<Arc<App>>, _: Anyone, headers: HeaderMap) -> Response {
    document(&app, index(), &headers, POLICY)
}

/// The sign-in page of every organization. Its own request finds out whether sign-in is on.
pub async fn login(State(app): State<Arc<App>>, _: Anyone, headers: HeaderMap) -> Response {
    document(&app, login_page(), &headers, POLICY)
}

/// The page with Stripe's form, which has no session. It exists only while an organization of this
/// installation has a Stripe account connected.
pub async fn pay(
    State(app): State<Arc<App>>,
    _: Anyone,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if !app.processors.stripe().is_used(&mut app.db.read().await?).await? {
        return Err(Problem::not_found());
    }
    Ok(document(&app, pay_page(), &headers, PAY_POLICY))
}

fn document(
    app: &App,
    page: &'static Asset,
    headers: &HeaderMap,
    policy: &'static str,
) -> Response {
    const CACHING: &str = "no-cache";
    if app.base_path.is_empty() {
        return answer(page, headers, CACHING, policy);
    }
    // The build knows no path of the public URL: the links to the assets get it here.
    let text = String::from_utf8_lossy(page.plain);
    let text = text.replace("\"/portal/", &format!("\"{}/portal/", app.base_path));
    (own_headers(page, CACHING, policy), text).into_response()
}

/// Returns an asset. Its name contains a hash of its content, so it never changes.
pub async fn asset(
    _: Anyone,
    PathText(name): PathText,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let found = find(&name).ok_or_else(Problem::not_found)?;
    Ok(answer(found, &headers, "public, max-age=31536000, immutable", POLICY))
}

fn answer(
    asset: &'static Asset,
    headers: &HeaderMap,
    caching: &'static str,
    policy: &'static str,
) -> Response {
    let fields = own_headers(asset, caching, policy);
    if !takes_gzip(headers) {
        return (fields, asset.plain).into_response();
    }
    let encoding = (header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    (fields, [encoding], asset.gzip).into_response()
}

fn own_headers(
    asset: &Asset,
    caching: &'static str,
    policy: &'static str,
) -> [(HeaderName, &'static str); 5] {
    [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, caching),
        (header::VARY, "Accept-Encoding"),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::REFERRER_POLICY, "no-referrer"),
    ]
}
