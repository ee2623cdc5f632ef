//! The tables of the catalog: what of each a viewer may see, and how its rows are read and written.

use super::{Row, table};
use crate::base::{CreditCurrencyId, CreditPackageId, FeatureId, MetricId, PlanId, ProductId};
use crate::catalog::{
    Aggregation, CreditCurrency, CreditPackage, Feature, FeatureKind, FeatureType, Interval,
    Metric, Plan, PlanStatus, Product,
};
use crate::db::{
    Columns, DbError, JsonText, Sql, Value, json, sql, sql_of_each, text_columns, word_columns,
};

/// Those products that are active, and those that the customer has.
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

table!(Product, ProductId, "products", [visible_product!("products.id")], "slug", {
    slug name "$4" description "$5" image "$6" archived "$7" metadata "$8" created_at "$9"
    updated_at "$10"
} BY_SLUG "slug");

table!(Metric, MetricId, "billable_metrics", [visible_product!("billable_metrics.product_id")], "product_id", {
    product_id event_name "$4" name "$5" aggregation "$6" property "$7" metadata "$8"
    created_at "$9" updated_at "$10"
} BY_EVENT "event_name");

table!(Feature, FeatureId, "features", [visible_product!("features.product_id")], "product_id", {
    product_id slug "$4" name "$5" type "$6" metric_id "$7" credit_currency_id "$8"
    credit_cost "$9" metadata "$10" created_at "$11" updated_at "$12"
} BY_SLUG "slug" BY_METRIC "metric_id" BY_CREDIT_CURRENCY "credit_currency_id");

// Everybody may see every credit currency.
table!(CreditCurrency, CreditCurrencyId, "credit_currencies", ["TRUE"], "slug", {
    slug name "$4" denomination "$5" minor_unit_scale "$6" top_up_min "$7" top_up_max "$8"
    metadata "$9" created_at "$10" updated_at "$11"
} BY_SLUG "slug");

table!(CreditPackage, CreditPackageId, "credit_packages", ["NOT archived"], "credit_currency_id", {
    credit_currency_id name "$4" credits "$5" price "$6" currency "$7" expires_after_days "$8"
    archived "$9" metadata "$10" created_at "$11" updated_at "$12"
});

table!(
    Plan,
    PlanId,
    "plans",
    ["(status = 'active' AND is_public AND EXISTS (SELECT 1 FROM products p \
      WHERE p.tenant_no = $1 AND p.id = plans.product_id AND NOT p.archived)) \
      OR EXISTS (SELECT 1 FROM subscriptions s WHERE s.tenant_no = $1 AND s.customer_no = $2 \
      AND s.plan_id = plans.id AND s.status IN ('trialing', 'active', 'past_due', 'pending'))"],
    "product_id",
    {
        product_id slug "$4" name "$5" description "$6" tier "$7" status "$8" is_public "$9"
        billing_interval "$10" currency "$11" trial_days "$12" charges "$13" entitlements "$14"
        grant_rules "$15" metadata "$16" created_at "$17" updated_at "$18"
    }
    BY_SLUG "slug"
);

impl Product {
    fn read(row: &mut Columns<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.take()?,
            slug: row.take()?,
            name: row.take()?,
            description: row.take()?,
            image: row.take()?,
            archived: row.take()?,
            metadata: row.take()?,
            created_at: row.take()?,
            updated_at: row.take()?,
        })
    }

    fn values(&self) -> Vec<Value<'_>> {
        vec![
            (&self.slug).into(),
            (&self.name).into(),
            self.description.as_ref().into(),
            self.image.as_ref().into(),
            self.archived.into(),
            (&self.metadata).into(),
            self.created_at.into(),
            self.updated_at.into(),
        ]
    }
}

impl Metric {
    fn read(row: &mut Columns<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.take()?,
            product_id: row.take()?,
            event_name: row.take()?,
            name: row.take()?,
            aggregation: row.take()?,
            property: row.take()?,
            metadata: row.take()?,
            created_at: row.take()?,
            updated_at: row.take()?,
        })
    }

    fn values(&self) -> Vec<Value<'_>> {
        vec![
            self.product_id.into(),
            (&self.event_name).into(),
            (&self.name).into(),
            self.aggregation.into(),
            self.property.as_ref().into(),
            (&self.metadata).into(),
            self.created_at.into(),
            self.updated_at.into(),
        ]
    }
}

