//! The arithmetic of billing: exact, pure, tested without the server.
//!
//! Nothing here reads a clock, a file or a store. Instants are whole Unix seconds, periods are
//! `[start, end)`. Amounts are `i64` minor units; every quotient is computed in `i128` and rounded
//! once, half away from zero, in [`money::divide`].

pub mod calendar;
pub mod credit;
pub mod discount;
pub mod money;
pub mod proration;
pub mod rating;
pub mod tax;

pub use discount::Off;
pub use money::{Currency, Decimal, MAX_AMOUNT, NotMoney, Overflow};
pub use rating::{Price, Tier};
