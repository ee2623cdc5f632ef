//! HTTP handlers of products.

use super::{BySlug, LongText, Name, Shown, Writer, no_metadata};
use crate::app::App;
use crate::auth::CatalogCaller;
use crate::base::{ProductId, Time, Viewer};
use crate::catalog::{CatalogStatus, Product, ProductChange};
use crate::http::leaves::{Image, Metadata, Slug};
use crate::http::page::{ListQuery, ListResponse};
use crate::http::wire::Request;
use crate::http::{Body, IdempotencyKey, Json, PathText, Problem};
use axum::extract::State;
use axum::response::Response;
use serde_json::Value;
use std::sync::Arc;
use unitpay_request::response;

#[response]
#[schema(as = Product)]
pub struct ProductResponse {
    pub id: ProductId,
    pub slug: String,
    pub name: String,
    pub description: Option<String>,
    /// A `data:` URI.
    pub image: Option<String>,
    pub status: CatalogStatus,
    /// The integrator's metadata. Only for secret keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    pub created_at: Time,
    pub updated_at: Time,
}

#[derive(Debug, Request)]
pub struct CreateProductRequest {
    /// Lower-case letters, digits, hyphens and underscores. Unique among products.
    #[request(with = Slug)]
    slug: String,
    #[request(with = Name)]
    name: String,
    #[request(with = LongText)]
    description: Option<String>,
    /// A `data:` URI in base64.
    #[request(with = Image)]
    image: Option<String>,
    #[request(with = Metadata, default = no_metadata())]
    metadata: String,
}

#[derive(Debug, Request)]
#[request(patch)]
pub struct UpdateProductRequest {
    #[request(with = Slug)]
    slug: Option<String>,
    #[request(with = Name)]
    name: Option<String>,
    /// `null` clears it.
    #[request(with = LongText)]
    description: Option<Option<String>>,
    /// `null` clears it.
    #[request(with = Image)]
    image: Option<Option<String>>,
    status: Option<CatalogStatus>,
    /// Replaces all of it; `null` empties it.
    #[request(with = Metadata)]
    metadata: Option<String>,
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
            status: CatalogStatus::new(self.archived),
            metadata: super::metadata(&self.metadata, viewer),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

/// Creates a product.
#[utoipa::path(post, path = "/v1/products", tag = "catalog", operation_id = "createProduct",
    responses((status = 201, body = ProductResponse)))]
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Writer,
    idempotency: IdempotencyKey,
    body: Body<CreateProductRequest>,
) -> Result<Response, Problem> {
    let (new, raw) = body.read()?;
    let now = app.clock.now();
    let product = Product {
        id: app.ids.product(),
        slug: new.slug,
        name: new.name,
        description: new.description,
        image: new.image,
        archived: false,
        metadata: new.metadata,
        created_at: now,
        updated_at: now,
    };
    super::create(&app, &caller, idempotency, &raw, product).await
}

/// Lists products, newest first. A page sees active products and those of its customer.
#[utoipa::path(get, path = "/v1/products", tag = "catalog", operation_id = "listProducts",
    responses((status = 200, body = ListResponse<ProductResponse>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: CatalogCaller,
    query: ListQuery<BySlug>,
) -> Result<Json<ListResponse<ProductResponse>>, Problem> {
    super::list::<Product, BySlug>(&app, &caller, query, "products").await
}

/// Returns a product.
#[utoipa::path(get, path = "/v1/products/{id}", tag = "catalog", operation_id = "getProduct",
    responses((status = 200, body = ProductResponse)))]
pub async fn get(
    State(app): State<Arc<App>>,
    caller: CatalogCaller,
    PathText(id): PathText,
) -> Result<Json<ProductResponse>, Problem> {
    super::get::<Product>(&app, &caller, &id).await
}

/// Updates a product.
#[utoipa::path(patch, path = "/v1/products/{id}", tag = "catalog", operation_id = "updateProduct",
    responses((status = 200, body = ProductResponse)))]
pub async fn update(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    body: Body<UpdateProductRequest>,
) -> Result<Json<ProductResponse>, Problem> {
    let (new, _) = body.read()?;
    let change = ProductChange {
        slug: new.slug,
        name: new.name,
        description: new.description,
        image: new.image,
        archived: new.status.map(CatalogStatus::is_archived),
        metadata: new.metadata,
    };
    super::update::<Product>(&app, &caller, &id, change).await
}
