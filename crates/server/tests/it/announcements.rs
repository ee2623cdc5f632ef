//! Events that no request asks for: a balance is low, a limit is reached, a card expires, money goes
//! back. Each is recorded with its change, and once.

use crate::on_both_stores;
use crate::support::{
    Engine, Request, Shop, Test, event_with, get, monthly, new_invoice, post, with,
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use unitpay::testing::audit::Actor;
use unitpay::testing::credits::{self, GrantSource};
use unitpay::testing::db::{DbError, Lane, Sql, Tx, sql};
use unitpay::testing::jobs;
use unitpay::testing::work::Work;

const DAY: u64 = 86_400;
const EVENTS: Sql = sql("SELECT COUNT(*) FROM events");
const OF_LIMITS: Sql = sql("SELECT COUNT(*) FROM events WHERE type = 'usage.limit_reached'");
const OF_CARDS: Sql = sql("SELECT COUNT(*) FROM events WHERE type = 'payment_method.expiring'");
const EXPIRE: Sql = sql("UPDATE payment_methods SET exp_month = $1, exp_year = $2");

impl Test {
    /// The published events of these types, oldest first; what was recorded by now is published.
    async fn summarize(&self, prefix: &str) -> Vec<Value> {
        self.publish().await;
        let list = self.call(get("/v1/events?limit=100").key(&self.key)).await.expect(200).json();
        let mut summarize = list["data"].as_array().unwrap().clone();
        summarize.retain(|event| event["type"].as_str().unwrap().starts_with(prefix));
        summarize.reverse();
        summarize
    }

    async fn told_types(&self, prefix: &str) -> Vec<String> {
        let summarize = self.summarize(prefix).await;
        summarize.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }

    /// Tracks an event of a customer under this key.
    pub async fn use_up(&self, name: &str, key: &str, quantity: i64) {
        let event = event_with("one", name, key, json!({ "quantity": quantity }));
        assert_eq!(self.tracked(json!([event])).await, []);
    }

    pub async fn promote(&self, shop: &Shop, amount: i64) {
        self.grant(shop.wallet("one"), GrantSource::Promotional, amount, None).await;
    }

    /// Sets the expiry of every card.
    pub async fn cards_expire(&self, month: i64, year: i64) {
        let set = self.app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            tx.execute(&EXPIRE, &[month.into(), year.into()]).await
        });
        assert!(set.await.unwrap() > 0);
    }
}

