//! The format of the ids in a token: TypeIDs, and token ids built from them.
//!
//! Checks the format only, not whether an object with that id exists. Used by the claims check, and
//! by the server for a `jti` in a request.

/// The length of a TypeID's suffix: 128 bits in Crockford's base32.
const SUFFIX_BYTES: usize = 26;

/// Whether `text` is `<prefix>_` and 26 lower-case base32 characters that fit into 128 bits.
pub fn is_type_id(text: &str, prefix: &str) -> bool {
    let suffix = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_'));
    suffix.is_some_and(|suffix| {
        // 26 characters hold 130 bits, so the first one may use only its lower three.
        suffix.len() == SUFFIX_BYTES
            && matches!(suffix.as_bytes()[0], b'0'..=b'7')
            && suffix.bytes().all(is_base32)
    })
}

/// Splits a `jti` into the session id and the refresh count, 0 for the first token.
///
/// `None` if it is neither `<sid>` nor `<sid>.<n>` with `n` a canonical decimal in 1..=u32::MAX.
pub fn parse_token_id(text: &str) -> Option<(&str, u32)> {
    let (session_id, refresh) = match text.split_once('.') {
        None => (text, 0),
        Some((session_id, digits)) => (session_id, canonical_positive(digits)?),
    };
    is_type_id(session_id, "ps").then_some((session_id, refresh))
}

fn canonical_positive(digits: &str) -> Option<u32> {
    // `u32::from_str` also accepts a leading plus sign and leading zeros.
    match digits.bytes().next()? {
        b'1'..=b'9' => digits.parse().ok(),
        _ => None,
    }
}

/// Crockford's alphabet excludes i, l, o and u.
fn is_base32(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'z') && !matches!(byte, b'i' | b'l' | b'o' | b'u')
}

#[cfg(test)]
mod tests {
    use super::*;

    const SID: &str = "ps_01kwgt3qt8f689ez1ekre217xw";

    #[test]
    fn type_id_is_refused_in_any_other_form() {
        assert!(is_type_id(SID, "ps"));
        assert!(is_type_id("ps_7zzzzzzzzzzzzzzzzzzzzzzzzz", "ps"));
        for bad in [
            "",
            "ps_",
            "ps",
            "ps_01kwgt3qt8f689ez1ekre217x",
            "ps_01kwgt3qt8f689ez1ekre217xww",
            "ps_81kwgt3qt8f689ez1ekre217xw",
            "ps_01KWGT3QT8F689EZ1EKRE217XW",
            "ps_01kwgt3qt8f689ez1ekre217xi",
            "ps_01kwgt3qt8f689ez1ekre217xl",
            "ps_01kwgt3qt8f689ez1ekre217xo",
            "ps_01kwgt3qt8f689ez1ekre217xu",
            "ps_01kwgt3qt8f689ez1ekre217é",
            "ps_é1kwgt3qt8f689ez1ekre217x",
            "ps-01kwgt3qt8f689ez1ekre217xw",
            "cus_01kwgt3qt8f689ez1ekre217xw",
            " ps_01kwgt3qt8f689ez1ekre217xw",
            "ps_01kwgt3qt8f689ez1ekre217xw\n",
        ] {
            assert!(!is_type_id(bad, "ps"), "{bad:?}");
        }
    }

    #[test]
    fn token_id_is_refused_when_its_number_is_not_canonical() {
        assert_eq!(parse_token_id(SID), Some((SID, 0)));
        assert_eq!(parse_token_id(&format!("{SID}.1")), Some((SID, 1)));
        assert_eq!(parse_token_id(&format!("{SID}.4294967295")), Some((SID, u32::MAX)));
        for bad in [".", ".0", ".01", ".+1", ".-1", ".1.1", ".4294967296", ".1 ", ".x", ".１"] {
            assert_eq!(parse_token_id(&format!("{SID}{bad}")), None, "{bad:?}");
        }
        assert_eq!(parse_token_id(""), None);
        assert_eq!(parse_token_id(".1"), None);
        assert_eq!(parse_token_id("cus_01kwgt3qt8f689ez1ekre217xw"), None);
    }
}
