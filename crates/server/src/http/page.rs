//! Pagination over HTTP: `limit`, `cursor` and filters in the query, and the page envelope.

use super::wire::Request;
use super::{Fields, Problem};
use crate::app::App;
use crate::base::{Cursor, Page, PageQuery, page};
use crate::organizations::Tenant;
use axum::extract::FromRequestParts;
use http::Uri;
use http::request::Parts;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;
use unitpay_request::response;
use utoipa::ToSchema;

/// A page of a list, newest first.
#[response]
pub struct ListResponse<T: ToSchema> {
    pub data: Vec<T>,
    /// Whether older rows follow.
    pub has_more: bool,
    pub next_cursor: Option<String>,
    pub prev_cursor: Option<String>,
}

impl<T: ToSchema> From<Page<T>> for ListResponse<T> {
    fn from(page: Page<T>) -> Self {
        let Page { data, has_more, next_cursor, prev_cursor } = page;
        Self { data, has_more, next_cursor, prev_cursor }
    }
}

/// Returns the fields of a URL's query.
pub fn query(uri: &Uri) -> Result<Fields, Problem> {
    Fields::from_pairs(uri.query().unwrap_or_default().as_bytes())
}

impl Fields {
    /// Reads `limit` and `cursor`. `list` identifies the list and its filters, so that a cursor of
    /// another one is refused.
    pub fn page(&mut self, tenant: &Tenant, list: &str) -> PageQuery {
        let limit = match self.text("limit", 0..=20) {
            None => page::DEFAULT_LIMIT,
            Some(text) => {
                let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
                let limit =
                    text.parse().ok().filter(|n| digits && (1..=page::MAX_LIMIT).contains(n));
                if limit.is_none() {
                    self.wrong(
                        "limit",
                        format!("must be an integer from 1 to {}", page::MAX_LIMIT),
                    );
                }
                limit.unwrap_or(page::DEFAULT_LIMIT)
            }
        };
        let list = format!("{} {list}", tenant.no);
        let cursor = self.text("cursor", 0..=400).and_then(|text| {
            let cursor = Cursor::decode(&text, &list);
            if cursor.is_none() {
                self.wrong("cursor", "is not a cursor of this list");
            }
            cursor
        });
        PageQuery { limit, cursor, list }
    }
}

/// A query that `T` declares.
#[derive(Debug)]
pub struct Query<T> {
    fields: Fields,
    declared: PhantomData<fn() -> T>,
}

/// The query of a list, whose filters `T` declares; `limit` and `cursor` stand beside them.
#[derive(Debug)]
pub struct ListQuery<T>(Query<T>);

/// The `limit` and `cursor` of a list whose filters were read.
#[derive(Debug)]
pub struct Paging(Fields);

/// No filters.
#[derive(Debug, Request)]
pub struct Unfiltered {}

impl<T: Request> Query<T> {
    pub fn read(mut self) -> Result<T, Problem> {
        let declared = T::read(&mut self.fields);
        self.fields.build(|| declared)
    }
}

impl<T: Request + Debug> ListQuery<T> {
    /// Reads filters and page. A cursor belongs to one list: its name with its filters.
    pub fn read(self, tenant: &Tenant, name: &str) -> Result<(T, PageQuery), Problem> {
        let mut fields = self.0.fields;
        let filters = T::read(&mut fields);
        let page = fields.page(tenant, &format!("{name} {filters:?}"));
        Ok((fields.build(|| filters)?, page))
    }

    /// Reads the filters first, for a list whose name depends on them.
    pub fn begin(self) -> Result<(T, Paging), Problem> {
        let mut fields = self.0.fields;
        match T::read(&mut fields) {
            Some(filters) => Ok((filters, Paging(fields))),
            None => {
                fields.take("limit");
                fields.take("cursor");
                Err(fields.refusal())
            }
        }
    }
}

impl Paging {
    pub fn read(mut self, tenant: &Tenant, list: &str) -> Result<PageQuery, Problem> {
        let page = self.0.page(tenant, list);
        self.0.finish()?;
        Ok(page)
    }
}

impl<T> FromRequestParts<Arc<App>> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Problem> {
        Ok(Self { fields: query(&parts.uri)?, declared: PhantomData })
    }
}

impl<T> FromRequestParts<Arc<App>> for ListQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        Query::from_request_parts(parts, app).await.map(Self)
    }
}

/// Reads an object's id from the path. A malformed id is a missing object.
pub fn path_id<T: std::str::FromStr>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}
