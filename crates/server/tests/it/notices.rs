//! Notices: ends of trials and yearly renewals, each announced once, and the e-mails about them.

use crate::on_both_stores;
use crate::support::{Engine, Request, SmtpServer, Test, flat, get, monthly, with, yearly};
use futures_util::future::join_all;
use serde_json::{Value, json};
use unitpay::testing::db::{Sql, sql};
use unitpay::testing::jobs;

const DAY: u64 = 86_400;
const OF_TRIALS: Sql = sql("SELECT COUNT(*) FROM events WHERE type = 'subscription.trial_ending'");
const OF_RENEWALS: Sql =
    sql("SELECT COUNT(*) FROM events WHERE type = 'subscription.renewal_upcoming'");

impl Test {
    /// The trials and renewals that were announced, after what is ahead now was.
    async fn announced(&self) -> (i64, i64) {
        jobs::announce(&self.app).await.unwrap();
        (self.count(&OF_TRIALS).await, self.count(&OF_RENEWALS).await)
    }

    async fn trial(&self, slug: &str, days: i64) -> String {
        self.plan(with(monthly(slug, flat(2_000)), json!({ "trialDays": days }))).await
    }

    /// The published events of a type, oldest first.
    async fn events_of(&self, event_type: &str) -> Vec<Value> {
        self.publish().await;
        let path = format!("/v1/events?limit=100&type={event_type}");
        let list = self.call(get(path).key(&self.key)).await.expect(200).json();
        list["data"].as_array().unwrap().iter().rev().cloned().collect()
    }

    async fn speaks(&self, customer: &str, locale: &str) {
        let path = format!("/v1/customers/{customer}");
        let body = json!({ "locale": locale });
        self.call(Request::new("PATCH", path).json(&body).key(&self.key)).await.expect(200);
    }
}

/// The text part of a message.
fn text(mail: &crate::support::Mail) -> String {
    String::from_utf8(mail.part("text/plain")).unwrap().replace("\r\n", "\n")
}

