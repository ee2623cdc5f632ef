//! Change: another plan of the product, or another quantity; at once if it costs more, at the
//! period's end if it costs less. A change with a price is paid first: until then nothing changes.

use crate::audit::Action;
use crate::base::{Period, PlanId, SubscriptionId, Time, Viewer};
use crate::coupons::CouponRef;
use crate::flows::quote::{ChangeMode, ChangeQuote, quote};
use crate::flows::{create, discount, lines, switch};
use crate::invoices::InvoiceReason;
use crate::settlement::{self, Billed, Effect, SettleOutcome};
use crate::subscriptions::{self, note};
use crate::work::{BillingError, Work};
use crate::{coupons, payments};
use serde_json::json;

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
    /// A coupon to redeem with the change.
    pub coupon: Option<CouponRef>,
}

/// Changes a subscription, schedules the change, or starts the payment that it waits for.
pub async fn change(
    work: &mut Work<'_, '_, '_>,
    request: &ChangeRequest,
) -> Result<SettleOutcome, BillingError> {
    let (viewer, id) = (request.viewer, request.subscription_id);
    let subscription = subscriptions::lock_reachable(work.tx, work.tenant, viewer, id).await?;
    let quote = quote(work, subscription, request).await?;
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
    if let Some(held) = quote.discount.as_ref().filter(|_| quote.redeems) {
        discount::redeem(work, &quote.subscription, held).await?;
    }
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
    let unchanged = old.scheduled == new.scheduled
        && old.cancel_at_period_end == new.cancel_at_period_end
        && old.discount == new.discount;
    if !unchanged {
        if let Some(discount) = &new.discount {
            coupons::settle(work, discount).await?;
        }
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
    let (method, effect) = (method.as_ref(), Effect::ChangePlan(Box::new(quote.change())));
    settlement::collect(work, customer_no, invoice, method, effect).await
}
