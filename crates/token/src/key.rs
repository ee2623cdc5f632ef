//! Ed25519 keys: reading, naming and publishing them.
//!
//! A key is named by its RFC 7638 thumbprint, so its `kid` is derived and never chosen. This module
//! generates no random bytes and stores nothing: the server generates and seals the seed. Used by
//! the server's signing-key code, and by `verify` for public keys.

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Value, json};

use crate::error::KeyError;
use crate::form::write_header;

const KEY_BYTES: usize = 32;

/// A private key that signs portal tokens. `Debug` prints the `kid` only.
pub struct SigningKey {
    public_key: PublicKey,
    key_pair: Ed25519KeyPair,
    /// The same for every token of this key, so it is encoded once.
    encoded_header: String,
}

impl SigningKey {
    /// Creates the key from an RFC 8032 private seed.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, KeyError> {
        let key_pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyError::BadBytes)?;
        let public_key = PublicKey::from_bytes(key_pair.public_key().as_ref())?;
        let encoded_header = URL_SAFE_NO_PAD.encode(write_header(public_key.kid()));
        Ok(Self { public_key, key_pair, encoded_header })
    }

    /// Reads the key, and its seed for sealing, from a private JWK (RFC 7517, RFC 8037 section 2).
    ///
    /// The JWK holds `kty`, `crv`, `d` and `x`; it may hold `alg` (`EdDSA` or `Ed25519`), `use`
    /// (`sig`) and `kid`. Anything else is refused. A `kid` in the JWK is ignored, because the key
    /// is named by its thumbprint.
    pub fn from_jwk(json: &str) -> Result<(Self, [u8; 32]), KeyError> {
        let Members(jwk) = serde_json::from_str(json).map_err(|_| KeyError::NotAJwk)?;
        let member = |name: &str| jwk.get(name).map(String::as_str);
        let allowed = ["kty", "crv", "d", "x", "alg", "use", "kid"];
        // Checks the kind first, so that an RSA key is reported as such and not for its extra
        // members.
        if member("kty") != Some("OKP") || member("crv") != Some("Ed25519") {
            return Err(KeyError::WrongKind);
        }
        if !jwk.keys().all(|name| allowed.contains(&name.as_str())) {
            return Err(KeyError::NotAJwk);
        }
        if !matches!(member("alg"), None | Some("EdDSA" | "Ed25519"))
            || !matches!(member("use"), None | Some("sig"))
        {
            return Err(KeyError::WrongKind);
        }
        // A JWK without `d` is a public key.
        let seed = decode_32(member("d").ok_or(KeyError::WrongKind)?)?;
        let public = decode_32(member("x").ok_or(KeyError::NotAJwk)?)?;
        let key = Self::from_seed(&seed)?;
        if key.public_key.bytes() != &public {
            return Err(KeyError::Mismatch);
        }
        Ok((key, seed))
    }

    /// Returns the RFC 7638 SHA-256 thumbprint in base64url.
    pub fn kid(&self) -> &str {
        self.public_key.kid()
    }

    pub fn public_key(&self) -> PublicKey {
        self.public_key.clone()
    }

    pub(crate) fn encoded_header(&self) -> &str {
        &self.encoded_header
    }

    pub(crate) fn key_pair(&self) -> &Ed25519KeyPair {
        &self.key_pair
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid()).finish_non_exhaustive()
    }
}

/// The public half of a [`SigningKey`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    kid: String,
    bytes: [u8; KEY_BYTES],
}

impl PublicKey {
    /// Reads the key from an encoded point (RFC 8032 section 5.1.2).
    ///
    /// Refuses non-canonical encodings and points of small order. No honest key has them, and
    /// signatures for them can be forged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes: [u8; KEY_BYTES] = bytes.try_into().map_err(|_| KeyError::BadBytes)?;
        if !is_canonical(&bytes) || has_small_order(&bytes) {
            return Err(KeyError::BadBytes);
        }
        Ok(Self { kid: thumbprint(&bytes), bytes })
    }

    /// Returns the RFC 7638 SHA-256 thumbprint in base64url.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    pub fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// Returns the key as published in the JWKS.
    pub fn to_jwk(&self) -> Value {
        json!({
            "kty": "OKP",
            "crv": "Ed25519",
            "alg": "EdDSA",
            "use": "sig",
            "kid": self.kid,
            "x": URL_SAFE_NO_PAD.encode(self.bytes),
        })
    }
}

/// RFC 7638 section 3: only the required members, sorted by name, without white space.
fn thumbprint(bytes: &[u8; KEY_BYTES]) -> String {
    let x = URL_SAFE_NO_PAD.encode(bytes);
    let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(digest(&SHA256, jwk.as_bytes()))
}

fn decode_32(text: &str) -> Result<[u8; KEY_BYTES], KeyError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyError::BadBytes)?;
    bytes.try_into().map_err(|_| KeyError::BadBytes)
}

/// Returns the y coordinate, little endian: the encoding without the sign of x.
fn y_coordinate(bytes: &[u8; KEY_BYTES]) -> [u8; KEY_BYTES] {
    let mut y = *bytes;
    y[31] &= 0x7f;
    y
}

/// Whether y is less than the field's prime, 2^255 - 19.
fn is_canonical(bytes: &[u8; KEY_BYTES]) -> bool {
    let y = y_coordinate(bytes);
    let is_above = y[0] >= 0xed && y[1..31].iter().all(|byte| *byte == 0xff) && y[31] == 0x7f;
    !is_above
}

/// Whether the point is one of the eight points of small order. With either sign of x, they have
/// five distinct y coordinates: 0, 1, -1 and the two of order 8.
fn has_small_order(bytes: &[u8; KEY_BYTES]) -> bool {
    const ORDER_8: [[u8; KEY_BYTES]; 2] = [
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef,
            0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88,
            0x6d, 0x53, 0xfc, 0x05,
        ],
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10,
            0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77,
            0x92, 0xac, 0x03, 0x7a,
        ],
    ];
    let y = y_coordinate(bytes);
    let is_minus_one = y[0] == 0xec && y[1..31].iter().all(|byte| *byte == 0xff) && y[31] == 0x7f;
    let is_zero_or_one = y[0] <= 1 && y[1..].iter().all(|byte| *byte == 0);
    is_zero_or_one || is_minus_one || ORDER_8.contains(&y)
}

/// A JSON object of strings with unique names. A derived struct would also accept an array, and
/// `null` for a missing member.
struct Members(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, value)) = map.next_entry()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("a name stands twice"));
            }
        }
        Ok(Members(members))
    }
}
