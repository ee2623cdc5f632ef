//! The content of an invoice: plain values, which the caller has calculated.

/// One invoice or credit note, as it was frozen when it was issued.
///
/// Money is in minor units of `currency`. Instants are Unix seconds, shown as days in UTC.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Invoice {
    /// Empty on a draft that has none yet.
    pub number: String,
    pub status: Status,
    pub issued_at: Option<i64>,
    /// `None` when the invoice is charged as soon as it is issued.
    pub due_at: Option<i64>,
    pub paid_at: Option<i64>,
    pub period: Option<Period>,
    /// ISO 4217, in capitals.
    pub currency: String,
    pub seller: Seller,
    pub customer: Customer,
    pub items: Vec<Item>,
    pub subtotal: i64,
    /// One for each rate.
    pub taxes: Vec<Tax>,
    /// The whole tax in the currency that the seller declares its taxes in.
    pub declared_tax: Option<DeclaredTax>,
    pub total: i64,
    /// The part of the total that was paid from the customer's balance.
    pub balance_applied: i64,
    pub amount_paid: i64,
    /// Moved to the customer's next invoice, because it is too small to charge.
    pub amount_moved: i64,
    pub amount_due: i64,
    pub reverse_charge: bool,
    /// The reason that an exempt customer is not charged tax. Empty: exempt without a stated
    /// reason.
    pub tax_exempt: Option<String>,
    /// The customer's purchase order.
    pub po_number: Option<String>,
    /// Free text for the customer.
    pub notes: Option<String>,
    pub payments: Vec<Payment>,
    /// Set on a credit note.
    pub credit_note: Option<CreditNote>,
    /// A BCP 47 tag such as `de-AT`. Empty or unknown: English.
    pub locale: String,
}

/// The part that only a credit note has: its invoice, and where its total goes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CreditNote {
    pub invoice_number: String,
    pub due_reduction: i64,
    pub refunded: i64,
    pub credited: i64,
    pub out_of_band: i64,
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

/// `[start, end)`, shown in days: the last one is the day before `end`'s, so that consecutive periods
/// share no day. A period within one day shows that day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub start: i64,
    pub end: i64,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seller {
    /// The brand, at the top when there is no logo. Empty: the legal name.
    pub name: String,
    pub legal_name: String,
    pub address: Vec<String>,
    pub tax_id: Option<String>,
    pub email: Option<String>,
    /// The closing text: bank account, registration, thanks.
    pub footer: String,
    /// Red, green, blue.
    pub accent: Option<[u8; 3]>,
    /// A PNG, JPEG, GIF or WebP file. Anything else is ignored, and the name is printed instead.
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
    /// With a `wording` only the name in it.
    pub description: String,
    pub wording: Option<Wording>,
    /// A decimal.
    pub quantity: String,
    /// A decimal in minor units such as `0.25`. `None` when tiers have different prices.
    pub unit_amount: Option<String>,
    /// A decimal: the part of `quantity` that costs nothing.
    pub included: Option<String>,
    /// The prices of the rest of `quantity`.
    pub tiers: Vec<Tier>,
    /// After the discount.
    pub amount: i64,
    pub discount: Option<Discount>,
    /// The rate of an item that is not taxed at the invoice's.
    pub rate: Option<Rate>,
    pub period: Option<Period>,
}

/// A description around a name, in the words of the document's language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wording {
    Once,
    UnusedTime,
    RemainingTime,
}

/// The part of an item's price that was taken off.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Discount {
    pub name: String,
    /// Negative on a credit.
    pub amount: i64,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rate {
    pub name: String,
    pub basis_points: u32,
}

/// Units that have the same price.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tier {
    /// A decimal.
    pub quantity: String,
    /// A decimal in minor units.
    pub unit_amount: String,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tax {
    pub name: String,
    pub basis_points: u32,
    /// The sum of the items that are taxed at this rate.
    pub net: i64,
    pub amount: i64,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct DeclaredTax {
    /// ISO 4217, in capitals.
    pub currency: String,
    /// A decimal: units of `currency` for one unit of the invoice's currency.
    pub rate: String,
    /// In minor units of `currency`.
    pub amount: i64,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Payment {
    pub amount: i64,
    pub paid_at: i64,
    /// `visa`, or another name of the method. `None`: a bank transfer.
    pub brand: Option<String>,
    pub last4: Option<String>,
    /// The reference of a transfer.
    pub reference: Option<String>,
}
