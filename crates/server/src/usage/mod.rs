//! Usage: events, what they add up to, and what of it a period is charged for.
//!
//! An event counts once for its customer and key, for ever. What it adds is kept in its own
//! transaction: for each metric in the usage period, for each event name on its day. So rating and
//! charts never look at events. An event that a credit feature measures is paid from a wallet at
//! once, every other one is there to be rated. Limits are not enforced here: who asks beforehand is
//! told by `check`.

mod sql;

pub use sql::{period_closed, units, used};
