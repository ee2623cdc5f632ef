//! What a subscription does to the wallets of its customer, at the instants of its life.
//!
//! Whoever moves a subscription into or out of `past_due` calls [`super::write_due`] before: what is
//! due until then is written as the subscription was. While it is past due nothing is granted.

use super::wallet::{Drip, next_midnight};
use super::{Wallet, sql};
use crate::base::{CreditCurrencyId, Period, Time};
use crate::catalog::{Cadence, Plan};
use crate::db::{DbError, Tx};
use crate::subscriptions::{Status, Subscription};
use crate::work::Work;
use std::collections::BTreeMap;

/// What a plan grants of one currency in one cadence: rules of the same kind add up.
#[derive(Clone, Copy, Debug, Default)]
struct Rule {
    amount: i64,
    rollover_cap: i64,
}

type Rules = BTreeMap<(CreditCurrencyId, Cadence), Rule>;
/// What was granted, by the same.
type Given = BTreeMap<(CreditCurrencyId, Cadence), i64>;

fn rules(plan: &Plan) -> Rules {
    let mut rules = Rules::new();
    for rule in &plan.grant_rules {
        let sum = rules.entry((rule.credit_currency_id, rule.cadence)).or_default();
        sum.amount = sum.amount.saturating_add(rule.amount);
        sum.rollover_cap = sum.rollover_cap.saturating_add(rule.rollover_cap);
    }
    rules
}

/// Grants what the plan gives for the first windows; of daily credits the whole first day. A start
/// that nothing is paid for takes off what the product granted the customer in windows that have not
/// ended: whoever leaves and comes back is not given it again.
pub async fn subscription_started(
    work: &mut Work<'_, '_, '_>,
    subscription: &Subscription,
    plan: &Plan,
    paid: bool,
) -> Result<(), DbError> {
    let given = if paid { Given::new() } else { given(work, subscription).await? };
    raise(work, subscription, &rules(plan), &given).await
}

/// Grants at once what the new plan gives more than was granted for the windows that have not ended;
/// from the next ones on it gives what it gives.
pub async fn plan_changed(
    work: &mut Work<'_, '_, '_>,
    subscription: &Subscription,
    new: &Plan,
) -> Result<(), DbError> {
    let given = given(work, subscription).await?;
    raise(work, subscription, &rules(new), &given).await
}

/// What a subscription's product has granted its customer in windows that have not ended.
async fn given(work: &mut Work<'_, '_, '_>, subscription: &Subscription) -> Result<Given, DbError> {
    super::write_due(work.tx, work.tenant, subscription.customer_no, work.at, &work.by.ids).await?;
    let (customer, product) = (subscription.customer_no, subscription.product_id);
    sql::given(work.tx, work.tenant, customer, product, work.at).await
}

async fn raise(
    work: &mut Work<'_, '_, '_>,
    subscription: &Subscription,
    rules: &Rules,
    given: &Given,
) -> Result<(), DbError> {
    let mut wallets = Wallets::of(work, subscription, rules).await?;
    for (&(currency, cadence), rule) in rules {
        let Some(wallet) = wallets.get(currency) else { continue };
        let end = match cadence {
            Cadence::Period => subscription.current_period.map(|period| period.end),
            Cadence::Month => subscription.usage_period.map(|period| period.end),
            Cadence::Day => Some(next_midnight(work.at)),
        };
        let before = given.get(&(currency, cadence)).copied().unwrap_or_default();
        let more = rule.amount.saturating_sub(before);
        wallet.grant_window(subscription.id, cadence, 0, more, end, work.at, &work.by.ids);
    }
    for wallet in &mut wallets.0 {
        let daily = (wallet.account.currency_id, Cadence::Day);
        set_drip(wallet, subscription, rules.get(&daily), work.at);
    }
    wallets.save(work.tx, work.at).await
}

