//! HTTP handlers of sign-in by e-mail, for the hosted sign-in page.

use super::{
    CODE_LIVES_SECONDS, Entered, LoginPage, Proof, StartError, enter as enter_with,
    start as start_login,
};
use crate::app::App;
use crate::auth::Anyone;
use crate::base::words::words;
use crate::base::{CustomerId, LoginId, PortalSessionId, Time};
use crate::branding;
use crate::branding::http::BrandingResponse;
use crate::customers::Customer;
use crate::emails;
use crate::http::leaves::{Email, ShortText};
use crate::http::page::Query;
use crate::http::wire::Request;
use crate::http::{Body, Code, Fields, Json, Problem};
use crate::limits::Limited;
use crate::organizations::Environment;
use crate::portal::http_exchange::{
    cookie_of, note_bad_code, require_same_origin, session_cookie, set_cookie,
};
use crate::portal::http_initial_data::Inner;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use std::sync::Arc;
use unitpay_request::response;

const PATH: &str = "/v1/logins";

words! {
    LoginEnvironment {
        Live = "live",
        Sandbox = "sandbox",
    }
}

#[derive(Debug, Request)]
pub struct LoginPageQuery {
    /// The organization's id or name.
    #[request(with = ShortText<100>)]
    organization: String,
    /// Default `live`.
    #[request(default = LoginEnvironment::Live)]
    environment: LoginEnvironment,
}

#[derive(Debug, Request)]
pub struct StartLoginRequest {
    /// The organization's id or name.
    #[request(with = ShortText<100>)]
    organization: String,
    /// Default `live`.
    #[request(default = LoginEnvironment::Live)]
    environment: LoginEnvironment,
    /// The address to send the code to.
    #[request(with = Email)]
    email: String,
}

#[derive(Debug, Request)]
#[request(before = Self::check)]
pub struct EnterLoginRequest {
    #[request(with = ShortText<64>)]
    id: String,
    /// The six digits of the e-mail; excludes `customerId`.
    #[request(with = ShortText<64>)]
    code: Option<String>,
    /// One of the `customers` of the response to the code; excludes `code`.
    #[request(with = ShortText<64>)]
    customer_id: Option<String>,
}

impl EnterLoginRequest {
    fn check(fields: &mut Fields) {
        fields.exactly_one("code", "customerId");
    }
}

#[response]
pub struct LoginPageResponse {
    pub branding: BrandingResponse,
}

#[response]
pub struct StartLoginResponse {
    pub id: LoginId,
    /// When the code expires.
    pub expires_at: Time,
}

#[response]
pub struct EnterLoginResponse {
    /// The session that was opened. `/portal#<id>` shows it in this browser.
    pub session_id: Option<PortalSessionId>,
    /// The customers to choose from, if several have the address.
    pub customers: Vec<LoginCustomer>,
}

#[response]
pub struct LoginCustomer {
    pub id: CustomerId,
    pub name: String,
}

/// Returns the look of an organization's sign-in page. For the hosted page.
#[utoipa::path(get, path = "/v1/logins", tag = "logins", operation_id = "getLoginPage",
    responses((status = 200, body = LoginPageResponse)))]
pub async fn page(
    State(app): State<Arc<App>>,
    _: Anyone,
    headers: HeaderMap,
    query: Query<LoginPageQuery>,
) -> Result<Json<LoginPageResponse>, Problem> {
    require_same_origin(&headers, &app)?;
    let LoginPageQuery { organization, environment } = query.read()?;
    let page = find(&app, &organization, environment).await?;
    let branding = branding::get(&mut app.db.read().await?, &page.tenant).await?;
    let branding = BrandingResponse::to_browser(branding);
    Ok(Json(StatusCode::OK, LoginPageResponse { branding }))
}

/// Sends a code to an address, if it is a customer's. The answer is the same for every address. For
/// the hosted page.
#[utoipa::path(post, path = "/v1/logins", tag = "logins", operation_id = "startLogin",
    responses((status = 201, body = StartLoginResponse)))]
