//! Credit currencies and packages over HTTP.

use super::{CatalogStatus, NAME, Shown, Viewer, Writer};
use crate::app::App;
use crate::auth::CatalogCaller;
use crate::base::{CreditCurrencyId, CreditPackageId, Currency, Time};
use crate::catalog::{
    CreditCurrency, CreditCurrencyChange, CreditPackage, CreditPackageChange, Denomination,
};
use crate::http::page::ListResponse;
use crate::http::{Fields, IdempotencyKey, Json, JsonBody, PathText, Problem};
use axum::extract::State;
use axum::response::Response;
use http::Uri;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// The longest that credits of a package may live.
const MAX_DAYS: i64 = 3_650;

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CreditCurrency)]
pub struct CreditCurrencyResponse {
    #[schema(value_type = String)]
    pub id: CreditCurrencyId,
    pub slug: String,
    pub name: String,
    /// `unit`, or the ISO 4217 code of the money that one credit is worth one unit of.
    pub denomination: String,
    /// How many decimals a credit has: amounts count its smallest part.
    pub minor_unit_scale: i64,
    /// The least that one top-up may cost, in the denomination's minor unit.
    #[schema(required = true)]
    pub top_up_min: Option<i64>,
    #[schema(required = true)]
    pub top_up_max: Option<i64>,
    /// The integrator's own notes; for a secret key alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = BTreeMap<String, String>, required = false)]
    pub metadata: Option<Value>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Time,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CreditPackage)]
pub struct CreditPackageResponse {
    #[schema(value_type = String)]
    pub id: CreditPackageId,
    #[schema(value_type = String)]
    pub credit_currency_id: CreditCurrencyId,
    pub name: String,
    /// In the credit currency's smallest unit.
    pub credits: i64,
    /// In the currency's minor unit.
    pub price: i64,
    #[schema(value_type = String)]
    pub currency: Currency,
    #[schema(required = true)]
    pub expires_after_days: Option<i64>,
    #[schema(value_type = CatalogStatus)]
    pub status: &'static str,
    /// The integrator's own notes; for a secret key alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = BTreeMap<String, String>, required = false)]
    pub metadata: Option<Value>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Time,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // Describes what `create_currency` reads.
pub struct CreateCreditCurrencyRequest {
    /// Lower-case letters, digits, hyphens and underscores; unique among credit currencies.
    #[schema(min_length = 1, max_length = 64)]
    slug: String,
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// `unit`, or an ISO 4217 code.
    denomination: String,
    /// Without it the decimals of the denomination; never less.
    #[schema(minimum = 0, maximum = 6, nullable = false)]
    minor_unit_scale: Option<i64>,
    #[schema(minimum = 1, nullable = false)]
    top_up_min: Option<i64>,
    #[schema(minimum = 1, nullable = false)]
    top_up_max: Option<i64>,
    #[schema(nullable = false)]
    metadata: Option<BTreeMap<String, String>>,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // Describes what `update_currency` reads.
pub struct UpdateCreditCurrencyRequest {
    #[schema(min_length = 1, max_length = 64, nullable = false)]
    slug: Option<String>,
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    name: Option<String>,
    /// `null` clears it.
    #[schema(minimum = 1)]
    top_up_min: Option<i64>,
    /// `null` clears it.
    #[schema(minimum = 1)]
    top_up_max: Option<i64>,
    /// Replaces the whole; `null` empties it.
    metadata: Option<BTreeMap<String, String>>,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // Describes what `create_package` reads.
pub struct CreateCreditPackageRequest {
    credit_currency_id: String,
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    #[schema(minimum = 1)]
    credits: i64,
    #[schema(minimum = 1)]
    price: i64,
    /// An ISO 4217 code.
    currency: String,
    #[schema(minimum = 1, maximum = 3650, nullable = false)]
    expires_after_days: Option<i64>,
    #[schema(nullable = false)]
    metadata: Option<BTreeMap<String, String>>,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // Describes what `update_package` reads.
pub struct UpdateCreditPackageRequest {
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    name: Option<String>,
    #[schema(minimum = 1, nullable = false)]
    credits: Option<i64>,
    #[schema(minimum = 1, nullable = false)]
    price: Option<i64>,
    /// `null` clears it.
    #[schema(minimum = 1, maximum = 3650)]
    expires_after_days: Option<i64>,
    #[schema(nullable = false)]
    status: Option<CatalogStatus>,
    /// Replaces the whole; `null` empties it.
    metadata: Option<BTreeMap<String, String>>,
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
            status: if self.archived { "archived" } else { "active" },
            metadata: super::metadata(&self.metadata, viewer),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

impl Fields {
    fn credit_currency(&mut self, patch: bool) -> CreditCurrencyChange {
        let amount = |fields: &mut Self, name: &str| fields.amount(name, 1);
        CreditCurrencyChange {
            slug: self.slug("slug"),
            name: self.text("name", NAME),
            top_up_min: self.optional(patch, "topUpMin", amount),
            top_up_max: self.optional(patch, "topUpMax", amount),
            metadata: self.notes(patch),
        }
    }

