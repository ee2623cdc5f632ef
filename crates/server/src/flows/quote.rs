//! Quote: whether a change applies now or later, and its price. It prices both the preview and the
//! change, so that the two agree.

use crate::base::{LineDiscount, Overflow, Period, PlanId, Time, Viewer};
use crate::catalog::{self, Interval, Plan, PlanStatus};
use crate::coupons::Discount;
use crate::db::Tx;
use crate::flows::change::ChangeRequest;
use crate::flows::{discount, lines, switch};
use crate::invoices::{self, Line};
use crate::organizations::Tenant;
use crate::subscriptions::{
    self, PlanSwitch, Scheduled, Subscription, SubscriptionStatus, calendar, rating,
};
use crate::work::{BillingError, Work};

/// A preview holds this long.
const QUOTE_SECONDS: i64 = 600;

/// The way in which a change comes into force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeMode {
    /// Nothing changes.
    Same,
    /// At once; nothing recurring is charged.
    Free,
    /// At once; the rest of the period is charged, the unused part of the old price credited.
    Prorated,
    /// At once, with a new period that is charged in full; the rest of the old period is credited.
    Restarted,
    /// Applies at the period's end.
    Deferred,
}

#[derive(Clone, Debug)]
pub struct ChangeQuote {
    pub subscription: Subscription,
    pub old: Plan,
    pub new: Plan,
    pub quantity: i64,
    pub mode: ChangeMode,
    /// Charges and credits of the change.
    pub lines: Vec<Line>,
    /// Usage of the segment that the change closes, under the old plan.
    pub usage: Vec<Line>,
    /// The discount after the change, and what it takes off the whole current period.
    pub discount: Option<Discount>,
    pub period_discount: Option<LineDiscount>,
    /// Whether its coupon has to be redeemed.
    pub redeems: bool,
    pub at: Time,
}

/// The recurring price of a period on a plan.
#[derive(Clone, Copy, Debug)]
struct Price {
    interval: Interval,
    list: i64,
    /// After the discount.
    net: i64,
}

impl ChangeMode {
    const fn is_now(self) -> bool {
        match self {
            Self::Free | Self::Prorated | Self::Restarted => true,
            Self::Same | Self::Deferred => false,
        }
    }
}

/// Compares the recurring totals of the plan in force and of the wanted plan. Of equal totals, what is
/// left to pay of each decides.
fn choose_mode(trialing: bool, from: Price, to: Price) -> ChangeMode {
    let (old, new) = (from.list, to.list);
    if trialing {
        return ChangeMode::Free;
    }
    match (from.interval, to.interval) {
        _ if new == 0 && old > 0 => ChangeMode::Deferred,
        _ if old == 0 && new > 0 => ChangeMode::Restarted,
        (Interval::Month, Interval::Year) => ChangeMode::Restarted,
        (Interval::Year, Interval::Month) => ChangeMode::Deferred,
        (Interval::Month, Interval::Month) | (Interval::Year, Interval::Year) => {
            match new.cmp(&old).then(to.net.cmp(&from.net)) {
                std::cmp::Ordering::Greater => ChangeMode::Prorated,
                std::cmp::Ordering::Equal => ChangeMode::Free,
                std::cmp::Ordering::Less => ChangeMode::Deferred,
            }
        }
    }
}

/// Decides and prices a change, as of now or of its preview.
pub async fn quote(
    work: &mut Work<'_, '_, '_>,
    subscription: Subscription,
    request: &ChangeRequest,
) -> Result<ChangeQuote, BillingError> {
    match subscription.status {
        SubscriptionStatus::Canceled => return Err(BillingError::NotActive),
        SubscriptionStatus::Pending | SubscriptionStatus::PastDue => {
            return Err(BillingError::Unpaid);
        }
        SubscriptionStatus::Trialing | SubscriptionStatus::Active => {}
    }
    let period = subscription.current_period.ok_or(BillingError::NotActive)?;
    let at = instant(&subscription, period, request.proration_date, work.at)?;
    let old = subscriptions::plan(work.tx, work.tenant, subscription.plan_id).await?;
    let new = match request.plan_id.filter(|id| *id != old.id) {
        None => old.clone(),
        Some(id) => wanted(work.tx, work.tenant, request.viewer, id, &old).await?,
    };
    let quantity = request.quantity.unwrap_or(subscription.quantity);
    let given = match &request.coupon {
        None => None,
        Some(coupon) => {
            let customer = subscription.customer_no;
            Some(discount::wanted(work, customer, coupon, (&new, quantity)).await?.discount)
        }
    };
    let list = rating::recurring_total(&new, quantity)?;
    let prorated = prorated(&subscription, given.as_ref(), &new, list)?;
    let mut quote = ChangeQuote {
        mode: ChangeMode::Same,
        redeems: given.is_some(),
        discount: given.or_else(|| subscription.discount.clone()),
        period_discount: subscription.period_discount.clone(),
        lines: Vec::new(),
        usage: Vec::new(),
        subscription,
        old,
        new,
        quantity,
        at,
    };
    let from = Price::current(&quote.subscription, &quote.old)?;
    let lowered = prorated.1.as_ref().map_or(0, |lowered| lowered.amount);
    let to = Price { interval: quote.new.billing_interval, list, net: list - lowered };
    quote.mode = quote.choose(from, to);
    quote.price(work, (period, from), prorated.1.as_ref()).await?;
    match quote.mode {
        // A coupon that comes with it counts from the next period on.
        ChangeMode::Same | ChangeMode::Deferred | ChangeMode::Free => {}
        ChangeMode::Prorated => (quote.discount, quote.period_discount) = prorated,
        ChangeMode::Restarted => {
            (quote.discount, quote.period_discount) =
                subscriptions::begun(quote.discount.take(), &quote.new, list)?;
        }
    }
    Ok(quote)
}

