//! Billable metrics: what events of a name add up to. How one adds up never changes, because
//! aggregates are kept as events come in.

use crate::base::{MetricId, ProductId, Time};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregation {
    Sum,
    /// How many events there were.
    Count,
    Max,
    /// How many values of the property there were.
    Unique,
}

impl Aggregation {
    pub const ALL: [Self; 4] = [Self::Sum, Self::Count, Self::Max, Self::Unique];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Count => "count",
            Self::Max => "max",
            Self::Unique => "unique",
        }
    }
}
