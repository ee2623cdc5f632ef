//! What an invoice says. Plain values: whoever fills them in has computed them, nothing here adds up.

/// One invoice, as it was frozen when it was issued.
///
/// Money is in minor units of `currency`; instants are Unix seconds and shown as days in UTC.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Invoice {
    /// Empty on a draft that has none yet.
    pub number: String,
    pub status: Status,
    pub issued_at: Option<i64>,
    pub due_at: Option<i64>,
    pub period: Option<Period>,
    /// ISO 4217, in capitals.
    pub currency: String,
    pub seller: Seller,
    pub customer: Customer,
    pub items: Vec<Item>,
    pub subtotal: i64,
    pub tax: Option<Tax>,
    pub total: i64,
    pub amount_paid: i64,
    pub amount_due: i64,
    pub reverse_charge: bool,
    pub payments: Vec<Payment>,
    /// A BCP 47 tag, as `de-AT`. Empty or unknown: English.
    pub locale: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Status {
    #[default]
    Draft,
    Issued,
    PartiallyPaid,
    Paid,
    Overdue,
    Void,
    Uncollectible,
}

/// `[start, end)`: shown from the day of `start` to the day of the last second before `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub start: i64,
    pub end: i64,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seller {
    /// The brand, at the top where there is no logo. Empty: the legal name.
    pub name: String,
    pub legal_name: String,
    pub address: Vec<String>,
    pub tax_id: Option<String>,
    pub email: Option<String>,
    /// The closing words: bank account, registration, thanks.
    pub footer: String,
    /// Red, green, blue.
    pub accent: Option<[u8; 3]>,
    /// A PNG, JPEG, GIF or WebP file. Anything else is left out and the name stands in its place.
    pub logo: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Customer {
    pub name: String,
    pub email: Option<String>,
    pub address: Vec<String>,
    pub tax_ids: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Item {
    pub description: String,
    /// A decimal.
    pub quantity: String,
    /// A decimal in minor units, as `0.25`; none where one price does not say it, as with tiers.
    pub unit_amount: Option<String>,
    pub amount: i64,
    pub period: Option<Period>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tax {
    pub name: String,
    pub basis_points: u32,
    pub amount: i64,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Payment {
    pub amount: i64,
    pub paid_at: i64,
    /// `visa`, or what else names the way it was paid.
    pub brand: Option<String>,
    pub last4: Option<String>,
}
