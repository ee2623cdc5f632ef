//! Prepaid: a subscription that moves here in the middle of a period which was paid elsewhere. Nothing
//! is charged until that period ends; then it renews like any other.

use crate::base::{Period, Time};
use crate::catalog::Plan;
use crate::subscriptions::{Subscription, SubscriptionStatus, calendar};
use crate::work::BillingError;

/// A period that was paid elsewhere; its bounds are not checked yet.
#[derive(Clone, Copy, Debug)]
pub struct Prepaid {
    /// The first renewal.
    pub until: Time,
    /// The instant that boundaries are counted from; without one, the end of the prepaid period.
    pub anchor: Option<Time>,
    /// The start of the subscription elsewhere; without one, now.
    pub started_at: Option<Time>,
}

impl Prepaid {
    /// Starts a subscription in its prepaid period.
    pub fn begin(
        &self,
        subscription: &mut Subscription,
        plan: &Plan,
        now: Time,
    ) -> Result<(), BillingError> {
        let anchor = self.anchor.unwrap_or(self.until);
        let started_at = self.started_at.unwrap_or(now);
        let is_whole = |at: Time| at == Time::from_seconds(at.seconds()) && at.seconds() >= 0;
        let refuse = |param, message| Err(BillingError::Prepaid { param, message });
        for (param, at) in
            [("prepaidUntil", self.until), ("billingAnchor", anchor), ("startAt", started_at)]
        {
            if !is_whole(at) {
                return refuse(param, "must be in whole seconds, from 1970 on");
            }
        }
        if started_at > now {
            return refuse("startAt", "must not be in the future");
        }
        if self.until <= now {
            return refuse("prepaidUntil", "must be in the future");
        }
        let months = plan.billing_interval.months();
        let period = calendar::period_until(anchor, self.until, months);
        let Some(period) = period.filter(|_| anchor <= self.until) else {
            let message = "must be a whole number of months before prepaidUntil";
            return refuse("billingAnchor", message);
        };
        if now < period.start {
            return refuse("prepaidUntil", "must be at most one period of the plan ahead");
        }
        self.set(subscription, anchor, period, now);
        Ok(())
    }

    fn set(&self, subscription: &mut Subscription, anchor: Time, period: Period, now: Time) {
        subscription.status = SubscriptionStatus::Active;
        subscription.anchor = Some(anchor);
        subscription.started_at = Some(self.started_at.unwrap_or(now));
        subscription.current_period = Some(period);
        subscription.usage_period = Some(calendar::month_of(anchor, now));
    }
}
