//! Stripe's signature of its webhooks: `Stripe-Signature: t=…,v1=…`, HMAC-SHA-256 of `t.body` in hex.

use crate::base::{Secret, Time};
use aws_lc_rs::hmac;

pub const HEADER: &str = "stripe-signature";
const HOLDS_FOR_SECONDS: u64 = 300;

/// Whether one of the secrets signed this body within the last five minutes. Several secrets are
/// valid while one is replaced, and Stripe then sends several signatures.
pub fn is_good(header: &str, body: &[u8], secrets: &[Secret], now: Time) -> bool {
    let Some((seconds, signatures)) = parse(header) else { return false };
    let fresh = seconds.parse().is_ok_and(|t: i64| now.seconds().abs_diff(t) <= HOLDS_FOR_SECONDS);
    let signed = [seconds.as_bytes(), b".", body].concat();
    fresh
        && secrets.iter().any(|secret| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.reveal().as_bytes());
            signatures.iter().any(|signature| hmac::verify(&key, &signed, signature).is_ok())
        })
}

/// Reads the time, as text, and the `v1` signatures. Parts of other names are ignored; two times are
/// refused.
fn parse(header: &str) -> Option<(&str, Vec<[u8; 32]>)> {
    let (mut seconds, mut signatures) = (None, Vec::new());
    for part in header.split(',') {
        let (name, value) = part.split_once('=')?;
        match name {
            "t" if seconds.is_some() => return None,
            "t" => seconds = Some(value),
            "v1" => signatures.extend(read_hex(value)),
            _ => {}
        }
    }
    Some((seconds?, signatures))
}

fn read_hex(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let bytes: Option<Vec<u8>> =
        pairs.iter().map(|[high, low]| Some(digit(*high)? * 16 + digit(*low)?)).collect();
    bytes?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_1","object":"event"}"#;
    const NOW: i64 = 1_700_000_000;

    fn hex(secret: &str, seconds: i64, body: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = hmac::sign(&key, &[format!("{seconds}.").as_bytes(), body].concat());
        tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn good(header: &str, body: &[u8]) -> bool {
        let secrets = [Secret::new("whsec_new".into()), Secret::new("whsec_old".into())];
        is_good(header, body, &secrets, Time::from_seconds(NOW))
    }

    /// Made by the generator of the official SDK for Node, 23.1.0, and accepted by the one for
    /// Python, 16.1.0.
    #[test]
    fn header_of_the_official_sdk_is_good() {
        let header =
            "t=1700000000,v1=748c9cce3537fc34fc926e44a0dd80c153b5f62fe48a319424e7cf0836b4d053";
        let secret = [Secret::new("whsec_test_of_the_signature".into())];
        assert!(is_good(header, BODY, &secret, Time::from_seconds(NOW)));
    }

    #[test]
    fn headers_are_accepted_as_the_official_sdks_do() {
        let v1 = hex("whsec_new", NOW, BODY);
        let old = hex("whsec_old", NOW, BODY);
        let wrong = hex("whsec_other", NOW, BODY);
        for header in [
            format!("t={NOW},v1={v1}"),
            format!("t={NOW},v1={v1},v0={wrong}"),
            format!("t={NOW},v1={wrong},v1={v1}"),
            format!("t={NOW},v1={old}"),
            format!("v1={v1},t={NOW}"),
        ] {
            assert!(good(&header, BODY), "{header}");
        }
    }

    #[test]
    fn headers_are_refused_as_the_official_sdks_do() {
        let v1 = hex("whsec_new", NOW, BODY);
        for header in [
            String::new(),
            format!("t={NOW}"),
            format!("v1={v1}"),
            format!("t={NOW},v0={v1}"),
            format!("t={NOW}, v1={v1}"),
            format!("t={NOW},v1={}", v1.to_uppercase()),
            format!("t={NOW},v1={}", &v1[..62]),
            format!("t={NOW},v1=+{}", &v1[1..]),
            format!("t=1,t={NOW},v1={v1}"),
            format!("t={},v1={v1}", NOW + 1),
            format!("t={NOW}.5,v1={v1}"),
            format!("t={NOW},v1={}", hex("whsec_other", NOW, BODY)),
            format!("t={NOW},v1={}", hex("", NOW, BODY)),
        ] {
            assert!(!good(&header, BODY), "{header}");
        }
        assert!(!good(&format!("t={NOW},v1={v1}"), b"another body"));
    }

    #[test]
    fn headers_hold_for_five_minutes() {
        for (age, expected) in
            [(0, true), (299, true), (300, true), (301, false), (-300, true), (-301, false)]
        {
            let seconds = NOW - age;
            let header = format!("t={seconds},v1={}", hex("whsec_new", seconds, BODY));
            assert_eq!(good(&header, BODY), expected, "{age}");
        }
    }
}
