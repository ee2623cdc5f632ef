//! Why a key, a signing or a token was refused: one closed enum each.
//!
//! None of them carries any part of the key or token, so they can be logged as they are. The
//! server answers every [`VerifyError`] but `Expired` with one and the same body.

use std::fmt;

/// Why a key was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// Not a JSON object of strings with each name once, or a member we do not know.
    NotAJwk,
    /// Another kind of key than a private Ed25519 key for signing (RFC 8037 section 2).
    WrongKind,
    /// A coordinate that is not 32 bytes in canonical base64url, or a point that no honest key
    /// has: not in its canonical encoding, or of small order.
    BadBytes,
    /// The public half `x` does not belong to the private half `d`.
    Mismatch,
}

/// Why claims were not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignError {
    /// `verify` would refuse them.
    BadClaims(ClaimsFault),
    /// The token would be longer than [`crate::MAX_TOKEN_BYTES`].
    TooLong,
    /// The cryptographic library failed, for example by its self-test.
    Crypto,
}

/// Why a token was refused. The order is that of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyError {
    /// Not a compact JWS of ours: too long, not three parts, base64url that is not canonical, a
    /// signature of another length, or another header than the one we write.
    Malformed,
    /// Signed by a key that is not ours, or not ours any more.
    UnknownKey,
    /// Not signed by the key it names.
    BadSignature,
    /// Signed by us, but not as a portal token for this server.
    BadClaims(ClaimsFault),
    /// A good token that has ended.
    Expired,
}

/// The first claim found wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimsFault {
    /// Not the one spelling of the payload.
    Form,
    Issuer,
    Audience,
    Subject,
    SessionId,
    TokenId,
    Organization,
    Environment,
    Times,
    Scope,
}

impl VerifyError {
    /// The coarse reason, one word for each variant, as in `testdata/tokens.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownKey => "unknown_key",
            Self::BadSignature => "bad_signature",
            Self::BadClaims(_) => "bad_claims",
            Self::Expired => "expired",
        }
    }
}

impl ClaimsFault {
    fn as_str(self) -> &'static str {
        match self {
            Self::Form => "payload",
            Self::Issuer => "iss",
            Self::Audience => "aud",
            Self::Subject => "sub",
            Self::SessionId => "sid",
            Self::TokenId => "jti",
            Self::Organization => "org",
            Self::Environment => "env",
            Self::Times => "iat and exp",
            Self::Scope => "scope",
        }
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAJwk => "not a JSON Web Key that we understand",
            Self::WrongKind => "not a private Ed25519 signing key (kty OKP, crv Ed25519)",
            Self::BadBytes => "not the 32 bytes of an Ed25519 key",
            Self::Mismatch => "the key's public half does not belong to its private half",
        })
    }
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadClaims(fault) => write!(f, "claims not fit for a token: {}", fault.as_str()),
            Self::TooLong => f.write_str("the token would be too long"),
            Self::Crypto => f.write_str("the cryptographic library failed"),
        }
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadClaims(fault) => write!(f, "bad_claims: {}", fault.as_str()),
            Self::Malformed | Self::UnknownKey | Self::BadSignature | Self::Expired => {
                f.write_str(self.as_str())
            }
        }
    }
}

impl std::error::Error for KeyError {}
impl std::error::Error for SignError {}
impl std::error::Error for VerifyError {}
