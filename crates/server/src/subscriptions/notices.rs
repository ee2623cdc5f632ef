//! Announces ends of trials and yearly renewals, each once for a period end.

use super::sql::{self, Noticed};
use crate::base::Time;
use crate::db::{DbError, Tx};
use crate::events::EventType;
use crate::organizations::Tenant;
use crate::work::Work;

/// The subscriptions that one transaction announces.
const BITE: i64 = 100;
const DAY_SECONDS: i64 = 86_400;

/// The period ends that are announced ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Of trials that are not shorter than the notice.
    TrialEnding,
    /// Of yearly plans.
    RenewalUpcoming,
}

pub const NOTICES: [Notice; 2] = [Notice::TrialEnding, Notice::RenewalUpcoming];

impl Notice {
    /// Whether [`Self::announce`] has something to announce.
    pub async fn is_any(
        self,
        tx: &mut Tx<'_, '_>,
        tenant: &Tenant,
        times: (Time, Time),
        days: i64,
    ) -> Result<bool, DbError> {
        Ok(!self.find(tx, tenant, times, (days, 1)).await?.is_empty())
    }

    /// Announces ends within this number of days that had not passed by `since`; `true` if none is
    /// left.
    pub async fn announce(
        self,
        work: &mut Work<'_, '_, '_>,
        since: Time,
        days: i64,
    ) -> Result<bool, DbError> {
        let times = (since, work.at);
        let found = self.find(work.tx, work.tenant, times, (days, BITE)).await?;
        let (event, is_trial) = match self {
            Self::TrialEnding => (EventType::SubscriptionTrialEnding, true),
            Self::RenewalUpcoming => (EventType::SubscriptionRenewalUpcoming, false),
        };
        for noticed in &found {
            if sql::set_noticed(work.tx, work.tenant, noticed, is_trial).await? {
                work.announce(noticed.customer_id, event, noticed.id).await?;
            }
        }
        Ok(found.len() < usize::try_from(BITE).unwrap_or(usize::MAX))
    }

    async fn find(
        self,
        tx: &mut Tx<'_, '_>,
        tenant: &Tenant,
        (since, at): (Time, Time),
        (days, limit): (i64, i64),
    ) -> Result<Vec<Noticed>, DbError> {
        let range = (since, at.plus_days(days));
        match self {
            Self::TrialEnding => {
                sql::trials_ending(tx, tenant, range, days * DAY_SECONDS, limit).await
            }
            Self::RenewalUpcoming => sql::renewals(tx, tenant, range, limit).await,
        }
    }
}
