//! Tracking usage, and the automatic top-ups that it begins.

use super::top_up::top_up_if_low;
use crate::base::PaymentAttemptId;
use crate::db::Tx;
use crate::organizations::Tenant;
use crate::usage::{self, NewEvent, Tracked};
use crate::work::{BillingError, By};
use crate::{credits, test_clock};

/// Counts events, and begins a top-up of each wallet that is low now. Returns the payment attempts
/// that are to be carried out.
pub async fn track_events(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    events: &[NewEvent],
    by: &By,
) -> Result<(Tracked, Vec<PaymentAttemptId>), BillingError> {
    let at = test_clock::write_now::<BillingError>(tx, tenant, by.now).await?;
    let tracked = usage::track(tx, tenant, events, at, by).await?;
    let mut attempts = Vec::new();
    if !tracked.low.is_empty() {
        let mut wallets = credits::lock(tx, tenant, &tracked.low, at, &by.ids).await?;
        for wallet in &mut wallets {
            attempts.extend(top_up_if_low(tx, tenant, wallet, at, by).await?);
        }
        credits::save(tx, &wallets, at).await?;
    }
    Ok((tracked, attempts))
}
