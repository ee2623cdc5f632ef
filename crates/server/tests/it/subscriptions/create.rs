//! Starting subscriptions.

use crate::on_both_stores;
use crate::support::{flat, get, monthly, patch, per_unit, post, summarize, with};
use serde_json::{Value, json};
use unitpay::testing::db::{Sql, sql};

const SUBSCRIPTIONS: Sql = sql("SELECT COUNT(*) FROM subscriptions");
const INVOICES: Sql = sql("SELECT COUNT(*) FROM invoices");
const REFUNDS: Sql = sql("SELECT COUNT(*) FROM sandbox_intents WHERE status = 'refunded'");

/// A plan with a feature and credits, so that a start is visible.
async fn giving(t: &crate::support::Test) -> (String, String) {
    let product = t.main_product().await;
    let feature = json!({ "productId": product, "slug": "sso", "name": "SSO", "type": "boolean" });
    let feature = t.make("features", feature).await;
    let credits = json!({ "slug": "credits", "name": "Credits", "denomination": "unit" });
    let credits = t.make("credit-currencies", credits).await;
    let plan = with(
        monthly("pro", flat(2_000)),
        json!({
            "entitlements": [{ "featureId": feature, "type": "boolean" }],
            "grantRules": [{ "creditCurrencyId": credits, "amount": 100, "cadence": "period", "rolloverCap": 0 }],
        }),
    );
    (t.plan(plan).await, credits)
}

async fn has_access(t: &crate::support::Test, customer: &str) -> bool {
    let path = format!("/v1/customers/{customer}/check");
    let body = json!({ "featureSlug": "sso" });
    t.call(post(path, &body).key(&t.key)).await.expect(200).json()["access"] == true
}

async fn currency(t: &crate::support::Test, customer: &str) -> Value {
    let path = format!("/v1/customers/{customer}");
    t.call(get(path).key(&t.key)).await.expect(200).json()["currency"].clone()
}

