//! Steps (b) and (c) of a settlement, and continuing attempts that were interrupted.

use crate::app::App;
use crate::audit::{Action, Actor};
use crate::base::PaymentAttemptId;
use crate::db::{DbError, Lane, Tx};
use crate::flows::{apply, payment_methods};
use crate::organizations::Tenant;
use crate::payments::{
    self, ChargeOrder, ChargeResult, DeclineReason, PaymentMethodError, PaymentProcessor,
    Processor, ProcessorError, RefundKey, RefundOrder, RefundResult,
};
use crate::settlement::{
    self, Attempt, AttemptStatus, FORM_OPEN_FOR_SECONDS, TAKEN_UP_AFTER_SECONDS,
};
use crate::work::{BillingError, Work};
use crate::{customers, test_clock};
use futures_util::{StreamExt, stream};

/// The number of attempts per round of [`sweep`], and how many run concurrently.
const TAKEN_UP: i64 = 64;
const AT_ONCE: usize = 8;
/// The time for which the cancellation of a form is tried.
const CANCELED_WITHIN_SECONDS: i64 = 7 * 86_400;

/// Continues an attempt from its current step and returns it. It is still pending if the
/// processor's answer is unknown.
pub async fn run(
    app: &App,
    tenant: &Tenant,
    id: PaymentAttemptId,
) -> Result<Attempt, BillingError> {
    let attempt = settlement::get(&mut app.db.read().await?, tenant, id).await?.ok_or(MISSING)?;
    match attempt.status {
        AttemptStatus::Pending => {
            let result = charge(app, tenant, &attempt).await?;
            record(app, tenant, id, result).await
        }
        AttemptStatus::RefundDue => refund(app, tenant, attempt).await,
        AttemptStatus::Abandoned => cancel_form(app, tenant, attempt).await,
        AttemptStatus::RequiresForm
        | AttemptStatus::Succeeded
        | AttemptStatus::Declined
        | AttemptStatus::Refunded => Ok(attempt),
    }
}

/// Step (b): charges, outside any transaction. Writes nothing.
pub async fn charge(
    app: &App,
    tenant: &Tenant,
    attempt: &Attempt,
) -> Result<ChargeResult, BillingError> {
    let off_session = attempt.effect.is_off_session();
    if off_session && attempt.card.is_none() {
        return Ok(ChargeResult::Declined(DeclineReason::PaymentMethodRequired));
    }
    let processor = processor_of(app, tenant, attempt).await?;
    let charge = match order(app, tenant, &*processor, attempt).await {
        Ok(charge) => charge,
        Err(PaymentMethodError::Processor(error)) => return Ok(unknown(attempt, &error)),
        Err(PaymentMethodError::Db(error)) => return Err(error.into()),
        Err(
            PaymentMethodError::CustomerArchived
            | PaymentMethodError::NoProcessor
            | PaymentMethodError::InUse(_),
        ) => return Err(BillingError::NoProcessor),
    };
    let key_ends = attempt.created_at.plus_seconds(processor.key_holds_for_seconds());
    let forgotten = key_ends <= app.clock.now();
    let found = match forgotten {
        true => processor.find_charge(tenant, &charge).await,
        false => Ok(None),
    };
    let result = match found {
        Ok(Some(result)) => result,
        Ok(None) => processor.charge(tenant, &charge).await,
        Err(error) => unknown(attempt, &error),
    };
    // The customer is off-session, so a form is useless.
    let unseen = off_session && matches!(result, ChargeResult::RequiresForm { .. });
    Ok(if unseen { ChargeResult::Declined(DeclineReason::AuthenticationRequired) } else { result })
}

