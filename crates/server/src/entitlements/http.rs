//! HTTP handlers of entitlements: all of a customer's entitlements, and the check of one.

use super::{DeniedReason, Request as Wanted, State as Has};
use crate::app::App;
use crate::auth::Caller;
use crate::base::{CreditCurrencyId, Decimal, FeatureId};
use crate::catalog::{self, Feature, FeatureType};
use crate::credits;
use crate::customers::{self, CustomerRef};
use crate::http::leaves::{Quantity, ShortText, Texts};
use crate::http::wire::Request;
use crate::http::{Body, Fields, Json, PathText, Problem};
use crate::keys::KeyScopes;
use crate::portal::PortalScopes;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use std::sync::Arc;
use unitpay_request::response;
use utoipa::ToSchema;

type Reader = Caller<{ KeyScopes::CUSTOMERS_READ }, { PortalScopes::CUSTOMER_READ }>;

#[derive(Debug, Serialize, ToSchema)]
pub struct EntitlementsResponse {
    pub data: Vec<CustomerEntitlement>,
}

/// A customer's entitlement to a feature.
#[response]
pub struct CustomerEntitlement {
    pub feature_id: FeatureId,
    pub slug: String,
    pub name: String,
    #[serde(flatten)]
    pub state: EntitlementState,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum EntitlementState {
    Boolean {
        access: bool,
    },
    Metered {
        /// Units per usage period; `null` is unlimited.
        #[schema(required = true)]
        limit: Option<i64>,
        /// A decimal.
        #[schema(value_type = String)]
        usage: Decimal,
        /// A decimal; `null` is unlimited.
        #[schema(value_type = Option<String>, required = true)]
        remaining: Option<Decimal>,
    },
    #[serde(rename_all = "camelCase")]
    Credit {
        /// In the credit currency's smallest unit.
        balance: i64,
        #[schema(value_type = Option<String>, required = true)]
        credit_currency_id: Option<CreditCurrencyId>,
        /// The cost of one unit, a decimal.
        #[schema(value_type = Option<String>, required = true)]
        credit_cost: Option<Decimal>,
    },
    Config {
        value: String,
    },
    Enum {
        values: Vec<String>,
    },
}

#[response]
pub struct CheckResponse {
    pub access: bool,
    /// The reason that access is denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = denied_reason_schema, required = false)]
    pub denied_reason: Option<&'static str>,
    /// The rest of the limit, a decimal; `null` if unlimited.
    pub remaining: Option<Decimal>,
    /// For a feature that costs credits.
    pub credit_balance: Option<i64>,
    pub feature: CheckedFeature,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CheckedFeature {
    #[schema(value_type = String)]
    pub id: FeatureId,
    pub slug: String,
    pub name: String,
    pub r#type: FeatureType,
}

fn denied_reason_schema() -> utoipa::openapi::schema::Object {
    utoipa::openapi::ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::Type::String)
        .enum_values(Some(DeniedReason::ALL.map(DeniedReason::as_str)))
        .build()
}

impl CustomerEntitlement {
    fn new(feature: Feature, state: Has) -> Self {
        let remaining = state.remaining();
        let (credit_currency_id, credit_cost) = feature.kind.credit().unzip();
        let state = match state {
            Has::Boolean => EntitlementState::Boolean { access: true },
            Has::Metered { limit, usage } => EntitlementState::Metered { limit, usage, remaining },
            Has::Credit { balance, .. } => {
                EntitlementState::Credit { balance, credit_currency_id, credit_cost }
            }
            Has::Config { value } => EntitlementState::Config { value },
            Has::Enum { values } => EntitlementState::Enum { values },
        };
        Self { feature_id: feature.id, slug: feature.slug, name: feature.name, state }
    }
}

#[derive(Debug, Request)]
pub struct CheckRequest {
    /// A UnitPay id, or the integrator's own. Required with a secret key.
    customer_id: Option<CustomerRef>,
    #[request(flatten)]
    asked: Asked,
}

#[derive(Debug, Request)]
#[request(name = "CheckOfCustomerRequest", before = Self::check)]
pub struct Asked {
    #[request(with = ShortText<64>, name = "featureSlug")]
    slug: String,
    /// For a metered or credit feature: a decimal with at most six fraction digits, in a string or
    /// a number. Default 1.
    #[request(with = Quantity, name = "requestedUsage")]
    usage: Option<Decimal>,
    /// For a config or enum feature: whether it has all of these values.
    #[request(with = Texts<100>, name = "requestedValues")]
    values: Option<Vec<String>>,
}

impl Asked {
    fn check(fields: &mut Fields) {
        if fields.has("requestedUsage") && fields.has("requestedValues") {
            fields.wrong("requestedValues", "must not be used with requestedUsage");
        }
    }

