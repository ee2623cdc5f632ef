//! Reads and writes the canonical spelling of a token's header and payload.
//!
//! No JSON parser is involved. Both parts have fixed members in a fixed order, integers in their
//! shortest decimal form and strings of printable ASCII without escapes. They form a regular
//! language, and a text that differs in one byte is refused. The texts are valid JSON, so any other
//! verifier can parse them. Used by `sign` and `verify` only.

use std::fmt::Write as _;

use crate::claims::{AUDIENCE, Claims, Environment, LATEST_TIME, MAX_LIFE_SECONDS, SCOPES};
use crate::error::ClaimsFault;
use crate::ids::{is_type_id, parse_token_id};

const HEADER_START: &str = r#"{"alg":"EdDSA","typ":"portal+jwt","kid":""#;
const HEADER_END: &str = r#""}"#;

/// A `kid` is a SHA-256 thumbprint, 32 bytes in base64url.
const KID_BYTES: usize = 43;

/// Returns the header for a key id.
pub(crate) fn write_header(kid: &str) -> String {
    format!("{HEADER_START}{kid}{HEADER_END}")
}

/// Returns the `kid` of a header that [`write_header`] could have written.
pub(crate) fn read_header(header: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(header).ok()?;
    let kid = text.strip_prefix(HEADER_START)?.strip_suffix(HEADER_END)?;
    (kid.len() == KID_BYTES && is_base64url(kid)).then_some(kid)
}

/// Whether every byte is in the base64url alphabet (RFC 4648 section 5), without padding.
pub(crate) fn is_base64url(text: &str) -> bool {
    all_bytes(text.as_bytes(), |byte| {
        byte.is_ascii_alphanumeric() | (byte == b'-') | (byte == b'_')
    })
}

/// `Iterator::all` without its early return, which would prevent vectorization. The texts are short
/// and almost always valid.
fn all_bytes(bytes: &[u8], is_right: impl Fn(u8) -> bool) -> bool {
    bytes.iter().fold(true, |all, byte| all & is_right(*byte))
}

/// The members of a payload, not yet checked.
pub(crate) struct Payload<'a> {
    pub(crate) issuer: &'a str,
    audience: &'a str,
    subject: &'a str,
    pub(crate) session_id: &'a str,
    token_id: &'a str,
    organization_id: &'a str,
    environment: &'a str,
    issued_at: i64,
    pub(crate) expires_at: i64,
    scope: &'a str,
}

impl<'a> Payload<'a> {
    pub(crate) fn new(claims: &'a Claims) -> Self {
        Self {
            issuer: &claims.issuer,
            audience: AUDIENCE,
            subject: &claims.subject,
            session_id: &claims.session_id,
            token_id: &claims.token_id,
            organization_id: &claims.organization_id,
            environment: claims.environment.as_str(),
            issued_at: claims.issued_at,
            expires_at: claims.expires_at,
            scope: &claims.scope,
        }
    }

    /// Returns the payload's text. Correct only for a payload that [`Payload::check`] accepts,
    /// because nothing is escaped.
    pub(crate) fn write(&self) -> String {
        let mut payload = String::with_capacity(768);
        // Writing to a `String` cannot fail.
        let _ = write!(
            payload,
            concat!(
                r#"{{"iss":"{}","aud":"{}","sub":"{}","sid":"{}","jti":"{}","org":"{}","#,
                r#""env":"{}","iat":{},"exp":{},"scope":"{}"}}"#
            ),
            self.issuer,
            self.audience,
            self.subject,
            self.session_id,
            self.token_id,
            self.organization_id,
            self.environment,
            self.issued_at,
            self.expires_at,
            self.scope,
        );
        payload
    }