    fn credit_package(&mut self, patch: bool) -> CreditPackageChange {
        let days = |fields: &mut Self, name: &str| fields.integer(name, 1..=MAX_DAYS);
        CreditPackageChange {
            name: self.text("name", NAME),
            credits: self.amount("credits", 1),
            price: self.amount("price", 1),
            expires_after_days: self.optional(patch, "expiresAfterDays", days),
            archived: if patch { self.archived() } else { None },
            metadata: self.notes(patch),
        }
    }
}

/// Makes a credit currency. What a credit is worth never changes.
#[utoipa::path(post, path = "/v1/credit-currencies", tag = "catalog", operation_id = "createCreditCurrency",
    security(("secretKey" = ["catalog:write"])),
    params(("Idempotency-Key" = Option<String>, Header,)),
    request_body = CreateCreditCurrencyRequest,
    responses((status = 201, body = CreditCurrencyResponse)))]
pub async fn create_currency(
    State(app): State<Arc<App>>,
    caller: Writer,
    idempotency: IdempotencyKey,
    JsonBody { mut fields, raw }: JsonBody,
) -> Result<Response, Problem> {
    fields.required(&["slug", "name", "denomination"]);
    let (id, now) = (app.ids.credit_currency(), app.clock.now());
    let new = fields.credit_currency(false);
    let denomination: Option<Denomination> =
        fields.parsed("denomination", "\"unit\" or an ISO 4217 code");
    let scale = fields.integer("minorUnitScale", 0..=6);
    let currency = fields.made(|| {
        Some(CreditCurrency {
            id,
            slug: new.slug?,
            name: new.name?,
            denomination: denomination?,
            minor_unit_scale: scale.unwrap_or(denomination?.decimals()),
            top_up_min: new.top_up_min.flatten(),
            top_up_max: new.top_up_max.flatten(),
            metadata: new.metadata.unwrap_or_else(|| "{}".to_owned()),
            created_at: now,
            updated_at: now,
        })
    })?;
    super::create(&app, &caller, idempotency, &raw, currency).await
}

/// Lists credit currencies, newest first.
#[utoipa::path(get, path = "/v1/credit-currencies", tag = "catalog", operation_id = "listCreditCurrencies",
    security(("secretKey" = ["catalog:read"]), ("portalToken" = []), ("publishableKey" = [])),
    params(("slug" = Option<String>, Query,), ("limit" = Option<i64>, Query, minimum = 1, maximum = 100), ("cursor" = Option<String>, Query,)),
    responses((status = 200, body = ListResponse<CreditCurrencyResponse>)))]
pub async fn list_currencies(
    State(app): State<Arc<App>>,
    caller: CatalogCaller,
    uri: Uri,
) -> Result<Json<ListResponse<CreditCurrencyResponse>>, Problem> {
    super::list::<CreditCurrency>(&app, &caller, &uri, "credit-currencies", "slug").await
}

/// Reads a credit currency.
#[utoipa::path(get, path = "/v1/credit-currencies/{id}", tag = "catalog", operation_id = "getCreditCurrency",
    security(("secretKey" = ["catalog:read"]), ("portalToken" = []), ("publishableKey" = [])),
    params(("id" = String, Path,)),
    responses((status = 200, body = CreditCurrencyResponse)))]
pub async fn get_currency(
    State(app): State<Arc<App>>,
    caller: CatalogCaller,
    PathText(id): PathText,
) -> Result<Json<CreditCurrencyResponse>, Problem> {
    super::get::<CreditCurrency>(&app, &caller, &id).await
}

