//! Correctly signed payloads that are invalid, and valid ones that have expired.

use super::{CUSTOMER, NOW, OTHER_SESSION, SCOPE, SEED, SESSION, Vector};
use super::{header, members, object, payload, payload_with, payload_with_jti, payload_with_times};
use super::{refuse, sign, signed};

fn bad(name: impl Into<String>, payload: impl AsRef<[u8]>) -> Vector {
    refuse("bad_claims", name, signed(payload))
}

/// The valid payload with one member's value replaced.
fn bad_value(name: &str, member: &str, value: &str) -> Vector {
    let mut members = members();
    members.iter_mut().find(|(name, _)| *name == member).unwrap().1 = value.to_owned();
    bad(format!("{member} {name}"), object(&members))
}

pub(super) fn all() -> Vec<Vector> {
    let mut all = Vec::new();
    for index in 0..members().len() {
        let mut missing = members().to_vec();
        let (name, value) = missing.remove(index);
        all.push(bad(format!("no {name}"), object(&missing)));
        all.push(bad_value("null", name, "null"));
        all.push(bad_value("an array", name, &format!("[{value}]")));
        let mut twice = members().to_vec();
        twice.insert(index, (name, value));
        all.push(bad(format!("{name} twice"), object(&twice)));
    }
    all.extend(addressees());
    all.extend(ids());
    all.extend(times());
    all.extend(scopes());
    all.extend(spellings());
    all.extend(expired());
    all
}

