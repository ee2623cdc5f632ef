//! The code that opens the hosted page, and the cookie that reopens it.
//!
//! Both are HMACs of the session id with keys of the installation, so a forged one is refused
//! without a lookup. A valid code is only a hint: the session's row decides.

use super::SigningKeys;
use crate::base::{PortalSessionId, Secret};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub struct Codes {
    code: hmac::Key,
    cookie: hmac::Key,
}

impl Codes {
    pub fn new(keys: &SigningKeys) -> Self {
        let key = |purpose| hmac::Key::new(hmac::HMAC_SHA256, &keys.derive(purpose));
        Self { code: key(b"unitpay portal codes"), cookie: key(b"unitpay portal cookies") }
    }

    /// Returns the address of the hosted page for a session. Browsers do not send the part after
    /// the `#`.
    pub fn url(&self, issuer: &str, sid: PortalSessionId) -> Secret {
        Secret::new(format!("{issuer}/portal#{sid}.{}", tag(&self.code, sid)))
    }

    /// Returns the session of a code that this server issued.
    pub fn open(&self, code: &str) -> Option<PortalSessionId> {
        let (sid, tag) = code.split_once('.')?;
        let sid = sid.parse().ok()?;
        verify(&self.code, sid, tag).then_some(sid)
    }

    /// Returns the value of a session's cookie.
    pub fn cookie(&self, sid: PortalSessionId) -> Secret {
        Secret::new(tag(&self.cookie, sid))
    }

    /// Whether this is the cookie value of a session.
    pub fn is_cookie(&self, sid: PortalSessionId, value: &str) -> bool {
        verify(&self.cookie, sid, value)
    }
}

fn tag(key: &hmac::Key, sid: PortalSessionId) -> String {
    URL_SAFE_NO_PAD.encode(hmac::sign(key, sid.to_string().as_bytes()))
}

/// Compares in constant time.
fn verify(key: &hmac::Key, sid: PortalSessionId, tag: &str) -> bool {
    let tag = URL_SAFE_NO_PAD.decode(tag).unwrap_or_default();
    hmac::verify(key, sid.to_string().as_bytes(), &tag).is_ok()
}
