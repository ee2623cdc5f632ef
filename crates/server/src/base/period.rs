//! Spans of billing time, and the collection methods of invoices.

use super::Time;
use super::words::words;
use serde::{Deserialize, Serialize};

/// The span `[start, end)`, in whole seconds.
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
