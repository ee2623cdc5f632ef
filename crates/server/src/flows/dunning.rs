//! Dunning: what follows a charge that time brought and that failed. Four more tries, each on the
//! card that is the default by then; after the last the subscription ends as by a cancellation, and
//! what it owes may still be paid but revives nothing. Who is sent invoices is past due until they
//! are paid.

use crate::audit::Action;
use crate::base::{CollectionMethod, PaymentAttemptId};
use crate::db::Tx;
use crate::flows::cancel;
use crate::invoices::{self, Invoice, NewInvoice};
use crate::organizations::Tenant;
use crate::settlement::{self, Billed, Effect};
use crate::subscriptions::{self, Status, Subscription, note};
use crate::work::{BillingError, Work};
use crate::{credits, payments};
use serde_json::json;

/// When a failed charge is tried again, in days after the first failure.
const RETRY_DAYS: [i64; 4] = [1, 3, 5, 7];
/// How long a retry waits for a payment that is under way.
const IN_PROGRESS_SECONDS: i64 = 3_600;

/// Issues an invoice that time brings, and begins to charge it; the attempt is to be carried out.
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

/// Tries the oldest unpaid invoice again or, where the last try has failed, gives up.
pub async fn retry(
    work: &mut Work<'_, '_, '_>,
    subscription: &mut Subscription,
) -> Result<Option<PaymentAttemptId>, BillingError> {
    subscription.dunning_next_at = None;
    subscriptions::update(work.tx, work.tenant, subscription).await?;
    let unpaid = unpaid(work.tx, work.tenant, subscription).await?;
    let done = if is_over(subscription) {
        give_up(work, subscription, unpaid).await
    } else if let Some(oldest) = unpaid.into_iter().next() {
        try_again(work, subscription, oldest).await
    } else {
        Ok(None)
    };
    match done {
        // Somebody is paying it now: what comes of that is seen by then.
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
        // What a transfer left of it is too little to charge.
        Err(BillingError::BelowMinimum) => {
            failed(work, subscription, &mut invoice).await?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Whether the last try has failed.
fn is_over(subscription: &Subscription) -> bool {
    usize::try_from(subscription.dunning_failures).is_ok_and(|tries| tries > RETRY_DAYS.len())
}

/// Ends the subscription and bills what it used, which is charged once and then owed with the rest.
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
    cancel::end(work, subscription).await
}

/// A charge failed: the invoice is overdue, and the subscription past due until it is tried again.
/// What a subscription owes that dunning has ended is not collected any more.
pub async fn failed(
    work: &mut Work<'_, '_, '_>,
    subscription: &mut Subscription,
    invoice: &mut Invoice,
) -> Result<(), BillingError> {
    let given_up = subscription.status == Status::Canceled && is_over(subscription);
    if given_up {
        invoices::uncollectible(work, invoice).await?;
    } else {
        invoices::overdue(work, invoice).await?;
    }
    if subscription.status == Status::Canceled {
        return Ok(());
    }
    past_due(work, subscription).await?;
    // Another invoice of a subscription that is being dunned waits for its turn.
    let unpaid = unpaid(work.tx, work.tenant, subscription).await?;
    if unpaid.first().is_none_or(|oldest| oldest.id == invoice.id) {
        let since = *subscription.dunning_since.get_or_insert(work.at);
        let tries = usize::try_from(subscription.dunning_failures).unwrap_or_default();
        subscription.dunning_failures += 1;
        // The end comes at once, but of itself: it begins a charge, which nobody here carries out.
        let next = RETRY_DAYS.get(tries).map_or(work.at, |days| since.plus_days(*days));
        subscription.dunning_next_at = Some(next);
    }
    Ok(subscriptions::update(work.tx, work.tenant, subscription).await?)
}

/// A sent invoice was not paid in time.
pub async fn overdue(
    work: &mut Work<'_, '_, '_>,
    invoice: &mut Invoice,
) -> Result<(), BillingError> {
    invoices::overdue(work, invoice).await?;
    let Some(id) = invoice.subscription_id else { return Ok(()) };
    let Some(mut subscription) = subscriptions::get(work.tx, work.tenant, id).await? else {
        return Ok(());
    };
    if subscription.status == Status::Canceled {
        return Ok(());
    }
    past_due(work, &mut subscription).await?;
    Ok(subscriptions::update(work.tx, work.tenant, &subscription).await?)
}

async fn past_due(
    work: &mut Work<'_, '_, '_>,
    subscription: &mut Subscription,
) -> Result<(), BillingError> {
    if subscription.status == Status::PastDue {
        return Ok(());
    }
    // What falls due until now is granted; from now on nothing is.
    credits::write_due(work.tx, work.tenant, subscription.customer_no, work.at, &work.by.ids)
        .await?;
    subscription.status = Status::PastDue;
    subscription.updated_at = work.at;
    note(work, subscription, Action::SubscriptionPastDue, json!({})).await?;
    Ok(())
}

/// An invoice is no longer owed. With the last one in arrears the subscription is active again;
/// while there is another, that one is tried now.
pub async fn paid(
    work: &mut Work<'_, '_, '_>,
    subscription: &mut Subscription,
) -> Result<(), BillingError> {
    if subscription.status != Status::PastDue {
        return Ok(());
    }
    (subscription.dunning_failures, subscription.dunning_since) = (0, None);
    subscription.dunning_next_at = None;
    if unpaid(work.tx, work.tenant, subscription).await?.is_empty() {
        credits::write_due(work.tx, work.tenant, subscription.customer_no, work.at, &work.by.ids)
            .await?;
        subscription.status = Status::Active;
        subscription.updated_at = work.at;
        note(work, subscription, Action::SubscriptionRecovered, json!({})).await?;
    } else if subscription.collection_method == CollectionMethod::ChargeAutomatically {
        subscription.dunning_next_at = Some(work.at);
    }
    Ok(subscriptions::update(work.tx, work.tenant, subscription).await?)
}

/// The invoices in arrears, oldest first. One that was just issued is not.
async fn unpaid(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    subscription: &Subscription,
) -> Result<Vec<Invoice>, BillingError> {
    let customer = subscription.customer_no;
    Ok(invoices::in_arrears(tx, tenant, customer, subscription.id).await?)
}
