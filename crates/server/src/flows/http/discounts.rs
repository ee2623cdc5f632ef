//! HTTP handlers for the discount of a subscription, and the coupon that other requests name.

use crate::app::App;
use crate::auth::{Caller, SecretKey};
use crate::base::CouponId;
use crate::coupons::CouponRef;
use crate::flows::discount;
use crate::http::leaves::ShortText;
use crate::http::page::path_id;
use crate::http::wire::Request;
use crate::http::{Body, Fields, Json, PathText, Problem};
use crate::keys::KeyScopes;
use crate::limits::Limited;
use crate::subscriptions::http::{SubscriptionResponse, Writer};
use crate::work::Work;
use axum::extract::State;
use http::StatusCode;
use std::sync::Arc;

type KeyWriter = SecretKey<{ KeyScopes::SUBSCRIPTIONS_WRITE }>;

/// The coupon of a purchase or a change.
#[derive(Debug, Request)]
#[request(before = Self::check)]
pub struct CouponChoice {
    /// A coupon to redeem.
    #[request(key_only)]
    coupon_id: Option<CouponId>,
    /// The promotion code of a coupon to redeem, in any case.
    #[request(with = ShortText<100>)]
    promotion_code: Option<String>,
}

#[derive(Debug, Request)]
#[request(before = Self::check)]
pub struct PutDiscountRequest {
    /// Either this or `promotionCode`.
    coupon_id: Option<CouponId>,
    /// A promotion code, in any case.
    #[request(with = ShortText<100>)]
    promotion_code: Option<String>,
}

impl CouponChoice {
    fn check(fields: &mut Fields) {
        if fields.has("couponId") && fields.has("promotionCode") {
            fields.wrong("couponId", "must not be given with promotionCode");
        }
    }

    /// Returns the coupon. A customer's promotion codes are counted, so that guessing is slow.
    pub fn read(&self, app: &App, caller: &Writer) -> Result<Option<CouponRef>, Problem> {
        if let (Caller::Portal(portal), Some(_)) = (caller, &self.promotion_code) {
            let session = portal.verified().session();
            let (tenant, customer) = (session.tenant.no, session.customer_no);
            if let Limited::Hit(limit) = app.limits.promotion_code(tenant, customer) {
                return Err(Problem::rate_limited(limit));
            }
        }
        Ok(reference(self.coupon_id, self.promotion_code.as_deref()))
    }
}

impl PutDiscountRequest {
    fn check(fields: &mut Fields) {
        fields.exactly_one("couponId", "promotionCode");
    }
}

fn reference(coupon: Option<CouponId>, code: Option<&str>) -> Option<CouponRef> {
    coupon.map(CouponRef::Coupon).or_else(|| code.map(|code| CouponRef::Code(code.to_owned())))
}

/// Gives a subscription a discount from its next period on, in place of the one that it has.
#[utoipa::path(put, path = "/v1/subscriptions/{id}/discount", tag = "subscriptions", operation_id = "putSubscriptionDiscount",
    responses((status = 200, body = SubscriptionResponse)))]
pub async fn put(
    State(app): State<Arc<App>>,
    caller: KeyWriter,
    PathText(id): PathText,
    body: Body<PutDiscountRequest>,
) -> Result<Json<SubscriptionResponse>, Problem> {
    let (PutDiscountRequest { coupon_id, promotion_code }, _) = body.read()?;
    let (tenant, id) = (caller.tenant(), path_id(&id)?);
    let by = app.by(caller.actor());
    let coupon = reference(coupon_id, promotion_code.as_deref()).ok_or_else(Problem::not_found)?;
    let done = app.work(tenant, by, async move |work: &mut Work<'_, '_, '_>| {
        discount::set(work, id, &coupon).await
    });
    Ok(Json(StatusCode::OK, SubscriptionResponse::to_backend(&done.await?)))
}

/// Removes the discount of a subscription from its next period on. Idempotent.
#[utoipa::path(delete, path = "/v1/subscriptions/{id}/discount", tag = "subscriptions", operation_id = "deleteSubscriptionDiscount",
    responses((status = 200, body = SubscriptionResponse)))]
pub async fn remove(
    State(app): State<Arc<App>>,
    caller: KeyWriter,
    PathText(id): PathText,
) -> Result<Json<SubscriptionResponse>, Problem> {
    let (tenant, id) = (caller.tenant(), path_id(&id)?);
    let by = app.by(caller.actor());
    let done = app.work(tenant, by, async move |work: &mut Work<'_, '_, '_>| {
        discount::remove(work, id).await
    });
    Ok(Json(StatusCode::OK, SubscriptionResponse::to_backend(&done.await?)))
}
