//! A wallet in memory: the operations on its grants, and the ledger entries that they write. No I/O;
//! `sql` reads and writes wallets.

use super::{Account, AutoTopUp, EntryKind, Grant, GrantSource, NewGrant, day};
use crate::base::{
    EventId, GrantId, LedgerEntryId, MAX_AMOUNT, Overflow, PaymentMethodId, SubscriptionId, Time,
};
use crate::catalog::Cadence;
use crate::db::{FromRow, ToRow};
use crate::work::Stamp;
use std::collections::BTreeSet;

#[derive(Debug)]
pub struct Wallet {
    pub account: Account,
    /// Grants with remaining credits or an undecided rollover.
    pub(super) grants: Vec<Grant>,
    /// Upcoming daily grants; read only if an entry is due.
    pub(super) drips: Option<Vec<Drip>>,
    pub(super) entries: Vec<LedgerEntry>,
    pub(super) changed: BTreeSet<GrantId>,
    rule_changed: bool,
}

/// A window of a subscription that credits are granted for, or what is left of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub subscription_id: SubscriptionId,
    pub cadence: Cadence,
    pub start: Time,
    pub end: Time,
}

/// The daily grants of a subscription.
#[derive(Clone, Debug, FromRow, ToRow)]
pub struct Drip {
    #[record(insert_only)]
    pub subscription_id: SubscriptionId,
    /// 0 after they have ended.
    pub amount: i64,
    pub rollover_cap: i64,
    /// The next midnight that is not written yet.
    pub next_at: Time,
    /// The end of the subscription's current period. Later days depend on its renewal.
    #[record(computed)]
    pub until: Option<Time>,
    /// A past-due subscription gets no further grants.
    #[record(computed)]
    pub paused: bool,
}

#[derive(Clone, Debug, FromRow, ToRow)]
pub struct LedgerEntry {
    pub id: LedgerEntryId,
    #[record(name = "type")]
    pub kind: EntryKind,
    /// Positive or negative.
    pub amount: i64,
    pub balance_after: i64,
    pub grant_id: GrantId,
    pub usage_event_id: Option<EventId>,
    pub description: Option<String>,
    pub undoes: Option<LedgerEntryId>,
    pub at: Time,
}

/// The grant that a refunded deduction goes to.
#[derive(Debug)]
pub(super) enum RefundTo {
    /// Its own, which can be used.
    Open(Grant),
    /// Its own, which has ended.
    Over(Grant),
    New {
        expires_at: Time,
    },
}

/// The change of a grant that an entry records.
struct Change {
    kind: EntryKind,
    grant_id: GrantId,
    /// Positive or negative.
    amount: i64,
}

/// The optional parts of an entry.
#[derive(Clone, Debug, Default)]
pub(super) struct Note {
    pub usage_event_id: Option<EventId>,
    pub description: Option<String>,
    pub undoes: Option<LedgerEntryId>,
}

impl Drip {
    fn next(&self) -> Option<Time> {
        let begun = |next: &Time| self.until.is_none_or(|until| *next < until);
        Some(self.next_at).filter(begun).filter(|_| self.amount > 0)
    }
}

impl Grant {
    /// The order of use: priority, soonest expiry (never is last), oldest, id.
    pub(super) fn order(&self) -> (i64, Time, Time, GrantId) {
        let end = self.expires_at.unwrap_or(Time(i64::MAX));
        (self.source.priority(), end, self.created_at, self.id)
    }

    pub(super) fn is_open(&self) -> bool {
        self.is_in_use() || self.lapsed > 0
    }

    pub(super) const fn is_in_use(&self) -> bool {
        self.remaining > 0
    }
}

impl Wallet {
    /// Whether its balance is below its top-up threshold and no top-up is in progress.
    pub fn wants_top_up(&self) -> bool {
        let rule = self.account.auto_top_up.as_ref();
        rule.is_some_and(|rule| {
            rule.enabled && !rule.pending && self.account.balance < rule.threshold
        })
    }

    pub(super) fn new(account: Account) -> Self {
        let (grants, drips, entries, changed) = Default::default();
        Self { account, grants, drips, entries, changed, rule_changed: false }
    }

    /// Returns the instant of the next due entry: the expiry of a grant, or a daily grant.
    pub(super) fn next_due(&self) -> Option<Time> {
        let ends = self.grants.iter().filter(|grant| grant.remaining > 0);
        let ends = ends.filter_map(|grant| grant.expires_at).min();
        let next = match &self.drips {
            Some(drips) => drips.iter().filter_map(Drip::next).min(),
            // The value computed with the daily grants holds until it is reached.
            None => self.account.next_due_at,
        };
        ends.into_iter().chain(next).min()
    }

