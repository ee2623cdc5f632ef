//! The credits that a subscription brings, at each event of its life.
//!
//! The caller of a change into or out of `past_due` calls [`super::write_due`] first: daily grants due
//! until then follow the old status. While a subscription is past due it is granted nothing;
//! [`open_windows`] makes up for it once everything is paid.

use super::wallet::{Drip, Window, next_midnight};
use super::{Wallet, sql};
use crate::base::{CollectionMethod, CreditCurrencyId, Period, SubscriptionId, Time};
use crate::catalog::{Cadence, GrantOn, GrantRule, Plan};
use crate::db::{DbError, FromRow, Tx};
use crate::invoices;
use crate::organizations::Tenant;
use crate::subscriptions::{PlanSwitch, Subscription, SubscriptionStatus, rating};
use crate::work::{Stamp, Work};
use std::collections::BTreeMap;

/// A grant of a plan for a window that has not ended.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Granted {
    #[record(computed)]
    pub currency_id: CreditCurrencyId,
    pub subscription_id: SubscriptionId,
    pub cadence: Cadence,
    pub amount: i64,
    pub remaining: i64,
    pub starts_at: Time,
    pub expires_at: Time,
}

/// Both sides of a change that came into force.
#[derive(Clone, Copy, Debug)]
pub struct Switched<'a> {
    /// The subscription before the change.
    pub before: &'a Subscription,
    pub old: &'a Plan,
    pub new: &'a Plan,
    pub change: &'a PlanSwitch,
}

/// Grants what the plan gives for the first windows, and all of the first day. A start without a
/// charge deducts what the product granted the customer in windows that have not ended, so that
/// leaving and coming back renews nothing.
pub async fn subscription_started(
    work: &mut Work<'_, '_, '_>,
    subscription: &Subscription,
    plan: &Plan,
    paid: bool,
) -> Result<(), DbError> {
    let mut given = BTreeMap::new();
    if !paid {
        for one in granted(work, subscription).await? {
            let sum: &mut i64 = given.entry((one.currency_id, one.cadence)).or_default();
            *sum = sum.saturating_add(one.amount);
        }
    }
    let sent = subscription.collection_method == CollectionMethod::SendInvoice;
    let mut wallets = Wallets::open(work, subscription, plan).await?;
    for rule in &plan.grant_rules {
        // A charge is paid by now; an invoice that was only sent is not.
        if sent && waits_for_payment(rule, plan, subscription) {
            continue;
        }
        let before = given.get(&(rule.credit_currency_id, rule.cadence)).copied().unwrap_or(0);
        let amount = rule.amount.saturating_sub(before);
        if let Some((wallet, window)) = wallets.window(rule, subscription, work.at) {
            wallet.grant_window(window, 0, amount, work.stamp());
        }
    }
    wallets.set_drips(subscription, plan, work.at);
    wallets.save(work).await?;
    if sent { open_windows(work, subscription, plan).await } else { Ok(()) }
}

/// Grants what a change brings at once. A new period is granted as one that was charged whole; within
/// a period the difference of the plans is granted in proportion to the time that is left.
pub async fn plan_changed(
    work: &mut Work<'_, '_, '_>,
    subscription: &Subscription,
    switched: Switched<'_>,
) -> Result<(), DbError> {
    let granted = granted(work, subscription).await?;
    let mut wallets = Wallets::open(work, subscription, switched.new).await?;
    if switched.change.restarts {
        wallets.restart(subscription, switched, &granted, work.stamp());
    } else {
        let waits = !is_paid(work.tx, work.tenant, switched.before).await?;
        wallets.prorate(subscription, switched, (&granted, waits), work.stamp());
    }
    wallets.set_drips(subscription, switched.new, work.at);
    wallets.save(work).await?;
    let sent = subscription.collection_method == CollectionMethod::SendInvoice;
    match switched.change.restarts && sent {
        true => open_windows(work, subscription, switched.new).await,
        false => Ok(()),
    }
}

