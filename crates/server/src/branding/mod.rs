//! Branding: how an organization looks in its portal, and who it is as a seller on invoices.

mod sql;

pub use sql::get;

use crate::base::{Address, TaxRate, Time};

/// A tenant that never said anything has the default: nothing of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Branding {
    pub name: Option<String>,
    /// A `data:` URI.
    pub logo: Option<String>,
    /// `#rrggbb`.
    pub accent_color: Option<String>,
    /// The radius of corners in pixels.
    pub radius: Option<i64>,
    pub support_email: Option<String>,
    /// Where sessions may be used from, and return to.
    pub portal_origins: Vec<String>,
    pub legal_name: Option<String>,
    pub address: Option<Address>,
    pub tax_id: Option<String>,
    /// What a customer without a rate of its own pays.
    pub tax_rate: Option<TaxRate>,
    pub invoice_footer: Option<String>,
    pub updated_at: Option<Time>,
}

impl Branding {
    /// Whether an invoice can say who sells.
    pub const fn names_the_seller(&self) -> bool {
        self.legal_name.is_some() && self.address.is_some()
    }
}
