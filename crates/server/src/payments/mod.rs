//! Payment methods, and the processors that charge them.
//!
//! Card numbers never reach us: the processor's form takes them and gives a token. What is kept is
//! the processor's reference and what a customer needs to tell cards apart.

pub mod http;
pub mod processor;
pub mod sandbox;
mod sql;

pub use processor::{
    Card, Charge, ChargeResult, Client, ClientKind, DeclineReason, Event, PaymentProcessor,
    ProcessorError, Processors,
};
pub use sandbox::Sandbox;
pub use sql::{default_of, get};

use crate::app::{App, By};
use crate::audit::Action;
use crate::base::{CreditAccountId, PaymentMethodId, SubscriptionId, Time};
use crate::credits;
use crate::customers::{self, Customer, billing};
use crate::db::{DbError, Lane, Tx};
use crate::organizations::Tenant;
use crate::subscriptions::{self, CollectionMethod};
use processor::Holder;
use serde_json::json;

#[derive(Clone, Debug)]
pub struct PaymentMethod {
    pub customer_no: i64,
    pub id: PaymentMethodId,
    pub processor: String,
    pub card: Card,
    pub is_default: bool,
    /// A JSON object of texts.
    pub metadata: String,
    pub created_at: Time,
    pub updated_at: Time,
}

/// What would miss a payment method that is the default.
#[derive(Clone, Debug)]
pub struct Dependencies {
    pub id: PaymentMethodId,
    pub is_default: bool,
    pub subscriptions: Vec<SubscriptionId>,
    pub auto_top_up_accounts: Vec<CreditAccountId>,
}

#[derive(Debug)]
pub enum PaymentMethodError {
    Db(DbError),
    Processor(ProcessorError),
    CustomerArchived,
    /// The tenant has no processor.
    NoProcessor,
    InUse(Dependencies),
}

/// The processor's reference of a customer, which is made there when it is first asked for.
pub async fn reference_of(
    app: &App,
    tenant: &Tenant,
    processor: &dyn PaymentProcessor,
    customer: &Customer,
) -> Result<String, PaymentMethodError> {
    let (tenant, no, name) = (*tenant, customer.no, processor.name().to_owned());
    let known = sql::reference(&mut app.db.read().await?, &tenant, no, &name).await?;
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
            sql::keep_reference(tx, &tenant, no, &name, &made).await?;
            sql::reference(tx, &tenant, no, &name).await
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

/// Keeps a payment method; one that is kept already is returned as it is. The first one of a
/// customer becomes the default, and one of which it is wanted.
pub async fn add(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    processor: &str,
    card: &Card,
    set_default: bool,
    by: &By,
) -> Result<PaymentMethod, DbError> {
    let customer = customers::lock_no(tx, tenant, customer_no).await?;
    let customer = customer.ok_or(DbError::Broken("no customer to add a payment method to"))?;
    let id = by.ids.payment_method();
    if sql::insert(tx, tenant, customer_no, id, processor, card, by.now).await? {
        let detail = json!({ "brand": card.brand, "last4": card.last4 });
        by.note(tx, tenant, customer.id, Action::PaymentMethodAdded, id, detail).await?;
    }
    let kept = sql::by_reference(tx, tenant, customer_no, processor, &card.reference).await?;
    let kept = kept.ok_or(DbError::Broken("a payment method just kept is missing"))?;
    if set_default || default_of(tx, tenant, customer_no).await?.is_none() {
        let kept = make_default(tx, tenant, customer_no, kept.id, by).await?;
        return kept.ok_or(DbError::Broken("a payment method just kept is missing"));
    }
    Ok(kept)
}

/// Adds a payment method to the tenant's customer that has this reference at the processor; `false`
/// if the tenant has no such customer.
pub async fn add_for_reference(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    processor: &str,
    reference: &str,
    card: &Card,
    by: &By,
) -> Result<bool, DbError> {
    let found = sql::customer_of_reference(tx, tenant, processor, reference).await?;
    let Some(no) = found else { return Ok(false) };
    add(tx, tenant, no, processor, card, false, by).await.map(|_| true)
}

/// Makes a payment method the one that is charged unless another is named; `None` where there is
/// none.
pub async fn make_default(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    id: PaymentMethodId,
    by: &By,
) -> Result<Option<PaymentMethod>, DbError> {
    let customer = customers::lock_no(tx, tenant, customer_no).await?;
    let (Some(customer), Some(method)) = (customer, get(tx, tenant, id).await?) else {
        return Ok(None);
    };
    if method.is_default {
        return Ok(Some(method));
    }
    billing::set_default_payment_method(tx, tenant, customer_no, Some(id)).await?;
    by.note(tx, tenant, customer.id, Action::PaymentMethodMadeDefault, id, json!({})).await?;
    Ok(Some(PaymentMethod { is_default: true, ..method }))
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

impl Dependencies {
    pub fn blocks_detach(&self) -> bool {
        !self.subscriptions.is_empty() || !self.auto_top_up_accounts.is_empty()
    }
}

/// Forgets a payment method that nothing would miss; `None` where there is none.
pub async fn remove(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    id: PaymentMethodId,
    by: &By,
) -> Result<Option<PaymentMethod>, PaymentMethodError> {
    let customer = customers::lock_no(tx, tenant, customer_no).await?;
    let (Some(customer), Some(method)) = (customer, get(tx, tenant, id).await?) else {
        return Ok(None);
    };
    let dependencies = dependencies(tx, tenant, &method).await?;
    if dependencies.blocks_detach() {
        return Err(PaymentMethodError::InUse(dependencies));
    }
    if method.is_default {
        billing::set_default_payment_method(tx, tenant, customer_no, None).await?;
    }
    sql::delete(tx, tenant, id).await?;
    let detail = json!({ "brand": method.card.brand, "last4": method.card.last4 });
    by.note(tx, tenant, customer.id, Action::PaymentMethodRemoved, id, detail).await?;
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

impl Card {
    /// Whether its month is over.
    pub fn has_expired(&self, at: Time) -> bool {
        processor::month(at) > self.exp_year * 12 + self.exp_month - 1
    }
}

impl From<DbError> for PaymentMethodError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<ProcessorError> for PaymentMethodError {
    fn from(error: ProcessorError) -> Self {
        Self::Processor(error)
    }
}
