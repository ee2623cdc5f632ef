//! Every action of the audit log, by the request or the time that causes it. Each request of this
//! history records exactly these events, and together they cover all actions.

use crate::on_both_stores;
use crate::support::{
    Answer, Request, SmtpManner, SmtpServer, Test, delete, deliver_here, event, flat, get, mail_to,
    monthly, patch, post, with, yearly,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use unitpay::testing::audit::Action;
use unitpay::testing::base::DisputeStatus;
use unitpay::testing::keys::KeyScopes;
use unitpay::testing::payments::{Card, ProcessorEvent, RefundKey, RefundResult};

on_both_stores! {
    async fn every_action_is_audited_exactly_where_it_happens(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::start_with(t.engine, |config| {
            deliver_here(config);
            mail_to(config, smtp.port);
        }).await;
        let mut log = Log { t: &t, last: String::new(), recorded: BTreeSet::new() };
        log.check(&["operator api_key.created"]).await;
        let shop = the_catalog(&mut log).await;
        customers_and_sessions(&mut log).await;
        login(&mut log).await;
        subscriptions(&mut log, &shop).await;
        coupons(&mut log, &shop).await;
        cards_and_forms(&mut log, &shop).await;
        credits(&mut log, &shop).await;
        time(&mut log).await;
        attention(&mut log).await;
        webhook_endpoints(&mut log).await;
        emails(&mut log, &smtp).await;
        money_back(&mut log).await;
        let all: BTreeSet<String> = Action::NAMES.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(log.recorded, all);
    }
}

/// The log, with the position up to which it was checked.
struct Log<'a> {
    t: &'a Test,
    last: String,
    recorded: BTreeSet<String>,
}

impl Log<'_> {
    /// Asserts that exactly these events were recorded since the last check, oldest first, each
    /// with its actor.
    async fn check(&mut self, expected: &[&str]) {
        let list =
            self.t.call(get("/v1/audit-events?limit=100").key(&self.t.key)).await.expect(200);
        let list = list.json()["data"].as_array().unwrap().clone();
        let text = |event: &Value, name: &str| event[name].as_str().unwrap().to_owned();
        let fresh = list.iter().take_while(|event| text(event, "id") != self.last);
        let mut fresh: Vec<_> =
            fresh.map(|event| (text(event, "actorType"), text(event, "action"))).collect();
        fresh.reverse();
        self.last = text(&list[0], "id");
        let shown: Vec<String> = fresh
            .iter()
            .map(|(actor, action)| match actor.as_str() {
                "api_key" => action.clone(),
                actor => format!("{actor} {action}"),
            })
            .collect();
        assert_eq!(shown, expected);
        self.recorded.extend(fresh.into_iter().map(|(_, action)| action));
    }

    /// Sends a request and asserts the events that it records.
    async fn ask(&mut self, request: Request, expected: &[&str]) -> Answer {
        let answer = self.t.call(request.key(&self.t.key)).await;
        assert!(answer.status < 300, "{expected:?}: {}", String::from_utf8_lossy(&answer.body));
        self.check(expected).await;
        answer
    }

    async fn make(&mut self, list: &str, body: Value, expected: &str) -> String {
        self.ask(post(format!("/v1/{list}"), &body), &[expected]).await.text("id")
    }
}

struct Shop {
    /// Free, and measures `call`.
    free: String,
    /// 1000 per month.
    small: String,
    /// 3000 per month.
    large: String,
    credits: String,
    package: String,
}

