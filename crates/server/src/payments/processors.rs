//! The processors of this installation, and the one that a tenant's payments go to.

use super::processor::Processor;
use super::{Sandbox, remote, sandbox, stripe};
use crate::db::{DbError, Tx};
use crate::organizations::{self, Environment, Tenant};
use std::fmt;
use std::sync::Arc;

/// The processors of this installation; cheap to clone.
#[derive(Clone)]
pub struct Processors {
    sandbox: Arc<Sandbox>,
    stripe: Arc<stripe::Accounts>,
    remote: Arc<remote::Connections>,
}

impl Processors {
    pub fn new(sandbox: Sandbox, stripe: stripe::Accounts, remote: remote::Connections) -> Self {
        Self { sandbox: Arc::new(sandbox), stripe: Arc::new(stripe), remote: Arc::new(remote) }
    }

    /// The processor that a tenant's new charges go to: the one that it has connected last, or else, in a
    /// sandbox environment, the built-in sandbox.
    pub async fn choose(
        &self,
        tx: &mut Tx<'_, '_>,
        tenant: &Tenant,
    ) -> Result<Option<Processor>, DbError> {
        let remote = self.remote.connected(tx, tenant).await?;
        if let Some((remote, true)) = remote {
            return Ok(Some(remote));
        }
        if let Some(stripe) = self.stripe.connected(tx, tenant).await? {
            return Ok(Some(stripe));
        }
        match remote {
            Some((remote, _)) => Ok(Some(remote)),
            None => self.by_name(tx, tenant, sandbox::NAME).await,
        }
    }

    /// The tenant's processor of this name, which has its earlier charges and payment methods.
    pub async fn by_name(
        &self,
        tx: &mut Tx<'_, '_>,
        tenant: &Tenant,
        name: &str,
    ) -> Result<Option<Processor>, DbError> {
        match (name, tenant.environment) {
            (sandbox::NAME, Environment::Sandbox) => {
                Ok(Some(Arc::clone(&self.sandbox) as Processor))
            }
            (stripe::NAME, _) => {
                Ok(self.stripe.connected(tx, tenant).await?.map(|stripe| stripe as Processor))
            }
            (remote::NAME, _) => {
                let found = self.remote.connected(tx, tenant).await?;
                Ok(found.map(|(remote, _)| remote as Processor))
            }
            (_, _) => Ok(None),
        }
    }

    /// The tenant that a webhook endpoint belongs to, and its processor. The sandbox's endpoint is the
    /// organization's id.
    pub async fn of_endpoint(
        &self,
        tx: &mut Tx<'_, '_>,
        name: &str,
        endpoint: &str,
    ) -> Result<Option<(Tenant, Processor)>, DbError> {
        match (name, endpoint.parse()) {
            (stripe::NAME, _) => {
                let found = self.stripe.of_endpoint(tx, endpoint).await?;
                Ok(found.map(|(tenant, stripe)| (tenant, stripe as Processor)))
            }
            (remote::NAME, _) => {
                let found = self.remote.of_endpoint(tx, endpoint).await?;
                Ok(found.map(|(tenant, remote)| (tenant, remote as Processor)))
            }
            (sandbox::NAME, Ok(organization)) => {
                let tenant = organizations::tenant(tx, organization, Environment::Sandbox).await?;
                Ok(tenant.map(|tenant| (tenant, Arc::clone(&self.sandbox) as Processor)))
            }
            (_, _) => Ok(None),
        }
    }

    /// The Stripe accounts that organizations have connected.
    pub fn stripe(&self) -> &stripe::Accounts {
        &self.stripe
    }

    /// The processors over HTTP that organizations have connected.
    pub fn remote(&self) -> &remote::Connections {
        &self.remote
    }

    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }
}

impl fmt::Debug for Processors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Processors")
    }
}
