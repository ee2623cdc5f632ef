//! Tracks usage, and starts the automatic top-ups that follow.

use super::top_up::top_up_if_low;
use crate::base::PaymentAttemptId;
use crate::credits;
use crate::usage::{self, NewUsageEvent, Tracked};
use crate::work::{BillingError, Work};

/// Counts events and starts a top-up of each wallet that is low. Returns the payment attempts to
/// carry out.
pub async fn track_events(
    work: &mut Work<'_, '_, '_>,
    events: &[NewUsageEvent],
) -> Result<(Tracked, Vec<PaymentAttemptId>), BillingError> {
    let tracked = usage::track(work, events).await?;
    let mut attempts = Vec::new();
    if !tracked.low.is_empty() {
        let mut wallets = credits::lock(work, &tracked.low).await?;
        for wallet in &mut wallets {
            attempts.extend(top_up_if_low(work, wallet).await?);
        }
        credits::save(work, &wallets).await?;
    }
    Ok((tracked, attempts))
}