/// The charge of an attempt: the same each time.
pub async fn order(
    app: &App,
    tenant: &Tenant,
    processor: &dyn PaymentProcessor,
    attempt: &Attempt,
) -> Result<ChargeOrder, PaymentMethodError> {
    let customer = customers::by_no(&mut app.db.read().await?, tenant, attempt.customer_no).await?;
    let customer = customer.ok_or(DbError::Broken("an attempt without its customer"))?;
    Ok(ChargeOrder {
        key: attempt.id,
        customer: payment_methods::reference_of(app, tenant, processor, &customer).await?,
        method: attempt.card.as_ref().map(|card| card.reference.clone()),
        amount: attempt.amount,
        currency: attempt.currency,
        off_session: attempt.effect.is_off_session(),
        keeps_card: attempt.effect.keeps_card(),
        at: attempt.billed_at,
    })
}

/// Step (c): records the result and applies the effect in one transaction. A success of an
/// abandoned attempt is refunded.
pub async fn record(
    app: &App,
    tenant: &Tenant,
    id: PaymentAttemptId,
    result: ChargeResult,
) -> Result<Attempt, BillingError> {
    let (owner, by) = (*tenant, app.by(Actor::System));
    let attempt = app
        .db
        .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            let mut attempt = locked(tx, &owner, id).await?;
            let at = test_clock::now(tx, &owner, by.now).await?;
            take_result(&mut Work { tx, tenant: &owner, at, by: &by }, &mut attempt, &result)
                .await?;
            Ok::<_, BillingError>(attempt)
        })
        .await?;
    match attempt.status {
        AttemptStatus::RefundDue => refund(app, tenant, attempt).await,
        AttemptStatus::Pending
        | AttemptStatus::RequiresForm
        | AttemptStatus::Succeeded
        | AttemptStatus::Declined
        | AttemptStatus::Abandoned
        | AttemptStatus::Refunded => Ok(attempt),
    }
}

async fn take_result(
    work: &mut Work<'_, '_, '_>,
    attempt: &mut Attempt,
    result: &ChargeResult,
) -> Result<(), BillingError> {
    use AttemptStatus::{
        Abandoned, Declined, Pending, RefundDue, Refunded, RequiresForm, Succeeded,
    };
    let before = attempt.status;
    match (before, result) {
        (Pending | RequiresForm, ChargeResult::Succeeded { reference, card }) => {
            attempt.charge_reference = Some(reference.clone());
            // A form is paid when it is completed; any other charge counts as of its start.
            let at = match before == RequiresForm {
                true => work.at,
                false => attempt.billed_at,
            };
            // The customer has used a card again that was declined for good.
            if !attempt.effect.is_off_session() {
                payments::set_declined_for_good(work, attempt.payment_method_id, false).await?;
            }
            // A form expires by billing time, whenever the sweep comes by.
            let wanted = if attempt.form_is_over(at) {
                apply::expired(work, attempt).await?;
                false
            } else {
                apply::succeeded(&mut work.as_of(at), attempt, card.as_ref()).await?
            };
            attempt.status = if wanted { Succeeded } else { RefundDue };
            attempt.next_at = (!wanted).then_some(work.by.now);
        }
        (Declined | Abandoned, ChargeResult::Succeeded { reference, .. }) => {
            attempt.charge_reference = Some(reference.clone());
            (attempt.status, attempt.next_at) = (RefundDue, Some(work.by.now));
        }
        (Pending, ChargeResult::Declined(reason) | ChargeResult::DeclinedForGood(reason)) => {
            attempt.decline_reason = Some(*reason);
            if matches!(result, ChargeResult::DeclinedForGood(_)) {
                payments::set_declined_for_good(work, attempt.payment_method_id, true).await?;
            }
            (attempt.status, attempt.next_at) = (Declined, None);
            apply::declined(work, attempt).await?;
        }
        (Pending, ChargeResult::AmountTooSmall) => {
            attempt.decline_reason = Some(DeclineReason::ProcessingError);
            (attempt.status, attempt.next_at) = (Declined, None);
            apply::too_small(work, attempt).await?;
        }
        (Pending, ChargeResult::RequiresForm { reference, client_secret }) => {
            attempt.charge_reference = Some(reference.clone());
            attempt.client_secret = Some(client_secret.clone());
            attempt.status = RequiresForm;
            attempt.next_at = Some(work.by.now.plus_seconds(FORM_OPEN_FOR_SECONDS));
        }
        (Pending, ChargeResult::Unknown) => {
            attempt.next_at = Some(settlement::next_check(attempt.created_at, work.by.now));
        }
        (Succeeded | RefundDue | Refunded, _)
        | (
            RequiresForm | Declined | Abandoned,
            ChargeResult::Declined(_)
            | ChargeResult::DeclinedForGood(_)
            | ChargeResult::AmountTooSmall
            | ChargeResult::RequiresForm { .. }
            | ChargeResult::Unknown,
        ) => return Ok(()),
    }
    settlement::store(work.tx, work.tenant, attempt, work.by.now).await?;
    let action = match attempt.status {
        Succeeded => Action::PaymentSucceeded,
        Declined => Action::PaymentDeclined,
        RequiresForm => Action::PaymentNeedsForm,
        RefundDue => Action::PaymentToBeRefunded,
        Pending | Abandoned | Refunded => return Ok(()),
    };
    Ok(attempt.note(work, action).await?)
}

