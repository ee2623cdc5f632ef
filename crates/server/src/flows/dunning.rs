//! Dunning: retries after an automatic charge has failed. There are four, each on the card that is
//! the default by then. A new default card is retried at once, beside them. After the last the
//! subscription is canceled; its invoices can still be paid, which revives nothing. An invoice of a
//! canceled subscription is retried as often. A customer who is sent invoices is past due until they
//! are paid.

use crate::audit::Action;
use crate::base::{CollectionMethod, PaymentAttemptId, Time};
use crate::db::DbError;
use crate::flows::{cancel, settled};
use crate::invoices::{self, Invoice, InvoiceReason, NewInvoice};
use crate::settlement::{self, Billed, Effect};
use crate::subscriptions::{self, Subscription, SubscriptionStatus, note};
use crate::work::{BillingError, Work};
use crate::{credits, payments};
use serde_json::json;

/// Days after the first failure at which a charge is retried.
const RETRY_DAYS: [i64; 4] = [1, 3, 5, 7];
/// A retry waits this long for a payment that is in progress.
const IN_PROGRESS_SECONDS: i64 = 3_600;

/// Issues an invoice that falls due and begins to charge it. The caller carries out the attempt.
pub async fn bill(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
    new: NewInvoice,
) -> Result<Option<PaymentAttemptId>, BillingError> {
    let method = payments::default_of(work.tx, work.tenant, customer_no).await?;
    let effect = Effect::CollectInvoice;
    let billed = settlement::collect(work, customer_no, new, method.as_ref(), effect).await?;
    Ok(match billed {
        Billed::Nothing | Billed::Added | Billed::Issued(_) => None,
        Billed::Attempt(attempt) => Some(attempt.id),
    })
}

/// Retries the oldest unpaid invoice, or gives up after the last retry.
pub async fn retry(
    work: &mut Work<'_, '_, '_>,
    subscription: &mut Subscription,
) -> Result<Option<PaymentAttemptId>, BillingError> {
    subscription.dunning_next_at = None;
    subscriptions::update(work.tx, work.tenant, subscription).await?;
    let unpaid = unpaid(work, subscription).await?;
    let done = if is_over(subscription) {
        give_up(work, subscription, unpaid).await
    } else if let Some(oldest) = unpaid.into_iter().next() {
        try_again(work, subscription, oldest).await
    } else {
        // Nothing is left that could be charged.
        paid(work, subscription).await?;
        Ok(None)
    };
    match done {
        // A payment is in progress: its result is known by then.
        Err(BillingError::InProgress) => {
            subscription.dunning_next_at = Some(work.at.plus_seconds(IN_PROGRESS_SECONDS));
            subscriptions::update(work.tx, work.tenant, subscription).await?;
            Ok(None)
        }
        done => done,
    }
}

