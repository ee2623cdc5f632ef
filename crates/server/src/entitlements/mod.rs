//! Entitlements: what a customer may use, according to the plans of its subscriptions with access.
//!
//! If several plans include a feature, the customer gets the larger entitlement. Reading changes
//! nothing: tracked events count usage and debit credits.

pub mod http;

use crate::base::money::divide_up;
use crate::base::{Decimal, FeatureId, Time};
use crate::catalog::{self, EntitlementValue, Feature, FeatureKind, Plan};
use crate::credits;
use crate::db::{DbError, Tx};
use crate::organizations::Tenant;
use crate::{subscriptions, usage};

/// A customer's entitlement to a feature at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Boolean,
    /// In this usage period; `None` is unlimited.
    Metered {
        limit: Option<i64>,
        usage: Decimal,
    },
    Credit {
        balance: i64,
        frozen: bool,
    },
    Config {
        value: String,
    },
    Enum {
        values: Vec<String>,
    },
}

/// The intended use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    Usage(Decimal),
    Values(Vec<String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeniedReason {
    NoEntitlement,
    UsageExceeded,
    CreditExhausted,
}

/// A feature, with what all plans of a customer give of it.
struct Given<'a> {
    feature: &'a Feature,
    value: EntitlementValue,
}

/// Returns all entitlements of a customer, features of higher plans first.
pub async fn all(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    at: Time,
) -> Result<Vec<(Feature, State)>, DbError> {
    let plans = plans(tx, tenant, customer_no).await?;
    let mut ids: Vec<FeatureId> = Vec::new();
    for given in plans.iter().flat_map(|plan| &plan.entitlements) {
        if !ids.contains(&given.feature_id) {
            ids.push(given.feature_id);
        }
    }
    let mut all = Vec::new();
    for feature in catalog::features(tx, tenant, &ids).await? {
        if let Some(value) = union(&plans, feature.id) {
            let given = Given { feature: &feature, value };
            let state = state(tx, tenant, customer_no, given, at).await?;
            all.push((feature, state));
        }
    }
    Ok(all)
}

/// Returns a customer's entitlement to one feature; `None` if there is none.
pub async fn of_feature(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    feature: &Feature,
    at: Time,
) -> Result<Option<State>, DbError> {
    let plans = plans(tx, tenant, customer_no).await?;
    match union(&plans, feature.id) {
        None => Ok(None),
        Some(value) => state(tx, tenant, customer_no, Given { feature, value }, at).await.map(Some),
    }
}

/// Whether a customer in this state may use the requested amount, one unit by default.
pub fn check(
    feature: &Feature,
    state: Option<&State>,
    request: Option<&Request>,
) -> Result<(), DeniedReason> {
    let units = match request {
        Some(Request::Usage(units)) => *units,
        Some(Request::Values(_)) | None => Decimal::from_integer(1),
    };
    let values: &[String] = match request {
        Some(Request::Values(values)) => values,
        Some(Request::Usage(_)) | None => &[],
    };
    let allowed = |allowed: bool, otherwise| if allowed { Ok(()) } else { Err(otherwise) };
    match state {
        None => Err(DeniedReason::NoEntitlement),
        Some(State::Boolean) => Ok(()),
        Some(State::Metered { limit: None, .. }) => Ok(()),
        Some(State::Metered { limit: Some(limit), usage }) => {
            let after = usage.checked_add(units);
            let fits = after.is_ok_and(|after| after <= Decimal::from_integer(*limit));
            allowed(fits, DeniedReason::UsageExceeded)
        }
        Some(State::Credit { balance, frozen }) => {
            let affordable = cost(feature, units).is_some_and(|cost| cost <= *balance);
            allowed(affordable && !frozen, DeniedReason::CreditExhausted)
        }
        Some(State::Config { value }) => {
            allowed(values.iter().all(|wanted| wanted == value), DeniedReason::NoEntitlement)
        }
        Some(State::Enum { values: given }) => {
            allowed(values.iter().all(|wanted| given.contains(wanted)), DeniedReason::NoEntitlement)
        }
    }
}

