//! Usage: events and their aggregates.
//!
//! An event counts once per customer and key, forever. Aggregates are kept in the event's
//! transaction: for each metric in the usage window, for each event name on its day. Rating and
//! charts never read events. An event that a credit feature measures is paid from a wallet at once;
//! every other event is rated. `track` does not enforce limits; `check` answers beforehand.

pub mod http;
mod http_body;
mod judge;
mod limit;
mod meter;
mod sql;
mod track;

pub use meter::{Meter, date, read as read_meter};
pub use sql::{erase, events, period_closed, segment, segment_closed, used, window_continued};
pub use track::{Tracked, track};

use crate::base::money::NotMoney;
use crate::base::{Decimal, EventId, Time};
use crate::customers::CustomerRef;
use crate::db::{FromRow, ToRow};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt;

/// The maximum number of events per request.
pub const MAX_EVENTS: usize = 1000;
const MAX_QUANTITY: i64 = 1_000_000_000;
/// The requirements for a quantity.
const QUANTITY: &str = "must be a decimal from 0 to 1000000000";
/// One millionth, in the trillionths of a [`Decimal`].
const MILLIONTH: i128 = Decimal::ONE / 1_000_000;

/// A well-formed event as sent.
#[derive(Clone, Debug, ToRow)]
pub struct NewUsageEvent {
    #[record(skip)]
    pub customer: CustomerRef,
    #[record(name = "event_name")]
    pub name: String,
    pub quantity: Quantity,
    pub properties: Option<Map<String, Value>>,
    #[record(skip)]
    pub timestamp: Option<Time>,
    /// Unique per customer.
    pub key: String,
    /// The start of a SHA-256 of everything else: tells a replay from another event.
    pub content: [u8; 16],
}

/// An accepted event as it is stored.
#[derive(Clone, Debug, FromRow)]
pub struct UsageEvent {
    pub id: EventId,
    /// Unique per customer.
    pub key: String,
    pub event_name: String,
    /// A decimal.
    pub quantity: String,
    /// A JSON object.
    pub properties: Option<String>,
    pub at: Time,
}

/// The part of a usage window that no invoice has rated: the quantities of a metric from the last
/// change of plan until now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    pub since: Time,
    pub from: Decimal,
    pub to: Decimal,
}

/// A measured quantity in millionths, from 0 to 10⁹ units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity(i64);

/// The reason why an event does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectionReason {
    NoMetric,
    UnknownCustomer,
    NoSubscription,
    Duplicate,
    InsufficientCredits,
    TooLate,
    Invalid,
}

/// A rejected event, by its index in the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    pub index: usize,
    pub reason: RejectionReason,
    /// Which field is wrong, and how.
    pub detail: Option<String>,
}

impl Rejection {
    pub const fn new(index: usize, reason: RejectionReason) -> Self {
        Self { index, reason, detail: None }
    }

    /// An explanation for people.
    pub fn message(self) -> Cow<'static, str> {
        self.detail.map_or(Cow::Borrowed(self.reason.message()), Cow::Owned)
    }
}

impl Quantity {
    pub const ONE: Self = Self(1_000_000);

    /// Reads a decimal, rounded half away from zero to six fraction digits.
    pub fn parse(text: &str) -> Result<Self, NotMoney> {
        let millionths = Decimal::parse_rounded(text, 6)?.units() / MILLIONTH;
        let range = 0..=i128::from(MAX_QUANTITY) * i128::from(Self::ONE.0);
        let fits = range.contains(&millionths);
        i64::try_from(millionths).ok().filter(|_| fits).map(Self).ok_or(NotMoney)
    }

    pub const fn to_decimal(self) -> Decimal {
        Decimal::from_units(self.0 as i128 * MILLIONTH)
    }

    /// Splits the quantity into whole units and millionths.
    const fn parts(self) -> (i64, i64) {
        (self.0 / Self::ONE.0, self.0 % Self::ONE.0)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_decimal().fmt(f)
    }
}

impl RejectionReason {
    pub const ALL: [Self; 7] = [
        Self::NoMetric,
        Self::UnknownCustomer,
        Self::NoSubscription,
        Self::Duplicate,
        Self::InsufficientCredits,
        Self::TooLate,
        Self::Invalid,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoMetric => "rejected_no_metric",
            Self::UnknownCustomer => "rejected_unknown_customer",
            Self::NoSubscription => "rejected_no_subscription",
            Self::Duplicate => "rejected_duplicate",
            Self::InsufficientCredits => "rejected_insufficient_credits",
            Self::TooLate => "rejected_too_late",
            Self::Invalid => "rejected_invalid",
        }
    }

    /// An explanation for people.
    pub const fn message(self) -> &'static str {
        match self {
            Self::NoMetric => "No metric measures events of this name.",
            Self::UnknownCustomer => "There is no such customer, or it is archived.",
            Self::NoSubscription => "The customer has no subscription that measures this event.",
            Self::Duplicate => "Another event of this customer has this idempotencyKey.",
            Self::InsufficientCredits => "The customer does not have enough credits.",
            Self::TooLate => "The event is older than the usage period by more than 7 days.",
            Self::Invalid => "The event is not valid.",
        }
    }
}

/// Properties in their stored form: names sorted, no white space.
fn json(properties: &Map<String, Value>) -> String {
    serde_json::to_string(properties).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantity_is_exact_to_six_digits_and_within_its_bounds() {
        for text in ["0", "1", "0.000001", "999999999.999999", "1000000000"] {
            assert_eq!(Quantity::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Quantity::parse("1e-6").unwrap().to_string(), "0.000001");
        for text in ["-1", "1000000000.000001", "1e10", "", "NaN"] {
            assert_eq!(Quantity::parse(text), Err(NotMoney), "{text}");
        }
        assert_eq!(Quantity::parse("12.5").unwrap().parts(), (12, 500_000));
    }
}
