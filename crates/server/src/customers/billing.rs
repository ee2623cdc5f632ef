//! Billing profiles: how a customer is taxed, addressed and charged. A customer without a stored
//! profile has the defaults.

pub use super::sql::{billing as get, set_currency, set_default_payment_method};

use crate::base::changes::patchable;
use crate::base::words::words;
use crate::base::{Address, CollectionMethod, Currency, PaymentMethodId, TaxId, TaxRate};
use crate::db::{FromRow, ToRow};

patchable! {
    #[derive(Clone, Debug, PartialEq, Eq, FromRow, ToRow)]
    BillingProfile,
    /// The first purchase sets the currency, and the payment methods set their default.
    BillingChange,
    {
        r#type: CustomerType = CustomerType::Company, "type";
        /// A BCP 47 language tag.
        locale: Option<String> = None, "locale";
        address: Option<Address> = None, "billingAddress";
        tax_ids: Vec<TaxId> = Vec::new(), "taxIds";
        tax_status: TaxStatus = TaxStatus::Taxable, "taxStatus";
        /// Overrides the organization's rate.
        tax_rate: Option<TaxRate> = None, "taxRate";
        collection_method: CollectionMethod = CollectionMethod::ChargeAutomatically,
            "collectionMethod";
        /// The number of days until a sent invoice is due.
        net_days: i64 = 30, "netDays";
        /// Why an exempt customer pays no tax; printed on invoices, as the next two are.
        tax_exempt_reason: Option<String> = None, "taxExemptReason";
        /// The customer's purchase order.
        po_number: Option<String> = None, "poNumber";
        notes: Option<String> = None, "notes";
    }
    fixed {
        #[record(read_only)]
        default_payment_method_id: Option<PaymentMethodId>;
        /// The currency that the customer pays in; set by the first purchase.
        #[record(read_only)]
        currency: Option<Currency>;
    }
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
