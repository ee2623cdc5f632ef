//! Signatures of webhook messages, as the Standard Webhooks specification defines them.
//!
//! A secret is `whsec_` and 32 random bytes in base64. The signature is HMAC-SHA-256 over
//! `<id>.<timestamp>.<body>`, written as `v1,<base64>`. While a secret is being rotated, the header
//! contains one signature per secret, separated by spaces.

use crate::base::{Random, Secret, Time};
use crate::signing::{Seal, SealError};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::fmt;

const PREFIX: &str = "whsec_";
/// A replaced secret stays valid for this time.
const OVERLAP_SECONDS: i64 = 86_400;
/// Rotations within one day drop the oldest secret beyond this number.
const MAX_SECRETS: usize = 4;

/// The purpose for which the key that seals secrets is derived.
pub const SEALED_FOR: &[u8] = b"unitpay webhook endpoints";

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
        // Our own text decodes; any other signs with no key, and no receiver accepts that.
        let key = STANDARD.decode(&self.key).unwrap_or_default();
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key));
        context.update(id.as_bytes());
        context.update(format!(".{timestamp}.").as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
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
