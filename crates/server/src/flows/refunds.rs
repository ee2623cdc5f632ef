//! Refunds of credit notes: the processor refunds outside of any transaction, and one transaction
//! records the result. A refund that fails goes to the customer's balance, unless the bank has
//! returned the money.

use crate::app::App;
use crate::audit::{Action, Actor};
use crate::base::RefundId;
use crate::customers;
use crate::db::{DbError, Lane, Tx};
use crate::events::EventType;
use crate::flows::credit_notes::note_refund;
use crate::flows::disputes;
use crate::invoices::balance::{self, BalanceEntryType, Change};
use crate::invoices::credit_notes::{self, Refund, RefundStatus};
use crate::organizations::Tenant;
use crate::payments::{self, RefundKey, RefundOrder};
use crate::settlement::{self, TAKEN_UP_AFTER_SECONDS};
use crate::test_clock;
use crate::work::{BillingError, Work};
use futures_util::{StreamExt, stream};

/// The number of refunds per round of [`sweep_refunds`], and how many run concurrently.
const TAKEN_UP: i64 = 64;
const AT_ONCE: usize = 8;

const MISSING: DbError = DbError::Broken("there is no such refund");

/// Carries out a pending refund and returns it as it is by then. It stays pending if the processor does
/// not answer: any node tries again.
pub async fn run_refund(app: &App, tenant: &Tenant, id: RefundId) -> Result<Refund, BillingError> {
    let mut tx = app.db.read().await?;
    let refund = credit_notes::refund(&mut tx, tenant, id).await?.ok_or(MISSING)?;
    if refund.status != RefundStatus::Pending {
        return Ok(refund);
    }
    let attempt = settlement::get(&mut tx, tenant, refund.attempt_id).await?;
    let attempt = attempt.ok_or(DbError::Broken("a refund without its charge"))?;
    let processor = app.processors.by_name(&mut tx, tenant, &attempt.processor).await?;
    drop(tx);
    let order = RefundOrder {
        key: RefundKey::Refund(id),
        attempt: attempt.id,
        reference: attempt.charge_reference.unwrap_or_default(),
        amount: refund.amount,
        currency: refund.currency,
    };
    let state = match processor {
        Some(processor) => processor.refund(tenant, &order).await.unwrap_or_else(|error| {
            tracing::warn!(refund = %id, %error, "a refund failed and will be tried again");
            payments::RefundResult::Pending
        }),
        None => {
            tracing::warn!(refund = %id, "the processor of a refund is disconnected");
            payments::RefundResult::Pending
        }
    };
    record(app, tenant, id, state).await
}

/// Whether a tenant has this refund, of a charge by this processor.
pub async fn is_of(
    app: &App,
    tenant: &Tenant,
    id: RefundId,
    processor: &str,
) -> Result<bool, DbError> {
    let mut tx = app.db.read().await?;
    let Some(refund) = credit_notes::refund(&mut tx, tenant, id).await? else {
        return Ok(false);
    };
    let attempt = settlement::get(&mut tx, tenant, refund.attempt_id).await?;
    Ok(attempt.is_some_and(|attempt| attempt.processor == processor))
}

/// Records the state of a refund, in one transaction. Idempotent.
pub async fn record(
    app: &App,
    tenant: &Tenant,
    id: RefundId,
    state: payments::RefundResult,
) -> Result<Refund, BillingError> {
    let (owner, by) = (*tenant, app.by(Actor::System));
    app.db
        .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            let found = credit_notes::refund(tx, &owner, id).await?.ok_or(MISSING)?;
            customers::lock_no(tx, &owner, found.customer_no).await?;
            let mut refund = credit_notes::refund(tx, &owner, id).await?.ok_or(MISSING)?;
            let at = test_clock::now(tx, &owner, by.now).await?;
            take_state(&mut Work { tx, tenant: &owner, at, by: &by }, &mut refund, state).await?;
            Ok(refund)
        })
        .await
}

async fn take_state(
    work: &mut Work<'_, '_, '_>,
    refund: &mut Refund,
    state: payments::RefundResult,
) -> Result<(), BillingError> {
    use payments::RefundResult::{Done, Failed, Pending};
    let action = match (refund.status, state) {
        (RefundStatus::Pending, Done) => {
            (refund.status, refund.next_at) = (RefundStatus::Succeeded, None);
            let charge = refund.attempt_id;
            work.announce(refund.customer_id, EventType::PaymentRefunded, charge).await?;
            Some(Action::RefundSucceeded)
        }
        (RefundStatus::Pending, Pending) => {
            refund.next_at = Some(settlement::next_check(refund.created_at, work.by.now));
            None
        }
        // It may fail after it was done.
        (RefundStatus::Pending | RefundStatus::Succeeded, Failed) => {
            (refund.status, refund.next_at) = (RefundStatus::Failed, None);
            let amount = disputes::take_back_refund(work, refund).await?;
            if amount > 0 {
                let change = Change::of_refund(refund, BalanceEntryType::RefundFailed);
                balance::change(work, refund.customer_no, Change { amount, ..change }).await?;
            }
            Some(Action::RefundFailed)
        }
        (RefundStatus::Succeeded, Done | Pending)
        | (RefundStatus::Failed, Done | Pending | Failed) => return Ok(()),
    };
    credit_notes::store_refund(work.tx, work.tenant, refund, work.by.now).await?;
    match action {
        Some(action) => Ok(note_refund(work, refund, action).await?),
        None => Ok(()),
    }
}

/// Continues the refunds of other requests and nodes. Bounded per call.
pub async fn sweep_refunds(app: &App) -> Result<(), DbError> {
    let now = app.clock.now();
    let due = credit_notes::due_refunds(&mut app.db.read().await?, now, TAKEN_UP).await?;
    let each = |(id, tenant): (RefundId, Tenant)| async move {
        if let Err(error) = take_up(app, &tenant, id).await {
            tracing::warn!(refund = %id, ?error, "a refund was not carried out and stays due");
        }
    };
    stream::iter(due).map(each).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
    Ok(())
}

async fn take_up(app: &App, tenant: &Tenant, id: RefundId) -> Result<(), BillingError> {
    let (owner, now) = (*tenant, app.clock.now());
    let until = now.plus_seconds(TAKEN_UP_AFTER_SECONDS);
    let ours = app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
        credit_notes::take_up_refund(tx, &owner, id, now, until).await
    });
    if ours.await? {
        run_refund(app, tenant, id).await?;
    }
    Ok(())
}
