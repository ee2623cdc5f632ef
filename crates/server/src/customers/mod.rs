//! Customers, to which portal sessions are scoped.
//!
//! A customer's `generation` counts how often all of its sessions were ended. A session carries the
//! generation of its mint and is valid while the two are equal. The generation never decreases.

pub mod billing;
pub mod http;
mod http_fields;
mod search;
mod sql;

pub use search::CustomerSearch;
pub use sql::{
    by_no, delete_ended_before, get, lock, lock_no, page, raise_all_generations, update as store,
    with_email,
};

use self::billing::{BillingChange, BillingProfile};
use crate::audit::{self, Action, Author};
use crate::base::changes::changes;
use crate::base::{CustomerId, Owned, Time};
use crate::db::{DbError, FromRow, ToRow, Tx};
use crate::organizations::Tenant;
use serde_json::json;
use std::convert::Infallible;
use std::str::FromStr;

#[derive(Clone, Debug, FromRow, ToRow)]
pub struct Customer {
    #[record(read_only)]
    pub no: i64,
    #[record(insert_only)]
    pub id: CustomerId,
    pub external_id: Option<String>,
    pub name: String,
    pub email: String,
    /// A JSON object of strings.
    pub metadata: String,
    pub archived_at: Option<Time>,
    /// When the personal data was erased.
    #[record(default)]
    pub erased_at: Option<Time>,
    #[record(read_only)]
    pub generation: i64,
    #[record(insert_only)]
    pub created_at: Time,
    pub updated_at: Time,
}

impl Owned for Customer {
    fn owner(&self) -> i64 {
        self.no
    }
}

#[derive(Clone, Debug, ToRow)]
pub struct NewCustomer {
    pub external_id: Option<String>,
    pub name: String,
    pub email: String,
    pub metadata: String,
    #[record(skip)]
    pub billing: BillingChange,
}

/// The fields that a PATCH sets; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct CustomerChange {
    pub name: Option<String>,
    pub email: Option<String>,
    pub external_id: Option<Option<String>>,
    pub metadata: Option<String>,
    pub billing: BillingChange,
}

/// A reference to a customer: a well-formed id is ours, any other text is an external id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CustomerRef {
    Id(CustomerId),
    External(String),
}

/// The reason that all sessions of a customer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionsEnd {
    /// A backend revoked them.
    Revoked,
    /// A mint used `invalidateExisting`.
    Replaced,
    Archived,
    /// The operator ran `new-epoch`.
    NewEpoch,
}

#[derive(Debug)]
pub enum CustomerError {
    Db(DbError),
    ExternalIdTaken,
    /// Nobody can write to an erased customer.
    Erased,
}

impl FromStr for CustomerRef {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.parse().map_or_else(|_| Self::External(text.to_owned()), Self::Id))
    }
}

impl SessionsEnd {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "customer_revoked",
            Self::Replaced => "replaced",
            Self::Archived => "customer_archived",
            Self::NewEpoch => "new_epoch",
        }
    }
}

pub async fn create(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    new: &NewCustomer,
    author: &Author,
) -> Result<Customer, CustomerError> {
    let id = author.ids.customer();
    if !sql::insert(tx, tenant, id, new, author.now).await? {
        return Err(CustomerError::ExternalIdTaken);
    }
    let event = author.event(Action::CustomerCreated, id, Some(id), json!({}));
    audit::record(tx, tenant.no, &event).await?;
    let reference = CustomerRef::Id(id);
    let made = sql::get(tx, tenant, &reference).await?;
    let made = made.ok_or(DbError::Broken("a customer just made is missing"))?;
    let mut profile = billing::BillingProfile::default();
    if !profile.apply(&new.billing).is_empty() {
        sql::put_billing(tx, tenant, made.no, &profile).await?;
    }
    Ok(made)
}

/// Updates a customer; `None` if it does not exist.
pub async fn update(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    reference: &CustomerRef,
    change: &CustomerChange,
    author: &Author,
) -> Result<Option<Customer>, CustomerError> {
    let Some(mut customer) = sql::lock(tx, tenant, reference).await? else { return Ok(None) };
    if customer.erased_at.is_some() {
        return Err(CustomerError::Erased);
    }
    let mut changed = changes!(customer, change, {
        name "name", email "email", metadata "metadata",
    });
    if let Some(external_id) =
        change.external_id.as_ref().filter(|new| **new != customer.external_id)
    {
        if let Some(wanted) = external_id {
            let reference = CustomerRef::External(wanted.clone());
            if sql::get(tx, tenant, &reference).await?.is_some() {
                return Err(CustomerError::ExternalIdTaken);
            }
        }
        customer.external_id.clone_from(external_id);
        changed.push("externalId");
    }
    let mut profile = sql::billing(tx, tenant, customer.no).await?;
    let billing = profile.apply(&change.billing);
    if !billing.is_empty() {
        sql::put_billing(tx, tenant, customer.no, &profile).await?;
        changed.extend(billing);
    }
    if !changed.is_empty() {
        customer.updated_at = author.now;
        sql::update(tx, tenant, &customer).await?;
        changed.sort_unstable();
        let detail = json!({ "changed": changed });
        let id = customer.id;
        let event = author.event(Action::CustomerUpdated, id, Some(id), detail);
        audit::record(tx, tenant.no, &event).await?;
    }
    Ok(Some(customer))
}

/// Unarchives a customer. Its sessions stay ended.
pub async fn unarchive(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    reference: &CustomerRef,
    author: &Author,
) -> Result<Option<Customer>, CustomerError> {
    let Some(mut customer) = sql::lock(tx, tenant, reference).await? else { return Ok(None) };
    if customer.erased_at.is_some() {
        return Err(CustomerError::Erased);
    }
    if customer.archived_at.take().is_some() {
        customer.updated_at = author.now;
        sql::update(tx, tenant, &customer).await?;
        let id = customer.id;
        let event = author.event(Action::CustomerUnarchived, id, Some(id), json!({}));
        audit::record(tx, tenant.no, &event).await?;
    }
    Ok(Some(customer))
}

/// Replaces the name, the e-mail address and the rest of a customer's and its billing profile's data.
/// The currency stays: its invoices have it.
pub async fn erase(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer: &mut Customer,
    now: Time,
) -> Result<(), DbError> {
    customer.name = "Erased customer".to_owned();
    customer.email = format!("{}@erased.invalid", customer.id);
    (customer.external_id, customer.metadata) = (None, "{}".to_owned());
    (customer.erased_at, customer.updated_at) = (Some(now), now);
    sql::update(tx, tenant, customer).await?;
    sql::put_billing(tx, tenant, customer.no, &BillingProfile::default()).await
}

/// Ends all sessions of a customer in one write, by incrementing the generation.
pub async fn end_sessions(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    why: SessionsEnd,
    now: Time,
) -> Result<i64, DbError> {
    let generation = sql::raise_generation(tx, tenant, customer_no).await?;
    sql::note_ended_generation(tx, customer_no, generation - 1, why, now).await?;
    Ok(generation)
}

impl From<DbError> for CustomerError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}