    /// Splits a text that [`Payload::write`] could have written; `None` for any other text.
    pub(crate) fn read(payload: &'a [u8]) -> Option<Self> {
        // Strings have no escapes, so a string ends at the next quote.
        if !all_bytes(payload, |byte| matches!(byte, b' '..=b'~') & (byte != b'\\')) {
            return None;
        }
        let mut rest = Reader { rest: std::str::from_utf8(payload).ok()? };
        let payload = Self {
            issuer: rest.string(r#"{"iss":""#)?,
            audience: rest.string(r#","aud":""#)?,
            subject: rest.string(r#","sub":""#)?,
            session_id: rest.string(r#","sid":""#)?,
            token_id: rest.string(r#","jti":""#)?,
            organization_id: rest.string(r#","org":""#)?,
            environment: rest.string(r#","env":""#)?,
            issued_at: rest.integer(r#","iat":"#)?,
            expires_at: rest.integer(r#","exp":"#)?,
            scope: rest.string(r#","scope":""#)?,
        };
        (rest.rest == "}").then_some(payload)
    }

    /// Returns the claims if each is well-formed and they are consistent. The caller checks `iss`,
    /// `env` and expiry.
    pub(crate) fn check(&self) -> Result<Claims, ClaimsFault> {
        if !is_scope(self.scope) {
            // Reported last, like any fault of the last claim.
            return self.check_to_sign().and(Err(ClaimsFault::Scope));
        }
        self.check_to_sign()
    }

    /// Like [`Payload::check`], and also accepts the scope of a token that is bound to an invoice. Such
    /// a token is for the server that signed it, which compares its digest. [`crate::verify`] refuses it.
    pub(crate) fn check_to_sign(&self) -> Result<Claims, ClaimsFault> {
        if self.issuer.is_empty() || !self.issuer.bytes().all(is_issuer_byte) {
            return Err(ClaimsFault::Issuer);
        }
        if self.audience != AUDIENCE {
            return Err(ClaimsFault::Audience);
        }
        if !is_type_id(self.subject, "cus") {
            return Err(ClaimsFault::Subject);
        }
        if !is_type_id(self.session_id, "ps") {
            return Err(ClaimsFault::SessionId);
        }
        if parse_token_id(self.token_id).is_none_or(|(session_id, _)| session_id != self.session_id)
        {
            return Err(ClaimsFault::TokenId);
        }
        if !is_type_id(self.organization_id, "org") {
            return Err(ClaimsFault::Organization);
        }
        let environment = Environment::parse(self.environment).ok_or(ClaimsFault::Environment)?;
        if !are_times(self.issued_at, self.expires_at) {
            return Err(ClaimsFault::Times);
        }
        if !is_scope(self.scope) && !is_invoice_scope(self.scope) {
            return Err(ClaimsFault::Scope);
        }
        Ok(Claims {
            issuer: self.issuer.to_owned(),
            subject: self.subject.to_owned(),
            session_id: self.session_id.to_owned(),
            token_id: self.token_id.to_owned(),
            organization_id: self.organization_id.to_owned(),
            environment,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            scope: self.scope.to_owned(),
        })
    }
}

fn is_issuer_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'"' && byte != b'\\'
}

fn are_times(issued_at: i64, expires_at: i64) -> bool {
    (0..=LATEST_TIME).contains(&issued_at)
        && expires_at <= LATEST_TIME
        && (1..=MAX_LIFE_SECONDS).contains(&expires_at.saturating_sub(issued_at))
}

fn is_scope(scope: &str) -> bool {
    // One flag per known scope. An empty scope or a double space yields an empty, unknown word.
    let mut present = [false; SCOPES.len()];
    scope.split(' ').all(|word| {
        SCOPES
            .iter()
            .position(|known| *known == word)
            .is_some_and(|index| !std::mem::replace(&mut present[index], true))
    })
}

/// Whether this is the scope of a token that is bound to one invoice: `invoice:inv_…`.
fn is_invoice_scope(scope: &str) -> bool {
    scope.strip_prefix("invoice:").is_some_and(|id| is_type_id(id, "inv"))
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// Returns the text between `before` and the next quote, and consumes all three.
    fn string(&mut self, before: &str) -> Option<&'a str> {
        let (string, rest) = self.rest.strip_prefix(before)?.split_once('"')?;
        self.rest = rest;
        Some(string)
    }

    /// Returns the integer after `before`: no sign, fraction, exponent or leading zero.
    fn integer(&mut self, before: &str) -> Option<i64> {
        let text = self.rest.strip_prefix(before)?;
        let end = text.bytes().position(|byte| !byte.is_ascii_digit())?;
        let (digits, rest) = text.split_at(end);
        self.rest = rest;
        let is_canonical = digits == "0" || !digits.starts_with('0');
        is_canonical.then(|| digits.parse().ok())?
    }
}
