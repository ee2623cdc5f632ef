//! The catalog: products and their plans, billable metrics, features, credit currencies and
//! packages. It says what can be bought; what was bought is a subscription or a wallet.

mod sql;

pub use sql::plan;

use crate::base::{
    CreditCurrencyId, Currency, Decimal, FeatureId, MetricId, PlanId, ProductId, Time,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug)]
pub struct Plan {
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
    pub charges: Vec<Charge>,
    pub entitlements: Vec<Entitlement>,
    pub grant_rules: Vec<GrantRule>,
    /// A JSON object of texts.
    pub metadata: String,
    pub created_at: Time,
    pub updated_at: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanStatus {
    Draft,
    /// Can be chosen; what it charges is fixed.
    Active,
    /// Renews, cannot be chosen.
    Archived,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    Month,
    Year,
}

/// What a plan charges for, stored and shown in this form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Charge {
    /// Each period, in advance; times the quantity where `per_unit`.
    Recurring {
        amount: i64,
        #[serde(default)]
        per_unit: bool,
    },
    /// Each month, in arrears, by graduated tiers.
    Usage { metric_id: MetricId, included_units: Decimal, tiers: Vec<Tier> },
    /// Once, with the first period.
    OneOff { amount: i64 },
}

/// A price up to a number of units (counted after the included ones); `None` is without end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tier {
    pub up_to: Option<i64>,
    /// Minor units for one unit.
    pub unit_price: Decimal,
}

/// What a plan gives of a feature, stored and shown in this form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entitlement {
    pub feature_id: FeatureId,
    #[serde(flatten)]
    pub value: EntitlementValue,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EntitlementValue {
    Boolean,
    /// Units a usage period; `None` is without limit.
    Metered {
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

/// Credits that a plan grants, stored and shown in this form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GrantRule {
    pub credit_currency_id: CreditCurrencyId,
    pub amount: i64,
    pub cadence: Cadence,
    /// How much of what is left at a window's end goes on for one more window.
    pub rollover_cap: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cadence {
    /// With the billing period.
    Period,
    /// With the usage period, on yearly plans too.
    Month,
    /// At 00:00 UTC.
    Day,
}

impl PlanStatus {
    pub const ALL: [Self; 3] = [Self::Draft, Self::Active, Self::Archived];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Active => "active",
            Self::Archived => "archived",
        }
    }
}

impl Interval {
    pub const ALL: [Self; 2] = [Self::Month, Self::Year];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    pub const fn months(self) -> i64 {
        match self {
            Self::Month => 1,
            Self::Year => 12,
        }
    }
}
