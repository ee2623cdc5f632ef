//! Payment methods: add, choose, remove; the sandbox's form and its webhooks.

use crate::on_both_stores;
use crate::support::{Answer, Request, Test, delete, get, post};
use serde_json::{Value, json};
use unitpay::testing::db::{Lane, Sql, Tx, sql};
use unitpay::testing::keys::KeyScopes;
use unitpay::testing::organizations::Tenant;
use unitpay::testing::payments::{Card, ProcessorEvent};

const SUBSCRIBE: Sql = sql("INSERT INTO subscriptions (tenant_no, customer_no, id, product_id, \
    plan_id, quantity, status, billing_interval, currency, collection_method, metadata, \
    created_at, updated_at) VALUES ($1, $2, $3, $4, $5, 1, 'active', 'month', 'USD', $6, '{}', 0, 0)");
const ATTEMPT: Sql = sql("SELECT id FROM payment_attempts");
const REFERENCES: Sql = sql("SELECT COUNT(*) FROM processor_customers");

impl Test {
    /// A live subscription, as its row is.
    async fn subscribe(&self, customer: &str, collection_method: &str) -> String {
        let (tenant, no) = (self.tenant, self.customer_no(customer).await);
        let (ids, method) = (self.app.ids.clone(), collection_method.to_owned());
        let id = ids.subscription();
        let made = self.app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            let (product, plan) = (ids.product(), ids.plan());
            let values = [
                tenant.no.into(),
                no.into(),
                id.into(),
                product.into(),
                plan.into(),
                (&method).into(),
            ];
            tx.execute(&SUBSCRIBE, &values).await
        });
        assert_eq!(made.await.unwrap(), 1);
        id.to_string()
    }

    async fn cards(&self, customer: &str) -> Vec<Value> {
        let path = format!("/v1/customers/{customer}/payment-methods");
        let page = self.call(get(path).key(&self.key)).await.expect(200).json();
        page["data"].as_array().unwrap().clone()
    }

    async fn remove_card(&self, card: &str) -> Answer {
        self.call(delete(format!("/v1/payment-methods/{card}")).key(&self.key)).await
    }

    async fn make_default(&self, card: &str) -> Answer {
        let path = format!("/v1/payment-methods/{card}/default");
        self.call(post(path, &json!({})).key(&self.key)).await
    }

    /// Sends a webhook to a tenant's endpoint.
    async fn webhook(&self, tenant: &Tenant, signature: &str, body: Vec<u8>) -> Answer {
        let path = format!("/v1/webhooks/sandbox/{}", tenant.organization_id);
        let request = Request::new("POST", path).raw_json(body);
        self.call(request.header("sandbox-signature", signature)).await
    }
}

fn defaults(cards: &[Value]) -> Vec<(&str, bool)> {
    let brief = |card: &'_ Value| card["cardBrand"].as_str().map(str::to_owned);
    assert!(cards.iter().all(|card| brief(card).is_some()));
    cards
        .iter()
        .map(|card| (card["cardBrand"].as_str().unwrap(), card["isDefault"] == true))
        .collect()
}

