//! Payment methods, and the processors that charge them.
//!
//! Card numbers never reach this server: the processor's form takes them and gives a token. Stored are
//! the processor's reference and what a customer needs to distinguish cards.

mod expiring;
pub mod http;
pub mod http_processors;
pub mod processor;
mod processors;
pub mod remote;
pub mod sandbox;
mod sql;
pub mod stripe;

pub use expiring::{announce_expiring, is_any_expiring};
pub use processor::{
    Card, ChargeOrder, ChargeResult, Client, ClientKind, DeclineReason, PaymentProcessor,
    Processor, ProcessorError, ProcessorEvent, RefundKey, RefundOrder, RefundResult,
};
pub use processors::Processors;
pub use sandbox::Sandbox;
pub use sql::{default_of, get, keep_reference, of_customer, reference};

use crate::audit::Action;
use crate::base::{
    CreditAccountId, Currency, CustomerId, Owned, PaymentMethodId, SubscriptionId, Time,
};
use crate::customers::{self, Customer, billing};
use crate::db::{DbError, FromRow, Tx};
use crate::organizations::Tenant;
use crate::work::{ChargeTerms, ProcessorTerms, Work};
use futures_util::future::BoxFuture;
use serde_json::json;

#[derive(Clone, Debug, FromRow)]
pub struct PaymentMethod {
    pub customer_no: i64,
    pub id: PaymentMethodId,
    pub processor: String,
    #[record(prefix = "")]
    pub card: Card,
    #[record(computed)]
    pub is_default: bool,
    #[record(computed)]
    pub is_declined: bool,
    /// Whether it is not charged off-session any more, because the bank must not be asked again.
    pub declined_for_good: bool,
    /// A JSON object of strings.
    pub metadata: String,
    pub created_at: Time,
    pub updated_at: Time,
}

impl Owned for PaymentMethod {
    fn owner(&self) -> i64 {
        self.customer_no
    }
}

/// The objects that are charged to a payment method while it is the default.
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

/// Adds a payment method, or returns it if the customer has it already. A customer's first one becomes
/// the default.
pub async fn add(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
    processor: &str,
    card: &Card,
    set_default: bool,
) -> Result<PaymentMethod, DbError> {
    let customer = customers::lock_no(work.tx, work.tenant, customer_no).await?;
    let customer = customer.ok_or(DbError::Broken("no customer to add a payment method to"))?;
    let id = work.by.ids.payment_method();
    let new = sql::NewMethod { id, processor, card, created_at: work.by.now };
    if sql::insert(work.tx, work.tenant, customer_no, &new).await? {
        let detail = json!({ "brand": card.brand, "last4": card.last4 });
        work.note(customer.id, Action::PaymentMethodAdded, id, detail).await?;
    }
    let kept =
        sql::by_reference(work.tx, work.tenant, customer_no, processor, &card.reference).await?;
    let kept = kept.ok_or(DbError::Broken("a payment method just kept is missing"))?;
    if set_default || default_of(work.tx, work.tenant, customer_no).await?.is_none() {
        let kept = make_default(work, customer_no, kept.id).await?;
        return kept.ok_or(DbError::Broken("a payment method just kept is missing"));
    }
    Ok(kept)
}

/// Makes a payment method the default; `None` if there is no such method.
pub async fn make_default(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
    id: PaymentMethodId,
) -> Result<Option<PaymentMethod>, DbError> {
    let customer = customers::lock_no(work.tx, work.tenant, customer_no).await?;
    let (Some(customer), Some(method)) = (customer, get(work.tx, work.tenant, id).await?) else {
        return Ok(None);
    };
    if method.is_default {
        return Ok(Some(method));
    }
    billing::set_default_payment_method(work.tx, work.tenant, customer_no, Some(id)).await?;
    work.note(customer.id, Action::PaymentMethodMadeDefault, id, json!({})).await?;
    Ok(Some(PaymentMethod { is_default: true, ..method }))
}

/// Locks the tenant's customer that has this reference at the processor.
pub async fn lock_holder(
    work: &mut Work<'_, '_, '_>,
    processor: &str,
    reference: &str,
) -> Result<Option<Customer>, DbError> {
    let found = sql::customer_of_reference(work.tx, work.tenant, processor, reference).await?;
    let Some(no) = found else { return Ok(None) };
    customers::lock_no(work.tx, work.tenant, no).await
}

