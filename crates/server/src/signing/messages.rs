//! Signatures of messages, as the Standard Webhooks specification defines them: of webhooks, and of the
//! calls and events of processors over HTTP.
//!
//! A secret is `whsec_` and 32 random bytes in base64. The signature is HMAC-SHA-256 over
//! `<id>.<timestamp>.<body>`, written as `v1,<base64>`. While a secret is being rotated, the header
//! contains one signature per secret, separated by spaces.

use super::{Seal, SealError};
use crate::base::{Random, Secret, Time};
use ::http::header::InvalidHeaderValue;
use ::http::{HeaderMap, HeaderName, HeaderValue, header};
use aws_lc_rs::{constant_time, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;

const PREFIX: &str = "whsec_";
/// A replaced secret stays valid for this time.
const OVERLAP_SECONDS: i64 = 86_400;
/// Rotations within one day drop the oldest secret beyond this number.
const MAX_SECRETS: usize = 4;

/// A signature is refused once its time is off by more.
const HOLDS_FOR_SECONDS: u64 = 300;
/// The bytes of a secret that was made elsewhere.
const KEY_BYTES: RangeInclusive<usize> = 24..=64;

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// The signing secrets of an endpoint, newest first.
#[derive(Clone, Serialize, Deserialize)]
pub struct SigningSecrets(Vec<SigningSecret>);

#[derive(Clone, Serialize, Deserialize)]
struct SigningSecret {
    /// In base64.
    key: String,
    /// In microseconds; `None` for the current secret.
    until: Option<i64>,
}

impl SigningSecrets {
    pub fn generate(random: &Random) -> Self {
        Self(vec![SigningSecret::generate(random)])
    }

    /// A secret that is not stored: the same key makes the same secret.
    pub fn of_key(key: [u8; 32]) -> Self {
        Self(vec![SigningSecret { key: STANDARD.encode(key), until: None }])
    }

    /// Reads a secret that was made elsewhere; `None` unless it is `whsec_` and enough bytes in base64.
    pub fn parse(text: &str) -> Option<Self> {
        let key = text.trim().strip_prefix(PREFIX)?;
        let bytes = STANDARD.decode(key).ok()?;
        let key = key.to_owned();
        KEY_BYTES.contains(&bytes.len()).then_some(Self(vec![SigningSecret { key, until: None }]))
    }

    /// Adds a new secret. The one that it replaces stays valid for a day.
    pub fn rotate(&mut self, random: &Random, now: Time) {
        self.0.retain(|secret| secret.is_valid(now));
        for secret in &mut self.0 {
            secret.until.get_or_insert(now.plus_seconds(OVERLAP_SECONDS).0);
        }
        self.0.insert(0, SigningSecret::generate(random));
        self.0.truncate(MAX_SECRETS);
    }

    /// Returns the current secret, for the response that creates or rotates it.
    pub fn reveal(&self) -> Secret {
        let newest = self.0.first().map(|secret| secret.key.as_str());
        Secret::new(format!("{PREFIX}{}", newest.unwrap_or_default()))
    }

    /// Builds the `webhook-signature` header: one signature per valid secret.
    pub fn sign(&self, id: &str, at: Time, body: &[u8]) -> String {
        let valid = self.0.iter().filter(|secret| secret.is_valid(at));
        let signatures: Vec<String> =
            valid.map(|secret| secret.sign(id, at.seconds(), body)).collect();
        signatures.join(" ")
    }

    /// Builds the headers of a signed JSON message.
    pub fn headers(
        &self,
        id: &str,
        at: Time,
        body: &[u8],
    ) -> Result<HeaderMap, InvalidHeaderValue> {
        let value = |text: &str| HeaderValue::from_str(text);
        let headers = [
            (header::CONTENT_TYPE, Ok(HeaderValue::from_static("application/json"))),
            (header::USER_AGENT, value(concat!("UnitPay/", env!("CARGO_PKG_VERSION")))),
            (ID, value(id)),
            (TIMESTAMP, value(&at.seconds().to_string())),
            (SIGNATURE, value(&self.sign(id, at, body))),
        ];
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(name, value?);
        }
        Ok(map)
    }

    /// Whether a valid secret signed this message within the last five minutes.
    pub fn has_signed(&self, headers: &HeaderMap, body: &[u8], now: Time) -> bool {
        let text = |name: &HeaderName| headers.get(name)?.to_str().ok();
        let (Some(id), Some(at), Some(given)) = (text(&ID), text(&TIMESTAMP), text(&SIGNATURE))
        else {
            return false;
        };
        // In its one spelling, because the text is signed.
        let seconds = at.parse().ok().filter(|seconds: &i64| seconds.to_string() == at);
        let Some(seconds) = seconds.filter(|s| now.seconds().abs_diff(*s) <= HOLDS_FOR_SECONDS)
        else {
            return false;
        };
        let tags =
            given.split(' ').filter_map(|part| STANDARD.decode(part.strip_prefix("v1,")?).ok());
        let tags: Vec<Vec<u8>> = tags.collect();
        let valid = self.0.iter().filter(|secret| secret.is_valid(now));
        valid.map(|secret| secret.context(id, seconds, body).sign()).any(|expected| {
            tags.iter()
                .any(|tag| constant_time::verify_slices_are_equal(expected.as_ref(), tag).is_ok())
        })
    }

    pub fn seal(&self, seal: &Seal, bound_to: &str) -> Result<Vec<u8>, SealError> {
        let plain = serde_json::to_vec(self).map_err(|_| SealError)?;
        seal.seal(bound_to, &plain)
    }

    pub fn open(seal: &Seal, bound_to: &str, sealed: &[u8]) -> Result<Self, SealError> {
        let plain = seal.open(bound_to, sealed)?;
        serde_json::from_slice(&plain).map_err(|_| SealError)
    }
}

