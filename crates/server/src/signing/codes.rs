//! The codes that open the hosted page, and the cookies that reopen it.
//!
//! All are HMACs of ids with keys of the installation, so a forged one is refused without a lookup,
//! and none is stored. A valid code is only a hint: the row of the id decides.

use super::SigningKeys;
use crate::base::{EmailId, InvoiceId, LoginId, PortalSessionId, Secret, Time};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt::Display;
use std::str::FromStr;
use subtle::ConstantTimeEq as _;

#[derive(Clone)]
pub struct Codes {
    code: hmac::Key,
    cookie: hmac::Key,
    link: hmac::Key,
    invoice_link: hmac::Key,
    login_code: hmac::Key,
    login_cookie: hmac::Key,
    address: hmac::Key,
}

/// The content of a link to one invoice. It is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvoiceLink {
    pub invoice_id: InvoiceId,
    pub tenant_no: i64,
    /// The generation of the customer when the link was sent.
    pub generation: i64,
    /// When it was sent, to the second.
    pub sent_at: Time,
}

impl InvoiceLink {
    fn text(&self) -> String {
        let Self { invoice_id, tenant_no, generation, sent_at } = self;
        format!("{invoice_id}.{tenant_no}.{generation}.{}", sent_at.seconds())
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let invoice_id = parts.next()?.parse().ok()?;
        let mut number = || parts.next()?.parse::<i64>().ok();
        let (tenant_no, generation, seconds) = (number()?, number()?, number()?);
        Some(Self { invoice_id, tenant_no, generation, sent_at: Time::from_seconds(seconds) })
    }
}

impl Codes {
    pub fn new(keys: &SigningKeys) -> Self {
        let key = |purpose| hmac::Key::new(hmac::HMAC_SHA256, &keys.derive(purpose));
        Self {
            code: key(b"unitpay portal codes"),
            cookie: key(b"unitpay portal cookies"),
            link: key(b"unitpay portal links"),
            invoice_link: key(b"unitpay invoice links"),
            login_code: key(b"unitpay login codes"),
            login_cookie: key(b"unitpay login cookies"),
            address: key(b"unitpay login addresses"),
        }
    }

    /// Returns the address of the hosted page for a session. Browsers do not send the part after
    /// the `#`.
    pub fn url(&self, issuer: &str, sid: PortalSessionId) -> Secret {
        Secret::new(format!("{issuer}/portal#{sid}.{}", tag(&self.code, sid)))
    }

    /// Returns the session of a code that this server issued.
    pub fn open(&self, code: &str) -> Option<PortalSessionId> {
        opened(&self.code, code)
    }

    /// Returns the address that an e-mail with a new link contains.
    pub fn link_url(&self, issuer: &str, id: EmailId) -> Secret {
        Secret::new(format!("{issuer}/portal#{id}.{}", tag(&self.link, id)))
    }

    /// Returns the e-mail of a link that this server sent.
    pub fn open_link(&self, code: &str) -> Option<EmailId> {
        opened(&self.link, code)
    }

    /// Returns the address that opens one invoice.
    pub fn invoice_link_url(&self, issuer: &str, link: &InvoiceLink) -> Secret {
        let text = link.text();
        Secret::new(format!("{issuer}/portal#{text}.{}", tag(&self.invoice_link, &text)))
    }

    /// Returns the content of a link to one invoice that this server sent.
    pub fn open_invoice_link(&self, code: &str) -> Option<InvoiceLink> {
        let (text, tag) = code.rsplit_once('.')?;
        if verify(&self.invoice_link, text, tag) { InvoiceLink::parse(text) } else { None }
    }

    /// Returns the value of a session's cookie.
    pub fn cookie(&self, sid: PortalSessionId) -> Secret {
        Secret::new(tag(&self.cookie, sid))
    }

    /// Whether this is the cookie value of a session.
    pub fn is_cookie(&self, sid: PortalSessionId, value: &str) -> bool {
        verify(&self.cookie, sid, value)
    }

    /// Returns the six digits that the e-mail of a login contains.
    pub fn login_code(&self, id: LoginId) -> Secret {
        let tag = hmac::sign(&self.login_code, id.to_string().as_bytes());
        let number = tag.as_ref().iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        Secret::new(format!("{:06}", number % 1_000_000))
    }

    /// Whether these are the digits of a login. Compares in constant time.
    pub fn is_login_code(&self, id: LoginId, digits: &str) -> bool {
        self.login_code(id).reveal().as_bytes().ct_eq(digits.as_bytes()).into()
    }

    /// Returns the value of the cookie of the browser that asked for a code.
    pub fn login_cookie(&self, id: LoginId) -> Secret {
        Secret::new(tag(&self.login_cookie, id))
    }

    pub fn is_login_cookie(&self, id: LoginId, value: &str) -> bool {
        verify(&self.login_cookie, id, value)
    }

    /// Returns the digest by which an address is recognized that is not stored.
    pub fn address_digest(&self, tenant_no: i64, address: &str) -> [u8; 32] {
        let tag = hmac::sign(&self.address, format!("{tenant_no} {address}").as_bytes());
        tag.as_ref().try_into().unwrap_or_default()
    }
}

/// Returns the id of a code, if the tag behind it is right.
fn opened<T: FromStr + Display + Copy>(key: &hmac::Key, code: &str) -> Option<T> {
    let (id, tag) = code.split_once('.')?;
    let id = id.parse().ok()?;
    verify(key, id, tag).then_some(id)
}

fn tag(key: &hmac::Key, id: impl Display) -> String {
    URL_SAFE_NO_PAD.encode(hmac::sign(key, id.to_string().as_bytes()))
}

/// Compares in constant time.
fn verify(key: &hmac::Key, id: impl Display, tag: &str) -> bool {
    let tag = URL_SAFE_NO_PAD.decode(tag).unwrap_or_default();
    hmac::verify(key, id.to_string().as_bytes(), &tag).is_ok()
}