async fn the_catalog(log: &mut Log<'_>) -> Shop {
    let product = json!({ "slug": "main", "name": "Main" });
    let product = log.make("products", product, "product.created").await;
    let of_product = |more: Value| with(json!({ "productId": product, "name": "N" }), more);
    let metric = of_product(json!({ "eventName": "call", "aggregation": "sum" }));
    let metric = log.make("billable-metrics", metric, "billable_metric.created").await;
    let generate = of_product(json!({ "eventName": "generate", "aggregation": "sum" }));
    let generate = log.make("billable-metrics", generate, "billable_metric.created").await;
    let credits = json!({ "slug": "credits", "name": "Credits", "denomination": "unit" });
    let credits = log.make("credit-currencies", credits, "credit_currency.created").await;
    let feature = of_product(
        json!({ "slug": "generation", "type": "credit", "metricId": generate, "creditCurrencyId": credits, "creditCost": "1" }),
    );
    let feature = log.make("features", feature, "feature.created").await;
    let package = json!({ "creditCurrencyId": credits, "name": "Ten", "credits": 10, "price": 900, "currency": "USD" });
    let package = log.make("credit-packages", package, "credit_package.created").await;
    let gives = json!({ "productId": product, "entitlements": [{ "featureId": feature, "type": "credit" }] });
    let usage = json!({ "type": "usage", "metricId": metric, "includedUnits": "0", "tiers": [{ "upTo": null, "unitPrice": "100" }] });
    let mut plans = Vec::new();
    let without_card = json!({ "requirePaymentMethod": false });
    for plan in [
        with(yearly("free", json!([usage])), without_card),
        monthly("small", flat(1_000)),
        monthly("large", flat(3_000)),
    ] {
        plans.push(log.make("plans", with(plan, gives.clone()), "plan.created").await);
    }
    for (list, id, action) in [
        ("products", &product, "product.updated"),
        ("billable-metrics", &metric, "billable_metric.updated"),
        ("credit-currencies", &credits, "credit_currency.updated"),
        ("features", &feature, "feature.updated"),
        ("credit-packages", &package, "credit_package.updated"),
        ("plans", &plans[0], "plan.updated"),
    ] {
        log.ask(patch(format!("/v1/{list}/{id}"), &json!({ "name": "Other" })), &[action]).await;
    }
    let branding = Request::new("PUT", "/v1/branding").json(&json!({ "name": "Acme" }));
    log.ask(branding, &["branding.updated"]).await;
    let settings = json!({ "disabledKinds": ["credits_low"] });
    let settings = Request::new("PUT", "/v1/email-settings").json(&settings);
    log.ask(settings, &["email_settings.updated"]).await;
    let settings = Request::new("PUT", "/v1/login-settings").json(&json!({ "enabled": true }));
    log.ask(settings, &["login_settings.updated"]).await;
    let settings = json!({ "afterLostDispute": "cancel" });
    let settings = Request::new("PUT", "/v1/billing-settings").json(&settings);
    log.ask(settings, &["billing_settings.updated"]).await;
    let [free, small, large] = plans.try_into().unwrap();
    Shop { free, small, large, credits, package }
}

async fn login(log: &mut Log<'_>) {
    let (t, email) = (log.t, "login@example.com");
    log.make("customers", json!({ "name": "L", "email": email }), "customer.created").await;
    let organization = t.tenant.organization_id.to_string();
    let body = json!({ "organization": organization, "environment": "sandbox", "email": email });
    let asked = t.call(post("/v1/logins", &body)).await.expect(201);
    t.publish().await;
    let id = asked.text("id");
    let code = t.app.codes.login_code(id.parse().unwrap());
    let enter = post("/v1/logins/enter", &json!({ "id": id, "code": code.reveal() }));
    let cookie = asked.header("set-cookie").unwrap().split(';').next().unwrap();
    t.call(enter.header("cookie", cookie)).await.expect(200);
    log.check(&["portal_session portal_session.created"]).await;
}

