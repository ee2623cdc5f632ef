//! The parts of the server that its integration tests and fuzz targets reach. No interface: all
//! other modules are private, so that the compiler sees what nothing uses.

pub mod app {
    pub use crate::app::App;
}

pub mod audit {
    pub use crate::audit::{Action, Actor};
}

pub mod base {
    pub use crate::base::{
        AfterLostDispute, ApiKeyId, Clock, CollectionMethod, Decimal, DisputeStatus, Ids,
        InvoiceId, MAX_AMOUNT, OrganizationId, PaymentAttemptId, Period, Random, ReportedDispute,
        Secret, TaxRate, Time,
    };
}

pub mod billing_settings {
    pub use crate::billing_settings::{BillingSettings, get};
}

pub mod clock_guard {
    pub use crate::clock_guard::accept;
}

pub mod config {
    pub use crate::config::Config;
}

pub mod credits {
    pub use crate::credits::{GrantSource, NewGrant, freeze_all, lock, make, save, write_due};
}

pub mod customers {
    pub use crate::customers::{CustomerRef, get, lock_no};
}

pub mod db {
    pub use crate::db::{
        Db, DbError, Lane, Postgres, PostgresOptions, Sql, Sqlite, Tx, Value, newest_version, sql,
        sql_of_each,
    };
}

pub mod flows {
    pub use crate::flows::{
        charge, pay, poll_events, record, run, sweep, sweep_events, sweep_refunds, track_events,
    };
    pub mod due {
        pub use crate::flows::due::run_all;
    }
}

pub mod http {
    pub use crate::http::{Code, Fields, Problem};
    pub mod leaves {
        pub use crate::http::leaves::Slug;
    }
    pub mod listener {
        pub use crate::http::listener::serve;
    }
    pub mod request {
        pub use crate::http::request::{Surface, around};
    }
}

pub mod import {
    pub use crate::import::{Import, ImportError, Line, Map, Report, pause};
}

pub mod invoices {
    pub use crate::invoices::{
        Invoice, InvoiceReason, InvoiceStatus, Line, LineKind, NewInvoice, create_issued, get,
        price,
    };
}

pub mod jobs {
    pub use crate::jobs::{announce, bill, mail, publish, sweep};
}

pub mod keys {
    pub use crate::keys::{KeyKind, KeyScopes, KeyText, NewApiKey, make, store};
}

pub mod organizations {
    pub use crate::organizations::{Environment, Tenant, insert, suspend, tenant};
}

pub mod outbound {
    pub use crate::outbound::{Outbound, OutboundError, Policy, Target};
}

pub mod payments {
    pub use crate::payments::{
        Card, ChargeOrder, ChargeResult, DeclineReason, Processor, ProcessorError, ProcessorEvent,
        RefundKey, RefundOrder, RefundResult, default_of,
    };
    pub mod processor {
        pub use crate::payments::processor::Holder;
    }
    pub mod remote {
        pub use crate::payments::remote::{ConnectError, Connection, disconnect, step_back};
    }
    pub mod stripe {
        pub use crate::payments::stripe::{ConnectError, Connection, NewCredentials};
        pub mod accounts {
            pub use crate::payments::stripe::accounts::disconnect;
        }
    }
}

pub mod portal {
    pub use crate::portal::{PortalScopes, refresh, verify};
}

pub mod routes {
    pub use crate::routes::{openapi, openapi_json, router};
}

pub mod settlement {
    pub use crate::settlement::{
        Attempt, AttemptStatus, Billed, Effect, FORM_OPEN_FOR_SECONDS, abandon_all_of_customer,
        collect, get,
    };
}

pub mod signing {
    pub use crate::signing::{
        InvoiceLink, MasterKey, SigningError, SigningKeys, SigningSecrets, all,
    };
}

pub mod test_clock {
    pub use crate::test_clock::write_now;
}

pub mod usage {
    pub use crate::usage::{NewUsageEvent, Quantity};
}

pub mod webhooks {
    pub use crate::webhooks::MAX_ENDPOINTS;
    pub mod deliver {
        pub use crate::webhooks::deliver::deliver_due;
    }
}

pub mod work {
    pub use crate::work::{BillingError, Work};
}
