//! Ends subscriptions at Stripe with their period, once they go on here.

use super::code::Code;
use super::report::{PauseLine, Report, StillActive};
use super::subscription::Theirs;
use crate::base::Time;
use crate::payments::stripe::{ListError, Lists};

/// Ends the moved subscriptions that still renew at Stripe. Reads each again first, and skips one that
/// renewed or changed since, or whose period ends within 24 hours.
pub async fn pause(
    lists: &mut Lists,
    report: &mut Report<'_>,
    now: impl Fn() -> Time,
) -> Result<(), ListError> {
    for one in std::mem::take(&mut report.still_active) {
        let stripe_subscription = one.stripe_subscription.clone();
        let code = judge(&lists.subscription(&stripe_subscription).await?, &one, now());
        let mut line = PauseLine { stripe_subscription, paused: false, code };
        if code.is_none() {
            let ours = one.subscription_id.to_string();
            let ended = lists.end_with_period(&line.stripe_subscription, &ours).await?;
            line.paused = ended["cancel_at_period_end"] == true;
            line.code = (!line.paused).then_some(Code::Failed);
        }
        report.pause(line);
    }
    Ok(())
}

fn judge(object: &serde_json::Value, one: &StillActive, now: Time) -> Option<Code> {
    match Theirs::read(object) {
        Some(theirs) if theirs.until == one.until && theirs.renews => theirs.too_late(now),
        Some(_) | None => Some(Code::ChangedSince),
    }
}
