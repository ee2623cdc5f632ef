//! Signed tokens verify, changed tokens are refused, and no text causes a panic.

use proptest::prelude::*;
use unitpay_token::{
    Claims, ClaimsFault, Environment, Expected, MAX_LIFE_SECONDS, MAX_TOKEN_BYTES, SCOPES,
    SignError, SigningKey, UnverifiedToken, VerifiedClaims, VerifyError, verify,
};

use crate::vectors::{ISSUER, NOW, SEED, unhex};

const EXPECTED: Expected<'static> = Expected { issuer: ISSUER, environment: None };

fn key() -> SigningKey {
    SigningKey::from_seed(&unhex(SEED)).unwrap()
}

fn claims() -> Claims {
    Claims {
        issuer: ISSUER.to_owned(),
        subject: "cus_01kwgt3qt8f689ez1ekre217xw".to_owned(),
        session_id: "ps_01kwgt4c3tfy2rqm6p0dz8h5ab".to_owned(),
        token_id: "ps_01kwgt4c3tfy2rqm6p0dz8h5ab".to_owned(),
        organization_id: "org_01kwgt0hv2e1ms9k4n7xj3qw8t".to_owned(),
        environment: Environment::Live,
        issued_at: NOW - 60,
        expires_at: NOW + 3540,
        scope: "customer:read invoices:read".to_owned(),
    }
}

fn check(token: &str, expected: &Expected<'_>, now: i64) -> Result<VerifiedClaims, VerifyError> {
    let public_key = key().public_key();
    verify(token, |_| Some(public_key), expected, now)
}

#[test]
fn token_matches_the_texts_of_the_contract() {
    let token = key().sign(&claims()).unwrap();
    let first = crate::vectors::text();
    assert!(first.contains(&token), "the hand-made token of the same claims is this one");
    assert_eq!(check(&token, &EXPECTED, NOW).unwrap().claims(), &claims());
    assert_eq!(check(&token, &EXPECTED, NOW).unwrap().into_claims(), claims());
}

#[test]
fn token_expires_in_the_second_of_its_exp() {
    let token = key().sign(&claims()).unwrap();
    assert!(check(&token, &EXPECTED, NOW + 3539).is_ok());
    assert_eq!(check(&token, &EXPECTED, NOW + 3540), Err(VerifyError::Expired));
    assert_eq!(check(&token, &EXPECTED, i64::MAX), Err(VerifyError::Expired));
    // A clock far behind accepts it: only `exp` is a limit.
    assert!(check(&token, &EXPECTED, i64::MIN).is_ok());
}

#[test]
fn token_is_refused_for_another_issuer_or_environment() {
    let token = key().sign(&claims()).unwrap();
    let judge = |issuer, environment, now| {
        check(&token, &Expected { issuer, environment }, now).map(VerifiedClaims::into_claims)
    };
    assert!(judge(ISSUER, Some(Environment::Live), NOW).is_ok());
    let other = Err(VerifyError::BadClaims(ClaimsFault::Environment));
    assert_eq!(judge(ISSUER, Some(Environment::Sandbox), NOW), other);
    // Invalid takes precedence over expired.
    assert_eq!(judge(ISSUER, Some(Environment::Sandbox), NOW + 9999), other);
    let other = Err(VerifyError::BadClaims(ClaimsFault::Issuer));
    assert_eq!(judge("https://billing.example.com/", None, NOW), other);
    assert_eq!(judge("", None, NOW), other);
}

#[test]
fn token_is_refused_when_the_lookup_returns_another_key() {
    let token = key().sign(&claims()).unwrap();
    let other = SigningKey::from_seed(&[7; 32]).unwrap().public_key();
    assert_eq!(verify(&token, |_| None, &EXPECTED, NOW), Err(VerifyError::UnknownKey));
    assert_eq!(verify(&token, |_| Some(other), &EXPECTED, NOW), Err(VerifyError::UnknownKey));
}