    /// Writes due entries in the order of their instants: first expiries, then rollovers, then
    /// grants.
    pub(super) fn write_due(&mut self, stamp: Stamp<'_>) {
        while let Some(due) = self.next_due().filter(|due| *due <= stamp.at) {
            self.expire(stamp.as_of(due));
            let mut drips = self.drips.take().unwrap_or_default();
            for drip in drips.iter_mut().filter(|drip| drip.next() == Some(due)) {
                drip.next_at = due.plus_days(1);
                self.drip(drip, stamp.as_of(due));
            }
            self.drips = Some(drips);
        }
    }

    fn drip(&mut self, drip: &Drip, stamp: Stamp<'_>) {
        let rest = self.take_lapsed(drip.subscription_id, Cadence::Day, stamp.at);
        if !drip.paused {
            let (start, end) = (stamp.at, drip.next_at);
            let subscription_id = drip.subscription_id;
            let window = Window { subscription_id, cadence: Cadence::Day, start, end };
            self.grant_window(window, rest.min(drip.rollover_cap), drip.amount, stamp);
        }
    }

    /// Grants what rolls over into a window, and the window's own credits less what was used early, but
    /// at least one. An own grant of nothing is stored without a ledger entry: it marks the window as
    /// opened.
    pub(super) fn grant_window(
        &mut self,
        window: Window,
        rollover: i64,
        amount: i64,
        stamp: Stamp<'_>,
    ) {
        let daily = window.cadence == Cadence::Day;
        let first = if daily { GrantSource::Daily } else { GrantSource::Plan };
        let early = match daily {
            true => 0,
            false => self.account.used_early.min(amount - 1).max(0),
        };
        self.account.used_early -= early;
        self.mark_used(window, early, stamp);
        let amount = amount - early;
        for (source, amount) in [(GrantSource::Rollover, rollover), (first, amount)] {
            // A full wallet takes what fits: a renewal cannot be refused.
            let amount = amount.min(MAX_AMOUNT - self.account.balance).max(0);
            if amount > 0 || source == first {
                let new = NewGrant {
                    source,
                    amount,
                    starts_at: Some(window.start),
                    expires_at: Some(window.end),
                    subscription_id: Some(window.subscription_id),
                    cadence: Some(window.cadence),
                    description: None,
                };
                self.add(&new, stamp);
            }
        }
    }

    /// Stores a part of a window that was used before the window began, as an early use of one before
    /// it. It counts as granted and used, without a ledger entry.
    fn mark_used(&mut self, window: Window, amount: i64, stamp: Stamp<'_>) {
        if amount <= 0 {
            return;
        }
        let grant = Grant {
            id: stamp.ids.grant(),
            subscription_id: Some(window.subscription_id),
            source: GrantSource::Plan,
            cadence: Some(window.cadence),
            amount,
            remaining: 0,
            lapsed: 0,
            starts_at: window.start,
            expires_at: Some(window.end),
            created_at: stamp.at,
        };
        self.changed.insert(grant.id);
        self.grants.push(grant);
    }

    /// Whether this window was opened by a grant that is still in memory.
    pub(super) fn has_opened(&self, window: &Window) -> bool {
        self.grants.iter().any(|grant| {
            matches!(grant.source, GrantSource::Plan | GrantSource::Daily)
                && grant.subscription_id == Some(window.subscription_id)
                && grant.cadence == Some(window.cadence)
                && grant.expires_at == Some(window.end)
        })
    }

    /// Grants credits if the balance stays in the range of amounts.
    pub fn grant(&mut self, new: &NewGrant, stamp: Stamp<'_>) -> Result<GrantId, Overflow> {
        crate::base::money::sum([self.account.balance, new.amount])?;
        Ok(self.add(new, stamp))
    }

    /// Adds purchased credits even beyond `MAX_AMOUNT`: they are already paid for.
    pub fn buy(&mut self, new: &NewGrant, stamp: Stamp<'_>) -> GrantId {
        self.add(new, stamp)
    }

    /// Takes back up to this many credits of a grant, as far as they are left, and returns their
    /// number.
    pub(super) fn take_back(&mut self, id: GrantId, most: i64, stamp: Stamp<'_>) -> i64 {
        let grant = self.grants.iter_mut().find(|grant| grant.id == id);
        let taken = grant.map_or(0, |grant| {
            let taken = grant.remaining.min(most);
            grant.remaining -= taken;
            taken
        });
        if taken > 0 {
            let change = Change { kind: EntryKind::Reversal, grant_id: id, amount: -taken };
            self.record(change, Note::default(), stamp);
        }
        taken
    }