/// Grants the credits of each window that is open and was not granted: with the start of the window
/// or, where the rule wants it, with the payment of its period. What was left at the window's start
/// rolls over with it. Daily windows open in [`super::write_due`], up to the end of the period;
/// after a recovery the day of the recovery opens here.
pub async fn open_windows(
    work: &mut Work<'_, '_, '_>,
    subscription: &Subscription,
    plan: &Plan,
) -> Result<(), DbError> {
    let granted = granted(work, subscription).await?;
    let mut wallets = Wallets::open(work, subscription, plan).await?;
    wallets.set_drips(subscription, plan, work.at);
    if subscription.status == SubscriptionStatus::PastDue {
        return wallets.save(work).await;
    }
    let paid = is_paid(work.tx, work.tenant, subscription).await?;
    for rule in &plan.grant_rules {
        if !paid && waits_for_payment(rule, plan, subscription) {
            continue;
        }
        let Some((wallet, window)) = wallets.window(rule, subscription, work.at) else { continue };
        if wallet.has_opened(&window) || granted.iter().any(|one| one.is_of(rule, &window)) {
            continue;
        }
        let others = granted.iter().filter(|one| one.is_without_rule(rule, plan, subscription));
        let others = others.map(|one| one.part(window.start, window.end));
        let amount = rule.amount.saturating_sub(others.fold(0, i64::saturating_add));
        let rest = wallet.take_lapsed(subscription.id, rule.cadence, window.start);
        wallet.grant_window(window, rest.min(rule.rollover_cap), amount, work.stamp());
    }
    wallets.save(work).await
}

/// Whether the credits of a rule come with a payment: unless the rule says when, those of a plan that
/// costs something and is charged automatically. Daily credits never wait.
fn waits_for_payment(rule: &GrantRule, plan: &Plan, subscription: &Subscription) -> bool {
    let costs = rating::recurring_total(plan, subscription.quantity).is_ok_and(|total| total > 0);
    let automatic = subscription.collection_method == CollectionMethod::ChargeAutomatically;
    costs
        && match rule.grant_on {
            Some(GrantOn::Start) => false,
            Some(GrantOn::Payment) => true,
            None => automatic && rule.cadence != Cadence::Day,
        }
}

/// Whether no invoice for the current period is open.
async fn is_paid(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    subscription: &Subscription,
) -> Result<bool, DbError> {
    let Some(period) = subscription.current_period else { return Ok(false) };
    let no = subscription.customer_no;
    Ok(!invoices::has_open_for_period(tx, tenant, no, subscription.id, period.start).await?)
}

/// Returns what the subscription's product has granted its customer in windows that have not ended.
async fn granted(
    work: &mut Work<'_, '_, '_>,
    subscription: &Subscription,
) -> Result<Vec<Granted>, DbError> {
    super::write_due(work, subscription.customer_no).await?;
    let (customer, product) = (subscription.customer_no, subscription.product_id);
    sql::granted(work.tx, work.tenant, customer, product, work.at).await
}

impl Granted {
    const fn window(&self) -> Period {
        Period { start: self.starts_at, end: self.expires_at }
    }

    fn is_of(&self, rule: &GrantRule, window: &Window) -> bool {
        self.currency_id == rule.credit_currency_id
            && self.cadence == rule.cadence
            && self.subscription_id == window.subscription_id
            && self.expires_at == window.end
    }

    /// Whether it was granted by a rule of another cadence that the plan no longer has. It still
    /// covers a part of the windows that this rule grants for.
    fn is_without_rule(&self, rule: &GrantRule, plan: &Plan, subscription: &Subscription) -> bool {
        // Windows of an earlier period have ended, even if they were to end later.
        let is_of_period = |period: Period| self.starts_at >= period.start;
        let has_rule = |known: &GrantRule| {
            known.credit_currency_id == self.currency_id && known.cadence == self.cadence
        };
        self.subscription_id == subscription.id
            && subscription.current_period.is_some_and(is_of_period)
            && self.currency_id == rule.credit_currency_id
            && self.cadence != Cadence::Day
            && rule.cadence != Cadence::Day
            && !plan.grant_rules.iter().any(has_rule)
    }

    /// Returns the share of it for a part of its window, rounded up.
    fn part(&self, from: Time, to: Time) -> i64 {
        -share(-self.amount, self.window(), from) - share(self.amount, self.window(), to)
    }
}

/// `amount × (end − at) / (end − start)` rounded down; `at` is taken into the period.
fn share(amount: i64, period: Period, at: Time) -> i64 {
    let at = at.clamp(period.start, period.end);
    let seconds = |from: Time, to: Time| i128::from(to.seconds() - from.seconds());
    let whole = seconds(period.start, period.end).max(1);
    let part = (i128::from(amount) * seconds(at, period.end)).div_euclid(whole);
    i64::try_from(part).unwrap_or(amount)
}

/// Expires plan, daily and rollover grants of a subscription. Promotional grants and packages
/// remain.
pub async fn subscription_ended(
    work: &mut Work<'_, '_, '_>,
    subscription: &Subscription,
) -> Result<(), DbError> {
    let mut wallets = Wallets::all(work, subscription).await?;
    for wallet in &mut wallets.0 {
        wallet.end_of_subscription(subscription.id, work.stamp());
    }
    wallets.save(work).await
}

