//! Spans of billing time, and how an invoice is collected.

use super::Time;
use super::words::words;
use serde::{Deserialize, Serialize};

/// `[start, end)`, whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    pub start: Time,
    pub end: Time,
}

words! {
    CollectionMethod {
        ChargeAutomatically = "charge_automatically",
        SendInvoice = "send_invoice",
    }
}
