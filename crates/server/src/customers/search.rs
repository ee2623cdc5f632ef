//! The list of customers and its filters.
//!
//! Ids, e-mail addresses and the status are looked up in the store. Names and metadata have no index:
//! a page looks at a bounded number of customers, and its cursor continues where it stopped.

use super::billing::BillingProfile;
use super::{Customer, sql};
use crate::base::page::{Cursor, Direction};
use crate::base::{Page, PageQuery};
use crate::db::{DbError, Tx};
use crate::organizations::Tenant;
use serde_json::Value;

/// The number of customers that a search reads at once.
const CHUNK: usize = 500;
/// The number of chunks that a page of a search looks at.
const CHUNKS: usize = 10;

/// The customers that a list shows. An absent part accepts all.
#[derive(Debug, Default)]
pub struct CustomerSearch {
    pub archived: Option<bool>,
    pub email: Option<String>,
    /// Words, each of which is part of the name, the e-mail address or the external id.
    pub search: Option<String>,
    /// A key and its value.
    pub metadata: Option<(String, String)>,
}

impl CustomerSearch {
    const fn is_search(&self) -> bool {
        self.search.is_some() || self.metadata.is_some()
    }

    /// Whether the list shows a customer.
    pub fn accepts(&self, customer: &Customer) -> bool {
        let is_archived = customer.archived_at.is_some();
        self.archived.is_none_or(|archived| archived == is_archived)
            && self.email.as_ref().is_none_or(|email| customer.email.eq_ignore_ascii_case(email))
            && self.search.as_ref().is_none_or(|search| has_words(customer, search))
            && self.metadata.as_ref().is_none_or(|(key, value)| has_metadata(customer, key, value))
    }
}

fn has_words(customer: &Customer, search: &str) -> bool {
    let id = customer.external_id.as_deref().unwrap_or_default();
    let texts = [&customer.name, &customer.email, id].map(str::to_lowercase);
    let is_found = |word: &str| texts.iter().any(|text| text.contains(word));
    search.to_lowercase().split_whitespace().all(is_found)
}

fn has_metadata(customer: &Customer, key: &str, value: &str) -> bool {
    let metadata: Option<Value> = serde_json::from_str(&customer.metadata).ok();
    metadata.is_some_and(|metadata| metadata[key] == value)
}

/// Returns a page of the customers that a filter accepts. The page of a search may have fewer customers
/// than asked for, or none, although more follow.
pub async fn page(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    filter: &CustomerSearch,
    query: &PageQuery,
) -> Result<Page<(Customer, BillingProfile)>, DbError> {
    let id = |(customer, _): &(Customer, BillingProfile)| customer.id.to_string();
    let (.., is_newer) = query.bounds();
    let mut chunk = query.clone();
    if filter.is_search() {
        chunk.limit = CHUNK;
    }
    let mut found = Vec::new();
    for remaining in (0..CHUNKS).rev() {
        let rows = sql::page(tx, tenant, filter, &chunk).await?;
        let is_end = rows.len() <= chunk.limit;
        let last = rows.last().map(id);
        found.extend(rows.into_iter().filter(|(customer, _)| filter.accepts(customer)));
        match last {
            Some(last) if !is_end && found.len() <= query.limit => {
                if remaining == 0 {
                    return Ok(query.page_up_to(found, id, last));
                }
                let direction = if is_newer { Direction::Newer } else { Direction::Older };
                chunk.cursor = Some(Cursor { direction, id: last });
            }
            Some(_) | None => break,
        }
    }
    Ok(query.page(found, id))
}
