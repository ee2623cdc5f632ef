//! Revocation is exact.