async fn customers_and_sessions(log: &mut Log<'_>) {
    let t = log.t;
    let new = |name: &str| json!({ "name": "A", "email": "a@example.com", "externalId": name });
    for name in ["one", "two", "gone"] {
        log.make("customers", new(name), "customer.created").await;
    }
    log.ask(patch("/v1/customers/one", &json!({ "name": "B" })), &["customer.updated"]).await;
    log.ask(post("/v1/customers/gone/archive", &json!({})), &["customer.archived"]).await;
    log.ask(post("/v1/customers/gone/unarchive", &json!({})), &["customer.unarchived"]).await;
    let erased = ["customer.archived", "customer.erased"];
    log.ask(post("/v1/customers/gone/erase", &json!({})), &erased).await;
    let session = async || t.mint(json!({ "customerId": "one" })).await.expect(201);
    let token = session().await.text("token");
    t.call(delete("/v1/portal-sessions/current").bearer(&token)).await.expect(204);
    log.check(&["portal_session portal_session.ended"]).await;
    let named = json!({ "jti": session().await.text("jti") });
    log.ask(post("/v1/portal-sessions/revoke", &named), &["portal_session.revoked"]).await;
    let all = json!({ "customerId": "one" });
    log.ask(post("/v1/portal-sessions/revoke", &all), &["customer.sessions_revoked"]).await;
    let key = json!({ "name": "K", "scopes": ["audit:read"] });
    let key = log.make("api-keys", key, "api_key.created").await;
    log.ask(post(format!("/v1/api-keys/{key}/revoke"), &json!({})), &["api_key.revoked"]).await;
    t.key_of(t.tenant, KeyScopes::ALL).await;
    log.check(&["operator api_key.created"]).await;
}

async fn subscriptions(log: &mut Log<'_>, shop: &Shop) {
    let cards = "/v1/customers/one/payment-methods";
    let card = post(cards, &json!({ "processorToken": "pm_sandbox_visa" }));
    log.ask(card, &["payment_method.added", "payment_method.made_default"]).await;
    let body = json!({ "customerId": "one", "planId": shop.small });
    let started = [
        "payment.started",
        "system subscription.started",
        "system invoice.issued",
        "system payment.succeeded",
    ];
    log.ask(post("/v1/subscriptions", &body), &started).await;
    let changed = [
        "payment.started",
        "system subscription.changed",
        "system invoice.issued",
        "system payment.succeeded",
    ];
    let path = path_of(log.t).await;
    let to = |plan: &str| post(format!("{path}/change-plan"), &json!({ "planId": plan }));
    log.ask(to(&shop.large), &changed).await;
    log.ask(to(&shop.small), &["subscription.change_scheduled"]).await;
    let cancel = post(format!("{path}/cancel"), &json!({}));
    log.ask(cancel, &["subscription.cancel_scheduled"]).await;
    let undo = post(format!("{path}/uncancel"), &json!({}));
    log.ask(undo, &["subscription.uncanceled"]).await;
    let now = post(format!("{path}/cancel"), &json!({ "mode": "now" }));
    log.ask(now, &["subscription.canceled"]).await;
    log.ask(post("/v1/subscriptions", &body), &started).await;
    log.ask(clock_to("01-02"), &["test_clock.advanced"]).await;
    let free = json!({ "customerId": "two", "planId": shop.free });
    log.ask(post("/v1/subscriptions", &free), &["subscription.started"]).await;
}

async fn coupons(log: &mut Log<'_>, shop: &Shop) {
    let coupon = json!({ "name": "C", "percentOff": 10, "duration": "once" });
    let coupon = log.make("coupons", coupon, "coupon.created").await;
    let rename = patch(format!("/v1/coupons/{coupon}"), &json!({ "name": "D" }));
    log.ask(rename, &["coupon.updated"]).await;
    let code = json!({ "couponId": coupon, "code": "TEN" });
    let code = log.make("promotion-codes", code, "promotion_code.created").await;
    let limit = patch(format!("/v1/promotion-codes/{code}"), &json!({ "maxRedemptions": 9 }));
    log.ask(limit, &["promotion_code.updated"]).await;
    let path = format!("{}/discount", path_of(log.t).await);
    let set = Request::new("PUT", &path).json(&json!({ "promotionCode": "ten" }));
    log.ask(set, &["coupon.redeemed", "subscription.discount_set"]).await;
    log.ask(delete(path), &["subscription.discount_removed"]).await;
    // A form reserves it.
    let third = json!({ "name": "A", "email": "c@example.com", "externalId": "holder" });
    log.make("customers", third, "customer.created").await;
    let body = json!({ "customerId": "holder", "planId": shop.small, "promotionCode": "ten" });
    let reserved = ["coupon.redeemed", "payment.started", "system payment.needs_form"];
    let asked = log.ask(post("/v1/subscriptions", &body), &reserved).await.json();
    let id = asked["subscription"]["id"].as_str().unwrap();
    let cancel = post(format!("/v1/subscriptions/{id}/cancel"), &json!({}));
    let given_up = ["payment.abandoned", "coupon.released", "subscription.canceled"];
    log.ask(cancel, &given_up).await;
}

