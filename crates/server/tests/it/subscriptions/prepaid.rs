//! Subscriptions that move here in the middle of a period which was paid elsewhere.

use crate::on_both_stores;
use crate::support::{
    Answer, Test, flat, get, lines, monthly, per_unit, post, summarize, with, yearly,
};
use serde_json::{Value, json};

impl Test {
    async fn try_prepaid(&self, customer: &str, plan: &str, more: Value) -> Answer {
        let body = with(json!({ "customerId": customer, "planId": plan }), more);
        self.call(post("/v1/subscriptions", &body).key(&self.key)).await
    }

    async fn prepaid(&self, customer: &str, plan: &str, more: Value) -> Value {
        let outcome = self.try_prepaid(customer, plan, more).await.expect(200).json();
        assert_eq!(outcome["kind"], "created_no_charge");
        outcome["subscription"].clone()
    }
}

fn periods(subscription: &Value) -> [&str; 4] {
    ["currentBillingPeriodStart", "currentBillingPeriodEnd", "usagePeriodStart", "usagePeriodEnd"]
        .map(|name| &subscription[name].as_str().unwrap()[..10])
}

on_both_stores! {
    async fn prepaid_period_is_not_charged_and_renews_on_its_date(t) {
        let fee = json!([{ "type": "recurring", "amount": 2_000 }, { "type": "one_off", "amount": 500 }]);
        let plan = t.plan(with(monthly("pro", fee), json!({ "trialDays": 14 }))).await;
        t.payer("c").await;
        let given = json!({ "prepaidUntil": "2030-01-20T09:30:00Z", "startAt": "2027-05-20T09:30:00Z" });
        let subscription = t.prepaid("c", &plan, given).await;
        assert_eq!(subscription["status"], "active");
        assert_eq!(periods(&subscription), ["2029-12-20", "2030-01-20", "2029-12-20", "2030-01-20"]);
        assert_eq!(subscription["currentBillingPeriodEnd"], "2030-01-20T09:30:00.000Z");
        t.clock_to("2030-01-20T09:29:59Z").await;
        assert_eq!((t.charges().await, t.invoices_of("c").await.len()), (0, 0));
        t.clock_to("2030-02-25T00:00:00Z").await;
        // The setup fee was paid elsewhere, too.
        assert_eq!(summarize(&t.invoices_of("c").await), [("renewal", "paid", 2_000), ("renewal", "paid", 2_000)]);
        assert_eq!(t.subscription_of("c").await["currentBillingPeriodEnd"], "2030-03-20T09:30:00.000Z");
        // Who comes back gets no trial.
        t.of_subscription(&t.subscription_of("c").await, "cancel", json!({ "mode": "now" })).await.expect(200);
        let back = t.try_to_subscribe("c", &plan).await.expect(200).json();
        assert_eq!(back["kind"], "charged_inline");
    }

    async fn prepaid_period_keeps_the_month_end_of_its_anchor(t) {
        let plan = t.plan(monthly("pro", flat(1_000))).await;
        t.payer("c").await;
        let given = json!({ "prepaidUntil": "2030-01-31T00:00:00Z", "billingAnchor": "2029-08-31T00:00:00Z" });
        let subscription = t.prepaid("c", &plan, given).await;
        assert_eq!(periods(&subscription)[..2], ["2029-12-31", "2030-01-31"]);
        for (to, end) in [("2030-02-01", "2030-02-28"), ("2030-03-01", "2030-03-31"), ("2030-04-01", "2030-04-30")] {
            t.clock_to(&format!("{to}T00:00:00Z")).await;
            assert_eq!(periods(&t.subscription_of("c").await)[1], end);
        }
        // The next renewal is in February: the anchor keeps the 31st.
        t.payer("d").await;
        t.clock_to("2031-02-03T00:00:00Z").await;
        let given = json!({ "prepaidUntil": "2031-02-28T00:00:00Z", "billingAnchor": "2029-08-31T00:00:00Z" });
        t.prepaid("d", &plan, given).await;
        t.clock_to("2031-03-01T00:00:00Z").await;
        assert_eq!(periods(&t.subscription_of("d").await)[..2], ["2031-02-28", "2031-03-31"]);
    }

    async fn prepaid_year_counts_usage_in_months_of_its_anchor(t) {
        let calls = t.calls().await;
        let plan = t.plan(yearly("year", json!([{ "type": "recurring", "amount": 9_000 }, calls]))).await;
        t.payer("c").await;
        let given = json!({ "prepaidUntil": "2030-07-10T00:00:00Z", "startAt": "2029-12-12T00:00:00Z" });
        let subscription = t.prepaid("c", &plan, given).await;
        assert_eq!(periods(&subscription), ["2029-07-10", "2030-07-10", "2029-12-10", "2030-01-10"]);
        t.call_for("c", "one", 40).await;
        t.clock_to("2030-01-10T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("c").await), [("usage", "paid", 200)]);
        t.clock_to("2030-07-10T00:00:00Z").await;
        let invoices = t.invoices_of("c").await;
        assert_eq!(lines(invoices.last().unwrap()), [("usage".into(), 0), ("recurring".into(), 9_000)]);
    }

    async fn prepaid_period_brings_its_credits_once(t) {
        let credits = json!({ "slug": "credits", "name": "Credits", "denomination": "unit" });
        let credits = t.make("credit-currencies", credits).await;
        let rules = json!({ "grantRules": [{ "creditCurrencyId": credits, "amount": 100, "cadence": "period", "rolloverCap": 0 }] });
        let plan = t.plan(with(monthly("pro", flat(2_000)), rules)).await;
        t.payer("c").await;
        let given = json!({ "prepaidUntil": "2030-01-20T00:00:00Z" });
        // Leaving and coming back renews nothing.
        for balance in [100, 0] {
            let subscription = t.prepaid("c", &plan, given.clone()).await;
            assert_eq!(t.balance("c").await, balance);
            t.of_subscription(&subscription, "cancel", json!({ "mode": "now" })).await.expect(200);
        }
        t.prepaid("c", &plan, given).await;
        t.clock_to("2030-01-20T00:00:00Z").await;
        assert_eq!(t.balance("c").await, 100);
    }

    async fn prepaid_start_needs_no_card_and_renewal_does(t) {
        let plan = t.plan(monthly("pro", flat(1_000))).await;
        t.customer("c").await;
        t.prepaid("c", &plan, json!({ "prepaidUntil": "2030-01-20T00:00:00Z" })).await;
        t.clock_to("2030-01-21T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("c").await), [("renewal", "overdue", 1_000)]);
        assert_eq!(t.subscription_of("c").await["status"], "past_due");
    }

    async fn prepaid_time_lowers_a_higher_price_and_pays_nothing_out(t) {
        let plan = t.plan(monthly("pro", per_unit(1_000))).await;
        let small = t.plan(yearly("small-year", flat(1_200))).await;
        let lower = t.plan(monthly("lower", flat(500))).await;
        t.payer("c").await;
        // Half of the period is left.
        let given = json!({ "quantity": 4, "prepaidUntil": "2030-01-16T12:00:00Z" });
        let subscription = t.prepaid("c", &plan, given).await;
        let change = async |body: Value| {
            t.of_subscription(&subscription, "change-plan", body).await.expect(200).json()["kind"].clone()
        };
        // The credit of 2,000 is above both prices: neither is applied now.
        assert_eq!(change(json!({ "planId": small })).await, "deferred");
        assert_eq!(change(json!({ "planId": lower, "quantity": 1 })).await, "deferred");
        assert_eq!(t.invoices_of("c").await.len(), 0);
        // Two more of 1,000 for half of a month.
        assert_eq!(change(json!({ "quantity": 6 })).await, "charged_inline");
        let invoice = &t.invoices_of("c").await[0];
        assert_eq!(lines(invoice), [("proration".into(), -2_000), ("proration".into(), 3_000)]);
        // No more than was charged here can be credited and refunded.
        let id = invoice["id"].as_str().unwrap();
        let note = json!({ "reason": "order_change", "lines": [{ "item": 1, "amount": 3_000 }] });
        let credited = t.call(post(format!("/v1/invoices/{id}/credit-notes"), &note).key(&t.key)).await;
        credited.refused(422, "amount_out_of_range");
        t.of_subscription(&subscription, "cancel", json!({ "mode": "now" })).await.expect(200);
        let balance = t.call(get("/v1/customers/c").key(&t.key)).await.expect(200).json();
        assert_eq!((t.charges().await, &balance["balance"]["amount"]), (1, &Value::Null));
    }

    async fn prepaid_period_is_refused_when_it_does_not_fit(t) {
        let plan = t.plan(monthly("pro", flat(1_000))).await;
        let year = t.plan(yearly("year", flat(1_000))).await;
        let id = t.payer("c").await;
        let token = t.token("c").await;
        let before = t.state().await;
        for (plan, given, param) in [
            (&plan, json!({ "prepaidUntil": "2030-01-01T00:00:00Z" }), "prepaidUntil"),
            (&plan, json!({ "prepaidUntil": "2029-12-20T00:00:00Z" }), "prepaidUntil"),
            (&plan, json!({ "prepaidUntil": "2030-02-01T00:00:01Z" }), "prepaidUntil"),
            (&year, json!({ "prepaidUntil": "2031-01-01T00:00:01Z" }), "prepaidUntil"),
            (&plan, json!({ "prepaidUntil": "9999-12-31T00:00:00Z" }), "prepaidUntil"),
            (&plan, json!({ "prepaidUntil": "2030-01-20T00:00:00.5Z" }), "prepaidUntil"),
            (&plan, json!({ "prepaidUntil": "soon" }), "prepaidUntil"),
            (&plan, json!({ "prepaidUntil": "2030-01-20T00:00:00Z", "billingAnchor": "2029-01-19T00:00:00Z" }), "billingAnchor"),
            (&plan, json!({ "prepaidUntil": "2030-01-20T00:00:00Z", "billingAnchor": "2030-02-20T00:00:00Z" }), "billingAnchor"),
            (&plan, json!({ "prepaidUntil": "2030-01-20T00:00:00Z", "billingAnchor": "1960-01-20T00:00:00Z" }), "billingAnchor"),
            (&plan, json!({ "prepaidUntil": "2030-01-20T00:00:00Z", "startAt": "2030-01-01T00:00:01Z" }), "startAt"),
            (&plan, json!({ "startAt": "2029-01-01T00:00:00Z" }), "prepaidUntil"),
            (&plan, json!({ "billingAnchor": "2029-01-01T00:00:00Z" }), "prepaidUntil"),
        ] {
            let refused = t.try_prepaid("c", plan, given.clone()).await.refused(422, "validation_failed").json();
            assert_eq!(refused["errors"][0]["param"], param, "{given}");
        }
        for name in ["prepaidUntil", "billingAnchor", "startAt"] {
            let body = json!({ "customerId": id, "planId": plan, name: "2030-01-20T00:00:00Z" });
            for path in ["/v1/subscriptions", "/v1/subscriptions/preview"] {
                t.call(post(path, &body).bearer(&token)).await.refused(422, "validation_failed");
            }
        }
        assert_eq!((t.state().await, t.charges().await), (before, 0));
    }

    async fn prepaid_start_is_previewed_and_happens_once(t) {
        let plan = t.plan(monthly("pro", flat(1_000))).await;
        t.payer("c").await;
        let body = json!({ "customerId": "c", "planId": plan, "prepaidUntil": "2030-01-20T00:00:00Z" });
        let preview = t.ask("subscriptions/preview", body.clone()).await;
        assert_eq!((&preview["amountDue"], &preview["nextInvoice"]["totalAmount"]), (&json!(0), &json!(1_000)));
        assert_eq!(preview["nextInvoice"]["date"], "2030-01-20T00:00:00.000Z");
        let request = || post("/v1/subscriptions", &body).key(&t.key).header("idempotency-key", "sub_1");
        let first = t.call(request()).await.expect(200).json();
        let second = t.call(request()).await.expect(200).json();
        assert_eq!(first["subscription"]["id"], second["subscription"]["id"]);
        t.try_prepaid("c", &plan, json!({ "prepaidUntil": "2030-01-20T00:00:00Z" })).await.refused(409, "subscription_exists");
    }
}
