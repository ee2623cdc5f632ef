//! The text of an API key. Every part has a fixed length, so parsing compares lengths.

use crate::base::ApiKeyId;
use crate::base::words::words;
use std::fmt;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The number of base62 digits for 128, 256 and 32 bits.
const ID: usize = 22;
const SECRET: usize = 43;
const CHECKSUM: usize = 6;

/// The length of each kind's prefix.
const PREFIX: usize = 8;

words! {
    /// The kind of an API key.
    KeyKind as ApiKeyKind {
        /// For a backend, which keeps it secret.
        Secret = "secret",
        /// For pages: public, reads the public catalog.
        Publishable = "publishable",
    }
}

impl KeyKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Secret => "upay_sk_",
            Self::Publishable => "upay_pk_",
        }
    }

    /// Returns the kind that a text claims to be, well-formed or not.
    pub fn guess(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| text.starts_with(kind.prefix()))
    }
}

/// A well-formed key. `Debug` prints its id only.
#[derive(Clone)]
pub struct KeyText {
    text: String,
    key_id: ApiKeyId,
}

impl KeyText {
    pub fn make(kind: KeyKind, key_id: ApiKeyId, secret: &[u8; 32]) -> Self {
        let mut text = String::with_capacity(PREFIX + ID + SECRET + CHECKSUM);
        text.push_str(kind.prefix());
        encode(&key_id.to_u128().to_be_bytes(), ID, &mut text);
        encode(secret, SECRET, &mut text);
        let checksum = crc32fast::hash(text.as_bytes());
        encode(&checksum.to_be_bytes(), CHECKSUM, &mut text);
        Self { text, key_id }
    }

    /// Parses a key; `None` if it is malformed or mistyped.
    pub fn parse(text: &str) -> Option<Self> {
        let body = text.strip_prefix(KeyKind::guess(text)?.prefix())?;
        if body.len() != ID + SECRET + CHECKSUM || !body.bytes().all(|b| b.is_ascii_alphanumeric())
        {
            return None;
        }
        let (signed, checksum) = text.split_at(PREFIX + ID + SECRET);
        let mut expected = String::with_capacity(CHECKSUM);
        encode(&crc32fast::hash(signed.as_bytes()).to_be_bytes(), CHECKSUM, &mut expected);
        let key_id = ApiKeyId::from_u128(decode(&body[..ID])?);
        (checksum == expected).then(|| Self { text: text.to_owned(), key_id })
    }

    pub const fn key_id(&self) -> ApiKeyId {
        self.key_id
    }

    pub fn last_four(&self) -> &str {
        &self.text[self.text.len() - 4..]
    }

    /// SHA-256 of the whole key. 256 random bits need no slow hash.
    pub fn digest(&self) -> [u8; 32] {
        let mut digest = [0; 32];
        digest.copy_from_slice(
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.text.as_bytes()).as_ref(),
        );
        digest
    }

    /// The key itself, shown once to its creator.
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyText({})", self.key_id)
    }
}

/// Appends a big-endian number in base62 with leading zeros.
fn encode(number: &[u8], length: usize, text: &mut String) {
    let mut number = number.to_vec();
    let mut digits = vec![b'0'; length];
    for digit in digits.iter_mut().rev() {
        let mut remainder = 0;
        for byte in &mut number {
            let value = remainder * 256 + u32::from(*byte);
            *byte = (value / 62) as u8;
            remainder = value % 62;
        }
        *digit = ALPHABET[remainder as usize];
    }
    text.extend(digits.into_iter().map(char::from));
}

fn decode(digits: &str) -> Option<u128> {
    digits.bytes().try_fold(0u128, |number, digit| {
        let value = ALPHABET.iter().position(|known| *known == digit)?;
        number.checked_mul(62)?.checked_add(value as u128)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(kind: KeyKind) -> KeyText {
        KeyText::make(kind, ApiKeyId::from_u128(u128::MAX - 7), &[0xab; 32])
    }

    fn key() -> KeyText {
        key_of(KeyKind::Secret)
    }

    #[test]
    fn key_round_trips_through_text() {
        for kind in KeyKind::ALL {
            let key = key_of(kind);
            assert_eq!(KeyKind::guess(key.reveal()), Some(kind));
            let read = KeyText::parse(key.reveal()).unwrap();
            assert_eq!(read.key_id(), key.key_id());
            assert_eq!(read.digest(), key.digest());
        }
        // The checksum and the digest cover the prefix.
        let other = key().reveal().replace("upay_sk_", "upay_pk_");
        assert!(KeyText::parse(&other).is_none());
        assert_ne!(key_of(KeyKind::Publishable).digest(), key().digest());
    }

    #[test]
    fn mistyped_key_fails_its_checksum() {
        let text = key().reveal().to_owned();
        for at in PREFIX..text.len() {
            let mut typo = text.clone().into_bytes();
            typo[at] = if typo[at] == b'x' { b'y' } else { b'x' };
            assert!(KeyText::parse(std::str::from_utf8(&typo).unwrap()).is_none());
        }
        assert!(KeyText::parse(&text[..text.len() - 1]).is_none());
        assert!(KeyText::parse("upay_sk_").is_none());
        assert!(KeyText::parse(&format!("upay_sk_{}", "é".repeat(35))).is_none());
    }

    #[test]
    fn key_debug_output_is_redacted() {
        assert!(!format!("{:?}", key()).contains(key().reveal()));
    }
}