/// Returns the discount after a change within the period, and what it takes off the period's new
/// price. A coupon that comes with the change takes this period as its first. That of the period stays
/// in force for a plan that it covers.
fn prorated(
    subscription: &Subscription,
    given: Option<&Discount>,
    new: &Plan,
    list: i64,
) -> Result<(Option<Discount>, Option<LineDiscount>), Overflow> {
    if let Some(given) = given {
        return subscriptions::begun(Some(given.clone()), new, list);
    }
    let mut discount = subscription.discount.clone();
    let lowered = match &mut discount {
        Some(discount) if discount.in_force => {
            let lowered = discount.on(new, list)?;
            discount.in_force = lowered.is_some();
            lowered
        }
        Some(_) | None => None,
    };
    Ok((discount, lowered))
}

/// Returns the instant to prorate to. The instant of a preview holds for ten minutes, within the same
/// period, until the subscription changes.
fn instant(
    subscription: &Subscription,
    period: Period,
    previewed: Option<Time>,
    now: Time,
) -> Result<Time, BillingError> {
    let Some(at) = previewed else { return Ok(now) };
    let oldest = now.plus_seconds(-QUOTE_SECONDS).max(period.start).max(subscription.updated_at);
    let holds = (oldest..=now).contains(&at) && at.0 % 1_000_000 == 0;
    holds.then_some(at).ok_or(BillingError::ProrationDate)
}

/// Reads the wanted plan, if this caller may choose it.
async fn wanted(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    viewer: Viewer,
    id: PlanId,
    old: &Plan,
) -> Result<Plan, BillingError> {
    let plan = catalog::visible_plan(tx, tenant, viewer, id).await?;
    let plan = plan.ok_or(BillingError::NotFound)?;
    if plan.status != PlanStatus::Active {
        return Err(BillingError::PlanNotAvailable);
    }
    if plan.product_id != old.product_id {
        return Err(BillingError::OtherProduct);
    }
    if plan.currency != old.currency {
        return Err(BillingError::CurrencyMismatch);
    }
    Ok(plan)
}

impl Price {
    /// Returns the price of the current period.
    fn current(subscription: &Subscription, plan: &Plan) -> Result<Self, Overflow> {
        let list = rating::recurring_total(plan, subscription.quantity)?;
        let lowered = subscription.period_discount.as_ref().map_or(0, |lowered| lowered.amount);
        Ok(Self { interval: plan.billing_interval, list, net: list - lowered })
    }
}

impl ChangeQuote {
    fn is_trialing(&self) -> bool {
        self.subscription.status == SubscriptionStatus::Trialing
    }

    fn choose(&self, from: Price, to: Price) -> ChangeMode {
        if self.new.id == self.old.id && self.quantity == self.subscription.quantity {
            return ChangeMode::Same;
        }
        let mode = choose_mode(self.is_trialing(), from, to);
        let ends_trial = mode == ChangeMode::Free
            && self.is_trialing()
            && switch::trial_on(&self.subscription, &self.new, self.at).is_none();
        if ends_trial { ChangeMode::Restarted } else { mode }
    }

