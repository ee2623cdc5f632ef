//! One integration binary: real servers over real HTTP on real stores.
//!
//! Most tests run twice, on the embedded store and on PostgreSQL, against a server in this process
//! whose clock the test moves. `program` runs the real binary.

// These lints do not recognize test helpers as tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::wildcard_enum_match_arm)]

mod support;

mod announcements;
mod audit;
mod audited;
mod balance;
mod billing_profiles;
mod bodies;
mod branding;
mod catalog;
mod clocks;
mod commands;
mod cors;
mod coupons;
mod crashes;
mod credit_histories;
mod credit_notes;
mod credit_windows;
mod customer_search;
mod customers;
mod disputes;
mod email_texts;
mod emails;
mod entitlements;
mod erasure;
mod events;
mod histories;
mod history;
mod hosted;
mod hosted_links;
mod hosted_page;
mod idempotency;
mod invoice_links;
mod invoices;
mod invoicing;
mod keys;
mod layers;
mod ledger;
mod limits;
mod listener;
mod lists;
mod logins;
mod lookups;
mod metrics;
mod nodes;
mod notices;
mod operations;
mod payment_methods;
mod processors;
mod pyjwt;
mod races;
mod refresh;
mod requests;
mod retention;
mod revoke;
mod sessions;
mod settlement;
mod signing_keys;
mod smtp;
mod stores;
mod stripe;
mod subscriptions;
mod tokens;
mod top_ups;
mod usage;
mod wallets;
mod webhooks;
mod year;
