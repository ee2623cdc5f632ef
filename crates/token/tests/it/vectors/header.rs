//! Headers that we do not write, each with a valid payload and a matching signature.

use aws_lc_rs::hmac;

use super::{FOREIGN_SEED, SECOND_SEED, SEED, Vector};
use super::{encode, header, header_of, header_with, jwk, kid, parts, payload, public_bytes};
use super::{refuse, sign, signed};

pub(super) fn all() -> Vec<Vector> {
    let mut all = algorithms();
    all.extend(members());
    all.extend(spellings());
    all.extend(keys());
    all
}

fn header_case(name: &str, from: &str, to: &str) -> Vector {
    refuse("malformed", name, sign(SEED, header_with(from, to), payload()))
}

fn algorithms() -> Vec<Vector> {
    let unsigned = |alg: &str| {
        let header = header_with("EdDSA", alg);
        format!("{}.{}.", encode(header), encode(payload()))
    };
    let mut all = vec![
        refuse("malformed", "alg none with no signature", unsigned("none")),
        refuse("malformed", "alg None with no signature", unsigned("None")),
        refuse("malformed", "alg HS256 with the public key's bytes", {
            hs256(&public_bytes(SEED))
        }),
        refuse("malformed", "alg HS256 with the public key's text", {
            hs256(jwk(SEED).x.as_bytes())
        }),
        refuse("malformed", "alg HS256 with the JWK", {
            hs256(serde_json::to_string(&jwk(SEED)).unwrap().as_bytes())
        }),
        refuse("malformed", "alg HS256 with an empty key", hs256(b"")),
    ];
    for alg in ["none", "HS256", "ES256", "RS256", "PS256", "Ed25519", "Ed448", "eddsa", "EDDSA"] {
        all.push(header_case(&format!("alg {alg} over an Ed25519 signature"), "EdDSA", alg));
    }
    for (name, value) in [
        ("alg null", "null"),
        ("alg empty", r#""""#),
        ("alg an array", r#"["EdDSA"]"#),
        ("alg with U+0000", r#""EdDSA\u0000""#),
        ("alg a COSE number", "-8"),
    ] {
        all.push(header_case(name, r#""EdDSA""#, value));
    }
    all
}

fn hs256(key: &[u8]) -> String {
    let signed = format!("{}.{}", encode(header_with("EdDSA", "HS256")), encode(payload()));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), signed.as_bytes());
    format!("{signed}.{}", encode(tag))
}

fn members() -> Vec<Vector> {
    let mut all = vec![
        header_case("no alg", r#""alg":"EdDSA","#, ""),
        header_case("no typ", r#""typ":"portal+jwt","#, ""),
        header_case("no kid", &format!(r#","kid":"{}""#, kid(SEED)), ""),
        header_case("typ JWT", "portal+jwt", "JWT"),
        header_case("typ at+jwt", "portal+jwt", "at+jwt"),
        header_case("typ in capitals", "portal+jwt", "Portal+JWT"),
        header_case("typ as a full media type", "portal+jwt", "application/portal+jwt"),
        header_case("typ empty", "portal+jwt", ""),
        header_case("typ null", r#""portal+jwt""#, "null"),
    ];
    let ours = serde_json::to_string(&jwk(FOREIGN_SEED)).unwrap();
    for (name, member) in [
        ("crit empty", r#""crit":[]"#),
        ("crit of a claim", r#""crit":["exp"]"#),
        ("crit of an unknown extension", r#""crit":["x"],"x":1"#),
        ("b64 false", r#""b64":false"#),
        ("b64 false and crit", r#""b64":false,"crit":["b64"]"#),
        ("b64 true", r#""b64":true"#),
        ("jku", r#""jku":"https://attacker.example/jwks.json""#),
        ("x5u", r#""x5u":"https://attacker.example/cert.pem""#),
        ("x5c", r#""x5c":["MIIB"]"#),
        ("x5t", r#""x5t":"AAAAAAAAAAAAAAAAAAAAAAAAAAA""#),
        ("cty", r#""cty":"JWT""#),
        ("zip", r#""zip":"DEF""#),
        ("an unknown header member", r#""x":1"#),
        ("a claim in the header", r#""iss":"https://billing.example.com""#),
        ("the same alg twice", r#""alg":"EdDSA""#),
        ("a second alg none", r#""alg":"none""#),
        ("a second kid", r#""kid":"other""#),
        ("__proto__ in the header", r#""__proto__":{}"#),
    ] {
        all.push(header_case(name, r#""}"#, &format!(r#"",{member}}}"#)));
    }
    let embedded = header_with("\"}", &format!("\",\"jwk\":{ours}}}"));
    all.push(refuse("malformed", "jwk with its own key", sign(FOREIGN_SEED, embedded, payload())));
    all.push(refuse("malformed", "a nested token, said in cty", {
        sign(SEED, header_with("\"}", "\",\"cty\":\"JWT\"}"), signed(payload()))
    }));
    all
}

/// Valid members in another spelling, and values that are not an object.
fn spellings() -> Vec<Vector> {
    let good = header();
    let kid = kid(SEED);
    let reordered = format!(r#"{{"typ":"portal+jwt","alg":"EdDSA","kid":"{kid}"}}"#);
    let headers: Vec<(&str, Vec<u8>)> = vec![
        ("header members in another order", reordered.into()),
        ("a space in the header", good.replace(',', ", ").into()),
        ("a space before the header", format!(" {good}").into()),
        ("a line feed after the header", format!("{good}\n").into()),
        ("U+0000 after the header", format!("{good}\0").into()),
        ("a byte order mark before the header", format!("\u{feff}{good}").into()),
        ("an escape in a header's name", good.replace("alg", r"\u0061lg").into()),
        ("an escape in a header's value", good.replace("EdDSA", r"\u0045dDSA").into()),
        ("a header in single quotes", good.replace('"', "'").into()),
        ("a trailing comma in the header", good.replace('}', ",}").into()),
        ("a comment in the header", good.replace('}', "/**/}").into()),
        ("two headers", format!("{good}{good}").into()),
        ("a header in an array", format!("[{good}]").into()),
        ("a header as an array of values", { format!(r#"["EdDSA","portal+jwt","{kid}"]"#).into() }),
        ("a header that is null", "null".into()),
        ("a header that is a number", "1".into()),
        ("a header that is a string", r#""EdDSA""#.into()),
        ("an empty object for a header", "{}".into()),
        ("a header that is cut short", good[..good.len() - 1].into()),
        ("a header that is not UTF-8", [good.as_bytes(), b"\xff\xfe"].concat()),
        ("a header in UTF-16", good.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("a header of deep nesting", "[".repeat(500).into()),
    ];
    let token = |header: Vec<u8>| sign(SEED, header, payload());
    headers.into_iter().map(|(name, header)| refuse("malformed", name, token(header))).collect()
}

fn keys() -> Vec<Vector> {
    let ours = kid(SEED);
    let quoted = format!(r#""{ours}""#);
    let mut all: Vec<Vector> = [
        ("kid null", "null".to_owned()),
        ("kid a number", "1".to_owned()),
        ("kid an array", format!("[{quoted}]")),
        ("kid empty", r#""""#.to_owned()),
        ("kid a word", r#""key-1""#.to_owned()),
        ("kid a path", r#""../../../../../../../../../../../etc/passwd___""#.to_owned()),
        ("kid with SQL", r#""' OR '1'='1' UNION SELECT '0000000000000000""#.to_owned()),
        ("kid with U+0000", format!(r#""{ours}\u0000""#)),
        ("kid too short by one", format!(r#""{}""#, &ours[..42])),
        ("kid too long by one", format!(r#""{ours}A""#)),
        ("kid padded", format!(r#""{ours}=""#)),
        ("kid __proto__", r#""__proto__""#.to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| header_case(name, &quoted, &value))
    .collect();

    let unknown = |name: &str, seed: &str, kid: &str| {
        refuse("unknown_key", name, sign(seed, header_with(&ours, kid), payload()))
    };
    all.extend([
        unknown("a key that is not ours", FOREIGN_SEED, &kid(FOREIGN_SEED)),
        unknown("our signature under another kid", SEED, &kid(FOREIGN_SEED)),
        unknown("a kid of 43 letters", SEED, &"A".repeat(43)),
        unknown("a kid named like a part of an object", SEED, &format!("{:_>43}", "constructor")),
        unknown("our kid in lower case", SEED, &ours.to_lowercase()),
        unknown("our kid with a trailing bit", SEED, &format!("{}l", &ours[..42])),
    ]);
    all.push(refuse("bad_signature", "a foreign key under our kid", {
        sign(FOREIGN_SEED, header(), payload())
    }));
    all.push(refuse("bad_signature", "our first key under the second's kid", {
        sign(SEED, header_of(SECOND_SEED), payload())
    }));
    all.push(refuse("bad_signature", "a header changed to the second key's", {
        let token = signed(payload());
        let [_, body, signature] = parts(&token);
        format!("{}.{body}.{signature}", encode(header_of(SECOND_SEED)))
    }));
    all
}