    /// Adds the lines of the change. It is scheduled if it would credit more than it charges.
    async fn price(
        &mut self,
        work: &mut Work<'_, '_, '_>,
        (period, from): (Period, Price),
        lowered: Option<&LineDiscount>,
    ) -> Result<(), BillingError> {
        let (tx, tenant, at) = (&mut *work.tx, work.tenant, self.at);
        let (subscription, trialing) = (&self.subscription, self.is_trialing());
        let (mut lines, mut usage) = (Vec::new(), Vec::new());
        if self.mode.is_now() {
            usage = lines::usage(tx, tenant, subscription, &self.old, at).await?;
        }
        match self.mode {
            ChangeMode::Same | ChangeMode::Deferred | ChangeMode::Free => {}
            ChangeMode::Prorated => {
                lines.push(lines::unused(tx, tenant, subscription, &self.old, at).await?);
                lines.push(lines::remaining(&self.new, self.quantity, (period, at), lowered)?);
            }
            ChangeMode::Restarted => {
                if from.net > 0 && !trialing {
                    lines.push(lines::unused(tx, tenant, subscription, &self.old, at).await?);
                }
                let next = calendar::period_from(at, at, self.new.billing_interval.months());
                let discount = self.discount.as_ref();
                lines.extend(lines::recurring(&self.new, self.quantity, next, discount)?);
            }
        }
        // More tax may be credited than charged, also by a change to a higher price.
        let all = [usage.clone(), lines.clone()].concat();
        if invoices::is_credit(tx, tenant, subscription.customer_no, &all).await? {
            self.mode = ChangeMode::Deferred;
            return Ok(());
        }
        let is_other = self.new.id != self.old.id;
        if self.mode.is_now() && is_other && (!trialing || self.mode == ChangeMode::Restarted) {
            lines.extend(lines::one_off(tx, subscription.customer_no, &self.new).await?);
        }
        (self.lines, self.usage) = (lines, usage);
        Ok(())
    }

    pub fn change(&self) -> PlanSwitch {
        PlanSwitch {
            subscription_id: self.subscription.id,
            old_plan_id: self.old.id,
            old_quantity: self.subscription.quantity,
            plan_id: self.new.id,
            quantity: self.quantity,
            at: self.at,
            restarts: self.mode == ChangeMode::Restarted,
            discount: self.discount.clone(),
            period_discount: self.period_discount.clone(),
        }
    }

    /// Returns the subscription as the change would leave it.
    pub fn outcome(&self) -> Subscription {
        let mut subscription = self.subscription.clone();
        match self.mode {
            ChangeMode::Same => subscription.scheduled = None,
            ChangeMode::Deferred => {
                let change = Scheduled { plan_id: self.new.id, quantity: self.quantity };
                subscription.scheduled = Some(change);
            }
            ChangeMode::Free | ChangeMode::Prorated => {
                switch::switch(&mut subscription, &self.new, self.quantity);
                switch::shorten_trial(&mut subscription, &self.new, self.at);
            }
            ChangeMode::Restarted => {
                switch::switch(&mut subscription, &self.new, self.quantity);
                switch::restart(&mut subscription, &self.new, self.at);
            }
        }
        if self.new.id != self.old.id {
            switch::keep_on(&mut subscription);
        }
        (subscription.discount, subscription.period_discount) =
            (self.discount.clone(), self.period_discount.clone());
        subscription
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Interval::{Month, Year};

    #[test]
    fn change_timing_follows_totals_and_intervals() {
        let cases = [
            ((Month, 100), (Month, 101), ChangeMode::Prorated),
            ((Month, 100), (Month, 100), ChangeMode::Free),
            ((Month, 100), (Month, 99), ChangeMode::Deferred),
            ((Year, 100), (Year, 101), ChangeMode::Prorated),
            ((Month, 0), (Month, 0), ChangeMode::Free),
            ((Month, 0), (Month, 1), ChangeMode::Restarted),
            ((Month, 1), (Month, 0), ChangeMode::Deferred),
            ((Month, 100), (Year, 1), ChangeMode::Restarted),
            ((Month, 100), (Year, 0), ChangeMode::Deferred),
            ((Month, 0), (Year, 0), ChangeMode::Restarted),
            ((Year, 0), (Month, 1), ChangeMode::Restarted),
            ((Year, 100), (Month, 1_000), ChangeMode::Deferred),
            ((Year, 0), (Month, 0), ChangeMode::Deferred),
        ];
        let price = |(interval, list)| Price { interval, list, net: list };
        for (from, to, expected) in cases {
            let (from, to) = (price(from), price(to));
            assert_eq!(choose_mode(false, from, to), expected, "{from:?} {to:?}");
            assert_eq!(choose_mode(true, from, to), ChangeMode::Free, "{from:?} {to:?}");
        }
    }

    #[test]
    fn equal_prices_are_compared_after_their_discounts() {
        let price = |list, net| Price { interval: Month, list, net };
        let mode = |from, to| choose_mode(false, from, to);
        assert_eq!(mode(price(100, 0), price(100, 100)), ChangeMode::Prorated);
        assert_eq!(mode(price(100, 80), price(100, 80)), ChangeMode::Free);
        assert_eq!(mode(price(100, 80), price(100, 20)), ChangeMode::Deferred);
        assert_eq!(mode(price(100, 0), price(101, 101)), ChangeMode::Prorated);
        assert_eq!(mode(price(100, 0), price(99, 99)), ChangeMode::Deferred);
    }
}