async fn cards_and_forms(log: &mut Log<'_>, shop: &Shop) {
    let path = path_of(log.t).await;
    let first = log.t.call(get("/v1/customers/one/payment-methods").key(&log.t.key)).await;
    let first = first.expect(200).json()["data"][0]["id"].as_str().unwrap().to_owned();
    let card = prefer(log, "pm_sandbox_requires_form").await;
    let to = post(format!("{path}/change-plan"), &json!({ "planId": shop.large }));
    let asked = log.ask(to, &["payment.started", "system payment.needs_form"]).await.json();
    let cancel = post(format!("{path}/cancel"), &json!({}));
    log.ask(cancel, &["payment.abandoned", "subscription.cancel_scheduled"]).await;
    let secret = &asked["client"]["clientSecret"];
    let fill =
        post("/v1/sandbox/forms/confirm", &json!({ "clientSecret": secret, "outcome": "succeed" }));
    log.ask(fill, &["system payment.to_be_refunded", "system payment.refunded"]).await;
    reports_of_the_processor(log).await;
    let undo = post(format!("{path}/uncancel"), &json!({}));
    log.ask(undo, &["subscription.uncanceled"]).await;
    let default = post(format!("/v1/payment-methods/{first}/default"), &json!({}));
    log.ask(default, &["payment_method.made_default"]).await;
    let remove = delete(format!("/v1/payment-methods/{card}"));
    log.ask(remove, &["payment_method.removed"]).await;
}

/// A card that the bank replaced, and a refund that failed after it was made.
async fn reports_of_the_processor(log: &mut Log<'_>) {
    let t = log.t;
    let listed = t.call(get("/v1/audit-events?limit=1").key(&t.key)).await.expect(200).json();
    let attempt = listed["data"][0]["targetId"].as_str().unwrap();
    let key = RefundKey::Attempt(attempt.parse().unwrap());
    let customer = t.call(get("/v1/customers/one").key(&t.key)).await.expect(200).text("id");
    let card = Card {
        reference: "pm_sandbox_visa".into(),
        brand: "visa".into(),
        last4: "1111".into(),
        exp_month: 1,
        exp_year: 2040,
    };
    for (event, action) in [
        (ProcessorEvent::CardChanged { customer, card }, "system payment_method.updated"),
        (
            ProcessorEvent::RefundChanged { key, refund: RefundResult::Failed },
            "system payment.refund_failed",
        ),
    ] {
        let delivery = t.app.processors.sandbox().deliver(&t.tenant, &event).unwrap();
        let path = format!("/v1/webhooks/sandbox/{}", t.tenant.organization_id);
        let request = Request::new("POST", path).raw_json(delivery.body);
        log.ask(request.header("sandbox-signature", delivery.signature), &[action]).await;
    }
}

async fn credits(log: &mut Log<'_>, shop: &Shop) {
    let bought = json!({ "creditCurrencyId": shop.credits, "packageId": shop.package });
    let top_up = post("/v1/customers/one/top-ups", &bought);
    let actions = [
        "payment.started",
        "credit_account.top_up_started",
        "system invoice.issued",
        "system payment.succeeded",
    ];
    log.ask(top_up, &actions).await;
    let rule = json!({ "enabled": true, "mode": "package", "threshold": 1, "packageId": shop.package, "quantity": 1 });
    let path = format!("/v1/customers/one/auto-topup-rules/{}", shop.credits);
    let rule = Request::new("PUT", path).json(&rule);
    log.ask(rule, &["credit_account.auto_top_up_set"]).await;
    let wallet = log.t.wallet("one").await;
    let path = format!("/v1/credit-accounts/{}", wallet["id"].as_str().unwrap());
    let grant = post(format!("{path}/grants"), &json!({ "amount": 5 }));
    log.ask(grant, &["credit_account.credits_granted"]).await;
    // Events and ledger entries are their own record.
    log.ask(post("/v1/usage/track", &event("one", "generate", "a")), &[]).await;
    let entry = log.t.ledger(&wallet).await.pop().unwrap();
    assert_eq!(entry["type"], "deduction");
    let refund = post(format!("{path}/refunds"), &json!({ "ledgerEntryId": entry["id"] }));
    log.ask(refund, &["credit_account.credits_refunded"]).await;
    for (what, action) in
        [("freeze", "credit_account.frozen"), ("unfreeze", "credit_account.unfrozen")]
    {
        log.ask(post(format!("{path}/{what}"), &json!({})), &[action]).await;
    }
}

