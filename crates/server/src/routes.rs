//! THE route table, and what every request passes through.

use crate::app::App;
use crate::auth::Anyone;
use crate::catalog::http::{credits, features, metrics, plans, pricing, products};
use crate::credits::http as wallets;
use crate::flows::http::{invoices as invoice_flows, subscriptions as subscription_flows, top_ups};
use crate::http::description::Common;
use crate::http::problem::ProblemBody;
use crate::http::request::{Surface, around, no_method, no_route};
use crate::portal::http_initial_data::OwnRoutes;
use crate::{
    audit, branding, customers, entitlements, invoices, keys, payments, portal, settlement,
    signing, subscriptions, test_clock, usage,
};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use http::{HeaderValue, header};
use std::sync::{Arc, OnceLock};
use utoipa::openapi::OpenApi as Description;
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

type Routes = OpenApiRouter<Arc<App>>;

/// Routes that a browser may call, with a portal token or a publishable key: they answer CORS, for
/// every method, since a browser asks for a path.
fn browser_routes() -> Routes {
    OpenApiRouter::new()
        .routes(routes!(portal::http_browser::current, portal::http_browser::end))
        .routes(routes!(portal::http_browser::refresh))
        .routes(routes!(customers::http::get, customers::http::update))
        .routes(routes!(entitlements::http::list))
        .routes(routes!(entitlements::http::check))
        .routes(routes!(entitlements::http::check_of_customer))
        .routes(routes!(usage::http::get))
        .routes(routes!(usage::http::aggregate))
        .routes(routes!(wallets::list))
        .routes(routes!(wallets::list_of_customer))
        .routes(routes!(wallets::ledger))
        .routes(routes!(wallets::top_ups))
        .routes(routes!(wallets::stats))
        .routes(routes!(top_ups::top_up))
        .routes(routes!(top_ups::set_auto_top_up))
        .routes(routes!(products::create, products::list))
        .routes(routes!(products::get, products::update))
        .routes(routes!(plans::create, plans::list))
        .routes(routes!(plans::get, plans::update))
        .routes(routes!(features::create, features::list))
        .routes(routes!(features::get, features::update))
        .routes(routes!(metrics::create, metrics::list))
        .routes(routes!(metrics::get, metrics::update))
        .routes(routes!(credits::create_currency, credits::list_currencies))
        .routes(routes!(credits::get_currency, credits::update_currency))
        .routes(routes!(credits::create_package, credits::list_packages))
        .routes(routes!(credits::get_package, credits::update_package))
        .routes(routes!(pricing::get))
        .routes(routes!(branding::http::get, branding::http::put))
        .routes(routes!(subscription_flows::create, subscriptions::http::list))
        .routes(routes!(subscription_flows::preview))
        .routes(routes!(subscriptions::http::get))
        .routes(routes!(subscriptions::http::upcoming_invoice))
        .routes(routes!(subscription_flows::preview_change))
        .routes(routes!(subscription_flows::change_plan))
        .routes(routes!(subscription_flows::cancel))
        .routes(routes!(subscription_flows::uncancel))
        .routes(routes!(invoices::http::list))
        .routes(routes!(invoices::http::list_of_customer))
        .routes(routes!(invoices::http::get))
        .routes(routes!(invoices::http::document))
        .routes(routes!(invoice_flows::pay))
        .routes(routes!(settlement::http::get))
        .routes(routes!(payments::http::list, payments::http::add))
        .routes(routes!(payments::http::setup))
        .routes(routes!(payments::http::make_default))
        .routes(routes!(payments::http::dependencies))
        .routes(routes!(payments::http::remove))
        .routes(routes!(payments::sandbox::http::confirm))
}

/// Routes for the backend, and the public ones.
fn backend_routes() -> Routes {
    OpenApiRouter::new()
        .routes(routes!(portal::http::create, portal::http::list))
        .routes(routes!(portal::http::revoke))
        .routes(routes!(portal::http::introspect))
        .routes(routes!(portal::http_exchange::exchange))
        .route("/portal", get(portal::http_page::page))
        .route("/portal/assets/{name}", get(portal::http_page::asset))
        .routes(routes!(portal::http::get))
        .routes(routes!(customers::http::create, customers::http::list))
        .routes(routes!(customers::http::archive))
        .routes(routes!(customers::http::unarchive))
        .routes(routes!(keys::http::create, keys::http::list))
        .routes(routes!(keys::http::revoke))
        .routes(routes!(usage::http::track))
        .routes(routes!(wallets::grant))
        .routes(routes!(wallets::refund))
        .routes(routes!(wallets::freeze))
        .routes(routes!(wallets::unfreeze))
        .routes(routes!(audit::http::list))
        .routes(routes!(test_clock::http::get))
        .routes(routes!(test_clock::http::advance))
        .routes(routes!(invoice_flows::transfer))
        .routes(routes!(invoice_flows::void))
        .routes(routes!(payments::http::webhook))
        .routes(routes!(payments::http_processors::list))
        .routes(routes!(signing::http::jwks))
        .routes(routes!(signing::http::health))
        .routes(routes!(signing::http::readiness))
        .routes(routes!(serve_openapi))
}

/// All routes without what is around them, for this process to ask: a request carries its own
/// [`RequestInfo`](crate::http::request::RequestInfo), a problem is among the answer's extensions.
pub fn bare() -> &'static Router<Arc<App>> {
    static ROUTER: OnceLock<Router<Arc<App>>> = OnceLock::new();
    ROUTER.get_or_init(|| browser_routes().merge(backend_routes()).split_for_parts().0)
}

pub fn router(app: &Arc<App>) -> Router {
    let group = |routes: Routes, surface| {
        let (router, _) = routes.split_for_parts();
        router
            .method_not_allowed_fallback(no_method)
            .layer(Extension(OwnRoutes(bare)))
            .layer(from_fn_with_state((Arc::clone(app), surface), around))
    };
    let backend = group(backend_routes().fallback(no_route), Surface::Backend);
    backend.merge(group(browser_routes(), Surface::Browser)).with_state(Arc::clone(app))
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "system", operation_id = "openapi",
    responses((status = 200, content_type = "application/json")))]
pub async fn serve_openapi(_: Anyone) -> Response {
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    (json, openapi_json()).into_response()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "UnitPay",
        description = "Portal sessions and billing for the customers of a SaaS.",
        contact(),
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(ProblemBody<'_>))
)]
struct Base;

/// The description of this API.
pub fn openapi() -> Description {
    let (_, mut described) = OpenApiRouter::with_openapi(Base::openapi())
        .merge(backend_routes())
        .merge(browser_routes())
        .split_for_parts();
    Common.modify(&mut described);
    described
}

/// The description as it is served and committed.
pub fn openapi_json() -> &'static str {
    static JSON: OnceLock<String> = OnceLock::new();
    JSON.get_or_init(|| {
        serde_json::to_string_pretty(&openapi()).map(|json| json + "\n").unwrap_or_default()
    })
}
