//! Wycheproof's JWS vectors: none is accepted as a portal token, even when signed with our key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use unitpay_token::{Expected, SigningKey, UnverifiedToken, VerifyError, verify};
use wycheproof_ng_kdf_jose::json_web::{TestName, TestSet};

use aws_lc_rs::signature::Ed25519KeyPair;

const SEED: [u8; 32] = [7; 32];

#[test]
fn other_jws_is_refused_even_when_signed_with_our_key() {
    let key = SigningKey::from_seed(&SEED).unwrap();
    let pair = Ed25519KeyPair::from_seed_unchecked(&SEED).unwrap();
    let expected = Expected { issuer: "https://billing.example.com", environment: None };
    let judge = |text: &str| verify(text, |_| Some(key.public_key()), &expected, 0);
    let set = TestSet::load(TestName::JsonWebSignature).unwrap();
    let mut count = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let Some(text) = test.jws.as_ref().and_then(|jws| jws.as_str()) else { continue };
        assert_eq!(judge(text), Err(VerifyError::Malformed), "{}: {text}", test.tc_id);
        let Some((signed, _)) = text.rsplit_once('.') else { continue };
        let signature = URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes()));
        let ours = format!("{signed}.{signature}");
        assert_eq!(judge(&ours), Err(VerifyError::Malformed), "{}: {ours}", test.tc_id);
        assert_eq!(UnverifiedToken::parse(&ours).and_then(|token| token.session_id()), None);
        count += 1;
    }
    assert!(count > 300, "{count} of {}", set.number_of_tests);
}
