//! Credit currencies, what wallets are kept in, and packages, what fills them for a price.

use crate::base::money::NotMoney;
use crate::base::{CreditCurrencyId, CreditPackageId, Currency, Time};
use std::fmt;
use std::str::FromStr;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditCurrency {
    pub id: CreditCurrencyId,
    pub slug: String,
    pub name: String,
    pub denomination: Denomination,
    /// How many decimals a credit has: balances count its smallest part.
    pub minor_unit_scale: i64,
    /// The bounds of what one top-up may cost, in the denomination's minor unit.
    pub top_up_min: Option<i64>,
    pub top_up_max: Option<i64>,
    /// A JSON object of texts.
    pub metadata: String,
    pub created_at: Time,
    pub updated_at: Time,
}

/// What one credit is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denomination {
    /// No money: credits of this kind are bought in packages alone.
    Unit,
    /// One unit of money, so that any amount can be bought.
    Money(Currency),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditPackage {
    pub id: CreditPackageId,
    pub credit_currency_id: CreditCurrencyId,
    pub name: String,
    /// In the credit currency's smallest unit.
    pub credits: i64,
    pub price: i64,
    pub currency: Currency,
    pub expires_after_days: Option<i64>,
    pub archived: bool,
    /// A JSON object of texts.
    pub metadata: String,
    pub created_at: Time,
    pub updated_at: Time,
}

impl fmt::Display for Denomination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit => f.write_str("unit"),
            Self::Money(currency) => currency.fmt(f),
        }
    }
}

impl FromStr for Denomination {
    type Err = NotMoney;

    fn from_str(text: &str) -> Result<Self, NotMoney> {
        if text == "unit" { Ok(Self::Unit) } else { text.parse().map(Self::Money) }
    }
}
