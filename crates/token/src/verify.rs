//! Verifying: a token's text in, claims out, or the reason why not.
//!
//! [`UnverifiedToken`] is the hot path: enough to find the session's row and to recognise the very
//! bytes that were signed, with no signature check. [`verify`] is the full check, for a token
//! whose digest the row does not know. Neither knows of revocation. Called by the server's portal
//! session code; `testdata/tokens.json` holds it and the TypeScript verifier to the same answers.

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

/// A text that has a token's outline. Anyone can write one.
#[derive(Clone, Copy)]
pub struct UnverifiedToken<'a> {
    token: &'a str,
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
    /// What is signed: the header, the dot and the payload.
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

    /// The session's id that the payload claims, for looking up its row and nothing else.
    ///
    /// `None` where the payload has not our form, or the id is not a well-formed `ps_` TypeID.
    pub fn session_id(&self) -> Option<String> {
        let payload = URL_SAFE_NO_PAD.decode(self.payload).ok()?;
        let session_id = Payload::read(&payload)?.session_id;
        is_type_id(session_id, "ps").then(|| session_id.to_owned())
    }

    /// SHA-256 of the token's whole text, as the session's row keeps it.
    pub fn digest(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, self.token.as_bytes()).as_ref());
        bytes
    }
}

/// Whom a token must be for. The audience is always [`crate::AUDIENCE`].
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Compared byte by byte.
    pub issuer: &'a str,
    /// `None` accepts both environments.
    pub environment: Option<Environment>,
}

/// The claims of a token that [`verify`] accepted; there is no other way to make one.
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

/// The claims of a token that was signed by one of our keys, for the expected issuer and
/// environment, and has not ended at `now` (Unix seconds, leeway 0: `now >= exp` is expired).
///
/// `key_for` is asked once, for the header's `kid`, and only for a token of the right outline.
/// A token that is both wrong and expired is wrong: `Expired` is only said of one that we signed.
///
/// A future `iat` is not refused. The node that signed may be some seconds ahead of this one, only
/// we can have signed it, and its life is bounded by `exp - iat` and by its session's row.
pub fn verify(
    token: &str,
    key_for: impl FnOnce(&str) -> Option<PublicKey>,
    expected: &Expected<'_>,
    now: i64,
) -> Result<VerifiedClaims, VerifyError> {
    let token = UnverifiedToken::parse(token).ok_or(VerifyError::Malformed)?;
    // The decoder refuses padding and trailing bits: each value has one text.
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
