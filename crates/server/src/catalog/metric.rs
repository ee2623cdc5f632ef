//! Billable metrics: what events of a name add up to. How one adds up never changes,
//! because aggregates are kept as events come in.

use super::{CatalogError, Entry};
use crate::audit::Action;
use crate::base::changes::changes;
use crate::base::words::words;
use crate::base::{MetricId, ProductId, Time};
use crate::db::{FromRow, ToRow, Tx};
use crate::organizations::Tenant;

#[derive(Clone, Debug, PartialEq, Eq, FromRow, ToRow)]
pub struct Metric {
    #[record(insert_only)]
    pub id: MetricId,
    pub product_id: ProductId,
    pub event_name: String,
    pub name: String,
    pub aggregation: Aggregation,
    /// The property of an event that is aggregated; without one it is the quantity.
    pub property: Option<String>,
    /// A JSON object of texts.
    pub metadata: String,
    pub created_at: Time,
    pub updated_at: Time,
}

words! {
    Aggregation as MetricAggregation {
        Sum = "sum",
        /// How many events there were.
        Count = "count",
        Max = "max",
        /// How many values of the property there were.
        Unique = "unique",
    }
}

/// What a PATCH sets; `None` leaves a part as it is.
#[derive(Clone, Debug, Default)]
pub struct MetricChange {
    pub name: Option<String>,
    pub metadata: Option<String>,
}

impl Entry for Metric {
    type Change = MetricChange;
    const CREATED: Action = Action::MetricCreated;
    const UPDATED: Action = Action::MetricUpdated;

    fn apply(&mut self, change: &MetricChange) -> Result<Vec<&'static str>, CatalogError> {
        Ok(changes!(self, change, { name "name", metadata "metadata", }))
    }

    async fn check(&self, tx: &mut Tx<'_, '_>, tenant: &Tenant) -> Result<(), CatalogError> {
        super::check_product(tx, tenant, self.product_id).await?;
        match (self.aggregation, &self.property) {
            (Aggregation::Unique, None) => {
                Err(CatalogError::unfit("property", "is required where unique values are counted"))
            }
            (Aggregation::Count, Some(_)) => {
                Err(CatalogError::unfit("property", "is not needed where events are counted"))
            }
            (Aggregation::Sum | Aggregation::Max, _)
            | (Aggregation::Unique, Some(_))
            | (Aggregation::Count, None) => Ok(()),
        }
    }

    fn id(&self) -> MetricId {
        self.id
    }

    fn updated(&mut self, at: Time) {
        self.updated_at = at;
    }
}