on_both_stores! {
    async fn first_card_becomes_default_and_tokens_are_idempotent(t) {
        let customer = t.customer("c").await;
        let visa = t.card(&customer, "pm_sandbox_visa").await;
        t.card(&customer, "pm_sandbox_mastercard").await;
        assert_eq!(t.card(&customer, "pm_sandbox_visa").await, visa);
        let cards = t.cards(&customer).await;
        assert_eq!(defaults(&cards), [("mastercard", false), ("visa", true)]);
        assert_eq!(cards[1]["card"], json!({ "brand": "visa", "last4": "4242", "expMonth": 12, "expYear": 2034 }));
        assert_eq!((&cards[1]["type"], &cards[1]["status"]), (&json!("card"), &json!("active")));
        let chosen = t.make_default(cards[0]["id"].as_str().unwrap()).await.expect(200).json();
        assert_eq!(chosen["isDefault"], true);
        assert_eq!(defaults(&t.cards(&customer).await), [("mastercard", true), ("visa", false)]);
        let body = json!({ "processorToken": "pm_sandbox_visa", "setDefault": true });
        assert_eq!(t.add_card(&customer, &body).await.expect(201).json()["isDefault"], true);
        assert_eq!(defaults(&t.cards(&customer).await), [("mastercard", false), ("visa", true)]);
        // The processor's customer was made once.
        assert_eq!(t.count(&REFERENCES).await, 1);
    }

    async fn refused_card_changes_nothing(t) {
        let customer = t.customer("c").await;
        let archived = t.customer("gone").await;
        t.set_archived(&archived, "archive").await.expect(200);
        let before = t.state().await;
        for body in [json!({}), json!({ "processorToken": "pm_other" }), json!({ "processorToken": 1 }),
            json!({ "processorToken": "pm_sandbox_visa", "setDefault": "yes" })] {
            t.add_card(&customer, &body).await.refused(422, "validation_failed");
        }
        let token = json!({ "processorToken": "pm_sandbox_visa" });
        t.add_card("nobody", &token).await.refused(404, "customer_not_found");
        t.add_card(&archived, &token).await.refused(409, "customer_archived");
        let path = format!("/v1/customers/{archived}/payment-methods/setup");
        t.call(post(path, &json!({})).key(&t.key)).await.refused(409, "customer_archived");
        assert_eq!(t.state().await, before);
        assert!(t.cards(&customer).await.is_empty());
    }

    async fn live_without_processor_returns_conflict(t) {
        let live = t.live(t.tenant.organization_id).await;
        let key = t.key_of(live, KeyScopes::ALL).await;
        let body = json!({ "name": "A", "email": "a@example.com" });
        let customer = t.call(post("/v1/customers", &body).key(&key)).await.expect(201).text("id");
        let path = format!("/v1/customers/{customer}/payment-methods");
        let token = json!({ "processorToken": "pm_sandbox_visa" });
        t.call(post(&path, &token).key(&key)).await.refused(409, "conflict");
        t.call(post(format!("{path}/setup"), &json!({})).key(&key)).await.refused(409, "conflict");
        let form = json!({ "clientSecret": "sandbox_form_x", "outcome": "succeed" });
        t.call(post("/v1/sandbox/forms/confirm", &form).key(&key)).await.refused(404, "not_found");
    }

    async fn replayed_card_addition_adds_one_card(t) {
        let customer = t.customer("c").await;
        let path = format!("/v1/customers/{customer}/payment-methods");
        let body = json!({ "processorToken": "pm_sandbox_visa" });
        let add = || post(&path, &body).key(&t.key).header("idempotency-key", "k");
        let first = t.call(add()).await.expect(201);
        let second = t.call(add()).await.expect(201);
        assert_eq!(second.header("idempotent-replayed"), Some("true"));
        assert_eq!(first.json(), second.json());
    }

    async fn default_card_in_use_cannot_be_removed(t) {
        let customer = t.customer("c").await;
        let visa = t.card(&customer, "pm_sandbox_visa").await;
        let subscription = t.subscribe(&customer, "charge_automatically").await;
        t.subscribe(&customer, "send_invoice").await;
        let path = format!("/v1/payment-methods/{visa}/dependencies");
        let shown = t.call(get(&path).key(&t.key)).await.expect(200).json();
        assert_eq!(shown, json!({ "paymentMethodId": visa, "isDefault": true, "blocksDetach": true,
            "subscriptions": [subscription], "autoTopUpAccounts": [] }));
        let before = t.state().await;
        let refused = t.remove_card(&visa).await.refused(409, "payment_method_in_use").json();
        assert_eq!(refused["dependencies"], shown);
        assert_eq!(t.state().await, before);
        let other = t.card(&customer, "pm_sandbox_mastercard").await;
        t.make_default(&other).await.expect(200);
        let free = t.call(get(&path).key(&t.key)).await.expect(200).json();
        assert_eq!((&free["blocksDetach"], &free["subscriptions"]), (&json!(false), &json!([])));
        t.remove_card(&visa).await.expect(204);
        assert_eq!(defaults(&t.cards(&customer).await), [("mastercard", true)]);
        t.remove_card(&visa).await.refused(404, "not_found");
        t.make_default(&visa).await.refused(404, "not_found");
    }

    async fn unused_last_card_can_be_removed(t) {
        let customer = t.customer("c").await;
        let visa = t.card(&customer, "pm_sandbox_visa").await;
        t.subscribe(&customer, "send_invoice").await;
        t.remove_card(&visa).await.expect(204);
        let invoice = t.bill(&customer, 1_000).await;
        let asked = t.pay(&invoice, json!({})).await.expect(200).json();
        assert_eq!(asked["reason"], "payment_method_required");
    }

    async fn card_expires_at_the_end_of_its_month(t) {
        let customer = t.customer("c").await;
        let id = t.card(&customer, "pm_sandbox_expires").await;
        let card = &t.cards(&customer).await[0];
        assert_eq!((&card["expMonth"], &card["expYear"]), (&json!(2), &json!(2030)));
        let invoice = t.bill(&customer, 1_000).await;
        t.pay(&invoice, json!({})).await.expect(200);
        t.advance(59 * 86_400);
        let card = &t.cards(&customer).await[0];
        assert_eq!((&card["id"], &card["status"]), (&json!(id), &json!("expired")));
        let invoice = t.bill(&customer, 1_000).await;
        let refused = t.pay(&invoice, json!({})).await.refused(402, "payment_declined").json();
        assert_eq!(refused["declineReason"], "expired_card");
    }

    async fn form_adds_one_card_and_stays_open_after_a_decline(t) {
        let customer = t.customer("c").await;
        let path = format!("/v1/customers/{customer}/payment-methods/setup");
        let client = t.call(post(path, &json!({})).key(&t.key)).await.expect(200).json();
        assert_eq!((&client["processor"], &client["type"]), (&json!("sandbox"), &json!("setup")));
        let secret = client["clientSecret"].as_str().unwrap();
        let declined = t.fill_in(secret, "decline").await.refused(402, "payment_declined").json();
        assert_eq!(declined["declineReason"], "card_declined");
        assert!(t.cards(&customer).await.is_empty());
        t.fill_in(secret, "maybe").await.refused(422, "validation_failed");
        for _ in 0..2 {
            t.fill_in(secret, "succeed").await.expect(204);
        }
        assert_eq!(defaults(&t.cards(&customer).await), [("visa", true)]);
        // Another form adds another card.
        let secret = t.set_up(&customer).await;
        t.fill_in(&secret, "succeed").await.expect(204);
        assert_eq!(defaults(&t.cards(&customer).await), [("visa", false), ("visa", true)]);
    }

    async fn open_setup_forms_are_bounded_and_swept(t) {
        const OPEN: Sql = sql("SELECT COUNT(*) FROM sandbox_intents WHERE status = 'requires_form'");
        t.customer("c").await;
        t.customer("d").await;
        let theirs = t.set_up("d").await;
        let mut secrets = Vec::new();
        for _ in 0..8 {
            t.advance(1);
            secrets.push(t.set_up("c").await);
        }
        assert_eq!(t.count(&OPEN).await, 6);
        // The oldest were closed, and nobody else's.
        t.fill_in(&secrets[2], "succeed").await.refused(404, "not_found");
        t.fill_in(&secrets[3], "succeed").await.expect(204);
        t.fill_in(&theirs, "succeed").await.expect(204);
        assert_eq!(t.count(&OPEN).await, 4);
        t.advance(86_390);
        unitpay::testing::jobs::sweep(&t.app).await.unwrap();
        assert_eq!(t.count(&OPEN).await, 4);
        t.advance(12);
        unitpay::testing::jobs::sweep(&t.app).await.unwrap();
        assert_eq!(t.count(&OPEN).await, 0);
        t.fill_in(&secrets[7], "succeed").await.refused(404, "not_found");
        assert_eq!((t.cards("c").await.len(), t.cards("d").await.len()), (1, 1));
    }

    async fn form_is_confirmed_by_its_own_customer_only(t) {
        let (customer, other) = (t.customer("c").await, t.customer("d").await);
        let secret = t.set_up(&customer).await;
        let body = json!({ "clientSecret": secret, "outcome": "succeed" });
        let form = || post("/v1/sandbox/forms/confirm", &body);
        let theirs = t.token(&other).await;
        t.call(form().bearer(&theirs)).await.refused(404, "not_found");
        t.fill_in("sandbox_form_unknown", "succeed").await.refused(404, "not_found");
        assert!(t.cards(&customer).await.is_empty());
        let scopes = json!({ "customerId": customer, "scopes": ["customer:read"] });
        let token = t.mint(scopes).await.expect(201).text("token");
        t.call(form().bearer(&token)).await.expect(204);
        assert_eq!(t.cards(&customer).await.len(), 1);
    }

    async fn portal_token_accesses_only_its_own_cards(t) {
        let (customer, other) = (t.customer("c").await, t.customer("d").await);
        let (mine, theirs) = (t.card(&customer, "pm_sandbox_visa").await, t.card(&other, "pm_sandbox_visa").await);
        let token = t.token(&customer).await;
        let call = async |request: Request| t.call(request.bearer(&token)).await;
        let shown = call(get("/v1/customers/c/payment-methods")).await.expect(200).json();
        assert_eq!(shown["data"][0]["id"], json!(mine));
        assert!(shown["data"][0].get("metadata").is_none());
        call(get("/v1/customers/d/payment-methods")).await.refused(404, "customer_not_found");
        call(delete(format!("/v1/payment-methods/{theirs}"))).await.refused(404, "not_found");
        let path = format!("/v1/payment-methods/{theirs}/default");
        call(post(path, &json!({}))).await.refused(404, "not_found");
        let invoice = t.bill(&customer, 1_000).await;
        let body = json!({ "paymentMethodId": theirs });
        call(post(format!("/v1/invoices/{invoice}/pay"), &body)).await.refused(404, "not_found");
        assert_eq!(t.charges().await, 0);
        assert_eq!(t.cards(&other).await.len(), 1);
    }

    async fn webhook_is_refused_without_a_recent_valid_signature(t) {
        let customer = t.customer("c").await;
        t.set_up(&customer).await;
        let card = Card {
            reference: "pm_sandbox_visa:x".into(), brand: "visa".into(), last4: "4242".into(),
            exp_month: 1, exp_year: 2040,
        };
        let sandbox = t.app.processors.sandbox();
        let good = sandbox.deliver(&t.tenant, &ProcessorEvent::SetUp { customer: customer.clone(), card }).unwrap();
        let changed = String::from_utf8(good.body.clone()).unwrap().replace("4242", "4243");
        let before = t.state().await;
        t.webhook(&t.tenant, &good.signature, changed.into_bytes()).await.refused(400, "malformed_request");
        for signature in ["", "t=1,v1=AAAA", "t=x", "v1=AAAA", &good.signature[..40]] {
            t.webhook(&t.tenant, signature, good.body.clone()).await.refused(400, "malformed_request");
        }
        for path in ["stripe/x", "sandbox/x", &format!("stripe/{}", t.tenant.organization_id), "sandbox/org_0000000000000000000000"] {
            let elsewhere = Request::new("POST", format!("/v1/webhooks/{path}")).raw_json(good.body.clone());
            t.call(elsewhere.header("sandbox-signature", &good.signature)).await.refused(404, "not_found");
        }
        assert_eq!(t.state().await, before);
        for _ in 0..2 {
            t.webhook(&t.tenant, &good.signature, good.body.clone()).await.expect(204);
        }
        assert_eq!(t.cards(&customer).await.len(), 1);
        t.advance(301);
        t.webhook(&t.tenant, &good.signature, good.body.clone()).await.refused(400, "malformed_request");
    }

    async fn webhook_of_one_tenant_cannot_pay_for_another(t) {
        let customer = t.customer("c").await;
        t.set_up(&customer).await;
        let invoice = t.bill(&customer, 1_000).await;
        t.pay(&invoice, json!({})).await.expect(200);
        let key: String = t.text_of(&ATTEMPT).await;
        let attacker = t.organization("attacker").await;
        let before = (t.state().await, t.invoice(&invoice).await);
        let card = Card {
            reference: "pm_1".into(), brand: "visa".into(), last4: "4242".into(), exp_month: 1, exp_year: 2040,
        };
        for event in [
            ProcessorEvent::Charged { key: key.parse().unwrap(), reference: "ch_1".into(), card: Some(card.clone()) },
            ProcessorEvent::SetUp { customer: customer.clone(), card },
        ] {
            let forged = t.app.processors.sandbox().deliver(&attacker, &event).unwrap();
            // The victim's endpoint refuses the signature; the attacker's own knows no such object.
            t.webhook(&t.tenant, &forged.signature, forged.body.clone()).await
                .refused(400, "malformed_request");
            t.webhook(&attacker, &forged.signature, forged.body.clone()).await.expect(204);
            let same = (t.state().await, t.invoice(&invoice).await);
            assert_eq!(same, before);
            assert!(t.cards(&customer).await.is_empty());
            // The same event is good when the victim's processor signs it.
            if let ProcessorEvent::Charged { .. } = event { continue }
            let good = t.app.processors.sandbox().deliver(&t.tenant, &event).unwrap();
            t.webhook(&t.tenant, &good.signature, good.body).await.expect(204);
            assert_eq!(t.cards(&customer).await.len(), 1);
        }
    }

    async fn webhook_for_unknown_object_is_a_no_op(t) {
        let before = t.state().await;
        let card = Card {
            reference: "pm_1".into(), brand: "visa".into(), last4: "4242".into(), exp_month: 1, exp_year: 2040,
        };
        let key = t.app.ids.payment_attempt();
        for event in [
            ProcessorEvent::SetUp { customer: "cus_unknown".into(), card: card.clone() },
            ProcessorEvent::Charged { key, reference: "ch_1".into(), card: Some(card) },
        ] {
            let delivery = t.app.processors.sandbox().deliver(&t.tenant, &event).unwrap();
            t.webhook(&t.tenant, &delivery.signature, delivery.body).await.expect(204);
        }
        assert_eq!(t.state().await, before);
    }
}