    fn add(&mut self, new: &NewGrant, stamp: Stamp<'_>) -> GrantId {
        let grant = Grant {
            id: stamp.ids.grant(),
            subscription_id: new.subscription_id,
            source: new.source,
            cadence: new.cadence,
            amount: new.amount,
            remaining: new.amount,
            lapsed: 0,
            starts_at: new.starts_at.unwrap_or(stamp.at),
            expires_at: new.expires_at,
            created_at: stamp.at,
        };
        let id = grant.id;
        self.grants.push(grant);
        if new.amount == 0 {
            self.changed.insert(id);
            return id;
        }
        let note = Note { description: new.description.clone(), ..Note::default() };
        let change = Change { kind: EntryKind::Grant, grant_id: id, amount: new.amount };
        self.record(change, note, stamp);
        id
    }

    pub const fn can_pay(&self, amount: i64) -> bool {
        !self.account.frozen && amount <= self.account.balance
    }

    /// Debits a usage event from the grants in their order, all or nothing.
    pub fn debit(&mut self, amount: i64, event: EventId, stamp: Stamp<'_>) -> bool {
        if !self.can_pay(amount) {
            return false;
        }
        self.grants.sort_unstable_by_key(Grant::order);
        let mut left = amount;
        for place in 0..self.grants.len() {
            let taken = self.grants[place].remaining.min(left);
            if taken > 0 {
                left -= taken;
                self.grants[place].remaining -= taken;
                let id = self.grants[place].id;
                let note = Note { usage_event_id: Some(event), ..Note::default() };
                let change = Change { kind: EntryKind::Deduction, grant_id: id, amount: -taken };
                self.record(change, note, stamp);
            }
        }
        true
    }

    /// Expires grants. Grants of plans remain until their rollover is decided.
    fn expire(&mut self, stamp: Stamp<'_>) {
        self.end(|grant| grant.expires_at.is_some_and(|end| end <= stamp.at), true, stamp);
    }

    /// Expires the grants of a subscription, without rollover.
    pub(super) fn end_of_subscription(&mut self, id: SubscriptionId, stamp: Stamp<'_>) {
        self.end(|grant| grant.subscription_id == Some(id), false, stamp);
        for grant in &mut self.grants {
            if grant.subscription_id == Some(id) && grant.lapsed > 0 {
                grant.lapsed = 0;
                self.changed.insert(grant.id);
            }
        }
        for drip in self.drips.iter_mut().flatten().filter(|drip| drip.subscription_id == id) {
            drip.amount = 0;
        }
    }

    /// Ends what is left of the open windows of a subscription, except days and what rolled over.
    pub(super) fn end_windows(&mut self, id: SubscriptionId, stamp: Stamp<'_>) {
        let of_window =
            |grant: &Grant| grant.subscription_id == Some(id) && grant.source == GrantSource::Plan;
        self.end(of_window, false, stamp);
    }

    /// Has the windows of a subscription end earlier.
    pub(super) fn shorten(&mut self, id: SubscriptionId, cadence: Cadence, end: Option<Time>) {
        let Some(end) = end else { return };
        for grant in &mut self.grants {
            let of_window = grant.subscription_id == Some(id) && grant.cadence == Some(cadence);
            if of_window && grant.expires_at.is_some_and(|known| known > end) {
                grant.expires_at = Some(end);
                self.changed.insert(grant.id);
            }
        }
    }

    fn end(&mut self, which: impl Fn(&Grant) -> bool, may_roll: bool, stamp: Stamp<'_>) {
        self.grants.sort_unstable_by_key(Grant::order);
        for place in 0..self.grants.len() {
            let grant = &mut self.grants[place];
            if grant.remaining == 0 || !which(grant) {
                continue;
            }
            let (id, rest) = (grant.id, std::mem::take(&mut grant.remaining));
            if may_roll && matches!(grant.source, GrantSource::Plan | GrantSource::Daily) {
                grant.lapsed = rest;
            }
            let change = Change { kind: EntryKind::Expiry, grant_id: id, amount: -rest };
            self.record(change, Note::default(), stamp);
        }
    }