#[test]
fn sign_refuses_claims_that_verify_refuses() {
    type Change = fn(&mut Claims);
    let changes: [(Change, ClaimsFault); 14] = [
        (|claims| claims.issuer.clear(), ClaimsFault::Issuer),
        (|claims| claims.issuer.push('"'), ClaimsFault::Issuer),
        (|claims| claims.issuer.push('\\'), ClaimsFault::Issuer),
        (|claims| claims.issuer.push('é'), ClaimsFault::Issuer),
        (|claims| claims.subject.push('0'), ClaimsFault::Subject),
        (|claims| claims.session_id.make_ascii_uppercase(), ClaimsFault::SessionId),
        (|claims| claims.token_id.push_str(".0"), ClaimsFault::TokenId),
        (|claims| claims.organization_id.clear(), ClaimsFault::Organization),
        (|claims| claims.expires_at = claims.issued_at, ClaimsFault::Times),
        (|claims| claims.expires_at = claims.issued_at + 86_401, ClaimsFault::Times),
        (|claims| claims.issued_at = i64::MIN, ClaimsFault::Times),
        (|claims| claims.expires_at = i64::MAX, ClaimsFault::Times),
        (|claims| claims.scope.clear(), ClaimsFault::Scope),
        (|claims| claims.scope.push(' '), ClaimsFault::Scope),
    ];
    for (change, fault) in changes {
        let mut claims = claims();
        change(&mut claims);
        assert_eq!(key().sign(&claims), Err(SignError::BadClaims(fault)), "{claims:?}");
    }
}

#[test]
fn sign_refuses_a_token_over_2048_bytes() {
    let mut claims = claims();
    claims.issuer.push('/');
    let mut longest = 0;
    let too_long = loop {
        claims.issuer.push('x');
        match key().sign(&claims) {
            Ok(token) => longest = token.len(),
            Err(error) => break error,
        }
        let expected = Expected { issuer: &claims.issuer, environment: None };
        assert!(check(&key().sign(&claims).unwrap(), &expected, NOW).is_ok());
    };
    assert_eq!(too_long, SignError::TooLong);
    assert!((MAX_TOKEN_BYTES - 2..=MAX_TOKEN_BYTES).contains(&longest), "{longest}");
}

#[test]
fn unverified_token_returns_session_id_and_digest() {
    let token = key().sign(&claims()).unwrap();
    let unverified = UnverifiedToken::parse(&token).unwrap();
    assert_eq!(unverified.session_id(), Some(claims().session_id));
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
    assert_eq!(unverified.digest(), digest.as_ref());

    // Only the outline of the signature is checked.
    let (signed, _) = token.rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", "A".repeat(86));
    let forged = UnverifiedToken::parse(&forged).unwrap();
    assert_eq!(forged.session_id(), Some(claims().session_id));
    assert_ne!(forged.digest(), unverified.digest());
    for outline in [format!("{signed}.AAAA"), format!("{token}."), format!("{token}=")] {
        assert!(UnverifiedToken::parse(&outline).is_none(), "{outline}");
    }
}

#[test]
fn token_is_refused_when_any_character_is_changed() {
    let token = key().sign(&claims()).unwrap();
    let public_key = key().public_key();
    let refused = |text: &str| verify(text, |_| Some(public_key.clone()), &EXPECTED, NOW).is_err();
    let alphabet = "AZaz09-_.=+/ \0é";
    for at in 0..token.len() {
        let (before, after) = (&token[..at], &token[at + 1..]);
        assert!(refused(&format!("{before}{after}")), "without character {at}");
        // The next letter changes one or two bits, which lenient base64 decoders ignore.
        let next = char::from(token.as_bytes()[at] ^ 1);
        for other in alphabet.chars().chain([next]).filter(|other| !token[at..].starts_with(*other))
        {
            assert!(refused(&format!("{before}{other}{after}")), "{other:?} at {at}");
        }
    }
}

fn type_id(prefix: &'static str) -> impl Strategy<Value = String> {
    "[0-7][0-9a-hjkmnp-tv-z]{25}".prop_map(move |suffix| format!("{prefix}_{suffix}"))
}

