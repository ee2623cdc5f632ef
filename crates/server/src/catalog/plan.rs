//! Plans: charges, entitlements and credit grants of a subscription. Charges are immutable once the
//! plan can be chosen. Entitlements may change and take effect immediately.

use super::{CatalogError, Entry, Feature, FeatureType};
use crate::audit::Action;
use crate::base::changes::changes;
use crate::base::money::sum;
use crate::base::words::words;
use crate::base::{
    CreditCurrencyId, Currency, Decimal, FeatureId, MetricId, PlanId, ProductId, Time,
};
use crate::db::{FromRow, ToRow, Tx};
use crate::organizations::Tenant;
use serde::{Deserialize, Serialize};
use unitpay_request::response;
use utoipa::ToSchema;

#[derive(Clone, Debug, PartialEq, Eq, FromRow, ToRow)]
pub struct Plan {
    #[record(insert_only)]
    pub id: PlanId,
    pub product_id: ProductId,
    pub slug: String,
    pub name: String,
    pub description: Option<String>,
    pub tier: i64,
    pub status: PlanStatus,
    pub is_public: bool,
    pub billing_interval: Interval,
    pub currency: Currency,
    pub trial_days: i64,
    /// Whether a customer who is charged automatically needs a payment method to start, even if there
    /// is nothing to pay yet.
    pub require_payment_method: bool,
    pub charges: Vec<Charge>,
    pub entitlements: Vec<Entitlement>,
    pub grant_rules: Vec<GrantRule>,
    /// A JSON object of strings.
    pub metadata: String,
    pub created_at: Time,
    pub updated_at: Time,
}

words! {
    PlanStatus {
        Draft = "draft",
        /// Can be chosen. Its charges are immutable.
        Active = "active",
        /// Renews, but cannot be chosen.
        Archived = "archived",
    }
}

words! {
    Interval as BillingInterval {
        Month = "month",
        Year = "year",
    }
}

/// A charge of a plan, in the form in which it is stored and returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Charge {
    /// Billed in advance each period, multiplied by the quantity if `per_unit`.
    #[serde(rename_all = "camelCase")]
    Recurring {
        #[schema(minimum = 0)]
        amount: i64,
        #[serde(default)]
        per_unit: bool,
    },
    /// Billed in arrears each month, by graduated tiers.
    #[serde(rename_all = "camelCase")]
    Usage {
        #[schema(value_type = String)]
        metric_id: MetricId,
        /// A decimal number of free units.
        #[schema(value_type = String)]
        included_units: Decimal,
        tiers: Vec<Tier>,
    },
    /// Billed once, with the first period.
    OneOff {
        #[schema(minimum = 0)]
        amount: i64,
    },
}

/// The price of units up to a bound, counted after the included units. `None` has no upper bound.
#[response]
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Tier {
    pub up_to: Option<i64>,
    /// The price of one unit in minor units: a decimal with at most twelve fraction digits.
    pub unit_price: Decimal,
}