async fn time(log: &mut Log<'_>) {
    log.ask(post("/v1/usage/track", &event("two", "call", "a")), &[]).await;
    prefer(log, "pm_sandbox_declined").await;
    let fails = [
        "system payment.started",
        "system invoice.issued",
        "system invoice.overdue",
        "system subscription.past_due",
        "system payment.declined",
    ];
    let renewal = ["test_clock.advanced", "system subscription.renewed"];
    log.ask(clock_to("02-01"), &[&renewal[..], &fails].concat()).await;
    prefer(log, "pm_sandbox_mastercard").await;
    let open = log.t.invoices_of("one").await.pop().unwrap();
    let pay = post(format!("/v1/invoices/{}/pay", open["id"].as_str().unwrap()), &json!({}));
    let paid = ["payment.started", "system subscription.recovered", "system payment.succeeded"];
    log.ask(pay, &paid).await;
    let month = ["test_clock.advanced", "system subscription.usage_month_ended"];
    log.ask(clock_to("02-02"), &[&month[..], &fails].concat()).await;
    let mut tries = vec!["test_clock.advanced"];
    tries.extend(["system payment.started", "system payment.declined"].repeat(4));
    tries.extend(["system invoice.uncollectible", "system subscription.canceled"]);
    log.ask(clock_to("02-10"), &tries).await;
    let open = log.t.invoices_of("two").await.pop().unwrap();
    let path = format!("/v1/invoices/{}/payments", open["id"].as_str().unwrap());
    let transfer = post(path, &json!({ "amount": 100, "reference": "SEPA" }));
    log.ask(transfer, &["invoice.transfer_received"]).await;
    let open = log.t.bill("two", 700).await;
    log.check(&["system invoice.issued"]).await;
    let path = format!("/v1/invoices/{open}/payments");
    let transfer = post(path, &json!({ "amount": 670, "reference": "SEPA" }));
    log.ask(transfer, &["invoice.transfer_received", "invoice.remainder_moved"]).await;
    let open = log.t.bill("two", 700).await;
    log.check(&["system invoice.issued"]).await;
    log.ask(post(format!("/v1/invoices/{open}/void"), &json!({})), &["invoice.voided"]).await;
}

/// Usage beyond the range of amounts: the subscription ends nevertheless.
async fn attention(log: &mut Log<'_>) {
    let tiers = json!([{ "upTo": null, "unitPrice": "999999999999" }]);
    let usage = with(log.t.calls().await, json!({ "tiers": tiers }));
    let plan = log.t.plan(monthly("dear", json!([usage]))).await;
    log.check(&["billable_metric.created", "plan.created"]).await;
    log.t.customer("three").await;
    let subscription = log.t.buy("three", &plan, 1).await;
    log.check(&["customer.created", "subscription.awaits_payment_method"]).await;
    log.t.card("three", "pm_sandbox_visa").await;
    let starts = ["payment_method.added", "payment_method.made_default", "subscription.started"];
    log.check(&starts).await;
    log.t.call_for("three", "a", 1_000_000_000).await;
    log.t.of_subscription(&subscription, "cancel", json!({ "mode": "now" })).await.expect(200);
    log.check(&["subscription.needs_attention", "subscription.canceled"]).await;
}