/// Returns the credits for this many units in one event, rounded up like a debit.
fn cost(feature: &Feature, units: Decimal) -> Option<i64> {
    let (_, cost) = feature.kind.credit()?;
    let units = units.units().checked_mul(cost.units())?;
    divide_up(units, Decimal::ONE.checked_mul(Decimal::ONE)?).ok()
}

/// Returns the plans of subscriptions with access, the highest tier first.
async fn plans(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
) -> Result<Vec<Plan>, DbError> {
    let mut plans = Vec::new();
    for subscription in subscriptions::live_of_customer(tx, tenant, customer_no).await? {
        if subscription.status.gives_access() {
            plans.extend(catalog::plan(tx, tenant, subscription.plan_id).await?);
        }
    }
    plans.sort_by_key(|plan| std::cmp::Reverse(plan.tier));
    Ok(plans)
}

/// Combines the plans' entitlements to a feature: the larger limit, all values, the setting of the
/// highest plan.
fn union(plans: &[Plan], id: FeatureId) -> Option<EntitlementValue> {
    let given = plans.iter().filter_map(|plan| plan.gives(id)).cloned();
    given.reduce(|one, other| match (one, other) {
        (EntitlementValue::Metered { limit: one }, EntitlementValue::Metered { limit: other }) => {
            EntitlementValue::Metered { limit: one.zip(other).map(|(one, other)| one.max(other)) }
        }
        (EntitlementValue::Enum { mut values }, EntitlementValue::Enum { values: more }) => {
            values.extend(more);
            let mut known = Vec::with_capacity(values.len());
            values.retain(|value| {
                !known.contains(value) && {
                    known.push(value.clone());
                    true
                }
            });
            EntitlementValue::Enum { values }
        }
        (one, _) => one,
    })
}

async fn state(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    Given { feature, value }: Given<'_>,
    at: Time,
) -> Result<State, DbError> {
    Ok(match (value, feature.kind) {
        (EntitlementValue::Metered { limit }, FeatureKind::Metered { metric_id }) => {
            let usage = usage::used(tx, tenant, customer_no, metric_id, at).await?;
            State::Metered { limit, usage }
        }
        (EntitlementValue::Credit, FeatureKind::Credit { credit_currency_id, .. }) => {
            let wallets = credits::balances(tx, tenant, customer_no).await?;
            let wallet = wallets.into_iter().find(|(currency, ..)| *currency == credit_currency_id);
            let (balance, frozen) =
                wallet.map_or((0, false), |(_, balance, frozen)| (balance, frozen));
            State::Credit { balance, frozen }
        }
        (EntitlementValue::Boolean, _) => State::Boolean,
        (EntitlementValue::Config { value }, _) => State::Config { value },
        (EntitlementValue::Enum { values }, _) => State::Enum { values },
        (EntitlementValue::Metered { .. } | EntitlementValue::Credit, _) => {
            return Err(DbError::Broken("an entitlement that is not of its feature's type"));
        }
    })
}

impl State {
    /// Returns the rest of a limit, at least zero.
    pub fn remaining(&self) -> Option<Decimal> {
        match self {
            Self::Metered { limit: Some(limit), usage } => {
                let left = Decimal::from_integer(*limit).checked_sub(*usage).unwrap_or_default();
                Some(left.max(Decimal::ZERO))
            }
            Self::Metered { limit: None, .. }
            | Self::Boolean
            | Self::Credit { .. }
            | Self::Config { .. }
            | Self::Enum { .. } => None,
        }
    }

    pub const fn balance(&self) -> Option<i64> {
        match self {
            Self::Credit { balance, .. } => Some(*balance),
            Self::Boolean | Self::Metered { .. } | Self::Config { .. } | Self::Enum { .. } => None,
        }
    }
}

impl DeniedReason {
    pub const ALL: [Self; 3] = [Self::NoEntitlement, Self::UsageExceeded, Self::CreditExhausted];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoEntitlement => "no_entitlement",
            Self::UsageExceeded => "usage_exceeded",
            Self::CreditExhausted => "credit_exhausted",
        }
    }
}