/// An entitlement of a plan, in the form in which it is stored and returned.
#[response]
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Entitlement {
    pub feature_id: FeatureId,
    #[serde(flatten)]
    pub value: EntitlementValue,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EntitlementValue {
    Boolean,
    /// Units per usage period; `None` is unlimited.
    Metered {
        #[schema(required = true)]
        limit: Option<i64>,
    },
    Credit,
    Config {
        value: String,
    },
    Enum {
        values: Vec<String>,
    },
}

/// A credit grant of a plan, in the form in which it is stored and returned.
#[response]
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct GrantRule {
    pub credit_currency_id: CreditCurrencyId,
    pub amount: i64,
    pub cadence: Cadence,
    /// The most of a window's rest that stays for one more window.
    pub rollover_cap: i64,
    /// When the credits of a window come. Absent: `payment` for a plan that costs something and is
    /// charged automatically, else `start`. Daily credits come at the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub grant_on: Option<GrantOn>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantOn {
    /// With the start of the window.
    Start,
    /// With the payment of the period's invoice.
    Payment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cadence {
    /// Granted per billing period.
    Period,
    /// Granted per usage period, also on yearly plans.
    Month,
    /// Granted at 00:00 UTC.
    Day,
}

/// The fields of a PATCH; `None` leaves a field unchanged.
#[derive(Clone, Debug, Default)]
pub struct PlanChange {
    pub slug: Option<String>,
    pub name: Option<String>,
    pub description: Option<Option<String>>,
    pub tier: Option<i64>,
    pub status: Option<PlanStatus>,
    pub is_public: Option<bool>,
    pub billing_interval: Option<Interval>,
    pub currency: Option<Currency>,
    pub trial_days: Option<i64>,
    pub require_payment_method: Option<bool>,
    pub charges: Option<Vec<Charge>>,
    pub entitlements: Option<Vec<Entitlement>>,
    pub grant_rules: Option<Vec<GrantRule>>,
    pub metadata: Option<String>,
}

impl Entry for Plan {
    type Change = PlanChange;
    const CREATED: Action = Action::PlanCreated;
    const UPDATED: Action = Action::PlanUpdated;

    fn apply(&mut self, change: &PlanChange) -> Result<Vec<&'static str>, CatalogError> {
        let before = self.clone();
        let changed = changes!(self, change, {
            slug "slug", name "name", description "description", tier "tier", status "status",
            is_public "isPublic", billing_interval "billingInterval", currency "currency",
            trial_days "trialDays", require_payment_method "requirePaymentMethod",
            charges "charges", entitlements "entitlements", grant_rules "grantRules", metadata "metadata",
        });
        let was_offered = before.status != PlanStatus::Draft;
        if was_offered && (self.terms() != before.terms() || self.status == PlanStatus::Draft) {
            return Err(CatalogError::PlanImmutable);
        }
        Ok(changed)
    }

    async fn check(&self, tx: &mut Tx<'_, '_>, tenant: &Tenant) -> Result<(), CatalogError> {
        super::check_product(tx, tenant, self.product_id).await?;
        super::check_slug(tx, tenant, &Self::BY_SLUG, &self.slug, self).await?;
        let charged = self.check_charges(tx, tenant).await?;
        self.check_entitlements(tx, tenant, charged).await?;
        self.check_grant_rules(tx, tenant).await
    }

    fn id(&self) -> PlanId {
        self.id
    }

    fn updated(&mut self, at: Time) {
        self.updated_at = at;
    }
}

impl Plan {
    /// The fields that are immutable once the plan has been offered.
    fn terms(&self) -> (Currency, Interval, i64, &[Charge], &[GrantRule]) {
        let Self { currency, billing_interval, trial_days, charges, grant_rules, .. } = self;
        (*currency, *billing_interval, *trial_days, charges, grant_rules)
    }

    /// Whether it charges for usage.
    pub fn charges_for_usage(&self) -> bool {
        self.charges.iter().any(|charge| match charge {
            Charge::Usage { .. } => true,
            Charge::Recurring { .. } | Charge::OneOff { .. } => false,
        })
    }

    /// Whether a start on it needs a payment method: it has a price, for a period, once or for usage.
    pub fn wants_payment_method(&self) -> bool {
        let is_price = |charge: &Charge| match charge {
            Charge::Recurring { amount, .. } | Charge::OneOff { amount } => *amount > 0,
            Charge::Usage { .. } => true,
        };
        self.require_payment_method && self.charges.iter().any(is_price)
    }

    /// Returns the entitlement for a feature.
    pub fn gives(&self, feature: FeatureId) -> Option<&EntitlementValue> {
        let given = self.entitlements.iter().find(|given| given.feature_id == feature);
        given.map(|given| &given.value)
    }

    /// Returns the metrics of its usage charges.
    async fn check_charges(
        &self,
        tx: &mut Tx<'_, '_>,
        tenant: &Tenant,
    ) -> Result<Vec<MetricId>, CatalogError> {
        let mut charged = Vec::new();
        let mut amounts = Vec::new();
        for (at, charge) in self.charges.iter().enumerate() {
            match charge {
                Charge::Recurring { amount, .. } | Charge::OneOff { amount } => {
                    amounts.push(*amount);
                }
                Charge::Usage { metric_id, tiers, .. } => {
                    let param = format!("charges[{at}].metricId");
                    super::check_metric(tx, tenant, *metric_id, self.product_id, &param).await?;
                    if charged.contains(metric_id) {
                        return Err(CatalogError::unfit(param, "is already charged for"));
                    }
                    charged.push(*metric_id);
                    if !ascend_to_no_end(tiers) {
                        return Err(CatalogError::InvalidTiers(format!("charges[{at}].tiers")));
                    }
                }
            }
        }
        if sum(amounts).is_err() {
            return Err(CatalogError::unfit(
                "charges",
                "must not add up to more than the maximum amount",
            ));
        }
        Ok(charged)
    }

    /// Checks that each entitlement fits its feature, appears once, and is not both charged and
    /// paid in credits.
    async fn check_entitlements(
        &self,
        tx: &mut Tx<'_, '_>,
        tenant: &Tenant,
        mut charged: Vec<MetricId>,
    ) -> Result<(), CatalogError> {
        let mut given = Vec::new();
        for (at, entitlement) in self.entitlements.iter().enumerate() {
            let wrong = |part: &str, message| {
                Err(CatalogError::unfit(format!("entitlements[{at}].{part}"), message))
            };
            let id = entitlement.feature_id;
            let Some(feature) = super::feature(tx, tenant, id).await? else {
                return wrong("featureId", "is not a feature");
            };
            if given.contains(&id) {
                return wrong("featureId", "is already listed");
            }
            given.push(id);
            if !entitlement.value.fits(&feature) {
                return wrong("type", "is not the type of the feature");
            }
            if let (FeatureType::Credit, Some(metric)) =
                (feature.kind.r#type(), feature.kind.metric_id())
            {
                if charged.contains(&metric) {
                    return wrong(
                        "featureId",
                        "has a metric that the plan already charges for or debits in credits",
                    );
                }
                charged.push(metric);
            }
        }
        Ok(())
    }

    async fn check_grant_rules(
        &self,
        tx: &mut Tx<'_, '_>,
        tenant: &Tenant,
    ) -> Result<(), CatalogError> {
        for (at, rule) in self.grant_rules.iter().enumerate() {
            let param = format!("grantRules[{at}].creditCurrencyId");
            let same = |other: &GrantRule| {
                other.credit_currency_id == rule.credit_currency_id && other.cadence == rule.cadence
            };
            if self.grant_rules[..at].iter().any(same) {
                return Err(CatalogError::unfit(param, "is already granted at this cadence"));
            }
            if rule.cadence == Cadence::Day && rule.grant_on == Some(GrantOn::Payment) {
                let param = format!("grantRules[{at}].grantOn");
                return Err(CatalogError::unfit(param, "must be start for daily credits"));
            }
            super::check_credit_currency(tx, tenant, rule.credit_currency_id, &param).await?;
        }
        Ok(())
    }
}

/// Whether each unit has exactly one price: ascending bounds, and an open last tier.
fn ascend_to_no_end(tiers: &[Tier]) -> bool {
    let Some((last, others)) = tiers.split_last() else { return false };
    let mut least = 0;
    last.up_to.is_none()
        && others.iter().all(|tier| {
            let ascends = tier.up_to.is_some_and(|up_to| up_to > least);
            least = tier.up_to.unwrap_or(least);
            ascends
        })
}

impl EntitlementValue {
    pub const fn r#type(&self) -> FeatureType {
        match self {
            Self::Boolean => FeatureType::Boolean,
            Self::Metered { .. } => FeatureType::Metered,
            Self::Credit => FeatureType::Credit,
            Self::Config { .. } => FeatureType::Config,
            Self::Enum { .. } => FeatureType::Enum,
        }
    }

    fn fits(&self, feature: &Feature) -> bool {
        self.r#type() == feature.kind.r#type()
    }
}

impl GrantOn {
    pub const ALL: [Self; 2] = [Self::Start, Self::Payment];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Payment => "payment",
        }
    }
}

impl Cadence {
    pub const ALL: [Self; 3] = [Self::Period, Self::Month, Self::Day];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Period => "period",
            Self::Month => "month",
            Self::Day => "day",
        }
    }
}

impl Interval {
    pub const fn months(self) -> i64 {
        match self {
            Self::Month => 1,
            Self::Year => 12,
        }
    }
}
