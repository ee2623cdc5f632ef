//! Billable metrics: the aggregation of events with one name. The aggregation never changes,
//! because aggregates are updated as events arrive.

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
    /// The event property that is aggregated. `None` aggregates the quantity.
    pub property: Option<String>,
    /// A JSON object of strings.
    pub metadata: String,
    pub created_at: Time,
    pub updated_at: Time,
}

words! {
    Aggregation as MetricAggregation {
        Sum = "sum",
        /// The number of events.
        Count = "count",
        Max = "max",
        /// The number of distinct values of the property.
        Unique = "unique",
    }
}

/// The fields of a PATCH; `None` leaves a field unchanged.
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
                Err(CatalogError::unfit("property", "is required when unique values are counted"))
            }
            (Aggregation::Count, Some(_)) => {
                Err(CatalogError::unfit("property", "is not allowed when events are counted"))
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
