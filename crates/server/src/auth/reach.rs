//! Answers whether a caller may reach an object: a backend reaches those of its tenant, a portal token
//! those of its own customer. Another customer's object is a missing one. A link to an invoice reaches the
//! invoice and its payment attempts only.

use super::{Caller, SecretKey};
use crate::base::{Owned, Viewer};
use crate::customers::{self, Customer, CustomerRef};
use crate::db::Tx;
use crate::http::Problem;

impl<const K: u32, const P: u32> Caller<K, P> {
    /// Returns the viewer for whom objects are read.
    pub const fn viewer(&self) -> Viewer {
        match self {
            Self::Key(_) => Viewer::Backend,
            Self::Portal(portal) => portal.viewer(),
        }
    }

    pub const fn is_backend(&self) -> bool {
        matches!(self, Self::Key(_))
    }

    /// Returns the object that was found if this caller may reach it.
    pub fn reach<T: Owned>(&self, found: Option<T>) -> Result<T, Problem> {
        self.viewer().reach(found).ok_or_else(Problem::not_found)
    }

    /// Resolves the customer that a request targets. A portal token may omit it; any other
    /// customer's id returns 404.
    pub async fn reach_customer(
        &self,
        tx: &mut Tx<'_, '_>,
        named: Option<&CustomerRef>,
    ) -> Result<Customer, Problem> {
        let found = match (named, self) {
            (Some(named), _) => customers::get(tx, &self.tenant(), named).await?,
            (None, Self::Portal(portal)) => {
                customers::by_no(tx, &self.tenant(), portal.verified().session().customer_no)
                    .await?
            }
            (None, Self::Key(_)) => {
                return Err(Problem::invalid_param("customerId", "is required"));
            }
        };
        self.viewer().reach(found).ok_or_else(Problem::customer_not_found)
    }

    /// Resolves the customer whose objects a request lists; `None` for those of all customers, which
    /// a backend lists without a name.
    pub async fn reach_customers(
        &self,
        tx: &mut Tx<'_, '_>,
        named: Option<&CustomerRef>,
    ) -> Result<Option<Customer>, Problem> {
        match self {
            Self::Key(key) => key.reach_customers(tx, named).await,
            Self::Portal(_) => self.reach_customer(tx, named).await.map(Some),
        }
    }
}

impl<const SCOPE: u32> SecretKey<SCOPE> {
    /// Resolves the customer that a request names, if it names one.
    pub async fn reach_customers(
        &self,
        tx: &mut Tx<'_, '_>,
        named: Option<&CustomerRef>,
    ) -> Result<Option<Customer>, Problem> {
        let Some(named) = named else { return Ok(None) };
        let found = customers::get(tx, &self.tenant(), named).await?;
        found.map(Some).ok_or_else(Problem::customer_not_found)
    }
}
