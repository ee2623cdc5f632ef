//! The ledger after random histories: the balance equals the remaining grants and the last entry,
//! and everything matches an independent model.

use crate::on_both_stores;
use crate::support::{Shop, Test, event_with, get};
use serde_json::{Value, json};
use unitpay::testing::base::Time;
use unitpay::testing::credits::GrantSource;

const DAY: i64 = 86_400;
/// The plan's daily credits, and their rollover cap.
const DAILY: i64 = 20;
const CAP: i64 = 7;

on_both_stores! {
    async fn random_history_keeps_balance_grants_and_ledger_equal(t) {
        let shop = t.shop_granting(|credits| json!([
            { "creditCurrencyId": credits, "amount": DAILY, "cadence": "day", "rolloverCap": CAP },
        ])).await;
        for seed in 1..=6 {
            let customer = format!("c{seed}");
            t.subscriber(&shop, &customer).await;
            let mut history = History { model: Model::new(t.app.clock.now()), dice: Dice(seed), customer, step: 0 };
            for _ in 0..60 {
                history.step(&t, &shop).await;
            }
            history.check(&t).await;
        }
    }
}

/// A small random generator. Its seed is fixed, so each run is the same.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as i64 % sides
    }
}

/// The documented rules in independent code: one list of lots, no ledger.
struct Model {
    lots: Vec<Lot>,
    frozen: bool,
    midnight: i64,
    made: i64,
}

#[derive(Clone, Debug)]
struct Lot {
    class: i64,
    end: Option<i64>,
    made: i64,
    left: i64,
    daily: bool,
}

impl Model {
    fn new(now: Time) -> Self {
        let mut model = Self {
            lots: Vec::new(),
            frozen: false,
            midnight: (now.seconds() / DAY + 1) * DAY,
            made: 0,
        };
        model.add(0, Some(model.midnight), DAILY, true);
        model
    }

    fn add(&mut self, class: i64, end: Option<i64>, left: i64, daily: bool) {
        self.made += 1;
        self.lots.push(Lot { class, end, made: self.made, left, daily });
    }

    fn balance(&self) -> i64 {
        self.lots.iter().map(|lot| lot.left).sum()
    }

    /// Advances time event by event: lots expire, and each midnight grants its day.
    fn pass_to(&mut self, now: i64) {
        while self.midnight <= now {
            let midnight = self.midnight;
            let rest: i64 = self
                .lots
                .iter()
                .filter(|lot| lot.daily && lot.end == Some(midnight))
                .map(|lot| lot.left)
                .sum();
            self.lots.retain(|lot| lot.end.is_none_or(|end| end > midnight));
            self.midnight += DAY;
            self.add(5, Some(self.midnight), rest.min(CAP), false);
            self.add(0, Some(self.midnight), DAILY, true);
        }
        self.lots.retain(|lot| lot.end.is_none_or(|end| end > now));
    }

    fn spend(&mut self, amount: i64) -> bool {
        if self.frozen && amount > 0 || amount > self.balance() {
            return false;
        }
        self.lots.sort_by_key(|lot| (lot.class, lot.end.unwrap_or(i64::MAX), lot.made));
        let mut due = amount;
        for lot in &mut self.lots {
            let taken = lot.left.min(due);
            (lot.left, due) = (lot.left - taken, due - taken);
        }
        true
    }
}

struct History {
    model: Model,
    dice: Dice,
    customer: String,
    step: i64,
}

impl History {
    async fn step(&mut self, t: &Test, shop: &Shop) {
        self.step += 1;
        match self.dice.roll(10) {
            0..=4 => self.spend(t).await,
            5 => {
                let (amount, days) = (1 + self.dice.roll(30), self.dice.roll(4));
                let end = (days > 0).then(|| t.app.clock.now().plus_seconds(days * DAY / 2));
                let (source, class) = [(GrantSource::Promotional, 30), (GrantSource::Package, 50)]
                    [self.dice.roll(2) as usize];
                t.grant(shop.wallet(&self.customer), source, amount, end).await;
                self.model.add(class, end.map(Time::seconds), amount, false);
            }
            6 => {
                let frozen = !self.model.frozen;
                let wallet = t.wallet(&self.customer).await;
                t.of_wallet(&wallet, if frozen { "freeze" } else { "unfreeze" }, json!({}))
                    .await
                    .expect(200);
                self.model.frozen = frozen;
            }
            7 => self.give_back(t).await,
            _ => {
                let hours = 1 + self.dice.roll(40);
                t.advance(hours.unsigned_abs() * 3_600);
                self.model.pass_to(t.app.clock.now().seconds());
            }
        }
        if self.step % 10 == 0 {
            assert_eq!(
                t.balance(&self.customer).await,
                self.model.balance(),
                "{} at step {}",
                self.customer,
                self.step
            );
        }
    }

