//! Reading, refusing and printing keys.

use unitpay_token::{KeyError, PublicKey, SigningKey};

use crate::vectors::{SEED, unhex};

/// RFC 8037 appendix A.1 and A.3.
const D: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const THUMBPRINT: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";

fn jwk() -> String {
    format!(r#"{{"kty":"OKP","crv":"Ed25519","d":"{D}","x":"{X}"}}"#)
}

#[test]
fn rfc_8037_key_has_its_published_thumbprint_and_public_key() {
    let (key, seed) = SigningKey::from_jwk(&jwk()).unwrap();
    assert_eq!(seed, unhex(SEED));
    assert_eq!(key.kid(), THUMBPRINT);
    assert_eq!(SigningKey::from_seed(&seed).unwrap().public_key(), key.public_key());
    let published = serde_json::json!({
        "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": THUMBPRINT, "x": X,
    });
    assert_eq!(key.public_key().to_jwk(), published);
    assert_eq!(PublicKey::from_bytes(key.public_key().bytes()), Ok(key.public_key()));
}

#[test]
fn jwk_is_accepted_with_alg_use_and_kid() {
    let with = |member: &str| SigningKey::from_jwk(&jwk().replace('}', &format!(",{member}}}")));
    for member in [
        r#""alg":"EdDSA""#,
        r#""alg":"Ed25519""#,
        r#""use":"sig""#,
        r#""kid":"any name""#,
        r#""alg":"EdDSA","use":"sig","kid":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k""#,
    ] {
        assert_eq!(with(member).unwrap().0.kid(), THUMBPRINT, "{member}");
    }
    for (member, error) in [
        (r#""alg":"ES256""#, KeyError::WrongKind),
        (r#""alg":"none""#, KeyError::WrongKind),
        (r#""use":"enc""#, KeyError::WrongKind),
        (r#""alg":null"#, KeyError::NotAJwk),
        (r#""key_ops":["sign"]"#, KeyError::NotAJwk),
        (r#""x5u":"https://attacker.example""#, KeyError::NotAJwk),
        (r#""kty":"OKP""#, KeyError::NotAJwk),
        (r#""kid":"a","kid":"a""#, KeyError::NotAJwk),
    ] {
        assert_eq!(with(member).unwrap_err(), error, "{member}");
    }
}

#[test]
fn jwk_is_refused_unless_it_is_a_private_ed25519_key() {
    let jwk = jwk();
    let other = "3ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
    let other = SigningKey::from_seed(&unhex(other)).unwrap().public_key().to_jwk();
    let cases = [
        (String::new(), KeyError::NotAJwk),
        ("null".to_owned(), KeyError::NotAJwk),
        ("{}".to_owned(), KeyError::WrongKind),
        (format!("[{jwk}]"), KeyError::NotAJwk),
        (format!(r#"["OKP","Ed25519","{D}","{X}"]"#), KeyError::NotAJwk),
        (format!(r#"{{"keys":[{jwk}]}}"#), KeyError::NotAJwk),
        (format!("{jwk} x"), KeyError::NotAJwk),
        (jwk.replace("OKP", "EC"), KeyError::WrongKind),
        (jwk.replace("OKP", "okp"), KeyError::WrongKind),
        (jwk.replace("Ed25519", "X25519"), KeyError::WrongKind),
        (jwk.replace("Ed25519", "Ed448"), KeyError::WrongKind),
        (r#"{"kty":"RSA","n":"AQAB","e":"AQAB","d":"AQAB"}"#.to_owned(), KeyError::WrongKind),
        (r#"{"kty":"oct","k":"AQAB"}"#.to_owned(), KeyError::WrongKind),
        (format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}"}}"#), KeyError::WrongKind),
        (format!(r#"{{"kty":"OKP","crv":"Ed25519","d":"{D}"}}"#), KeyError::NotAJwk),
        (jwk.replace(D, &format!("{D}=")), KeyError::BadBytes),
        (jwk.replace(D, &D[..42]), KeyError::BadBytes),
        (jwk.replace("xyuf2A", "xyuf2B"), KeyError::BadBytes),
        (jwk.replace("HURo", "HURp"), KeyError::BadBytes),
        (jwk.replace(X, other["x"].as_str().unwrap()), KeyError::Mismatch),
        (jwk.replace(D, X), KeyError::Mismatch),
    ];
    for (json, error) in cases {
        assert_eq!(SigningKey::from_jwk(&json).unwrap_err(), error, "{json}");
    }
}

#[test]
fn signing_key_debug_prints_only_its_kid() {
    let (key, _) = SigningKey::from_jwk(&jwk()).unwrap();
    assert_eq!(format!("{key:?}"), format!(r#"SigningKey {{ kid: "{THUMBPRINT}", .. }}"#));
}

#[test]
fn public_key_is_refused_when_small_order_or_non_canonical() {
    let ff = "ff".repeat(30);
    let zeros = "00".repeat(31);
    for point in [
        // The eight points of small order, and their non-canonical encodings.
        format!("00{zeros}"),
        format!("{}80", "00".repeat(31)),
        format!("01{zeros}"),
        format!("01{}80", "00".repeat(30)),
        format!("ec{ff}7f"),
        format!("ec{ff}ff"),
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05".to_owned(),
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85".to_owned(),
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a".to_owned(),
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa".to_owned(),
        // y equal to and above the prime.
        format!("ed{ff}7f"),
        format!("ed{ff}ff"),
        format!("ee{ff}7f"),
        format!("ff{ff}7f"),
        format!("ff{ff}ff"),
    ] {
        assert_eq!(PublicKey::from_bytes(&unhex(&point)), Err(KeyError::BadBytes), "{point}");
    }
    for bytes in [&[][..], &[7; 31], &[7; 33], &[7; 64]] {
        assert_eq!(PublicKey::from_bytes(bytes), Err(KeyError::BadBytes));
    }
    // The largest canonical y, an ordinary point.
    assert!(PublicKey::from_bytes(&unhex(&format!("eb{ff}7f"))).is_ok());
}
