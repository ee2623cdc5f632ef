//! After a failed charge, and a sent invoice that is not paid.

use crate::on_both_stores;
use crate::support::{Test, event_with, flat, get, monthly, post, summarize};
use serde_json::{Value, json};
use unitpay::testing::base::PaymentAttemptId;
use unitpay::testing::db::{Sql, sql};

const ATTEMPTS: Sql = sql("SELECT COUNT(*) FROM payment_attempts WHERE status = 'declined'");

/// The charges that the bank has declined.
const ASKED: Sql = sql("SELECT COUNT(*) FROM sandbox_intents WHERE status = 'declined'");
const REFUNDS: Sql = sql("SELECT COUNT(*) FROM sandbox_intents WHERE status = 'refunded'");
const PENDING: Sql = sql("SELECT id FROM payment_attempts WHERE status = 'pending'");

async fn make_default(t: &Test, card: &str) {
    t.call(post(format!("/v1/payment-methods/{card}/default"), &json!({})).key(&t.key))
        .await
        .expect(200);
}

/// A customer whose card worked once and now fails.
async fn failing(t: &Test, name: &str) -> (String, Value) {
    failing_by(t, name, "pm_sandbox_declined").await
}

/// A customer who pays by the card of this token from now on.
async fn failing_by(t: &Test, name: &str, token: &str) -> (String, Value) {
    let plan = t.plan(monthly(&format!("pro-{name}"), flat(2_000))).await;
    let id = t.payer(name).await;
    let subscription = t.buy(name, &plan, 1).await;
    let card = t.card(&id, token).await;
    make_default(t, &card).await;
    (id, subscription)
}

async fn sent_to(t: &Test, name: &str, net_days: i64) -> Value {
    let plan = t.plan(monthly(&format!("pro-{name}"), flat(2_000))).await;
    let body = json!({ "name": name, "email": "c@example.com", "externalId": name, "collectionMethod": "send_invoice", "netDays": net_days });
    t.make("customers", body).await;
    t.buy(name, &plan, 1).await
}

async fn transfer(t: &Test, invoice: &Value, amount: i64) -> Value {
    let path = format!("/v1/invoices/{}/payments", invoice["id"].as_str().unwrap());
    t.call(post(path, &json!({ "amount": amount, "reference": "R" })).key(&t.key))
        .await
        .expect(201)
        .json()
}

async fn status(t: &Test, customer: &str) -> String {
    t.subscription_of(customer).await["status"].as_str().unwrap().to_owned()
}

async fn statuses(t: &Test, customer: &str) -> Vec<String> {
    let invoices = t.invoices_of(customer).await;
    invoices.iter().map(|invoice| invoice["status"].as_str().unwrap().to_owned()).collect()
}

/// The only attempt in progress.
async fn pending(t: &Test) -> PaymentAttemptId {
    let mut tx = t.app.db.read().await.unwrap();
    tx.one(&PENDING, &[], |row| row.take()).await.unwrap().unwrap()
}

async fn assert_renewed_before_overdue(t: &Test) {
    assert_eq!(
        (status(t, "c").await, statuses(t, "c").await),
        ("past_due".into(), vec!["overdue".to_owned(), "issued".to_owned()])
    );
    let events = get("/v1/audit-events?customerId=c&limit=100").key(&t.key);
    let events = t.call(events).await.expect(200).json();
    let mut actions = events["data"].as_array().unwrap().iter().map(|event| &event["action"]);
    let mut next = |action: &str| actions.any(|known| *known == action);
    // The newest comes first.
    assert!(next("subscription.past_due") && next("subscription.renewed"), "{events}");
}

