//! HTTP handlers of coupons and promotion codes. Only backends read them: a page that could list
//! codes could use them.

use super::{Name, Shown, Writer, no_metadata};
use crate::app::App;
use crate::auth::SecretKey;
use crate::base::{CouponId, Currency, PlanId, PromotionCodeId, Time, Viewer};
use crate::catalog::{
    CatalogStatus, CodeText, Coupon, CouponChange, CouponDuration, PromotionCode,
    PromotionCodeChange, sql,
};
use crate::http::leaves::{Amount, Integer, Metadata, Texts, text};
use crate::http::page::{ListQuery, ListResponse, Unfiltered, path_id};
use crate::http::wire::{Field, Request};
use crate::http::{Body, Fields, IdempotencyKey, Json, PathText, Problem};
use crate::keys::KeyScopes;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde_json::Value;
use std::str::FromStr;
use std::sync::Arc;
use unitpay_request::response;
use utoipa::openapi::{RefOr, Schema};

type Reader = SecretKey<{ KeyScopes::CATALOG_READ }>;
type Redemptions = Integer<1, 1_000_000_000>;

const MAX_PLANS: usize = 50;

/// The filter of a list of promotion codes.
#[derive(Debug, Request)]
pub struct OfCoupon {
    coupon_id: Option<CouponId>,
}

#[response]
#[schema(as = Coupon)]
pub struct CouponResponse {
    pub id: CouponId,
    pub name: String,
    /// The part of the price that it takes off, in percent. Either this or `amountOff`.
    pub percent_off: Option<i64>,
    /// The amount that it takes off the price of each period, in the currency's minor unit.
    pub amount_off: Option<i64>,
    pub currency: Option<Currency>,
    pub duration: CouponDuration,
    /// The number of billing periods, of a coupon that repeats.
    pub duration_in_periods: Option<i64>,
    /// The plans whose price it lowers; empty for all.
    pub plan_ids: Vec<PlanId>,
    /// When it can first be redeemed.
    pub starts_at: Option<Time>,
    /// From then on it cannot be redeemed. Discounts that were given go on.
    pub ends_at: Option<Time>,
    pub max_redemptions: Option<i64>,
    /// The number of customers who redeemed it, and of open forms that will.
    pub times_redeemed: i64,
    pub status: CatalogStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    pub created_at: Time,
    pub updated_at: Time,
}

#[response]
#[schema(as = PromotionCode)]
pub struct PromotionCodeResponse {
    pub id: PromotionCodeId,
    /// Upper case. Customers may type it in any case.
    #[schema(value_type = String)]
    pub code: String,
    pub coupon_id: CouponId,
    pub active: bool,
    /// From then on it cannot be redeemed.
    pub expires_at: Option<Time>,
    pub max_redemptions: Option<i64>,
    /// The number of customers who redeemed it, and of open forms that will.
    pub times_redeemed: i64,
    /// Whether it is for customers who have not bought anything yet.
    pub first_time_only: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    pub created_at: Time,
    pub updated_at: Time,
}

#[derive(Debug, Request)]
pub struct CreateCouponRequest {
    /// Shown to customers, on invoices too.
    #[request(with = Name)]
    name: String,
    /// The part of the price that it takes off, in percent. Either this or `amountOff`.
    #[request(with = Integer<1, 100>)]
    percent_off: Option<i64>,
    /// The amount that it takes off the price of each period, in the currency's minor unit.
    #[request(with = Amount<1>)]
    amount_off: Option<i64>,
    /// Required with `amountOff`.
    currency: Option<Currency>,
    /// The periods whose price it lowers.
    duration: CouponDuration,
    /// Required if `duration` is `repeating`.
    #[request(with = Integer<1, 1_200>)]
    duration_in_periods: Option<i64>,
    /// The plans whose price it lowers. Default: all.
    #[request(with = Texts<MAX_PLANS>)]
    plan_ids: Option<Vec<String>>,
    /// When it can first be redeemed. Default: at once.
    starts_at: Option<Time>,
    /// From then on it cannot be redeemed. Discounts that were given go on.
    ends_at: Option<Time>,
    /// The number of customers who may redeem it.
    #[request(with = Redemptions)]
    max_redemptions: Option<i64>,
    #[request(with = Metadata, default = no_metadata())]
    metadata: String,
}

#[derive(Debug, Request)]
#[request(patch)]
pub struct UpdateCouponRequest {
    #[request(with = Name)]
    name: Option<String>,
    /// `null` clears it.
    ends_at: Option<Option<Time>>,
    /// `null` clears it.
    #[request(with = Redemptions)]
    max_redemptions: Option<Option<i64>>,
    /// An archived coupon cannot be redeemed. Discounts that were given go on.
    status: Option<CatalogStatus>,
    /// Replaces all of it; `null` empties it.
    #[request(with = Metadata)]
    metadata: Option<String>,
}

