//! Subscriptions: start, change, renewal, dunning, end, and the resulting bills.

mod cancel;
mod change;
mod create;
mod dunning;
mod first_card;
mod grace;
mod owing;
mod prepaid;
mod proration;
mod rating;
mod renewal;
mod restart;
mod segments;
mod tax;
