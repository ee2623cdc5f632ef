//! Customers in requests and responses.

use crate::base::words::words;
use crate::base::{
    Address, CollectionMethod, Currency, CustomerId, PaymentMethodId, TaxId, TaxRate, Time,
};
use crate::customers::billing::{BillingChange, BillingProfile, CustomerType, TaxStatus};
use crate::customers::{Customer, CustomerRef};
use crate::http::Fields;
use crate::http::leaves::{Email, Integer, List, Locale, Metadata, Name, Text};
use crate::http::wire::{Field, Request};
use serde_json::Value;
use unitpay_request::response;
use utoipa::openapi::{RefOr, Schema};

#[response]
#[schema(as = Customer)]
pub struct CustomerResponse {
    pub id: CustomerId,
    /// The integrator's own id.
    pub external_id: Option<String>,
    pub name: String,
    pub email: String,
    pub status: CustomerStatus,
    pub r#type: CustomerType,
    /// The language of the portal and of invoices, as a BCP 47 tag.
    pub locale: Option<String>,
    pub billing_address: Option<Address>,
    pub tax_ids: Vec<TaxId>,
    pub tax_status: TaxStatus,
    /// Replaces the organization's rate.
    pub tax_rate: Option<TaxRate>,
    pub default_payment_method_id: Option<PaymentMethodId>,
    /// The currency of the customer's payments; set by its first purchase.
    pub currency: Option<Currency>,
    pub collection_method: CollectionMethod,
    /// Days until a sent invoice is due.
    pub net_days: i64,
    /// Why an exempt customer pays no tax; printed on invoices.
    pub tax_exempt_reason: Option<String>,
    /// The customer's purchase order; printed on invoices.
    pub po_number: Option<String>,
    /// Printed on invoices.
    pub notes: Option<String>,
    /// Problems with what was saved; only in the answer to a write that has some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub warnings: Vec<Warning>,
    /// The integrator's own notes; absent with a portal token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    /// When the personal data was erased; absent if it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<Time>,
    pub created_at: Time,
    pub updated_at: Time,
}

words! {
    CustomerStatus {
        Active = "active",
        Archived = "archived",
    }
}

words! {
    WarningCode {
        /// No font of the server shows some characters; invoices print boxes for them.
        GlyphsMissing = "glyphs_missing",
    }
}

/// A problem with a value that was saved nevertheless.
#[response]
pub struct Warning {
    pub code: WarningCode,
    pub message: String,
}

#[derive(Debug, Request)]
pub struct CreateCustomerRequest {
    #[request(with = Name<200>)]
    pub name: String,
    #[request(with = Email)]
    pub email: String,
    /// Unique among customers; never of the form of a UnitPay id.
    #[request(with = ExternalId)]
    pub external_id: Option<String>,
    #[request(flatten)]
    pub profile: Profile,
    #[request(with = Metadata)]
    pub metadata: Option<String>,
}

#[derive(Debug, Request)]
#[request(patch)]
pub struct UpdateCustomerRequest {
    #[request(with = Name<200>)]
    pub name: Option<String>,
    #[request(with = Email)]
    pub email: Option<String>,
    /// `null` clears it.
    #[request(with = ExternalId, key_only)]
    pub external_id: Option<Option<String>>,
    #[request(flatten)]
    pub profile: Profile,
    /// Replaces all of it; `null` empties it.
    #[request(with = Metadata, key_only)]
    pub metadata: Option<String>,
}

