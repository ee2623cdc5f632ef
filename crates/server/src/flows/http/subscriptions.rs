//! Buying, changing and canceling. What moves money answers with a [`SettleOutcome`].

use crate::app::App;
use crate::auth::Caller;
use crate::base::PlanId;
use crate::customers::{self, CustomerRef};
use crate::db::{Lane, Tx};
use crate::flows::http::answer::{SettleOutcomeResponse, answer};
use crate::flows::{self, CancelMode, ChangeRequest, NewSubscription};
use crate::http::page::path_id;
use crate::http::{Fields, IdempotencyKey, Json, JsonBody, NoBody, PathText, Problem};
use crate::subscriptions::http::{PreviewResponse, SubscriptionResponse, Writer, view, viewer};
use crate::work::{BillingError, Work};
use crate::{settlement, subscriptions, test_clock};
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

const QUANTITY: std::ops::RangeInclusive<i64> = 1..=1_000_000;

#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // Describes what `create` and `preview` read.
pub struct CreateSubscriptionRequest {
    /// Our id, or the integrator's own. With a portal token its own customer, or absent.
    #[schema(min_length = 1, max_length = 128, nullable = false)]
    customer_id: Option<String>,
    plan_id: String,
    /// Default 1.
    #[schema(minimum = 1, maximum = 1000000, nullable = false)]
    quantity: Option<i64>,
    /// Not with a portal token.
    #[schema(nullable = false)]
    metadata: Option<BTreeMap<String, String>>,
    /// Whether a customer who owes an overdue or uncollectible invoice may buy. Default false. Not
    /// with a portal token.
    #[schema(nullable = false)]
    allow_unpaid: Option<bool>,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // Describes what `preview_change` reads.
pub struct PreviewChangeRequest {
    /// Default the plan in force.
    #[schema(nullable = false)]
    plan_id: Option<String>,
    /// Default the quantity in force.
    #[schema(minimum = 1, maximum = 1000000, nullable = false)]
    quantity: Option<i64>,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // Describes what `change_plan` reads.
pub struct ChangePlanRequest {
    /// Default the plan in force.
    #[schema(nullable = false)]
    plan_id: Option<String>,
    /// Default the quantity in force.
    #[schema(minimum = 1, maximum = 1000000, nullable = false)]
    quantity: Option<i64>,
    /// The `prorationDate` of a preview that is at most ten minutes old.
    #[schema(format = DateTime, nullable = false)]
    proration_date: Option<String>,
    /// Whether a customer who owes an overdue or uncollectible invoice may upgrade. Default false.
    /// Not with a portal token.
    #[schema(nullable = false)]
    allow_unpaid: Option<bool>,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // Describes what `cancel` reads.
pub struct CancelSubscriptionRequest {
    /// Default `period_end`.
    #[schema(nullable = false)]
    mode: Option<CancelModeName>,
    #[schema(min_length = 1, max_length = 500, nullable = false)]
    reason: Option<String>,
}

#[derive(Debug, ToSchema)]
#[schema(as = CancelMode, rename_all = "snake_case")]
#[allow(dead_code)] // Describes `CancelSubscriptionRequest::mode`.
pub enum CancelModeName {
    PeriodEnd,
    Now,
}

impl Fields {
    fn plan_id(&mut self) -> Option<PlanId> {
        self.parsed("planId", "the id of a plan")
    }
}

/// What is to be bought, and for whom, as a request says it.
struct Asked {
    customer: Option<CustomerRef>,
    plan_id: PlanId,
    quantity: i64,
    allow_unpaid: bool,
    metadata: Option<String>,
}

impl Asked {
    fn read(caller: &Writer, mut fields: Fields) -> Result<Self, Problem> {
        let customer = fields.customer("customerId");
        fields.required(&["planId"]);
        let plan_id = fields.plan_id();
        let quantity = fields.integer("quantity", QUANTITY).unwrap_or(1);
        let allow_unpaid = allow_unpaid(caller, &mut fields);
        let metadata = match caller {
            Caller::Key(_) => {
                if customer.is_none() {
                    fields.required(&["customerId"]);
                }
                fields.metadata("metadata")
            }
            Caller::Portal(_) => None,
        };
        let plan_id = fields.made(|| plan_id)?;
        Ok(Self { customer, plan_id, quantity, allow_unpaid, metadata })
    }

