//! Signing keys: rotation fails no request, revocation ends sessions.