    /// Returns and clears the rest of a subscription's grants at the end of a window, for rollover.
    pub(super) fn take_lapsed(&mut self, id: SubscriptionId, cadence: Cadence, end: Time) -> i64 {
        let mut rest = 0;
        for grant in &mut self.grants {
            let of_window = grant.subscription_id == Some(id) && grant.cadence == Some(cadence);
            let over = grant.expires_at.is_some_and(|expiry| expiry <= end);
            if of_window && over && grant.lapsed > 0 {
                let lapsed = std::mem::take(&mut grant.lapsed);
                self.changed.insert(grant.id);
                if grant.expires_at == Some(end) {
                    rest += lapsed;
                }
            }
        }
        rest
    }

    /// Refunds a deduction to a grant, or to a new one that ends at `expires_at`. A grant that is over
    /// ends again at once, with what was refunded.
    pub(super) fn refund(
        &mut self,
        undone: &LedgerEntry,
        to: RefundTo,
        stamp: Stamp<'_>,
    ) -> Result<LedgerEntry, Overflow> {
        let amount = undone.amount.checked_neg().ok_or(Overflow)?;
        crate::base::money::sum([self.account.balance, amount])?;
        let (grant, over) = match to {
            RefundTo::Open(grant) => (grant, false),
            RefundTo::Over(grant) => (grant, true),
            RefundTo::New { expires_at } => {
                let grant = Grant {
                    id: stamp.ids.grant(),
                    subscription_id: None,
                    source: GrantSource::Promotional,
                    cadence: None,
                    amount,
                    remaining: 0,
                    lapsed: 0,
                    starts_at: stamp.at,
                    expires_at: Some(expires_at),
                    created_at: stamp.at,
                };
                (grant, false)
            }
        };
        let id = grant.id;
        if self.grants.iter().all(|known| known.id != id) {
            self.grants.push(grant);
        }
        if let Some(grant) = self.grants.iter_mut().find(|known| known.id == id) {
            grant.remaining += amount;
        }
        let note = Note { undoes: Some(undone.id), ..Note::default() };
        let change = Change { kind: EntryKind::Refund, grant_id: id, amount };
        let entry = self.record(change, note, stamp);
        if over {
            self.end(|grant| grant.id == id, false, stamp);
        }
        Ok(entry)
    }

    /// Reverses the rest of a grant.
    pub(super) fn reverse(&mut self, undone: &LedgerEntry, stamp: Stamp<'_>) -> LedgerEntry {
        let grant = self.grants.iter_mut().find(|grant| grant.id == undone.grant_id);
        let rest = grant.map_or(0, |grant| std::mem::take(&mut grant.remaining));
        let note = Note { undoes: Some(undone.id), ..Note::default() };
        let change = Change { kind: EntryKind::Reversal, grant_id: undone.grant_id, amount: -rest };
        self.record(change, note, stamp)
    }

    /// Appends an entry. Its id is greater than the last one's, even if the clocks of nodes differ.
    fn record(&mut self, change: Change, note: Note, stamp: Stamp<'_>) -> LedgerEntry {
        let Change { kind, grant_id, amount } = change;
        let Note { usage_event_id, description, undoes } = note;
        let beyond = self.account.last_entry_id.map_or(0, |id| id.to_u128() + 1);
        let id = stamp.ids.ledger_entry().max(LedgerEntryId::from_u128(beyond));
        self.account.balance += amount;
        self.account.last_entry_id = Some(id);
        self.changed.insert(grant_id);
        let entry = LedgerEntry {
            id,
            kind,
            amount,
            balance_after: self.account.balance,
            grant_id,
            usage_event_id,
            description,
            undoes,
            at: stamp.at,
        };
        self.entries.push(entry.clone());
        entry
    }

    pub fn is_changed(&self) -> bool {
        !self.changed.is_empty() || self.drips.is_some() || self.rule_changed
    }

    pub(super) fn grant_of(&self, id: GrantId) -> Option<&Grant> {
        self.grants.iter().find(|grant| grant.id == id)
    }

    pub fn set_auto_top_up(&mut self, rule: AutoTopUp) {
        self.account.auto_top_up = Some(rule);
        self.rule_changed = true;
    }

    /// Ends the automatic top-up in progress. A failed one pauses the rule for this card.
    pub(super) fn auto_top_up_ended(&mut self, failed_with: Option<Option<PaymentMethodId>>) {
        if let Some(rule) = &mut self.account.auto_top_up {
            rule.pending = false;
            if let Some(card) = failed_with {
                // It bought nothing, so it does not count for the month.
                rule.count -= 1;
                rule.pause(card);
            }
            self.rule_changed = true;
        }
    }
}

/// Returns the first UTC midnight after this instant.
pub(super) const fn next_midnight(at: Time) -> Time {
    Time::from_seconds((day(at) + 1) * 86_400)
}
