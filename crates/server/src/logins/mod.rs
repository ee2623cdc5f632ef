//! Logins: a customer enters the portal by a code that was e-mailed to its address.
//!
//! A request for a code stores the address and looks nothing up, so that its answer, its statements and
//! its time are the same for every address. A job looks the address up and queues the e-mail. The code is
//! not stored: a key of the installation derives it from the login's id. It works in the browser that
//! asked, which has the login's cookie.

mod enter;
pub mod http;
pub mod http_settings;
mod settings;
mod sql;
mod start;

pub use enter::{Entered, Proof, enter};
pub use settings::{LoginPage, LoginSettings, page_url};
pub use sql::{delete_before, erase, settings};
pub use start::{LookedUp, StartError, look_up, start};

use crate::base::Time;
use crate::db::FromRow;
use serde::{Deserialize, Serialize};

/// The life of a code.
pub const CODE_LIVES_SECONDS: i64 = 10 * 60;
/// The wrong and right codes that a login accepts together.
pub const MAX_TRIES: i64 = 5;

/// A request for a code.
#[derive(Clone, Debug, FromRow)]
pub struct Login {
    pub tenant_no: i64,
    pub address_digest: [u8; 32],
    pub candidates: Candidates,
    pub tries: i64,
}

/// The customers that had the address when it was looked up, each as its number and its generation: a
/// later end of its sessions ends the code, too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidates(pub Vec<(i64, i64)>);

/// Returns the instant before which a login that is still valid was not made.
fn valid_since(now: Time) -> Time {
    now.plus_seconds(-CODE_LIVES_SECONDS)
}

/// Returns an address as it is compared: without regard to case.
fn comparable(address: &str) -> String {
    address.to_ascii_lowercase()
}