#[derive(Debug, Request)]
pub struct CreatePromotionCodeRequest {
    /// 3 to 40 letters, digits, hyphens and underscores, in any case. Unique.
    code: CodeText,
    coupon_id: CouponId,
    /// Default true.
    #[request(default = true)]
    active: bool,
    /// From then on it cannot be redeemed.
    expires_at: Option<Time>,
    /// The number of customers who may redeem it. The coupon's own limit holds, too.
    #[request(with = Redemptions)]
    max_redemptions: Option<i64>,
    /// Whether it is for customers who have not bought anything yet. Default false.
    #[request(default = false)]
    first_time_only: bool,
    #[request(with = Metadata, default = no_metadata())]
    metadata: String,
}

#[derive(Debug, Request)]
#[request(patch)]
pub struct UpdatePromotionCodeRequest {
    active: Option<bool>,
    /// `null` clears it.
    expires_at: Option<Option<Time>>,
    /// `null` clears it.
    #[request(with = Redemptions)]
    max_redemptions: Option<Option<i64>>,
    first_time_only: Option<bool>,
    /// Replaces all of it; `null` empties it.
    #[request(with = Metadata)]
    metadata: Option<String>,
}

impl Field for CodeText {
    type Value = Self;

    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        fields.parsed(name, "3 to 40 letters, digits, hyphens and underscores")
    }

    fn schema() -> RefOr<Schema> {
        text(3, 40).into()
    }
}

impl Shown for Coupon {
    type Response = CouponResponse;

    fn show(&self, viewer: Viewer) -> CouponResponse {
        CouponResponse {
            id: self.id,
            name: self.name.clone(),
            percent_off: self.percent_off,
            amount_off: self.amount_off,
            currency: self.currency,
            duration: self.duration,
            duration_in_periods: self.duration_in_periods,
            plan_ids: self.plan_ids.clone(),
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            max_redemptions: self.max_redemptions,
            times_redeemed: self.times_redeemed,
            status: CatalogStatus::new(self.archived),
            metadata: super::metadata(&self.metadata, viewer),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

impl Shown for PromotionCode {
    type Response = PromotionCodeResponse;

    fn show(&self, viewer: Viewer) -> PromotionCodeResponse {
        PromotionCodeResponse {
            id: self.id,
            code: self.code.to_string(),
            coupon_id: self.coupon_id,
            active: self.active,
            expires_at: self.expires_at,
            max_redemptions: self.max_redemptions,
            times_redeemed: self.times_redeemed,
            first_time_only: self.first_time_only,
            metadata: super::metadata(&self.metadata, viewer),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

/// Reads an object for a backend.
async fn read<T: Shown>(
    app: &App,
    caller: &Reader,
    id: &str,
) -> Result<Json<T::Response>, Problem> {
    let (tenant, id) = (caller.tenant(), path_id::<T::Id>(id)?);
    let rows = &mut app.db.read().await?;
    let found: Option<T> = sql::get(rows, &tenant, Viewer::Backend, id).await?;
    let found = found.ok_or_else(Problem::not_found)?;
    Ok(Json(StatusCode::OK, found.show(Viewer::Backend)))
}

/// Creates a coupon. Its terms never change.
#[utoipa::path(post, path = "/v1/coupons", tag = "catalog", operation_id = "createCoupon",
    responses((status = 201, body = CouponResponse)))]
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Writer,
    idempotency: IdempotencyKey,
    body: Body<CreateCouponRequest>,
) -> Result<Response, Problem> {
    let (new, raw) = body.read()?;
    let plan_ids = new.plan_ids.unwrap_or_default();
    let plan_ids: Result<Vec<PlanId>, _> =
        plan_ids.iter().map(|text| PlanId::from_str(text)).collect();
    let now = app.clock.now();
    let coupon = Coupon {
        id: app.ids.coupon(),
        name: new.name,
        percent_off: new.percent_off,
        amount_off: new.amount_off,
        currency: new.currency,
        duration: new.duration,
        duration_in_periods: new.duration_in_periods,
        plan_ids: plan_ids
            .map_err(|_| Problem::invalid_param("planIds", "must be ids of plans"))?,
        starts_at: new.starts_at,
        ends_at: new.ends_at,
        max_redemptions: new.max_redemptions,
        times_redeemed: 0,
        archived: false,
        metadata: new.metadata,
        created_at: now,
        updated_at: now,
    };
    super::create(&app, &caller, idempotency, &raw, coupon).await
}

/// Lists coupons, newest first.
#[utoipa::path(get, path = "/v1/coupons", tag = "catalog", operation_id = "listCoupons",
    responses((status = 200, body = ListResponse<CouponResponse>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Reader,
    query: ListQuery<Unfiltered>,
) -> Result<Json<ListResponse<CouponResponse>>, Problem> {
    let (_, page) = query.read(&caller.tenant(), "coupons")?;
    let rows = &mut app.db.read().await?;
    let rows: Vec<Coupon> = sql::page(rows, &caller.tenant(), Viewer::Backend, None, &page).await?;
    let page = page.page(rows, |coupon| coupon.id.to_string());
    Ok(Json(StatusCode::OK, page.map(|coupon| coupon.show(Viewer::Backend)).into()))
}

/// Returns a coupon.
#[utoipa::path(get, path = "/v1/coupons/{id}", tag = "catalog", operation_id = "getCoupon",
    responses((status = 200, body = CouponResponse)))]
pub async fn get(
    State(app): State<Arc<App>>,
    caller: Reader,
    PathText(id): PathText,
) -> Result<Json<CouponResponse>, Problem> {
    read::<Coupon>(&app, &caller, &id).await
}

/// Updates a coupon. Discounts that were given do not change.
#[utoipa::path(patch, path = "/v1/coupons/{id}", tag = "catalog", operation_id = "updateCoupon",
    responses((status = 200, body = CouponResponse)))]
