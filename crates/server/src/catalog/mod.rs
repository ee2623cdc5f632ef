//! The catalog: products and plans, billable metrics, features, credit currencies and packages,
//! coupons. It describes offers. Purchases are subscriptions and wallets.
//!
//! Nothing is deleted here, because purchases refer to it. Products, plans and packages are
//! archived. Anything that another slice has counted or sold by never changes.

mod coupon;
mod credit;
mod feature;
pub mod http;
mod metric;
mod plan;
mod pricing;
mod product;
mod sql;

pub use coupon::{
    CodeText, Coupon, CouponChange, CouponDuration, PromotionCode, PromotionCodeChange,
};
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

use crate::audit::{self, Action, Author};
use crate::base::words::words;
use crate::base::{
    CouponId, CreditCurrencyId, CreditPackageId, FeatureId, MetricId, PageQuery, PlanId, ProductId,
    Time, Viewer, page,
};
use crate::db::{DbError, Query, Tx};
use crate::organizations::Tenant;
use serde_json::json;
use std::future::Future;

#[derive(Debug)]
pub enum CatalogError {
    Db(DbError),
    SlugTaken,
    /// Another promotion code has this text.
    CodeTaken,
    /// The plan has been offered, so its charges are immutable.
    PlanImmutable,
    /// The tiers of this parameter do not give each unit exactly one price.
    InvalidTiers(String),
    /// A parameter contradicts another one or refers to a missing object.
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

/// A catalog object that can be created and updated.
pub trait Entry: sql::Row<Id: ToString> + Clone {
    type Change: Send + Sync + 'static;
    const CREATED: Action;
    const UPDATED: Action;

    fn id(&self) -> Self::Id;

    fn updated(&mut self, at: Time);

    /// Applies a change and returns the names of the changed fields.
    fn apply(&mut self, change: &Self::Change) -> Result<Vec<&'static str>, CatalogError>;

    /// Checks that the fields are consistent and that referenced objects exist.
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
    author: &Author,
) -> Result<(), CatalogError> {
    new.check(tx, tenant).await?;
    sql::put(tx, tenant, new).await?;
    let event = author.event(T::CREATED, new.id(), None, json!({}));
    Ok(audit::record(tx, tenant.no, &event).await?)
}

/// Updates an object; `None` if it does not exist.
pub async fn update<T: Entry>(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: T::Id,
    change: &T::Change,
    author: &Author,
) -> Result<Option<T>, CatalogError> {
    let Some(mut object) = sql::lock::<T>(tx, tenant, id).await? else { return Ok(None) };
    let mut changed = object.apply(change)?;
    changed.sort_unstable();
    if changed.is_empty() {
        return Ok(Some(object));
    }
    object.check(tx, tenant).await?;
    object.updated(author.now);
    sql::put(tx, tenant, &object).await?;
    let event = author.event(T::UPDATED, id, None, json!({ "changed": changed }));
    audit::record(tx, tenant.no, &event).await?;
    Ok(Some(object))
}

async fn check_slug<T: Entry<Id: PartialEq>>(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    by_slug: &Query<T>,
    slug: &str,
    one: &T,
) -> Result<(), CatalogError> {
    let found: Vec<T> = sql::find(tx, tenant, by_slug, slug).await?;
    match found.iter().all(|found| found.id() == one.id()) {
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
    product_id: ProductId,
    param: &str,
) -> Result<(), CatalogError> {
    match metric(tx, tenant, id).await? {
        Some(metric) if metric.product_id == product_id => Ok(()),
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

/// Returns the object with this id in any status, for other slices.
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

pub async fn coupon(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: CouponId,
) -> Result<Option<Coupon>, DbError> {
    sql::get(tx, tenant, Viewer::Backend, id).await
}

pub async fn promotion_code_by_text(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    code: &CodeText,
) -> Result<Option<PromotionCode>, DbError> {
    Ok(sql::find(tx, tenant, &PromotionCode::BY_CODE, code.as_str()).await?.pop())
}

/// Returns the features with these ids, in that order.
pub async fn features(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    ids: &[FeatureId],
) -> Result<Vec<Feature>, DbError> {
    let mut features: Vec<Feature> = sql::many(tx, tenant, ids).await?;
    features.sort_by_key(|feature| ids.iter().position(|id| *id == feature.id));
    Ok(features)
}

/// Returns a plan that this viewer may see and, if active, choose.
pub async fn visible_plan(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    viewer: Viewer,
    id: PlanId,
) -> Result<Option<Plan>, DbError> {
    sql::get(tx, tenant, viewer, id).await
}

/// Returns a metric that this viewer may see.
pub async fn visible_metric(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    viewer: Viewer,
    id: MetricId,
) -> Result<Option<Metric>, DbError> {
    sql::get(tx, tenant, viewer, id).await
}

/// Returns the plans of a product that this viewer may see, oldest first, at most the newest
/// hundred.
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

pub async fn features_of_metric(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: MetricId,
) -> Result<Vec<Feature>, DbError> {
    sql::find(tx, tenant, &Feature::BY_METRIC, &id.to_string()).await
}

/// Returns a feature that this viewer may see.
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
