//! HTTP handlers of the hosted page's files. They are the same for every customer; the exchange
//! identifies the customer.

use crate::app::App;
use crate::auth::Anyone;
use crate::http::gzip::takes_gzip;
use crate::http::{PathText, Problem};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use std::sync::Arc;
use unitpay_portal_assets::{Asset, asset as find, page as index};

/// Allows only content from this server, and no framing. Logos are `data:` URIs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'";

/// The page. Browsers revalidate it each time, since it names the assets.
pub async fn page(State(app): State<Arc<App>>, _: Anyone, headers: HeaderMap) -> Response {
    const CACHING: &str = "no-cache";
    if app.base_path.is_empty() {
        return answer(index(), &headers, CACHING);
    }
    // The build knows no path of the public URL: the links to the assets get it here.
    let text = String::from_utf8_lossy(index().plain);
    let text = text.replace("\"/portal/", &format!("\"{}/portal/", app.base_path));
    (own_headers(index(), CACHING), text).into_response()
}

/// Returns an asset. Its name contains a hash of its content, so it never changes.
pub async fn asset(
    _: Anyone,
    PathText(name): PathText,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let found = find(&name).ok_or_else(Problem::not_found)?;
    Ok(answer(found, &headers, "public, max-age=31536000, immutable"))
}

fn answer(asset: &'static Asset, headers: &HeaderMap, caching: &'static str) -> Response {
    let own = own_headers(asset, caching);
    if !takes_gzip(headers) {
        return (own, asset.plain).into_response();
    }
    let encoding = (header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    (own, [encoding], asset.gzip).into_response()
}

fn own_headers(asset: &Asset, caching: &'static str) -> [(HeaderName, &'static str); 5] {
    [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, caching),
        (header::VARY, "Accept-Encoding"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
    ]
}