pub async fn update(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    body: Body<UpdateCouponRequest>,
) -> Result<Json<CouponResponse>, Problem> {
    let (new, _) = body.read()?;
    let change = CouponChange {
        name: new.name,
        ends_at: new.ends_at,
        max_redemptions: new.max_redemptions,
        archived: new.status.map(CatalogStatus::is_archived),
        metadata: new.metadata,
    };
    super::update::<Coupon>(&app, &caller, &id, change).await
}

/// Creates a promotion code, which customers type to redeem a coupon.
#[utoipa::path(post, path = "/v1/promotion-codes", tag = "catalog", operation_id = "createPromotionCode",
    responses((status = 201, body = PromotionCodeResponse)))]
pub async fn create_code(
    State(app): State<Arc<App>>,
    caller: Writer,
    idempotency: IdempotencyKey,
    body: Body<CreatePromotionCodeRequest>,
) -> Result<Response, Problem> {
    let (new, raw) = body.read()?;
    let now = app.clock.now();
    let code = PromotionCode {
        id: app.ids.promotion_code(),
        code: new.code,
        coupon_id: new.coupon_id,
        active: new.active,
        expires_at: new.expires_at,
        max_redemptions: new.max_redemptions,
        times_redeemed: 0,
        first_time_only: new.first_time_only,
        metadata: new.metadata,
        created_at: now,
        updated_at: now,
    };
    super::create(&app, &caller, idempotency, &raw, code).await
}

/// Lists promotion codes, newest first.
#[utoipa::path(get, path = "/v1/promotion-codes", tag = "catalog", operation_id = "listPromotionCodes",
    responses((status = 200, body = ListResponse<PromotionCodeResponse>)))]
pub async fn list_codes(
    State(app): State<Arc<App>>,
    caller: Reader,
    query: ListQuery<OfCoupon>,
) -> Result<Json<ListResponse<PromotionCodeResponse>>, Problem> {
    let (filter, page) = query.read(&caller.tenant(), "promotion-codes")?;
    let coupon = filter.coupon_id.map(|id| id.to_string());
    let rows = &mut app.db.read().await?;
    let rows: Vec<PromotionCode> =
        sql::page(rows, &caller.tenant(), Viewer::Backend, coupon.as_deref(), &page).await?;
    let page = page.page(rows, |code| code.id.to_string());
    Ok(Json(StatusCode::OK, page.map(|code| code.show(Viewer::Backend)).into()))
}

/// Returns a promotion code.
#[utoipa::path(get, path = "/v1/promotion-codes/{id}", tag = "catalog", operation_id = "getPromotionCode",
    responses((status = 200, body = PromotionCodeResponse)))]
pub async fn get_code(
    State(app): State<Arc<App>>,
    caller: Reader,
    PathText(id): PathText,
) -> Result<Json<PromotionCodeResponse>, Problem> {
    read::<PromotionCode>(&app, &caller, &id).await
}

/// Updates a promotion code. Discounts that were given with it do not change.
#[utoipa::path(patch, path = "/v1/promotion-codes/{id}", tag = "catalog", operation_id = "updatePromotionCode",
    responses((status = 200, body = PromotionCodeResponse)))]
pub async fn update_code(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    body: Body<UpdatePromotionCodeRequest>,
) -> Result<Json<PromotionCodeResponse>, Problem> {
    let (new, _) = body.read()?;
    let change = PromotionCodeChange {
        active: new.active,
        expires_at: new.expires_at,
        max_redemptions: new.max_redemptions,
        first_time_only: new.first_time_only,
        metadata: new.metadata,
    };
    super::update::<PromotionCode>(&app, &caller, &id, change).await
}