    /// Several events at once, some of which may exceed the balance. Each is accepted or rejected
    /// independently.
    async fn spend(&mut self, t: &Test) {
        let quantities: Vec<i64> = (0..=self.dice.roll(3)).map(|_| self.dice.roll(16)).collect();
        let events: Vec<Value> = quantities
            .iter()
            .enumerate()
            .map(|(n, quantity)| {
                event_with(
                    &self.customer,
                    "generate",
                    &format!("{}-{n}", self.step),
                    json!({ "quantity": quantity }),
                )
            })
            .collect();
        let refused: Vec<i64> =
            t.tracked(json!(events)).await.iter().map(|(index, _)| *index).collect();
        let modelled: Vec<i64> = quantities
            .iter()
            .enumerate()
            // 1.5 credits each, rounded up.
            .filter(|(_, quantity)| !self.model.spend((*quantity * 3 + 1) / 2))
            .map(|(n, _)| n as i64)
            .collect();
        assert_eq!(refused, modelled, "{} at step {}", self.customer, self.step);
    }

    /// Reverses the newest grant with remaining credits.
    async fn give_back(&mut self, t: &Test) {
        let wallet = t.wallet(&self.customer).await;
        let ledger = t.ledger(&wallet).await;
        let grants = wallet["grants"].as_array().unwrap();
        let Some(grant) = grants.iter().find(|grant| grant["source"] == "promotional") else {
            return;
        };
        let entry = ledger
            .iter()
            .find(|entry| entry["grantId"] == grant["id"] && entry["type"] == "grant")
            .unwrap();
        let reversal = t
            .of_wallet(&wallet, "refunds", json!({ "ledgerEntryId": entry["id"] }))
            .await
            .expect(201)
            .json();
        let end = grant["expiresAt"]
            .as_str()
            .map(|text| text.parse::<jiff::Timestamp>().unwrap().as_second());
        let left = grant["remaining"].as_i64().unwrap();
        assert_eq!(reversal["amount"], -left);
        let lot = self
            .model
            .lots
            .iter_mut()
            .find(|lot| lot.class == 30 && lot.end == end && lot.left == left)
            .unwrap();
        lot.left = 0;
    }

    async fn check(&self, t: &Test) {
        let wallet = t.wallet(&self.customer).await;
        let balance = wallet["balance"].as_i64().unwrap();
        assert_eq!(balance, self.model.balance(), "{}", self.customer);
        let grants = wallet["grants"].as_array().unwrap();
        let left: Vec<i64> =
            grants.iter().map(|grant| grant["remaining"].as_i64().unwrap()).collect();
        assert_eq!(balance, left.iter().sum::<i64>());
        let mut lots = self.model.lots.clone();
        lots.sort_by_key(|lot| (lot.class, lot.end.unwrap_or(i64::MAX), lot.made));
        assert_eq!(
            left,
            lots.iter().map(|lot| lot.left).filter(|left| *left > 0).collect::<Vec<_>>()
        );
        let (mut sum, mut last) = (0, String::new());
        for entry in t.ledger(&wallet).await {
            sum += entry["amount"].as_i64().unwrap();
            assert_eq!(entry["balanceAfter"], sum);
            assert!(sum >= 0 && entry["createdAt"].as_str().unwrap() >= last.as_str());
            last = entry["createdAt"].as_str().unwrap().to_owned();
        }
        assert_eq!(balance, sum);
        let stats =
            format!("/v1/credits/stats?creditAccountId={}&days=92", wallet["id"].as_str().unwrap());
        let stats = t.call(get(stats).key(&t.key)).await.expect(200).json();
        let part = |name: &str| stats[name].as_i64().unwrap();
        assert_eq!(part("granted") - part("used") - part("expired"), balance);
    }
}
