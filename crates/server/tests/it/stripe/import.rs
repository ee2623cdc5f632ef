//! Moving in: what maps moves with its card and its date, the rest is listed, nothing is done twice.

use super::stand_in::Fault;
use super::{connect, connected, credentials, unconnected};
use crate::on_both_stores;
use crate::support::{Test, flat, get, monthly, per_unit, post, summarize, with, yearly};
use serde_json::{Value, json};
use std::sync::Arc;
use unitpay::testing::import::{Import, ImportError, Line, Map, Report, pause};

/// 2030-01-31T10:00:00Z, with an anchor a year before.
const MONTH_END: (i64, i64) = (1_864_548_000, 1_896_084_000);
const DAY: i64 = 86_400;

/// The lines of an import, and the code that it stopped with.
struct Done {
    lines: Vec<Value>,
    stopped: Option<&'static str>,
}

impl Done {
    fn lines_of(&self, kind: &str) -> Vec<&Value> {
        self.lines.iter().filter(|line| line["kind"] == kind).collect()
    }

    /// Results and codes of a kind by Stripe's id.
    fn result(&self, kind: &str, id: &str) -> (String, Vec<String>) {
        let name = if kind == "customer" { "stripeCustomer" } else { "stripeSubscription" };
        let line = self.lines_of(kind).into_iter().find(|line| line[name] == id).unwrap();
        let codes = line["codes"].as_array().unwrap().iter();
        let codes = codes.map(|code| code.as_str().unwrap().to_owned()).collect();
        (line["result"].as_str().unwrap().to_owned(), codes)
    }

    fn summary(&self) -> &Value {
        self.lines.last().unwrap()
    }
}

impl Test {
    async fn import(&self, map: &str, dry_run: bool, then_pause: bool) -> Done {
        let mut lines = Vec::new();
        let mut emit = |line: &Line| lines.push(serde_json::to_value(line).unwrap());
        let map = Arc::new(Map::parse(map).unwrap());
        let (app, tenant) = (&*self.app, self.tenant);
        let import = Import { app, tenant, map, dry_run, calls_per_second: 100_000 };
        let mut report = Report::new(dry_run, &mut emit);
        let moved = async {
            let mut all = import.lists().await?;
            import.run(&mut all, &mut report).await?;
            if then_pause {
                pause(&mut all, &mut report, || app.clock.now()).await?;
            }
            Ok::<_, ImportError>(())
        };
        let stopped = moved.await.err().map(|error| error.code());
        report.close();
        Done { lines, stopped }
    }

    async fn subscriptions(&self) -> Vec<Value> {
        let list = self.call(get("/v1/subscriptions?limit=100").key(&self.key)).await;
        list.expect(200).json()["data"].as_array().unwrap().clone()
    }

    /// A plan of 20.00 a month for each unit, and the mapping file with it.
    async fn mapping(&self) -> String {
        let plan = self.plan(monthly("pro", per_unit(2_000))).await;
        format!("external_id = 'metadata.user'\n[plans]\nprice_pro = '{plan}'\n")
    }
}

