//! HTTP handlers of credit currencies and packages.

use super::{BySlug, Filter, Name, Shown, Writer, no_metadata};
use crate::app::App;
use crate::auth::CatalogCaller;
use crate::base::{CreditCurrencyId, CreditPackageId, Currency, Time, Viewer};
use crate::catalog::{
    CatalogStatus, CreditCurrency, CreditCurrencyChange, CreditPackage, CreditPackageChange,
    Denomination,
};
use crate::http::leaves::{Amount, Integer, Metadata, ShortText, Slug, string};
use crate::http::page::{ListQuery, ListResponse};
use crate::http::wire::{Field, Request};
use crate::http::{Body, Fields, IdempotencyKey, Json, PathText, Problem};
use axum::extract::State;
use axum::response::Response;
use serde_json::Value;
use std::sync::Arc;
use unitpay_request::response;
use utoipa::openapi::{RefOr, Schema};

/// The longest life of a package's credits is ten years.
type Days = Integer<1, 3_650>;

/// The filter of a list by credit currency.
#[derive(Debug, Request)]
pub struct OfCurrency {
    #[request(with = ShortText<100>)]
    credit_currency_id: Option<String>,
}

impl Filter for OfCurrency {
    fn into_text(self) -> Option<String> {
        self.credit_currency_id
    }
}

#[response]
#[schema(as = CreditCurrency)]
pub struct CreditCurrencyResponse {
    pub id: CreditCurrencyId,
    pub slug: String,
    pub name: String,
    /// `unit`, or the ISO 4217 code of the currency of which one credit is worth one unit.
    pub denomination: String,
    /// The number of decimals of a credit. Amounts count its smallest unit.
    pub minor_unit_scale: i64,
    /// The minimum price of one top-up, in the denomination's minor unit.
    pub top_up_min: Option<i64>,
    pub top_up_max: Option<i64>,
    /// The integrator's metadata. Only for secret keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    pub created_at: Time,
    pub updated_at: Time,
}

#[response]
#[schema(as = CreditPackage)]
pub struct CreditPackageResponse {
    pub id: CreditPackageId,
    pub credit_currency_id: CreditCurrencyId,
    pub name: String,
    /// In the credit currency's smallest unit.
    pub credits: i64,
    /// In the currency's minor unit.
    pub price: i64,
    pub currency: Currency,
    pub expires_after_days: Option<i64>,
    pub status: CatalogStatus,
    /// The integrator's metadata. Only for secret keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    pub created_at: Time,
    pub updated_at: Time,
}

#[derive(Debug, Request)]
pub struct CreateCreditCurrencyRequest {
    /// Lower-case letters, digits, hyphens and underscores. Unique among credit currencies.
    #[request(with = Slug)]
    slug: String,
    #[request(with = Name)]
    name: String,
    /// `unit`, or an ISO 4217 code.
    denomination: Denomination,
    /// Default: the decimals of the denomination; never less.
    #[request(with = Integer<0, 6>)]
    minor_unit_scale: Option<i64>,
    #[request(with = Amount<1>)]
    top_up_min: Option<i64>,
    #[request(with = Amount<1>)]
    top_up_max: Option<i64>,
    #[request(with = Metadata, default = no_metadata())]
    metadata: String,
}

#[derive(Debug, Request)]
#[request(patch)]
pub struct UpdateCreditCurrencyRequest {
    #[request(with = Slug)]
    slug: Option<String>,
    #[request(with = Name)]
    name: Option<String>,
    /// `null` clears it.
    #[request(with = Amount<1>)]
    top_up_min: Option<Option<i64>>,
    /// `null` clears it.
    #[request(with = Amount<1>)]
    top_up_max: Option<Option<i64>>,
    /// Replaces all of it; `null` empties it.
    #[request(with = Metadata)]
    metadata: Option<String>,
}

