//! HTTP handlers that start, change and cancel subscriptions. Those that move money return a
//! [`SettleOutcome`].

use crate::app::App;
use crate::base::{PlanId, Time};
use crate::coupons::CouponRef;
use crate::customers::CustomerRef;
use crate::db::Tx;
use crate::flows::http::answer::{SettleOutcomeResponse, answer};
use crate::flows::http::discounts::CouponChoice;
use crate::flows::{self, CancelMode, ChangeRequest, NewSubscription, Prepaid};
use crate::http::leaves::{Integer, Metadata, Text};
use crate::http::page::path_id;
use crate::http::wire::Request;
use crate::http::{Body, Fields, IdempotencyKey, Json, NoBody, PathText, Problem};
use crate::subscriptions::http::{PreviewResponse, SubscriptionResponse, Writer, view};
use crate::work::{BillingError, Work};
use crate::{subscriptions, test_clock};
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use std::sync::Arc;

type Quantity = Integer<1, 1_000_000>;

#[derive(Debug, Request)]
#[request(before = Self::check)]
pub struct CreateSubscriptionRequest {
    /// A UnitPay id, or the integrator's own. Required with a secret key; a portal token may only
    /// name its own customer.
    customer_id: Option<CustomerRef>,
    plan_id: PlanId,
    /// Default 1.
    #[request(with = Quantity, default = 1)]
    quantity: i64,
    /// Whether a customer who owes an overdue or uncollectible invoice may buy. Default false.
    #[request(key_only, default = false)]
    allow_unpaid: bool,
    /// The end of a period that was paid elsewhere: nothing is charged before, and the first renewal
    /// is at this instant. At most one period of the plan ahead. Such a start has no trial and no setup
    /// fee, and waits for no payment method.
    #[request(key_only)]
    prepaid_until: Option<Time>,
    /// The instant that periods are counted from, a whole number of months before `prepaidUntil`: the
    /// anchor 31 January keeps the month's end. Default `prepaidUntil`, which it needs.
    #[request(key_only)]
    billing_anchor: Option<Time>,
    /// When the subscription started elsewhere: usage since then counts in the current usage month.
    /// Default now. Needs `prepaidUntil`.
    #[request(key_only)]
    start_at: Option<Time>,
    #[request(flatten)]
    coupon: CouponChoice,
    #[request(with = Metadata, key_only)]
    metadata: Option<String>,
}

#[derive(Debug, Request)]
pub struct PreviewChangeRequest {
    /// Default: the current plan.
    plan_id: Option<PlanId>,
    /// Default: the current quantity.
    #[request(with = Quantity)]
    quantity: Option<i64>,
    #[request(flatten)]
    coupon: CouponChoice,
}

#[derive(Debug, Request)]
pub struct ChangePlanRequest {
    #[request(flatten)]
    change: PreviewChangeRequest,
    /// The `prorationDate` of a preview from the last ten minutes.
    proration_date: Option<Time>,
    /// Whether a customer who owes an overdue or uncollectible invoice may upgrade. Default false.
    #[request(key_only, default = false)]
    allow_unpaid: bool,
}

#[derive(Debug, Request)]
pub struct CancelSubscriptionRequest {
    /// Default `period_end`.
    #[request(default = CancelMode::PeriodEnd)]
    mode: CancelMode,
    #[request(with = Text<1, 500>)]
    reason: Option<String>,
}

impl CreateSubscriptionRequest {
    fn check(fields: &mut Fields) {
        if fields.is_of_key() {
            fields.required(&["customerId"]);
        }
        if fields.has("billingAnchor") || fields.has("startAt") {
            fields.required(&["prepaidUntil"]);
        }
    }

    /// Looks up the customer.
    async fn resolve(
        &self,
        tx: &mut Tx<'_, '_>,
        caller: &Writer,
        coupon: Option<CouponRef>,
    ) -> Result<NewSubscription, Problem> {
        let customer = caller.reach_customer(tx, self.customer_id.as_ref()).await?;
        Ok(NewSubscription {
            customer_no: customer.no,
            viewer: caller.viewer(),
            plan_id: self.plan_id,
            quantity: self.quantity,
            allow_unpaid: self.allow_unpaid,
            prepaid: self.prepaid_until.map(|until| Prepaid {
                until,
                anchor: self.billing_anchor,
                started_at: self.start_at,
            }),
            coupon,
            metadata: self.metadata.clone().unwrap_or_else(|| "{}".to_owned()),
        })
    }
}

/// Previews a subscription: its cost now and at the next renewal. Buys nothing.
#[utoipa::path(post, path = "/v1/subscriptions/preview", tag = "subscriptions", operation_id = "previewSubscription",
    responses((status = 200, body = PreviewResponse)))]
pub async fn preview(
    State(app): State<Arc<App>>,
    caller: Writer,
    body: Body<CreateSubscriptionRequest>,
) -> Result<Json<PreviewResponse>, Problem> {
    let tenant = caller.tenant();
    let (asked, _) = body.read()?;
    let coupon = asked.coupon.read(&app, &caller)?;
    let by = app.by(caller.actor());
    let mut tx = app.db.read().await?;
    let new = asked.resolve(&mut tx, &caller, coupon).await?;
    let at = test_clock::now(&mut tx, &tenant, by.now).await?;
    let preview =
        flows::preview(&mut Work { tx: &mut tx, tenant: &tenant, at, by: &by }, &new).await?;
    Ok(Json(StatusCode::OK, preview.into()))
}

