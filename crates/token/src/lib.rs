//! The portal token: a signed, strictly parsed statement that a browser acts for one customer.
//!
//! A token is a JWS in compact serialization (RFC 7515), signed with Ed25519 (RFC 8037). Both of
//! its JSON parts have exactly one spelling, see `form`. A token that differs from the text that
//! [`SigningKey::sign`] writes for its claims is refused. This rule excludes duplicate names,
//! unknown members, other number formats, `crit` and a choice of algorithm.
//!
//! The crate knows nothing about sessions, customers or revocation, reads no clock or file, and
//! keeps no state. A valid token shows for whom it was signed, not whether its session is still
//! active. The server's `portal` slice mints and verifies tokens with it; the signing-key commands
//! read and publish keys with it.

mod claims;
mod error;
mod form;
mod ids;
mod key;
mod sign;
mod verify;

pub use claims::{AUDIENCE, Claims, Environment, MAX_LIFE_SECONDS, MAX_TOKEN_BYTES, SCOPES};
pub use error::{ClaimsFault, KeyError, SignError, VerifyError};
pub use ids::{is_type_id, parse_token_id};
pub use key::{PublicKey, SigningKey};
pub use verify::{Expected, UnverifiedToken, VerifiedClaims, verify};
