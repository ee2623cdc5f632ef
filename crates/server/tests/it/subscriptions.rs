//! Subscriptions: how they start, change, renew, are dunned and end, and what each of it bills.

mod cancel;
mod change;
mod create;
mod dunning;
mod grace;
mod owing;
mod proration;
mod rating;
mod renewal;
mod restart;
mod segments;
