//! Subscriptions over HTTP.

use super::{CollectionMethod, Status, Subscription};
use crate::base::{CustomerId, PlanId, ProductId, SubscriptionId, Time};
use crate::catalog::Interval;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Subscription)]
pub struct SubscriptionResponse {
    #[schema(value_type = String)]
    pub id: SubscriptionId,
    #[schema(value_type = String)]
    pub customer_id: CustomerId,
    #[schema(value_type = String)]
    pub plan_id: PlanId,
    #[schema(value_type = String)]
    pub product_id: ProductId,
    pub quantity: i64,
    #[schema(schema_with = status_schema)]
    pub status: &'static str,
    #[schema(schema_with = interval_schema)]
    pub billing_interval: &'static str,
    #[schema(schema_with = collection_method_schema)]
    pub collection_method: &'static str,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub current_billing_period_start: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub current_billing_period_end: Option<Time>,
    /// Usage is counted and billed by months of the same anchor, on yearly plans too.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub usage_period_start: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub usage_period_end: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub trial_end: Option<Time>,
    pub cancel_at_period_end: bool,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub canceled_at: Option<Time>,
    /// What comes into force at the period's end.
    #[schema(required = true)]
    pub scheduled_change: Option<ScheduledChange>,
    /// The integrator's own notes; left out where a portal token asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = BTreeMap<String, String>, required = false)]
    pub metadata: Option<Value>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Time,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduledChange {
    #[schema(value_type = String)]
    pub plan_id: PlanId,
    pub quantity: i64,
    #[schema(value_type = String, format = DateTime)]
    pub effective_at: Time,
}

fn words<const N: usize>(words: [&'static str; N]) -> utoipa::openapi::schema::Object {
    utoipa::openapi::ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::Type::String)
        .enum_values(Some(words))
        .build()
}

fn status_schema() -> utoipa::openapi::schema::Object {
    words(Status::ALL.map(Status::as_str))
}

fn interval_schema() -> utoipa::openapi::schema::Object {
    words(Interval::ALL.map(Interval::as_str))
}

fn collection_method_schema() -> utoipa::openapi::schema::Object {
    words(CollectionMethod::ALL.map(CollectionMethod::as_str))
}

impl SubscriptionResponse {
    pub fn to_backend(subscription: &Subscription) -> Self {
        let metadata = serde_json::from_str(&subscription.metadata).unwrap_or_default();
        Self { metadata: Some(metadata), ..Self::to_browser(subscription) }
    }

    pub fn to_browser(subscription: &Subscription) -> Self {
        let s = subscription;
        let end = s.current_period.map(|period| period.end);
        let scheduled = s.scheduled.zip(end).map(|((plan_id, quantity), effective_at)| {
            ScheduledChange { plan_id, quantity, effective_at }
        });
        Self {
            id: s.id,
            customer_id: s.customer_id,
            plan_id: s.plan_id,
            product_id: s.product_id,
            quantity: s.quantity,
            status: s.status.as_str(),
            billing_interval: s.billing_interval.as_str(),
            collection_method: s.collection_method.as_str(),
            current_billing_period_start: s.current_period.map(|period| period.start),
            current_billing_period_end: end,
            usage_period_start: s.usage_period.map(|period| period.start),
            usage_period_end: s.usage_period.map(|period| period.end),
            trial_end: s.trial_end,
            cancel_at_period_end: s.cancel_at_period_end,
            canceled_at: s.canceled_at,
            scheduled_change: scheduled,
            metadata: None,
            created_at: s.created_at,
            updated_at: s.updated_at,
        }
    }
}
