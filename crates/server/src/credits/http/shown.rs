//! Wallets in responses.

use crate::base::words::words;
use crate::base::{
    CreditAccountId, CreditCurrencyId, CreditPackageId, Currency, CustomerId, EventId, GrantId,
    InvoiceId, LedgerEntryId, PaymentAttemptId, SubscriptionId, Time,
};
use crate::credits::{
    AccountView, AutoTopUp, EntryKind, Grant, GrantSource, LedgerEntry, Purchase, TopUp,
    TopUpStatus,
};
use serde::Serialize;
use unitpay_request::response;
use utoipa::ToSchema;

#[response]
#[schema(as = CreditAccount)]
pub struct CreditAccountResponse {
    pub id: CreditAccountId,
    pub customer_id: CustomerId,
    pub credit_currency_id: CreditCurrencyId,
    pub currency: CreditAccountCurrency,
    /// In the credit currency's smallest unit, like all amounts of credits.
    pub balance: i64,
    pub status: CreditAccountStatus,
    /// Grants with remaining credits, in the order of use.
    pub grants: Vec<GrantResponse>,
    /// The automatic top-up rule; `null` if none was ever set.
    pub auto_top_up: Option<AutoTopUpResponse>,
    pub created_at: Time,
    pub updated_at: Time,
}

#[response]
pub struct CreditAccountCurrency {
    pub slug: String,
    pub name: String,
    /// `unit`, or an ISO 4217 code.
    pub denomination: String,
    pub minor_unit_scale: i64,
}

words! {
    CreditAccountStatus {
        Active = "active",
        Frozen = "frozen",
    }
}

words! {
    AutoTopUpMode {
        Amount = "amount",
        Package = "package",
    }
}

#[response]
#[schema(as = CreditGrant)]
pub struct GrantResponse {
    pub id: GrantId,
    #[schema(schema_with = source_schema)]
    pub source: &'static str,
    pub subscription_id: Option<SubscriptionId>,
    pub amount: i64,
    pub remaining: i64,
    /// Lower values are used first.
    pub priority: i64,
    pub expires_at: Option<Time>,
    pub created_at: Time,
}

#[response]
#[schema(as = AutoTopUp)]
pub struct AutoTopUpResponse {
    pub enabled: bool,
    pub mode: AutoTopUpMode,
    /// A top-up starts when the balance falls below this.
    pub threshold: i64,
    /// The price of one top-up in minor units, for mode `amount`.
    pub amount: Option<i64>,
    pub package_id: Option<CreditPackageId>,
    pub quantity: i64,
    pub max_per_month: i64,
    /// A top-up is in progress.
    pub pending: bool,
    /// The last top-up failed. The rule resumes when it is saved again or another card becomes the
    /// default.
    pub paused: bool,
}

#[response]
#[schema(as = LedgerEntry)]
pub struct LedgerEntryResponse {
    pub id: LedgerEntryId,
    #[schema(schema_with = kind_schema)]
    pub r#type: &'static str,
    /// Positive or negative.
    pub amount: i64,
    pub balance_after: i64,
    pub grant_id: GrantId,
    pub usage_event_id: Option<EventId>,
    pub description: Option<String>,
    pub created_at: Time,
}

#[response]
#[schema(as = TopUp)]
pub struct TopUpResponse {
    pub id: PaymentAttemptId,
    pub invoice_id: Option<InvoiceId>,
    #[schema(schema_with = status_schema)]
    pub status: &'static str,
    pub credits: i64,
    /// The price before tax, in minor units.
    pub amount: i64,
    pub currency: Currency,
    pub package_id: Option<CreditPackageId>,
    /// Whether the server started it automatically.
    pub automatic: bool,
    pub created_at: Time,
}