impl Feature {
    fn read(row: &mut Columns<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.take()?,
            product_id: row.take()?,
            slug: row.take()?,
            name: row.take()?,
            kind: {
                let (r#type, metric_id) = (row.take::<FeatureType>()?, row.take()?);
                let credit = row.take::<Option<_>>()?.zip(row.take::<Option<_>>()?);
                FeatureKind::of(r#type, metric_id, credit)
                    .ok_or(DbError::Broken("a feature without what its type needs"))?
            },
            metadata: row.take()?,
            created_at: row.take()?,
            updated_at: row.take()?,
        })
    }

    fn values(&self) -> Vec<Value<'_>> {
        let (credit_currency_id, credit_cost) = self.kind.credit().unzip();
        vec![
            self.product_id.into(),
            (&self.slug).into(),
            (&self.name).into(),
            self.kind.r#type().into(),
            self.kind.metric_id().into(),
            credit_currency_id.into(),
            credit_cost.into(),
            (&self.metadata).into(),
            self.created_at.into(),
            self.updated_at.into(),
        ]
    }
}

impl CreditCurrency {
    fn read(row: &mut Columns<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.take()?,
            slug: row.take()?,
            name: row.take()?,
            denomination: row.take()?,
            minor_unit_scale: row.take()?,
            top_up_min: row.take()?,
            top_up_max: row.take()?,
            metadata: row.take()?,
            created_at: row.take()?,
            updated_at: row.take()?,
        })
    }

    fn values(&self) -> Vec<Value<'_>> {
        vec![
            (&self.slug).into(),
            (&self.name).into(),
            self.denomination.into(),
            self.minor_unit_scale.into(),
            self.top_up_min.into(),
            self.top_up_max.into(),
            (&self.metadata).into(),
            self.created_at.into(),
            self.updated_at.into(),
        ]
    }
}

impl CreditPackage {
    fn read(row: &mut Columns<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.take()?,
            credit_currency_id: row.take()?,
            name: row.take()?,
            credits: row.take()?,
            price: row.take()?,
            currency: row.take()?,
            expires_after_days: row.take()?,
            archived: row.take()?,
            metadata: row.take()?,
            created_at: row.take()?,
            updated_at: row.take()?,
        })
    }

    fn values(&self) -> Vec<Value<'_>> {
        vec![
            self.credit_currency_id.into(),
            (&self.name).into(),
            self.credits.into(),
            self.price.into(),
            self.currency.into(),
            self.expires_after_days.into(),
            self.archived.into(),
            (&self.metadata).into(),
            self.created_at.into(),
            self.updated_at.into(),
        ]
    }
}

impl Plan {
    fn read(row: &mut Columns<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.take()?,
            product_id: row.take()?,
            slug: row.take()?,
            name: row.take()?,
            description: row.take()?,
            tier: row.take()?,
            status: row.take()?,
            is_public: row.take()?,
            billing_interval: row.take()?,
            currency: row.take()?,
            trial_days: row.take()?,
            charges: row.take::<JsonText<_>>()?.0,
            entitlements: row.take::<JsonText<_>>()?.0,
            grant_rules: row.take::<JsonText<_>>()?.0,
            metadata: row.take()?,
            created_at: row.take()?,
            updated_at: row.take()?,
        })
    }

    fn values(&self) -> Vec<Value<'_>> {
        vec![
            self.product_id.into(),
            (&self.slug).into(),
            (&self.name).into(),
            self.description.as_ref().into(),
            self.tier.into(),
            self.status.into(),
            self.is_public.into(),
            self.billing_interval.into(),
            self.currency.into(),
            self.trial_days.into(),
            json(&self.charges).into(),
            json(&self.entitlements).into(),
            json(&self.grant_rules).into(),
            (&self.metadata).into(),
            self.created_at.into(),
            self.updated_at.into(),
        ]
    }
}

text_columns!(crate::catalog::Denomination);
word_columns!(Aggregation, FeatureType, Interval, PlanStatus);