    /// Builds the request for this feature. Each type has its own fields.
    fn fit(self, feature: &Feature) -> Result<Option<Wanted>, Problem> {
        let countable = match feature.kind.r#type() {
            FeatureType::Metered | FeatureType::Credit => Some(true),
            FeatureType::Config | FeatureType::Enum => Some(false),
            FeatureType::Boolean => None,
        };
        let wrong = |param| Problem::invalid_param(param, "is not for features of this type");
        match (self.usage, self.values) {
            (Some(_), _) if countable != Some(true) => Err(wrong("requestedUsage")),
            (_, Some(_)) if countable != Some(false) => Err(wrong("requestedValues")),
            (Some(usage), _) => Ok(Some(Wanted::Usage(usage))),
            (None, values) => Ok(values.map(Wanted::Values)),
        }
    }
}

/// Lists all entitlements of a customer.
#[utoipa::path(get, path = "/v1/customers/{id}/entitlements", tag = "entitlements", operation_id = "listCustomerEntitlements",
    responses((status = 200, body = EntitlementsResponse)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Reader,
    PathText(id): PathText,
) -> Result<Json<EntitlementsResponse>, Problem> {
    let tenant = caller.tenant();
    let named = customers::http::reference(&id);
    let customer = caller.reach_customer(&mut app.db.read().await?, Some(&named)).await?;
    let at = credits::http::write_due(&app, &tenant, customer.no).await?;
    let all = super::all(&mut app.db.read().await?, &tenant, customer.no, at).await?;
    let data = all.into_iter().map(|(feature, state)| CustomerEntitlement::new(feature, state));
    Ok(Json(StatusCode::OK, EntitlementsResponse { data: data.collect() }))
}

/// Checks whether a customer may use a feature now. Consumes nothing.
#[utoipa::path(post, path = "/v1/check", tag = "entitlements", operation_id = "checkEntitlement",
    responses((status = 200, body = CheckResponse)))]
pub async fn check(
    State(app): State<Arc<App>>,
    caller: Reader,
    body: Body<CheckRequest>,
) -> Result<Json<CheckResponse>, Problem> {
    let (CheckRequest { customer_id, asked }, _) = body.read()?;
    answer(&app, &caller, customer_id, asked).await
}

/// Checks whether this customer may use a feature now. Consumes nothing.
#[utoipa::path(post, path = "/v1/customers/{id}/check", tag = "entitlements", operation_id = "checkCustomerEntitlement",
    responses((status = 200, body = CheckResponse)))]
pub async fn check_of_customer(
    State(app): State<Arc<App>>,
    caller: Reader,
    PathText(id): PathText,
    body: Body<Asked>,
) -> Result<Json<CheckResponse>, Problem> {
    let (asked, _) = body.read()?;
    answer(&app, &caller, Some(customers::http::reference(&id)), asked).await
}

async fn answer(
    app: &App,
    caller: &Reader,
    named: Option<CustomerRef>,
    asked: Asked,
) -> Result<Json<CheckResponse>, Problem> {
    let tenant = caller.tenant();
    let customer = caller.reach_customer(&mut app.db.read().await?, named.as_ref()).await?;
    let at = credits::http::write_due(app, &tenant, customer.no).await?;
    let tx = &mut app.db.read().await?;
    let viewer = caller.viewer();
    let feature = catalog::visible_feature(tx, &tenant, viewer, &asked.slug).await?;
    let feature = feature.ok_or_else(Problem::not_found)?;
    let request = asked.fit(&feature)?;
    let state = super::of_feature(tx, &tenant, customer.no, &feature, at).await?;
    let denied = super::check(&feature, state.as_ref(), request.as_ref()).err();
    let body = CheckResponse {
        access: denied.is_none(),
        denied_reason: denied.map(DeniedReason::as_str),
        remaining: state.as_ref().and_then(Has::remaining),
        credit_balance: state.as_ref().and_then(Has::balance),
        feature: CheckedFeature {
            id: feature.id,
            r#type: feature.kind.r#type(),
            slug: feature.slug,
            name: feature.name,
        },
    };
    Ok(Json(StatusCode::OK, body))
}
