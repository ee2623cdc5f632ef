//! Who sells, who buys, and which tax that means: frozen into each invoice.

use crate::base::{Address, CustomerId, TaxId, TaxRate};
use crate::customers::billing::TaxStatus;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The organization as it stands on an invoice, stored and shown in this form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InvoiceSeller)]
pub struct Seller {
    pub name: String,
    #[schema(required = true)]
    pub legal_name: Option<String>,
    #[schema(required = true)]
    pub address: Option<Address>,
    #[schema(required = true)]
    pub tax_id: Option<String>,
    #[schema(required = true)]
    pub support_email: Option<String>,
    #[schema(required = true)]
    pub footer: Option<String>,
}

/// The customer as it stands on an invoice, stored and shown in this form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InvoiceCustomer)]
pub struct Buyer {
    #[schema(value_type = String)]
    pub id: CustomerId,
    #[schema(required = true)]
    pub external_id: Option<String>,
    pub name: String,
    pub email: String,
    pub r#type: String,
    #[schema(required = true)]
    pub locale: Option<String>,
    #[schema(required = true)]
    pub address: Option<Address>,
    pub tax_ids: Vec<TaxId>,
    pub tax_status: String,
}

/// What an invoice needs to know of both sides.
#[derive(Clone, Debug)]
pub struct Parties {
    pub seller: Seller,
    pub buyer: Buyer,
    pub net_days: i64,
    pub customers_tax: Option<TaxRate>,
    pub organizations_tax: Option<TaxRate>,
}

impl Parties {
    /// The customer's rate, else the organization's; none unless the customer is taxable.
    pub fn tax(&self) -> Option<TaxRate> {
        let rate = self.customers_tax.as_ref().or(self.organizations_tax.as_ref());
        rate.filter(|_| self.buyer.tax_status == TaxStatus::Taxable.as_str()).cloned()
    }
}

impl Buyer {
    /// Whether the invoice has to say that the buyer owes the tax.
    pub fn is_reverse_charge(&self) -> bool {
        self.tax_status == TaxStatus::ReverseCharge.as_str()
    }
}

impl Seller {
    /// Whether a live invoice may name it.
    pub const fn is_complete(&self) -> bool {
        self.legal_name.is_some() && self.address.is_some()
    }
}
