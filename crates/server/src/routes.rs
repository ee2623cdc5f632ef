//! The route table, and the layers around every request.

use crate::app::App;
use crate::auth::Anyone;
use crate::catalog::http::{coupons, credits, features, metrics, plans, pricing, products};
use crate::credits::http as wallets;
use crate::flows::http::{
    balance as balances, credit_notes, discounts, invoices as invoice_flows, invoicing,
    subscriptions as subscription_flows, top_ups,
};
use crate::http::description::Common;
use crate::http::operation::described;
use crate::http::problem::ProblemBody;
use crate::http::request::{Surface, around, no_method, no_route};
use crate::portal::http_initial_data::OwnRoutes;
use crate::{
    audit, billing_settings, branding, customers, emails, entitlements, events, invoices, keys,
    logins, payments, portal, settlement, signing, subscriptions, test_clock, usage, webhooks,
};
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use http::{HeaderValue, header};
use std::sync::{Arc, OnceLock};
use tower::ServiceExt as _;
use utoipa::openapi::OpenApi as Description;
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

type Routes = OpenApiRouter<Arc<App>>;

/// The routes of these handlers, each described by its extractors.
macro_rules! operations {
    [$($handler:path),* $(,)?] => {
        OpenApiRouter::new()$(.routes(described(routes!($handler), &$handler)))*
    };
}

/// Routes that a browser may call with a portal token or a publishable key. They answer CORS for
/// every method, because a browser asks per path.
fn browser_routes() -> Routes {
    operations![
        portal::http_browser::current,
        portal::http_browser::end,
        portal::http_browser::refresh,
        customers::http::get,
        customers::http::update,
        entitlements::http::list,
        entitlements::http::check,
        entitlements::http::check_of_customer,
        usage::http::get,
        usage::http::aggregate,
        wallets::list,
        wallets::list_of_customer,
        wallets::ledger,
        wallets::top_ups,
        wallets::stats,
        top_ups::top_up,
        top_ups::set_auto_top_up,
        products::create,
        products::list,
        products::get,
        products::update,
        plans::create,
        plans::list,
        plans::get,
        plans::update,
        features::create,
        features::list,
        features::get,
        features::update,
        metrics::create,
        metrics::list,
        metrics::get,
        metrics::update,
        credits::create_currency,
        credits::list_currencies,
        credits::get_currency,
        credits::update_currency,
        credits::create_package,
        credits::list_packages,
        credits::get_package,
        credits::update_package,
        pricing::get,
        branding::http::get,
        branding::http::put,
        subscription_flows::create,
        subscriptions::http::list,
        subscription_flows::preview,
        subscriptions::http::get,
        subscriptions::http::upcoming_invoice,
        subscription_flows::preview_change,
        subscription_flows::change_plan,
        subscription_flows::cancel,
        subscription_flows::uncancel,
        invoices::http::list,
        invoicing::create,
        invoices::http::list_of_customer,
        invoices::http::get,
        invoices::http::document,
        invoice_flows::pay,
        balances::get,
        balances::entries,
        credit_notes::list,
        credit_notes::get,
        credit_notes::document,
        settlement::http::get,
        payments::http::list,
        payments::http::add,
        payments::http::setup,
        payments::http::make_default,
        payments::http::dependencies,
        payments::http::remove,
        payments::sandbox::http::confirm,
    ]
}

/// Routes for backends, and the public ones.
fn backend_routes() -> Routes {
    let routes = operations![
        portal::http::create,
        portal::http::list,
        portal::http::revoke,
        portal::http_introspect::introspect,
        portal::http_exchange::exchange,
        portal::http_link::send,
        portal::http::get,
        customers::http::create,
        customers::http::list,
        customers::http::archive,
        customers::http::unarchive,
        customers::http::erase,
        keys::http::create,
        keys::http::list,
        keys::http::revoke,
        usage::http::track,
        wallets::grant,
        wallets::refund,
        wallets::freeze,
        wallets::unfreeze,
        audit::http::list,
        events::http::list,
        events::http::get,
        webhooks::http::create,
        webhooks::http::list,
        webhooks::http::get,
        webhooks::http::update,
        webhooks::http::delete,
        webhooks::http::rotate_secret,
        webhooks::http::test,
        webhooks::http::recover,
        webhooks::http_deliveries::list,
        webhooks::http_deliveries::resend,
        emails::http::list,
        emails::http::resend,
        emails::http_settings::get,
        emails::http_settings::put,
        logins::http::page,
        logins::http::start,
        logins::http::enter,
        logins::http_settings::get,
        logins::http_settings::put,
        billing_settings::http::get,
        billing_settings::http::put,
        test_clock::http::get,
        test_clock::http::advance,
        invoice_flows::transfer,
        invoice_flows::void,
        invoicing::create_item,
        balances::adjust,
        coupons::create,
        coupons::list,
        coupons::get,
        coupons::update,
        coupons::create_code,
        coupons::list_codes,
        coupons::get_code,
        coupons::update_code,
        discounts::put,
        discounts::remove,
        credit_notes::create,
        credit_notes::preview,
        credit_notes::void,
        payments::http::webhook,
        payments::http_processors::list,
        signing::http::jwks,
        signing::http::health,
        signing::http::readiness,
        serve_openapi,
    ];
    routes
        .route("/portal", get(portal::http_page::page))
        .route("/portal/", get(portal::http_page::page))
        .route("/portal/login/{organization}", get(portal::http_page::login))
        .route("/portal/pay", get(portal::http_page::pay))
        .route("/portal/assets/{name}", get(portal::http_page::asset))
}

/// Returns all routes without the surrounding layers, for requests from this process: the request
/// carries its own [`RequestInfo`](crate::http::request::RequestInfo), and a problem is in the
/// response's extensions.
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
    let router =
        backend.merge(group(browser_routes(), Surface::Browser)).with_state(Arc::clone(app));
    if app.base_path.is_empty() {
        return router;
    }
    // A proxy in front may pass the path of the public URL, or take it off.
    let base = app.base_path.clone();
    let router = router.map_request(move |request| without_prefix(request, &base));
    Router::new().fallback_service(router)
}

/// Takes a prefix off the path of a request that has it.
fn without_prefix(mut request: Request, prefix: &str) -> Request {
    let uri = request.uri();
    let rest = uri.path().strip_prefix(prefix).filter(|rest| rest.starts_with('/'));
    let path = rest.map(|path| match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    });
    if let Some(uri) = path.and_then(|path| path.parse().ok()) {
        *request.uri_mut() = uri;
    }
    request
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

/// Returns the description of this API.
pub fn openapi() -> Description {
    let (_, mut described) = OpenApiRouter::with_openapi(Base::openapi())
        .merge(backend_routes())
        .merge(browser_routes())
        .split_for_parts();
    described.webhooks = Some(events::http::describe_webhooks());
    Common.modify(&mut described);
    described
}

/// Returns the description as it is served and committed.
pub fn openapi_json() -> &'static str {
    static JSON: OnceLock<String> = OnceLock::new();
    JSON.get_or_init(|| {
        serde_json::to_string_pretty(&openapi()).map(|json| json + "\n").unwrap_or_default()
    })
}
