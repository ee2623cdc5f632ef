//! Credits come with what was paid, in proportion: the worked examples of docs/billing.md.

use crate::on_both_stores;
use crate::support::{Test, event_with, flat, monthly, post, summarize, with, yearly};
use serde_json::{Value, json};

/// Grant rules of a cadence.
fn rule(credits: &str, cadence: &str, amount: i64) -> Value {
    json!({ "creditCurrencyId": credits, "amount": amount, "cadence": cadence, "rolloverCap": 0 })
}

impl Test {
    /// A plan that gives credits of the shop.
    async fn granting(&self, shop: &crate::support::Shop, plan: Value, rules: Value) -> String {
        let entitlements = json!([{ "featureId": shop.generation, "type": "credit" }]);
        let more = json!({ "productId": shop.product, "isPublic": true, "grantRules": rules, "entitlements": entitlements });
        self.plan(with(plan, more)).await
    }

    /// Spends a multiple of 3 credits; a unit costs 1.5.
    async fn spend(&self, customer: &str, key: &str, credits: i64) {
        let quantity = json!({ "quantity": credits / 3 * 2 });
        assert_eq!(
            self.tracked(json!([event_with(customer, "generate", key, quantity)])).await,
            []
        );
    }

    /// Adds a card and makes it the default.
    async fn switch_card(&self, customer: &str, token: &str) {
        let card = self.card(customer, token).await;
        let path = format!("/v1/payment-methods/{card}/default");
        self.call(post(path, &json!({})).key(&self.key)).await.expect(200);
    }

    async fn change(&self, subscription: &Value, plan: &str) -> Value {
        let body = json!({ "planId": plan });
        self.of_subscription(subscription, "change-plan", body).await.expect(200).json()["kind"]
            .clone()
    }
}