fn user(name: &str) -> Value {
    let email = format!("{name}@example.com");
    json!({ "name": name, "email": email, "metadata": { "user": name } })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

on_both_stores! {
    async fn import_moves_cards_and_dates_and_renews_there(t) {
        let (t, stand_in) = connected(t.engine).await;
        let map = t.mapping().await;
        let details = json!({
            "address": { "line1": "Weg 1", "city": "Wien", "country": "AT", "postal_code": "1010", "line2": null, "state": null },
            "preferred_locales": ["de"], "tax_exempt": "reverse",
            "tax_ids": { "object": "list", "has_more": false, "url": "/v1/tax_ids",
                "data": [{ "type": "eu_vat", "value": "ATU12345678" }] },
        });
        let ada = stand_in.add_customer(with(user("ada"), details));
        let other = stand_in.save_card(&ada, "pm_card_mastercard");
        let card = stand_in.add_default(&ada, "pm_card_visa");
        let sub = stand_in.add_subscription(&ada, MONTH_END, json!({ "item": { "quantity": 3 } }));
        let bob = stand_in.add_customer(user("bob"));

        // A dry run writes nothing, and reports what would be.
        let (before, calls) = (t.state().await, stand_in.calls().len());
        let dry = t.import(&map, true, false).await;
        assert_eq!((dry.stopped, t.state().await), (None, before));
        assert!(stand_in.calls()[calls..].iter().all(|call| call.key.is_none()));
        assert_eq!(dry.result("subscription", &sub), ("imported".into(), vec![]));
        assert_eq!(dry.lines_of("customer")[0]["customerId"], Value::Null);
        let total = dry.lines_of("total")[0];
        assert_eq!((&total["currency"], &total["stripeAmount"], &total["amount"], &total["difference"]),
            (&json!("USD"), &json!(6_000), &json!(6_000), &json!(0)));
        assert_eq!((&dry.summary()["dryRun"], &dry.summary()["bothActive"]), (&json!(true), &json!(1)));

        let first = t.import(&map, false, false).await;
        assert_eq!((first.stopped, &first.summary()["bothActive"]), (None, &json!(1)));
        assert_eq!(first.result("customer", &bob).0, "imported");
        let shown = t.call(get("/v1/customers/ada").key(&t.key)).await.expect(200).json();
        assert_eq!((&shown["name"], &shown["email"], &shown["locale"], &shown["taxStatus"]),
            (&json!("ada"), &json!("ada@example.com"), &json!("de"), &json!("reverse_charge")));
        assert_eq!((&shown["billingAddress"]["postalCode"], &shown["taxIds"][0]["value"]), (&json!("1010"), &json!("ATU12345678")));
        let ours = &t.subscriptions().await[0];
        assert_eq!((&ours["currentBillingPeriodEnd"], &ours["quantity"], &ours["metadata"]["stripe_subscription"]),
            (&json!("2030-01-31T10:00:00.000Z"), &json!(3), &json!(sub)));

        // Once more changes nothing.
        let before = t.state().await;
        let again = t.import(&map, false, false).await;
        assert_eq!((again.stopped, t.state().await), (None, before));
        assert_eq!(again.result("customer", &ada).0, "known");
        assert_eq!((again.result("subscription", &sub).0.as_str(), &again.summary()["bothActive"]), ("known", &json!(1)));

        // It renews on its date, by the same card of the same customer, and keeps the month's end.
        t.advance(30 * 86_400 + 10 * 3_600 - 1);
        t.bill_what_is_due().await;
        assert_eq!(stand_in.charges(), 0);
        t.advance(1);
        t.bill_what_is_due().await;
        assert_eq!(summarize(&t.invoices_of("ada").await), [("renewal", "paid", 6_000)]);
        let intent = &stand_in.all("payment_intent")[0];
        assert_eq!((&intent["amount"], &intent["customer"], &intent["payment_method"]), (&json!(6_000), &json!(ada), &json!(card)));
        assert_ne!(card, other);
        assert_eq!(t.subscription_of("ada").await["currentBillingPeriodEnd"], "2030-02-28T10:00:00.000Z");
        // The customer and the cards are not made a second time.
        assert_eq!((stand_in.all("customer").len(), stand_in.all("payment_method").len()), (2, 2));
    }

    async fn import_lists_what_does_not_map(t) {
        let (t, stand_in) = connected(t.engine).await;
        let map = t.mapping().await;
        stand_in.set_page(100);
        let one = |more: Value| json!({ "subscription": more });
        let price = |more: Value| json!({ "price": more });
        let recurring = |more: Value| {
            let recurring = json!({ "interval": "month", "interval_count": 1, "meter": null, "trial_period_days": null, "usage_type": "licensed" });
            price(json!({ "recurring": with(recurring, more) }))
        };
        let soon = 1_893_456_000 + DAY;
        let cases: Vec<(&str, Value, (i64, i64))> = vec![
            ("price_not_mapped", price(json!({ "id": "price_other" })), MONTH_END),
            ("amount_differs", price(json!({ "unit_amount": 1_900 })), MONTH_END),
            ("plan_currency_differs", one(json!({ "currency": "eur" })), MONTH_END),
            ("currency_unknown", one(json!({ "currency": "usdc" })), MONTH_END),
            ("plan_interval_differs", recurring(json!({ "interval": "year" })), MONTH_END),
            ("interval_unsupported", recurring(json!({ "interval": "week" })), MONTH_END),
            ("interval_unsupported", recurring(json!({ "interval_count": 3 })), MONTH_END),
            ("metered", recurring(json!({ "usage_type": "metered" })), MONTH_END),
            ("tiered", price(json!({ "billing_scheme": "tiered", "unit_amount": null })), MONTH_END),
            ("tiered", price(json!({ "transform_quantity": { "divide_by": 5, "round": "up" } })), MONTH_END),
            ("decimal_amount", price(json!({ "unit_amount": null, "unit_amount_decimal": "0.5" })), MONTH_END),
            ("several_items", json!({ "several": true }), MONTH_END),
            ("coupon", one(json!({ "discounts": ["di_1"] })), MONTH_END),
            ("coupon", json!({ "item": { "discounts": ["di_1"] } }), MONTH_END),
            ("trial", one(json!({ "status": "trialing" })), MONTH_END),
            ("schedule", one(json!({ "schedule": "sub_sched_1" })), MONTH_END),
            ("send_invoice", one(json!({ "collection_method": "send_invoice" })), MONTH_END),
            ("paused", one(json!({ "pause_collection": { "behavior": "void", "resumes_at": null } })), MONTH_END),
            ("paused", one(json!({ "status": "paused" })), MONTH_END),
            ("tax", one(json!({ "automatic_tax": { "enabled": true, "disabled_reason": null, "liability": null } })), MONTH_END),
            ("tax", json!({ "item": { "tax_rates": [{ "id": "txr_1" }] } }), MONTH_END),
            ("unpaid", one(json!({ "status": "past_due" })), MONTH_END),
            ("ends", one(json!({ "cancel_at_period_end": true })), MONTH_END),
            ("pending_update", one(json!({ "pending_update": { "expires_at": 1 } })), MONTH_END),
            ("connect", one(json!({ "on_behalf_of": "acct_2" })), MONTH_END),
            ("anchor_differs", json!({}), (MONTH_END.0 + 60, MONTH_END.1)),
            ("period_ends_soon", json!({}), (soon - 365 * DAY, soon)),
            ("period_over", json!({}), (soon - 366 * DAY, soon - DAY)),
            ("legacy_source", one(json!({ "default_source": "card_1" })), MONTH_END),
            ("no_card", one(json!({ "default_payment_method": "pm_gone" })), MONTH_END),
        ];
        let mut expected = Vec::new();
        for (at, (code, members, period)) in cases.into_iter().enumerate() {
            let customer = stand_in.add_customer(user(&format!("u{at}")));
            stand_in.add_default(&customer, "pm_card_visa");
            expected.push((stand_in.add_subscription(&customer, period, members), code));
        }
        let debtor = stand_in.add_customer(user("debtor"));
        let debit = stand_in.add_debit(&debtor);
        let members = one(json!({ "default_payment_method": debit }));
        expected.push((stand_in.add_subscription(&debtor, MONTH_END, members), "method_not_card"));
        // Two subscriptions of one customer, on two cards: the default here can be one of them.
        let two = stand_in.add_customer(user("two"));
        stand_in.add_default(&two, "pm_card_visa");
        let second = stand_in.save_card(&two, "pm_card_mastercard");
        let moves = stand_in.add_subscription(&two, MONTH_END, json!({}));
        let members = one(json!({ "default_payment_method": second }));
        expected.push((stand_in.add_subscription(&two, MONTH_END, members), "other_method"));
        let discounted = json!({ "discount": { "id": "di_1", "object": "discount" }, "balance": -500 });
        let rebate = stand_in.add_customer(with(user("rebate"), discounted));
        stand_in.add_default(&rebate, "pm_card_visa");
        expected.push((stand_in.add_subscription(&rebate, MONTH_END, json!({})), "coupon"));
        // Customers that cannot be one here.
        let nameless = stand_in.add_customer(json!({ "email": "a@example.com", "metadata": {} }));
        let twins = ["twin", "twin"].map(|name| stand_in.add_customer(user(name)));
        let silent = stand_in.add_customer(with(user("silent"), json!({ "email": null })));
        expected.push((stand_in.add_subscription(&silent, MONTH_END, json!({})), "customer_not_moved"));

        let dry = t.import(&map, true, false).await;
        let done = t.import(&map, false, true).await;
        assert_eq!((dry.stopped, done.stopped), (None, None));
        for (id, code) in &expected {
            for report in [&dry, &done] {
                let (result, codes) = report.result("subscription", id);
                assert_eq!((result.as_str(), codes.contains(&(*code).to_owned())), ("refused", true), "{code}: {codes:?}");
            }
            assert!(done.summary()["codes"][code].as_i64() >= Some(1), "{code}");
        }
        assert_eq!(done.result("subscription", &moves).0, "imported");
        assert_eq!(done.result("customer", &rebate), ("imported".into(), vec!["balance_left".into()]));
        assert_eq!(done.result("customer", &nameless), ("refused".into(), vec!["external_id_missing".into()]));
        assert_eq!(done.result("customer", &silent), ("refused".into(), vec!["email_missing".into()]));
        // Of two with the same id, one moves.
        for report in [&dry, &done] {
            let taken = ("refused".to_owned(), vec!["external_id_taken".to_owned()]);
            let refused = twins.iter().filter(|twin| report.result("customer", twin) == taken);
            assert_eq!(refused.count(), 1);
        }
        assert_eq!(t.subscriptions().await.len(), 1);
        // Only what was moved ends at Stripe.
        let ended: Vec<Value> = stand_in.all("subscription").into_iter().filter(|one| one["metadata"]["unitpay_subscription"] != Value::Null).collect();
        assert_eq!((ended.len(), &ended[0]["id"], stand_in.charges()), (1, &json!(moves), 0));
    }

    async fn import_stops_whole_when_stripe_fails_and_goes_on(t) {
        let (t, stand_in) = connected(t.engine).await;
        let map = t.mapping().await;
        for name in ["a", "b", "c"] {
            let customer = stand_in.add_customer(user(name));
            stand_in.add_default(&customer, "pm_card_visa");
            stand_in.add_subscription(&customer, MONTH_END, json!({}));
        }
        // Two pages of subscriptions and one of customers and methods each, before the failures.
        let busy = [Fault::TooManyRequests; 12];
        let broken = [Fault::ErrorInstead; 4];
        for (passed, faults, moved) in [(1, &busy[..], 0), (4, &broken[..], 1), (5, &busy[..], 2)] {
            stand_in.fail(&vec![Fault::None; passed]);
            stand_in.fail(faults);
            let done = t.import(&map, false, false).await;
            assert_eq!((done.stopped, stand_in.has_faults_left()), (Some("stripe_unavailable"), false));
            let subscriptions = t.subscriptions().await;
            assert_eq!(subscriptions.len(), moved, "{passed}");
            // Each customer that is there is whole.
            let customers = t.call(get("/v1/customers?limit=100").key(&t.key)).await.expect(200).json();
            assert_eq!(customers["data"].as_array().unwrap().len(), moved);
            for customer in customers["data"].as_array().unwrap() {
                assert_ne!(customer["defaultPaymentMethodId"], Value::Null);
            }
        }
        // A single refusal is repeated.
        stand_in.fail(&[Fault::None, Fault::TooManyRequests, Fault::ErrorInstead, Fault::CutBefore]);
        let done = t.import(&map, false, false).await;
        assert_eq!((done.stopped, t.subscriptions().await.len()), (None, 3));
        for (call, code) in [("/v1/customers", "permission_missing"), ("/v1/subscriptions", "permission_missing")] {
            stand_in.forbid(call);
            assert_eq!(t.import(&map, false, false).await.stopped, Some(code));
        }
        stand_in.revoke_keys();
        let before = t.state().await;
        assert_eq!(t.import(&map, false, false).await.stopped, Some("key_refused"));
        assert_eq!(t.state().await, before);
    }

    async fn import_dies_after_any_row_and_is_whole_after_the_next(t) {
        let (t, stand_in) = connected(t.engine).await;
        let map = t.mapping().await;
        t.count_writes().await;
        let customer = stand_in.add_customer(user("a"));
        let card = stand_in.add_default(&customer, "pm_card_visa");
        stand_in.add_subscription(&customer, MONTH_END, json!({}));
        let mut rows = 0;
        while t.subscriptions().await.is_empty() {
            t.die_after(rows, async || drop(t.import(&map, false, false).await)).await;
            rows += 1;
            let customers = t.call(get("/v1/customers").key(&t.key)).await.expect(200).json();
            let (there, whole) = (customers["data"].as_array().unwrap().len(), t.subscriptions().await.len());
            assert_eq!(there, whole, "after {rows} rows");
        }
        assert!(rows > 5, "{rows}");
        t.import(&map, false, false).await;
        assert_eq!((t.subscriptions().await.len(), stand_in.all("payment_method")[0]["id"].as_str()), (1, Some(card.as_str())));
    }

    async fn import_refuses_plans_and_accounts_that_are_not_there(t) {
        let (t, stand_in) = unconnected(t.engine).await;
        let map = t.mapping().await;
        assert_eq!(t.import(&map, false, false).await.stopped, Some("not_connected"));
        connect(&t, credentials()).await.unwrap();
        let unknown = "external_id = 'id'\n[plans]\nprice_pro = 'pln_01h455vb4pex5vsknk084sn02q'\n";
        let calls = stand_in.calls().len();
        assert_eq!(t.import(unknown, false, false).await.stopped, Some("plan_unknown"));
        assert_eq!(stand_in.calls().len(), calls);
    }

    async fn import_links_customers_that_are_here_already(t) {
        let (t, stand_in) = connected(t.engine).await;
        let year = t.plan(yearly("year", flat(9_000))).await;
        let map = format!("external_id = 'email'\naccept_other_amounts = true\n[plans]\nprice_pro = '{year}'\n");
        t.customer("ada@example.com").await;
        let gone = t.customer("gone@example.com").await;
        t.call(post(format!("/v1/customers/{gone}/archive"), &json!({})).key(&t.key)).await.expect(200);
        let recurring = json!({ "interval": "year", "interval_count": 1, "meter": null, "trial_period_days": null, "usage_type": "licensed" });
        let mut ids = Vec::new();
        for name in ["ada", "gone"] {
            let customer = stand_in.add_customer(user(name));
            stand_in.add_default(&customer, "pm_card_visa");
            let members = json!({ "price": { "recurring": recurring } });
            ids.push((customer.clone(), stand_in.add_subscription(&customer, MONTH_END, members)));
        }
        let done = t.import(&map, false, false).await;
        assert_eq!(done.result("customer", &ids[0].0), ("linked".into(), vec![]));
        assert_eq!(done.result("subscription", &ids[0].1), ("imported".into(), vec![]));
        assert_eq!(done.result("customer", &ids[1].0), ("refused".into(), vec!["customer_archived".into()]));
        // The import does not overwrite name and e-mail.
        let shown = t.call(get("/v1/customers/ada@example.com").key(&t.key)).await.expect(200).json();
        assert_eq!((text(&shown["name"]), text(&shown["email"])), ("A", "a@example.com"));
        let total = done.lines_of("total")[0];
        assert_eq!((&total["stripeAmount"], &total["amount"], &total["difference"]), (&json!(2_000), &json!(9_000), &json!(7_000)));
        assert_eq!((&total["leftSubscriptions"], &total["leftAmount"]), (&json!(1), &json!(2_000)));
        assert_eq!(t.subscription_of("ada@example.com").await["currentBillingPeriodStart"], "2029-01-31T10:00:00.000Z");
    }

    async fn import_ends_only_what_moved_and_in_time(t) {
        let (t, stand_in) = connected(t.engine).await;
        let map = t.mapping().await;
        let mut subscriptions = Vec::new();
        for (name, days) in [("a", 0), ("b", 5), ("c", 6), ("left", 0)] {
            let customer = stand_in.add_customer(user(name));
            if name != "left" {
                stand_in.add_default(&customer, "pm_card_visa");
            }
            let period = (MONTH_END.0 - days * DAY, MONTH_END.1 - days * DAY);
            subscriptions.push(stand_in.add_subscription(&customer, period, json!({})));
        }
        let [a, b, c, left] = &subscriptions[..] else { panic!() };
        let moved = t.import(&map, false, false).await;
        assert_eq!(moved.summary()["bothActive"], 3);
        // The period of `b` ends within a day; `c` has renewed at Stripe and ends with its new period.
        t.advance(24 * 86_400 + 10 * 3_600 + 1);
        stand_in.change_subscription(c, json!({ "until": MONTH_END.1 + 25 * DAY }));
        let done = t.import(&map, false, true).await;
        assert_eq!(done.stopped, None);
        let paused = |id: &str| {
            let line = done.lines_of("pause").into_iter().find(|line| line["stripeSubscription"] == id);
            line.map(|line| (line["paused"].as_bool().unwrap(), line["code"].clone()))
        };
        assert_eq!((paused(a), paused(b)), (Some((true, Value::Null)), Some((false, json!("period_ends_soon")))));
        assert_eq!((paused(c), paused(left)), (Some((true, Value::Null)), None));
        assert_eq!(done.summary()["bothActive"], 1);
        let there = |id: &str| stand_in.all("subscription").into_iter().find(|one| one["id"] == id).unwrap();
        assert_eq!((&there(a)["cancel_at_period_end"], &there(b)["cancel_at_period_end"], &there(left)["cancel_at_period_end"]),
            (&json!(true), &json!(false), &json!(false)));
        assert_eq!(there(a)["metadata"]["unitpay_subscription"], t.subscription_of("a").await["id"]);
        // A second run ends no subscription twice.
        let again = t.import(&map, false, true).await;
        assert_eq!(again.lines_of("pause").len(), 1);
    }

    async fn import_moves_five_hundred_customers(t) {
        let (t, stand_in) = connected(t.engine).await;
        let map = t.mapping().await;
        stand_in.set_page(100);
        for number in 0..500 {
            let customer = stand_in.add_customer(user(&format!("u{number}")));
            stand_in.add_default(&customer, "pm_card_visa");
            let days = (number % 20) * DAY;
            let period = (MONTH_END.0 - days, MONTH_END.1 - days);
            stand_in.add_subscription(&customer, period, json!({ "item": { "quantity": 1 + number % 3 } }));
        }
        let done = t.import(&map, false, false).await;
        let summary = done.summary();
        assert_eq!((done.stopped, &summary["customers"], &summary["subscriptions"]), (None, &json!({ "imported": 500 }), &json!({ "imported": 500 })));
        let total = done.lines_of("total")[0];
        assert_eq!((&total["stripeAmount"], &total["difference"]), (&json!(999 * 2_000), &json!(0)));
    }
}
