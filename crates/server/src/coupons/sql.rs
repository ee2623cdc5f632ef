//! SQL statements for redemptions and their counts. A count that may not grow is not updated, and the
//! row's lock makes others wait, so a limit is exact.

use super::{Discount, Redemption};
use crate::base::{CouponId, CouponRedemptionId, PromotionCodeId};
use crate::db::{Command, DbError, Query, Sql, Tx, command, json_columns, query, sql};
use crate::organizations::Tenant;

const REDEMPTION: Query<Redemption> = query!(
    Redemption,
    "SELECT {} FROM coupon_redemptions \
     WHERE tenant_no = $1 AND customer_no = $2 AND coupon_id = $3"
);
const INSERT: Command<Redemption> = command!(
    Redemption,
    "INSERT INTO coupon_redemptions (tenant_no, customer_no, {columns}) \
     VALUES ($1, $2, {values}) ON CONFLICT DO NOTHING"
);
const SETTLE: Sql = sql("UPDATE coupon_redemptions SET settled = TRUE \
     WHERE tenant_no = $1 AND id = $2 AND NOT settled");
const DELETE_RESERVED: Sql = sql("DELETE FROM coupon_redemptions \
     WHERE tenant_no = $1 AND id = $2 AND NOT settled");
const COUNT_COUPON: Sql = sql("UPDATE coupons SET times_redeemed = times_redeemed + 1 \
     WHERE tenant_no = $1 AND id = $2 \
     AND (max_redemptions IS NULL OR times_redeemed < max_redemptions)");
const UNCOUNT_COUPON: Sql = sql("UPDATE coupons SET times_redeemed = times_redeemed - 1 \
     WHERE tenant_no = $1 AND id = $2");
const COUNT_CODE: Sql = sql("UPDATE promotion_codes SET times_redeemed = times_redeemed + 1 \
     WHERE tenant_no = $1 AND id = $2 \
     AND (max_redemptions IS NULL OR times_redeemed < max_redemptions)");
const UNCOUNT_CODE: Sql = sql("UPDATE promotion_codes SET times_redeemed = times_redeemed - 1 \
     WHERE tenant_no = $1 AND id = $2");

/// Returns a customer's use of a coupon.
pub async fn redemption(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    coupon: CouponId,
) -> Result<Option<Redemption>, DbError> {
    tx.fetch_one(&REDEMPTION, &[tenant.no.into(), customer_no.into(), coupon.into()]).await
}

/// Stores a redemption; returns `false` if the customer has one of this coupon.
pub async fn insert(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    redemption: &Redemption,
) -> Result<bool, DbError> {
    let given = [tenant.no.into(), customer_no.into()];
    Ok(tx.store(&INSERT, redemption, &given).await? == 1)
}

pub async fn settle(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: CouponRedemptionId,
) -> Result<(), DbError> {
    tx.execute(&SETTLE, &[tenant.no.into(), id.into()]).await.map(|_| ())
}

/// Deletes a redemption that is not settled; returns whether there was one.
pub async fn delete_reserved(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: CouponRedemptionId,
) -> Result<bool, DbError> {
    Ok(tx.execute(&DELETE_RESERVED, &[tenant.no.into(), id.into()]).await? == 1)
}

/// Counts a redemption; returns `false` if there may be no more.
pub async fn count_coupon(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: CouponId,
) -> Result<bool, DbError> {
    Ok(tx.execute(&COUNT_COUPON, &[tenant.no.into(), id.into()]).await? == 1)
}

pub async fn uncount_coupon(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: CouponId,
) -> Result<(), DbError> {
    tx.execute(&UNCOUNT_COUPON, &[tenant.no.into(), id.into()]).await.map(|_| ())
}

/// Counts a redemption; returns `false` if there may be no more.
pub async fn count_code(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: PromotionCodeId,
) -> Result<bool, DbError> {
    Ok(tx.execute(&COUNT_CODE, &[tenant.no.into(), id.into()]).await? == 1)
}

pub async fn uncount_code(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: PromotionCodeId,
) -> Result<(), DbError> {
    tx.execute(&UNCOUNT_CODE, &[tenant.no.into(), id.into()]).await.map(|_| ())
}

json_columns!(Discount);
