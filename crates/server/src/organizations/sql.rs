//! SQL statements for organizations and tenants.

use super::{Environment, Organization, Tenant};
use crate::base::{OrganizationId, Time};
use crate::db::{Cell, Column, DbError, Query, Sql, Tx, query, sql};

const ALL: Query<Organization> =
    query!(Organization, "SELECT {} FROM organizations ORDER BY created_at, id");
const BY_NAME: Query<Organization> =
    query!(Organization, "SELECT {} FROM organizations WHERE name = $1");
const INSERT: Sql = sql("INSERT INTO organizations (id, name, created_at) VALUES ($1, $2, $3) \
     ON CONFLICT (name) DO NOTHING");
const INSERT_TENANT: Sql = sql("INSERT INTO tenants (organization_id, env) VALUES ($1, $2)");
const TENANT: Query<Tenant> =
    query!(Tenant, "SELECT {} FROM tenants WHERE organization_id = $1 AND env = $2");
/// Of the organizations that are not suspended.
const TENANTS: Query<Tenant> = query!(
    Tenant,
    "SELECT {t} FROM tenants t JOIN organizations o ON o.id = t.organization_id \
     WHERE NOT o.suspended ORDER BY t.no"
);
const SUSPEND: Sql = sql("UPDATE organizations SET suspended = $1 WHERE id = $2");

pub async fn all(tx: &mut Tx<'_, '_>) -> Result<Vec<Organization>, DbError> {
    tx.fetch(&ALL, &[]).await
}

pub async fn by_name(tx: &mut Tx<'_, '_>, name: &str) -> Result<Option<Organization>, DbError> {
    tx.fetch_one(&BY_NAME, &[name.into()]).await
}

/// Stores an organization and its two tenants; returns `false` if the name is taken.
pub async fn insert(
    tx: &mut Tx<'_, '_>,
    id: OrganizationId,
    name: &str,
    now: Time,
) -> Result<bool, DbError> {
    if tx.execute(&INSERT, &[id.into(), name.into(), now.into()]).await? == 0 {
        return Ok(false);
    }
    for environment in [Environment::Sandbox, Environment::Live] {
        tx.execute(&INSERT_TENANT, &[id.into(), environment.as_str().into()]).await?;
    }
    Ok(true)
}

pub async fn tenant(
    tx: &mut Tx<'_, '_>,
    organization: OrganizationId,
    environment: Environment,
) -> Result<Option<Tenant>, DbError> {
    tx.fetch_one(&TENANT, &[organization.into(), environment.as_str().into()]).await
}

/// Returns the environments of every organization that is not suspended.
pub async fn tenants(tx: &mut Tx<'_, '_>) -> Result<Vec<Tenant>, DbError> {
    tx.fetch(&TENANTS, &[]).await
}

/// Suspends or resumes an organization; returns `false` if there is none.
pub async fn suspend(
    tx: &mut Tx<'_, '_>,
    organization: OrganizationId,
    suspended: bool,
) -> Result<bool, DbError> {
    Ok(tx.execute(&SUSPEND, &[suspended.into(), organization.into()]).await? == 1)
}

impl Column for Environment {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        if let Cell::Text(text) = cell { Self::parse(text) } else { None }
    }
}
