//! UnitPay: a self-hosted customer billing portal.
//!
//! The path of a request: `routes` → an extractor of `auth` → a handler in a slice's `http` → a
//! rule in the slice's `mod` → its `sql` → `db`.

pub mod testing;

mod app;
mod auth;
mod base;
mod cli;
mod clock_guard;
mod config;
mod db;
mod http;
mod idempotency;
mod import;
mod jobs;
mod limits;
mod log;
mod routes;
mod signing;

mod audit;
mod billing_settings;
mod branding;
mod catalog;
mod coupons;
mod credits;
mod customers;
mod emails;
mod entitlements;
mod events;
mod export;
mod flows;
mod invoices;
mod keys;
mod logins;
mod organizations;
mod outbound;
mod payments;
mod portal;
mod settlement;
mod smtp;
mod subscriptions;
mod test_clock;
mod usage;
mod webhooks;
mod work;

pub use cli::main;
