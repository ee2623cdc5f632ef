//! Change: another plan of the product, or another quantity; at once if it costs more, at the
//! period's end if it costs less.
//!
//! `quote` decides and prices both the preview and the change, so that the two agree. A change with
//! a price is paid first: until then nothing changes.

use crate::audit::Action;
use crate::base::{Period, PlanId, SubscriptionId, Time, Viewer};
use crate::catalog::{self, Interval, Plan, PlanStatus};
use crate::db::Tx;
use crate::flows::{create, lines, switch};
use crate::invoices::{self, InvoiceReason, Line};
use crate::organizations::Tenant;
use crate::payments;
use crate::settlement::{self, Billed, Effect, SettleOutcome};
use crate::subscriptions::{
    self, PlanSwitch, Scheduled, Subscription, SubscriptionStatus, calendar, note, rating,
};
use crate::work::{BillingError, Work};
use serde_json::json;

/// A preview holds this long.
const QUOTE_SECONDS: i64 = 600;

/// A requested change; its bounds are checked.
#[derive(Clone, Debug)]
pub struct ChangeRequest {
    pub subscription_id: SubscriptionId,
    /// The caller whose view of subscriptions and plans applies.
    pub viewer: Viewer,
    pub plan_id: Option<PlanId>,
    pub quantity: Option<i64>,
    /// The `prorationDate` of a preview.
    pub proration_date: Option<Time>,
    /// Whether a customer who owes an invoice may upgrade; a backend's choice.
    pub allow_unpaid: bool,
}

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
    pub at: Time,
}

impl ChangeMode {
    const fn is_now(self) -> bool {
        match self {
            Self::Free | Self::Prorated | Self::Restarted => true,
            Self::Same | Self::Deferred => false,
        }
    }
}

/// Compares the recurring totals of the plan in force and of the wanted plan.
fn choose_mode(trialing: bool, from: (Interval, i64), to: (Interval, i64)) -> ChangeMode {
    let ((old_interval, old), (new_interval, new)) = (from, to);
    if trialing {
        return ChangeMode::Free;
    }
    match (old_interval, new_interval) {
        _ if new == 0 && old > 0 => ChangeMode::Deferred,
        _ if old == 0 && new > 0 => ChangeMode::Restarted,
        (Interval::Month, Interval::Year) => ChangeMode::Restarted,
        (Interval::Year, Interval::Month) => ChangeMode::Deferred,
        (Interval::Month, Interval::Month) | (Interval::Year, Interval::Year) => {
            match new.cmp(&old) {
                std::cmp::Ordering::Greater => ChangeMode::Prorated,
                std::cmp::Ordering::Equal => ChangeMode::Free,
                std::cmp::Ordering::Less => ChangeMode::Deferred,
            }
        }
    }
}

/// Changes a subscription, schedules the change, or starts the payment that it waits for.
pub async fn change(
    work: &mut Work<'_, '_, '_>,
    request: &ChangeRequest,
) -> Result<SettleOutcome, BillingError> {
    let (viewer, id) = (request.viewer, request.subscription_id);
    let subscription = subscriptions::lock_reachable(work.tx, work.tenant, viewer, id).await?;
    let quote = quote(work.tx, work.tenant, subscription, request, work.at).await?;
    match quote.mode {
        ChangeMode::Prorated | ChangeMode::Restarted => {
            create::may_buy(
                work.tx,
                work.tenant,
                quote.subscription.customer_no,
                request.allow_unpaid,
            )
            .await?;
        }
        ChangeMode::Same | ChangeMode::Free | ChangeMode::Deferred => {}
    }
    settlement::close_form_of_subscription(work, &quote.subscription).await?;
    let subscription_id = quote.subscription.id;
    let outcome = match quote.mode {
        ChangeMode::Same | ChangeMode::Deferred => return schedule(work, &quote).await,
        ChangeMode::Free | ChangeMode::Prorated | ChangeMode::Restarted => {
            pay(work, &quote).await?
        }
    };
    // A charge asks for the payment method itself.
    if quote.new.id != quote.old.id
        && !matches!(outcome, Billed::Attempt(_))
        && create::lacks_payment_method(work, &quote.subscription, &quote.new).await?
    {
        return Err(BillingError::NoPaymentMethod);
    }
    let outcome = match outcome {
        Billed::Attempt(attempt) => return Ok(SettleOutcome::Attempt { attempt_id: attempt.id }),
        Billed::Added => SettleOutcome::InvoiceAdded { subscription_id: Some(subscription_id) },
        Billed::Issued(invoice) if invoice.totals.total > 0 => {
            SettleOutcome::of_issued(&invoice, Some(subscription_id))
        }
        Billed::Issued(_) | Billed::Nothing => SettleOutcome::CreatedNoCharge { subscription_id },
    };
    let (change, mut subscription) = (quote.change(), quote.subscription);
    switch::apply(work, &mut subscription, &change).await?;
    Ok(outcome)
}

