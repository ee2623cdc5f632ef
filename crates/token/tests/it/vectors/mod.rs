//! Generates `testdata/tokens.json`: accepted and refused tokens, each with its reason.
//!
//! The tokens are assembled by hand, not by the code under test, and signed with published test
//! keys, so the output is deterministic. `cargo run -p unitpay-token --example tokens` writes the
//! file. `tokens.rs` fails if the file has drifted, and verifies every token. The tests of the Node
//! SDK run the same file through their own verifier.

mod claims;
mod header;
mod outline;
mod signature;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use unitpay_token::PublicKey;

pub const ISSUER: &str = "https://billing.example.com";
pub const NOW: i64 = 1_800_000_000;

/// RFC 8037 appendix A.1, which is also RFC 8032 section 7.1, test 1.
pub const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
/// RFC 8032 section 7.1, test 2: the other key in the JWKS.
const SECOND_SEED: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
/// RFC 8032 section 7.1, test 3: a key that is not in the JWKS.
const FOREIGN_SEED: &str = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7";

const CUSTOMER: &str = "cus_01kwgt3qt8f689ez1ekre217xw";
const SESSION: &str = "ps_01kwgt4c3tfy2rqm6p0dz8h5ab";
const OTHER_SESSION: &str = "ps_01kwgt4c3tfy2rqm6p0dz8h5ac";
const ORGANIZATION: &str = "org_01kwgt0hv2e1ms9k4n7xj3qw8t";

#[derive(Serialize, Deserialize)]
pub struct File {
    pub about: Vec<String>,
    pub jwks: Jwks,
    pub issuer: String,
    pub audience: String,
    /// The time, in Unix seconds, at which every token is verified.
    pub now: i64,
    pub tokens: Vec<Vector>,
}

#[derive(Serialize, Deserialize)]
pub struct Jwks {
    pub keys: Vec<Jwk>,
}

#[derive(Serialize, Deserialize)]
pub struct Jwk {
    pub kty: String,
    pub crv: String,
    pub alg: String,
    pub r#use: String,
    pub kid: String,
    pub x: String,
}

#[derive(Serialize, Deserialize)]
pub struct Vector {
    pub name: String,
    pub token: String,
    pub accept: bool,
    pub reason: Option<String>,
}

/// Returns the text of `testdata/tokens.json`.
pub fn text() -> String {
    let about = [
        "Made by `cargo run -p unitpay-token --example tokens`. Run by Rust and TypeScript.",
        "Signed with the keys of RFC 8037 appendix A and RFC 8032 section 7.1: never for use.",
        "Judge each token at `now`, for `issuer` and `audience`, in either environment.",
        "The header and the payload have one spelling: these members, in this order, compact, in \
         printable ASCII with no escape. Any other JSON of the same meaning is refused.",
        "A refused token's reason is the first of these that holds:",
        "malformed: over 2048 bytes, not three parts of canonical base64url, a signature of other \
         than 64 bytes, or a header that is not {\"alg\":\"EdDSA\",\"typ\":\"portal+jwt\",\
         \"kid\":\"<43 base64url characters>\"}",
        "unknown_key: the kid is not in the JWKS",
        "bad_signature: not that key's signature",
        "bad_claims: signed, but the payload is not exactly a portal token's for this issuer",
        "expired: all is well but now >= exp",
    ];
    let tokens = [accepted(), outline::all(), header::all(), signature::all(), claims::all()];
    let file = File {
        about: about.map(str::to_owned).to_vec(),
        jwks: Jwks { keys: vec![jwk(SEED), jwk(SECOND_SEED)] },
        issuer: ISSUER.to_owned(),
        audience: "unitpay:portal".to_owned(),
        now: NOW,
        tokens: tokens.into_iter().flatten().collect(),
    };
    serde_json::to_string_pretty(&file).unwrap() + "\n"
}

