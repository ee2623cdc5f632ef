//! A customer as it is read and written over HTTP.

use crate::base::{
    Address, CollectionMethod, Currency, CustomerId, PaymentMethodId, TaxId, TaxRate, Time,
};
use crate::customers::billing::{BillingChange, BillingProfile, CustomerType, TaxStatus};
use crate::customers::{Customer, CustomerRef};
use crate::http::Fields;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

pub const NAME: std::ops::RangeInclusive<usize> = 1..=200;

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Customer)]
pub struct CustomerResponse {
    #[schema(value_type = String)]
    pub id: CustomerId,
    /// The integrator's own id.
    #[schema(required = true)]
    pub external_id: Option<String>,
    pub name: String,
    pub email: String,
    #[schema(value_type = CustomerStatus)]
    pub status: &'static str,
    #[schema(value_type = CustomerTypeName)]
    pub r#type: &'static str,
    /// A language tag, for the portal and invoices.
    #[schema(required = true)]
    pub locale: Option<String>,
    #[schema(required = true)]
    pub billing_address: Option<Address>,
    pub tax_ids: Vec<TaxId>,
    #[schema(value_type = TaxStatusName)]
    pub tax_status: &'static str,
    /// Instead of the organization's.
    #[schema(required = true)]
    pub tax_rate: Option<TaxRate>,
    #[schema(value_type = Option<String>, required = true)]
    pub default_payment_method_id: Option<PaymentMethodId>,
    /// What the customer pays in; set by its first purchase.
    #[schema(value_type = Option<String>, required = true)]
    pub currency: Option<Currency>,
    #[schema(value_type = CollectionMethodName)]
    pub collection_method: &'static str,
    /// How many days a sent invoice may take to be paid.
    pub net_days: i64,
    /// The integrator's own notes; left out where a portal token asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = BTreeMap<String, String>, required = false)]
    pub metadata: Option<Value>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Time,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code)] // Describes `CustomerResponse::status`.
pub enum CustomerStatus {
    Active,
    Archived,
}

#[derive(Debug, ToSchema)]
#[schema(as = CustomerType, rename_all = "lowercase")]
#[allow(dead_code)] // Describes `CustomerResponse::type`.
pub enum CustomerTypeName {
    Company,
    Individual,
}

#[derive(Debug, ToSchema)]
#[schema(as = TaxStatus, rename_all = "snake_case")]
#[allow(dead_code)] // Describes `CustomerResponse::tax_status`.
pub enum TaxStatusName {
    Taxable,
    Exempt,
    ReverseCharge,
}

#[derive(Debug, ToSchema)]
#[schema(as = CollectionMethod, rename_all = "snake_case")]
#[allow(dead_code)] // Describes `CustomerResponse::collection_method`.
pub enum CollectionMethodName {
    ChargeAutomatically,
    SendInvoice,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // Describes what `create` reads.
pub struct CreateCustomerRequest {
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    #[schema(min_length = 3, max_length = 254)]
    email: String,
    /// 1 to 128 bytes, unique, never of the form of our ids.
    #[schema(min_length = 1, max_length = 128, nullable = false)]
    external_id: Option<String>,
    #[schema(nullable = false)]
    r#type: Option<CustomerTypeName>,
    /// A BCP 47 language tag.
    #[schema(min_length = 2, max_length = 35, nullable = false)]
    locale: Option<String>,
    #[schema(nullable = false)]
    billing_address: Option<Address>,
    #[schema(max_items = 5, nullable = false)]
    tax_ids: Option<Vec<TaxId>>,
    #[schema(nullable = false)]
    tax_status: Option<TaxStatusName>,
    #[schema(nullable = false)]
    tax_rate: Option<TaxRate>,
    #[schema(nullable = false)]
    collection_method: Option<CollectionMethodName>,
    #[schema(minimum = 0, maximum = 365, nullable = false)]
    net_days: Option<i64>,
    #[schema(nullable = false)]
    metadata: Option<BTreeMap<String, String>>,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // Describes what `update` reads.
pub struct UpdateCustomerRequest {
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    name: Option<String>,
    #[schema(min_length = 3, max_length = 254, nullable = false)]
    email: Option<String>,
    /// `null` clears it. Not with a portal token.
    #[schema(min_length = 1, max_length = 128, nullable = true)]
    external_id: Option<String>,
    /// Not with a portal token.
    #[schema(nullable = false)]
    r#type: Option<CustomerTypeName>,
    /// A BCP 47 language tag; `null` clears it.
    #[schema(min_length = 2, max_length = 35)]
    locale: Option<String>,
    /// Replaces the whole; `null` clears it.
    billing_address: Option<Address>,
    /// Replaces the whole.
    #[schema(max_items = 5, nullable = false)]
    tax_ids: Option<Vec<TaxId>>,
    /// Not with a portal token.
    #[schema(nullable = false)]
    tax_status: Option<TaxStatusName>,
    /// `null` clears it. Not with a portal token.
    tax_rate: Option<TaxRate>,
    /// Not with a portal token.
    #[schema(nullable = false)]
    collection_method: Option<CollectionMethodName>,
    /// Not with a portal token.
    #[schema(minimum = 0, maximum = 365, nullable = false)]
    net_days: Option<i64>,
    /// Replaces the whole; `null` empties it. Not with a portal token.
    metadata: Option<BTreeMap<String, String>>,
}

impl CustomerResponse {
    pub fn to_backend(customer: &Customer, profile: BillingProfile) -> Self {
        let metadata = serde_json::from_str(&customer.metadata).unwrap_or_default();
        Self { metadata: Some(metadata), ..Self::to_browser(customer, profile) }
    }

