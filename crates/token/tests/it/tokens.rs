//! Runs `testdata/tokens.json`, which the TypeScript verifier runs as well.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use unitpay_token::{AUDIENCE, Expected, PublicKey, verify};

use crate::vectors::{self, File};

const COMMITTED: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/tokens.json"));

#[test]
fn committed_file_matches_the_output_of_the_example() {
    assert!(
        COMMITTED == vectors::text(),
        "run `cargo run -p unitpay-token --example tokens` and commit testdata/tokens.json"
    );
}

#[test]
fn every_token_gets_the_verdict_in_the_file() {
    let file: File = serde_json::from_str(COMMITTED).unwrap();
    assert_eq!(file.audience, AUDIENCE);
    let expected = Expected { issuer: &file.issuer, environment: None };
    let key_for = |kid: &str| {
        let jwk = file.jwks.keys.iter().find(|jwk| jwk.kid == kid)?;
        PublicKey::from_bytes(&URL_SAFE_NO_PAD.decode(&jwk.x).unwrap()).ok()
    };
    let mut wrong = Vec::new();
    for vector in &file.tokens {
        let answer = verify(&vector.token, key_for, &expected, file.now);
        let reason = answer.as_ref().err().map(|error| error.as_str());
        assert_eq!(vector.accept, vector.reason.is_none(), "{}", vector.name);
        if reason != vector.reason.as_deref() {
            wrong.push(format!("{}: {reason:?}, not {:?}", vector.name, vector.reason));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn file_covers_every_reason_without_duplicates() {
    let file: File = serde_json::from_str(COMMITTED).unwrap();
    let names: HashSet<_> = file.tokens.iter().map(|vector| &vector.name).collect();
    let tokens: HashSet<_> = file.tokens.iter().map(|vector| &vector.token).collect();
    assert_eq!(names.len(), file.tokens.len());
    assert_eq!(tokens.len(), file.tokens.len());
    for reason in ["malformed", "unknown_key", "bad_signature", "bad_claims", "expired"] {
        let count =
            file.tokens.iter().filter(|vector| vector.reason.as_deref() == Some(reason)).count();
        assert!(count >= 5, "{count} tokens are {reason}");
    }
}
