//! Addresses, tax ids and tax rates, stored and shown in this form.

use super::{Currency, Decimal};

use serde::{Deserialize, Serialize};
use unitpay_request::response;
use utoipa::ToSchema;

/// A postal address.
#[response]
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Address {
    pub line1: String,
    pub line2: Option<String>,
    pub city: String,
    pub state: Option<String>,
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2, upper case.
    pub country: String,
}

/// A tax id with its kind, such as `eu_vat`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaxId {
    pub r#type: String,
    pub value: String,
}

/// A tax that is added to a subtotal, in basis points.
#[response]
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct TaxRate {
    pub name: String,
    /// Hundredths of a percent.
    pub basis_points: i64,
}

/// The currency that a seller declares its taxes in, and the rates for invoices in other currencies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxDeclaration {
    pub currency: Currency,
    pub rates: Vec<ExchangeRate>,
}

/// A rate for invoices in another currency.
#[response]
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct ExchangeRate {
    /// The invoice's currency.
    pub currency: Currency,
    /// A decimal: units of the tax currency for one unit of the invoice's currency.
    pub rate: Decimal,
}