async fn try_again(
    work: &mut Work<'_, '_, '_>,
    subscription: &mut Subscription,
    mut invoice: Invoice,
) -> Result<Option<PaymentAttemptId>, BillingError> {
    let method = payments::default_of(work.tx, work.tenant, subscription.customer_no).await?;
    let effect = Effect::CollectInvoice;
    match settlement::begin(work, &invoice, method.as_ref(), effect).await {
        Ok(attempt) => Ok(Some(attempt.id)),
        Err(BillingError::BelowMinimum) => {
            invoices::move_to_next(work, &mut invoice).await?;
            settled::invoice_paid(work, subscription.id).await?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Whether the last retry has failed.
fn is_over(subscription: &Subscription) -> bool {
    usize::try_from(subscription.dunning_failures).is_ok_and(|tries| tries > RETRY_DAYS.len())
}

/// Gives up the unpaid invoices and ends the subscription. Its last usage invoice has retries of its
/// own.
async fn give_up(
    work: &mut Work<'_, '_, '_>,
    subscription: &mut Subscription,
    unpaid: Vec<Invoice>,
) -> Result<Option<PaymentAttemptId>, BillingError> {
    for invoice in &unpaid {
        settlement::close_form(work, invoice).await?;
    }
    for mut invoice in unpaid {
        invoices::uncollectible(work, &mut invoice).await?;
    }
    (subscription.dunning_failures, subscription.dunning_since) = (0, None);
    if subscription.status == SubscriptionStatus::Canceled {
        subscriptions::update(work.tx, work.tenant, subscription).await?;
        return Ok(None);
    }
    cancel::end(work, subscription).await
}

/// Records a failed charge: the invoice is overdue and will be retried. The subscription is past due
/// unless it is canceled.
pub async fn failed(
    work: &mut Work<'_, '_, '_>,
    subscription: &mut Subscription,
    invoice: &mut Invoice,
) -> Result<(), BillingError> {
    invoices::overdue(work, invoice).await?;
    if subscription.status != SubscriptionStatus::Canceled {
        past_due(work, subscription).await?;
    }
    // Only the oldest unpaid invoice of a subscription is retried.
    let unpaid = unpaid(work, subscription).await?;
    if unpaid.first().is_none_or(|oldest| oldest.id == invoice.id) {
        let since = *subscription.dunning_since.get_or_insert(work.at);
        let tries = usize::try_from(subscription.dunning_failures).unwrap_or_default();
        let planned = |tries: usize| RETRY_DAYS.get(tries).map(|days| since.plus_days(*days));
        // A new default card is retried before the planned retry, which still comes.
        let early = tries.checked_sub(1).and_then(planned).filter(|planned| *planned > work.at);
        if early.is_none() {
            subscription.dunning_failures += 1;
        }
        // The end is an item of its own, due at once: it begins a charge, which nobody here carries out.
        subscription.dunning_next_at = early.or_else(|| planned(tries)).or(Some(work.at));
    }
    Ok(subscriptions::update(work.tx, work.tenant, subscription).await?)
}

/// Records that a sent invoice was not paid in time.
pub async fn overdue(
    work: &mut Work<'_, '_, '_>,
    invoice: &mut Invoice,
) -> Result<(), BillingError> {
    invoices::overdue(work, invoice).await?;
    let Some(id) = invoice.subscription_id else { return Ok(()) };
    let Some(mut subscription) = subscriptions::get(work.tx, work.tenant, id).await? else {
        return Ok(());
    };
    if subscription.status == SubscriptionStatus::Canceled {
        return Ok(());
    }
    past_due(work, &mut subscription).await?;
    Ok(subscriptions::update(work.tx, work.tenant, &subscription).await?)
}

async fn past_due(
    work: &mut Work<'_, '_, '_>,
    subscription: &mut Subscription,
) -> Result<(), BillingError> {
    if subscription.status == SubscriptionStatus::PastDue {
        return Ok(());
    }
    // Grants that fell due until now are written; from now on none is.
    credits::write_due(work, subscription.customer_no).await?;
    subscription.status = SubscriptionStatus::PastDue;
    subscription.updated_at = work.at;
    note(work, subscription, Action::SubscriptionPastDue, json!({})).await?;
    Ok(())
}

/// Records that an invoice is no longer owed. Without another one in arrears the subscription is
/// active again; otherwise the next one is retried now.
pub async fn paid(
    work: &mut Work<'_, '_, '_>,
    subscription: &mut Subscription,
) -> Result<(), BillingError> {
    match subscription.status {
        SubscriptionStatus::PastDue | SubscriptionStatus::Canceled => {}
        SubscriptionStatus::Trialing | SubscriptionStatus::Active | SubscriptionStatus::Pending => {
            return Ok(());
        }
    }
    let before = dunning_of(subscription);
    (subscription.dunning_failures, subscription.dunning_since) = (0, None);
    subscription.dunning_next_at = None;
    let owes = !unpaid(work, subscription).await?.is_empty();
    if !owes && subscription.status == SubscriptionStatus::PastDue {
        credits::write_due(work, subscription.customer_no).await?;
        subscription.status = SubscriptionStatus::Active;
        subscription.updated_at = work.at;
        note(work, subscription, Action::SubscriptionRecovered, json!({})).await?;
    } else if owes && subscription.collection_method == CollectionMethod::ChargeAutomatically {
        subscription.dunning_next_at = Some(work.at);
    }
    if dunning_of(subscription) == before {
        // The last invoice of a canceled subscription was paid at once.
        return Ok(());
    }
    Ok(subscriptions::update(work.tx, work.tenant, subscription).await?)
}

/// Returns what dunning changes of a subscription.
const fn dunning_of(
    subscription: &Subscription,
) -> (SubscriptionStatus, i64, Option<Time>, Option<Time>) {
    let Subscription { status, dunning_failures, dunning_since, dunning_next_at, .. } =
        subscription;
    (*status, *dunning_failures, *dunning_since, *dunning_next_at)
}

/// Returns the invoices in arrears, oldest first. An invoice that was just issued is not.
async fn unpaid(
    work: &mut Work<'_, '_, '_>,
    subscription: &Subscription,
) -> Result<Vec<Invoice>, DbError> {
    let customer = subscription.customer_no;
    invoices::in_arrears(work.tx, work.tenant, customer, subscription.id).await
}

/// Whether the amount due of an invoice is less than the processor charges, so that it moves to the
/// customer's next invoice. Credits are paid for in full before they can be used.
pub async fn is_too_small(
    work: &mut Work<'_, '_, '_>,
    invoice: &Invoice,
) -> Result<bool, BillingError> {
    let charged = invoice.collection_method == CollectionMethod::ChargeAutomatically;
    if !charged || invoice.reason == InvoiceReason::TopUp {
        return Ok(false);
    }
    let terms = &work.by.terms;
    let terms = terms.processor_of(work.tx, work.tenant, None, invoice.currency).await?;
    Ok(terms.is_some_and(|terms| invoice.amount_due() < terms.minimum))
}
