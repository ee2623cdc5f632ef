//! The portal token: a signed, strictly read statement that a browser acts for one customer.
//!
//! A token is a JWS compact serialisation (RFC 7515) signed with Ed25519 (RFC 8037). Both of its
//! JSON parts have exactly one spelling, see `form`: a token is either the very text that
//! [`SigningKey::sign`] would write for its claims, or it is refused. That one rule leaves no room
//! for duplicate names, unknown members, other number spellings, `crit` or a choice of algorithm.
//!
//! It deliberately knows nothing of sessions, customers or revocation, reads no clock and no
//! file, and keeps no state: a good token says who it was signed for, not whether its session
//! still lives. The server's `portal` slice mints and verifies with it; the signing-key commands
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
