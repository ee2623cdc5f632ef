//! Signs claims into a token.
//!
//! The same key and claims always produce the same text, because both Ed25519 and the spelling are
//! deterministic. Claims that `verify` would refuse are not signed. The server uses this when it
//! mints or refreshes a portal session.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::claims::{Claims, MAX_TOKEN_BYTES};
use crate::error::SignError;
use crate::form::Payload;
use crate::key::SigningKey;

impl SigningKey {
    /// Signs these claims and returns the portal token: a JWS in compact serialisation (RFC 7515
    /// section 7.1).
    pub fn sign(&self, claims: &Claims) -> Result<String, SignError> {
        let payload = Payload::new(claims);
        payload.check_to_sign().map_err(SignError::BadClaims)?;
        let mut token = String::with_capacity(1024);
        token.push_str(self.encoded_header());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(payload.write(), &mut token);
        let signature =
            self.key_pair().try_sign(token.as_bytes()).map_err(|_| SignError::Crypto)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        if token.len() > MAX_TOKEN_BYTES {
            return Err(SignError::TooLong);
        }
        Ok(token)
    }
}