fn addressees() -> Vec<Vector> {
    [
        ("of another server", "iss", r#""https://billing.example.org""#),
        ("with a trailing slash", "iss", r#""https://billing.example.com/""#),
        ("with another scheme", "iss", r#""http://billing.example.com""#),
        ("in capitals", "iss", r#""https://Billing.example.com""#),
        ("with a port", "iss", r#""https://billing.example.com:443""#),
        ("that starts with ours", "iss", r#""https://billing.example.com.attacker.example""#),
        ("empty", "iss", r#""""#),
        ("a number", "iss", "1"),
        ("with escaped slashes", "iss", r#""https:\/\/billing.example.com""#),
        ("with an escaped letter", "iss", r#""https://b\u0069lling.example.com""#),
        ("with a homoglyph", "iss", "\"https://b\u{456}lling.example.com\""),
        ("with U+0000", "iss", r#""https://billing.example.com\u0000""#),
        ("of another service", "aud", r#""unitpay:api""#),
        ("in capitals", "aud", r#""Unitpay:Portal""#),
        ("with a space", "aud", r#""unitpay:portal ""#),
        ("empty", "aud", r#""""#),
        ("an array with another", "aud", r#"["unitpay:portal","other"]"#),
        ("true", "aud", "true"),
        ("unknown", "env", r#""test""#),
        ("in capitals", "env", r#""Live""#),
        ("empty", "env", r#""""#),
        ("both", "env", r#""sandbox live""#),
        ("a number", "env", "1"),
    ]
    .map(|(name, member, value)| bad_value(name, member, value))
    .into()
}

fn ids() -> Vec<Vector> {
    let mut all: Vec<_> = [
        ("an external id", "sub", r#""cus_123""#),
        ("empty", "sub", r#""""#),
        ("an organization's", "sub", r#""org_01kwgt3qt8f689ez1ekre217xw""#),
        ("in capitals", "sub", r#""cus_01KWGT3QT8F689EZ1EKRE217XW""#),
        ("with a letter that is not in the alphabet", "sub", r#""cus_01kwgt3qt8f689ez1ekre217xu""#),
        ("over 128 bits", "sub", r#""cus_81kwgt3qt8f689ez1ekre217xw""#),
        ("too short", "sub", r#""cus_01kwgt3qt8f689ez1ekre217x""#),
        ("too long", "sub", r#""cus_01kwgt3qt8f689ez1ekre217xww""#),
        ("a number", "sub", "1"),
        ("an object", "sub", r#"{"$ne":""}"#),
        ("with U+0000", "sub", r#""cus_01kwgt3qt8f689ez1ekre217xw\u0000""#),
        ("a customer's", "org", r#""cus_01kwgt3qt8f689ez1ekre217xw""#),
        ("empty", "org", r#""""#),
        ("with SQL", "org", r#""org_' OR '1'='1""#),
        ("over 128 bits", "org", r#""org_81kwgt3qt8f689ez1ekre217xw""#),
        ("with a space before", "org", r#"" org_01kwgt0hv2e1ms9k4n7xj3qw8t""#),
        ("empty", "jti", r#""""#),
        ("a number", "jti", "1"),
        ("an UUID", "jti", r#""0197e0f1-5b9a-7a3c-8f00-1d5c3f2a9b10""#),
        ("of another session", "jti", &format!(r#""{OTHER_SESSION}""#)),
        ("of another session's refresh", "jti", &format!(r#""{OTHER_SESSION}.1""#)),
    ]
    .map(|(name, member, value)| bad_value(name, member, value))
    .into();
    for (name, ending) in [
        ("refresh zero", ".0"),
        ("with a leading zero", ".01"),
        ("with no number", "."),
        ("with two numbers", ".1.1"),
        ("over 32 bits", ".4294967296"),
        ("over 64 bits", ".18446744073709551617"),
        ("with a plus sign", ".+1"),
        ("with a minus sign", ".-1"),
        ("with a fraction", ".1e1"),
        ("with a space", ".1 "),
        ("in hexadecimal", ".0x1"),
    ] {
        let payload = payload_with_jti(&format!("{SESSION}{ending}"));
        all.push(bad(format!("jti {name}"), payload));
    }
    // Changes both `sid` and `jti`, so that they agree and only the form of `sid` is wrong.
    for (name, session) in [
        ("empty", String::new()),
        ("a customer's", CUSTOMER.to_owned()),
        ("in capitals", SESSION.to_uppercase()),
        ("too short", SESSION[..28].to_owned()),
        ("over 128 bits", "ps_81kwgt4c3tfy2rqm6p0dz8h5ab".to_owned()),
        ("a refresh's", format!("{SESSION}.1")),
        ("with U+0000 escaped", format!(r"{SESSION}\u0000")),
        ("with U+0000 as it is", format!("{SESSION}\0")),
        ("with a path", "ps_../../01kwgt4c3tfy2rqm6p0d".to_owned()),
        ("with a full-width digit", SESSION.replacen('1', "\u{ff11}", 1)),
        ("with an escaped letter", SESSION.replacen('k', r"\u006b", 1)),
    ] {
        all.push(bad(format!("sid {name}"), payload().replace(SESSION, &session)));
    }
    let second = format!(r#""sid":"{SESSION}","sid":"{OTHER_SESSION}""#);
    all.push(bad("sid twice, different", {
        payload_with(&format!(r#""sid":"{SESSION}""#), &second)
    }));
    all
}

fn times() -> Vec<Vector> {
    let mut all = Vec::new();
    for (member, value) in [("iat", NOW - 60), ("exp", NOW + 3540)] {
        for (name, text) in [
            ("a string", format!("\"{value}\"")),
            ("with a fraction of zero", format!("{value}.0")),
            ("with a fraction", format!("{value}.5")),
            ("with an exponent", format!("{value}e0")),
            ("with a leading zero", format!("0{value}")),
            ("with a plus sign", format!("+{value}")),
            ("negative", format!("-{value}")),
            ("minus zero", "-0".to_owned()),
            ("in milliseconds", format!("{value}000")),
            ("over 64 bits", format!("{value}{value}")),
            ("true", "true".to_owned()),
            ("infinite", "1e400".to_owned()),
            ("not a number", "NaN".to_owned()),
            ("empty", String::new()),
            ("an RFC 3339 time", "\"2027-01-15T08:00:00.000Z\"".to_owned()),
        ] {
            all.push(bad_value(name, member, &text));
        }
    }
    for (name, issued_at, expires_at) in [
        ("exp equal to iat", NOW + 60, NOW + 60),
        ("exp before iat", NOW + 120, NOW + 60),
        ("a life of a day and a second", NOW - 1, NOW + 86_400),
        ("a life of ten years", NOW - 60, NOW + 315_360_000),
        ("exp at the end of 64 bits", NOW - 60, i64::MAX),
        ("both times after the year 9999", 253_402_300_790, 253_402_300_800),
        ("both times over 53 bits", 9_007_199_254_740_993, 9_007_199_254_740_995),
        ("both times before 1970", -120, -60),
        ("iat before 1970 and exp after", -60, 60),
    ] {
        all.push(bad(name, payload_with_times(issued_at, expires_at)));
    }
    all
}

fn scopes() -> Vec<Vector> {
    [
        ("empty", ""),
        ("a space", " "),
        ("with a space before", " customer:read"),
        ("with a space after", "customer:read "),
        ("with two spaces", "customer:read  invoices:read"),
        ("with a comma", "customer:read,invoices:read"),
        ("unknown", "customer:delete"),
        ("with an unknown one", "customer:read admin"),
        ("a backend's", "portal_sessions:write"),
        ("a wildcard", "*"),
        ("with the same twice", "customer:read customer:read"),
        ("in capitals", "Customer:Read"),
        ("with a tab", r"customer:read\tinvoices:read"),
        ("with a tab as it is", "customer:read\tinvoices:read"),
        ("with a no-break space", "customer:read\u{a0}invoices:read"),
        ("with an escape", r"customer\u003aread"),
    ]
    .map(|(name, scope)| bad(format!("scope {name}"), payload_with(SCOPE, scope)))
    .into()
}

/// Valid claims in another spelling, extra claims, and values that are not an object.
fn spellings() -> Vec<Vector> {
    let good = payload();
    let reversed: Vec<_> = members().into_iter().rev().collect();
    let mut sorted = members();
    sorted.sort();
    let mut all = vec![
        bad("claims in reverse order", object(&reversed)),
        bad("claims by name", object(&sorted)),
        bad("spaces between claims", good.replace(",\"", ", \"")),
        bad("spaces after colons", good.replace("\":", "\": ")),
        bad("a space before the payload", format!(" {good}")),
        bad("a line feed after the payload", format!("{good}\n")),
        bad("U+0000 after the payload", format!("{good}\0")),
        bad("a byte order mark before the payload", format!("\u{feff}{good}")),
        bad("an escape in a claim's name", good.replace("sid", r"s\u0069d")),
        bad("a payload in single quotes", good.replace('"', "'")),
        bad("a trailing comma", good.replace('}', ",}")),
        bad("a comment", good.replace('}', "/**/}")),
        bad("two payloads", format!("{good}{good}")),
        bad("a payload in an array", format!("[{good}]")),
        bad("a payload as an array of values", {
            format!("[{}]", members().map(|(_, value)| value).join(","))
        }),
        bad("a payload that is null", "null"),
        bad("a payload that is a number", "1"),
        bad("a payload that is a string", "\"x\""),
        bad("an empty object", "{}"),
        bad("a payload that is cut short", &good[..good.len() - 1]),
        bad("a payload that is no JSON", "customer=1"),
        bad("a payload that is not UTF-8", [good.as_bytes(), b"\xff\xfe"].concat()),
        bad("an overlong UTF-8 form", {
            [&good.as_bytes()[..good.len() - 2], b"\xc0\xaf\"}"].concat()
        }),
        bad("a payload in UTF-16", {
            good.encode_utf16().take(300).flat_map(u16::to_le_bytes).collect::<Vec<_>>()
        }),
        bad("a payload of deep nesting", "[".repeat(1000)),
        bad("a nested token", signed(&good)),
    ];
    for member in [
        r#""nbf":1"#,
        r#""nbf":4000000000"#,
        r#""azp":"x""#,
        r#""email":"a@example.com""#,
        r#""__proto__":{}"#,
        r#""":"""#,
        r#""SID":"ps_01kwgt4c3tfy2rqm6p0dz8h5ac""#,
    ] {
        all.push(bad(
            format!("one more claim, {member}"),
            good.replace('}', &format!(",{member}}}")),
        ));
        all.push(bad(format!("first, {member}"), good.replace('{', &format!("{{{member},"))));
    }
    all
}

fn expired() -> Vec<Vector> {
    let expired = |name: &str, issued_at: i64, expires_at: i64| {
        refuse("expired", name, sign(SEED, header(), payload_with_times(issued_at, expires_at)))
    };
    let wrong = payload_with_times(NOW - 3600, NOW - 1).replace("\"live\"", "\"test\"");
    vec![
        expired("exp equal to now", NOW - 3600, NOW),
        expired("ended a second ago", NOW - 3600, NOW - 1),
        expired("ended a minute ago, within other verifiers' leeway", NOW - 3660, NOW - 60),
        expired("ended yesterday", NOW - 90_000, NOW - 86_400),
        expired("ended in 1970", 0, 1),
        refuse("bad_claims", "expired, and with a bad claim", signed(wrong)),
    ]
}
