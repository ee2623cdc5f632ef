//! Verifies a token and returns its claims, or the reason that it is refused.
//!
//! [`UnverifiedToken`] is the hot path: it finds the session's row and compares the digest of the
//! signed bytes, without a signature check. [`verify`] is the full check, for a token whose digest
//! differs from the row. Neither checks revocation. Used by the server's portal slice.
//! `testdata/tokens.json` holds it and the TypeScript verifier to the same answers.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::claims::{Claims, Environment, MAX_TOKEN_BYTES};
use crate::error::{ClaimsFault, VerifyError};
use crate::form::{Payload, is_base64url, read_header};
use crate::ids::is_type_id;
use crate::key::PublicKey;

/// An Ed25519 signature's 64 bytes in base64url.
const SIGNATURE_CHARS: usize = 86;

/// A text in the outline of a token. Anyone can produce one.
#[derive(Clone, Copy)]
pub struct UnverifiedToken<'a> {
    token: &'a str,
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
    /// The signed part: header, dot and payload.
    signed: &'a str,
}

impl<'a> UnverifiedToken<'a> {
    /// Checks length, alphabet and the three parts; decodes nothing.
    pub fn parse(token: &'a str) -> Option<Self> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let is_token = !header.is_empty()
            && !payload.is_empty()
            && signature.len() == SIGNATURE_CHARS
            // A fourth part would leave a dot in one of these.
            && [header, payload, signature].into_iter().all(is_base64url);
        is_token.then_some(Self { token, header, payload, signature, signed })
    }

    /// Returns the session id in the payload. Use it only to look up the session's row.
    ///
    /// `None` if the payload is not in our format, or the id is not a well-formed `ps_` TypeID.
    pub fn session_id(&self) -> Option<String> {
        let payload = URL_SAFE_NO_PAD.decode(self.payload).ok()?;
        let session_id = Payload::read(&payload)?.session_id;
        is_type_id(session_id, "ps").then(|| session_id.to_owned())
    }

    /// Returns the SHA-256 digest of the whole token, as stored in the session's row.
    pub fn digest(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, self.token.as_bytes()).as_ref());
        bytes
    }
}

/// The expected issuer and environment. The audience is always [`crate::AUDIENCE`].
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Compared byte by byte.
    pub issuer: &'a str,
    /// `None` accepts both environments.
    pub environment: Option<Environment>,
}

/// The claims of a token that [`verify`] accepted. Only [`verify`] creates them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedClaims(Claims);

impl VerifiedClaims {
    pub fn claims(&self) -> &Claims {
        &self.0
    }

    pub fn into_claims(self) -> Claims {
        self.0
    }
}

/// Returns the claims of a token that one of our keys signed for the expected issuer and
/// environment, and that has not expired at `now` (Unix seconds, leeway 0: `now >= exp` is
/// expired).
///
/// Calls `key_for` once, with the header's `kid`, and only if the token has the right outline.
/// Returns `Expired` only for a token that is otherwise valid.
///
/// Accepts a future `iat`: the node that signed the token may be a few seconds ahead of this one.
/// The token's lifetime is bounded by `exp - iat` and by its session's row.
pub fn verify(
    token: &str,
    key_for: impl FnOnce(&str) -> Option<PublicKey>,
    expected: &Expected<'_>,
    now: i64,
) -> Result<VerifiedClaims, VerifyError> {
    let token = UnverifiedToken::parse(token).ok_or(VerifyError::Malformed)?;
    // The decoder refuses padding and trailing bits, so each value has one spelling.
    let decode = |part| URL_SAFE_NO_PAD.decode(part).map_err(|_| VerifyError::Malformed);
    let header = decode(token.header)?;
    let payload = decode(token.payload)?;
    let signature = decode(token.signature)?;
    let kid = read_header(&header).ok_or(VerifyError::Malformed)?;

    let key = key_for(kid).filter(|key| key.kid() == kid).ok_or(VerifyError::UnknownKey)?;
    UnparsedPublicKey::new(&ED25519, key.bytes())
        .verify(token.signed.as_bytes(), &signature)
        .map_err(|_| VerifyError::BadSignature)?;

    let claims = Payload::read(&payload)
        .ok_or(ClaimsFault::Form)
        .and_then(|payload| payload.check())
        .map_err(VerifyError::BadClaims)?;
    if claims.issuer != expected.issuer {
        return Err(VerifyError::BadClaims(ClaimsFault::Issuer));
    }
    if expected.environment.is_some_and(|environment| environment != claims.environment) {
        return Err(VerifyError::BadClaims(ClaimsFault::Environment));
    }
    if now >= claims.expires_at {
        return Err(VerifyError::Expired);
    }
    Ok(VerifiedClaims(claims))
}
