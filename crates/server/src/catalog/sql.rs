//! The statements on the catalog.

use super::{Interval, Plan, PlanStatus};
use crate::base::PlanId;
use crate::db::{Columns, DbError, Sql, Tx, sql, word_columns};
use crate::organizations::Tenant;
use serde::de::DeserializeOwned;

macro_rules! select_plan {
    ($rest:literal) => {
        concat!(
            "SELECT id, product_id, slug, name, description, tier, status, is_public, \
             billing_interval, currency, trial_days, charges, entitlements, grant_rules, \
             metadata, created_at, updated_at FROM plans ",
            $rest
        )
    };
}

const PLAN: Sql = sql(select_plan!("WHERE tenant_no = $1 AND id = $2"));

pub async fn plan(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: PlanId,
) -> Result<Option<Plan>, DbError> {
    tx.one(&PLAN, &[tenant.no.into(), id.into()], read_plan).await
}

fn read_plan(row: &mut Columns<'_>) -> Result<Plan, DbError> {
    Ok(Plan {
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
        charges: json(row)?,
        entitlements: json(row)?,
        grant_rules: json(row)?,
        metadata: row.take()?,
        created_at: row.take()?,
        updated_at: row.take()?,
    })
}

/// The next column, which is JSON of ours.
fn json<T: DeserializeOwned>(row: &mut Columns<'_>) -> Result<T, DbError> {
    row.take::<crate::db::JsonText<T>>().map(|json| json.0)
}

word_columns!(Interval, PlanStatus);
