//! The catalog: products and their plans, billable metrics, features, credit currencies and
//! packages. It says what can be bought; what was bought is a subscription or a wallet.
//!
//! Nothing here is deleted, since what was bought names it: products, plans and packages are
//! archived. What another slice has counted or sold by never changes.

mod credit;
mod feature;
pub mod http;
mod metric;
mod plan;
mod pricing;
mod product;
mod sql;

pub use credit::{
    CreditCurrency, CreditCurrencyChange, CreditPackage, CreditPackageChange, Denomination,
};
pub use feature::{Feature, FeatureChange, FeatureKind, FeatureType};
pub use metric::{Aggregation, Metric, MetricChange};
pub use plan::{
    Cadence, Charge, Entitlement, EntitlementValue, GrantOn, GrantRule, Interval, Plan, PlanChange,
    PlanStatus, Tier,
};
pub use pricing::{Pricing, pricing};
pub use product::{Product, ProductChange};

use crate::audit::{self, Action, Actor, NewEvent};
use crate::base::words::words;
use crate::base::{
    CreditCurrencyId, CreditPackageId, FeatureId, Ids, MetricId, PageQuery, PlanId, ProductId,
    Time, page,
};
use crate::db::{DbError, Query, Tx};
use crate::organizations::Tenant;
use serde_json::json;
use std::future::Future;

/// For whom the catalog is read. The public sees active products and what belongs to them, public
/// plans that can be chosen, and packages that can be bought; a customer also what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewer {
    Backend,
    /// The number of a customer.
    Customer(i64),
    Public,
}

#[derive(Debug)]
pub enum CatalogError {
    Db(DbError),
    SlugTaken,
    /// It was offered: what it charges is fixed.
    PlanImmutable,
    /// The tiers that this parameter names do not give each unit one price.
    InvalidTiers(String),
    /// A parameter does not fit the others, or names nothing.
    Unfit {
        param: String,
        message: &'static str,
    },
}

words! {
    /// Whether a product or a credit package can still be chosen.
    CatalogStatus {
        Active = "active",
        Archived = "archived",
    }
}

impl CatalogStatus {
    pub const fn new(archived: bool) -> Self {
        if archived { Self::Archived } else { Self::Active }
    }

    pub const fn is_archived(self) -> bool {
        match self {
            Self::Active => false,
            Self::Archived => true,
        }
    }
}

/// An object as it is made and changed.
pub trait Entry: sql::Row<Id: ToString> + Clone {
    type Change: Send + Sync + 'static;
    const CREATED: Action;
    const UPDATED: Action;

    fn id(&self) -> Self::Id;

    fn updated(&mut self, at: Time);

    /// Makes a change and names what is different.
    fn apply(&mut self, change: &Self::Change) -> Result<Vec<&'static str>, CatalogError>;

    /// Whether its parts fit each other and what they name is there.
    fn check(
        &self,
        tx: &mut Tx<'_, '_>,
        tenant: &Tenant,
    ) -> impl Future<Output = Result<(), CatalogError>> + Send;
}

pub async fn create<T: Entry>(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    new: &T,
    actor: Actor,
    ids: &Ids,
    now: Time,
) -> Result<(), CatalogError> {
    new.check(tx, tenant).await?;
    sql::put(tx, tenant, new).await?;
    let event = NewEvent {
        id: ids.event(),
        actor,
        action: T::CREATED,
        target_id: new.id().to_string(),
        customer_id: None,
        detail: json!({}),
        at: now,
    };
    Ok(audit::record(tx, tenant.no, &event).await?)
}

/// Changes an object; `None` where there is none.
pub async fn update<T: Entry>(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: T::Id,
    change: &T::Change,
    actor: Actor,
    ids: &Ids,
    now: Time,
) -> Result<Option<T>, CatalogError> {
    let Some(mut object) = sql::lock::<T>(tx, tenant, id).await? else { return Ok(None) };
    let mut changed = object.apply(change)?;
    changed.sort_unstable();
    if changed.is_empty() {
        return Ok(Some(object));
    }
    object.check(tx, tenant).await?;
    object.updated(now);
    sql::put(tx, tenant, &object).await?;
    let event = NewEvent {
        id: ids.event(),
        actor,
        action: T::UPDATED,
        target_id: id.to_string(),
        customer_id: None,
        detail: json!({ "changed": changed }),
        at: now,
    };
    audit::record(tx, tenant.no, &event).await?;
    Ok(Some(object))
}

async fn check_slug<T: Entry<Id: PartialEq>>(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    by_slug: &Query<T>,
    slug: &str,
    own: &T,
) -> Result<(), CatalogError> {
    let found: Vec<T> = sql::find(tx, tenant, by_slug, slug).await?;
    match found.iter().all(|found| found.id() == own.id()) {
        true => Ok(()),
        false => Err(CatalogError::SlugTaken),
    }
}

async fn check_product(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: ProductId,
) -> Result<(), CatalogError> {
    match product(tx, tenant, id).await? {
        Some(_) => Ok(()),
        None => Err(CatalogError::unfit("productId", "is not a product")),
    }
}

async fn check_metric(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: MetricId,
    of: ProductId,
    param: &str,
) -> Result<(), CatalogError> {
    match metric(tx, tenant, id).await? {
        Some(metric) if metric.product_id == of => Ok(()),
        Some(_) | None => Err(CatalogError::unfit(param, "is not a metric of the product")),
    }
}

async fn check_credit_currency(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: CreditCurrencyId,
    param: &str,
) -> Result<(), CatalogError> {
    match credit_currency(tx, tenant, id).await? {
        Some(_) => Ok(()),
        None => Err(CatalogError::unfit(param, "is not a credit currency")),
    }
}

impl CatalogError {
    fn unfit(param: impl Into<String>, message: &'static str) -> Self {
        Self::Unfit { param: param.into(), message }
    }
}

impl From<DbError> for CatalogError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
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

/// The features of these ids, in their order.
pub async fn features(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    ids: &[FeatureId],
) -> Result<Vec<Feature>, DbError> {
    let mut features: Vec<Feature> = sql::many(tx, tenant, ids).await?;
    features.sort_by_key(|feature| ids.iter().position(|id| *id == feature.id));
    Ok(features)
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

/// A metric that this viewer may see.
pub async fn visible_metric(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    viewer: Viewer,
    id: MetricId,
) -> Result<Option<Metric>, DbError> {
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

/// A feature that this viewer may see.
pub async fn visible_feature(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    viewer: Viewer,
    slug: &str,
) -> Result<Option<Feature>, DbError> {
    let found: Option<Feature> = sql::find(tx, tenant, &Feature::BY_SLUG, slug).await?.pop();
    match (viewer, found) {
        (Viewer::Backend, found) => Ok(found),
        (_, None) => Ok(None),
        (viewer, Some(found)) => sql::get(tx, tenant, viewer, found.id).await,
    }
}
