//! Features: named by the slug that application code checks.

use super::{CatalogError, Entry};
use crate::audit::Action;
use crate::base::changes::changes;
use crate::base::words::words;
use crate::base::{CreditCurrencyId, Decimal, FeatureId, MetricId, ProductId, Time};
use crate::db::{FromRow, ToRow, Tx};
use crate::organizations::Tenant;

#[derive(Clone, Debug, PartialEq, Eq, FromRow, ToRow)]
pub struct Feature {
    #[record(insert_only)]
    pub id: FeatureId,
    pub product_id: ProductId,
    pub slug: String,
    pub name: String,
    #[record(prefix = "")]
    pub kind: FeatureKind,
    /// A JSON object of strings.
    pub metadata: String,
    pub created_at: Time,
    pub updated_at: Time,
}

/// The type of a feature, with the data that it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureKind {
    Boolean,
    /// A number of units of a metric per usage period.
    Metered {
        metric_id: MetricId,
    },
    /// Each unit of the metric costs credits, in the credit currency's smallest unit.
    Credit {
        metric_id: MetricId,
        credit_currency_id: CreditCurrencyId,
        credit_cost: Decimal,
    },
    Config,
    Enum,
}

words! {
    FeatureType {
        Boolean = "boolean",
        Metered = "metered",
        Credit = "credit",
        Config = "config",
        Enum = "enum",
    }
}

impl FeatureKind {
    pub const fn r#type(self) -> FeatureType {
        match self {
            Self::Boolean => FeatureType::Boolean,
            Self::Metered { .. } => FeatureType::Metered,
            Self::Credit { .. } => FeatureType::Credit,
            Self::Config => FeatureType::Config,
            Self::Enum => FeatureType::Enum,
        }
    }

    pub const fn metric_id(self) -> Option<MetricId> {
        match self {
            Self::Metered { metric_id } | Self::Credit { metric_id, .. } => Some(metric_id),
            Self::Boolean | Self::Config | Self::Enum => None,
        }
    }

    /// Returns the credit currency and the cost per unit.
    pub const fn credit(self) -> Option<(CreditCurrencyId, Decimal)> {
        match self {
            Self::Credit { credit_currency_id, credit_cost, .. } => {
                Some((credit_currency_id, credit_cost))
            }
            Self::Boolean | Self::Metered { .. } | Self::Config | Self::Enum => None,
        }
    }

    /// Builds the type from these parts; `None` if it needs other parts.
    pub const fn new(
        r#type: FeatureType,
        metric_id: Option<MetricId>,
        credit: Option<(CreditCurrencyId, Decimal)>,
    ) -> Option<Self> {
        match (r#type, metric_id, credit) {
            (FeatureType::Boolean, None, None) => Some(Self::Boolean),
            (FeatureType::Metered, Some(metric_id), None) => Some(Self::Metered { metric_id }),
            (FeatureType::Credit, Some(metric_id), Some((credit_currency_id, credit_cost))) => {
                Some(Self::Credit { metric_id, credit_currency_id, credit_cost })
            }
            (FeatureType::Config, None, None) => Some(Self::Config),
            (FeatureType::Enum, None, None) => Some(Self::Enum),
            (
                FeatureType::Boolean
                | FeatureType::Metered
                | FeatureType::Credit
                | FeatureType::Config
                | FeatureType::Enum,
                _,
                _,
            ) => None,
        }
    }
}

/// The fields of a PATCH; `None` leaves a field unchanged.
#[derive(Clone, Debug, Default)]
pub struct FeatureChange {
    pub slug: Option<String>,
    pub name: Option<String>,
    pub credit_cost: Option<Decimal>,
    pub metadata: Option<String>,
}

impl Entry for Feature {
    type Change = FeatureChange;
    const CREATED: Action = Action::FeatureCreated;
    const UPDATED: Action = Action::FeatureUpdated;

    fn apply(&mut self, change: &FeatureChange) -> Result<Vec<&'static str>, CatalogError> {
        let mut changed =
            changes!(self, change, { slug "slug", name "name", metadata "metadata", });
        match (&mut self.kind, change.credit_cost) {
            (_, None) => {}
            (FeatureKind::Credit { credit_cost, .. }, Some(cost)) => {
                if std::mem::replace(credit_cost, cost) != cost {
                    changed.push("creditCost");
                }
            }
            (
                FeatureKind::Boolean
                | FeatureKind::Metered { .. }
                | FeatureKind::Config
                | FeatureKind::Enum,
                Some(_),
            ) => {
                return Err(CatalogError::unfit("creditCost", "is for features of type credit"));
            }
        }
        Ok(changed)
    }

    async fn check(&self, tx: &mut Tx<'_, '_>, tenant: &Tenant) -> Result<(), CatalogError> {
        super::check_product(tx, tenant, self.product_id).await?;
        super::check_slug(tx, tenant, &Self::BY_SLUG, &self.slug, self).await?;
        if let Some(metric) = self.kind.metric_id() {
            super::check_metric(tx, tenant, metric, self.product_id, "metricId").await?;
        }
        if let Some((currency, _)) = self.kind.credit() {
            super::check_credit_currency(tx, tenant, currency, "creditCurrencyId").await?;
        }
        Ok(())
    }

    fn id(&self) -> FeatureId {
        self.id
    }

    fn updated(&mut self, at: Time) {
        self.updated_at = at;
    }
}