#[derive(Debug, Request)]
pub struct CreateCreditPackageRequest {
    credit_currency_id: CreditCurrencyId,
    #[request(with = Name)]
    name: String,
    #[request(with = Amount<1>)]
    credits: i64,
    #[request(with = Amount<1>)]
    price: i64,
    /// An ISO 4217 code.
    currency: Currency,
    #[request(with = Days)]
    expires_after_days: Option<i64>,
    #[request(with = Metadata, default = no_metadata())]
    metadata: String,
}

#[derive(Debug, Request)]
#[request(patch)]
pub struct UpdateCreditPackageRequest {
    #[request(with = Name)]
    name: Option<String>,
    #[request(with = Amount<1>)]
    credits: Option<i64>,
    #[request(with = Amount<1>)]
    price: Option<i64>,
    /// `null` clears it.
    #[request(with = Days)]
    expires_after_days: Option<Option<i64>>,
    status: Option<CatalogStatus>,
    /// Replaces all of it; `null` empties it.
    #[request(with = Metadata)]
    metadata: Option<String>,
}

impl Field for Denomination {
    type Value = Self;

    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        fields.parsed(name, "\"unit\" or an ISO 4217 code")
    }

    fn schema() -> RefOr<Schema> {
        string().into()
    }
}

impl Shown for CreditCurrency {
    type Response = CreditCurrencyResponse;

    fn show(&self, viewer: Viewer) -> CreditCurrencyResponse {
        CreditCurrencyResponse {
            id: self.id,
            slug: self.slug.clone(),
            name: self.name.clone(),
            denomination: self.denomination.to_string(),
            minor_unit_scale: self.minor_unit_scale,
            top_up_min: self.top_up_min,
            top_up_max: self.top_up_max,
            metadata: super::metadata(&self.metadata, viewer),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

impl Shown for CreditPackage {
    type Response = CreditPackageResponse;

    fn show(&self, viewer: Viewer) -> CreditPackageResponse {
        CreditPackageResponse {
            id: self.id,
            credit_currency_id: self.credit_currency_id,
            name: self.name.clone(),
            credits: self.credits,
            price: self.price,
            currency: self.currency,
            expires_after_days: self.expires_after_days,
            status: CatalogStatus::new(self.archived),
            metadata: super::metadata(&self.metadata, viewer),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

/// Creates a credit currency. The value of a credit never changes.
#[utoipa::path(post, path = "/v1/credit-currencies", tag = "catalog", operation_id = "createCreditCurrency",
    responses((status = 201, body = CreditCurrencyResponse)))]
pub async fn create_currency(
    State(app): State<Arc<App>>,
    caller: Writer,
    idempotency: IdempotencyKey,
    body: Body<CreateCreditCurrencyRequest>,
) -> Result<Response, Problem> {
    let (new, raw) = body.read()?;
    let now = app.clock.now();
    let currency = CreditCurrency {
        id: app.ids.credit_currency(),
        slug: new.slug,
        name: new.name,
        denomination: new.denomination,
        minor_unit_scale: new.minor_unit_scale.unwrap_or(new.denomination.decimals()),
        top_up_min: new.top_up_min,
        top_up_max: new.top_up_max,
        metadata: new.metadata,
        created_at: now,
        updated_at: now,
    };
    super::create(&app, &caller, idempotency, &raw, currency).await
}

/// Lists credit currencies, newest first.
#[utoipa::path(get, path = "/v1/credit-currencies", tag = "catalog", operation_id = "listCreditCurrencies",
    responses((status = 200, body = ListResponse<CreditCurrencyResponse>)))]
pub async fn list_currencies(
    State(app): State<Arc<App>>,
    caller: CatalogCaller,
    query: ListQuery<BySlug>,
) -> Result<Json<ListResponse<CreditCurrencyResponse>>, Problem> {
    super::list::<CreditCurrency, BySlug>(&app, &caller, query, "credit-currencies").await
}

/// Returns a credit currency.
#[utoipa::path(get, path = "/v1/credit-currencies/{id}", tag = "catalog", operation_id = "getCreditCurrency",
    responses((status = 200, body = CreditCurrencyResponse)))]