prop_compose! {
    fn any_claims()(
        issuer in "https?://[a-z0-9.-]{1,40}(:[0-9]{1,5})?(/[!#-\\[\\]-~]{0,40})?",
        subject in type_id("cus"),
        session_id in type_id("ps"),
        refresh in prop_oneof![Just(0), any::<u32>()],
        organization_id in type_id("org"),
        environment in prop_oneof![Just(Environment::Sandbox), Just(Environment::Live)],
        issued_at in 0..250_000_000_000_i64,
        life in 1..=MAX_LIFE_SECONDS,
        scopes in prop::sample::subsequence(SCOPES.to_vec(), 1..=SCOPES.len()).prop_shuffle(),
    ) -> Claims {
        let token_id = match refresh {
            0 => session_id.clone(),
            refresh => format!("{session_id}.{refresh}"),
        };
        Claims {
            issuer, subject, session_id, token_id, organization_id, environment, issued_at,
            expires_at: issued_at + life,
            scope: scopes.join(" "),
        }
    }
}

#[test]
fn scope_of_an_invoice_is_signed_and_refused_elsewhere() {
    let suffix = "01kwgt3qt8f689ez1ekre217xw";
    let key = SigningKey::from_seed(&[7; 32]).unwrap();
    let with = |scope: &str| Claims {
        issuer: "https://billing.example.com".to_owned(),
        subject: format!("cus_{suffix}"),
        session_id: format!("ps_{suffix}"),
        token_id: format!("ps_{suffix}"),
        organization_id: format!("org_{suffix}"),
        environment: Environment::Live,
        issued_at: 1,
        expires_at: 2,
        scope: scope.to_owned(),
    };
    let claims = with(&format!("invoice:inv_{suffix}"));
    let token = key.sign(&claims).unwrap();
    let expected = Expected { issuer: &claims.issuer, environment: None };
    let verified = verify(&token, |_| Some(key.public_key()), &expected, 1);
    assert_eq!(verified, Err(VerifyError::BadClaims(ClaimsFault::Scope)));
    for scope in [
        "invoice:",
        "invoice:inv_x",
        "invoice:cus_01kwgt3qt8f689ez1ekre217xw",
        "inv_01kwgt3qt8f689ez1ekre217xw",
    ] {
        assert!(key.sign(&with(scope)).is_err(), "{scope}");
    }
    assert!(key.sign(&with(&format!("invoice:inv_{suffix} invoices:read"))).is_err());
}

proptest! {
    #[test]
    fn signed_claims_verify(claims in any_claims(), seed in any::<[u8; 32]>()) {
        let key = SigningKey::from_seed(&seed).unwrap();
        let token = key.sign(&claims).unwrap();
        prop_assert_eq!(&token, &key.sign(&claims).unwrap());
        let expected =
            Expected { issuer: &claims.issuer, environment: Some(claims.environment) };
        let at = |now| verify(&token, |_| Some(key.public_key()), &expected, now);
        prop_assert_eq!(at(claims.issued_at).map(VerifiedClaims::into_claims), Ok(claims.clone()));
        prop_assert!(at(claims.expires_at - 1).is_ok());
        prop_assert_eq!(at(claims.expires_at), Err(VerifyError::Expired));
        let unverified = UnverifiedToken::parse(&token).unwrap();
        prop_assert_eq!(unverified.session_id(), Some(claims.session_id));
    }

    #[test]
    fn random_token_is_refused_when_one_character_is_changed(
        claims in any_claims(),
        at in any::<prop::sample::Index>(),
        other in any::<char>(),
    ) {
        let token = key().sign(&claims).unwrap();
        let at = at.index(token.len());
        prop_assume!(!token[at..].starts_with(other));
        let changed = format!("{}{other}{}", &token[..at], &token[at + 1..]);
        let expected = Expected { issuer: &claims.issuer, environment: None };
        prop_assert!(check(&changed, &expected, claims.issued_at).is_err());
    }

    #[test]
    fn random_text_is_refused_without_panic(text in any::<String>()) {
        prop_assert!(check(&text, &EXPECTED, NOW).is_err());
        if let Some(token) = UnverifiedToken::parse(&text) {
            token.session_id();
            token.digest();
        }
    }

    #[test]
    fn random_text_with_token_outline_is_refused_without_panic(
        text in "[A-Za-z0-9_-]{1,200}\\.[A-Za-z0-9_-]{1,600}\\.[A-Za-z0-9_-]{86}",
    ) {
        prop_assert!(check(&text, &EXPECTED, NOW).is_err());
        UnverifiedToken::parse(&text).unwrap().session_id();
    }
}