on_both_stores! {
    async fn balance_is_announced_once_until_it_rises(t) {
        let shop = t.shop().await;
        let customer = t.subscriber(&shop, "one").await;
        // A unit costs 1.5 credits.
        t.promote(&shop, 100).await;
        t.use_up("generate", "a", 60).await;
        assert_eq!(t.told_types("credits.").await, ["credits.granted"]);
        // 10 of 100 are not low; 8 are.
        let before = t.count(&EVENTS).await;
        t.use_up("generate", "b", 1).await;
        assert_eq!(t.count(&EVENTS).await, before + 1);
        t.use_up("generate", "b", 1).await;
        t.use_up("generate", "c", 1).await;
        assert_eq!(t.told_types("credits.").await, ["credits.granted", "credits.low"]);
        t.use_up("generate", "d", 4).await;
        let events = json!([event_with("one", "generate", "e", json!({ "quantity": 1 }))]);
        assert_eq!(t.tracked(events).await, [(0, "rejected_insufficient_credits".to_owned())]);
        let summarize = t.summarize("credits.").await;
        let last = summarize.last().unwrap();
        assert_eq!((summarize.len(), &last["type"]), (3, &json!("credits.exhausted")));
        assert_eq!((&last["data"]["object"], &last["customerId"]), (&t.wallet("one").await, &json!(customer)));
        assert_eq!(last["data"]["object"]["balance"], 0);
        // It rises, and falls to nothing at once.
        t.promote(&shop, 30).await;
        t.use_up("generate", "f", 20).await;
        assert_eq!(t.told_types("credits.").await[3..], ["credits.granted", "credits.low", "credits.exhausted"]);
    }

    async fn balance_is_low_below_the_threshold_of_the_rule(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "one").await;
        t.promote(&shop, 100).await;
        let package = t.make("credit-packages", json!({
            "creditCurrencyId": shop.credits, "name": "P", "credits": 500, "price": 999, "currency": "USD",
        })).await;
        let rule = json!({ "enabled": false, "threshold": 60, "mode": "package", "packageId": package });
        let path = format!("/v1/customers/one/auto-topup-rules/{}", shop.credits);
        t.call(Request::new("PUT", path).json(&rule).key(&t.key)).await.expect(200);
        t.use_up("generate", "a", 26).await;
        assert_eq!(t.told_types("credits.").await, ["credits.granted"]);
        t.use_up("generate", "b", 1).await;
        assert_eq!(t.told_types("credits.").await, ["credits.granted", "credits.low"]);
        // A reversal lowers a balance, too, and credits that were bought are granted.
        t.card("one", "pm_sandbox_visa").await;
        let order = json!({ "creditCurrencyId": shop.credits, "packageId": package });
        t.ask("customers/one/top-ups", order).await;
        let wallet = t.wallet("one").await;
        for entry in t.ledger(&wallet).await.iter().filter(|entry| entry["type"] == "grant") {
            t.of_wallet(&wallet, "refunds", json!({ "ledgerEntryId": entry["id"] })).await.expect(201);
        }
        assert_eq!(t.balance("one").await, 0);
        assert_eq!(t.told_types("credits.").await[2..], ["credits.granted", "credits.low", "credits.exhausted"]);
    }

    async fn rolled_back_debit_announces_nothing(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "one").await;
        t.promote(&shop, 30).await;
        let before = t.count(&EVENTS).await;
        let key = (t.customer_no("one").await, shop.credits.parse().unwrap());
        let (tenant, by, at) = (t.tenant, t.app.by(Actor::System), t.app.clock.now());
        let failed = t.app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            let mut work = Work { tx, tenant: &tenant, at, by: &by };
            let mut wallets = credits::lock(&mut work, &[key]).await?;
            assert!(wallets[0].debit(30, by.ids.event(), work.stamp()));
            credits::save(&mut work, &wallets).await?;
            Err::<(), _>(DbError::Broken("rolled back"))
        });
        failed.await.unwrap_err();
        assert_eq!(t.count(&EVENTS).await, before);
        t.use_up("generate", "a", 19).await;
        assert_eq!(t.told_types("credits.").await, ["credits.granted", "credits.low"]);
    }

    async fn grants_of_plans_are_announced_but_not_their_end(t) {
        let rules = |credits: &str| json!([
            { "creditCurrencyId": credits, "amount": 100, "cadence": "period" },
        ]);
        let shop = t.shop_granting(rules).await;
        t.subscriber(&shop, "one").await;
        assert_eq!(t.told_types("credits.").await, ["credits.granted"]);
        // The period ends and with it what is left, before the renewal grants the next.
        t.advance(31 * DAY);
        assert_eq!(t.balance("one").await, 0);
        unitpay::testing::flows::due::run_all(&t.app).await.unwrap();
        assert_eq!((t.balance("one").await, t.told_types("credits.").await), (100, vec!["credits.granted".into(); 2]));
        // Promotional credits end for good.
        t.use_up("generate", "a", 66).await;
        let soon = t.app.clock.now().plus_seconds(60);
        let wallet = t.wallet("one").await;
        let body = json!({ "amount": 5_000, "expiresAt": soon });
        t.of_wallet(&wallet, "grants", body).await.expect(201);
        t.advance(60);
        assert_eq!(t.balance("one").await, 1);
        assert_eq!(t.told_types("credits.").await[2..], ["credits.low", "credits.granted", "credits.low"]);
    }

    async fn limit_is_announced_once_in_a_usage_period(t) {
        let shop = t.shop().await;
        let customer = t.subscriber(&shop, "one").await;
        t.use_up("call", "a", 99).await;
        assert_eq!(t.count(&OF_LIMITS).await, 0);
        t.use_up("call", "b", 1).await;
        assert_eq!(t.count(&OF_LIMITS).await, 1);
        t.use_up("call", "b", 1).await;
        t.use_up("call", "c", 50).await;
        // A metric without a limit.
        t.use_up("hit", "d", 1).await;
        let summarize = t.summarize("usage.").await;
        let path = format!("/v1/usage?customerId=one&metricId={}", shop.call);
        let usage = t.call(get(path).key(&t.key)).await.expect(200).json();
        assert_eq!((summarize.len(), &summarize[0]["data"]["object"]), (1, &usage));
        assert_eq!((&usage["limit"], &usage["usage"]), (&json!(100), &json!("150")));
        assert_eq!((&summarize[0]["type"], &summarize[0]["customerId"]), (&json!("usage.limit_reached"), &json!(customer)));
        // The next period has its own.
        t.advance(31 * DAY);
        unitpay::testing::flows::due::run_all(&t.app).await.unwrap();
        t.use_up("call", "e", 99).await;
        assert_eq!(t.count(&OF_LIMITS).await, 1);
        t.use_up("call", "f", 3).await;
        assert_eq!(t.count(&OF_LIMITS).await, 2);
    }

    async fn raised_limit_is_announced_when_it_is_reached(t) {
        let shop = t.shop().await;
        let list = t.call(get("/v1/features?limit=100").key(&t.key)).await.expect(200).json();
        let calls = list["data"].as_array().unwrap().iter().find(|one| one["slug"] == "calls").unwrap();
        let logins = json!({ "productId": shop.product, "slug": "logins", "name": "L", "type": "metered", "metricId": shop.login });
        let logins = t.make("features", logins).await;
        let plan = json!({ "productId": shop.product, "entitlements": [
            { "featureId": calls["id"], "type": "metered", "limit": 200 },
            { "featureId": logins, "type": "metered", "limit": 2 },
        ] });
        let larger = t.plan(with(monthly("larger", json!([])), plan)).await;
        t.subscriber(&shop, "one").await;
        t.use_up("call", "a", 150).await;
        let subscription = t.subscription_of("one").await;
        t.of_subscription(&subscription, "change-plan", json!({ "planId": larger })).await.expect(200);
        t.use_up("call", "b", 49).await;
        assert_eq!(t.count(&OF_LIMITS).await, 1);
        t.use_up("call", "c", 1).await;
        assert_eq!(t.count(&OF_LIMITS).await, 2);
        // Distinct values count once, also in one request.
        let login = |key: &str, user: &str| event_with("one", "login", key, json!({ "properties": { "user": user } }));
        assert_eq!(t.tracked(json!([login("d", "ada"), login("e", "ada")])).await, []);
        assert_eq!(t.count(&OF_LIMITS).await, 2);
        assert_eq!(t.tracked(json!([login("f", "bob"), login("g", "cy")])).await, []);
        assert_eq!(t.count(&OF_LIMITS).await, 3);
    }

    async fn card_is_announced_once_before_it_expires(t) {
        t.payer("one").await;
        t.cards_expire(1, 2030).await;
        let announce = async || jobs::announce(&t.app).await.unwrap();
        // 31 days before the end of January.
        announce().await;
        assert_eq!(t.count(&OF_CARDS).await, 0);
        t.advance(DAY);
        announce().await;
        announce().await;
        assert_eq!(t.count(&OF_CARDS).await, 1);
        let summarize = t.summarize("payment_method.expiring").await;
        assert_eq!(summarize[0]["data"]["object"]["card"]["expYear"], 2030);
        assert_eq!(summarize[0]["data"]["object"]["customerId"], summarize[0]["customerId"]);
        // The bank renews it.
        t.cards_expire(3, 2030).await;
        announce().await;
        t.advance(50 * DAY);
        announce().await;
        assert_eq!(t.count(&OF_CARDS).await, 1);
        t.advance(9 * DAY);
        announce().await;
        assert_eq!(t.count(&OF_CARDS).await, 2);
        // Cards that have expired are no news, and those of archived customers neither.
        t.cards_expire(12, 2029).await;
        announce().await;
        t.cards_expire(3, 2030).await;
        t.call(post("/v1/customers/one/archive", &json!({})).key(&t.key)).await.expect(200);
        announce().await;
        assert_eq!(t.count(&OF_CARDS).await, 2);
    }

    async fn card_is_announced_while_the_test_clock_advances(t) {
        t.payer("one").await;
        t.cards_expire(6, 2030).await;
        t.clock_to("2030-05-31T23:59:59Z").await;
        assert_eq!(t.count(&OF_CARDS).await, 0);
        t.clock_to("2030-12-01T00:00:00Z").await;
        jobs::announce(&t.app).await.unwrap();
        assert_eq!(t.count(&OF_CARDS).await, 1);
    }

    async fn credit_note_announces_the_invoice_and_each_refund(t) {
        t.customer("one").await;
        t.card("one", "pm_sandbox_visa").await;
        let no = t.customer_no("one").await;
        let invoice = t.issue(t.tenant, no, new_invoice(&[10_000])).await.unwrap().unwrap().id.to_string();
        t.pay(&invoice, json!({})).await.expect(200);
        for amount in [3_000, 2_000] {
            let note = json!({ "amount": amount, "reason": "other", "refundAmount": amount });
            t.note(&invoice, note).await.expect(201);
            jobs::bill(&t.app).await.unwrap();
        }
        let refused = json!({ "amount": 6_000, "reason": "other" });
        t.note(&invoice, refused).await.expect(422);
        assert_eq!(t.told_types("invoice.credited").await.len(), 2);
        let summarize = t.summarize("invoice.credited").await;
        assert_eq!(summarize[0]["data"]["object"]["id"], invoice.as_str());
        let refunded = t.summarize("payment.refunded").await;
        let charged = &t.summarize("payment.succeeded").await[0]["data"]["object"]["id"];
        let ids: Vec<&Value> = refunded.iter().map(|event| &event["data"]["object"]["id"]).collect();
        assert_eq!(ids, [charged, charged]);
    }
}

/// Two nodes that look at once announce each card once, and requests on both reach a limit once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_announce_each_thing_once() {
    let one = Test::start(Engine::Postgres).await;
    let two = one.another_node().await;
    let shop = one.shop().await;
    one.subscriber(&shop, "one").await;
    for name in ["a", "b", "c", "d"] {
        one.payer(name).await;
    }
    one.cards_expire(1, 2030).await;
    for node in [&one, &two] {
        node.advance(DAY);
    }
    for looked in join_all([&one, &two, &one, &two].map(|node| jobs::announce(&node.app))).await {
        looked.unwrap();
    }
    assert_eq!(one.count(&OF_CARDS).await, 4);
    let requests = (0..20).map(|n| {
        let node = [&one, &two][n % 2];
        let event = event_with("one", "call", &n.to_string(), json!({ "quantity": 10 }));
        async move { node.tracked(json!([event])).await }
    });
    join_all(requests).await;
    assert_eq!(one.count(&OF_LIMITS).await, 1);
}
