//! The claims of a portal token.
//!
//! [`Claims`] are the input to signing and prove nothing. Only [`crate::VerifiedClaims`] come from
//! a verified token. The server uses this module when it mints or refreshes a session.

/// The audience (`aud`, RFC 7519 section 4.1.3) of every portal token.
pub const AUDIENCE: &str = "unitpay:portal";

/// The maximum length of a token. A longer one is refused before it is parsed.
pub const MAX_TOKEN_BYTES: usize = 2048;

/// The longest time between `iat` and `exp`.
pub const MAX_LIFE_SECONDS: i64 = 86_400;

/// The last second of the year 9999, the latest `exp`: within what every JSON number and every
/// RFC 3339 time can hold, so that all verifiers agree on it.
pub(crate) const LATEST_TIME: i64 = 253_402_300_799;

/// Every scope that a portal token can carry.
pub const SCOPES: [&str; 11] = [
    "customer:read",
    "customer:write",
    "subscriptions:read",
    "subscriptions:write",
    "invoices:read",
    "invoices:pay",
    "payment_methods:read",
    "payment_methods:write",
    "credits:read",
    "credits:write",
    "usage:read",
];

/// The claims of a portal token, without `aud`, which is always [`AUDIENCE`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// `iss`: the configured public base URL; printable ASCII without space, `"` and `\`.
    pub issuer: String,
    /// `sub`: the customer's id, `cus_…`.
    pub subject: String,
    /// `sid`: the portal session's id, `ps_…`.
    pub session_id: String,
    /// `jti`: the session's id for its first token, `<sid>.n` for its n-th refresh.
    pub token_id: String,
    /// `org`: the organization's id, `org_…`.
    pub organization_id: String,
    /// `env`.
    pub environment: Environment,
    /// `iat`, in Unix seconds.
    pub issued_at: i64,
    /// `exp`, in Unix seconds; later than `iat` by at most [`MAX_LIFE_SECONDS`].
    pub expires_at: i64,
    /// `scope`: values from [`SCOPES`], each at most once, separated by single spaces, in any
    /// order. For a session that is bound to an invoice: `invoice:` and the invoice's id, which
    /// [`crate::verify`] refuses.
    pub scope: String,
}

/// One of the two environments of an organization. They share no data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    Sandbox,
    Live,
}

impl Environment {
    /// The word used on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Live => "live",
        }
    }

    /// Returns the environment that [`Environment::as_str`] spells exactly like this.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Sandbox, Self::Live].into_iter().find(|environment| environment.as_str() == text)
    }
}
