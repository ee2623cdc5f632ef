//! The tables of the catalog: the rows that each viewer may see, and the columns.

use super::{Row, table};
use crate::base::{
    CouponId, CreditCurrencyId, CreditPackageId, Decimal, FeatureId, MetricId, PlanId, ProductId,
    PromotionCodeId,
};
use crate::catalog::{
    Aggregation, Charge, Coupon, CouponDuration, CreditCurrency, CreditPackage, Entitlement,
    Feature, FeatureKind, FeatureType, GrantRule, Interval, Metric, Plan, PlanStatus, Product,
    PromotionCode,
};
use crate::db::record::{Columns, Field};
use crate::db::{
    Command, DbError, FromRow, Pages, Query, ToRow, Value, command, json_columns, pages, query,
    text_columns, word_columns,
};

/// The products that are active, and those that the customer has.
macro_rules! visible_product {
    ($id:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM products p WHERE p.tenant_no = $1 AND p.id = ",
            $id,
            " AND NOT p.archived) OR EXISTS (SELECT 1 FROM subscriptions s WHERE s.tenant_no = $1 \
             AND s.customer_no = $2 AND s.product_id = ",
            $id,
            " AND s.status IN ('trialing', 'active', 'past_due', 'pending'))"
        )
    };
}

table!(Product, ProductId, "products", visible_product!("products.id"), "slug", BY_SLUG "slug");

table!(
    Metric,
    MetricId,
    "billable_metrics",
    visible_product!("billable_metrics.product_id"),
    "product_id",
);

table!(
    Feature,
    FeatureId,
    "features",
    visible_product!("features.product_id"),
    "product_id",
    BY_SLUG "slug",
    BY_METRIC "metric_id",
);

// Every viewer may see every credit currency.
table!(CreditCurrency, CreditCurrencyId, "credit_currencies", "TRUE", "slug", BY_SLUG "slug");

table!(CreditPackage, CreditPackageId, "credit_packages", "NOT archived", "credit_currency_id");

table!(
    Plan,
    PlanId,
    "plans",
    "(status = 'active' AND is_public AND EXISTS (SELECT 1 FROM products p \
     WHERE p.tenant_no = $1 AND p.id = plans.product_id AND NOT p.archived)) \
     OR EXISTS (SELECT 1 FROM subscriptions s WHERE s.tenant_no = $1 AND s.customer_no = $2 \
     AND s.plan_id = plans.id AND s.status IN ('trialing', 'active', 'past_due', 'pending'))",
    "product_id",
    BY_SLUG "slug",
);

// Only backends may see coupons and promotion codes.
table!(Coupon, CouponId, "coupons", "FALSE", "duration");

table!(
    PromotionCode,
    PromotionCodeId,
    "promotion_codes",
    "FALSE",
    "coupon_id",
    BY_CODE "code",
);

/// The columns of a feature's kind.
#[derive(FromRow, ToRow)]
struct KindColumns {
    r#type: FeatureType,
    metric_id: Option<MetricId>,
    credit_currency_id: Option<CreditCurrencyId>,
    credit_cost: Option<Decimal>,
}

impl FromRow for FeatureKind {
    const FIELDS: &'static [Field] = <KindColumns as FromRow>::FIELDS;

    fn read(row: &mut Columns<'_>) -> Result<Self, DbError> {
        let columns = KindColumns::read(row)?;
        let credit = columns.credit_currency_id.zip(columns.credit_cost);
        Self::new(columns.r#type, columns.metric_id, credit)
            .ok_or(DbError::Broken("a feature without what its type needs"))
    }
}

impl ToRow for FeatureKind {
    const FIELDS: &'static [Field] = <KindColumns as ToRow>::FIELDS;

    fn value(&self, column: usize) -> Value<'_> {
        match <Self as ToRow>::FIELDS.get(column).map_or("", |field| field.name) {
            "type" => self.r#type().into(),
            "metric_id" => self.metric_id().into(),
            "credit_currency_id" => self.credit().map(|(id, _)| id).into(),
            "credit_cost" => self.credit().map(|(_, cost)| cost).into(),
            _ => Value::Null,
        }
    }
}

text_columns!(crate::catalog::CodeText, crate::catalog::Denomination);
word_columns!(Aggregation, CouponDuration, FeatureType, Interval, PlanStatus);
json_columns!(Vec<Charge>, Vec<Entitlement>, Vec<GrantRule>, Vec<PlanId>);
