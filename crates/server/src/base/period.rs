//! Spans of billing time, and how an invoice is collected.

use super::Time;
use serde::{Deserialize, Serialize};

/// `[start, end)`, whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    pub start: Time,
    pub end: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CollectionMethod {
    ChargeAutomatically,
    SendInvoice,
}

impl CollectionMethod {
    pub const ALL: [Self; 2] = [Self::ChargeAutomatically, Self::SendInvoice];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChargeAutomatically => "charge_automatically",
            Self::SendInvoice => "send_invoice",
        }
    }
}