fn accepted() -> Vec<Vector> {
    let accept = |name: &str, token: String| Vector {
        name: name.to_owned(),
        token,
        accept: true,
        reason: None,
    };
    let all_scopes = "customer:read customer:write subscriptions:read subscriptions:write \
                      invoices:read invoices:pay payment_methods:read payment_methods:write \
                      credits:read credits:write usage:read";
    let with = |from: &str, to: &str| signed(payload_with(from, to));
    vec![
        accept("a session's first token", signed(payload())),
        accept("signed by the second key of the JWKS", {
            sign(SECOND_SEED, header_of(SECOND_SEED), payload())
        }),
        accept("sandbox", with(r#""live""#, r#""sandbox""#)),
        accept("the first refresh", signed(payload_with_jti(&format!("{SESSION}.1")))),
        accept("the tenth refresh", signed(payload_with_jti(&format!("{SESSION}.10")))),
        accept("the last refresh there can be", {
            signed(payload_with_jti(&format!("{SESSION}.4294967295")))
        }),
        accept("every scope", with(SCOPE, all_scopes)),
        accept("one scope", with(SCOPE, "usage:read")),
        accept("scopes in another order", with(SCOPE, "invoices:read customer:read")),
        accept("the largest TypeIDs", {
            signed(
                payload()
                    .replace(SESSION, "ps_7zzzzzzzzzzzzzzzzzzzzzzzzz")
                    .replace(CUSTOMER, "cus_7zzzzzzzzzzzzzzzzzzzzzzzzz"),
            )
        }),
        accept("the smallest TypeIDs", {
            signed(
                payload()
                    .replace(SESSION, "ps_00000000000000000000000000")
                    .replace(ORGANIZATION, "org_00000000000000000000000000"),
            )
        }),
        accept("a life of one day", signed(payload_with_times(NOW - 1, NOW - 1 + 86_400))),
        accept("a life of one second", signed(payload_with_times(NOW, NOW + 1))),
        accept("its last second", signed(payload_with_times(NOW - 3599, NOW + 1))),
        accept("signed by a clock two seconds ahead", {
            signed(payload_with_times(NOW + 2, NOW + 3602))
        }),
    ]
}

const SCOPE: &str = "customer:read invoices:read";

fn refuse(reason: &str, name: impl Into<String>, token: impl Into<String>) -> Vector {
    Vector {
        name: name.into(),
        token: token.into(),
        accept: false,
        reason: Some(reason.to_owned()),
    }
}

/// The members in order, each with the text of its value.
fn members() -> [(&'static str, String); 10] {
    let quoted = |text: &str| format!("\"{text}\"");
    [
        ("iss", quoted(ISSUER)),
        ("aud", quoted("unitpay:portal")),
        ("sub", quoted(CUSTOMER)),
        ("sid", quoted(SESSION)),
        ("jti", quoted(SESSION)),
        ("org", quoted(ORGANIZATION)),
        ("env", quoted("live")),
        ("iat", (NOW - 60).to_string()),
        ("exp", (NOW + 3540).to_string()),
        ("scope", quoted(SCOPE)),
    ]
}

fn object(members: &[(&str, String)]) -> String {
    let members: Vec<_> =
        members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

/// A valid payload. The others replace a part of it.
fn payload() -> String {
    object(&members())
}

/// The valid payload with one part replaced. Panics if the part is missing.
fn payload_with(from: &str, to: &str) -> String {
    assert!(payload().contains(from), "{from} is not in the payload");
    payload().replacen(from, to, 1)
}

fn payload_with_jti(jti: &str) -> String {
    payload_with(&format!(r#""jti":"{SESSION}""#), &format!(r#""jti":"{jti}""#))
}

fn payload_with_times(issued_at: i64, expires_at: i64) -> String {
    let from = format!(r#""iat":{},"exp":{}"#, NOW - 60, NOW + 3540);
    payload_with(&from, &format!(r#""iat":{issued_at},"exp":{expires_at}"#))
}

fn header_of(seed: &str) -> String {
    format!(r#"{{"alg":"EdDSA","typ":"portal+jwt","kid":"{}"}}"#, kid(seed))
}

fn header() -> String {
    header_of(SEED)
}

fn header_with(from: &str, to: &str) -> String {
    assert!(header().contains(from), "{from} is not in the header");
    header().replacen(from, to, 1)
}

/// Signs a token with the valid header and this payload.
fn signed(payload: impl AsRef<[u8]>) -> String {
    sign(SEED, header(), payload)
}

/// Signs a token with any header and payload.
fn sign(seed: &str, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    let signed = format!("{}.{}", encode(header), encode(payload));
    let signature = encode(signature_of(seed, &signed));
    format!("{signed}.{signature}")
}

fn signature_of(seed: &str, message: impl AsRef<[u8]>) -> Vec<u8> {
    key_pair(seed).sign(message.as_ref()).as_ref().to_vec()
}

fn key_pair(seed: &str) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&unhex(seed)).unwrap()
}

fn public_bytes(seed: &str) -> Vec<u8> {
    key_pair(seed).public_key().as_ref().to_vec()
}

fn kid(seed: &str) -> String {
    PublicKey::from_bytes(&public_bytes(seed)).unwrap().kid().to_owned()
}

fn jwk(seed: &str) -> Jwk {
    Jwk {
        kty: "OKP".to_owned(),
        crv: "Ed25519".to_owned(),
        alg: "EdDSA".to_owned(),
        r#use: "sig".to_owned(),
        kid: kid(seed),
        x: encode(public_bytes(seed)),
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The three parts of a token.
fn parts(token: &str) -> [&str; 3] {
    token.split('.').collect::<Vec<_>>().try_into().unwrap()
}

pub fn unhex(text: &str) -> [u8; 32] {
    let bytes = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16));
    bytes.collect::<Result<Vec<_>, _>>().unwrap().try_into().unwrap()
}
