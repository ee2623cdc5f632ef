//! The catalog: products and their plans, billable metrics, features, credit currencies and
//! packages. It says what can be bought; what was bought is a subscription or a wallet.
//!
//! Nothing here is deleted, since what was bought names it: products, plans and packages are
//! archived. What another slice has counted or sold by never changes.

mod credit;
mod feature;
mod metric;
mod plan;
mod product;
mod sql;

pub use credit::{CreditCurrency, CreditPackage, Denomination};
pub use feature::{Feature, FeatureKind, FeatureType};
pub use metric::{Aggregation, Metric};
pub use plan::{
    Cadence, Charge, Entitlement, EntitlementValue, GrantRule, Interval, Plan, PlanStatus, Tier,
};
pub use product::Product;

use crate::base::{
    CreditCurrencyId, CreditPackageId, FeatureId, MetricId, PageQuery, PlanId, ProductId, page,
};
use crate::db::{DbError, Tx};
use crate::organizations::Tenant;

/// For whom the catalog is read. The public sees active products and what belongs to them, public
/// plans that can be chosen, and packages that can be bought; a customer also what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewer {
    Backend,
    /// The number of a customer.
    Customer(i64),
    Public,
}

/// An object of this id, whatever its status: for the other slices.
pub async fn plan(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: PlanId,
) -> Result<Option<Plan>, DbError> {
    sql::get(tx, tenant, Viewer::Backend, id).await
}

pub async fn product(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: ProductId,
) -> Result<Option<Product>, DbError> {
    sql::get(tx, tenant, Viewer::Backend, id).await
}

pub async fn metric(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: MetricId,
) -> Result<Option<Metric>, DbError> {
    sql::get(tx, tenant, Viewer::Backend, id).await
}

pub async fn feature(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: FeatureId,
) -> Result<Option<Feature>, DbError> {
    sql::get(tx, tenant, Viewer::Backend, id).await
}

pub async fn credit_currency(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: CreditCurrencyId,
) -> Result<Option<CreditCurrency>, DbError> {
    sql::get(tx, tenant, Viewer::Backend, id).await
}

pub async fn credit_package(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: CreditPackageId,
) -> Result<Option<CreditPackage>, DbError> {
    sql::get(tx, tenant, Viewer::Backend, id).await
}

/// A plan that this viewer may see and, where it is active, choose.
pub async fn visible_plan(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    viewer: Viewer,
    id: PlanId,
) -> Result<Option<Plan>, DbError> {
    sql::get(tx, tenant, viewer, id).await
}

/// The plans of a product that this viewer may see, oldest first; the hundred newest, where there
/// are more.
pub async fn plans_of_product(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    viewer: Viewer,
    id: ProductId,
) -> Result<Vec<Plan>, DbError> {
    let all = PageQuery { limit: page::MAX_LIMIT, cursor: None, list: String::new() };
    let mut plans = sql::page(tx, tenant, viewer, Some(&id.to_string()), &all).await?;
    plans.truncate(page::MAX_LIMIT);
    plans.reverse();
    Ok(plans)
}

/// What an event of this name counts for.
pub async fn metrics_of_event(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    event_name: &str,
) -> Result<Vec<Metric>, DbError> {
    sql::find(tx, tenant, &Metric::BY_EVENT, event_name).await
}

pub async fn features_of_metric(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: MetricId,
) -> Result<Vec<Feature>, DbError> {
    sql::find(tx, tenant, &Feature::BY_METRIC, &id.to_string()).await
}

pub async fn features_of_credit_currency(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: CreditCurrencyId,
) -> Result<Vec<Feature>, DbError> {
    sql::find(tx, tenant, &Feature::BY_CREDIT_CURRENCY, &id.to_string()).await
}

pub async fn feature_by_slug(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    slug: &str,
) -> Result<Option<Feature>, DbError> {
    Ok(sql::find(tx, tenant, &Feature::BY_SLUG, slug).await?.pop())
}