on_both_stores! {
    async fn free_plan_starts_without_card_or_invoice(t) {
        let plan = t.plan(monthly("free", json!([]))).await;
        t.customer("c").await;
        let outcome = t.try_to_subscribe("c", &plan).await.expect(200).json();
        assert_eq!(outcome["kind"], "created_no_charge");
        let subscription = &outcome["subscription"];
        assert_eq!((&subscription["status"], &subscription["currentBillingPeriodStart"], &subscription["currentBillingPeriodEnd"]),
            (&json!("active"), &json!("2030-01-01T00:00:00.000Z"), &json!("2030-02-01T00:00:00.000Z")));
        assert_eq!((t.count(&INVOICES).await, t.charges().await), (0, 0));
        t.clock_to("2030-04-15T00:00:00Z").await;
        assert_eq!(t.subscription_of("c").await["currentBillingPeriodStart"], "2030-04-01T00:00:00.000Z");
        assert_eq!(t.count(&INVOICES).await, 0);
    }

    async fn working_card_pays_first_period_and_setup_fee(t) {
        let (plan, _) = giving(&t).await;
        let priced = with(monthly("set-up", json!([
            { "type": "recurring", "amount": 2_000, "perUnit": true }, { "type": "one_off", "amount": 500 },
        ])), json!({ "isPublic": false }));
        let priced = t.plan(priced).await;
        t.payer("c").await;
        t.payer("d").await;
        let outcome = t.try_to_subscribe("c", &plan).await.expect(200).json();
        assert_eq!((&outcome["kind"], &outcome["invoice"]["status"], &outcome["invoice"]["reason"], &outcome["invoice"]["invoiceNumber"]),
            (&json!("charged_inline"), &json!("paid"), &json!("create"), &json!("INV-000001")));
        assert!(has_access(&t, "c").await);
        assert_eq!((t.balance("c").await, currency(&t, "c").await), (100, json!("USD")));
        // The backend may sell plans that are not public.
        let body = json!({ "customerId": "d", "planId": priced, "quantity": 3, "metadata": { "seat": "a" } });
        let outcome = t.ask("subscriptions", body).await;
        assert_eq!(crate::support::lines(&outcome["invoice"]), [("recurring".into(), 6_000), ("one_off".into(), 500)]);
        assert_eq!((&outcome["subscription"]["quantity"], &outcome["subscription"]["metadata"]), (&json!(3), &json!({ "seat": "a" })));
        t.clock_to("2030-02-10T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("d").await), [("create", "paid", 6_500), ("renewal", "paid", 6_000)]);
    }

    async fn declined_start_creates_nothing(t) {
        let (plan, _) = giving(&t).await;
        let id = t.customer("c").await;
        t.card(&id, "pm_sandbox_declined").await;
        let refused = t.try_to_subscribe("c", &plan).await.refused(402, "payment_declined");
        assert_eq!(refused.json()["declineReason"], "card_declined");
        assert_eq!((t.count(&SUBSCRIPTIONS).await, t.count(&INVOICES).await), (0, 0));
        assert_eq!((currency(&t, "c").await, t.balance("c").await), (Value::Null, 0));
        // Replayed under its key, tried again under another; then another card, in another
        // currency.
        let body = json!({ "customerId": "c", "planId": plan });
        let once = || t.call(post("/v1/subscriptions", &body).key(&t.key).header("idempotency-key", "k"));
        once().await.refused(402, "payment_declined");
        assert_eq!(once().await.refused(402, "payment_declined").header("idempotent-replayed"), Some("true"));
        let visa = t.card(&id, "pm_sandbox_visa").await;
        t.call(post(format!("/v1/payment-methods/{visa}/default"), &json!({})).key(&t.key)).await.expect(200);
        let euros = t.plan(with(monthly("euro", flat(900)), json!({ "currency": "EUR" }))).await;
        assert_eq!(t.try_to_subscribe("c", &euros).await.expect(200).json()["kind"], "charged_inline");
        assert_eq!((currency(&t, "c").await, t.charges().await), (json!("EUR"), 1));
    }

    async fn start_without_card_is_pending_without_access(t) {
        let (plan, _) = giving(&t).await;
        t.customer("c").await;
        let asked = t.try_to_subscribe("c", &plan).await.expect(200).json();
        assert_eq!((&asked["kind"], &asked["reason"], &asked["subscription"]["status"]),
            (&json!("requires_form"), &json!("payment_method_required"), &json!("pending")));
        assert_eq!(asked["subscription"]["currentBillingPeriodStart"], Value::Null);
        let draft = t.invoices_of("c").await;
        assert_eq!((summarize(&draft), &draft[0]["invoiceNumber"]), (vec![("create", "draft", 2_000)], &Value::Null));
        assert!(!has_access(&t, "c").await);
        assert_eq!((t.balance("c").await, currency(&t, "c").await), (0, Value::Null));
        // The period begins when the form is paid.
        t.advance(3 * 3_600);
        let secret = asked["client"]["clientSecret"].as_str().unwrap();
        t.fill_in(secret, "decline").await.refused(402, "payment_declined");
        assert_eq!(t.subscription_of("c").await["status"], "pending");
        t.fill_in(secret, "succeed").await.expect(204);
        let subscription = t.subscription_of("c").await;
        assert_eq!((&subscription["status"], &subscription["currentBillingPeriodStart"]), (&json!("active"), &json!("2030-01-01T03:00:00.000Z")));
        let paid = t.invoices_of("c").await;
        assert_eq!((summarize(&paid), &paid[0]["invoiceNumber"]), (vec![("create", "paid", 2_000)], &json!("INV-000001")));
        assert_eq!((&paid[0]["items"][0]["periodStart"], &paid[0]["periodEnd"]), (&json!("2030-01-01T03:00:00.000Z"), &json!("2030-02-01T03:00:00.000Z")));
        assert!(has_access(&t, "c").await);
        assert_eq!((t.balance("c").await, currency(&t, "c").await, t.charges().await), (100, json!("USD"), 1));
    }

    async fn pending_start_returns_the_form_or_is_replaced(t) {
        let (pro, _) = giving(&t).await;
        let team = t.plan(monthly("team", flat(5_000))).await;
        let id = t.customer("c").await;
        t.card(&id, "pm_sandbox_requires_form").await;
        let first = t.try_to_subscribe("c", &pro).await.expect(200).json();
        assert_eq!(first["reason"], "authentication_required");
        let again = t.try_to_subscribe("c", &pro).await.expect(200).json();
        assert_eq!((&again["client"], &again["subscription"]["id"]), (&first["client"], &first["subscription"]["id"]));
        let other = t.try_to_subscribe("c", &team).await.expect(200).json();
        assert_ne!(other["client"]["clientSecret"], first["client"]["clientSecret"]);
        assert_eq!(summarize(&t.invoices_of("c").await), [("create", "draft", 5_000)]);
        // The first form was closed: its payment is refunded.
        t.fill_in(first["client"]["clientSecret"].as_str().unwrap(), "succeed").await.expect(204);
        assert_eq!((t.count(&REFUNDS).await, t.subscription_of("c").await["status"].clone()), (1, json!("pending")));
        t.fill_in(other["client"]["clientSecret"].as_str().unwrap(), "succeed").await.expect(204);
        let subscription = t.subscription_of("c").await;
        assert_eq!((&subscription["planId"], &subscription["status"]), (&json!(team), &json!("active")));
        assert_eq!(summarize(&t.invoices_of("c").await), [("create", "paid", 5_000)]);
    }

    async fn pending_start_is_canceled_after_23_hours(t) {
        let (plan, _) = giving(&t).await;
        t.customer("c").await;
        t.customer("d").await;
        let real = t.try_to_subscribe("c", &plan).await.expect(200).json();
        t.advance(23 * 3_600 - 1);
        t.bill_what_is_due().await;
        assert_eq!(t.subscription_of("c").await["status"], "pending");
        t.advance(1);
        t.bill_what_is_due().await;
        // The same by the test clock, while hardly any real time passes.
        let quick = t.try_to_subscribe("d", &plan).await.expect(200).json();
        t.clock_to("2030-01-03T00:00:00Z").await;
        let canceled = real["client"]["clientSecret"].as_str().unwrap();
        t.fill_in(canceled, "succeed").await.refused(404, "not_found");
        t.pay_canceled_forms().await;
        for (customer, asked) in [("c", &real), ("d", &quick)] {
            assert_eq!(t.subscription_of(customer).await["status"], "canceled", "{customer}");
            assert_eq!(t.invoices_of(customer).await, Vec::<Value>::new(), "{customer}");
            t.fill_in(asked["client"]["clientSecret"].as_str().unwrap(), "succeed").await.expect(204);
            assert_eq!(t.subscription_of(customer).await["status"], "canceled", "{customer}");
        }
        assert_eq!((t.count(&REFUNDS).await, t.charges().await), (2, 2));
        assert!(!has_access(&t, "c").await);
        // It is not a live subscription, so another may start.
        assert_eq!(t.try_to_subscribe("c", &plan).await.expect(200).json()["kind"], "requires_form");
    }

    async fn start_happens_once_when_the_response_is_lost(t) {
        let (plan, _) = giving(&t).await;
        let id = t.customer("c").await;
        t.card(&id, "pm_sandbox_timeout").await;
        let body = json!({ "customerId": "c", "planId": plan });
        let once = || t.call(post("/v1/subscriptions", &body).key(&t.key).header("idempotency-key", "k"));
        once().await.refused(503, "unavailable");
        assert_eq!(t.subscription_of("c").await["status"], "pending");
        let outcome = once().await.expect(200).json();
        assert_eq!((&outcome["kind"], &outcome["subscription"]["status"]), (&json!("charged_inline"), &json!("active")));
        // Nobody asks again for another customer's attempt: any node continues it.
        let id = t.customer("d").await;
        t.card(&id, "pm_sandbox_timeout").await;
        t.try_to_subscribe("d", &plan).await.refused(503, "unavailable");
        t.advance(60);
        t.bill_what_is_due().await;
        assert_eq!(t.subscription_of("d").await["status"], "active");
        assert_eq!((t.charges().await, t.count(&INVOICES).await, t.balance("d").await), (2, 2, 100));
    }

    async fn second_subscription_of_a_product_is_refused(t) {
        let (plan, _) = giving(&t).await;
        let other = t.plan(monthly("other", flat(100))).await;
        let product = t.make("products", json!({ "slug": "second", "name": "Second" })).await;
        let elsewhere = t.plan(with(monthly("elsewhere", flat(700)), json!({ "productId": product }))).await;
        t.payer("c").await;
        t.buy("c", &plan, 1).await;
        let before = t.state().await;
        for wanted in [&plan, &other] {
            t.try_to_subscribe("c", wanted).await.refused(409, "subscription_exists");
            let body = json!({ "customerId": "c", "planId": wanted });
            t.call(post("/v1/subscriptions/preview", &body).key(&t.key)).await.refused(409, "subscription_exists");
        }
        assert_eq!(t.state().await, before);
        t.buy("c", &elsewhere, 1).await;
        assert_eq!((t.count(&SUBSCRIPTIONS).await, t.charges().await), (2, 2));
    }

    async fn concurrent_starts_charge_once(t) {
        let (plan, _) = giving(&t).await;
        t.payer("c").await;
        let answers = futures_util::future::join_all((0..8).map(|_| t.try_to_subscribe("c", &plan))).await;
        assert!(answers.iter().any(|answer| answer.status == 200));
        for answer in answers {
            // An attempt in progress is joined; a live one blocks.
            match answer.status {
                200 => assert_eq!(answer.json()["kind"], "charged_inline"),
                _ => drop(answer.refused(409, "subscription_exists")),
            }
        }
        assert_eq!((t.count(&SUBSCRIPTIONS).await, t.count(&INVOICES).await, t.charges().await), (1, 1, 1));
        assert_eq!(t.balance("c").await, 100);
    }

    async fn trial_without_a_card_ends_in_a_renewal(t) {
        let product = t.main_product().await;
        let metric = json!({ "productId": product, "eventName": "call", "name": "Calls", "aggregation": "sum" });
        let metric = t.make("billable-metrics", metric).await;
        let charges = json!([
            { "type": "recurring", "amount": 2_000 }, { "type": "one_off", "amount": 300 },
            { "type": "usage", "metricId": metric, "includedUnits": "0", "tiers": [{ "upTo": null, "unitPrice": "10" }] },
        ]);
        let plan = t.plan(with(monthly("pro", charges), json!({ "trialDays": 14, "requirePaymentMethod": false }))).await;
        let id = t.customer("c").await;
        let outcome = t.try_to_subscribe("c", &plan).await.expect(200).json();
        assert_eq!((&outcome["kind"], &outcome["subscription"]["status"], &outcome["subscription"]["trialEnd"]),
            (&json!("created_no_charge"), &json!("trialing"), &json!("2030-01-15T00:00:00.000Z")));
        let used = crate::support::event("c", "call", "1");
        assert_eq!(t.tracked(json!([used])).await, []);
        t.card(&id, "pm_sandbox_visa").await;
        t.clock_to("2030-01-15T00:00:00Z").await;
        let subscription = t.subscription_of("c").await;
        assert_eq!((&subscription["status"], &subscription["currentBillingPeriodEnd"]), (&json!("active"), &json!("2030-02-15T00:00:00.000Z")));
        let invoices = t.invoices_of("c").await;
        assert_eq!(summarize(&invoices), [("renewal", "paid", 2_300)]);
        // The anchor is the end of the trial.
        t.clock_to("2030-03-15T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("c").await)[1..], [("renewal", "paid", 2_000), ("renewal", "paid", 2_000)]);
    }

    async fn trial_is_granted_once_per_product(t) {
        let trial = json!({ "trialDays": 7 });
        let pro = t.plan(with(monthly("pro", flat(2_000)), trial.clone())).await;
        let team = t.plan(with(monthly("team", flat(3_000)), trial)).await;
        t.payer("c").await;
        let subscription = t.buy("c", &pro, 1).await;
        t.of_subscription(&subscription, "cancel", json!({ "mode": "now" })).await.expect(200);
        for plan in [&team, &pro] {
            let outcome = t.try_to_subscribe("c", plan).await.expect(200).json();
            assert_eq!((&outcome["kind"], &outcome["subscription"]["trialEnd"]), (&json!("charged_inline"), &Value::Null));
            t.of_subscription(&outcome["subscription"], "cancel", json!({ "mode": "now" })).await.expect(200);
        }
        assert_eq!(t.charges().await, 2);
    }

    async fn browsers_buy_only_active_public_plans(t) {
        t.payer("c").await;
        let token = t.token("c").await;
        let plan = async |slug: &str, more: Value| t.plan(with(monthly(slug, flat(1_000)), more)).await;
        let draft = plan("draft", json!({ "status": "draft" })).await;
        let private = plan("private", json!({ "isPublic": false })).await;
        let archived = plan("archived", json!({})).await;
        let path = format!("/v1/plans/{archived}");
        t.call(patch(path, &json!({ "status": "archived" })).key(&t.key)).await.expect(200);
        let foreign = t.key_of(t.organization("another").await, unitpay::testing::keys::KeyScopes::ALL).await;
        let product = json!({ "slug": "p", "name": "P" });
        let product = t.call(post("/v1/products", &product).key(&foreign)).await.expect(201).text("id");
        let theirs = with(monthly("theirs", flat(1)), json!({ "productId": product }));
        let theirs = t.call(post("/v1/plans", &theirs).key(&foreign)).await.expect(201).text("id");
        let before = t.state().await;
        let unknown = t.app.ids.plan().to_string();
        for path in ["/v1/subscriptions", "/v1/subscriptions/preview"] {
            let ask = |plan: &str| post(path, &json!({ "customerId": "c", "planId": plan }));
            for sold_no_more in [&draft, &archived] {
                t.call(ask(sold_no_more).key(&t.key)).await.refused(409, "plan_not_available");
            }
            for missing in [&theirs, &unknown] {
                t.call(ask(missing).key(&t.key)).await.refused(404, "not_found");
            }
            for hidden in [&draft, &archived, &private, &theirs, &unknown] {
                t.call(ask(hidden).bearer(&token)).await.refused(404, "not_found");
            }
            t.call(ask("pln_1").key(&t.key)).await.refused(422, "validation_failed");
        }
        assert_eq!(t.state().await, before);
        t.buy("c", &private, 1).await;
    }

    async fn invalid_start_requests_are_refused(t) {
        let plan = t.plan(monthly("pro", per_unit(2_000_000))).await;
        let euros = t.plan(with(monthly("euro", flat(900)), json!({ "currency": "EUR" }))).await;
        let product = t.make("products", json!({ "slug": "second", "name": "Second" })).await;
        let second = t.plan(with(monthly("second", flat(900)), json!({ "productId": product, "currency": "EUR" }))).await;
        let other = t.payer("other").await;
        t.payer("c").await;
        let token = t.token("c").await;
        let gone = t.customer("gone").await;
        t.set_archived(&gone, "archive").await.expect(200);
        let before = t.state().await;
        for path in ["/v1/subscriptions", "/v1/subscriptions/preview"] {
            let ask = |body: Value| post(path, &body);
            for quantity in [json!(0), json!(-1), json!(1_000_001), json!(1.5), json!("2"), Value::Null, json!(i64::MAX)] {
                let body = json!({ "customerId": "c", "planId": plan, "quantity": quantity });
                let refused = t.call(ask(body).key(&t.key)).await.refused(422, "validation_failed");
                assert_eq!(refused.json()["errors"][0]["param"], "quantity");
            }
            // Beyond the range of amounts.
            let body = json!({ "customerId": "c", "planId": plan, "quantity": 1_000_000 });
            t.call(ask(body).key(&t.key)).await.refused(422, "amount_out_of_range");
            t.call(ask(json!({ "planId": plan })).key(&t.key)).await.refused(422, "validation_failed");
            t.call(ask(json!({ "customerId": "nobody", "planId": plan })).key(&t.key)).await.refused(404, "customer_not_found");
            t.call(ask(json!({ "customerId": "gone", "planId": plan })).key(&t.key)).await.refused(409, "customer_archived");
            // A browser buys for its own customer, at the offered price and terms.
            t.call(ask(json!({ "customerId": other, "planId": plan })).bearer(&token)).await.refused(404, "customer_not_found");
            for named in ["price", "amount", "trialDays", "trialEnd", "currency", "collectionMethod", "metadata", "status"] {
                let body = json!({ "planId": plan, named: 1 });
                let refused = t.call(ask(body).bearer(&token)).await.refused(422, "validation_failed");
                assert_eq!(refused.json()["errors"][0]["param"], named);
            }
        }
        assert_eq!(t.state().await, before);
        t.buy("c", &euros, 1).await;
        let dollars = with(monthly("dollars", flat(1)), json!({ "productId": product }));
        let dollars = t.plan(dollars).await;
        let before = t.state().await;
        t.try_to_subscribe("c", &dollars).await.refused(422, "currency_mismatch");
        assert_eq!(t.state().await, before);
        t.buy("c", &second, 1).await;
    }

    async fn send_invoice_customer_starts_now_and_pays_later(t) {
        let plan = t.plan(monthly("pro", flat(2_000))).await;
        let body = json!({ "name": "C", "email": "c@example.com", "externalId": "c", "collectionMethod": "send_invoice", "netDays": 10 });
        t.make("customers", body).await;
        let outcome = t.try_to_subscribe("c", &plan).await.expect(200).json();
        assert_eq!((&outcome["kind"], &outcome["invoice"]["status"], &outcome["invoice"]["dueDate"]),
            (&json!("invoice_sent"), &json!("issued"), &json!("2030-01-11T00:00:00.000Z")));
        let subscription = t.subscription_of("c").await;
        assert_eq!((&subscription["status"], &subscription["collectionMethod"]), (&json!("active"), &json!("send_invoice")));
        assert_eq!(t.charges().await, 0);
    }
}
