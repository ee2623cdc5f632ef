//! The token crate's tests, in one binary.

#![allow(clippy::unwrap_used, unreachable_pub)]

mod keys;
mod round_trip;
mod tokens;
mod vectors;
mod wycheproof;