pub async fn get_currency(
    State(app): State<Arc<App>>,
    caller: CatalogCaller,
    PathText(id): PathText,
) -> Result<Json<CreditCurrencyResponse>, Problem> {
    super::get::<CreditCurrency>(&app, &caller, &id).await
}

/// Updates a credit currency.
#[utoipa::path(patch, path = "/v1/credit-currencies/{id}", tag = "catalog", operation_id = "updateCreditCurrency",
    responses((status = 200, body = CreditCurrencyResponse)))]
pub async fn update_currency(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    body: Body<UpdateCreditCurrencyRequest>,
) -> Result<Json<CreditCurrencyResponse>, Problem> {
    let (new, _) = body.read()?;
    let change = CreditCurrencyChange {
        slug: new.slug,
        name: new.name,
        top_up_min: new.top_up_min,
        top_up_max: new.top_up_max,
        metadata: new.metadata,
    };
    super::update::<CreditCurrency>(&app, &caller, &id, change).await
}

/// Creates a credit package.
#[utoipa::path(post, path = "/v1/credit-packages", tag = "catalog", operation_id = "createCreditPackage",
    responses((status = 201, body = CreditPackageResponse)))]
pub async fn create_package(
    State(app): State<Arc<App>>,
    caller: Writer,
    idempotency: IdempotencyKey,
    body: Body<CreateCreditPackageRequest>,
) -> Result<Response, Problem> {
    let (new, raw) = body.read()?;
    let now = app.clock.now();
    let package = CreditPackage {
        id: app.ids.credit_package(),
        credit_currency_id: new.credit_currency_id,
        name: new.name,
        credits: new.credits,
        price: new.price,
        currency: new.currency,
        expires_after_days: new.expires_after_days,
        archived: false,
        metadata: new.metadata,
        created_at: now,
        updated_at: now,
    };
    super::create(&app, &caller, idempotency, &raw, package).await
}

/// Lists credit packages, newest first. A page sees those that can be bought.
#[utoipa::path(get, path = "/v1/credit-packages", tag = "catalog", operation_id = "listCreditPackages",
    responses((status = 200, body = ListResponse<CreditPackageResponse>)))]
pub async fn list_packages(
    State(app): State<Arc<App>>,
    caller: CatalogCaller,
    query: ListQuery<OfCurrency>,
) -> Result<Json<ListResponse<CreditPackageResponse>>, Problem> {
    super::list::<CreditPackage, OfCurrency>(&app, &caller, query, "credit-packages").await
}

/// Returns a credit package.
#[utoipa::path(get, path = "/v1/credit-packages/{id}", tag = "catalog", operation_id = "getCreditPackage",
    responses((status = 200, body = CreditPackageResponse)))]
pub async fn get_package(
    State(app): State<Arc<App>>,
    caller: CatalogCaller,
    PathText(id): PathText,
) -> Result<Json<CreditPackageResponse>, Problem> {
    super::get::<CreditPackage>(&app, &caller, &id).await
}

/// Updates a credit package. Packages that were bought are not affected.
#[utoipa::path(patch, path = "/v1/credit-packages/{id}", tag = "catalog", operation_id = "updateCreditPackage",
    responses((status = 200, body = CreditPackageResponse)))]
pub async fn update_package(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    body: Body<UpdateCreditPackageRequest>,
) -> Result<Json<CreditPackageResponse>, Problem> {
    let (new, _) = body.read()?;
    let change = CreditPackageChange {
        name: new.name,
        credits: new.credits,
        price: new.price,
        expires_after_days: new.expires_after_days,
        archived: new.status.map(CatalogStatus::is_archived),
        metadata: new.metadata,
    };
    super::update::<CreditPackage>(&app, &caller, &id, change).await
}