impl SigningSecret {
    fn generate(random: &Random) -> Self {
        Self { key: STANDARD.encode(random.bytes::<32>()), until: None }
    }

    fn is_valid(&self, at: Time) -> bool {
        self.until.is_none_or(|until| at.0 < until)
    }

    fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        format!("v1,{}", STANDARD.encode(self.context(id, timestamp, body).sign()))
    }

    fn context(&self, id: &str, timestamp: i64, body: &[u8]) -> hmac::Context {
        // Our own text decodes; any other signs with no key, and no receiver accepts that.
        let key = STANDARD.decode(&self.key).unwrap_or_default();
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key));
        context.update(id.as_bytes());
        context.update(format!(".{timestamp}.").as_bytes());
        context.update(body);
        context
    }
}

impl fmt::Debug for SigningSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecrets(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recomputed with the published example of the Standard Webhooks libraries.
    #[test]
    fn signature_matches_the_published_example() {
        let key = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned();
        let secret = SigningSecret { key, until: None };
        let signature =
            secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    fn signed(secrets: &SigningSecrets, change: impl FnOnce(&mut HeaderMap), now: i64) -> bool {
        let mut headers = secrets.headers("msg_1", Time::from_seconds(1_000), b"{}").unwrap();
        change(&mut headers);
        secrets.has_signed(&headers, b"{}", Time::from_seconds(now))
    }

    #[test]
    fn own_signatures_hold_for_five_minutes() {
        let secrets = SigningSecrets::generate(&Random::system());
        for (now, expected) in
            [(1_000, true), (1_300, true), (1_301, false), (700, true), (699, false)]
        {
            assert_eq!(signed(&secrets, |_| {}, now), expected, "{now}");
        }
    }

    #[test]
    fn altered_messages_are_refused() {
        let random = Random::system();
        let (secrets, other) =
            (SigningSecrets::generate(&random), SigningSecrets::generate(&random));
        let at = Time::from_seconds(1_000);
        let good = secrets.sign("msg_1", at, b"{}");
        let wrong = other.sign("msg_1", at, b"{}");
        let set = |name: HeaderName, text: String| {
            signed(&secrets, |headers| drop(headers.insert(name, text.parse().unwrap())), 1_000)
        };
        assert!(set(SIGNATURE, format!("v1a,x {wrong} {good}")));
        for text in
            [String::new(), wrong, good[3..].to_owned(), "v1,".into(), good.replace("v1", "v2")]
        {
            assert!(!set(SIGNATURE, text.clone()), "{text}");
        }
        for text in ["1001", "+1000", "01000", "1000.0", " 1000", ""] {
            assert!(!set(TIMESTAMP, text.into()), "{text}");
        }
        assert!(!set(ID, "msg_2".into()));
        let headers = secrets.headers("msg_1", at, b"{}").unwrap();
        assert!(!secrets.has_signed(&headers, b"[]", at));
        for name in [ID, TIMESTAMP, SIGNATURE] {
            assert!(!signed(&secrets, |headers| drop(headers.remove(name)), 1_000));
        }
    }

    #[test]
    fn secrets_of_others_are_read_strictly() {
        let made = SigningSecrets::generate(&Random::system()).reveal();
        let read = SigningSecrets::parse(made.reveal()).unwrap();
        assert_eq!(read.reveal().reveal(), made.reveal());
        let short = format!("whsec_{}", STANDARD.encode([1; 23]));
        for text in ["", "whsec_", "whsec_?", &made.reveal()[6..], short.as_str()] {
            assert!(SigningSecrets::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn replaced_secret_signs_for_one_day() {
        let (random, now) = (Random::system(), Time::from_seconds(1_000));
        let mut secrets = SigningSecrets::generate(&random);
        let signatures = |secrets: &SigningSecrets, at: i64| {
            secrets.sign("evt", Time::from_seconds(at), b"{}").split(' ').count()
        };
        let first = secrets.reveal();
        secrets.rotate(&random, now);
        assert_ne!(secrets.reveal().reveal(), first.reveal());
        assert_eq!(signatures(&secrets, 1_000), 2);
        assert_eq!(signatures(&secrets, 1_000 + OVERLAP_SECONDS - 1), 2);
        assert_eq!(signatures(&secrets, 1_000 + OVERLAP_SECONDS), 1);
        for _ in 0..9 {
            secrets.rotate(&random, now);
        }
        assert_eq!(signatures(&secrets, 1_000), MAX_SECRETS);
    }
}
