//! Top-ups: buying credits, on request or automatically.

use crate::on_both_stores;
use crate::support::{Answer, Request, Shop, Test, event, event_with, get, post};
use serde_json::{Value, json};
use std::time::Duration;
use unitpay::testing::credits::GrantSource;
use unitpay::testing::db::{Sql, sql};
use unitpay::testing::keys::KeyScopes;

const DAY: u64 = 86_400;
const WAITING: Sql = sql("SELECT COUNT(*) FROM invoice_additions");
const INVOICES: Sql = sql("SELECT COUNT(*) FROM invoices");
const ATTEMPTS: Sql = sql("SELECT COUNT(*) FROM payment_attempts");
const REFUNDS: Sql = sql("SELECT COUNT(*) FROM sandbox_intents WHERE status = 'refunded'");

on_both_stores! {
    async fn amount_buys_credits_of_equal_value(t) {
        let (_, dollars) = bank(&t).await;
        t.card("one", "pm_sandbox_visa").await;
        let outcome = buy(&t, json!({ "creditCurrencyId": dollars, "amount": 1_234 })).await.expect(200).json();
        assert_eq!((&outcome["kind"], &outcome["invoice"]["totalAmount"], &outcome["invoice"]["status"]), (&json!("charged_inline"), &json!(1_234), &json!("paid")));
        assert_eq!((&outcome["invoice"]["reason"], &outcome["invoice"]["invoiceNumber"]), (&json!("top_up"), &json!("INV-000001")));
        let wallet = t.wallet("one").await;
        // Dollars of four decimals.
        assert_eq!((&wallet["balance"], &wallet["grants"][0]["source"]), (&json!(123_400), &json!("package")));
        assert_eq!(wallet["currency"], json!({ "slug": "dollars", "name": "Dollars", "denomination": "USD", "minorUnitScale": 4 }));
        let list = top_ups(&t, &wallet).await;
        assert_eq!(list, json!([{
            "id": list[0]["id"], "invoiceId": outcome["invoice"]["id"], "status": "succeeded", "credits": 123_400, "amount": 1_234,
            "currency": "USD", "packageId": null, "automatic": false, "createdAt": "2030-01-01T00:00:00.000Z",
        }]));
        assert_eq!(t.call(get("/v1/customers/one").key(&t.key)).await.expect(200).json()["currency"], "USD");
    }

    async fn package_grants_credits_with_its_expiry(t) {
        let (shop, package) = (t.shop().await, "package");
        t.subscriber(&shop, "one").await;
        t.card("one", "pm_sandbox_visa").await;
        let package = t.make("credit-packages", json!({
            "creditCurrencyId": shop.credits, "name": package, "credits": 500, "price": 999, "currency": "USD", "expiresAfterDays": 10,
        })).await;
        let body = json!({ "creditCurrencyId": shop.credits, "packageId": package, "quantity": 3 });
        let path = "/v1/customers/one/top-ups";
        let once = || t.call(post(path, &body).key(&t.key).header("idempotency-key", "k"));
        let (outcome, again) = (once().await.expect(200), once().await.expect(200));
        assert_eq!(outcome.json()["invoice"]["totalAmount"], 2_997);
        assert_eq!((again.json()["invoice"]["id"].clone(), again.header("idempotent-replayed")), (outcome.json()["invoice"]["id"].clone(), Some("true")));
        let wallet = t.wallet("one").await;
        assert_eq!((&wallet["balance"], &wallet["grants"][0]["expiresAt"]), (&json!(1_500), &json!("2030-01-11T00:00:00.000Z")));
        assert_eq!(t.charges().await, 1);
    }

    async fn top_up_is_refused_when_the_price_has_changed(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "one").await;
        t.card("one", "pm_sandbox_visa").await;
        let package = t.make("credit-packages", json!({
            "creditCurrencyId": shop.credits, "name": "Package", "credits": 500, "price": 1_000, "currency": "USD",
        })).await;
        let path = format!("/v1/credit-packages/{package}");
        t.call(Request::new("PATCH", &path).key(&t.key).json(&json!({ "price": 50_000 }))).await.expect(200);
        let before = t.state().await;
        let order = |amount: i64, quantity: i64| json!({ "creditCurrencyId": shop.credits, "packageId": package, "quantity": quantity, "expectedAmount": amount });
        let refused = buy(&t, order(1_000, 1)).await.refused(409, "price_changed").json();
        assert_eq!(refused["price"], json!({ "amount": 50_000, "currency": "USD" }));
        let refused = buy(&t, order(50_000, 2)).await.refused(409, "price_changed").json();
        assert_eq!(refused["price"], json!({ "amount": 100_000, "currency": "USD" }));
        assert_eq!((t.state().await, t.charges().await), (before, 0));
        buy(&t, json!({ "creditCurrencyId": shop.credits, "packageId": package, "expectedAmount": "1000" })).await.refused(422, "validation_failed");
        buy(&t, order(50_000, 1)).await.expect(200);
        assert_eq!((t.balance("one").await, t.charges().await), (500, 1));
    }

    async fn declined_top_up_grants_nothing(t) {
        let (_, dollars) = bank(&t).await;
        // A customer without purchases, so that even the currency is open.
        t.customer("two").await;
        t.card("two", "pm_sandbox_declined").await;
        let body = json!({ "creditCurrencyId": dollars, "amount": 500 });
        let request = post("/v1/customers/two/top-ups", &body).key(&t.key);
        let answer = t.call(request).await.refused(402, "payment_declined");
        assert!(answer.json()["declineReason"].is_string());
        let wallet = t.wallet("two").await;
        assert_eq!((&wallet["balance"], &wallet["grants"]), (&json!(0), &json!([])));
        let invoices = t.call(get("/v1/invoices?customerId=two").key(&t.key)).await.expect(200).json();
        assert_eq!(invoices["data"], json!([]));
        let list = top_ups(&t, &wallet).await;
        assert_eq!((&list[0]["status"], &list[0]["invoiceId"]), (&json!("failed"), &Value::Null));
        assert_eq!(t.call(get("/v1/customers/two").key(&t.key)).await.expect(200).json()["currency"], Value::Null);
    }

    async fn top_up_without_card_grants_after_the_form(t) {
        let (_, dollars) = bank(&t).await;
        let token = t.token("one").await;
        let body = json!({ "creditCurrencyId": dollars, "amount": 500 });
        let request = post("/v1/customers/one/top-ups", &body).bearer(&token);
        let outcome = t.call(request).await.expect(200).json();
        assert_eq!((&outcome["kind"], &outcome["reason"]), (&json!("requires_form"), &json!("payment_method_required")));
        assert_eq!(outcome["creditAccount"]["balance"], 0);
        t.fill_in(outcome["client"]["clientSecret"].as_str().unwrap(), "succeed").await;
        assert_eq!(t.balance("one").await, 50_000);
        let wallet = t.wallet("one").await;
        assert_eq!(top_ups(&t, &wallet).await[0]["status"], "succeeded");
    }

    async fn top_up_below_minimum_is_refused(t) {
        let (_, dollars) = bank(&t).await;
        t.card("one", "pm_sandbox_visa").await;
        buy(&t, json!({ "creditCurrencyId": dollars, "amount": 500 })).await.expect(200);
        let before = t.state().await;
        buy(&t, json!({ "creditCurrencyId": dollars, "amount": 49 })).await.refused(422, "amount_out_of_range");
        assert_eq!((t.state().await, t.charges().await), (before, 1));
        buy(&t, json!({ "creditCurrencyId": dollars, "amount": 50 })).await.expect(200);
        assert_eq!((t.balance("one").await, t.charges().await), (55_000, 2));
    }

    async fn invalid_top_up_is_refused_and_changes_nothing(t) {
        let (shop, dollars) = bank(&t).await;
        t.card("one", "pm_sandbox_visa").await;
        let package = |name: &str, currency: &str, of_currency: &str, credits: i64| json!({ "creditCurrencyId": of_currency, "name": name, "credits": credits, "price": 900, "currency": currency });
        let euros = t.make("credit-packages", package("Euros", "EUR", &shop.credits, 10)).await;
        let large = t.make("credit-packages", package("Large", "USD", &shop.credits, 999_999_999_999)).await;
        let old = t.make("credit-packages", package("Old", "USD", &shop.credits, 10)).await;
        t.call(crate::support::patch(format!("/v1/credit-packages/{old}"), &json!({ "status": "archived" })).key(&t.key)).await.expect(200);
        buy(&t, json!({ "creditCurrencyId": dollars, "amount": 500 })).await.expect(200);
        // Nearly as much as a wallet may hold.
        buy(&t, json!({ "creditCurrencyId": shop.credits, "packageId": large })).await.expect(200);
        let before = t.state().await;
        let (units, missing) = (&shop.credits, "pkg_01kwgt3qt8f689ez1ekre217xw");
        for (body, status, code) in [
            (json!({ "creditCurrencyId": units, "amount": 500 }), 422, "package_required"),
            (json!({ "creditCurrencyId": dollars, "amount": 99_999_999 }), 422, "amount_out_of_range"),
            (json!({ "creditCurrencyId": dollars, "amount": 0 }), 422, "validation_failed"),
            (json!({ "creditCurrencyId": dollars }), 422, "validation_failed"),
            (json!({ "creditCurrencyId": dollars, "amount": 500, "quantity": 2 }), 422, "validation_failed"),
            (json!({ "creditCurrencyId": dollars, "packageId": large, "amount": 500 }), 422, "validation_failed"),
            (json!({ "creditCurrencyId": dollars, "packageId": large }), 422, "validation_failed"),
            (json!({ "creditCurrencyId": units, "packageId": missing }), 422, "validation_failed"),
            (json!({ "creditCurrencyId": units, "packageId": old }), 422, "validation_failed"),
            (json!({ "creditCurrencyId": "cur_01kwgt3qt8f689ez1ekre217xw", "amount": 500 }), 422, "validation_failed"),
            (json!({ "creditCurrencyId": units, "packageId": euros }), 422, "currency_mismatch"),
            (json!({ "creditCurrencyId": units, "packageId": large, "quantity": 1_000 }), 422, "amount_out_of_range"),
            (json!({ "creditCurrencyId": units, "packageId": large }), 422, "amount_out_of_range"),
        ] {
            buy(&t, body.clone()).await.refused(status, code);
            assert_eq!(t.state().await, before, "{body}");
        }
        let small = t.make("credit-packages", package("Small", "USD", &shop.credits, 1)).await;
        let path = "/v1/customers/one/credit-accounts";
        for wallet in t.call(get(path).key(&t.key)).await.expect(200).json()["data"].as_array().unwrap() {
            t.of_wallet(wallet, "freeze", json!({})).await.expect(200);
        }
        let before = t.state().await;
        buy(&t, json!({ "creditCurrencyId": units, "packageId": small })).await.refused(409, "wallet_frozen");
        t.call(post("/v1/customers/nobody/top-ups", &json!({ "creditCurrencyId": dollars, "amount": 500 })).key(&t.key)).await.refused(404, "customer_not_found");
        assert_eq!(t.state().await, before);
        t.set_archived("one", "archive").await.expect(200);
        let before = t.state().await;
        buy(&t, json!({ "creditCurrencyId": dollars, "amount": 500 })).await.refused(409, "customer_archived");
        assert_eq!((t.state().await, t.charges().await), (before, 2));
    }

    async fn wallet_below_threshold_tops_up_automatically(t) {
        let (shop, _) = bank(&t).await;
        let rule = auto(&t, &shop).await;
        t.card("one", "pm_sandbox_visa").await;
        let wallet = set_rule(&t, &shop, rule.clone()).await.expect(200).json();
        assert_eq!(wallet["autoTopUp"], json!({
            "enabled": true, "mode": "package", "threshold": 10, "amount": null, "packageId": rule["packageId"], "quantity": 2,
            "maxPerMonth": 2, "pending": false, "paused": false,
        }));
        t.grant(shop.wallet("one"), GrantSource::Promotional, 12, None).await;
        let spend = async |key: &str, quantity: i64| t.tracked(json!([event_with("one", "generate", key, json!({ "quantity": quantity }))])).await;
        // 12 - 2 is not below 10, but 8 is.
        assert_eq!(spend("a", 1).await, []);
        assert_eq!(t.charges().await, 0);
        assert_eq!(spend("b", 1).await, []);
        settled(&t, 1).await;
        assert_eq!(t.balance("one").await, 208);
        // An event rejected for lack of credits also starts a top-up. It does not count itself.
        assert_eq!(spend("c", 200).await.len(), 1);
        assert_eq!(t.charges().await, 1);
        assert_eq!(spend("d", 130).await, []);
        assert_eq!(t.balance("one").await, 13);
        assert_eq!(spend("e", 300).await.len(), 1);
        assert_eq!(spend("f", 3).await, []);
        settled(&t, 2).await;
        assert_eq!(t.balance("one").await, 208);
        // At most twice a month.
        assert_eq!(spend("g", 135).await, []);
        assert_eq!((t.charges().await, t.wallet("one").await["autoTopUp"]["pending"].clone()), (2, json!(false)));
        t.advance(31 * DAY);
        unitpay::testing::flows::due::run_all(&t.app).await.unwrap();
        assert_eq!(spend("h", 0).await, []);
        assert_eq!(spend("i", 1).await, []);
        settled(&t, 3).await;
        let list = top_ups(&t, &t.wallet("one").await).await;
        assert_eq!(list.as_array().unwrap().iter().filter(|top_up| top_up["automatic"] == true).count(), 3);
    }

    async fn decline_pauses_auto_top_up_until_saved_or_new_card(t) {
        let (shop, _) = bank(&t).await;
        let rule = auto(&t, &shop).await;
        t.card("one", "pm_sandbox_declined").await;
        set_rule(&t, &shop, rule.clone()).await.expect(200);
        let fail = async |key: &str| assert_eq!(t.tracked(json!([event("one", "generate", key)])).await.len(), 1);
        let rule_now = async || t.wallet("one").await["autoTopUp"].clone();
        fail("a").await;
        until(&t, |rule| rule["paused"] == true).await;
        fail("b").await;
        assert_eq!(top_ups(&t, &t.wallet("one").await).await.as_array().unwrap().len(), 1);
        set_rule(&t, &shop, rule).await.expect(200);
        assert_eq!(rule_now().await["paused"], false);
        fail("c").await;
        until(&t, |rule| rule["paused"] == true).await;
        let good = t.card("one", "pm_sandbox_visa").await;
        t.call(post(format!("/v1/payment-methods/{good}/default"), &json!({})).key(&t.key)).await.expect(200);
        assert_eq!(rule_now().await["paused"], false);
        fail("d").await;
        settled(&t, 1).await;
        assert_eq!(t.balance("one").await, 200);
    }

    async fn send_invoice_top_up_grants_on_payment(t) {
        let (_, dollars) = bank(&t).await;
        sent_invoices(&t).await;
        let body = json!({ "creditCurrencyId": dollars, "amount": 500 });
        let send = async || {
            let outcome = buy(&t, body.clone()).await.expect(200).json();
            assert_eq!((&outcome["kind"], &outcome["invoice"]["status"]), (&json!("invoice_sent"), &json!("issued")));
            outcome["invoice"]["id"].as_str().unwrap().to_owned()
        };
        let first = send().await;
        let newest = async || {
            let list = top_ups(&t, &t.wallet("one").await).await;
            json!([list[0]["status"], list[0]["invoiceId"]])
        };
        assert_eq!((newest().await, t.balance("one").await), (json!(["pending", first]), 0));
        let transfer = async |id: &str, amount: i64| {
            let body = json!({ "amount": amount, "reference": "SEPA" });
            t.call(post(format!("/v1/invoices/{id}/payments"), &body).key(&t.key)).await.expect(201).json()["status"].clone()
        };
        assert_eq!(transfer(&first, 200).await, "partially_paid");
        assert_eq!((newest().await, t.balance("one").await), (json!(["pending", first]), 0));
        // A late payment is not lost.
        t.advance(40 * DAY);
        unitpay::testing::flows::due::run_all(&t.app).await.unwrap();
        assert_eq!(transfer(&first, 300).await, "paid");
        assert_eq!((newest().await, t.balance("one").await), (json!(["succeeded", first]), 50_000));
        let voided = send().await;
        t.call(post(format!("/v1/invoices/{voided}/void"), &json!({})).key(&t.key)).await.expect(200);
        assert_eq!((newest().await, t.balance("one").await), (json!(["failed", voided]), 50_000));
        // A customer with a sent invoice may pay by card as well. A decline leaves it open.
        let third = send().await;
        t.card("one", "pm_sandbox_declined").await;
        t.pay(&third, json!({})).await.refused(402, "payment_declined");
        assert_eq!(newest().await, json!(["pending", third]));
        let good = t.card("one", "pm_sandbox_visa").await;
        let paid = t.pay(&third, json!({ "paymentMethodId": good })).await.expect(200).json();
        assert_eq!(paid["kind"], "charged_inline");
        assert_eq!((newest().await, t.balance("one").await, t.charges().await), (json!(["succeeded", third]), 100_000, 1));
    }

    async fn sent_automatic_top_up_waits_for_payment(t) {
        let (shop, _) = bank(&t).await;
        let rule = auto(&t, &shop).await;
        sent_invoices(&t).await;
        set_rule(&t, &shop, rule).await.expect(200);
        let invoices = async || {
            let list = t.call(get("/v1/invoices?customerId=one").key(&t.key)).await.expect(200).json();
            list["data"].as_array().unwrap().iter().map(|invoice| invoice["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let fail = async |key: &str| assert_eq!(t.tracked(json!([event("one", "generate", key)])).await.len(), 1);
        fail("a").await;
        fail("b").await;
        let [first] = &invoices().await[..] else { panic!("one invoice, however often it is too little") };
        let rule_now = async || t.wallet("one").await["autoTopUp"].clone();
        assert_eq!(rule_now().await["pending"], true);
        let body = json!({ "amount": 1_000, "reference": "SEPA" });
        t.call(post(format!("/v1/invoices/{first}/payments"), &body).key(&t.key)).await.expect(201);
        assert_eq!((t.balance("one").await, rule_now().await["pending"].clone()), (200, json!(false)));
        assert_eq!(t.tracked(json!([event_with("one", "generate", "c", json!({ "quantity": 130 }))])).await, []);
        let second = invoices().await[0].clone();
        t.call(post(format!("/v1/invoices/{second}/void"), &json!({})).key(&t.key)).await.expect(200);
        let rule = rule_now().await;
        assert_eq!((&rule["pending"], &rule["paused"]), (&json!(false), &json!(true)));
        // Few credits are left, and no top-up starts.
        assert_eq!(t.tracked(json!([event("one", "generate", "d")])).await, []);
        assert_eq!(invoices().await.len(), 2);
    }

    async fn auto_top_up_below_minimum_pauses_its_rule(t) {
        let (shop, _) = bank(&t).await;
        let package = json!({ "creditCurrencyId": shop.credits, "name": "Few", "credits": 10, "price": 49, "currency": "USD" });
        let package = t.make("credit-packages", package).await;
        let rule = json!({ "enabled": true, "mode": "package", "threshold": 10, "packageId": package, "quantity": 1 });
        // Sent invoices have no minimum.
        sent_invoices(&t).await;
        set_rule(&t, &shop, rule.clone()).await.expect(200);
        let body = json!({ "collectionMethod": "charge_automatically" });
        t.call(crate::support::patch("/v1/customers/one", &body).key(&t.key)).await.expect(200);
        t.card("one", "pm_sandbox_visa").await;
        assert_eq!(t.tracked(json!([event("one", "generate", "a")])).await, [(0, "rejected_insufficient_credits".to_owned())]);
        let wallet = t.wallet("one").await;
        assert_eq!((&wallet["balance"], &wallet["autoTopUp"]["paused"], &wallet["autoTopUp"]["pending"]), (&json!(0), &json!(true), &json!(false)));
        assert_eq!((top_ups(&t, &wallet).await, t.count(&WAITING).await, t.count(&INVOICES).await, t.charges().await), (json!([]), 0, 0, 0));
        set_rule(&t, &shop, rule).await.refused(422, "amount_out_of_range");
    }

    async fn auto_top_up_without_processor_pauses_its_rule(t) {
        t.tenant = t.live(t.tenant.organization_id).await;
        t.key = t.key_of(t.tenant, KeyScopes::ALL).await;
        let address = json!({ "line1": "Street 1", "city": "Bern", "country": "CH" });
        let seller = json!({ "legalName": "Acme AG", "address": address });
        t.call(Request::new("PUT", "/v1/branding").json(&seller).key(&t.key)).await.expect(200);
        let (shop, _) = bank(&t).await;
        let rule = auto(&t, &shop).await;
        set_rule(&t, &shop, rule.clone()).await.refused(409, "conflict");
        sent_invoices(&t).await;
        set_rule(&t, &shop, rule).await.expect(200);
        let body = json!({ "collectionMethod": "charge_automatically" });
        t.call(crate::support::patch("/v1/customers/one", &body).key(&t.key)).await.expect(200);
        assert_eq!(t.tracked(json!([event("one", "generate", "a")])).await, [(0, "rejected_insufficient_credits".to_owned())]);
        let wallet = t.wallet("one").await;
        assert_eq!((&wallet["autoTopUp"]["paused"], top_ups(&t, &wallet).await), (&json!(true), json!([])));
        assert_eq!((t.count(&INVOICES).await, t.count(&ATTEMPTS).await), (0, 0));
    }

    async fn form_in_another_currency_is_refunded(t) {
        let shop = t.shop().await;
        let euros = json!({ "slug": "euros", "name": "Euros", "denomination": "EUR", "minorUnitScale": 2 });
        let euros = t.make("credit-currencies", euros).await;
        t.customer("one").await;
        let asked = buy(&t, json!({ "creditCurrencyId": euros, "amount": 500 })).await.expect(200).json();
        assert_eq!(asked["kind"], "requires_form");
        let body = json!({ "customerId": "one", "planId": shop.plan });
        t.call(post("/v1/subscriptions", &body).key(&t.key)).await.expect(200);
        t.fill_in(asked["client"]["clientSecret"].as_str().unwrap(), "succeed").await.expect(204);
        let wallet = t.wallet("one").await;
        let list = top_ups(&t, &wallet).await;
        assert_eq!((&wallet["balance"], &list[0]["status"], &list[0]["invoiceId"]), (&json!(0), &json!("failed"), &Value::Null));
        assert_eq!((t.count(&INVOICES).await, t.count(&REFUNDS).await), (0, 1));
        assert_eq!(t.call(get("/v1/customers/one").key(&t.key)).await.expect(200).json()["currency"], "USD");
    }

    async fn auto_top_up_rule_is_validated_like_a_purchase(t) {
        let (shop, dollars) = bank(&t).await;
        let rule = auto(&t, &shop).await;
        let before = t.state().await;
        for (change, code) in [
            (json!({ "mode": "amount", "amount": 500 }), "validation_failed"), (json!({ "mode": "both" }), "validation_failed"),
            (json!({ "threshold": 0 }), "validation_failed"), (json!({ "quantity": 1_001 }), "validation_failed"),
            (json!({ "maxPerMonth": 0 }), "validation_failed"), (json!({ "packageId": "pkg_01kwgt3qt8f689ez1ekre217xw" }), "validation_failed"),
            (json!({ "enabled": "yes" }), "validation_failed"),
        ] {
            let mut body = rule.clone();
            body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            set_rule(&t, &shop, body).await.refused(422, code);
        }
        let path = |currency: &str| format!("/v1/customers/one/auto-topup-rules/{currency}");
        let put = |currency: &str, body: &Value| t.call(Request::new("PUT", path(currency)).key(&t.key).json(body));
        put("nonsense", &rule).await.refused(404, "not_found");
        let amount = json!({ "enabled": true, "mode": "amount", "threshold": 5, "amount": 500 });
        put(&shop.credits, &amount).await.refused(422, "package_required");
        let small = json!({ "enabled": true, "mode": "amount", "threshold": 5, "amount": 49 });
        put(&dollars, &small).await.refused(422, "amount_out_of_range");
        assert_eq!(t.state().await, before);
        let wallet = put(&dollars, &amount).await.expect(200).json();
        assert_eq!((&wallet["autoTopUp"]["maxPerMonth"], &wallet["autoTopUp"]["amount"]), (&json!(10), &json!(500)));
    }

    async fn auto_top_up_rule_can_always_be_disabled(t) {
        let (shop, _) = bank(&t).await;
        let mut rule = auto(&t, &shop).await;
        set_rule(&t, &shop, rule.clone()).await.expect(200);
        let package = rule["packageId"].as_str().unwrap().to_owned();
        let archived = crate::support::patch(format!("/v1/credit-packages/{package}"), &json!({ "status": "archived" }));
        t.call(archived.key(&t.key)).await.expect(200);
        let wallet = t.wallet("one").await;
        t.of_wallet(&wallet, "freeze", json!({})).await.expect(200);
        set_rule(&t, &shop, rule.clone()).await.refused(422, "validation_failed");
        rule["enabled"] = json!(false);
        assert_eq!(set_rule(&t, &shop, rule).await.expect(200).json()["autoTopUp"]["enabled"], false);
    }
}

/// A shop with a subscriber "one", and a credit currency worth dollars.
async fn bank(t: &Test) -> (Shop, String) {
    let shop = t.shop().await;
    t.subscriber(&shop, "one").await;
    let dollars = json!({ "slug": "dollars", "name": "Dollars", "denomination": "USD", "minorUnitScale": 4, "topUpMax": 10_000 });
    (shop, t.make("credit-currencies", dollars).await)
}

/// From here on the customer "one" pays by transfer.
async fn sent_invoices(t: &Test) {
    let body = json!({ "collectionMethod": "send_invoice", "netDays": 14 });
    t.call(crate::support::patch("/v1/customers/one", &body).key(&t.key)).await.expect(200);
}

async fn buy(t: &Test, body: Value) -> Answer {
    t.call(post("/v1/customers/one/top-ups", &body).key(&t.key)).await
}

async fn top_ups(t: &Test, wallet: &Value) -> Value {
    let path = format!("/v1/credit-accounts/{}/top-ups", wallet["id"].as_str().unwrap());
    t.call(get(path).key(&t.key)).await.expect(200).json()["data"].clone()
}

/// A rule that buys 200 credits below 10, twice a month at most.
async fn auto(t: &Test, shop: &Shop) -> Value {
    let package = json!({ "creditCurrencyId": shop.credits, "name": "Hundred", "credits": 100, "price": 500, "currency": "USD" });
    let package = t.make("credit-packages", package).await;
    json!({ "enabled": true, "mode": "package", "threshold": 10, "packageId": package, "quantity": 2, "maxPerMonth": 2 })
}

async fn set_rule(t: &Test, shop: &Shop, body: Value) -> Answer {
    let path = format!("/v1/customers/one/auto-topup-rules/{}", shop.credits);
    t.call(Request::new("PUT", path).key(&t.key).json(&body)).await
}

/// An automatic top-up continues on its own; here it is awaited.
async fn until(t: &Test, reached: impl Fn(&Value) -> bool) {
    let reached = async {
        while !reached(&t.wallet("one").await["autoTopUp"]) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reached).await.expect("it was not reached");
}

/// This many charges were made, and none is in progress.
async fn settled(t: &Test, charges: i64) {
    until(t, |rule| rule["pending"] == false).await;
    assert_eq!(t.charges().await, charges);
}