/// Refunds the charge of an attempt that was given up.
async fn refund(app: &App, tenant: &Tenant, attempt: Attempt) -> Result<Attempt, BillingError> {
    if attempt.next_at.is_none() {
        // It failed for good: a refund is never repeated.
        return Ok(attempt);
    }
    let reference = attempt.charge_reference.clone().unwrap_or_default();
    let processor = processor_of(app, tenant, &attempt).await?;
    let order = RefundOrder {
        key: RefundKey::Attempt(attempt.id),
        attempt: attempt.id,
        reference,
        amount: attempt.amount,
        currency: attempt.currency,
    };
    let refund = processor.refund(tenant, &order).await.unwrap_or_else(|error| {
        tracing::warn!(attempt = %attempt.id, %error, "a refund failed and will be tried again");
        RefundResult::Pending
    });
    record_refund(app, tenant, attempt.id, refund).await
}

/// Cancels the form of an attempt that was given up, at its processor. Best effort: a payment by a
/// form that stays open is refunded.
async fn cancel_form(
    app: &App,
    tenant: &Tenant,
    attempt: Attempt,
) -> Result<Attempt, BillingError> {
    let (Some(_), Some(reference)) = (attempt.next_at, &attempt.charge_reference) else {
        return Ok(attempt);
    };
    let mut tx = app.db.read().await?;
    let processor = app.processors.by_name(&mut tx, tenant, &attempt.processor).await?;
    drop(tx);
    let now = app.clock.now();
    let age = now.seconds() - attempt.created_at.seconds();
    let canceled = match processor {
        Some(processor) => processor.cancel(tenant, reference).await,
        None => Ok(()),
    };
    let next_at = match canceled {
        Err(error) if age < CANCELED_WITHIN_SECONDS => {
            tracing::warn!(attempt = %attempt.id, %error, "a form is open and will be canceled later");
            Some(settlement::next_check(attempt.created_at, now))
        }
        Ok(()) | Err(_) => None,
    };
    let (owner, id) = (*tenant, attempt.id);
    app.db
        .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            let mut attempt = locked(tx, &owner, id).await?;
            // A payment came in meanwhile.
            if attempt.status == AttemptStatus::Abandoned {
                attempt.next_at = next_at;
                settlement::store(tx, &owner, &attempt, now).await?;
            }
            Ok(attempt)
        })
        .await
}

