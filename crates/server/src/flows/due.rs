//! Due items: an index finds them, and each runs as of its own instant, in one transaction; if it
//! charges, in the two further steps of `settlement` too.
//!
//! Nothing is lost or done twice, on any node and wherever it is killed: an item is what its row says
//! once the customer is locked, and a charge is an attempt that any node takes up.

use crate::app::App;
use crate::audit::Actor;
use crate::base::{InvoiceId, PaymentAttemptId, SubscriptionId, Time};
use crate::db::{DbError, Lane, Tx};
use crate::flows::{cancel, dunning, renewal, settle};
use crate::organizations::Tenant;
use crate::subscriptions::{self, Attention, Due, SubscriptionStatus, What};
use crate::work::{BillingError, By, Work};
use crate::{invoices, settlement, test_clock};
use futures_util::{StreamExt, stream};

/// Items that run at once; never two of one customer.
const AT_ONCE: usize = 16;
const BITE: i64 = 200;
const BITES_PER_RUN: usize = 20;
/// An item that fails, such as an amount out of range, is retried a day later.
const POSTPONED_DAYS: i64 = 1;

/// Returns the items of a tenant that are due first, all at one instant.
pub async fn first(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    until: Time,
    limit: i64,
) -> Result<Vec<Due>, DbError> {
    subscriptions::first_due(tx, tenant, until, limit).await
}

/// Runs the items that are due in every organization that is not suspended.
pub async fn run_all(app: &App) -> Result<(), DbError> {
    for _ in 0..BITES_PER_RUN {
        let due = subscriptions::all_due(&mut app.db.read().await?, app.clock.now(), BITE).await?;
        if due.is_empty() {
            break;
        }
        // At one instant, payments and renewals come before invoices become overdue.
        let is_first = |due: &Due| matches!(due.what, What::Subscription(_));
        let (first, overdue): (Vec<Due>, Vec<Due>) = due.into_iter().partition(is_first);
        let done = run_at_once(app, &first).await;
        run_at_once(app, &overdue).await?;
        done?;
    }
    Ok(())
}

/// Runs items of different subscriptions, some at a time. Fails if an item can neither run nor be
/// postponed: it would be found again at once. The others have run by then.
pub async fn run_at_once(app: &App, due: &[Due]) -> Result<(), DbError> {
    let each = stream::iter(due.to_vec()).map(|due| run_or_postpone(app, due));
    let done: Vec<_> = each.buffer_unordered(AT_ONCE).collect().await;
    done.into_iter().collect()
}

async fn run_or_postpone(app: &App, due: Due) -> Result<(), DbError> {
    let Err(error) = run(app, due).await else { return Ok(()) };
    tracing::error!(?due, ?error, "what is due could not be run and will be tried again");
    match due.what {
        What::Subscription(id) => {
            let beyond = matches!(error, BillingError::OutOfRange);
            postpone(app, due, id, beyond.then_some(Attention::AmountOutOfRange)).await
        }
        What::Invoice(_) => Err(DbError::Broken("a sent invoice could not become overdue")),
    }
}

async fn run(app: &App, due: Due) -> Result<(), BillingError> {
    let by = app.by(Actor::System);
    let step = async move |tx: &mut Tx<'_, '_>| match due.what {
        What::Subscription(id) => subscription(tx, &due, id, &by).await,
        What::Invoice(id) => invoice(tx, &due, id, &by).await,
    };
    match app.db.write(Lane::Usual, step).await? {
        None => Ok(()),
        // The result is recorded with the attempt; an unknown one is taken up again.
        Some(attempt) => Ok(settle::run(app, &due.tenant, attempt).await.map(|_| ())?),
    }
}

async fn subscription(
    tx: &mut Tx<'_, '_>,
    due: &Due,
    id: SubscriptionId,
    by: &By,
) -> Result<Option<PaymentAttemptId>, BillingError> {
    let tenant = &due.tenant;
    let Some(mut subscription) = subscriptions::lock(tx, tenant, id).await? else {
        return Ok(None);
    };
    let Some(at) = subscription.next_due_at().filter(|at| *at <= due.at) else { return Ok(None) };
    test_clock::move_to(tx, tenant, at, by.now).await?;
    let s = &mut subscription;
    settlement::expire_form_of_subscription(&mut Work { tx, tenant, at, by }, s).await?;
    if s.status == SubscriptionStatus::Pending {
        cancel::expire(&mut Work { tx, tenant, at, by }, s).await?;
        Ok(None)
    } else if s.usage_grace_until == Some(at) {
        cancel::grace_over(&mut Work { tx, tenant, at, by }, s).await
    } else if s.dunning_next_at == Some(at) {
        dunning::retry(&mut Work { tx, tenant, at, by }, s).await
    } else if s.current_period.is_some_and(|period| period.end == at) {
        renewal::period_end(&mut Work { tx, tenant, at, by }, s).await
    } else {
        renewal::usage_month(&mut Work { tx, tenant, at, by }, s).await
    }
}

async fn invoice(
    tx: &mut Tx<'_, '_>,
    due: &Due,
    id: InvoiceId,
    by: &By,
) -> Result<Option<PaymentAttemptId>, BillingError> {
    let tenant = &due.tenant;
    let Some((_, mut invoice)) = invoices::lock(tx, tenant, id).await? else { return Ok(None) };
    if let Some(at) = invoice.overdue_from().filter(|at| *at <= due.at) {
        test_clock::move_to(tx, tenant, at, by.now).await?;
        dunning::overdue(&mut Work { tx, tenant, at, by }, &mut invoice).await?;
    }
    Ok(None)
}

/// Postpones an item that failed, and marks the subscription if an operator has to look at it.
async fn postpone(
    app: &App,
    due: Due,
    id: SubscriptionId,
    attention: Option<Attention>,
) -> Result<(), DbError> {
    let by = app.by(Actor::System);
    let to = due.at.plus_days(POSTPONED_DAYS);
    app.db
        .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            let tenant = &due.tenant;
            if let Some(why) = attention
                && let Some(mut subscription) = subscriptions::lock(tx, tenant, id).await?
            {
                let work = &mut Work { tx, tenant, at: due.at, by: &by };
                subscriptions::needs_attention(work, &mut subscription, why).await?;
                subscriptions::update(tx, tenant, &subscription).await?;
            }
            subscriptions::postpone(tx, tenant, id, due.at, to).await
        })
        .await
}
