//! The schema migrations, with the same numbers and names for both engines, compiled in.

use super::DbError;

#[derive(Debug)]
pub struct Migration {
    pub version: i64,
    pub sqlite: &'static str,
    pub postgres: &'static str,
}

macro_rules! migration {
    ($version:literal, $name:literal) => {
        Migration {
            version: $version,
            sqlite: include_str!(concat!("../../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../../migrations/postgres/", $name, ".sql")),
        }
    };
}

const MIGRATIONS: &[Migration] = &[
    migration!(1, "0001_portal_sessions"),
    migration!(2, "0002_catalog"),
    migration!(3, "0003_billing"),
    migration!(4, "0004_credits_usage"),
    migration!(5, "0005_statistics"),
    migration!(6, "0006_token_issuer"),
    migration!(7, "0007_usage_segments"),
    migration!(8, "0008_clock_confirmations"),
    migration!(9, "0009_processors"),
    migration!(10, "0010_billing_rules"),
    migration!(11, "0011_grant_windows"),
    migration!(12, "0012_invoice_texts"),
    migration!(13, "0013_events"),
    migration!(14, "0014_customer_balance"),
    migration!(15, "0015_credit_notes"),
    migration!(16, "0016_credits_back"),
    migration!(17, "0017_manual_invoices"),
    migration!(18, "0018_open_setups"),
    migration!(19, "0019_required_payment_methods"),
    migration!(20, "0020_moved_remainders"),
    migration!(21, "0021_announcements"),
    migration!(22, "0022_early_use"),
    migration!(23, "0023_disputes"),
    migration!(24, "0024_emails"),
    migration!(25, "0025_email_settings"),
    migration!(26, "0026_erased_customers"),
    migration!(27, "0027_logins"),
    migration!(28, "0028_after_declines"),
    migration!(29, "0029_notices"),
    migration!(30, "0030_invoice_links"),
    migration!(31, "0031_coupons"),
    migration!(32, "0032_http_processors"),
];

/// The schema version of this program.
pub const fn newest_version() -> i64 {
    MIGRATIONS[MIGRATIONS.len() - 1].version
}

/// Returns the migrations that a store of this version still needs.
pub(super) fn pending(version: i64) -> Result<&'static [Migration], DbError> {
    usize::try_from(version)
        .ok()
        .and_then(|applied| MIGRATIONS.get(applied..))
        .ok_or_else(|| DbError::Unexpected("the store was made by a newer version".into()))
}
