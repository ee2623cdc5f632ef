//! Feeds random bytes to the token parser: `cargo +nightly fuzz run token_parser` in
//! `crates/token`.
//!
//! The bytes are tried as a whole token and, because the fuzzer cannot forge a signature, as the
//! payload of a signed one. Nothing may panic, and an accepted token must equal the text that
//! signing its claims produces.

#![no_main]

use std::sync::LazyLock;

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use unitpay_token::{Expected, SigningKey, UnverifiedToken, VerifyError, verify};

/// Any seed works; the fuzzer cannot sign.
const SEED: [u8; 32] = [7; 32];

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_seed(&SEED).unwrap());
static KEY_PAIR: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&SEED).unwrap());

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        judge(text);
    }

    let header = format!(r#"{{"alg":"EdDSA","typ":"portal+jwt","kid":"{}"}}"#, KEY.kid());
    let mut token = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(data));
    let signature = URL_SAFE_NO_PAD.encode(KEY_PAIR.sign(token.as_bytes()));
    token.push('.');
    token.push_str(&signature);
    judge(&token);
});

fn judge(text: &str) {
    let unverified = UnverifiedToken::parse(text);
    let session_id = unverified.and_then(|token| {
        token.digest();
        token.session_id()
    });
    let expected = Expected { issuer: "https://billing.example.com", environment: None };
    match verify(text, |_| Some(KEY.public_key()), &expected, 1_800_000_000) {
        Ok(verified) => {
            let claims = verified.claims();
            assert_eq!(KEY.sign(claims).as_deref(), Ok(text));
            assert_eq!(session_id.as_ref(), Some(&claims.session_id));
        }
        // After the signature check, the outline must have been accepted.
        Err(VerifyError::BadClaims(_) | VerifyError::Expired) => assert!(unverified.is_some()),
        Err(VerifyError::Malformed | VerifyError::UnknownKey | VerifyError::BadSignature) => {}
    }
}