    pub fn to_browser(customer: &Customer, profile: BillingProfile) -> Self {
        Self {
            id: customer.id,
            external_id: customer.external_id.clone(),
            name: customer.name.clone(),
            email: customer.email.clone(),
            status: if customer.archived_at.is_some() { "archived" } else { "active" },
            r#type: profile.r#type.as_str(),
            locale: profile.locale,
            billing_address: profile.address,
            tax_ids: profile.tax_ids,
            tax_status: profile.tax_status.as_str(),
            tax_rate: profile.tax_rate,
            default_payment_method_id: profile.default_payment_method_id,
            currency: profile.currency,
            collection_method: profile.collection_method.as_str(),
            net_days: profile.net_days,
            metadata: None,
            created_at: customer.created_at,
            updated_at: customer.updated_at,
        }
    }
}

impl Fields {
    /// Reads how a request names a customer.
    pub fn customer(&mut self, name: &str) -> Option<CustomerRef> {
        self.text(name, 1..=128).map(|text| reference(&text))
    }

    /// Reads an `externalId`; in a PATCH `null` clears it.
    pub(super) fn external_id(&mut self, patch: bool) -> Option<Option<String>> {
        pub const NAME: &str = "externalId";
        let id = self.optional(patch, NAME, |fields, name| fields.text(name, 1..=128))?;
        if id.as_deref().is_some_and(|id| id.parse::<CustomerId>().is_ok()) {
            self.wrong(NAME, "must not have the form of a customer id of ours");
        }
        Some(id)
    }

    /// Reads what billing knows of a customer; what only the backend may say, with `all`.
    pub(super) fn billing(&mut self, patch: bool, all: bool) -> BillingChange {
        let mut change = BillingChange {
            locale: self.optional(patch, "locale", |fields, name| fields.locale(name)),
            address: self.optional(patch, "billingAddress", |fields, name| fields.address(name)),
            tax_ids: self.tax_ids("taxIds"),
            ..BillingChange::default()
        };
        if all {
            change.r#type = self.word("type", &CustomerType::ALL, CustomerType::as_str);
            change.tax_status = self.word("taxStatus", &TaxStatus::ALL, TaxStatus::as_str);
            change.tax_rate = self.optional(patch, "taxRate", |fields, name| fields.tax_rate(name));
            let methods = &CollectionMethod::ALL;
            change.collection_method =
                self.word("collectionMethod", methods, CollectionMethod::as_str);
            change.net_days = self.integer("netDays", 0..=365);
        }
        change
    }
}

pub fn reference(text: &str) -> CustomerRef {
    text.parse().unwrap_or_else(|never: std::convert::Infallible| match never {})
}
