//! Products: what plans are plans of. A customer has one live subscription of each at most.

use crate::base::{ProductId, Time};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    pub id: ProductId,
    pub slug: String,
    pub name: String,
    pub description: Option<String>,
    /// A `data:` URI.
    pub image: Option<String>,
    pub archived: bool,
    /// A JSON object of texts.
    pub metadata: String,
    pub created_at: Time,
    pub updated_at: Time,
}