pub async fn start(
    State(app): State<Arc<App>>,
    _: Anyone,
    inner: Inner,
    headers: HeaderMap,
    body: Body<StartLoginRequest>,
) -> Result<Response, Problem> {
    require_same_origin(&headers, &app)?;
    let (StartLoginRequest { organization, environment, email }, _) = body.read()?;
    app.check_clock()?;
    let page = find(&app, &organization, environment).await?;
    if let Limited::Hit(limit) = app.limits.login(inner.info.peer) {
        return Err(Problem::rate_limited(limit));
    }
    let id = start_login(&app, &page, &email).await?;
    let cookie = set_cookie(&app, &id.to_string(), PATH, &app.codes.login_cookie(id));
    let cookie = format!("{cookie}; Max-Age={CODE_LIVES_SECONDS}");
    let expires_at = id.made_at().plus_seconds(CODE_LIVES_SECONDS);
    let body = Json(StatusCode::CREATED, StartLoginResponse { id, expires_at });
    Ok(([(header::SET_COOKIE, cookie)], body).into_response())
}

/// Exchanges the code of the e-mail for a session, in the browser that asked for it. For the hosted
/// page.
#[utoipa::path(post, path = "/v1/logins/enter", tag = "logins", operation_id = "enterLogin",
    responses((status = 200, body = EnterLoginResponse)))]
pub async fn enter(
    State(app): State<Arc<App>>,
    _: Anyone,
    inner: Inner,
    headers: HeaderMap,
    body: Body<EnterLoginRequest>,
) -> Result<Response, Problem> {
    require_same_origin(&headers, &app)?;
    let (EnterLoginRequest { id, code, customer_id }, _) = body.read()?;
    app.check_clock()?;
    let peer = inner.info.peer;
    let invalid = |tries_left: i64| match note_bad_code(&app, peer) {
        Ok(()) => Err(invalid_code().with("triesLeft", tries_left)),
        Err(limited) => Err(limited),
    };
    let is_ours = |id: &LoginId| {
        cookie_of(&headers, &id.to_string(), |value| app.codes.is_login_cookie(*id, value))
    };
    let proof = code.map(Proof::Code);
    let chosen = || customer_id.and_then(|id| id.parse().ok()).map(Proof::Customer);
    let known = id.parse().ok().filter(is_ours).zip(proof.or_else(chosen));
    let Some((id, proof)) = known else { return invalid(0) };
    if let Some(limit) = app.limits.shuts_out(peer) {
        return Err(Problem::rate_limited(limit));
    }
    let (session_id, customers) = match enter_with(&app, id, proof).await? {
        Entered::Session(sid) => (Some(sid), Vec::new()),
        Entered::Choice(customers) => (None, customers),
        Entered::Refused { tries_left } => return invalid(tries_left),
        Entered::Suspended => return Err(suspended()),
    };
    let customers = customers.into_iter().map(LoginCustomer::from).collect();
    let body = Json(StatusCode::OK, EnterLoginResponse { session_id, customers });
    let cookie = session_id.map(|sid| [(header::SET_COOKIE, session_cookie(&app, sid))]);
    Ok((cookie, body).into_response())
}

/// Finds the page of an organization. One that is off looks like one that does not exist.
async fn find(
    app: &App,
    organization: &str,
    environment: LoginEnvironment,
) -> Result<LoginPage, Problem> {
    let environment = match environment {
        LoginEnvironment::Live => Environment::Live,
        LoginEnvironment::Sandbox => Environment::Sandbox,
    };
    let mut tx = app.db.read().await?;
    let page = LoginPage::find(&mut tx, organization, environment).await?;
    let page = page.filter(|page| page.settings.enabled && emails::is_on(app, &page.tenant));
    let page = page.ok_or_else(Problem::not_found)?;
    if page.suspended { Err(suspended()) } else { Ok(page) }
}

fn suspended() -> Problem {
    Problem::new(Code::OrganizationSuspended, "The organization is suspended.")
}

fn invalid_code() -> Problem {
    Problem::new(Code::InvalidCode, "The code is not valid, was used or has expired.")
}

impl From<Customer> for LoginCustomer {
    fn from(customer: Customer) -> Self {
        Self { id: customer.id, name: customer.name }
    }
}

impl From<StartError> for Problem {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Db(error) => error.into(),
            StartError::TooOften(limit) => Self::rate_limited(limit),
        }
    }
}