/// The billing profile in a request. `null` clears a field only in an update.
#[derive(Debug, Request)]
pub struct Profile {
    #[request(key_only)]
    r#type: Option<CustomerType>,
    /// A BCP 47 language tag, for the portal and invoices.
    #[request(with = Locale)]
    locale: Option<Option<String>>,
    /// Replaces the whole address.
    billing_address: Option<Option<Address>>,
    /// Replaces all of them.
    #[request(with = List<TaxId, 5>)]
    tax_ids: Option<Vec<TaxId>>,
    #[request(key_only)]
    tax_status: Option<TaxStatus>,
    /// Replaces the organization's rate.
    #[request(key_only)]
    tax_rate: Option<Option<TaxRate>>,
    #[request(key_only)]
    collection_method: Option<CollectionMethod>,
    /// Days until a sent invoice is due.
    #[request(with = Integer<0, 365>, key_only)]
    net_days: Option<i64>,
    /// Why an exempt customer pays no tax; printed on invoices.
    #[request(with = Text<1, 300>, key_only)]
    tax_exempt_reason: Option<Option<String>>,
    /// The customer's purchase order; printed on invoices.
    #[request(with = Text<1, 100>)]
    po_number: Option<Option<String>>,
    /// Printed on invoices.
    #[request(with = Text<1, 1_000>, key_only)]
    notes: Option<Option<String>>,
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
            status: CustomerStatus::new(customer.archived_at.is_some()),
            r#type: profile.r#type,
            locale: profile.locale,
            billing_address: profile.address,
            tax_ids: profile.tax_ids,
            tax_status: profile.tax_status,
            tax_rate: profile.tax_rate,
            default_payment_method_id: profile.default_payment_method_id,
            currency: profile.currency,
            collection_method: profile.collection_method,
            net_days: profile.net_days,
            tax_exempt_reason: profile.tax_exempt_reason,
            po_number: profile.po_number,
            notes: profile.notes,
            warnings: Vec::new(),
            metadata: None,
            erased_at: customer.erased_at,
            created_at: customer.created_at,
            updated_at: customer.updated_at,
        }
    }
}

impl CustomerResponse {
    /// Adds a warning if invoices cannot show some of the customer's characters: those that `missing`
    /// returns of a text.
    pub fn warn(mut self, missing: impl FnOnce(&str) -> Vec<char>) -> Self {
        let address = self.billing_address.iter().flat_map(|address| {
            let parts = [&address.line2, &address.state, &address.postal_code];
            [&address.line1, &address.city].into_iter().chain(parts.into_iter().flatten())
        });
        let texts = [&self.tax_exempt_reason, &self.po_number, &self.notes].into_iter().flatten();
        let printed: String =
            [&self.name, &self.email].into_iter().chain(address).chain(texts).cloned().collect();
        let missing = missing(&printed);
        if !missing.is_empty() {
            let shown: String = missing.iter().take(20).collect();
            let message = format!("No font of the server shows these characters: {shown}");
            self.warnings.push(Warning { code: WarningCode::GlyphsMissing, message });
        }
        self
    }
}

impl From<Profile> for BillingChange {
    fn from(profile: Profile) -> Self {
        Self {
            r#type: profile.r#type,
            locale: profile.locale,
            address: profile.billing_address,
            tax_ids: profile.tax_ids,
            tax_status: profile.tax_status,
            tax_rate: profile.tax_rate,
            collection_method: profile.collection_method,
            net_days: profile.net_days,
            tax_exempt_reason: profile.tax_exempt_reason,
            po_number: profile.po_number,
            notes: profile.notes,
        }
    }
}

impl CustomerStatus {
    pub const fn new(archived: bool) -> Self {
        if archived { Self::Archived } else { Self::Active }
    }

    pub const fn is_archived(self) -> bool {
        match self {
            Self::Active => false,
            Self::Archived => true,
        }
    }
}

impl Field for CustomerRef {
    type Value = Self;

    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        fields.customer(name)
    }

    fn schema() -> RefOr<Schema> {
        Text::<1, 128>::schema()
    }
}

/// The integrator's own id of a customer.
pub struct ExternalId;

impl Field for ExternalId {
    type Value = String;

    fn read(fields: &mut Fields, name: &str) -> Option<String> {
        let id = fields.text(name, 1..=128)?;
        if id.parse::<CustomerId>().is_ok() {
            fields.wrong(name, "must not have the form of a UnitPay customer id");
        }
        Some(id)
    }

    fn schema() -> RefOr<Schema> {
        Text::<1, 128>::schema()
    }
}

impl Fields {
    /// Reads a reference to a customer.
    pub fn customer(&mut self, name: &str) -> Option<CustomerRef> {
        self.text(name, 1..=128).map(|text| reference(&text))
    }
}

/// Reads a reference to a customer: a UnitPay id, or the integrator's own.
pub fn reference(text: &str) -> CustomerRef {
    text.parse().unwrap_or_else(|never: std::convert::Infallible| match never {})
}
