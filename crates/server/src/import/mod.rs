//! Moving in from Stripe: customers, cards and subscriptions of the connected account, read by a mapping
//! file. Cards stay at Stripe under their ids. Each customer moves in one transaction, and a second run
//! recognizes it by Stripe's ids, so an import can be killed at any point and run again. A dry run does the
//! same work and rolls it back. `pause` ends the old subscriptions with their period, after everything
//! else. Used by the command `unitpay import`.

mod apply;
mod code;
mod customer;
mod map;
mod pause;
mod report;
mod subscription;

pub use map::Map;
pub use pause::pause;
pub use report::{Line, Report, Summary};

use crate::app::App;
use crate::audit::Actor;
use crate::base::PlanId;
use crate::catalog;
use crate::db::DbError;
use crate::organizations::Tenant;
use crate::payments::stripe::{ListError, Lists};
use crate::work::{BillingError, Work};
use apply::{Moved, Source, Stop};
use code::Code;
use customer::Methods;
use report::Outcome;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use subscription::Theirs;

/// An import of one account into one tenant.
pub struct Import<'a> {
    pub app: &'a App,
    pub tenant: Tenant,
    pub map: Arc<Map>,
    pub dry_run: bool,
    pub calls_per_second: u32,
}

/// The reason that an import stopped. Each customer moved before that is complete.
#[derive(Debug)]
pub enum ImportError {
    /// No Stripe account is connected in this environment.
    NotConnected,
    /// The mapping file names a plan that does not exist.
    PlanUnknown(PlanId),
    Stripe(ListError),
    Billing(BillingError),
}

impl Import<'_> {
    /// Opens the connected account for reading.
    pub async fn lists(&self) -> Result<Lists, ImportError> {
        let mut tx = self.app.db.read().await?;
        let stripe = self.app.processors.stripe().connected(&mut tx, &self.tenant).await?;
        let stripe = stripe.ok_or(ImportError::NotConnected)?;
        Ok(Lists::new(stripe, self.calls_per_second))
    }

    /// Moves everything that maps, and reports the rest.
    pub async fn run(&self, lists: &mut Lists, report: &mut Report<'_>) -> Result<(), ImportError> {
        self.check_plans().await?;
        let mut waiting = read_subscriptions(lists).await?;
        let mut external_ids = HashSet::new();
        let mut next: Option<String> = None;
        loop {
            let page = lists.customers(next.as_deref()).await?;
            for customer in &page.rows {
                let id = customer["id"].as_str().unwrap_or_default();
                let theirs = waiting.remove(id).unwrap_or_default();
                let methods = lists.payment_methods(id).await?;
                let mut source = self.source(customer, &methods, theirs);
                // The first one of an external id moves, in a dry run, too.
                let external_id = self.map.external_id(customer);
                if external_id.is_some_and(|id| !external_ids.insert(id.to_owned())) {
                    source.read = Err(Code::ExternalIdTaken);
                }
                add_to_report(self.apply(source).await?, report);
            }
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        // Subscriptions of customers that the account does not list.
        let mut left: Vec<Theirs> = waiting.into_values().flatten().collect();
        left.sort_by(|a, b| a.id.cmp(&b.id));
        for theirs in left {
            report.subscription(theirs.line(Outcome::Refused, vec![Code::CustomerNotMoved]));
        }
        Ok(())
    }

    fn source(&self, customer: &Value, methods: &[Value], mut theirs: Vec<Theirs>) -> Source {
        if !customer["discount"].is_null() {
            for one in theirs.iter_mut().filter(|one| !one.codes.contains(&Code::Coupon)) {
                one.codes.push(Code::Coupon);
            }
        }
        Source {
            id: customer["id"].as_str().unwrap_or_default().to_owned(),
            read: customer::read(customer, &self.map),
            methods: Methods::read(customer, methods),
            subscriptions: theirs,
            map: Arc::clone(&self.map),
            dry_run: self.dry_run,
        }
    }

    async fn apply(&self, source: Source) -> Result<Moved, ImportError> {
        let rule = async move |work: &mut Work<'_, '_, '_>| source.apply(work).await;
        match self.app.work(self.tenant, self.app.by(Actor::Operator), rule).await {
            Ok(moved) => Ok(moved),
            Err(Stop::DryRun(moved)) => Ok(*moved),
            Err(Stop::Billing(error)) => Err(error.into()),
        }
    }

    async fn check_plans(&self) -> Result<(), ImportError> {
        let mut tx = self.app.db.read().await?;
        for id in self.map.plans() {
            if catalog::plan(&mut tx, &self.tenant, id).await?.is_none() {
                return Err(ImportError::PlanUnknown(id));
            }
        }
        Ok(())
    }
}

fn add_to_report(moved: Moved, report: &mut Report<'_>) {
    report.still_active.extend(moved.both_active());
    report.customer(moved.customer);
    for line in moved.subscriptions {
        report.subscription(line);
    }
}

/// All subscriptions of the account that have not ended, by customer.
async fn read_subscriptions(
    lists: &mut Lists,
) -> Result<HashMap<String, Vec<Theirs>>, ImportError> {
    let mut found: HashMap<String, Vec<Theirs>> = HashMap::new();
    let mut next: Option<String> = None;
    loop {
        let page = lists.subscriptions(next.as_deref()).await?;
        for theirs in page.rows.iter().filter_map(Theirs::read) {
            found.entry(theirs.customer.clone()).or_default().push(theirs);
        }
        next = page.next;
        if next.is_none() {
            return Ok(found);
        }
    }
}

impl ImportError {
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotConnected => "not_connected",
            Self::PlanUnknown(_) => "plan_unknown",
            Self::Stripe(error) => error.code(),
            Self::Billing(BillingError::Advancing) => "clock_advancing",
            Self::Billing(_) => "failed",
        }
    }
}

impl From<DbError> for ImportError {
    fn from(error: DbError) -> Self {
        Self::Billing(error.into())
    }
}

impl From<BillingError> for ImportError {
    fn from(error: BillingError) -> Self {
        Self::Billing(error)
    }
}

impl From<ListError> for ImportError {
    fn from(error: ListError) -> Self {
        Self::Stripe(error)
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConnected => f.write_str("no Stripe account is connected here"),
            Self::PlanUnknown(id) => {
                write!(f, "the mapping file names {id}, which is no plan here")
            }
            Self::Stripe(error) => error.fmt(f),
            Self::Billing(BillingError::Db(error)) => error.fmt(f),
            Self::Billing(BillingError::Advancing) => f.write_str("the test clock is advancing"),
            Self::Billing(error) => write!(f, "the store refuses it: {error:?}"),
        }
    }
}

impl Error for ImportError {}
