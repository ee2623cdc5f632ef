//! Payment methods: what is asked of the processor first, and what would miss one that is removed.

use crate::app::App;
use crate::audit::Action;
use crate::base::{CollectionMethod, PaymentMethodId, Time};
use crate::customers::{self, Customer, billing};
use crate::db::{DbError, Lane, Tx};
use crate::organizations::Tenant;
use crate::payments::processor::Holder;
use crate::payments::{
    self, Card, Client, Dependencies, PaymentMethod, PaymentMethodError, PaymentProcessor,
};
use crate::work::Work;
use crate::{credits, subscriptions};
use serde_json::json;

/// The processor's reference of a customer, which is made there when it is first asked for.
pub async fn reference_of(
    app: &App,
    tenant: &Tenant,
    processor: &dyn PaymentProcessor,
    customer: &Customer,
) -> Result<String, PaymentMethodError> {
    let (tenant, no, name) = (*tenant, customer.no, processor.name().to_owned());
    let known = payments::reference(&mut app.db.read().await?, &tenant, no, &name).await?;
    if let Some(known) = known {
        return Ok(known);
    }
    let holder =
        Holder { id: customer.id, name: customer.name.clone(), email: customer.email.clone() };
    let made = processor.create_customer(&tenant, &holder).await?;
    let name = name.to_owned();
    let kept = app
        .db
        .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            payments::keep_reference(tx, &tenant, no, &name, &made).await?;
            payments::reference(tx, &tenant, no, &name).await
        })
        .await?;
    kept.ok_or(PaymentMethodError::Db(DbError::Broken("a reference just kept is missing")))
}

/// Opens a form in which a customer enters a payment method.
pub async fn setup(
    app: &App,
    tenant: &Tenant,
    customer: &Customer,
) -> Result<Client, PaymentMethodError> {
    let processor = usable(app, tenant, customer)?;
    let reference = reference_of(app, tenant, processor, customer).await?;
    Ok(processor.setup(tenant, &reference).await?)
}

/// Has the processor give a customer what a token stands for.
pub async fn attach(
    app: &App,
    tenant: &Tenant,
    customer: &Customer,
    token: &str,
    at: Time,
) -> Result<(String, Card), PaymentMethodError> {
    let processor = usable(app, tenant, customer)?;
    let reference = reference_of(app, tenant, processor, customer).await?;
    Ok((processor.name().to_owned(), processor.attach(tenant, &reference, token, at).await?))
}

fn usable<'a>(
    app: &'a App,
    tenant: &Tenant,
    customer: &Customer,
) -> Result<&'a dyn PaymentProcessor, PaymentMethodError> {
    if customer.archived_at.is_some() {
        return Err(PaymentMethodError::CustomerArchived);
    }
    app.processors.of(tenant).ok_or(PaymentMethodError::NoProcessor)
}

/// What would miss a payment method: only the default one is missed.
pub async fn dependencies(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    method: &PaymentMethod,
) -> Result<Dependencies, DbError> {
    let (mut subscriptions, mut auto_top_up_accounts) = (Vec::new(), Vec::new());
    if method.is_default {
        let live = subscriptions::live_of_customer(tx, tenant, method.customer_no).await?;
        let charged =
            live.iter().filter(|s| s.collection_method == CollectionMethod::ChargeAutomatically);
        subscriptions.extend(charged.map(|subscription| subscription.id));
        auto_top_up_accounts = credits::with_auto_top_up(tx, tenant, method.customer_no).await?;
    }
    let (id, is_default) = (method.id, method.is_default);
    Ok(Dependencies { id, is_default, subscriptions, auto_top_up_accounts })
}

/// Forgets a payment method that nothing would miss; `None` where there is none.
pub async fn remove(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
    id: PaymentMethodId,
) -> Result<Option<PaymentMethod>, PaymentMethodError> {
    let customer = customers::lock_no(work.tx, work.tenant, customer_no).await?;
    let (Some(customer), Some(method)) = (customer, payments::get(work.tx, work.tenant, id).await?)
    else {
        return Ok(None);
    };
    let dependencies = dependencies(work.tx, work.tenant, &method).await?;
    if dependencies.blocks_detach() {
        return Err(PaymentMethodError::InUse(dependencies));
    }
    if method.is_default {
        billing::set_default_payment_method(work.tx, work.tenant, customer_no, None).await?;
    }
    payments::delete(work.tx, work.tenant, id).await?;
    let detail = json!({ "brand": method.card.brand, "last4": method.card.last4 });
    work.note(customer.id, Action::PaymentMethodRemoved, id, detail).await?;
    Ok(Some(method))
}

/// Has the processor forget a payment method that we forgot. Where it cannot, the card stays there
/// and is never charged: only what we keep is.
pub async fn detach(app: &App, tenant: &Tenant, method: &PaymentMethod) {
    let Some(processor) = app.processors.by_name(&method.processor) else { return };
    if let Err(error) = processor.detach(tenant, &method.card.reference).await {
        tracing::warn!(method = %method.id, %error, "a payment method stays at the processor");
    }
}