/// Balances, credit notes and their refunds.
async fn money_back(log: &mut Log<'_>) {
    log.t.customer("four").await;
    log.check(&["customer.created"]).await;
    let add = json!({ "currency": "USD", "amount": 100 });
    log.ask(post("/v1/customers/four/balance/adjustments", &add), &["balance.adjusted"]).await;
    let issued = ["credit_note.issued", "refund.started"];
    for (token, refunded) in [
        ("pm_sandbox_visa", "system refund.succeeded"),
        ("pm_sandbox_refund_fails", "system refund.failed"),
    ] {
        let card = json!({ "processorToken": token, "setDefault": true });
        let added = ["payment_method.added", "payment_method.made_default"];
        log.ask(post("/v1/customers/four/payment-methods", &card), &added).await;
        let invoice = log.t.bill("four", 1_000).await;
        log.check(&["system invoice.issued"]).await;
        let paid = ["payment.started", "system payment.succeeded"];
        log.ask(post(format!("/v1/invoices/{invoice}/pay"), &json!({})), &paid).await;
        let path = format!("/v1/invoices/{invoice}/credit-notes");
        let note = json!({ "amount": 400, "reason": "other", "refundAmount": 400 });
        match token {
            "pm_sandbox_visa" => {
                log.ask(post(&path, &note), &[&issued[..], &[refunded]].concat()).await;
            }
            _ => {
                log.ask(post(&path, &note), &issued).await;
                log.t.advance(3_600);
                unitpay::testing::flows::sweep_refunds(&log.t.app).await.unwrap();
                log.check(&[refunded]).await;
            }
        }
        let note = json!({ "amount": 100, "reason": "other" });
        let note = log.ask(post(&path, &note), &["credit_note.issued"]).await.text("id");
        let void = post(format!("/v1/credit-notes/{note}/void"), &json!({}));
        log.ask(void, &["credit_note.voided"]).await;
    }
    let charge = log.t.first_charge("four").await;
    let disputed = "system payment.disputed";
    log.t.reported(&charge, DisputeStatus::Lost, 500).await;
    log.check(&[disputed, "system payment.reversed", "system invoice.uncollectible"]).await;
    log.t.reported(&charge, DisputeStatus::Won, 500).await;
    log.check(&[disputed, "system payment.restored"]).await;
}

fn clock_to(day: &str) -> Request {
    post("/v1/test-clock/advance", &json!({ "to": format!("2030-{day}T00:00:00Z") }))
}

/// Adds a card to the customer "one" and makes it the default.
async fn prefer(log: &mut Log<'_>, token: &str) -> String {
    let body = json!({ "processorToken": token, "setDefault": true });
    let add = post("/v1/customers/one/payment-methods", &body);
    let actions = ["payment_method.added", "payment_method.made_default"];
    log.ask(add, &actions).await.text("id")
}

/// The newest subscription of the customer "one".
async fn path_of(t: &Test) -> String {
    format!("/v1/subscriptions/{}", t.subscription_of("one").await["id"].as_str().unwrap())
}

async fn emails(log: &mut Log<'_>, smtp: &SmtpServer) {
    smtp.set(SmtpManner::AnswerRecipient("a@example.com", "550 unknown"));
    log.t.send_email().await;
    log.check(&["system email.address_paused"]).await;
    let list = log.t.call(get("/v1/emails?customerId=one").key(&log.t.key)).await.expect(200);
    let id = list.json()["data"][0]["id"].as_str().unwrap().to_owned();
    let resend = post(format!("/v1/emails/{id}/resend"), &json!({}));
    log.ask(resend, &["email.resent"]).await;
}

async fn webhook_endpoints(log: &mut Log<'_>) {
    // Nobody listens here any more.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", closed.local_addr().unwrap());
    drop(closed);
    let new = json!({ "url": url });
    let id = log.make("webhook-endpoints", new, "webhook_endpoint.created").await;
    let path = format!("/v1/webhook-endpoints/{id}");
    let change = patch(&path, &json!({ "description": "D" }));
    log.ask(change, &["webhook_endpoint.updated"]).await;
    let rotate = post(format!("{path}/rotate-secret"), &json!({}));
    log.ask(rotate, &["webhook_endpoint.secret_rotated"]).await;
    log.t.deliver().await;
    log.check(&[]).await;
    log.t.advance(5 * 86_400);
    log.t.deliver().await;
    log.check(&["system webhook_endpoint.disabled"]).await;
    log.ask(delete(&path), &["webhook_endpoint.deleted"]).await;
}
