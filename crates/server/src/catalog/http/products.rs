//! Products over HTTP.

use super::{CatalogStatus, DESCRIPTION, NAME, Shown, Viewer, Writer};
use crate::app::App;
use crate::auth::CatalogCaller;
use crate::base::{ProductId, Time};
use crate::catalog::{Product, ProductChange};
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

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Product)]
pub struct ProductResponse {
    #[schema(value_type = String)]
    pub id: ProductId,
    pub slug: String,
    pub name: String,
    #[schema(required = true)]
    pub description: Option<String>,
    /// A `data:` URI.
    #[schema(required = true)]
    pub image: Option<String>,
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
#[allow(dead_code)] // Describes what `create` reads.
pub struct CreateProductRequest {
    /// Lower-case letters, digits, hyphens and underscores; unique among products.
    #[schema(min_length = 1, max_length = 64)]
    slug: String,
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    #[schema(min_length = 1, max_length = 2000, nullable = false)]
    description: Option<String>,
    /// A `data:` URI in base64.
    #[schema(max_length = 32768, nullable = false)]
    image: Option<String>,
    #[schema(nullable = false)]
    metadata: Option<BTreeMap<String, String>>,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // Describes what `update` reads.
pub struct UpdateProductRequest {
    #[schema(min_length = 1, max_length = 64, nullable = false)]
    slug: Option<String>,
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    name: Option<String>,
    /// `null` clears it.
    #[schema(min_length = 1, max_length = 2000)]
    description: Option<String>,
    /// `null` clears it.
    #[schema(max_length = 32768)]
    image: Option<String>,
    #[schema(nullable = false)]
    status: Option<CatalogStatus>,
    /// Replaces the whole; `null` empties it.
    metadata: Option<BTreeMap<String, String>>,
}

impl Shown for Product {
    type Response = ProductResponse;

    fn show(&self, viewer: Viewer) -> ProductResponse {
        ProductResponse {
            id: self.id,
            slug: self.slug.clone(),
            name: self.name.clone(),
            description: self.description.clone(),
            image: self.image.clone(),
            status: if self.archived { "archived" } else { "active" },
            metadata: super::metadata(&self.metadata, viewer),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

impl Fields {
    fn product(&mut self, patch: bool) -> ProductChange {
        let description = |fields: &mut Self, name: &str| fields.text(name, DESCRIPTION);
        ProductChange {
            slug: self.slug("slug"),
            name: self.text("name", NAME),
            description: self.optional(patch, "description", description),
            image: self.optional(patch, "image", |fields, name| fields.image(name)),
            archived: if patch { self.archived() } else { None },
            metadata: self.notes(patch),
        }
    }

    /// Reads `metadata`.
    pub(super) fn notes(&mut self, patch: bool) -> Option<String> {
        if patch { self.clearable_metadata("metadata") } else { self.metadata("metadata") }
    }
}

/// Makes a product.
#[utoipa::path(post, path = "/v1/products", tag = "catalog", operation_id = "createProduct",
    security(("secretKey" = ["catalog:write"])),
    params(("Idempotency-Key" = Option<String>, Header,)),
    request_body = CreateProductRequest,
    responses((status = 201, body = ProductResponse)))]
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Writer,
    idempotency: IdempotencyKey,
    JsonBody { mut fields, raw }: JsonBody,
) -> Result<Response, Problem> {
    fields.required(&["slug", "name"]);
    let (id, now, new) = (app.ids.product(), app.clock.now(), fields.product(false));
    let product = fields.made(|| {
        Some(Product {
            id,
            slug: new.slug?,
            name: new.name?,
            description: new.description.flatten(),
            image: new.image.flatten(),
            archived: false,
            metadata: new.metadata.unwrap_or_else(|| "{}".to_owned()),
            created_at: now,
            updated_at: now,
        })
    })?;
    super::create(&app, &caller, idempotency, &raw, product).await
}

/// Lists products, newest first; a page sees the active ones and those its customer has.
#[utoipa::path(get, path = "/v1/products", tag = "catalog", operation_id = "listProducts",
    security(("secretKey" = ["catalog:read"]), ("portalToken" = []), ("publishableKey" = [])),
    params(("slug" = Option<String>, Query,), ("limit" = Option<i64>, Query, minimum = 1, maximum = 100), ("cursor" = Option<String>, Query,)),
    responses((status = 200, body = ListResponse<ProductResponse>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: CatalogCaller,
    uri: Uri,
) -> Result<Json<ListResponse<ProductResponse>>, Problem> {
    super::list::<Product>(&app, &caller, &uri, "products", "slug").await
}

/// Reads a product.
#[utoipa::path(get, path = "/v1/products/{id}", tag = "catalog", operation_id = "getProduct",
    security(("secretKey" = ["catalog:read"]), ("portalToken" = []), ("publishableKey" = [])),
    params(("id" = String, Path,)),
    responses((status = 200, body = ProductResponse)))]
pub async fn get(
    State(app): State<Arc<App>>,
    caller: CatalogCaller,
    PathText(id): PathText,
) -> Result<Json<ProductResponse>, Problem> {
    super::get::<Product>(&app, &caller, &id).await
}

/// Changes a product.
#[utoipa::path(patch, path = "/v1/products/{id}", tag = "catalog", operation_id = "updateProduct",
    security(("secretKey" = ["catalog:write"])),
    params(("id" = String, Path,)),
    request_body = UpdateProductRequest,
    responses((status = 200, body = ProductResponse)))]
pub async fn update(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    JsonBody { mut fields, .. }: JsonBody,
) -> Result<Json<ProductResponse>, Problem> {
    let change = fields.product(true);
    fields.finish()?;
    super::update::<Product>(&app, &caller, &id, change).await
}
