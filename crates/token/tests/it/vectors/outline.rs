//! Texts that are not a compact JWS or not canonically encoded: `malformed` before any parsing.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use super::{SEED, payload_with};
use super::{Vector, encode, header, parts, payload, refuse, signature_of, signed};

pub(super) fn all() -> Vec<Vector> {
    let malformed = |name: &str, token: String| refuse("malformed", name, token);
    let good = signed(payload());
    let [head, body, signature] = parts(&good);
    let mut all = vec![
        malformed("empty", String::new()),
        malformed("one dot", ".".to_owned()),
        malformed("two dots", "..".to_owned()),
        malformed("three dots", "...".to_owned()),
        malformed("one part", head.to_owned()),
        malformed("two parts", format!("{head}.{body}")),
        malformed("no signature", format!("{head}.{body}.")),
        malformed("no payload", format!("{head}..{signature}")),
        malformed("no header", format!(".{body}.{signature}")),
        malformed("four parts", format!("{good}.{signature}")),
        malformed("a trailing dot", format!("{good}.")),
        malformed("a leading dot", format!(".{good}")),
        malformed("five parts, as a JWE has", format!("{head}.{body}.{body}.{body}.{signature}")),
        malformed("two tokens, with a comma", format!("{good},{good}")),
        malformed("a space before", format!(" {good}")),
        malformed("a space after", format!("{good} ")),
        malformed("a line feed after", format!("{good}\n")),
        malformed("CRLF after", format!("{good}\r\n")),
        malformed("a tab in the payload", format!("{head}.\t{body}.{signature}")),
        malformed("a line feed in the signature", format!("{head}.{body}.\n{signature}")),
        malformed("U+0000 after", format!("{good}\0")),
        malformed("U+0000 before", format!("\0{good}")),
        malformed("U+0000 in the middle", format!("{head}.\0{body}.{signature}")),
        malformed("the Bearer prefix", format!("Bearer {good}")),
        malformed("in quotes", format!("\"{good}\"")),
        malformed("percent-encoded dots", good.replace('.', "%2E")),
        malformed("in lower case", good.to_lowercase()),
        malformed("a byte order mark before", format!("\u{feff}{good}")),
        malformed("a zero-width space in it", format!("{head}.\u{200b}{body}.{signature}")),
        malformed("a right-to-left mark after", format!("{good}\u{200f}")),
        malformed("a full-width dot", format!("{head}\u{ff0e}{body}.{signature}")),
        malformed("a Cyrillic homoglyph", good.replacen('e', "\u{435}", 1)),
        malformed("a full-width letter", good.replacen('e', "\u{ff45}", 1)),
        malformed("a combining accent after", format!("{good}\u{301}")),
        malformed("an emoji for a signature", format!("{head}.{body}.\u{1f511}")),
        malformed("another kind of text", "upay_sk_01kwgt3qt8f689ez1ekre217xw".to_owned()),
        malformed("2049 letters", "A".repeat(2049)),
        malformed("4096 dots", ".".repeat(4096)),
        malformed("longer than 2048 bytes, well signed", {
            signed(payload_with("invoices:read", &"invoices:read ".repeat(100)))
        }),
        malformed("JWS JSON serialisation, flattened", {
            format!(r#"{{"payload":"{body}","protected":"{head}","signature":"{signature}"}}"#)
        }),
        malformed("JWS JSON serialisation, general", {
            let entry = format!(r#"{{"protected":"{head}","signature":"{signature}"}}"#);
            format!(r#"{{"payload":"{body}","signatures":[{entry}]}}"#)
        }),
    ];
    all.extend(encodings());
    all.extend(signature_lengths());
    all
}

/// Non-canonical base64 encodings of the same bytes.
fn encodings() -> Vec<Vector> {
    let malformed = |name: &str, token: String| refuse("malformed", name, token);
    let good = signed(payload());
    let [head, body, signature] = parts(&good);
    let padded = |part: &str| URL_SAFE.encode(URL_SAFE_NO_PAD.decode(part).unwrap());
    // These replacements cover all payload lengths modulo three, so that the encoding has no, two
    // or four trailing bits.
    let bodies = ["https://a", "https://ab", "https://abc"]
        .map(|issuer| signed(payload_with("https://billing.example.com", issuer)));
    let loose_body = bodies.iter().find_map(|token| {
        let [_, body, _] = parts(token);
        with_trailing_bit(body).map(|loose| token.replace(body, &loose))
    });
    // A signature whose standard base64 differs from base64url.
    let standard = (0..)
        .map(|n| payload_with("1799999940", &(1_799_999_940 - n).to_string()))
        .map(signed)
        .find_map(|token| {
            let [_, _, signature] = parts(&token);
            let other = STANDARD_NO_PAD.encode(URL_SAFE_NO_PAD.decode(signature).unwrap());
            (other != signature).then(|| token.replace(signature, &other))
        });
    vec![
        malformed("a padded header", format!("{}.{body}.{signature}", padded(head))),
        malformed("a padded signature", format!("{head}.{body}.{}", padded(signature))),
        malformed("padding on every part", {
            format!("{}.{}.{}", padded(head), padded(body), padded(signature))
        }),
        malformed("padding too long", format!("{head}==.{body}.{signature}")),
        malformed("trailing bits in the header", {
            format!("{}.{body}.{signature}", with_trailing_bit(head).unwrap())
        }),
        malformed("trailing bits in the payload", loose_body.unwrap()),
        malformed("trailing bits in the signature", {
            format!("{head}.{body}.{}", with_trailing_bit(signature).unwrap())
        }),
        malformed("the standard base64 alphabet", standard.unwrap()),
        malformed("a part of impossible length", format!("{head}.A.{signature}")),
        malformed("the header not encoded", format!("{}.{body}.{signature}", header())),
        malformed("the payload not encoded", format!("{head}.{}.{signature}", payload())),
        malformed("in hexadecimal", {
            let hex = |part| {
                let bytes = URL_SAFE_NO_PAD.decode(part).unwrap();
                bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
            };
            format!("{}.{}.{}", hex(head), hex(body), hex(signature))
        }),
    ]
}

fn signature_lengths() -> Vec<Vector> {
    let good = signed(payload());
    let signed = good.rsplit_once('.').unwrap().0;
    let signature = signature_of(SEED, signed);
    let with = |bytes: &[u8]| format!("{signed}.{}", encode(bytes));
    let doubled = [signature.as_slice(), &signature].concat();
    vec![
        refuse("malformed", "a signature of 63 bytes", with(&signature[..63])),
        refuse("malformed", "a signature of 65 bytes", with(&[&signature[..], &[0]].concat())),
        refuse("malformed", "a signature of one byte", with(&signature[..1])),
        refuse("malformed", "the signature twice", with(&doubled)),
        refuse("malformed", "half a signature", with(&signature[..32])),
    ]
}

/// The same bytes with a trailing bit set, if there is one.
fn with_trailing_bit(part: &str) -> Option<String> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    if part.len().is_multiple_of(4) {
        return None;
    }
    let (start, last) = part.split_at(part.len() - 1);
    let value = ALPHABET.iter().position(|byte| *byte == last.as_bytes()[0])?;
    Some(format!("{start}{}", ALPHABET[value | 1] as char))
}
