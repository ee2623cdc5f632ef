//! Payment methods: the calls to the processor, and the objects that are charged to a method.

use crate::app::App;
use crate::base::{CollectionMethod, PaymentMethodId, Time};
use crate::customers::{self, Customer};
use crate::db::{DbError, Lane, Tx};
use crate::flows::create;
use crate::organizations::Tenant;
use crate::payments::processor::Holder;
use crate::payments::{
    self, Card, Client, Dependencies, PaymentMethod, PaymentMethodError, PaymentProcessor,
    Processor,
};
use crate::work::{BillingError, Work};
use crate::{credits, subscriptions};

/// Returns the processor's reference of a customer, creating the customer there if needed.
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

/// Opens a form for entering a payment method.
pub async fn setup(
    app: &App,
    tenant: &Tenant,
    customer: &Customer,
) -> Result<Client, PaymentMethodError> {
    let processor = usable(app, tenant, customer).await?;
    let reference = reference_of(app, tenant, &*processor, customer).await?;
    Ok(processor.setup(tenant, &reference).await?)
}

/// Reads the payment method that a form's token stands for. It must belong to this customer.
pub async fn attach(
    app: &App,
    tenant: &Tenant,
    customer: &Customer,
    token: &str,
    at: Time,
) -> Result<(String, Card), PaymentMethodError> {
    let processor = usable(app, tenant, customer).await?;
    let reference = reference_of(app, tenant, &*processor, customer).await?;
    Ok((processor.name().to_owned(), processor.attach(tenant, &reference, token, at).await?))
}

/// Adds a payment method. If it is a new default, open invoices are charged to it at once, and
/// subscriptions that waited for a payment method start.
pub async fn add(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
    processor: &str,
    card: &Card,
    set_default: bool,
) -> Result<PaymentMethod, BillingError> {
    let before = default_locked(work, customer_no).await?;
    let method = payments::add(work, customer_no, processor, card, set_default).await?;
    retry_on_new_default(work, before, &method).await?;
    if before.is_none() {
        create::start_waiting(work, customer_no).await?;
    }
    Ok(method)
}

/// Adds a payment method to the tenant's customer that has this reference at the processor; `false`
/// if the tenant has no such customer.
pub async fn add_for_reference(
    work: &mut Work<'_, '_, '_>,
    processor: &str,
    reference: &str,
    card: &Card,
) -> Result<bool, BillingError> {
    match payments::lock_holder(work, processor, reference).await? {
        None => Ok(false),
        Some(holder) => add(work, holder.no, processor, card, false).await.map(|_| true),
    }
}

/// Makes a payment method the default and charges open invoices to it at once; `None` if there is no
/// such method.
pub async fn make_default(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
    id: PaymentMethodId,
) -> Result<Option<PaymentMethod>, DbError> {
    let before = default_locked(work, customer_no).await?;
    let method = payments::make_default(work, customer_no, id).await?;
    if let Some(method) = &method {
        retry_on_new_default(work, before, method).await?;
    }
    Ok(method)
}

/// Locks a customer and returns its default payment method.
async fn default_locked(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
) -> Result<Option<PaymentMethodId>, DbError> {
    customers::lock_no(work.tx, work.tenant, customer_no).await?;
    let default = payments::default_of(work.tx, work.tenant, customer_no).await?;
    Ok(default.map(|method| method.id))
}

/// Makes waiting retries due now if the customer has another default than before.
async fn retry_on_new_default(
    work: &mut Work<'_, '_, '_>,
    before: Option<PaymentMethodId>,
    method: &PaymentMethod,
) -> Result<(), DbError> {
    if method.is_default && before != Some(method.id) {
        subscriptions::retry_now(work.tx, work.tenant, method.customer_no, work.at).await?;
    }
    Ok(())
}

async fn usable(
    app: &App,
    tenant: &Tenant,
    customer: &Customer,
) -> Result<Processor, PaymentMethodError> {
    if customer.archived_at.is_some() {
        return Err(PaymentMethodError::CustomerArchived);
    }
    let processor = app.processors.choose(&mut app.db.read().await?, tenant).await?;
    processor.ok_or(PaymentMethodError::NoProcessor)
}

/// Lists what is charged to a payment method: nothing unless it is the default.
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

/// Removes a payment method that nothing is charged to; `None` if there is no such method.
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
    payments::forget(work, customer.id, &method).await?;
    Ok(Some(method))
}

/// Detaches a removed payment method at the processor. Best effort: a method that stays there is never
/// charged, since its row here is gone.
pub async fn detach(app: &App, tenant: &Tenant, method: &PaymentMethod) {
    let detached = async {
        let mut tx = app.db.read().await?;
        let processor = app.processors.by_name(&mut tx, tenant, &method.processor).await?;
        drop(tx);
        match processor {
            Some(processor) => processor.detach(tenant, &method.card.reference).await,
            None => Ok(()),
        }
    };
    if let Err(error) = detached.await {
        tracing::warn!(method = %method.id, %error, "a payment method stays at the processor");
    }
}