on_both_stores! {
    async fn trial_end_is_announced_once(t) {
        let plan = t.trial("pro", 14).await;
        t.payer("one").await;
        let subscription = t.buy("one", &plan, 1).await;
        t.advance(7 * DAY - 1);
        assert_eq!(t.announced().await, (0, 0));
        t.advance(1);
        assert_eq!(t.announced().await, (1, 0));
        assert_eq!(t.another_node().await.announced().await, (1, 0));
        t.advance(6 * DAY);
        assert_eq!(t.announced().await, (1, 0));
        let events = t.events_of("subscription.trial_ending").await;
        let object = &events[0]["data"]["object"];
        assert_eq!((&object["id"], &object["status"]), (&subscription["id"], &json!("trialing")));
        assert_eq!(events[0]["customerId"], subscription["customerId"]);
        // The subscription begins, monthly.
        t.advance(DAY);
        t.bill_what_is_due().await;
        assert_eq!(t.announced().await, (1, 0));
        t.clock_to("2030-06-01T00:00:00Z").await;
        assert_eq!(t.announced().await, (1, 0));
    }

    async fn trial_shorter_than_its_notice_is_not_announced(t) {
        for (name, days) in [("one", 6), ("two", 7)] {
            let plan = t.trial(name, days).await;
            t.payer(name).await;
            t.buy(name, &plan, 1).await;
        }
        assert_eq!(t.announced().await, (1, 0));
        let customer = t.subscription_of("two").await["customerId"].clone();
        assert_eq!(t.events_of("subscription.trial_ending").await[0]["customerId"], customer);
    }

    async fn trial_that_was_canceled_is_not_announced(t) {
        let plan = t.trial("pro", 14).await;
        let mut subscriptions = Vec::new();
        for name in ["now", "later"] {
            t.payer(name).await;
            subscriptions.push(t.buy(name, &plan, 1).await);
        }
        t.of_subscription(&subscriptions[0], "cancel", json!({ "mode": "now" })).await.expect(200);
        t.of_subscription(&subscriptions[1], "cancel", json!({ "mode": "period_end" })).await.expect(200);
        t.advance(8 * DAY);
        assert_eq!(t.announced().await, (0, 0));
        // It goes on after all, and once more.
        for _ in 0..2 {
            t.of_subscription(&subscriptions[1], "uncancel", json!({})).await.expect(200);
            assert_eq!(t.announced().await, (1, 0));
            t.of_subscription(&subscriptions[1], "cancel", json!({ "mode": "period_end" })).await.expect(200);
        }
    }

    async fn moved_end_of_a_trial_is_announced_again(t) {
        let long = t.trial("long", 20).await;
        let short = t.trial("short", 17).await;
        t.payer("one").await;
        let subscription = t.buy("one", &long, 1).await;
        t.advance(14 * DAY);
        assert_eq!(t.announced().await, (1, 0));
        let change = json!({ "planId": short });
        t.of_subscription(&subscription, "change-plan", change).await.expect(200);
        let trial_end = t.subscription_of("one").await["trialEnd"].clone();
        assert_eq!(trial_end, "2030-01-18T00:00:00.000Z");
        assert_eq!(t.announced().await, (2, 0));
        assert_eq!(t.announced().await, (2, 0));
        assert_eq!(t.events_of("subscription.trial_ending").await[1]["data"]["object"]["trialEnd"], trial_end);
    }

    async fn yearly_renewal_is_announced_once_a_year(t) {
        let year = t.plan(yearly("year", flat(20_000))).await;
        let month = t.plan(monthly("month", flat(2_000))).await;
        for (name, plan) in [("one", &year), ("two", &month), ("three", &year)] {
            t.payer(name).await;
            t.buy(name, plan, 1).await;
        }
        let ends = t.subscription_of("three").await;
        t.of_subscription(&ends, "cancel", json!({ "mode": "period_end" })).await.expect(200);
        t.clock_to("2030-12-01T23:59:59Z").await;
        assert_eq!(t.announced().await, (0, 0));
        t.clock_to("2030-12-02T00:00:00Z").await;
        assert_eq!(t.announced().await, (0, 1));
        t.clock_to("2031-12-01T23:59:59Z").await;
        assert_eq!(t.announced().await, (0, 1));
        // Over the notice and the renewal in one step.
        t.clock_to("2032-01-02T00:00:00Z").await;
        assert_eq!(t.announced().await, (0, 2));
        let events = t.events_of("subscription.renewal_upcoming").await;
        assert_eq!(events[1]["data"]["object"]["currentBillingPeriodEnd"], "2033-01-01T00:00:00.000Z");
    }

    async fn clock_that_jumps_announces_each_end_once(t) {
        let trial = json!({ "trialDays": 20 });
        let plan = t.plan(with(yearly("year", flat(20_000)), trial)).await;
        t.payer("one").await;
        t.buy("one", &plan, 1).await;
        // The trial, and the renewals of January 2031 and 2032.
        t.clock_to("2032-01-01T00:00:00Z").await;
        assert_eq!(t.announced().await, (1, 2));
    }

    async fn changed_interval_moves_the_renewal(t) {
        let year = t.plan(yearly("year", flat(20_000))).await;
        let dear = t.plan(yearly("dear", flat(40_000))).await;
        let month = t.plan(monthly("month", flat(90_000))).await;
        t.payer("one").await;
        let subscription = t.buy("one", &year, 1).await;
        t.clock_to("2030-12-10T00:00:00Z").await;
        assert_eq!(t.announced().await, (0, 1));
        // A dearer plan in the same period: its end was announced.
        t.of_subscription(&subscription, "change-plan", json!({ "planId": dear })).await.expect(200);
        assert_eq!(t.announced().await, (0, 1));
        // A new period begins.
        t.of_subscription(&subscription, "change-plan", json!({ "planId": month })).await.expect(200);
        assert_eq!(t.announced().await, (0, 1));
        t.clock_to("2031-12-30T00:00:00Z").await;
        assert_eq!(t.announced().await, (0, 1));
    }

    async fn notices_of_no_days_are_off(t) {
        let t = Test::start_with(t.engine, |config| {
            config.billing.trial_notice_days = 0;
            config.billing.renewal_notice_days = 0;
        })
        .await;
        let plan = t.plan(with(yearly("year", flat(20_000)), json!({ "trialDays": 20 }))).await;
        t.payer("one").await;
        t.buy("one", &plan, 1).await;
        t.clock_to("2031-06-01T00:00:00Z").await;
        assert_eq!(t.announced().await, (0, 0));
    }

    async fn notice_says_date_amount_and_page(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_email(t.engine, &smtp).await;
        let calls = t.calls().await;
        let mut charges = flat(20_000);
        charges.as_array_mut().unwrap().push(calls);
        let plan = t.plan(with(yearly("year", charges), json!({ "trialDays": 20 }))).await;
        let settings = Request::new("PUT", "/v1/login-settings").json(&json!({ "enabled": true }));
        let page = t.call(settings.key(&t.key)).await.expect(200).text("url");
        for (name, locale) in [("one", "en"), ("two", "de"), ("three", "ar")] {
            t.payer(name).await;
            t.speaks(name, locale).await;
            t.buy(name, &plan, 1).await;
        }
        let tax = json!({ "taxRate": { "name": "VAT", "basisPoints": 1900 } });
        t.call(Request::new("PATCH", "/v1/customers/one").json(&tax).key(&t.key)).await.expect(200);
        t.clock_to("2030-01-15T00:00:00Z").await;
        t.send_email().await;
        let texts: Vec<String> = smtp.take().iter().map(text).collect();
        // Usage in a trial is free. The first customer is taxed.
        for parts in [
            ["Trial ends on: Jan 21, 2030\nAmount: $238.00\n", &page],
            ["تاريخ انتهاء الفترة التجريبية: ٢١ يناير ٢٠٣٠\nالمبلغ: \u{200f}٢٠٠٫٠٠", &page],
            ["Testphase endet am: 21.01.2030\nBetrag: 200,00", &page],
        ] {
            let is_it = |text: &&String| parts.iter().all(|part| text.contains(part));
            assert_eq!(texts.iter().filter(is_it).count(), 1, "{parts:?}: {texts:?}");
        }
        t.clock_to("2030-12-25T00:00:00Z").await;
        t.send_email().await;
        let mails = smtp.take();
        let mail = mails.iter().find(|mail| mail.header("subject").unwrap().contains("renews soon")).unwrap();
        let text = text(mail);
        for part in ["Renews on: Jan 21, 2031", "At least, plus usage: $238.00", &page] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    async fn notice_that_is_outdated_is_not_sent(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_email(t.engine, &smtp).await;
        let plan = t.trial("pro", 14).await;
        for name in ["one", "two"] {
            t.payer(name).await;
            t.buy(name, &plan, 1).await;
        }
        t.advance(7 * DAY);
        // Canceled before the event is published, and before the e-mail is sent.
        jobs::announce(&t.app).await.unwrap();
        let cancel = async |name: &str| {
            let subscription = t.subscription_of(name).await;
            t.of_subscription(&subscription, "cancel", json!({ "mode": "period_end" })).await.expect(200);
        };
        cancel("one").await;
        t.publish().await;
        cancel("two").await;
        t.send_email().await;
        assert_eq!(smtp.take().len(), 0);
        let list = t.call(get("/v1/emails").key(&t.key)).await.expect(200).json();
        let state: Vec<_> = list["data"].as_array().unwrap().iter().map(|one| (&one["kind"], &one["status"], &one["error"])).collect();
        assert_eq!(state, [(&json!("trial_ending"), &json!("failed"), &json!("notice_outdated"))]);
        // Both were announced, and a clock that jumps over the end sends no e-mail either.
        assert_eq!(t.announced().await, (2, 0));
        let plan = t.trial("other", 30).await;
        t.payer("three").await;
        t.buy("three", &plan, 1).await;
        t.clock_to("2030-03-01T00:00:00Z").await;
        t.send_email().await;
        assert_eq!(t.announced().await, (3, 0));
        assert!(smtp.take().iter().all(|mail| !mail.header("subject").unwrap().contains("trial")));
    }

    async fn disabled_kind_of_notice_is_not_sent(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_email(t.engine, &smtp).await;
        let settings = json!({ "disabledKinds": ["trial_ending"] });
        t.call(Request::new("PUT", "/v1/email-settings").json(&settings).key(&t.key)).await.expect(200);
        let plan = t.trial("pro", 14).await;
        t.payer("one").await;
        t.buy("one", &plan, 1).await;
        t.advance(7 * DAY);
        assert_eq!(t.announced().await, (1, 0));
        t.send_email().await;
        assert_eq!(smtp.take().len(), 0);
    }
}

/// Two nodes that look at once announce each end once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_announce_each_end_once() {
    let one = Test::start(Engine::Postgres).await;
    let two = one.another_node().await;
    let plan = one.trial("pro", 14).await;
    let year = one.plan(yearly("year", flat(20_000))).await;
    for n in 0..10 {
        let (name, plan) = (format!("c{n}"), if n % 2 == 0 { &plan } else { &year });
        one.payer(&name).await;
        one.buy(&name, plan, 1).await;
    }
    for node in [&one, &two] {
        node.advance(8 * DAY);
    }
    for looked in join_all([&one, &two, &one, &two].map(|node| jobs::announce(&node.app))).await {
        looked.unwrap();
    }
    assert_eq!(one.announced().await, (5, 0));
    for node in [&one, &two] {
        node.advance(330 * DAY);
    }
    for looked in join_all([&one, &two, &one, &two].map(|node| jobs::announce(&node.app))).await {
        looked.unwrap();
    }
    assert_eq!(one.announced().await.1, 5);
}
