//! Lists over HTTP: the query's `limit`, `cursor` and filters, and the envelope of a page.

use super::{Fields, Problem};
use crate::base::{Cursor, Page, PageQuery, page};
use crate::organizations::Tenant;
use http::Uri;
use serde::Serialize;
use utoipa::ToSchema;

/// A page of a list, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListResponse<T: ToSchema> {
    pub data: Vec<T>,
    /// Whether older rows follow.
    pub has_more: bool,
    #[schema(required = true)]
    pub next_cursor: Option<String>,
    #[schema(required = true)]
    pub prev_cursor: Option<String>,
}

impl<T: ToSchema> From<Page<T>> for ListResponse<T> {
    fn from(page: Page<T>) -> Self {
        let Page { data, has_more, next_cursor, prev_cursor } = page;
        Self { data, has_more, next_cursor, prev_cursor }
    }
}

/// The fields of a URL's query.
pub fn query(uri: &Uri) -> Result<Fields, Problem> {
    Fields::from_pairs(uri.query().unwrap_or_default().as_bytes())
}

impl Fields {
    /// Reads `limit` and `cursor`. `list` names the list and its filters: a cursor of another one
    /// is refused.
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

/// An object's id from a path: one that is not well-formed names nothing.
pub fn path_id<T: std::str::FromStr>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}
