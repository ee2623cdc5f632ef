//! Applies the events of processors, and asks processors for what no event reported.

use super::settle;
use crate::app::App;
use crate::audit::Actor;
use crate::base::PaymentAttemptId;
use crate::db::{DbError, Lane, Tx};
use crate::flows::{disputes, payment_methods, refunds};
use crate::organizations::Tenant;
use crate::payments::{self, ChargeResult, PaymentMethodError, ProcessorEvent, RefundKey, remote};
use crate::settlement::{self, AttemptStatus};
use crate::test_clock;
use crate::work::{BillingError, Work};
use futures_util::{StreamExt, stream};

/// The number of open forms that are asked for concurrently.
const AT_ONCE: usize = 8;
/// The number of open forms that are read at once.
const PAGE: i64 = 100;

/// Applies an event that was signed with this tenant's secret, to this tenant's objects only. An
/// attempt or a customer of another tenant is treated as unknown. Idempotent.
pub async fn receive(
    app: &App,
    tenant: &Tenant,
    processor: &str,
    event: ProcessorEvent,
) -> Result<(), BillingError> {
    let known = match event {
        ProcessorEvent::Charged { key, reference, card } => {
            let attempt = settlement::get(&mut app.db.read().await?, tenant, key).await?;
            let known = attempt.is_some_and(|attempt| attempt.processor == processor);
            if known {
                settle::record(app, tenant, key, ChargeResult::Succeeded { reference, card })
                    .await?;
            }
            known
        }
        ProcessorEvent::SetUp { customer, card } => {
            let name = processor.to_owned();
            let rule = async move |work: &mut Work<'_, '_, '_>| {
                payment_methods::add_for_reference(work, &name, &customer, &card).await
            };
            at_billing_time(app, tenant, rule).await?
        }
        ProcessorEvent::CardChanged { customer, card } => {
            let name = processor.to_owned();
            let rule = async move |work: &mut Work<'_, '_, '_>| {
                Ok(payments::card_changed(work, &name, &customer, &card).await?)
            };
            at_billing_time(app, tenant, rule).await?
        }
        ProcessorEvent::CardGone { customer, reference } => {
            let name = processor.to_owned();
            let rule = async move |work: &mut Work<'_, '_, '_>| {
                Ok(payments::card_gone(work, &name, &customer, &reference).await?)
            };
            at_billing_time(app, tenant, rule).await?
        }
        ProcessorEvent::Canceled { key } => {
            let attempt = settlement::get(&mut app.db.read().await?, tenant, key).await?;
            let known = attempt.is_some_and(|attempt| attempt.processor == processor);
            if known {
                form_canceled(app, tenant, key).await?;
            }
            known
        }
        ProcessorEvent::CustomerGone { customer } => {
            let name = processor.to_owned();
            let rule = async move |work: &mut Work<'_, '_, '_>| {
                Ok(payments::customer_gone(work, &name, &customer).await?)
            };
            at_billing_time(app, tenant, rule).await?
        }
        ProcessorEvent::ChargeChanged { key } => ask(app, tenant, processor, key).await?,
        ProcessorEvent::RefundChanged { key: RefundKey::Refund(id), refund } => {
            let known = refunds::is_of(app, tenant, id, processor).await?;
            if known {
                refunds::record(app, tenant, id, refund).await?;
            }
            known
        }
        ProcessorEvent::RefundChanged { key: RefundKey::Attempt(key), refund } => {
            let attempt = settlement::get(&mut app.db.read().await?, tenant, key).await?;
            let known = attempt.is_some_and(|attempt| attempt.processor == processor);
            if known {
                settle::record_refund(app, tenant, key, refund).await?;
            }
            known
        }
        ProcessorEvent::Disputed { key, reference, card, dispute } => {
            let attempt = settlement::get(&mut app.db.read().await?, tenant, key).await?;
            let known = attempt.is_some_and(|attempt| attempt.processor == processor);
            if known {
                settle::record(app, tenant, key, ChargeResult::Succeeded { reference, card })
                    .await?;
                disputes::record(app, tenant, key, dispute).await?;
            }
            known
        }
    };
    if !known {
        // Another installation may use the same processor account.
        tracing::info!(processor, tenant = tenant.no, "a webhook names no object of its tenant");
    }
    Ok(())
}