/// The wallets of a subscription's customer, up to date, with the daily grants to come.
struct Wallets(Vec<Wallet>);

impl Wallets {
    /// Returns all wallets of the customer. Those that the plan's rules need are created.
    async fn open(
        work: &mut Work<'_, '_, '_>,
        subscription: &Subscription,
        plan: &Plan,
    ) -> Result<Self, DbError> {
        for rule in &plan.grant_rules {
            sql::make(work, (subscription.customer_no, rule.credit_currency_id)).await?;
        }
        Self::all(work, subscription).await
    }

    async fn all(
        work: &mut Work<'_, '_, '_>,
        subscription: &Subscription,
    ) -> Result<Self, DbError> {
        let mut wallets = sql::all_of_customer(work, subscription.customer_no).await?;
        let drips = wallets.iter_mut().flat_map(|wallet| wallet.drips.iter_mut().flatten());
        for drip in drips.filter(|drip| drip.subscription_id == subscription.id) {
            // Its row may not be written yet.
            drip.until = subscription.current_period.map(|period| period.end);
            drip.paused = subscription.status == SubscriptionStatus::PastDue;
        }
        Ok(Self(wallets))
    }

    fn get(&mut self, currency: CreditCurrencyId) -> Option<&mut Wallet> {
        self.0.iter_mut().find(|wallet| wallet.account.currency_id == currency)
    }

    /// Returns the wallet of a rule, and the rule's window at this instant.
    fn window(
        &mut self,
        rule: &GrantRule,
        subscription: &Subscription,
        at: Time,
    ) -> Option<(&mut Wallet, Window)> {
        let period = match rule.cadence {
            Cadence::Period => subscription.current_period?,
            Cadence::Month => subscription.usage_period?,
            Cadence::Day => {
                Period { start: next_midnight(at).plus_days(-1), end: next_midnight(at) }
            }
        };
        let (subscription_id, cadence) = (subscription.id, rule.cadence);
        let window = Window { subscription_id, cadence, start: period.start, end: period.end };
        Some((self.get(rule.credit_currency_id)?, window))
    }

    /// Opens the windows of a new period that was charged whole. What is left of the old windows ends.
    /// If the old plan was paid for, its unused time was credited: the new windows deduct the use
    /// beyond the elapsed share, the first ones first.
    fn restart(
        &mut self,
        subscription: &Subscription,
        Switched { before, old, new, change }: Switched<'_>,
        granted: &[Granted],
        stamp: Stamp<'_>,
    ) {
        let is_own = |one: &&Granted| {
            let period = match one.cadence {
                Cadence::Period => before.current_period,
                Cadence::Month => before.usage_period,
                Cadence::Day => None,
            };
            let within = period.is_none_or(|period| one.starts_at >= period.start);
            one.subscription_id == subscription.id && within
        };
        let old_total = rating::recurring_total(old, change.old_quantity).unwrap_or_default();
        let was_paid = before.status != SubscriptionStatus::Trialing && old_total > 0;
        let mut beyond: BTreeMap<CreditCurrencyId, i64> = BTreeMap::new();
        let paid_for = granted.iter().filter(is_own).filter(|_| was_paid);
        for one in paid_for.filter(|one| one.cadence != Cadence::Day) {
            let passed = one.amount - share(one.amount, one.window(), change.at);
            let used = one.amount - one.remaining;
            *beyond.entry(one.currency_id).or_default() += used - passed;
        }
        for wallet in &mut self.0 {
            wallet.end_windows(subscription.id, stamp);
            let early = beyond.get(&wallet.account.currency_id).copied().unwrap_or(0);
            wallet.account.used_early = wallet.account.used_early.saturating_add(early.max(0));
        }
        for rule in &new.grant_rules {
            let sent = subscription.collection_method == CollectionMethod::SendInvoice;
            if sent && waits_for_payment(rule, new, subscription) {
                continue;
            }
            let today = |one: &&Granted| {
                one.cadence == Cadence::Day
                    && rule.cadence == Cadence::Day
                    && one.currency_id == rule.credit_currency_id
            };
            let given: i64 =
                granted.iter().filter(is_own).filter(today).map(|one| one.amount).sum();
            if let Some((wallet, window)) = self.window(rule, subscription, stamp.at) {
                wallet.grant_window(window, 0, rule.amount - given, stamp);
            }
        }
    }

