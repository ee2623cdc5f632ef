//! UnitPay: a self-hosted customer billing portal.
//!
//! The path of a request: `routes` → an extractor of `auth` → a handler in a slice's `http` → a
//! rule in the slice's `mod` → its `sql` → `db`.

pub mod app;
pub mod auth;
pub mod base;
pub mod cli;
pub mod clock_guard;
pub mod config;
pub mod db;
pub mod http;
pub mod idempotency;
pub mod jobs;
pub mod limits;
pub mod log;
pub mod routes;
pub mod signing;

pub mod audit;
pub mod branding;
pub mod catalog;
pub mod credits;
pub mod customers;
pub mod entitlements;
pub mod events;
pub mod flows;
pub mod invoices;
pub mod keys;
pub mod organizations;
pub mod outbound;
pub mod payments;
pub mod portal;
pub mod settlement;
pub mod subscriptions;
pub mod test_clock;
pub mod usage;
pub mod webhooks;
pub mod work;
