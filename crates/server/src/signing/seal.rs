//! The master key: seals secrets at rest.
//!
//! AES-256-GCM with a random nonce, bound to the secret's id, so that sealed secrets cannot be swapped.
//! The keys for all uses are derived from the master key, each for its own purpose.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;

pub struct MasterKey([u8; 32]);

/// Seals secrets of one kind, by a key derived from the master key.
pub struct Seal([u8; 32]);

/// The store was sealed with another master key, or the sealed value is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealError;

impl MasterKey {
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Parses 32 bytes in base64url without padding.
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text.trim()).ok()?.try_into().ok().map(Self)
    }

    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// A value that is kept in the store, by which a wrong master key is detected before it does harm.
    pub fn check_value(&self) -> [u8; 32] {
        self.derive(b"unitpay master key check")
    }

    /// Seals a signing key's seed, bound to the key's id.
    pub fn seal(&self, kid: &str, seed: &[u8; 32]) -> Result<Vec<u8>, SealError> {
        self.seal_for(b"unitpay signing keys").seal(kid, seed)
    }

    pub fn open(&self, kid: &str, sealed: &[u8]) -> Result<[u8; 32], SealError> {
        let seed = self.seal_for(b"unitpay signing keys").open(kid, sealed)?;
        seed.try_into().map_err(|_| SealError)
    }

    /// The seal for one kind of secret.
    pub fn seal_for(&self, purpose: &[u8]) -> Seal {
        Seal(self.derive(purpose))
    }

    /// Derives a key for one purpose, from which neither the master key nor other keys can be computed.
    pub fn derive(&self, purpose: &[u8]) -> [u8; 32] {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.0), purpose);
        let mut key = [0; 32];
        key.copy_from_slice(tag.as_ref());
        key
    }
}

impl Seal {
    /// Seals a secret. It opens only with the same `bound_to`, so that sealed secrets cannot be swapped.
    pub fn seal(&self, bound_to: &str, secret: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut sealed = secret.to_vec();
        let nonce = self
            .cipher()?
            .seal_in_place_append_tag(Aad::from(bound_to.as_bytes()), &mut sealed)
            .map_err(|_| SealError)?;
        sealed.extend_from_slice(nonce.as_ref());
        Ok(sealed)
    }

    pub fn open(&self, bound_to: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (boxed, nonce) =
            sealed.split_at_checked(sealed.len().wrapping_sub(NONCE_LEN)).ok_or(SealError)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError)?;
        let mut boxed = boxed.to_vec();
        let secret = self
            .cipher()?
            .open_in_place(nonce, Aad::from(bound_to.as_bytes()), &mut boxed)
            .map_err(|_| SealError)?;
        Ok(secret.to_vec())
    }

    fn cipher(&self) -> Result<RandomizedNonceKey, SealError> {
        RandomizedNonceKey::new(&AES_256_GCM, &self.0).map_err(|_| SealError)
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(…)")
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

impl std::error::Error for SealError {}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the master key is not the one that this store was sealed with")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seals_of_one_purpose_do_not_open_another() {
        let master = MasterKey::new([1; 32]);
        let sealed = master.seal_for(b"one").seal("x", b"any length").unwrap();
        assert_eq!(master.seal_for(b"one").open("x", &sealed).unwrap(), b"any length");
        assert_eq!(master.seal_for(b"one").open("y", &sealed), Err(SealError));
        assert_eq!(master.seal_for(b"two").open("x", &sealed), Err(SealError));
    }

    #[test]
    fn sealed_value_opens_only_with_its_key_and_id() {
        let master = MasterKey::new([1; 32]);
        let sealed = master.seal("kid", &[9; 32]).unwrap();
        assert_eq!(master.open("kid", &sealed), Ok([9; 32]));
        assert_eq!(master.open("other", &sealed), Err(SealError));
        assert_eq!(MasterKey::new([2; 32]).open("kid", &sealed), Err(SealError));
        assert_eq!(master.open("kid", &sealed[1..]), Err(SealError));
        assert_eq!(master.open("kid", &[]), Err(SealError));
        assert_ne!(sealed, master.seal("kid", &[9; 32]).unwrap());
    }

    #[test]
    fn master_key_parses_base64url() {
        let master = MasterKey::new([7; 32]);
        assert_eq!(MasterKey::parse(&master.encode()).unwrap().check_value(), master.check_value());
        assert!(MasterKey::parse("too-short").is_none());
    }
}
