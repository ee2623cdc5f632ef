//! Flows: what takes several slices to do. Each runs in one transaction, or in steps around a call
//! to a payment processor.
//!
//! `create` (`prepaid`), `change` (`quote`), `discount`, `cancel`, `pay` and `top_up` are what callers ask for; `renewal` and
//! `dunning` what time brings; `settle` carries out a charge, `apply` and `settled` what its result
//! brings about, `events` and `receive` what processors report, `disputes` and `refunds` what becomes of a charge
//! afterwards. `due` finds what is due and runs it, `announce` says what is ahead, `advance`
//! moves the test clock.

pub mod advance;
pub mod announce;
pub mod apply;
pub mod archive;
pub mod balance;
pub mod cancel;
pub mod change;
pub mod create;
pub mod credit_notes;
pub mod discount;
pub mod disputes;
pub mod due;
pub mod dunning;
pub mod erase;
pub mod events;
pub mod http;
pub mod invoicing;
pub mod lines;
pub mod pay;
pub mod payment_methods;
pub mod prepaid;
pub mod preview;
pub mod quote;
pub mod receive;
pub mod refunds;
pub mod renewal;
pub mod settle;
pub mod settled;
pub mod switch;
pub mod top_up;
pub mod track;

pub use advance::{go_on, go_on_with_all, set_out};
pub use announce::announce_all;
pub use archive::archive_customer;
pub use cancel::{CancelMode, cancel, uncancel};
pub use change::{ChangeRequest, change};
pub use create::{NewSubscription, create};
pub use erase::erase_customer;
pub use events::{
    delete_old as delete_old_events, poll as poll_events, sweep as sweep_events, take as take_event,
};
pub use pay::pay;
pub use prepaid::Prepaid;
pub use preview::{Preview, Upcoming, preview, preview_change, price_renewal, upcoming};
pub use refunds::sweep_refunds;
pub use settle::{charge, record, run, sweep};
pub use top_up::{TopUpOrder, set_auto_top_up, top_up};
pub use track::track_events;