on_both_stores! {
    async fn upgrade_before_the_end_grants_the_share_of_the_rest(t) {
        let shop = t.shop().await;
        let small = t.granting(&shop, monthly("small", flat(500)), json!([rule(&shop.credits, "period", 100)])).await;
        let large = t.granting(&shop, monthly("large", flat(50_000_000)), json!([rule(&shop.credits, "period", 1_000_000)])).await;
        t.payer("one").await;
        let subscription = t.buy("one", &small, 1).await;
        t.clock_to("2030-01-31T23:55:00Z").await;
        assert_eq!(t.change(&subscription, &large).await, "charged_inline");
        assert_eq!(t.balance("one").await, 100 + 111);
        t.clock_to("2030-02-01T00:00:00Z").await;
        assert_eq!(t.balance("one").await, 1_000_000);
    }

    async fn equal_price_change_to_and_fro_grants_no_more_than_its_share(t) {
        let shop = t.shop().await;
        let few = t.granting(&shop, monthly("few", flat(500)), json!([rule(&shop.credits, "period", 100)])).await;
        let many = t.granting(&shop, monthly("many", flat(500)), json!([rule(&shop.credits, "period", 1_000)])).await;
        t.payer("one").await;
        let subscription = t.buy("one", &few, 1).await;
        let mut balances = Vec::new();
        for (at, plan) in [
            ("2030-01-16T12:00:00Z", &many), ("2030-01-16T12:00:00Z", &few), ("2030-01-16T12:00:00Z", &many),
            ("2030-01-24T06:00:00Z", &few), ("2030-01-24T06:00:00Z", &many),
        ] {
            t.clock_to(at).await;
            t.change(&subscription, plan).await;
            balances.push(t.balance("one").await);
        }
        assert_eq!(balances, [550; 5]);
    }

    async fn restart_ends_the_old_window_and_deducts_early_use(t) {
        let shop = t.shop().await;
        let month = t.granting(&shop, monthly("month", flat(1_000)), json!([rule(&shop.credits, "month", 310)])).await;
        let year = t.granting(&shop, yearly("year", flat(10_000)), json!([rule(&shop.credits, "month", 310)])).await;
        for (customer, used) in [("thrifty", 90), ("even", 120), ("eager", 240), ("greedy", 309)] {
            t.payer(customer).await;
            t.buy(customer, &month, 1).await;
            t.spend(customer, "a", used).await;
            assert_eq!(t.balance(customer).await, 310 - used, "{customer}");
        }
        // Twelve of 31 days have passed: 120 of 310.
        t.clock_to("2030-01-13T00:00:00Z").await;
        for (customer, granted) in [("thrifty", 310), ("even", 310), ("eager", 190), ("greedy", 121)] {
            let subscription = t.subscription_of(customer).await;
            assert_eq!(t.change(&subscription, &year).await, "charged_inline", "{customer}");
            assert_eq!(t.balance(customer).await, granted, "{customer}");
        }
    }

    async fn upgrade_after_a_restart_gives_back_no_early_use(t) {
        let shop = t.shop().await;
        let month = t.granting(&shop, monthly("month", flat(1_000)), json!([rule(&shop.credits, "period", 100)])).await;
        let year = t.granting(&shop, yearly("year", flat(12_000)), json!([rule(&shop.credits, "month", 100)])).await;
        let large = t.granting(&shop, yearly("large", flat(60_000)), json!([rule(&shop.credits, "period", 6_000)])).await;
        t.payer("one").await;
        let subscription = t.buy("one", &month, 1).await;
        t.spend("one", "a", 87).await;
        assert_eq!(t.change(&subscription, &year).await, "charged_inline");
        assert_eq!(t.balance("one").await, 13);
        // 6,000 for the year, of which 87 are used and 13 are left.
        assert_eq!(t.change(&subscription, &large).await, "charged_inline");
        assert_eq!(t.balance("one").await, 6_000 - 87);
    }

    async fn early_use_beyond_a_window_is_deducted_from_the_next(t) {
        let shop = t.shop().await;
        let small = t.granting(&shop, monthly("small", flat(1_000)), json!([rule(&shop.credits, "period", 100)])).await;
        let large = t.granting(&shop, monthly("large", flat(50_000)), json!([rule(&shop.credits, "period", 5_000)])).await;
        let year = t.granting(&shop, yearly("year", flat(12_000)), json!([rule(&shop.credits, "month", 100)])).await;
        t.payer("one").await;
        let subscription = t.buy("one", &small, 1).await;
        t.clock_to("2030-01-29T00:00:00Z").await;
        assert_eq!(t.change(&subscription, &large).await, "charged_inline");
        assert_eq!(t.balance("one").await, 100 + 474);
        t.spend("one", "a", 573).await;
        // The unused time of the large plan is credited, so 573 less the 91 of the elapsed time are owed.
        assert_eq!(t.change(&subscription, &year).await, "charged_inline");
        let mut balances = vec![t.balance("one").await];
        for end in ["02-28", "03-29", "04-29", "05-29", "06-29"] {
            t.clock_to(&format!("2030-{end}T00:00:00Z")).await;
            balances.push(t.balance("one").await);
        }
        assert_eq!(balances, [1, 1, 1, 1, 100 - (482 - 4 * 99), 100]);
    }

    async fn first_paid_window_is_never_empty(t) {
        let shop = t.shop().await;
        let free = t.granting(&shop, monthly("free-plan", flat(0)), json!([rule(&shop.credits, "period", 300)])).await;
        let paid = t.granting(&shop, monthly("paid", flat(1_000)), json!([rule(&shop.credits, "period", 300)])).await;
        let year = t.granting(&shop, yearly("year", flat(9_000)), json!([rule(&shop.credits, "period", 300)])).await;
        t.payer("one").await;
        let subscription = t.buy("one", &free, 1).await;
        t.spend("one", "a", 300).await;
        assert_eq!(t.balance("one").await, 0);
        assert_eq!(t.change(&subscription, &paid).await, "charged_inline");
        assert_eq!(t.balance("one").await, 300);
        // All of it used in the first second, and then the year, which credits the whole month.
        t.spend("one", "b", 300).await;
        assert_eq!(t.change(&subscription, &year).await, "charged_inline");
        assert_eq!(t.balance("one").await, 1);
    }

    async fn trial_ends_and_is_charged_when_the_new_plan_has_none(t) {
        let shop = t.shop().await;
        let trial = |days: i64| json!({ "trialDays": days });
        let tried = t.granting(&shop, with(monthly("tried", flat(500)), trial(14)), json!([rule(&shop.credits, "period", 100)])).await;
        let longer = t.granting(&shop, with(monthly("longer", flat(700)), trial(30)), json!([rule(&shop.credits, "period", 100)])).await;
        let shorter = t.granting(&shop, with(monthly("shorter", flat(700)), trial(7)), json!([rule(&shop.credits, "period", 200)])).await;
        let none = t.granting(&shop, monthly("none", flat(900)), json!([rule(&shop.credits, "period", 1_000)])).await;
        for customer in ["one", "two"] {
            t.payer(customer).await;
            t.buy(customer, &tried, 1).await;
        }
        t.clock_to("2030-01-04T12:00:00Z").await;
        let subscription = t.subscription_of("one").await;
        assert_eq!(t.change(&subscription, &longer).await, "created_no_charge");
        let kept = t.subscription_of("one").await;
        assert_eq!((&kept["status"], &kept["trialEnd"]), (&json!("trialing"), &json!("2030-01-15T00:00:00.000Z")));
        assert_eq!(t.change(&subscription, &shorter).await, "created_no_charge");
        let kept = t.subscription_of("one").await;
        assert_eq!((&kept["status"], &kept["trialEnd"]), (&json!("trialing"), &json!("2030-01-08T00:00:00.000Z")));
        // Half of the trial of seven days is left, for 100 more.
        assert_eq!(t.balance("one").await, 150);
        assert_eq!(t.invoices_of("one").await.len(), 0);

        let subscription = t.subscription_of("two").await;
        assert_eq!(t.change(&subscription, &none).await, "charged_inline");
        let paid = t.subscription_of("two").await;
        assert_eq!((&paid["status"], &paid["currentBillingPeriodStart"]), (&json!("active"), &json!("2030-01-04T12:00:00.000Z")));
        assert_eq!(paid["trialEnd"], "2030-01-04T12:00:00.000Z");
        assert_eq!((t.balance("two").await, summarize(&t.invoices_of("two").await)), (1_000, vec![("change", "paid", 900)]));
        // The short trial is over after seven days: another change to it would end it at once.
        t.clock_to("2030-01-08T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("one").await), [("renewal", "paid", 700)]);
    }

    async fn period_credits_come_with_the_payment_of_the_period(t) {
        let shop = t.shop().await;
        let rules = |on: Value| {
            let mut period = rule(&shop.credits, "period", 100);
            if on != Value::Null {
                period["grantOn"] = on;
            }
            json!([period, rule(&shop.credits, "day", 5)])
        };
        let usual = t.granting(&shop, monthly("usual", flat(1_000)), rules(Value::Null)).await;
        let early = t.granting(&shop, monthly("early", flat(1_000)), rules(json!("start"))).await;
        let late = t.granting(&shop, monthly("late", flat(1_000)), rules(json!("payment"))).await;
        for customer in ["usual", "early"] {
            t.payer(customer).await;
        }
        for customer in ["sent", "sent-late"] {
            t.make("customers", json!({ "name": "One", "email": "one@example.com", "externalId": customer, "collectionMethod": "send_invoice", "netDays": 10 })).await;
        }
        for (customer, plan) in [("usual", &usual), ("early", &early), ("sent", &usual), ("sent-late", &late)] {
            t.buy(customer, plan, 1).await;
        }
        let balances = async || {
            let mut all = Vec::new();
            for customer in ["usual", "early", "sent", "sent-late"] {
                all.push(t.balance(customer).await);
            }
            all
        };
        assert_eq!(balances().await, [105, 105, 105, 5]);
        let pay = async |customer: &str| {
            let invoice = t.invoices_of(customer).await.pop().unwrap();
            let body = json!({ "amount": 1_000, "reference": "SEPA" });
            t.call(post(format!("/v1/invoices/{}/payments", invoice["id"].as_str().unwrap()), &body).key(&t.key)).await.expect(201);
        };
        pay("sent").await;
        pay("sent-late").await;
        assert_eq!(balances().await, [105, 105, 105, 105]);
        // The cards stop working: the renewal is declined.
        for customer in ["usual", "early"] {
            t.switch_card(customer, "pm_sandbox_declined").await;
        }
        t.clock_to("2030-02-01T06:00:00Z").await;
        assert_eq!(t.subscription_of("usual").await["status"], "past_due");
        // Old windows have ended; those that come with the start were granted before the decline.
        assert_eq!(balances().await, [5, 105, 105, 5]);
        t.clock_to("2030-02-03T06:00:00Z").await;
        assert_eq!(balances().await, [0, 100, 105, 5]);
        // Recovery grants the window that is open and paid, and the day.
        t.switch_card("usual", "pm_sandbox_visa").await;
        let open = t.invoices_of("usual").await.pop().unwrap();
        t.call(post(format!("/v1/invoices/{}/pay", open["id"].as_str().unwrap()), &json!({})).key(&t.key)).await.expect(200);
        assert_eq!((t.subscription_of("usual").await["status"].clone(), t.balance("usual").await), (json!("active"), 105));
        t.clock_to("2030-02-04T00:00:00Z").await;
        assert_eq!(t.balance("usual").await, 105);
    }

    async fn recovery_grants_each_open_window_once(t) {
        let shop = t.shop().await;
        let rules = json!([rule(&shop.credits, "period", 1_000), rule(&shop.credits, "month", 10)]);
        let year = t.granting(&shop, yearly("year", flat(9_000)), rules).await;
        t.make("customers", json!({ "name": "One", "email": "one@example.com", "externalId": "one", "collectionMethod": "send_invoice", "netDays": 5 })).await;
        t.buy("one", &year, 1).await;
        assert_eq!(t.balance("one").await, 1_010);
        // Past due from 6 January on, over two month ends: neither month is granted meanwhile.
        t.clock_to("2030-03-10T00:00:00Z").await;
        assert_eq!((t.subscription_of("one").await["status"].clone(), t.balance("one").await), (json!("past_due"), 1_000));
        let invoice = t.invoices_of("one").await.pop().unwrap();
        let path = format!("/v1/invoices/{}/payments", invoice["id"].as_str().unwrap());
        t.call(post(path, &json!({ "amount": 9_000, "reference": "SEPA" })).key(&t.key)).await.expect(201);
        assert_eq!(t.balance("one").await, 1_010);
        t.clock_to("2030-04-01T00:00:00Z").await;
        assert_eq!(t.balance("one").await, 1_010);
    }

    async fn debits_happen_in_the_order_of_events(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "one").await;
        t.grant(shop.wallet("one"), unitpay::testing::credits::GrantSource::Promotional, 6, None).await;
        let event = |key: &str, quantity: i64| event_with("one", "generate", key, json!({ "quantity": quantity }));
        // 3, then 30 for the same key (another content), then 3: the last one still finds its credits.
        let events = json!([event("a", 2), event("a", 20), event("b", 2), event("c", 2), event("a", 2)]);
        let expected = [(1, "rejected_duplicate".to_owned()), (3, "rejected_insufficient_credits".to_owned())];
        assert_eq!(t.tracked(events).await, expected);
        t.grant(shop.wallet("one"), unitpay::testing::credits::GrantSource::Promotional, 6, None).await;
        // The first use of a key is too dear; its repetition is cheaper and comes before the next event.
        let events = json!([event("d", 20), event("d", 4), event("e", 2)]);
        let expected = [(0, "rejected_insufficient_credits".to_owned()), (2, "rejected_insufficient_credits".to_owned())];
        assert_eq!(t.tracked(events).await, expected);
    }

    async fn late_renewal_waits_for_a_payment_in_progress(t) {
        let shop = t.shop().await;
        let rules = json!([with(rule(&shop.credits, "period", 100), json!({ "rolloverCap": 30 }))]);
        let plan = t.granting(&shop, monthly("pro", flat(2_000)), rules).await;
        t.payer("one").await;
        t.buy("one", &plan, 1).await;
        t.switch_card("one", "pm_sandbox_timeout").await;
        // Two months fall due at once, and the result of the first charge is lost. Credits of a month
        // that was paid in time roll over.
        t.advance(60 * 86_400);
        for _ in 0..3 {
            t.bill_what_is_due().await;
            t.advance(61);
        }
        assert_eq!((t.invoices_of("one").await.len(), t.balance("one").await), (3, 130));
    }
}