    /// What it means now: the customer is looked up.
    async fn of(&self, tx: &mut Tx<'_, '_>, caller: &Writer) -> Result<NewSubscription, Problem> {
        let customer = customers::http::meant(tx, caller, self.customer.as_ref()).await?;
        Ok(NewSubscription {
            customer_no: customer.no,
            viewer: viewer(caller),
            plan_id: self.plan_id,
            quantity: self.quantity,
            allow_unpaid: self.allow_unpaid,
            metadata: self.metadata.clone().unwrap_or_else(|| "{}".to_owned()),
        })
    }
}

/// Reads `allowUnpaid`, which a portal token may not name.
fn allow_unpaid(caller: &Writer, fields: &mut Fields) -> bool {
    match caller {
        Caller::Key(_) => fields.boolean("allowUnpaid").unwrap_or(false),
        Caller::Portal(_) => false,
    }
}

/// Shows what a subscription would cost now and next. Nothing is bought.
#[utoipa::path(post, path = "/v1/subscriptions/preview", tag = "subscriptions", operation_id = "previewSubscription",
    security(("secretKey" = ["subscriptions:write"]), ("portalToken" = ["subscriptions:write"])),
    request_body = CreateSubscriptionRequest,
    responses((status = 200, body = PreviewResponse)))]
pub async fn preview(
    State(app): State<Arc<App>>,
    caller: Writer,
    JsonBody { fields, .. }: JsonBody,
) -> Result<Json<PreviewResponse>, Problem> {
    let tenant = caller.tenant();
    let asked = Asked::read(&caller, fields)?;
    let by = app.by(caller.actor());
    let mut tx = app.db.read().await?;
    let new = asked.of(&mut tx, &caller).await?;
    let at = test_clock::now(&mut tx, &tenant, by.now).await?;
    let preview =
        flows::preview(&mut Work { tx: &mut tx, tenant: &tenant, at, by: &by }, &new).await?;
    Ok(Json(StatusCode::OK, preview.into()))
}

/// Buys a plan: starts a subscription, with its first payment where there is one to be made.
#[utoipa::path(post, path = "/v1/subscriptions", tag = "subscriptions", operation_id = "createSubscription",
    security(("secretKey" = ["subscriptions:write"]), ("portalToken" = ["subscriptions:write"])),
    params(("Idempotency-Key" = Option<String>, Header,)),
    request_body = CreateSubscriptionRequest,
    responses((status = 200, body = SettleOutcomeResponse)))]
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Writer,
    idempotency: IdempotencyKey,
    JsonBody { fields, raw }: JsonBody,
) -> Result<Response, Problem> {
    let (tenant, backend) = (caller.tenant(), is_backend(&caller));
    let asked = Asked::read(&caller, fields)?;
    let by = app.by(caller.actor());
    let idempotency = idempotency.of(caller.idempotency_scope(), &raw, by.now);
    let done = app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
        let idempotency = idempotency.as_ref();
        if let Some(kept) = settlement::replay::<Problem>(tx, idempotency).await? {
            return Ok((kept, true));
        }
        let new = asked.of(tx, &caller).await?;
        let at = test_clock::write_now::<Problem>(tx, &tenant, by.now).await?;
        let kept = flows::create(&mut Work { tx, tenant: &tenant, at, by: &by }, &new).await?;
        settlement::keep(tx, idempotency, &kept).await?;
        Ok::<_, Problem>((kept, false))
    });
    let (kept, replayed) = done.await?;
    answer(&app, &tenant, backend, kept, replayed).await
}

fn is_backend(caller: &Writer) -> bool {
    match caller {
        Caller::Key(_) => true,
        Caller::Portal(_) => false,
    }
}

/// Shows what a change would cost now and next, and when it would come into force.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/preview-change", tag = "subscriptions", operation_id = "previewSubscriptionChange",
    security(("secretKey" = ["subscriptions:write"]), ("portalToken" = ["subscriptions:write"])),
    params(("id" = String, Path,)),
    request_body = PreviewChangeRequest,
    responses((status = 200, body = PreviewResponse)))]
pub async fn preview_change(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    JsonBody { mut fields, .. }: JsonBody,
) -> Result<Json<PreviewResponse>, Problem> {
    let tenant = caller.tenant();
    let (plan_id, quantity) = (fields.plan_id(), fields.integer("quantity", QUANTITY));
    fields.finish()?;
    let request = ChangeRequest {
        subscription_id: path_id(&id)?,
        viewer: viewer(&caller),
        plan_id,
        quantity,
        proration_date: None,
        allow_unpaid: true,
    };
    let mut tx = app.db.read().await?;
    let at = test_clock::now(&mut tx, &tenant, app.clock.now()).await?;
    let preview = flows::preview_change(&mut tx, &tenant, &request, at).await?;
    Ok(Json(StatusCode::OK, preview.into()))
}

