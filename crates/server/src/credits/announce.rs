//! Events of wallets: credits were granted, the balance is low, the balance is exhausted.
//!
//! A balance is low below the threshold of the wallet's automatic top-up rule, whether or not the rule
//! is enabled, and without a rule below a tenth of the credits of the grants in use. Each level is
//! announced once, until the balance rises above it.

use super::{EntryKind, Wallet, sql};
use crate::db::DbError;
use crate::events::{self, EventType, NewEvent};
use crate::work::Work;

/// The share of its grants at which a wallet without a top-up rule is low: one part of this many.
const LOW_PART: i64 = 10;

/// The level of a balance that was announced last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alert {
    None,
    Low,
    Exhausted,
}

impl Alert {
    pub const ALL: [Self; 3] = [Self::None, Self::Low, Self::Exhausted];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Exhausted => "exhausted",
        }
    }
}

/// Stores the changes of these wallets, and records their events. Grants of a wallet that are made
/// together have one event.
pub async fn save(work: &mut Work<'_, '_, '_>, wallets: &[Wallet]) -> Result<(), DbError> {
    sql::save_all(work.tx, wallets, work.at).await?;
    let announced: Vec<_> = wallets.iter().map(|wallet| (wallet, wallet.event_types())).collect();
    let announced: Vec<_> = announced.into_iter().filter(|(_, types)| !types.is_empty()).collect();
    if announced.is_empty() {
        return Ok(());
    }
    let numbers = announced.iter().map(|(wallet, _)| wallet.account.customer_no);
    let customers = sql::customer_ids(work.tx, numbers).await?;
    let mut events = Vec::new();
    for (wallet, types) in announced {
        let customer = customers.get(&wallet.account.customer_no).copied();
        events.extend(types.into_iter().map(|event_type| NewEvent {
            id: work.by.ids.event(),
            event_type,
            object_id: wallet.account.id.to_string(),
            customer_id: customer,
            endpoint_id: None,
            at: work.by.now,
        }));
    }
    events::record_each(work.tx, work.tenant.no, &events).await
}

impl Wallet {
    /// Returns the events of the changes made in memory, in their order. An exhausted balance is low,
    /// too.
    fn event_types(&self) -> Vec<EventType> {
        let granted = self.entries.iter().any(|entry| entry.kind == EntryKind::Grant);
        let reached = |level: Alert| self.account.alerted < level && level <= self.alert();
        [
            granted.then_some(EventType::CreditsGranted),
            reached(Alert::Low).then_some(EventType::CreditsLow),
            reached(Alert::Exhausted).then_some(EventType::CreditsExhausted),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Returns the level that is announced once the changes made in memory are stored. The end of a
    /// plan's window announces nothing: the next window follows.
    pub(super) fn alert(&self) -> Alert {
        let (level, before) = (self.level(), self.account.alerted);
        if level < before || self.has_fallen() { level } else { before }
    }

    fn level(&self) -> Alert {
        match self.account.balance {
            ..=0 => Alert::Exhausted,
            balance if balance < self.low_mark() => Alert::Low,
            _ => Alert::None,
        }
    }

    fn low_mark(&self) -> i64 {
        match &self.account.auto_top_up {
            Some(rule) => rule.threshold,
            None => {
                let open = self.grants.iter().filter(|grant| grant.is_in_use());
                open.fold(0_i64, |sum, grant| sum.saturating_add(grant.amount)) / LOW_PART
            }
        }
    }

    /// Whether usage, a reversal or the expiry of credits that no plan renews lowered the balance.
    fn has_fallen(&self) -> bool {
        let renewed = |id| self.grant_of(id).is_some_and(|grant| grant.subscription_id.is_some());
        self.entries.iter().any(|entry| match entry.kind {
            EntryKind::Deduction | EntryKind::Reversal => true,
            EntryKind::Expiry => !renewed(entry.grant_id),
            EntryKind::Grant | EntryKind::Refund => false,
        })
    }
}