/// The credits used, granted and expired in a range of days.
#[response]
pub struct CreditStats {
    pub credit_account_id: CreditAccountId,
    pub balance: i64,
    pub granted: i64,
    /// Without refunded deductions.
    pub used: i64,
    /// Expired unused, or reversed.
    pub expired: i64,
    /// Each day of the range, ending today.
    pub days: Vec<CreditDay>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CreditDay {
    /// A UTC date.
    #[schema(format = Date)]
    pub date: String,
    pub granted: i64,
    pub used: i64,
    pub expired: i64,
}

fn words<const N: usize>(words: [&'static str; N]) -> utoipa::openapi::schema::Object {
    utoipa::openapi::ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::Type::String)
        .enum_values(Some(words))
        .build()
}

fn source_schema() -> utoipa::openapi::schema::Object {
    words(GrantSource::ALL.map(GrantSource::as_str))
}

fn kind_schema() -> utoipa::openapi::schema::Object {
    words(EntryKind::ALL.map(EntryKind::as_str))
}

fn status_schema() -> utoipa::openapi::schema::Object {
    words(TopUpStatus::ALL.map(TopUpStatus::as_str))
}

impl From<AccountView> for CreditAccountResponse {
    fn from(view: AccountView) -> Self {
        let AccountView { account, customer_id, currency, default_method, grants } = view;
        let rule = account.auto_top_up.as_ref();
        let auto_top_up = rule.map(|rule| AutoTopUpResponse {
            paused: rule.is_paused(default_method),
            ..rule.into()
        });
        Self {
            id: account.id,
            customer_id,
            credit_currency_id: account.currency_id,
            currency: CreditAccountCurrency {
                slug: currency.slug,
                name: currency.name,
                denomination: currency.denomination,
                minor_unit_scale: currency.minor_unit_scale,
            },
            balance: account.balance,
            status: match account.frozen {
                true => CreditAccountStatus::Frozen,
                false => CreditAccountStatus::Active,
            },
            grants: grants.iter().map(GrantResponse::from).collect(),
            auto_top_up,
            created_at: account.created_at,
            updated_at: account.updated_at,
        }
    }
}

impl From<&Grant> for GrantResponse {
    fn from(grant: &Grant) -> Self {
        Self {
            id: grant.id,
            source: grant.source.as_str(),
            subscription_id: grant.subscription_id,
            amount: grant.amount,
            remaining: grant.remaining,
            priority: grant.source.priority(),
            expires_at: grant.expires_at,
            created_at: grant.created_at,
        }
    }
}

impl From<&AutoTopUp> for AutoTopUpResponse {
    fn from(rule: &AutoTopUp) -> Self {
        let (mode, amount, package_id, quantity) = match rule.purchase {
            Purchase::Amount { amount } => (AutoTopUpMode::Amount, Some(amount), None, 1),
            Purchase::Package { package_id, quantity } => {
                (AutoTopUpMode::Package, None, Some(package_id), quantity)
            }
        };
        Self {
            enabled: rule.enabled,
            mode,
            threshold: rule.threshold,
            amount,
            package_id,
            quantity,
            max_per_month: rule.max_per_month,
            pending: rule.pending,
            paused: rule.paused,
        }
    }
}

impl From<LedgerEntry> for LedgerEntryResponse {
    fn from(entry: LedgerEntry) -> Self {
        Self {
            id: entry.id,
            r#type: entry.kind.as_str(),
            amount: entry.amount,
            balance_after: entry.balance_after,
            grant_id: entry.grant_id,
            usage_event_id: entry.usage_event_id,
            description: entry.description,
            created_at: entry.at,
        }
    }
}

impl From<TopUp> for TopUpResponse {
    fn from(top_up: TopUp) -> Self {
        Self {
            id: top_up.id,
            invoice_id: top_up.invoice_id,
            status: top_up.status.as_str(),
            credits: top_up.credits,
            amount: top_up.amount,
            currency: top_up.currency,
            package_id: top_up.package_id,
            automatic: top_up.automatic,
            created_at: top_up.created_at,
        }
    }
}
