//! Products, to which plans belong. A customer has at most one live subscription per product.

use super::{CatalogError, Entry};
use crate::audit::Action;
use crate::base::changes::changes;
use crate::base::{ProductId, Time};
use crate::db::{FromRow, ToRow, Tx};
use crate::organizations::Tenant;

#[derive(Clone, Debug, PartialEq, Eq, FromRow, ToRow)]
pub struct Product {
    #[record(insert_only)]
    pub id: ProductId,
    pub slug: String,
    pub name: String,
    pub description: Option<String>,
    /// A `data:` URI.
    pub image: Option<String>,
    pub archived: bool,
    /// A JSON object of strings.
    pub metadata: String,
    pub created_at: Time,
    pub updated_at: Time,
}

/// The fields of a PATCH; `None` leaves a field unchanged.
#[derive(Clone, Debug, Default)]
pub struct ProductChange {
    pub slug: Option<String>,
    pub name: Option<String>,
    pub description: Option<Option<String>>,
    pub image: Option<Option<String>>,
    pub archived: Option<bool>,
    pub metadata: Option<String>,
}

impl Entry for Product {
    type Change = ProductChange;
    const CREATED: Action = Action::ProductCreated;
    const UPDATED: Action = Action::ProductUpdated;

    fn apply(&mut self, change: &ProductChange) -> Result<Vec<&'static str>, CatalogError> {
        Ok(changes!(self, change, {
            slug "slug", name "name", description "description", image "image",
            archived "status", metadata "metadata",
        }))
    }

    async fn check(&self, tx: &mut Tx<'_, '_>, tenant: &Tenant) -> Result<(), CatalogError> {
        super::check_slug(tx, tenant, &Self::BY_SLUG, &self.slug, self).await
    }

    fn id(&self) -> ProductId {
        self.id
    }

    fn updated(&mut self, at: Time) {
        self.updated_at = at;
    }
}