/// Changes a credit currency.
#[utoipa::path(patch, path = "/v1/credit-currencies/{id}", tag = "catalog", operation_id = "updateCreditCurrency",
    security(("secretKey" = ["catalog:write"])),
    params(("id" = String, Path,)),
    request_body = UpdateCreditCurrencyRequest,
    responses((status = 200, body = CreditCurrencyResponse)))]
pub async fn update_currency(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    JsonBody { mut fields, .. }: JsonBody,
) -> Result<Json<CreditCurrencyResponse>, Problem> {
    let change = fields.credit_currency(true);
    fields.finish()?;
    super::update::<CreditCurrency>(&app, &caller, &id, change).await
}

/// Makes a credit package.
#[utoipa::path(post, path = "/v1/credit-packages", tag = "catalog", operation_id = "createCreditPackage",
    security(("secretKey" = ["catalog:write"])),
    params(("Idempotency-Key" = Option<String>, Header,)),
    request_body = CreateCreditPackageRequest,
    responses((status = 201, body = CreditPackageResponse)))]
pub async fn create_package(
    State(app): State<Arc<App>>,
    caller: Writer,
    idempotency: IdempotencyKey,
    JsonBody { mut fields, raw }: JsonBody,
) -> Result<Response, Problem> {
    fields.required(&["creditCurrencyId", "name", "credits", "price", "currency"]);
    let (id, now) = (app.ids.credit_package(), app.clock.now());
    let new = fields.credit_package(false);
    let credit_currency_id = fields.parsed("creditCurrencyId", "the id of a credit currency");
    let currency = fields.currency("currency");
    let package = fields.made(|| {
        Some(CreditPackage {
            id,
            credit_currency_id: credit_currency_id?,
            name: new.name?,
            credits: new.credits?,
            price: new.price?,
            currency: currency?,
            expires_after_days: new.expires_after_days.flatten(),
            archived: false,
            metadata: new.metadata.unwrap_or_else(|| "{}".to_owned()),
            created_at: now,
            updated_at: now,
        })
    })?;
    super::create(&app, &caller, idempotency, &raw, package).await
}

/// Lists credit packages, newest first; a page sees those that can be bought.
#[utoipa::path(get, path = "/v1/credit-packages", tag = "catalog", operation_id = "listCreditPackages",
    security(("secretKey" = ["catalog:read"]), ("portalToken" = []), ("publishableKey" = [])),
    params(("creditCurrencyId" = Option<String>, Query,), ("limit" = Option<i64>, Query, minimum = 1, maximum = 100), ("cursor" = Option<String>, Query,)),
    responses((status = 200, body = ListResponse<CreditPackageResponse>)))]
pub async fn list_packages(
    State(app): State<Arc<App>>,
    caller: CatalogCaller,
    uri: Uri,
) -> Result<Json<ListResponse<CreditPackageResponse>>, Problem> {
    super::list::<CreditPackage>(&app, &caller, &uri, "credit-packages", "creditCurrencyId").await
}

/// Reads a credit package.
#[utoipa::path(get, path = "/v1/credit-packages/{id}", tag = "catalog", operation_id = "getCreditPackage",
    security(("secretKey" = ["catalog:read"]), ("portalToken" = []), ("publishableKey" = [])),
    params(("id" = String, Path,)),
    responses((status = 200, body = CreditPackageResponse)))]
pub async fn get_package(
    State(app): State<Arc<App>>,
    caller: CatalogCaller,
    PathText(id): PathText,
) -> Result<Json<CreditPackageResponse>, Problem> {
    super::get::<CreditPackage>(&app, &caller, &id).await
}

/// Changes a credit package. What was bought stays as it was.
#[utoipa::path(patch, path = "/v1/credit-packages/{id}", tag = "catalog", operation_id = "updateCreditPackage",
    security(("secretKey" = ["catalog:write"])),
    params(("id" = String, Path,)),
    request_body = UpdateCreditPackageRequest,
    responses((status = 200, body = CreditPackageResponse)))]
pub async fn update_package(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    JsonBody { mut fields, .. }: JsonBody,
) -> Result<Json<CreditPackageResponse>, Problem> {
    let change = fields.credit_package(true);
    fields.finish()?;
    super::update::<CreditPackage>(&app, &caller, &id, change).await
}
