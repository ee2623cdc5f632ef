//! HTTP handlers of the catalog. A backend reads and writes all of it. Pages read the public part,
//! with a portal token or a publishable key, and never get metadata.

pub mod coupons;
pub mod credits;
pub mod features;
pub mod metrics;
pub mod plans;
pub mod pricing;
pub mod products;

use super::{Entry, sql};
use crate::app::App;
use crate::auth::{CatalogCaller, SecretKey};
use crate::base::Viewer;
use crate::catalog::CatalogError;
use crate::db::{Lane, Tx};
use crate::http::leaves::{self, ShortText, Text};
use crate::http::page::{ListQuery, ListResponse, path_id};
use crate::http::wire::Request;
use crate::http::{Code, IdempotencyKey, Json, ParamError, Problem};
use crate::idempotency::Outcome;
use crate::keys::KeyScopes;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use std::fmt::Debug;
use std::str::FromStr;
use utoipa::ToSchema;

type Writer = SecretKey<{ KeyScopes::CATALOG_WRITE }>;

type Name = leaves::Name<200>;
type LongText = Text<1, 2_000>;

/// The filter of a list by product.
#[derive(Debug, Request)]
pub struct OfProduct {
    #[request(with = ShortText<100>)]
    product_id: Option<String>,
}

/// The filter of a list by slug.
#[derive(Debug, Request)]
pub struct BySlug {
    #[request(with = ShortText<100>)]
    slug: Option<String>,
}

/// The one filter of a list in the catalog.
trait Filter: Request + Debug {
    fn into_text(self) -> Option<String>;
}

impl Filter for OfProduct {
    fn into_text(self) -> Option<String> {
        self.product_id
    }
}

impl Filter for BySlug {
    fn into_text(self) -> Option<String> {
        self.slug
    }
}

/// The notes of a new object, which has none unless the request has some.
fn no_metadata() -> String {
    "{}".to_owned()
}

/// Conversion of a catalog object to its response.
trait Shown: Entry<Id: FromStr> {
    type Response: Serialize + ToSchema + Send;

    fn show(&self, viewer: Viewer) -> Self::Response;
}

async fn create<T: Shown>(
    app: &App,
    caller: &Writer,
    idempotency: IdempotencyKey,
    raw: &[u8],
    new: T,
) -> Result<Response, Problem> {
    let (tenant, author) = (caller.tenant(), app.author(caller.actor()));
    let idempotency = idempotency.bind(caller.id(), raw, author.now);
    let body = serde_json::to_value(new.show(Viewer::Backend)).map_err(Problem::internal)?;
    let written = app.once(idempotency, async move |tx: &mut Tx<'_, '_>| {
        super::create(tx, &tenant, &new, &author).await?;
        Ok::<_, Problem>(body.clone())
    });
    Ok(Outcome::from(written.await?).into_response())
}

async fn update<T: Shown>(
    app: &App,
    caller: &Writer,
    id: &str,
    change: T::Change,
) -> Result<Json<T::Response>, Problem> {
    let id = path_id::<T::Id>(id)?;
    let (tenant, author) = (caller.tenant(), app.author(caller.actor()));
    let changed = app
        .db
        .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            super::update::<T>(tx, &tenant, id, &change, &author).await
        })
        .await?;
    let object = changed.ok_or_else(Problem::not_found)?;
    Ok(Json(StatusCode::OK, object.show(Viewer::Backend)))
}

async fn get<T: Shown>(
    app: &App,
    caller: &CatalogCaller,
    id: &str,
) -> Result<Json<T::Response>, Problem> {
    let (tenant, viewer, id) = (caller.tenant(), caller.viewer(), path_id::<T::Id>(id)?);
    let found: Option<T> = sql::get(&mut app.db.read().await?, &tenant, viewer, id).await?;
    Ok(Json(StatusCode::OK, found.ok_or_else(Problem::not_found)?.show(viewer)))
}

/// Returns a page of a list, which the query may filter by one field.
async fn list<T: Shown, F: Filter>(
    app: &App,
    caller: &CatalogCaller,
    query: ListQuery<F>,
    name: &str,
) -> Result<Json<ListResponse<T::Response>>, Problem> {
    let (tenant, viewer) = (caller.tenant(), caller.viewer());
    let (filter, page) = query.read(&tenant, name)?;
    let filter = filter.into_text();
    let rows = &mut app.db.read().await?;
    let rows: Vec<T> = sql::page(rows, &tenant, viewer, filter.as_deref(), &page).await?;
    let page = page.page(rows, |object| object.id().to_string());
    Ok(Json(StatusCode::OK, page.map(|object| object.show(viewer)).into()))
}

/// Returns the metadata if the caller is a backend.
fn metadata(text: &str, viewer: Viewer) -> Option<Value> {
    match viewer {
        Viewer::Backend => Some(serde_json::from_str(text).unwrap_or_default()),
        Viewer::Customer(_) | Viewer::Invoice(..) | Viewer::Public => None,
    }
}

impl From<CatalogError> for Problem {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Db(error) => error.into(),
            CatalogError::SlugTaken => Self::new(Code::Conflict, "Another object has this slug."),
            CatalogError::CodeTaken => {
                Self::new(Code::Conflict, "Another promotion code has this text.")
            }
            CatalogError::PlanImmutable => Self::new(
                Code::PlanImmutable,
                "Charges, grant rules and trial are immutable once the plan is no longer a draft.",
            ),
            CatalogError::InvalidTiers(param) => {
                let message = "must ascend by upTo, and end with null";
                let errors = vec![ParamError { param, message: message.to_owned() }];
                Self { errors, ..Self::new(Code::InvalidTiers, "The tiers are invalid.") }
            }
            CatalogError::Unfit { param, message } => Self::invalid_param(&param, message),
        }
    }
}