/// Changes plan or quantity: at once, prorated and paid first, where it costs more; at the period's
/// end where it costs less.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/change-plan", tag = "subscriptions", operation_id = "changePlan",
    security(("secretKey" = ["subscriptions:write"]), ("portalToken" = ["subscriptions:write"])),
    params(("id" = String, Path,), ("Idempotency-Key" = Option<String>, Header,)),
    request_body = ChangePlanRequest,
    responses((status = 200, body = SettleOutcomeResponse)))]
pub async fn change_plan(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    idempotency: IdempotencyKey,
    JsonBody { mut fields, raw }: JsonBody,
) -> Result<Response, Problem> {
    let tenant = caller.tenant();
    let (plan_id, quantity) = (fields.plan_id(), fields.integer("quantity", QUANTITY));
    let proration_date = fields.time("prorationDate");
    let allow_unpaid = allow_unpaid(&caller, &mut fields);
    fields.finish()?;
    let (subscription_id, viewer) = (path_id(&id)?, viewer(&caller));
    let request =
        ChangeRequest { subscription_id, viewer, plan_id, quantity, proration_date, allow_unpaid };
    let by = app.by(caller.actor());
    let idempotency = idempotency.of(caller.idempotency_scope(), &raw, by.now);
    let done = app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
        let idempotency = idempotency.as_ref();
        if let Some(kept) = settlement::replay::<BillingError>(tx, idempotency).await? {
            return Ok((kept, true));
        }
        let at = test_clock::write_now::<BillingError>(tx, &tenant, by.now).await?;
        let kept = flows::change(&mut Work { tx, tenant: &tenant, at, by: &by }, &request).await?;
        settlement::keep(tx, idempotency, &kept).await?;
        Ok::<_, BillingError>((kept, false))
    });
    let (kept, replayed) = done.await?;
    answer(&app, &tenant, is_backend(&caller), kept, replayed).await
}

/// Cancels a subscription: at its period's end, which may be undone until then, or now. Usage that
/// was not billed yet is invoiced and charged when it ends; nothing is refunded.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/cancel", tag = "subscriptions", operation_id = "cancelSubscription",
    security(("secretKey" = ["subscriptions:write"]), ("portalToken" = ["subscriptions:write"])),
    params(("id" = String, Path,)),
    request_body = Option<CancelSubscriptionRequest>,
    responses((status = 200, body = SubscriptionResponse)))]
pub async fn cancel(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    body: Option<JsonBody>,
) -> Result<Json<SubscriptionResponse>, Problem> {
    let mut fields = body.map(|body| body.fields).unwrap_or_default();
    let mode = fields.word("mode", &CancelMode::ALL, CancelMode::as_str);
    let mode = mode.unwrap_or(CancelMode::PeriodEnd);
    let reason = fields.text("reason", 1..=500);
    fields.finish()?;
    let (tenant, viewer, id) = (caller.tenant(), viewer(&caller), path_id(&id)?);
    let by = app.by(caller.actor());
    let done = app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
        let at = test_clock::write_now::<BillingError>(tx, &tenant, by.now).await?;
        let mut subscription = subscriptions::lock_own(tx, &tenant, viewer, id).await?;
        let (s, reason) = (&mut subscription, reason.clone());
        let attempt =
            flows::cancel(&mut Work { tx, tenant: &tenant, at, by: &by }, s, mode, reason).await?;
        Ok::<_, BillingError>((subscription, attempt))
    });
    let (subscription, attempt) = done.await?;
    if let Some(attempt) = attempt {
        // Whatever the charge comes to, the subscription has ended; its invoice tells.
        flows::run(&app, &tenant, attempt).await?;
    }
    Ok(Json(StatusCode::OK, view(&caller, &subscription)))
}

/// Undoes a cancellation that has not come into force; where there is none, it changes nothing.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/uncancel", tag = "subscriptions", operation_id = "uncancelSubscription",
    security(("secretKey" = ["subscriptions:write"]), ("portalToken" = ["subscriptions:write"])),
    params(("id" = String, Path,)),
    responses((status = 200, body = SubscriptionResponse)))]
pub async fn uncancel(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    _: NoBody,
) -> Result<Json<SubscriptionResponse>, Problem> {
    let (tenant, viewer, id) = (caller.tenant(), viewer(&caller), path_id(&id)?);
    let by = app.by(caller.actor());
    let done = app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
        let at = test_clock::write_now::<BillingError>(tx, &tenant, by.now).await?;
        let mut subscription = subscriptions::lock_own(tx, &tenant, viewer, id).await?;
        flows::uncancel(&mut Work { tx, tenant: &tenant, at, by: &by }, &mut subscription).await?;
        Ok::<_, BillingError>(subscription)
    });
    Ok(Json(StatusCode::OK, view(&caller, &done.await?)))
}