/// Locks a customer by its reference at the processor, and returns its payment method of this
/// reference.
async fn held_card(
    work: &mut Work<'_, '_, '_>,
    processor: &str,
    holder: &str,
    card: &str,
) -> Result<Option<(Customer, Option<PaymentMethod>)>, DbError> {
    let Some(customer) = lock_holder(work, processor, holder).await? else { return Ok(None) };
    let kept = sql::by_reference(work.tx, work.tenant, customer.no, processor, card).await?;
    Ok(Some((customer, kept)))
}

/// Updates a payment method whose card the bank replaced; `false` if the tenant has no such customer.
pub async fn card_changed(
    work: &mut Work<'_, '_, '_>,
    processor: &str,
    reference: &str,
    card: &Card,
) -> Result<bool, DbError> {
    let held = held_card(work, processor, reference, &card.reference).await?;
    let Some((customer, kept)) = held else { return Ok(false) };
    if let Some(kept) = kept.filter(|kept| kept.card != *card) {
        sql::set_card(work.tx, work.tenant, kept.id, card, work.by.now).await?;
        let detail = json!({ "brand": card.brand, "last4": card.last4 });
        work.note(customer.id, Action::PaymentMethodUpdated, kept.id, detail).await?;
    }
    Ok(true)
}

/// Marks the payment method of an attempt as declined for good, or as usable again. A no-op if it is
/// marked so, or removed.
pub async fn set_declined_for_good(
    work: &mut Work<'_, '_, '_>,
    id: Option<PaymentMethodId>,
    declined: bool,
) -> Result<(), DbError> {
    match id {
        Some(id) => sql::set_declined_for_good(work.tx, work.tenant, id, declined).await,
        None => Ok(()),
    }
}

/// Removes a payment method that was removed at the processor, even if something is charged to it;
/// `false` if the tenant has no such customer.
pub async fn card_gone(
    work: &mut Work<'_, '_, '_>,
    processor: &str,
    customer: &str,
    reference: &str,
) -> Result<bool, DbError> {
    let held = held_card(work, processor, customer, reference).await?;
    let Some((customer, kept)) = held else { return Ok(false) };
    if let Some(method) = kept {
        forget(work, customer.id, &method).await?;
    }
    Ok(true)
}

/// Forgets a customer that was deleted at the processor, with its payment methods there; `false` if the
/// tenant has no such customer.
pub async fn customer_gone(
    work: &mut Work<'_, '_, '_>,
    processor: &str,
    reference: &str,
) -> Result<bool, DbError> {
    let Some(customer) = lock_holder(work, processor, reference).await? else { return Ok(false) };
    let methods = of_customer(work.tx, work.tenant, customer.no).await?;
    for method in methods.iter().filter(|method| method.processor == processor) {
        forget(work, customer.id, method).await?;
    }
    sql::delete_reference(work.tx, work.tenant, customer.no, processor).await?;
    Ok(true)
}

/// Deletes a payment method of a customer who is locked.
pub async fn forget(
    work: &mut Work<'_, '_, '_>,
    customer: CustomerId,
    method: &PaymentMethod,
) -> Result<(), DbError> {
    if method.is_default {
        billing::set_default_payment_method(work.tx, work.tenant, method.customer_no, None).await?;
    }
    sql::delete(work.tx, work.tenant, method.id).await?;
    let detail = json!({ "brand": method.card.brand, "last4": method.card.last4 });
    work.note(customer, Action::PaymentMethodRemoved, method.id, detail).await
}

impl Dependencies {
    pub fn blocks_detach(&self) -> bool {
        !self.subscriptions.is_empty() || !self.auto_top_up_accounts.is_empty()
    }
}

impl Card {
    /// Whether its expiry month has passed.
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

impl ChargeTerms for Processors {
    fn processor_of<'a>(
        &'a self,
        tx: &'a mut Tx<'_, '_>,
        tenant: &'a Tenant,
        name: Option<&'a str>,
        currency: Currency,
    ) -> BoxFuture<'a, Result<Option<ProcessorTerms>, DbError>> {
        Box::pin(async move {
            let processor = match name {
                Some(name) => self.by_name(tx, tenant, name).await?,
                None => self.choose(tx, tenant).await?,
            };
            Ok(processor.map(|processor| ProcessorTerms {
                name: processor.name(),
                minimum: processor.minimum(currency),
            }))
        })
    }
}