/// Schedules the change for the period's end, or removes a scheduled change.
async fn schedule(
    work: &mut Work<'_, '_, '_>,
    quote: &ChangeQuote,
) -> Result<SettleOutcome, BillingError> {
    let (old, mut new) = (&quote.subscription, quote.outcome());
    let subscription_id = new.id;
    let unchanged =
        old.scheduled == new.scheduled && old.cancel_at_period_end == new.cancel_at_period_end;
    if !unchanged {
        new.updated_at = work.at;
        subscriptions::update(work.tx, work.tenant, &new).await?;
        let scheduled = new.scheduled.map(|change| json!([change.plan_id, change.quantity]));
        let detail = json!({ "scheduled": scheduled });
        note(work, &new, Action::SubscriptionChangeScheduled, detail).await?;
        switch::note_kept_on(work, old.cancel_at_period_end, &new).await?;
    }
    Ok(match new.scheduled.and(new.current_period) {
        Some(period) => SettleOutcome::Deferred { subscription_id, effective_at: period.end },
        None if unchanged => SettleOutcome::NoAction,
        None => SettleOutcome::CreatedNoCharge { subscription_id },
    })
}

/// Bills the price of a change.
async fn pay(work: &mut Work<'_, '_, '_>, quote: &ChangeQuote) -> Result<Billed, BillingError> {
    let (subscription, customer_no) = (&quote.subscription, quote.subscription.customer_no);
    // The invoice takes the lines of the segment. A change that is given up releases them.
    lines::close_segment(work, subscription, &quote.old).await?;
    let end = quote.outcome().current_period.map_or(quote.at, |period| period.end);
    let period = Some(Period { start: quote.at, end });
    let invoice = subscription.invoice(InvoiceReason::Change, quote.lines.clone(), period);
    let method = payments::default_of(work.tx, work.tenant, customer_no).await?;
    let (method, effect) = (method.as_ref(), Effect::ChangePlan(quote.change()));
    settlement::collect(work, customer_no, invoice, method, effect).await
}

/// Decides and prices a change, as of now or of its preview.
pub async fn quote(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    subscription: Subscription,
    request: &ChangeRequest,
    now: Time,
) -> Result<ChangeQuote, BillingError> {
    match subscription.status {
        SubscriptionStatus::Canceled => return Err(BillingError::NotActive),
        SubscriptionStatus::Pending | SubscriptionStatus::PastDue => {
            return Err(BillingError::Unpaid);
        }
        SubscriptionStatus::Trialing | SubscriptionStatus::Active => {}
    }
    let period = subscription.current_period.ok_or(BillingError::NotActive)?;
    let at = instant(&subscription, period, request.proration_date, now)?;
    let old = subscriptions::plan(tx, tenant, subscription.plan_id).await?;
    let new = match request.plan_id.filter(|id| *id != old.id) {
        None => old.clone(),
        Some(id) => wanted(tx, tenant, request.viewer, id, &old).await?,
    };
    let quantity = request.quantity.unwrap_or(subscription.quantity);
    let trialing = subscription.status == SubscriptionStatus::Trialing;
    let total = rating::recurring_total;
    let from = (old.billing_interval, total(&old, subscription.quantity)?);
    let to = (new.billing_interval, total(&new, quantity)?);
    let mut mode = match new.id == old.id && quantity == subscription.quantity {
        true => ChangeMode::Same,
        false => choose_mode(trialing, from, to),
    };
    if mode == ChangeMode::Free && trialing && switch::trial_on(&subscription, &new, at).is_none() {
        mode = ChangeMode::Restarted;
    }
    let (mut lines, mut usage) = (Vec::new(), Vec::new());
    match mode {
        ChangeMode::Same | ChangeMode::Deferred => {}
        ChangeMode::Free => usage = lines::usage(tx, tenant, &subscription, &old, at).await?,
        ChangeMode::Prorated => {
            usage = lines::usage(tx, tenant, &subscription, &old, at).await?;
            lines.push(lines::unused(tx, tenant, &subscription, &old, at).await?);
            lines.push(lines::remaining(&new, quantity, period, at)?);
        }
        ChangeMode::Restarted => {
            usage = lines::usage(tx, tenant, &subscription, &old, at).await?;
            if from.1 > 0 && !trialing {
                lines.push(lines::unused(tx, tenant, &subscription, &old, at).await?);
            }
            let next = calendar::period_from(at, at, new.billing_interval.months());
            lines.extend(lines::recurring(&new, quantity, next)?);
        }
    }
    // More tax may be credited than charged, also by a change to a higher price.
    let all = [usage.clone(), lines.clone()].concat();
    if invoices::is_credit(tx, tenant, subscription.customer_no, &all).await? {
        (mode, lines, usage) = (ChangeMode::Deferred, Vec::new(), Vec::new());
    }
    if mode.is_now() && new.id != old.id && (!trialing || mode == ChangeMode::Restarted) {
        lines.extend(lines::one_off(tx, subscription.customer_no, &new).await?);
    }
    Ok(ChangeQuote { subscription, old, new, quantity, mode, lines, usage, at })
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

impl ChangeQuote {
    fn change(&self) -> PlanSwitch {
        PlanSwitch {
            subscription_id: self.subscription.id,
            old_plan_id: self.old.id,
            old_quantity: self.subscription.quantity,
            plan_id: self.new.id,
            quantity: self.quantity,
            at: self.at,
            restarts: self.mode == ChangeMode::Restarted,
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
        for (from, to, expected) in cases {
            assert_eq!(choose_mode(false, from, to), expected, "{from:?} {to:?}");
            assert_eq!(choose_mode(true, from, to), ChangeMode::Free, "{from:?} {to:?}");
        }
    }
}
