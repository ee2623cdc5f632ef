//! Mint, revoke and refresh at the same time.
