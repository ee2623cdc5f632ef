//! Credit currencies, which wallets are kept in, and packages, which are bought to fill them.

use super::{CatalogError, Entry};
use crate::audit::Action;
use crate::base::changes::changes;
use crate::base::money::NotMoney;
use crate::base::{CreditCurrencyId, CreditPackageId, Currency, Time};
use crate::db::{FromRow, ToRow, Tx};
use crate::organizations::Tenant;
use std::fmt;
use std::str::FromStr;

#[derive(Clone, Debug, PartialEq, Eq, FromRow, ToRow)]
pub struct CreditCurrency {
    #[record(insert_only)]
    pub id: CreditCurrencyId,
    pub slug: String,
    pub name: String,
    pub denomination: Denomination,
    /// The number of decimals of a credit. Balances count its smallest unit.
    pub minor_unit_scale: i64,
    /// The bounds for the price of one top-up, in the denomination's minor unit.
    pub top_up_min: Option<i64>,
    pub top_up_max: Option<i64>,
    /// A JSON object of strings.
    pub metadata: String,
    pub created_at: Time,
    pub updated_at: Time,
}

/// The value of one credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denomination {
    /// No monetary value: these credits can only be bought in packages.
    Unit,
    /// One unit of this currency, so that any amount can be bought.
    Money(Currency),
}

#[derive(Clone, Debug, PartialEq, Eq, FromRow, ToRow)]
pub struct CreditPackage {
    #[record(insert_only)]
    pub id: CreditPackageId,
    pub credit_currency_id: CreditCurrencyId,
    pub name: String,
    /// In the credit currency's smallest unit.
    pub credits: i64,
    pub price: i64,
    pub currency: Currency,
    pub expires_after_days: Option<i64>,
    pub archived: bool,
    /// A JSON object of strings.
    pub metadata: String,
    pub created_at: Time,
    pub updated_at: Time,
}

/// The fields of a PATCH; `None` leaves a field unchanged.
#[derive(Clone, Debug, Default)]
pub struct CreditCurrencyChange {
    pub slug: Option<String>,
    pub name: Option<String>,
    pub top_up_min: Option<Option<i64>>,
    pub top_up_max: Option<Option<i64>>,
    pub metadata: Option<String>,
}

/// The fields of a PATCH; `None` leaves a field unchanged. Packages that were bought are not
/// affected.
#[derive(Clone, Debug, Default)]
pub struct CreditPackageChange {
    pub name: Option<String>,
    pub credits: Option<i64>,
    pub price: Option<i64>,
    pub expires_after_days: Option<Option<i64>>,
    pub archived: Option<bool>,
    pub metadata: Option<String>,
}

impl Entry for CreditCurrency {
    type Change = CreditCurrencyChange;
    const CREATED: Action = Action::CreditCurrencyCreated;
    const UPDATED: Action = Action::CreditCurrencyUpdated;

    fn apply(&mut self, change: &CreditCurrencyChange) -> Result<Vec<&'static str>, CatalogError> {
        Ok(changes!(self, change, {
            slug "slug", name "name", top_up_min "topUpMin", top_up_max "topUpMax",
            metadata "metadata",
        }))
    }

    async fn check(&self, tx: &mut Tx<'_, '_>, tenant: &Tenant) -> Result<(), CatalogError> {
        super::check_slug(tx, tenant, &Self::BY_SLUG, &self.slug, self).await?;
        if self.minor_unit_scale < self.denomination.decimals() {
            let message = "must not be less than the decimals of the denomination";
            return Err(CatalogError::unfit("minorUnitScale", message));
        }
        if self.top_up_min.zip(self.top_up_max).is_some_and(|(min, max)| min > max) {
            return Err(CatalogError::unfit("topUpMax", "must not be less than topUpMin"));
        }
        Ok(())
    }

    fn id(&self) -> CreditCurrencyId {
        self.id
    }

    fn updated(&mut self, at: Time) {
        self.updated_at = at;
    }
}

impl Entry for CreditPackage {
    type Change = CreditPackageChange;
    const CREATED: Action = Action::CreditPackageCreated;
    const UPDATED: Action = Action::CreditPackageUpdated;

    fn apply(&mut self, change: &CreditPackageChange) -> Result<Vec<&'static str>, CatalogError> {
        Ok(changes!(self, change, {
            name "name", credits "credits", price "price",
            expires_after_days "expiresAfterDays", archived "status", metadata "metadata",
        }))
    }

    async fn check(&self, tx: &mut Tx<'_, '_>, tenant: &Tenant) -> Result<(), CatalogError> {
        super::check_credit_currency(tx, tenant, self.credit_currency_id, "creditCurrencyId").await
    }

    fn id(&self) -> CreditPackageId {
        self.id
    }

    fn updated(&mut self, at: Time) {
        self.updated_at = at;
    }
}

impl Denomination {
    /// Returns the minimum number of decimals of a credit.
    pub fn decimals(self) -> i64 {
        match self {
            Self::Unit => 0,
            Self::Money(currency) => i64::from(currency.exponent()),
        }
    }
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
