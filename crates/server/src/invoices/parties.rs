//! Seller, buyer and the tax that follows from them, frozen into each invoice.

use crate::base::{Address, Currency, CustomerId, Decimal, TaxDeclaration, TaxId, TaxRate, money};
use crate::customers::billing::TaxStatus;
use serde::Deserialize;
use unitpay_request::response;

/// The seller on an invoice, in the form in which it is stored and returned.
#[response]
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[schema(as = InvoiceSeller)]
pub struct Seller {
    pub name: String,
    pub legal_name: Option<String>,
    pub address: Option<Address>,
    pub tax_id: Option<String>,
    pub support_email: Option<String>,
    pub footer: Option<String>,
    /// The invoice's tax in the currency that the seller declares its taxes in, if that is another
    /// one and the seller has set a rate.
    #[serde(default)]
    pub declared_tax: Option<DeclaredTax>,
}

/// A tax amount in another currency, stored and shown in this form.
#[response]
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct DeclaredTax {
    pub currency: Currency,
    /// A decimal: units of `currency` for one unit of the invoice's currency.
    pub rate: Decimal,
    /// In minor units of `currency`.
    pub amount: i64,
}

/// The buyer on an invoice, in the form in which it is stored and returned.
#[response]
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[schema(as = InvoiceCustomer)]
pub struct Buyer {
    pub id: CustomerId,
    pub external_id: Option<String>,
    pub name: String,
    pub email: String,
    pub r#type: String,
    pub locale: Option<String>,
    pub address: Option<Address>,
    pub tax_ids: Vec<TaxId>,
    pub tax_status: String,
    #[serde(default)]
    pub tax_exempt_reason: Option<String>,
    #[serde(default)]
    pub po_number: Option<String>,
    #[serde(default)]
    pub notes: Option<String>,
}

/// The data of both sides that an invoice needs.
#[derive(Clone, Debug)]
pub struct Parties {
    pub seller: Seller,
    pub buyer: Buyer,
    pub net_days: i64,
    pub customers_tax: Option<TaxRate>,
    pub organizations_tax: Option<TaxRate>,
    pub tax_declaration: Option<TaxDeclaration>,
}

impl Parties {
    /// Returns the customer's rate, else the organization's; `None` unless the customer is taxable.
    pub fn tax(&self) -> Option<TaxRate> {
        let rate = self.customers_tax.as_ref().or(self.organizations_tax.as_ref());
        rate.filter(|_| self.buyer.tax_status == TaxStatus::Taxable.as_str()).cloned()
    }
}

impl DeclaredTax {
    /// Converts a tax amount, rounded once. `None` without tax, in the same currency, without a rate,
    /// or beyond the range of amounts.
    pub fn convert(
        declaration: &TaxDeclaration,
        currency: Currency,
        tax_amount: i64,
    ) -> Option<Self> {
        let other = declaration.currency != currency && tax_amount > 0;
        let rate = declaration.rates.iter().find(|rate| rate.currency == currency)?.rate;
        let scale = |currency: Currency| 10_i128.checked_pow(currency.exponent());
        let exact = i128::from(tax_amount).checked_mul(rate.units())?;
        let amount = money::divide(
            exact.checked_mul(scale(declaration.currency)?)?,
            Decimal::ONE.checked_mul(scale(currency)?)?,
        );
        let amount = amount.ok().filter(|_| other)?;
        Some(Self { currency: declaration.currency, rate, amount })
    }
}

impl Buyer {
    /// Whether the buyer owes the tax, which the invoice must say.
    pub fn is_reverse_charge(&self) -> bool {
        self.tax_status == TaxStatus::ReverseCharge.as_str()
    }

    pub fn is_exempt(&self) -> bool {
        self.tax_status == TaxStatus::Exempt.as_str()
    }
}

impl Seller {
    /// Whether a live invoice may name this seller.
    pub const fn is_complete(&self) -> bool {
        self.legal_name.is_some() && self.address.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ExchangeRate;

    #[test]
    fn declared_tax_is_converted_over_both_exponents_and_rounded_once() {
        let convert = |from: &str, to: &str, rate: &str, amount| {
            let (from, currency) = (from.parse().unwrap(), to.parse().unwrap());
            let rates = vec![ExchangeRate { currency: from, rate: rate.parse().unwrap() }];
            let declared = DeclaredTax::convert(&TaxDeclaration { currency, rates }, from, amount);
            declared.map(|declared| declared.amount)
        };
        assert_eq!(convert("USD", "EUR", "0.9213", 17_470), Some(16_095));
        assert_eq!(convert("JPY", "EUR", "0.0062", 10_267), Some(6_366));
        assert_eq!(convert("USD", "JPY", "150.5", 199), Some(299));
        assert_eq!(convert("USD", "KWD", "0.3", 5), Some(15));
        assert_eq!(convert("USD", "USD", "1", 5), None);
        assert_eq!(convert("USD", "EUR", "0.5", 0), None);
        let other = TaxDeclaration { currency: "EUR".parse().unwrap(), rates: Vec::new() };
        assert_eq!(DeclaredTax::convert(&other, "USD".parse().unwrap(), 5), None);
    }
}