/// At the end of a window, of a period or a month: what is left ends, some of it rolls over, and the
/// next window's credits are granted, as the plan gives that is in force from here on. Daily windows
/// end by themselves, in [`super::write_due`], up to the end of the subscription's period.
pub async fn period_renewed(
    work: &mut Work<'_, '_, '_>,
    subscription: &Subscription,
    plan: &Plan,
    window: Period,
    cadence: Cadence,
) -> Result<(), DbError> {
    let rules = rules(plan);
    let mut wallets = Wallets::of(work, subscription, &rules).await?;
    for wallet in &mut wallets.0 {
        let rule = rules.get(&(wallet.account.currency_id, cadence)).copied().unwrap_or_default();
        let rest = wallet.take_lapsed(subscription.id, cadence, window.start);
        let daily = (wallet.account.currency_id, Cadence::Day);
        let begins = set_drip(wallet, subscription, rules.get(&daily), work.at);
        if subscription.status == Status::PastDue {
            continue;
        }
        let (rollover, end) = (rest.min(rule.rollover_cap), Some(window.end));
        wallet.grant_window(
            subscription.id,
            cadence,
            rollover,
            rule.amount,
            end,
            work.at,
            &work.by.ids,
        );
        if let Some(Rule { amount, .. }) = rules.get(&daily).filter(|_| begins) {
            let end = Some(next_midnight(work.at));
            wallet.grant_window(
                subscription.id,
                Cadence::Day,
                0,
                *amount,
                end,
                work.at,
                &work.by.ids,
            );
        }
    }
    wallets.save(work.tx, work.at).await
}

/// Ends plan, daily and rollover grants of a subscription; promotional ones and packages stay.
pub async fn subscription_ended(
    work: &mut Work<'_, '_, '_>,
    subscription: &Subscription,
) -> Result<(), DbError> {
    let mut wallets = Wallets::all(work, subscription).await?;
    for wallet in &mut wallets.0 {
        wallet.end_of_subscription(subscription.id, work.at, &work.by.ids);
    }
    wallets.save(work.tx, work.at).await
}

/// Every wallet of a subscription's customer, up to date, with the daily grants to come.
struct Wallets(Vec<Wallet>);

impl Wallets {
    /// All there are, and those that these rules need.
    async fn of(
        work: &mut Work<'_, '_, '_>,
        subscription: &Subscription,
        rules: &Rules,
    ) -> Result<Self, DbError> {
        for (currency, _) in rules.keys() {
            sql::make(
                work.tx,
                work.tenant,
                subscription.customer_no,
                *currency,
                work.at,
                &work.by.ids,
            )
            .await?;
        }
        Self::all(work, subscription).await
    }

    async fn all(
        work: &mut Work<'_, '_, '_>,
        subscription: &Subscription,
    ) -> Result<Self, DbError> {
        let mut wallets = sql::all_of_customer(
            work.tx,
            work.tenant,
            subscription.customer_no,
            work.at,
            &work.by.ids,
        )
        .await?;
        let drips = wallets.iter_mut().flat_map(|wallet| wallet.drips.iter_mut().flatten());
        for drip in drips.filter(|drip| drip.subscription_id == subscription.id) {
            // Its row may not have been written yet.
            drip.until = subscription.current_period.map(|period| period.end);
            drip.paused = subscription.status == Status::PastDue;
        }
        Ok(Self(wallets))
    }

    fn get(&mut self, currency: CreditCurrencyId) -> Option<&mut Wallet> {
        self.0.iter_mut().find(|wallet| wallet.account.currency_id == currency)
    }

    async fn save(self, tx: &mut Tx<'_, '_>, at: Time) -> Result<(), DbError> {
        sql::save_all(tx, &self.0, at).await
    }
}

/// Sets the daily grants of a subscription to a wallet from the next midnight on, or ends them, and
/// tells whether they begin: the first day is the caller's to grant.
fn set_drip(
    wallet: &mut Wallet,
    subscription: &Subscription,
    rule: Option<&Rule>,
    at: Time,
) -> bool {
    let Rule { amount, rollover_cap } = rule.copied().unwrap_or_default();
    let id = subscription.id;
    let drips = wallet.drips.get_or_insert_default();
    let known = drips.iter_mut().find(|drip| drip.subscription_id == id);
    if let Some(drip) = known {
        (drip.amount, drip.rollover_cap) = (amount, rollover_cap);
        return false;
    }
    if amount > 0 {
        let next_at = next_midnight(at);
        let until = subscription.current_period.map(|period| period.end);
        let paused = subscription.status == Status::PastDue;
        drips.push(Drip { subscription_id: id, amount, rollover_cap, next_at, until, paused });
    }
    amount > 0
}