/// Asks the processor for a charge that is not decided, and records the answer; `false` if the tenant has
/// no such charge there. Nobody's word counts but this answer, which is of the amount that was asked for.
async fn ask(
    app: &App,
    tenant: &Tenant,
    name: &str,
    key: PaymentAttemptId,
) -> Result<bool, BillingError> {
    let attempt = settlement::get(&mut app.db.read().await?, tenant, key).await?;
    let Some(attempt) = attempt.filter(|attempt| attempt.processor == name) else {
        return Ok(false);
    };
    match attempt.status {
        AttemptStatus::Succeeded | AttemptStatus::RefundDue | AttemptStatus::Refunded => {
            return Ok(true);
        }
        AttemptStatus::Pending
        | AttemptStatus::RequiresForm
        | AttemptStatus::Declined
        | AttemptStatus::Abandoned => {}
    }
    let processor = settle::processor_of(app, tenant, &attempt).await?;
    let order = settle::order(app, tenant, &*processor, &attempt).await.map_err(unexpected)?;
    let found = processor.find_charge(tenant, &order).await;
    match found.map_err(|error| unexpected(PaymentMethodError::Processor(error)))? {
        Some(ChargeResult::Declined(_) | ChargeResult::DeclinedForGood(_))
            if attempt.status == AttemptStatus::RequiresForm =>
        {
            form_canceled(app, tenant, key).await?;
        }
        Some(result) => drop(settle::record(app, tenant, key, result).await?),
        None => {}
    }
    Ok(true)
}

/// Asks for the open forms of a tenant's processor over HTTP, so that a payment whose event was lost is
/// found.
pub async fn ask_for_forms(app: &App, tenant: &Tenant) -> Result<(), DbError> {
    let each = |id: PaymentAttemptId| async move {
        if let Err(error) = ask(app, tenant, remote::NAME, id).await {
            tracing::warn!(attempt = %id, ?error, "an open form could not be asked for");
        }
    };
    let mut after = PaymentAttemptId::from_u128(0);
    loop {
        let mut tx = app.db.read().await?;
        let open = settlement::open_forms(&mut tx, tenant, remote::NAME, after, PAGE).await?;
        drop(tx);
        let Some(last) = open.last() else { return Ok(()) };
        after = *last;
        stream::iter(open).map(each).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
    }
}

fn unexpected(error: PaymentMethodError) -> BillingError {
    match error {
        PaymentMethodError::Db(error) => BillingError::Db(error),
        PaymentMethodError::Processor(error) => BillingError::Db(DbError::Unexpected(error.into())),
        PaymentMethodError::CustomerArchived
        | PaymentMethodError::NoProcessor
        | PaymentMethodError::InUse(_) => BillingError::NoProcessor,
    }
}

/// Closes a form that was canceled at the processor. A no-op unless it is open.
async fn form_canceled(
    app: &App,
    tenant: &Tenant,
    id: PaymentAttemptId,
) -> Result<(), BillingError> {
    let rule = async move |work: &mut Work<'_, '_, '_>| settle::expire_form(work, id).await;
    at_billing_time(app, tenant, rule).await
}

/// Runs a rule of the server's own in one transaction, also while the test clock advances.
async fn at_billing_time<T, F>(app: &App, tenant: &Tenant, rule: F) -> Result<T, BillingError>
where
    T: Send + 'static,
    F: AsyncFn(&mut Work<'_, '_, '_>) -> Result<T, BillingError> + Send + 'static,
{
    let (owner, by) = (*tenant, app.by(Actor::System));
    let step = async move |tx: &mut Tx<'_, '_>| {
        let at = test_clock::now(tx, &owner, by.now).await?;
        rule(&mut Work { tx, tenant: &owner, at, by: &by }).await
    };
    app.db.write(Lane::Usual, step).await
}
