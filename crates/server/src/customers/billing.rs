//! Billing profiles: how a customer is taxed, addressed and charged. A customer without a stored
//! profile has the defaults.

pub use super::sql::{billing as get, set_currency, set_default_payment_method};

use crate::base::changes::changes;
use crate::base::words::words;
use crate::base::{Address, CollectionMethod, Currency, PaymentMethodId, TaxId, TaxRate};
use crate::db::{FromRow, ToRow};

#[derive(Clone, Debug, PartialEq, Eq, FromRow, ToRow)]
pub struct BillingProfile {
    pub r#type: CustomerType,
    /// A BCP 47 language tag.
    pub locale: Option<String>,
    pub address: Option<Address>,
    pub tax_ids: Vec<TaxId>,
    pub tax_status: TaxStatus,
    /// Overrides the organization's rate.
    pub tax_rate: Option<TaxRate>,
    #[record(read_only)]
    pub default_payment_method_id: Option<PaymentMethodId>,
    /// The currency that the customer pays in; set by the first purchase.
    #[record(read_only)]
    pub currency: Option<Currency>,
    pub collection_method: CollectionMethod,
    /// The number of days until a sent invoice is due.
    pub net_days: i64,
    /// Why an exempt customer pays no tax; printed on invoices, as the next two are.
    pub tax_exempt_reason: Option<String>,
    /// The customer's purchase order.
    pub po_number: Option<String>,
    pub notes: Option<String>,
}

/// The fields that a PATCH sets; `None` leaves a field as it is. The first purchase sets the
/// currency, and the payment methods set their default.
#[derive(Clone, Debug, Default)]
pub struct BillingChange {
    pub r#type: Option<CustomerType>,
    pub locale: Option<Option<String>>,
    pub address: Option<Option<Address>>,
    pub tax_ids: Option<Vec<TaxId>>,
    pub tax_status: Option<TaxStatus>,
    pub tax_rate: Option<Option<TaxRate>>,
    pub collection_method: Option<CollectionMethod>,
    pub net_days: Option<i64>,
    pub tax_exempt_reason: Option<Option<String>>,
    pub po_number: Option<Option<String>>,
    pub notes: Option<Option<String>>,
}

words! {
    CustomerType {
        Company = "company",
        Individual = "individual",
    }
}

words! {
    /// Whether tax is added to the customer's purchases.
    TaxStatus {
        Taxable = "taxable",
        Exempt = "exempt",
        /// The customer owes the tax (reverse charge). The invoice says so.
        ReverseCharge = "reverse_charge",
    }
}

impl BillingProfile {
    /// Applies a change and returns the names of the fields that differ.
    pub fn apply(&mut self, change: &BillingChange) -> Vec<&'static str> {
        changes!(self, change, {
            r#type "type", locale "locale", address "billingAddress", tax_ids "taxIds",
            tax_status "taxStatus", tax_rate "taxRate", collection_method "collectionMethod",
            net_days "netDays", tax_exempt_reason "taxExemptReason", po_number "poNumber",
            notes "notes",
        })
    }
}

impl Default for BillingProfile {
    fn default() -> Self {
        Self {
            r#type: CustomerType::Company,
            locale: None,
            address: None,
            tax_ids: Vec::new(),
            tax_status: TaxStatus::Taxable,
            tax_rate: None,
            default_payment_method_id: None,
            currency: None,
            collection_method: CollectionMethod::ChargeAutomatically,
            net_days: 30,
            tax_exempt_reason: None,
            po_number: None,
            notes: None,
        }
    }
}
