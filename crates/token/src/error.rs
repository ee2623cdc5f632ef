//! Closed error enums for keys, signing and verification.
//!
//! No error contains any part of a key or token, so all of them are safe to log. The server returns
//! the same response body for every [`VerifyError`] except `Expired`.

use std::fmt;

/// The reason that a key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// Not a JSON object of strings with unique names, or an unknown member.
    NotAJwk,
    /// Not a private Ed25519 key for signing (RFC 8037 section 2).
    WrongKind,
    /// A coordinate that is not 32 bytes in canonical base64url, or a point that no honest key
    /// has: not in its canonical encoding, or of small order.
    BadBytes,
    /// The public half `x` does not belong to the private half `d`.
    Mismatch,
}

/// The reason that claims are not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignError {
    /// `verify` would refuse these claims.
    BadClaims(ClaimsFault),
    /// The token would be longer than [`crate::MAX_TOKEN_BYTES`].
    TooLong,
    /// The cryptographic library failed, for example its self-test.
    Crypto,
}

/// The reason that a token is refused, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyError {
    /// Not a compact JWS in our format: too long, not three parts, non-canonical base64url, a
    /// signature of the wrong length, or a header that we do not write.
    Malformed,
    /// The key id is unknown, or its key is no longer accepted.
    UnknownKey,
    /// The signature does not match the key that the token names.
    BadSignature,
    /// The signature is valid, but the token is not a portal token for this server.
    BadClaims(ClaimsFault),
    /// The token is valid and has expired.
    Expired,
}

/// The first invalid claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimsFault {
    /// The payload does not have the canonical spelling.
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
    /// Returns one word per variant, as used in `testdata/tokens.json`.
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
