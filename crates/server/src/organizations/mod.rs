//! Organizations and their tenants: each organization has a `sandbox` and a `live` environment.
//!
//! A tenant number stands for organization and environment in every row and statement, so that the
//! two cannot be filtered separately. The operator manages organizations on the command line, not
//! over HTTP.

mod sql;

pub use sql::{all, by_name, insert, suspend, tenant, tenants};

use crate::base::{OrganizationId, Time};
use crate::db::FromRow;
pub use unitpay_token::Environment;

/// The organization of a new store.
pub const DEFAULT_ORGANIZATION: &str = "default";

/// One organization in one environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromRow)]
pub struct Tenant {
    pub no: i64,
    pub organization_id: OrganizationId,
    #[record(name = "env")]
    pub environment: Environment,
}

#[derive(Clone, Debug, FromRow)]
pub struct Organization {
    pub id: OrganizationId,
    pub name: String,
    pub suspended: bool,
    pub created_at: Time,
}
