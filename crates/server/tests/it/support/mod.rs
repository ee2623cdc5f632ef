//! Shared by the tests: servers, stores, a client.

mod billing;
mod books;
mod client;
mod deaths;
mod place;
mod postgres;
mod program;
mod receiver;
mod server;
mod shop;
mod smtp;
mod subscriptions;

pub use billing::{line, new_invoice};
pub use books::check_books;
pub use client::{Answer, Client, Request, delete, get, patch, post, read_answer};
pub use place::{Place, ok, refused};
pub use postgres::{fresh_database, fresh_database_with, postgres_certificate};
pub use program::Program;
pub use receiver::{Manner, Receiver, deliver_here};
pub use server::{Engine, Folder, Test, claims, nodes_at_once};
pub use shop::{Shop, WalletOf, event, event_with};
pub use smtp::{Mail, SmtpManner, SmtpServer, mail_to};
pub use subscriptions::{flat, lines, monthly, per_unit, summarize, with, yearly};

/// Declares tests that run on both stores.
#[macro_export]
macro_rules! on_both_stores {
    ($($(#[$doc:meta])* async fn $name:ident($test:ident) $body:block)*) => {$(
        $(#[$doc])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn run(engine: $crate::support::Engine) {
                #[allow(unused_mut, unused_variables)]
                let mut $test = $crate::support::Test::start(engine).await;
                $body
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                run($crate::support::Engine::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                run($crate::support::Engine::Postgres).await;
            }
        }
    )*};
}