    /// Grants the difference of the plans for the rest of each window: the new plan's share of the
    /// rest, less the shares of what was granted before. So changing back and forth grants nothing twice.
    /// A change without a charge counts other subscriptions of the product, too. `waits` says that the
    /// period is not paid yet.
    fn prorate(
        &mut self,
        subscription: &Subscription,
        Switched { before, old, new, change }: Switched<'_>,
        (granted, waits): (&[Granted], bool),
        stamp: Stamp<'_>,
    ) {
        let total = |plan, quantity| rating::recurring_total(plan, quantity).unwrap_or_default();
        let free = before.status == SubscriptionStatus::Trialing
            || total(new, change.quantity) <= total(old, change.old_quantity);
        for wallet in &mut self.0 {
            for (cadence, period) in [
                (Cadence::Period, subscription.current_period),
                (Cadence::Month, subscription.usage_period),
            ] {
                let end = period.map(|period| period.end);
                wallet.shorten(subscription.id, cadence, end);
            }
        }
        for rule in &new.grant_rules {
            if waits && waits_for_payment(rule, new, subscription) {
                // The payment of the period will open the window.
                continue;
            }
            let Some((wallet, window)) = self.window(rule, subscription, stamp.at) else {
                continue;
            };
            let period = Period { start: window.start, end: window.end };
            let (mut within, mut elsewhere) = (0i64, 0i64);
            let of_rule = |one: &&Granted| {
                one.currency_id == rule.credit_currency_id && one.cadence == rule.cadence
            };
            for one in granted.iter().filter(of_rule) {
                let is_own = one.subscription_id == subscription.id;
                if is_own && one.starts_at < period.start {
                    // A window that a new period cut short.
                    continue;
                }
                let end = if is_own { one.expires_at.min(period.end) } else { one.expires_at };
                if is_own && (one.starts_at, end) == (period.start, period.end) {
                    within = within.saturating_add(one.amount);
                } else if is_own || free {
                    let part = Period { start: one.starts_at, end };
                    elsewhere = elsewhere.saturating_add(-share(-one.amount, part, change.at));
                }
            }
            for one in granted.iter().filter(|one| one.is_without_rule(rule, new, subscription)) {
                elsewhere = elsewhere.saturating_add(one.part(change.at, period.end));
            }
            let more = share(rule.amount.saturating_sub(within), period, change.at) - elsewhere;
            let rest = Window { start: change.at.max(period.start), ..window };
            wallet.grant_window(rest, 0, more, stamp);
        }
    }

    fn set_drips(&mut self, subscription: &Subscription, plan: &Plan, at: Time) {
        for wallet in &mut self.0 {
            let currency = wallet.account.currency_id;
            let daily = |rule: &&GrantRule| {
                rule.credit_currency_id == currency && rule.cadence == Cadence::Day
            };
            set_drip(wallet, subscription, plan.grant_rules.iter().find(daily), at);
        }
    }

    async fn save(self, work: &mut Work<'_, '_, '_>) -> Result<(), DbError> {
        super::save(work, &self.0).await
    }
}

/// Sets the daily grants of a subscription to a wallet from the next midnight on, or ends them. The
/// caller grants the first day.
fn set_drip(wallet: &mut Wallet, subscription: &Subscription, rule: Option<&GrantRule>, at: Time) {
    let (amount, rollover_cap) = rule.map_or((0, 0), |rule| (rule.amount, rule.rollover_cap));
    let id = subscription.id;
    let drips = wallet.drips.get_or_insert_default();
    if let Some(drip) = drips.iter_mut().find(|drip| drip.subscription_id == id) {
        (drip.amount, drip.rollover_cap) = (amount, rollover_cap);
    } else if amount > 0 {
        let next_at = next_midnight(at);
        let until = subscription.current_period.map(|period| period.end);
        let paused = subscription.status == SubscriptionStatus::PastDue;
        drips.push(Drip { subscription_id: id, amount, rollover_cap, next_at, until, paused });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn share_is_rounded_down_over_real_seconds() {
        let month = Period { start: Time::from_seconds(0), end: Time::from_seconds(2_678_400) };
        let left = |seconds: i64| Time::from_seconds(2_678_400 - seconds);
        assert_eq!(share(1_000_000 - 100, month, left(300)), 111);
        assert_eq!(share(900, month, left(1_339_200)), 450);
        assert_eq!(share(900, month, left(0)), 0);
        assert_eq!(share(900, month, left(9_000_000)), 900);
        assert_eq!(share(-1, month, left(300)), -1);
    }
}