on_both_stores! {
    async fn failed_renewal_is_retried_after_1_3_5_and_7_days(t) {
        let (_, subscription) = failing(&t, "c").await;
        for (day, tries) in [
            ("2030-01-31T23:59:59Z", 0), ("2030-02-01T00:00:00Z", 1), ("2030-02-01T23:59:59Z", 1), ("2030-02-02T00:00:00Z", 2), ("2030-02-03T23:59:59Z", 2),
            ("2030-02-04T00:00:00Z", 3), ("2030-02-05T23:59:59Z", 3), ("2030-02-06T00:00:00Z", 4), ("2030-02-07T23:59:59Z", 4),
        ] {
            t.clock_to(day).await;
            assert_eq!(t.count(&ATTEMPTS).await, tries, "{day}");
            let (alive, owed) = if tries == 0 { ("active", "paid") } else { ("past_due", "overdue") };
            assert_eq!((status(&t, "c").await.as_str(), statuses(&t, "c").await.last().unwrap().as_str()), (alive, owed), "{day}");
        }
        t.clock_to("2030-02-08T00:00:00Z").await;
        assert_eq!((t.count(&ATTEMPTS).await, status(&t, "c").await), (5, "canceled".into()));
        let invoices = t.invoices_of("c").await;
        assert_eq!(summarize(&invoices), [("create", "paid", 2_000), ("renewal", "uncollectible", 2_000)]);
        assert_eq!(t.subscription_of("c").await["canceledAt"], "2030-02-08T00:00:00.000Z");
        t.clock_to("2030-04-01T00:00:00Z").await;
        assert_eq!(t.count(&ATTEMPTS).await, 5);
        // It can still be paid, which revives nothing.
        let good = t.card("c", "pm_sandbox_visa").await;
        let outcome = t.pay(invoices[1]["id"].as_str().unwrap(), json!({ "paymentMethodId": good })).await.expect(200).json();
        assert_eq!(outcome["invoice"]["status"], "paid");
        assert_eq!((status(&t, "c").await, outcome["subscription"]["id"].clone()), ("canceled".into(), subscription["id"].clone()));
        t.clock_to("2030-06-01T00:00:00Z").await;
        assert_eq!(t.invoices_of("c").await.len(), 2);
    }

    async fn card_declined_for_good_is_not_charged_again(t) {
        let (id, _) = failing_by(&t, "c", "pm_sandbox_lost").await;
        t.clock_to("2030-02-01T00:00:00Z").await;
        assert_eq!((t.count(&ATTEMPTS).await, t.count(&ASKED).await), (1, 1));
        // The retries come as planned, and the bank is not asked.
        t.clock_to("2030-02-06T00:00:00Z").await;
        assert_eq!((t.count(&ATTEMPTS).await, t.count(&ASKED).await), (4, 1));
        let shown = t.call(get(format!("/v1/customers/{id}/payment-methods")).key(&t.key)).await.expect(200).json();
        let declined: Vec<&Value> = shown["data"].as_array().unwrap().iter().map(|card| &card["isDeclined"]).collect();
        assert_eq!(declined.iter().filter(|declined| ***declined == json!(true)).count(), 1, "{shown}");
        // The customer may try it, and then the bank decides.
        let invoice = t.invoices_of("c").await.pop().unwrap();
        t.pay(invoice["id"].as_str().unwrap(), json!({})).await.refused(402, "payment_declined");
        assert_eq!(t.count(&ASKED).await, 2);
        let good = t.card(&id, "pm_sandbox_mastercard").await;
        make_default(&t, &good).await;
        t.bill_what_is_due().await;
        assert_eq!((status(&t, "c").await, t.count(&ASKED).await), ("active".into(), 2));
    }

    async fn new_default_card_is_charged_at_once(t) {
        let (id, _) = failing(&t, "c").await;
        t.clock_to("2030-02-02T12:00:00Z").await;
        let good = t.card(&id, "pm_sandbox_mastercard").await;
        assert_eq!((status(&t, "c").await, t.count(&ATTEMPTS).await), ("past_due".into(), 2));
        make_default(&t, &good).await;
        t.bill_what_is_due().await;
        assert_eq!((status(&t, "c").await, t.count(&ATTEMPTS).await), ("active".into(), 2));
        let invoice = t.invoices_of("c").await.pop().unwrap();
        assert_eq!((&invoice["status"], &invoice["payments"][0]["brand"], &invoice["paidAt"]),
            (&json!("paid"), &json!("mastercard"), &json!("2030-02-02T12:00:00.000Z")));
        t.clock_to("2030-03-01T00:00:00Z").await;
        assert_eq!(statuses(&t, "c").await, ["paid", "paid", "paid"]);
    }

    async fn new_default_card_that_fails_costs_no_planned_retry(t) {
        let (id, _) = failing(&t, "c").await;
        t.clock_to("2030-02-02T12:00:00Z").await;
        for (tries, token) in [(3, "pm_sandbox_requires_form"), (4, "pm_sandbox_declined"), (5, "pm_sandbox_requires_form"), (6, "pm_sandbox_declined"), (7, "pm_sandbox_requires_form")] {
            make_default(&t, &t.card(&id, token).await).await;
            t.bill_what_is_due().await;
            assert_eq!((status(&t, "c").await, t.count(&ATTEMPTS).await), ("past_due".into(), tries));
        }
        // The retries of days 3, 5 and 7 still run.
        for (day, tries) in [("2030-02-03T23:59:59Z", 7), ("2030-02-04T00:00:00Z", 8), ("2030-02-06T00:00:00Z", 9), ("2030-02-07T23:59:59Z", 9)] {
            t.clock_to(day).await;
            assert_eq!((status(&t, "c").await, t.count(&ATTEMPTS).await), ("past_due".into(), tries), "{day}");
        }
        t.clock_to("2030-02-08T00:00:00Z").await;
        assert_eq!((status(&t, "c").await, t.count(&ATTEMPTS).await), ("canceled".into(), 10));
    }

    async fn first_card_is_charged_for_open_invoices(t) {
        let trial = crate::support::with(monthly("trial", flat(2_000)), json!({ "trialDays": 5, "requirePaymentMethod": false }));
        let plan = t.plan(trial).await;
        t.customer("c").await;
        t.buy("c", &plan, 1).await;
        t.clock_to("2030-01-06T12:00:00Z").await;
        assert_eq!((status(&t, "c").await, statuses(&t, "c").await), ("past_due".into(), vec!["overdue".to_owned()]));
        t.card("c", "pm_sandbox_visa").await;
        t.bill_what_is_due().await;
        assert_eq!((status(&t, "c").await, statuses(&t, "c").await), ("active".into(), vec!["paid".to_owned()]));
        assert_eq!(t.invoices_of("c").await[0]["paidAt"], "2030-01-06T12:00:00.000Z");
    }

    async fn payment_transfer_or_void_ends_dunning(t) {
        for name in ["pay", "transfer", "void"] {
            failing(&t, name).await;
        }
        t.clock_to("2030-02-02T12:00:00Z").await;
        let open = async |name: &str| t.invoices_of(name).await.pop().unwrap();
        let good = t.card("pay", "pm_sandbox_visa").await;
        t.pay(open("pay").await["id"].as_str().unwrap(), json!({ "paymentMethodId": good })).await.expect(200);
        let part = transfer(&t, &open("transfer").await, 1_500).await;
        // A partial payment is not enough.
        assert_eq!((&part["status"], &part["amountDue"], status(&t, "transfer").await), (&json!("overdue"), &json!(500), "past_due".into()));
        transfer(&t, &open("transfer").await, 500).await;
        let path = format!("/v1/invoices/{}/void", open("void").await["id"].as_str().unwrap());
        t.call(post(path, &json!({})).key(&t.key)).await.expect(200);
        let tries = t.count(&ATTEMPTS).await;
        for name in ["pay", "transfer", "void"] {
            assert_eq!(status(&t, name).await, "active", "{name}");
        }
        t.clock_to("2030-02-28T00:00:00Z").await;
        assert_eq!(t.count(&ATTEMPTS).await, tries);
    }

    async fn missing_card_or_required_form_counts_as_failure(t) {
        let plan = t.plan(crate::support::with(monthly("trial", flat(2_000)), json!({ "trialDays": 5, "requirePaymentMethod": false }))).await;
        t.customer("none").await;
        let form = t.customer("form").await;
        t.card(&form, "pm_sandbox_requires_form").await;
        for name in ["none", "form"] {
            t.buy(name, &plan, 1).await;
        }
        t.clock_to("2030-01-06T00:00:00Z").await;
        for name in ["none", "form"] {
            assert_eq!((status(&t, name).await, statuses(&t, name).await), ("past_due".into(), vec!["overdue".to_owned()]), "{name}");
        }
        // On-session, a form is returned, and its payment ends the arrears.
        let open = t.invoices_of("form").await.pop().unwrap();
        let asked = t.pay(open["id"].as_str().unwrap(), json!({})).await.expect(200).json();
        assert_eq!((&asked["kind"], &asked["reason"]), (&json!("requires_form"), &json!("authentication_required")));
        t.fill_in(asked["client"]["clientSecret"].as_str().unwrap(), "succeed").await.expect(204);
        assert_eq!(status(&t, "form").await, "active");
        t.clock_to("2030-01-13T00:00:00Z").await;
        assert_eq!((status(&t, "none").await, statuses(&t, "none").await), ("canceled".into(), vec!["uncollectible".to_owned()]));
    }

    async fn retry_waits_for_a_payment_in_progress(t) {
        let (id, _) = failing(&t, "c").await;
        t.clock_to("2030-02-01T12:00:00Z").await;
        let open = t.invoices_of("c").await.pop().unwrap();
        // The result of this charge is unknown while the clock passes the next retry.
        let lost = t.card(&id, "pm_sandbox_timeout").await;
        t.pay(open["id"].as_str().unwrap(), json!({ "paymentMethodId": lost })).await.refused(503, "unavailable");
        t.clock_to("2030-02-02T06:30:00Z").await;
        assert_eq!((t.count(&ATTEMPTS).await, status(&t, "c").await), (1, "past_due".into()));
        t.call(post(format!("/v1/invoices/{}/void", open["id"].as_str().unwrap()), &json!({})).key(&t.key)).await.refused(409, "payment_in_progress");
        t.advance(60);
        t.bill_what_is_due().await;
        assert_eq!((status(&t, "c").await, statuses(&t, "c").await.pop().unwrap()), ("active".into(), "paid".to_owned()));
        assert_eq!(t.charges().await, 2);
        // The same, but the payment fails: dunning continues.
        t.clock_to("2030-03-01T12:00:00Z").await;
        let open = t.invoices_of("c").await.pop().unwrap();
        assert_eq!(open["status"], "overdue");
        let id = t.begin_to_pay(open["id"].as_str().unwrap()).await;
        t.clock_to("2030-03-02T06:30:00Z").await;
        let declined = unitpay::testing::payments::ChargeResult::Declined(unitpay::testing::payments::DeclineReason::CardDeclined);
        unitpay::testing::flows::record(&t.app, &t.tenant, id, declined).await.unwrap();
        t.clock_to("2030-03-09T00:00:00Z").await;
        assert_eq!((status(&t, "c").await, statuses(&t, "c").await.pop().unwrap()), ("canceled".into(), "uncollectible".to_owned()));
    }

    async fn sent_invoice_becomes_overdue_without_cancellation(t) {
        sent_to(&t, "c", 10).await;
        sent_to(&t, "part", 10).await;
        transfer(&t, &t.invoices_of("part").await[0], 500).await;
        // Due on 11 January: that day is still in time.
        t.clock_to("2030-01-11T23:59:59Z").await;
        assert_eq!((status(&t, "c").await, statuses(&t, "c").await), ("active".into(), vec!["issued".to_owned()]));
        assert_eq!(statuses(&t, "part").await, ["partially_paid"]);
        t.clock_to("2030-01-12T00:00:00Z").await;
        for name in ["c", "part"] {
            assert_eq!((status(&t, name).await, statuses(&t, name).await), ("past_due".into(), vec!["overdue".to_owned()]), "{name}");
        }
        t.clock_to("2030-04-12T00:00:00Z").await;
        assert_eq!((status(&t, "c").await, statuses(&t, "c").await), ("past_due".into(), vec!["overdue".to_owned(); 4]));
        // After the last payment, the state is as before.
        let all = t.invoices_of("c").await;
        for (n, invoice) in all.iter().enumerate() {
            assert_eq!(status(&t, "c").await, "past_due", "{n}");
            transfer(&t, invoice, 2_000).await;
        }
        assert_eq!((status(&t, "c").await, t.charges().await), ("active".into(), 0));
    }

    async fn second_unpaid_invoice_waits_for_the_first(t) {
        // The card fails from the third renewal on. The first unpaid invoice is retried.
        let (id, _) = failing(&t, "c").await;
        t.clock_to("2030-02-01T12:00:00Z").await;
        let lost = t.invoices_of("c").await.pop().unwrap();
        // It is not retried while another payment is in progress.
        let attempt = t.begin_to_pay(lost["id"].as_str().unwrap()).await;
        t.clock_to("2030-03-01T12:00:00Z").await;
        assert_eq!(statuses(&t, "c").await, ["paid", "overdue", "overdue"]);
        let declined = unitpay::testing::payments::ChargeResult::Declined(unitpay::testing::payments::DeclineReason::CardDeclined);
        unitpay::testing::flows::record(&t.app, &t.tenant, attempt, declined).await.unwrap();
        let good = t.card(&id, "pm_sandbox_visa").await;
        make_default(&t, &good).await;
        t.clock_to("2030-03-02T12:00:00Z").await;
        // The first is retried, and after its success the second at once.
        assert_eq!((statuses(&t, "c").await, status(&t, "c").await), (vec!["paid".to_owned(); 3], "active".into()));
    }

    async fn last_failed_retry_invoices_open_usage(t) {
        let usage = t.calls().await;
        let plan = t.plan(monthly("pro", json!([{ "type": "recurring", "amount": 2_000 }, usage]))).await;
        let id = t.payer("c").await;
        t.buy("c", &plan, 1).await;
        let card = t.card(&id, "pm_sandbox_declined").await;
        make_default(&t, &card).await;
        // 20 calls belong to the period that the renewal bills, 40 to the one that is not over.
        t.call_for("c", "1", 20).await;
        t.clock_to("2030-02-05T00:00:00Z").await;
        t.call_for("c", "2", 40).await;
        t.clock_to("2030-02-08T00:00:00Z").await;
        let invoices = t.invoices_of("c").await;
        assert_eq!(summarize(&invoices), [("create", "paid", 2_000), ("renewal", "uncollectible", 2_100), ("usage", "overdue", 200)]);
        let last = &invoices[2];
        assert_eq!(["issuedAt", "periodStart", "periodEnd"].map(|name| &last[name]), [
            &json!("2030-02-08T00:00:00.000Z"), &json!("2030-02-01T00:00:00.000Z"), &json!("2030-02-08T00:00:00.000Z"),
        ]);
        // The renewal was tried five times, this once so far.
        assert_eq!((t.count(&ATTEMPTS).await, status(&t, "c").await), (6, "canceled".into()));
        let late = event_with("c", "call", "3", json!({}));
        assert_eq!(t.tracked(json!([late])).await, [(0, "rejected_no_subscription".to_owned())]);
        // The last invoice has its own retries; then nothing more comes.
        t.clock_to("2030-06-01T00:00:00Z").await;
        assert_eq!((t.count(&ATTEMPTS).await, statuses(&t, "c").await.pop().unwrap()), (10, "uncollectible".to_owned()));
        let good = t.card(&id, "pm_sandbox_visa").await;
        let outcome = t.pay(last["id"].as_str().unwrap(), json!({ "paymentMethodId": good })).await.expect(200).json();
        assert_eq!((&outcome["invoice"]["status"], status(&t, "c").await), (&json!("paid"), "canceled".into()));
    }

    async fn payment_during_the_last_retry_is_awaited(t) {
        use unitpay::testing::payments::{ChargeResult, DeclineReason};
        let declined = || ChargeResult::Declined(DeclineReason::CardDeclined);
        for (name, pays) in [("pays", true), ("fails", false)] {
            let (id, _) = failing(&t, name).await;
            let since = t.invoices_of(name).await[0]["periodEnd"].clone();
            let since: unitpay::testing::base::Time = serde_json::from_value(since).unwrap();
            t.clock_to(&since.plus_days(6).to_string()).await;
            // The result of the last retry is unknown until it failed.
            let lost = t.card(&id, "pm_sandbox_timeout").await;
            t.advance(86_400);
            make_default(&t, &lost).await;
            t.bill_what_is_due().await;
            let last = pending(&t).await;
            unitpay::testing::flows::record(&t.app, &t.tenant, last, declined()).await.unwrap();
            let owed = t.invoices_of(name).await.pop().unwrap();
            let attempt = t.begin_to_pay(owed["id"].as_str().unwrap()).await;
            t.bill_what_is_due().await;
            assert_eq!((status(&t, name).await, statuses(&t, name).await.pop().unwrap()), ("past_due".into(), "overdue".to_owned()), "{name}");
            let good = t.card(&id, "pm_sandbox_visa").await;
            make_default(&t, &good).await;
            if pays {
                unitpay::testing::flows::run(&t.app, &t.tenant, attempt).await.unwrap();
            } else {
                unitpay::testing::flows::record(&t.app, &t.tenant, attempt, declined()).await.unwrap();
            }
            t.advance(3_600);
            t.bill_what_is_due().await;
            let end = if pays { ("active".into(), "paid".to_owned()) } else { ("canceled".into(), "uncollectible".to_owned()) };
            assert_eq!((status(&t, name).await, statuses(&t, name).await.pop().unwrap()), end, "{name}");
        }
    }

    async fn invoice_without_net_days_is_due_today(t) {
        sent_to(&t, "c", 0).await;
        t.clock_to("2030-01-01T23:59:59Z").await;
        assert_eq!((status(&t, "c").await, statuses(&t, "c").await), ("active".into(), vec!["issued".to_owned()]));
        t.clock_to("2030-01-02T00:00:00Z").await;
        assert_eq!((status(&t, "c").await, statuses(&t, "c").await), ("past_due".into(), vec!["overdue".to_owned()]));
    }

    async fn renewal_comes_before_overdue_at_one_instant(t) {
        // The due day ends as the second period begins.
        sent_to(&t, "c", 30).await;
        t.advance(31 * 86_400);
        t.bill_what_is_due().await;
        assert_renewed_before_overdue(&t).await;
    }

    async fn renewal_comes_before_overdue_on_the_test_clock(t) {
        sent_to(&t, "c", 30).await;
        t.clock_to("2030-02-01T00:00:00Z").await;
        assert_renewed_before_overdue(&t).await;
    }

    async fn last_failed_retry_closes_the_payment_form(t) {
        let (id, _) = failing(&t, "c").await;
        t.clock_to("2030-02-07T12:00:00Z").await;
        let owed = t.invoices_of("c").await.pop().unwrap();
        let careful = t.card(&id, "pm_sandbox_requires_form").await;
        let form = t.pay(owed["id"].as_str().unwrap(), json!({ "paymentMethodId": careful })).await.expect(200).json();
        assert_eq!(form["kind"], "requires_form");
        t.clock_to("2030-02-08T00:00:00Z").await;
        assert_eq!((status(&t, "c").await, statuses(&t, "c").await), ("canceled".into(), vec!["paid".to_owned(), "uncollectible".to_owned()]));
        // A payment by the closed form is refunded.
        t.fill_in(form["client"]["clientSecret"].as_str().unwrap(), "succeed").await.expect(204);
        assert_eq!((statuses(&t, "c").await.pop().unwrap(), t.count(&REFUNDS).await), ("uncollectible".to_owned(), 1));
    }
}
