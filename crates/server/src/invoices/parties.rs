//! Who sells, who buys, and which tax that means: frozen into each invoice.

use crate::base::CustomerId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The organization as it stands on an invoice, stored and shown in this form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seller {
    pub name: String,
    pub legal_name: Option<String>,
    pub address: Option<Value>,
    pub tax_id: Option<String>,
    pub support_email: Option<String>,
    pub footer: Option<String>,
}

/// The customer as it stands on an invoice, stored and shown in this form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Buyer {
    pub id: CustomerId,
    pub external_id: Option<String>,
    pub name: String,
    pub email: String,
    pub r#type: String,
    pub locale: Option<String>,
    pub address: Option<Value>,
    pub tax_ids: Value,
    pub tax_status: String,
}

/// A rate on top of the prices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tax {
    pub name: String,
    /// Hundredths of a percent.
    pub basis_points: i64,
}

/// What an invoice needs to know of both sides.
#[derive(Clone, Debug)]
pub struct Parties {
    pub seller: Seller,
    pub buyer: Buyer,
    pub net_days: i64,
    pub customers_tax: Option<Tax>,
    pub organizations_tax: Option<Tax>,
}

impl Parties {
    /// The customer's rate, else the organization's; none unless the customer is taxable.
    pub fn tax(&self) -> Option<Tax> {
        let rate = self.customers_tax.as_ref().or(self.organizations_tax.as_ref());
        rate.filter(|_| self.buyer.tax_status == "taxable").cloned()
    }
}

impl Seller {
    /// Whether a live invoice may name it.
    pub fn is_complete(&self) -> bool {
        self.legal_name.is_some() && self.address.is_some()
    }
}