/// Starts a subscription, with its first payment if it costs something.
#[utoipa::path(post, path = "/v1/subscriptions", tag = "subscriptions", operation_id = "createSubscription",
    responses((status = 200, body = SettleOutcomeResponse)))]
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Writer,
    idempotency: IdempotencyKey,
    body: Body<CreateSubscriptionRequest>,
) -> Result<Response, Problem> {
    let (tenant, viewer) = (caller.tenant(), caller.viewer());
    let (asked, raw) = body.read()?;
    let coupon = asked.coupon.read(&app, &caller)?;
    let by = app.by(caller.actor());
    let idempotency = idempotency.bind(caller.idempotency_scope(), &raw, by.now);
    // The customer comes first: an unknown one is missing even while the test clock advances.
    let written = app.once(idempotency, async move |tx: &mut Tx<'_, '_>| {
        let new = asked.resolve(tx, &caller, coupon.clone()).await?;
        let at = test_clock::write_now::<Problem>(tx, &tenant, by.now).await?;
        let mut work = Work { tx, tenant: &tenant, at, by: &by };
        Ok::<_, Problem>(flows::create(&mut work, &new).await?)
    });
    answer(&app, &tenant, viewer, written.await?).await
}

/// Previews a change: its cost now and at the next renewal, and when it applies.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/preview-change", tag = "subscriptions", operation_id = "previewSubscriptionChange",
    responses((status = 200, body = PreviewResponse)))]
pub async fn preview_change(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    body: Body<PreviewChangeRequest>,
) -> Result<Json<PreviewResponse>, Problem> {
    let tenant = caller.tenant();
    let (PreviewChangeRequest { plan_id, quantity, coupon }, _) = body.read()?;
    let request = ChangeRequest {
        subscription_id: path_id(&id)?,
        viewer: caller.viewer(),
        plan_id,
        quantity,
        proration_date: None,
        allow_unpaid: true,
        coupon: coupon.read(&app, &caller)?,
    };
    let by = app.by(caller.actor());
    let mut tx = app.db.read().await?;
    let at = test_clock::now(&mut tx, &tenant, by.now).await?;
    let mut work = Work { tx: &mut tx, tenant: &tenant, at, by: &by };
    let preview = flows::preview_change(&mut work, &request).await?;
    Ok(Json(StatusCode::OK, preview.into()))
}

/// Changes plan or quantity. A change that costs more is prorated, paid and applied now. A change
/// that costs less applies at the period's end.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/change-plan", tag = "subscriptions", operation_id = "changePlan",
    responses((status = 200, body = SettleOutcomeResponse)))]
pub async fn change_plan(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    idempotency: IdempotencyKey,
    body: Body<ChangePlanRequest>,
) -> Result<Response, Problem> {
    let tenant = caller.tenant();
    let (ChangePlanRequest { change, proration_date, allow_unpaid }, raw) = body.read()?;
    let PreviewChangeRequest { plan_id, quantity, coupon } = change;
    let request = ChangeRequest {
        subscription_id: path_id(&id)?,
        viewer: caller.viewer(),
        plan_id,
        quantity,
        proration_date,
        allow_unpaid,
        coupon: coupon.read(&app, &caller)?,
    };
    let by = app.by(caller.actor());
    let idempotency = idempotency.bind(caller.idempotency_scope(), &raw, by.now);
    let rule = async move |work: &mut Work<'_, '_, '_>| flows::change(work, &request).await;
    let written = app.write(tenant, by, idempotency, rule).await?;
    answer(&app, &tenant, caller.viewer(), written).await
}

/// Cancels a subscription at its period's end, which can be undone until then, or now. Usage that
/// is not billed yet is invoiced and charged when the subscription ends. Nothing is refunded.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/cancel", tag = "subscriptions", operation_id = "cancelSubscription",
    responses((status = 200, body = SubscriptionResponse)))]
pub async fn cancel(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    body: Option<Body<CancelSubscriptionRequest>>,
) -> Result<Json<SubscriptionResponse>, Problem> {
    let (CancelSubscriptionRequest { mode, reason }, _) = Body::read_optional(body)?;
    let (tenant, viewer, id) = (caller.tenant(), caller.viewer(), path_id(&id)?);
    let by = app.by(caller.actor());
    let done = app.work(tenant, by, async move |work: &mut Work<'_, '_, '_>| {
        let mut subscription =
            subscriptions::lock_reachable(work.tx, work.tenant, viewer, id).await?;
        let (s, reason) = (&mut subscription, reason.clone());
        let attempt = flows::cancel(work, s, mode, reason).await?;
        Ok::<_, BillingError>((subscription, attempt))
    });
    let (subscription, attempt) = done.await?;
    if let Some(attempt) = attempt {
        // The subscription has ended whatever the result of the charge, which the invoice shows.
        flows::run(&app, &tenant, attempt).await?;
    }
    Ok(Json(StatusCode::OK, view(&caller, &subscription)))
}

/// Undoes a scheduled cancellation. Idempotent.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/uncancel", tag = "subscriptions", operation_id = "uncancelSubscription",
    responses((status = 200, body = SubscriptionResponse)))]
pub async fn uncancel(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    _: NoBody,
) -> Result<Json<SubscriptionResponse>, Problem> {
    let (tenant, viewer, id) = (caller.tenant(), caller.viewer(), path_id(&id)?);
    let by = app.by(caller.actor());
    let done = app.work(tenant, by, async move |work: &mut Work<'_, '_, '_>| {
        let mut subscription =
            subscriptions::lock_reachable(work.tx, work.tenant, viewer, id).await?;
        flows::uncancel(work, &mut subscription).await?;
        Ok::<_, BillingError>(subscription)
    });
    Ok(Json(StatusCode::OK, view(&caller, &done.await?)))
}