/// Records the state of a refund, in one transaction. Idempotent.
pub async fn record_refund(
    app: &App,
    tenant: &Tenant,
    id: PaymentAttemptId,
    refund: RefundResult,
) -> Result<Attempt, BillingError> {
    use AttemptStatus::{
        Abandoned, Declined, Pending, RefundDue, Refunded, RequiresForm, Succeeded,
    };
    let (owner, by) = (*tenant, app.by(Actor::System));
    app.db
        .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            let mut attempt = locked(tx, &owner, id).await?;
            let has_failed = attempt.status == RefundDue && attempt.next_at.is_none();
            let action = match (attempt.status, refund) {
                (RefundDue, RefundResult::Done) => {
                    (attempt.status, attempt.next_at) = (Refunded, None);
                    Some(Action::PaymentRefunded)
                }
                (RefundDue, RefundResult::Pending) if !has_failed => {
                    attempt.next_at = Some(settlement::next_check(attempt.created_at, by.now));
                    None
                }
                (RefundDue | Refunded, RefundResult::Failed) if !has_failed => {
                    (attempt.status, attempt.next_at) = (RefundDue, None);
                    tracing::error!(attempt = %id, "a refund failed for good; an operator has to act");
                    Some(Action::PaymentRefundFailed)
                }
                (
                    Pending | RequiresForm | Succeeded | Declined | Abandoned | RefundDue | Refunded,
                    RefundResult::Done | RefundResult::Pending | RefundResult::Failed,
                ) => return Ok(attempt),
            };
            settlement::store(tx, &owner, &attempt, by.now).await?;
            if let Some(action) = action {
                let at = test_clock::now(tx, &owner, by.now).await?;
                let mut work = Work { tx, tenant: &owner, at, by: &by };
                attempt.note(&mut work, action).await?;
            }
            Ok(attempt)
        })
        .await
}

/// Continues the work of other requests and nodes: attempts pending for a minute, expired forms,
/// refunds. Bounded per call; returns the number of items.
pub async fn sweep(app: &App) -> Result<usize, DbError> {
    let due = settlement::all_due(&mut app.db.read().await?, app.clock.now(), TAKEN_UP).await?;
    let count = due.len();
    let each = |(id, tenant): (PaymentAttemptId, Tenant)| async move {
        if let Err(error) = take_up(app, &tenant, id).await {
            tracing::warn!(attempt = %id, ?error, "an attempt was not settled and stays due");
        }
    };
    stream::iter(due).map(each).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
    Ok(count)
}

async fn take_up(app: &App, tenant: &Tenant, id: PaymentAttemptId) -> Result<(), BillingError> {
    let (owner, now) = (*tenant, app.clock.now());
    let until = now.plus_seconds(TAKEN_UP_AFTER_SECONDS);
    let by = app.by(Actor::System);
    let ours = app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
        if !settlement::take_up(tx, &owner, id, now, until).await? {
            return Ok(false);
        }
        let at = test_clock::now(tx, &owner, by.now).await?;
        expire_form(&mut Work { tx, tenant: &owner, at, by: &by }, id).await?;
        Ok::<_, BillingError>(true)
    });
    if ours.await? {
        run(app, tenant, id).await?;
    }
    Ok(())
}

/// Closes a form that has expired, or was canceled. A no-op unless it is open.
pub async fn expire_form(
    work: &mut Work<'_, '_, '_>,
    id: PaymentAttemptId,
) -> Result<(), BillingError> {
    let mut attempt = locked(work.tx, work.tenant, id).await?;
    if attempt.status == AttemptStatus::RequiresForm {
        apply::expired(work, &mut attempt).await?;
    }
    Ok(())
}

const MISSING: DbError = DbError::Broken("there is no such payment attempt");

/// Locks an attempt, after its customer.
async fn locked(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: PaymentAttemptId,
) -> Result<Attempt, DbError> {
    let attempt = settlement::get(tx, tenant, id).await?.ok_or(MISSING)?;
    customers::lock_no(tx, tenant, attempt.customer_no).await?;
    settlement::get(tx, tenant, id).await?.ok_or(MISSING)
}

pub async fn processor_of(
    app: &App,
    tenant: &Tenant,
    attempt: &Attempt,
) -> Result<Processor, BillingError> {
    let mut tx = app.db.read().await?;
    let found = app.processors.by_name(&mut tx, tenant, &attempt.processor).await?;
    found.ok_or(BillingError::NoProcessor)
}

/// The outcome when the processor does not answer.
fn unknown(attempt: &Attempt, error: &ProcessorError) -> ChargeResult {
    tracing::warn!(attempt = %attempt.id, %error, "a charge cannot be told and will be asked for");
    ChargeResult::Unknown
}
