//! Every operation of the description × every kind of caller, and the description itself.

use crate::on_both_stores;
use crate::support::{Answer, Request, Test, post};
use Access::{Catalog, Either, Form, Key, Page, Portal, Public, Signed};
use Expect::{Passes, Refused};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use unitpay::keys::{KeyKind, KeyScopes, KeyText};
use unitpay::portal::PortalScopes;

/// Whom an operation takes, with the scopes that it needs. A portal-only operation needs none.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Access {
    Key(&'static str),
    Portal,
    Either(&'static str, &'static str),
    /// A key with the scope, any token, a publishable key.
    Catalog,
    Public,
    /// The hosted page, by a code in the body; other pages are refused.
    Page,
    /// A key with the scope, any token of the customer's own.
    Form(&'static str),
    /// A processor, by its signature, which no caller here has.
    Signed,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Expect {
    Passes,
    Refused(u16, &'static str),
}

/// An operation: its id, whom it takes, the object in its path, its body, the status where it
/// passes, and what another organization's key gets for the same request.
type Row = (&'static str, Access, fn(&World) -> &str, fn(&World) -> Value, u16, Expect);

/// What the requests name.
struct World {
    customer: String,
    sid: String,
    token: String,
    code: String,
    api_key: String,
    product: String,
    plan: String,
    feature: String,
    metric: String,
    currency: String,
    package: String,
    payment_method: String,
    invoice: String,
    form: String,
}

fn none(_: &World) -> &str {
    ""
}
fn customer(world: &World) -> &str {
    &world.customer
}
fn no_body(_: &World) -> Value {
    Value::Null
}

const NOBODY: Expect = Refused(404, "customer_not_found");
const UNSIGNED: Expect = Refused(400, "malformed_request");
const NOTHING: Expect = Refused(404, "not_found");
const INVALID: Expect = Refused(422, "validation_failed");
const WRITE: Access = Key("catalog:write");

#[rustfmt::skip]
const OPERATIONS: &[Row] = &[
    ("createPortalSession", Key("portal_sessions:write"), none, |w| json!({ "customerId": w.customer }), 201, NOBODY),
    ("listPortalSessions", Key("portal_sessions:read"), none, no_body, 200, Passes),
    ("getPortalSession", Key("portal_sessions:read"), |w| &w.sid, no_body, 200, NOTHING),
    ("revokePortalSessions", Key("portal_sessions:write"), none, |w| json!({ "customerId": w.customer }), 204, NOBODY),
    ("exchangePortalCode", Page, none, |w| json!({ "code": w.code }), 200, Passes),
    ("introspectPortalToken", Key("portal_sessions:read"), none, |w| json!({ "token": w.token }), 200, Passes),
    ("getCurrentPortalSession", Portal, none, no_body, 200, Refused(401, "invalid_token")),
    ("refreshPortalSession", Portal, none, no_body, 200, Refused(401, "invalid_token")),
    ("endCurrentPortalSession", Portal, none, no_body, 204, Refused(401, "invalid_token")),
    ("createCustomer", Key("customers:write"), none, |_| json!({ "name": "B", "email": "b@example.com" }), 201, Passes),
    ("listCustomers", Key("customers:read"), none, no_body, 200, Passes),
    ("getCustomer", Either("customers:read", "customer:read"), customer, no_body, 200, NOBODY),
    ("updateCustomer", Either("customers:write", "customer:write"), customer, |_| json!({ "name": "C" }), 200, NOBODY),
    ("archiveCustomer", Key("customers:write"), customer, no_body, 200, NOBODY),
    ("unarchiveCustomer", Key("customers:write"), customer, no_body, 200, NOBODY),
    ("createApiKey", Key("api_keys:write"), none, |_| json!({ "name": "K" }), 201, Passes),
    ("listApiKeys", Key("api_keys:read"), none, no_body, 200, Passes),
    ("revokeApiKey", Key("api_keys:write"), |w| &w.api_key, |_| json!({}), 200, NOTHING),
    ("listAuditEvents", Key("audit:read"), none, no_body, 200, Passes),
    ("createProduct", WRITE, none, |w| json!({ "slug": w.sid, "name": "P" }), 201, Passes),
    ("listProducts", Catalog, none, no_body, 200, Passes),
    ("getProduct", Catalog, |w| &w.product, no_body, 200, NOTHING),
    ("updateProduct", WRITE, |w| &w.product, |_| json!({ "name": "Q" }), 200, NOTHING),
    ("createPlan", WRITE, none, |w| json!({ "productId": w.product, "slug": w.sid, "name": "P", "billingInterval": "month", "currency": "USD" }), 201, INVALID),
    ("listPlans", Catalog, none, no_body, 200, Passes),
    ("getPlan", Catalog, |w| &w.plan, no_body, 200, NOTHING),
    ("updatePlan", WRITE, |w| &w.plan, |_| json!({ "name": "Q" }), 200, NOTHING),
    ("createFeature", WRITE, none, |w| json!({ "productId": w.product, "slug": w.sid, "name": "F", "type": "boolean" }), 201, INVALID),
    ("listFeatures", Catalog, none, no_body, 200, Passes),
    ("getFeature", Catalog, |w| &w.feature, no_body, 200, NOTHING),
    ("updateFeature", WRITE, |w| &w.feature, |_| json!({ "name": "Q" }), 200, NOTHING),
    ("createBillableMetric", WRITE, none, |w| json!({ "productId": w.product, "eventName": "e", "name": "M", "aggregation": "sum" }), 201, INVALID),
    ("listBillableMetrics", Catalog, none, no_body, 200, Passes),
    ("getBillableMetric", Catalog, |w| &w.metric, no_body, 200, NOTHING),
    ("updateBillableMetric", WRITE, |w| &w.metric, |_| json!({ "name": "Q" }), 200, NOTHING),
    ("createCreditCurrency", WRITE, none, |w| json!({ "slug": w.sid, "name": "C", "denomination": "unit" }), 201, Passes),
    ("listCreditCurrencies", Catalog, none, no_body, 200, Passes),
    ("getCreditCurrency", Catalog, |w| &w.currency, no_body, 200, NOTHING),
    ("updateCreditCurrency", WRITE, |w| &w.currency, |_| json!({ "name": "Q" }), 200, NOTHING),
    ("createCreditPackage", WRITE, none, |w| json!({ "creditCurrencyId": w.currency, "name": "K", "credits": 1, "price": 1, "currency": "USD" }), 201, INVALID),
    ("listCreditPackages", Catalog, none, no_body, 200, Passes),
    ("getCreditPackage", Catalog, |w| &w.package, no_body, 200, NOTHING),
    ("updateCreditPackage", WRITE, |w| &w.package, |_| json!({ "name": "Q" }), 200, NOTHING),
    ("getPricing", Catalog, |w| &w.product, no_body, 200, NOTHING),
    ("getBranding", Catalog, none, no_body, 200, Passes),
    ("putBranding", WRITE, none, |_| json!({ "name": "B" }), 200, Passes),
    ("listCustomerEntitlements", Either("customers:read", "customer:read"), customer, no_body, 200, NOBODY),
    ("checkCustomerEntitlement", Either("customers:read", "customer:read"), customer, |w| json!({ "featureSlug": w.customer }), 200, NOBODY),
    ("checkEntitlement", Either("customers:read", "customer:read"), none, |w| json!({ "customerId": w.customer, "featureSlug": w.customer }), 200, NOBODY),
    ("listInvoices", Either("invoices:read", "invoices:read"), none, no_body, 200, Passes),
    ("listCustomerInvoices", Either("invoices:read", "invoices:read"), customer, no_body, 200, NOBODY),
    ("getInvoice", Either("invoices:read", "invoices:read"), |w| &w.invoice, no_body, 200, NOTHING),
    ("getInvoicePdf", Either("invoices:read", "invoices:read"), |w| &w.invoice, no_body, 200, NOTHING),
    ("payInvoice", Either("invoices:write", "invoices:pay"), |w| &w.invoice, |_| json!({}), 200, NOTHING),
    ("recordInvoicePayment", Key("invoices:write"), |w| &w.invoice, |_| json!({ "amount": 1, "reference": "R" }), 201, NOTHING),
    ("voidInvoice", Key("invoices:write"), |w| &w.invoice, no_body, 200, NOTHING),
    ("listPaymentMethods", Either("payment_methods:read", "payment_methods:read"), customer, no_body, 200, NOBODY),
    ("addPaymentMethod", Either("payment_methods:write", "payment_methods:write"), customer, |_| json!({ "processorToken": "pm_sandbox_mastercard" }), 201, NOBODY),
    ("setUpPaymentMethod", Either("payment_methods:write", "payment_methods:write"), customer, no_body, 200, NOBODY),
    ("setDefaultPaymentMethod", Either("payment_methods:write", "payment_methods:write"), |w| &w.payment_method, no_body, 200, NOTHING),
    ("getPaymentMethodDependencies", Either("payment_methods:read", "payment_methods:read"), |w| &w.payment_method, no_body, 200, NOTHING),
    ("removePaymentMethod", Either("payment_methods:write", "payment_methods:write"), |w| &w.payment_method, no_body, 204, NOTHING),
    ("confirmSandboxForm", Form("payment_methods:write"), none, |w| json!({ "clientSecret": w.form, "outcome": "succeed" }), 204, NOTHING),
    ("receiveWebhook", Signed, |_| "sandbox", |_| json!({}), 204, UNSIGNED),
    ("jwks", Public, none, no_body, 200, Passes),
    ("health", Public, none, no_body, 200, Passes),
    ("readiness", Public, none, no_body, 200, Passes),
    ("openapi", Public, none, no_body, 200, Passes),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Caller {
    Nobody,
    GoodKey,
    GoodKeyAsBearer,
    KeyWithoutTheScope,
    RevokedKey,
    ExpiredKey,
    MistypedKey,
    UnknownKey,
    KeyWithOrigin,
    KeyWithSecFetchSite,
    ForeignKey,
    KeyOfTheOtherEnvironment,
    PublishableKey,
    PublishableKeyAsBearer,
    PublishableKeyOfAPage,
    MistypedPublishableKey,
    GoodToken,
    TokenWithoutTheScope,
    ExpiredToken,
    RevokedToken,
    TokenOfAnotherCustomer,
    TokenInApiKeyHeader,
    TokenInQuery,
    TokenInCookie,
    GarbageBearer,
    BasicAuthorization,
    TwoCredentials,
}

const BAD_KEY: Expect = Refused(401, "invalid_api_key");
const BAD_TOKEN: Expect = Refused(401, "invalid_token");
const MISSING: Expect = Refused(401, "missing_credentials");
const NO_SCOPE: Expect = Refused(403, "insufficient_scope");
const IN_BROWSER: Expect = Refused(403, "secret_key_in_browser");
const EXPIRED: Expect = Refused(401, "token_expired");
const REVOKED: Expect = Refused(401, "session_revoked");
const NOT_FROM_HERE: Expect = Refused(403, "origin_not_allowed");
const AMBIGUOUS: Expect = Refused(400, "ambiguous_credentials");

/// What a caller gets where a key is needed, where a token is needed, where either will do, where
/// the public catalog is read. What foreign keys get stands with each operation.
#[rustfmt::skip]
const CALLERS: &[(Caller, [Expect; 4])] = &[
    (Caller::Nobody,                   [MISSING, MISSING, MISSING, MISSING]),
    (Caller::GoodKey,                  [Passes, BAD_TOKEN, Passes, Passes]),
    (Caller::GoodKeyAsBearer,          [Passes, BAD_TOKEN, Passes, Passes]),
    (Caller::KeyWithoutTheScope,       [NO_SCOPE, BAD_TOKEN, NO_SCOPE, NO_SCOPE]),
    (Caller::RevokedKey,               [BAD_KEY, BAD_TOKEN, BAD_KEY, BAD_KEY]),
    (Caller::ExpiredKey,               [BAD_KEY, BAD_TOKEN, BAD_KEY, BAD_KEY]),
    (Caller::MistypedKey,              [BAD_KEY, BAD_TOKEN, BAD_KEY, BAD_KEY]),
    (Caller::UnknownKey,               [BAD_KEY, BAD_TOKEN, BAD_KEY, BAD_KEY]),
    (Caller::KeyWithOrigin,            [IN_BROWSER, BAD_TOKEN, IN_BROWSER, IN_BROWSER]),
    (Caller::KeyWithSecFetchSite,      [IN_BROWSER, BAD_TOKEN, IN_BROWSER, IN_BROWSER]),
    (Caller::PublishableKey,           [BAD_KEY, BAD_TOKEN, BAD_KEY, Passes]),
    (Caller::PublishableKeyAsBearer,   [BAD_KEY, BAD_TOKEN, BAD_KEY, Passes]),
    (Caller::PublishableKeyOfAPage,    [BAD_KEY, BAD_TOKEN, BAD_KEY, Passes]),
    (Caller::MistypedPublishableKey,   [BAD_KEY, BAD_TOKEN, BAD_KEY, BAD_KEY]),
    (Caller::GoodToken,                [BAD_KEY, Passes, Passes, Passes]),
    (Caller::TokenWithoutTheScope,     [BAD_KEY, Passes, NO_SCOPE, Passes]),
    (Caller::ExpiredToken,             [BAD_KEY, EXPIRED, EXPIRED, EXPIRED]),
    (Caller::RevokedToken,             [BAD_KEY, REVOKED, REVOKED, REVOKED]),
    (Caller::TokenOfAnotherCustomer,   [BAD_KEY, Passes, NOBODY, Passes]),
    (Caller::TokenInApiKeyHeader,      [BAD_KEY, BAD_TOKEN, BAD_KEY, BAD_KEY]),
    (Caller::TokenInQuery,             [MISSING, MISSING, MISSING, MISSING]),
    (Caller::TokenInCookie,            [MISSING, MISSING, MISSING, MISSING]),
    (Caller::GarbageBearer,            [BAD_KEY, BAD_TOKEN, BAD_TOKEN, BAD_TOKEN]),
    (Caller::BasicAuthorization,       [BAD_KEY, BAD_TOKEN, BAD_TOKEN, BAD_TOKEN]),
    (Caller::TwoCredentials,           [AMBIGUOUS, AMBIGUOUS, AMBIGUOUS, AMBIGUOUS]),
];

on_both_stores! {
    async fn every_operation_takes_its_callers_and_refuses_all_others(t) {
        let callers = Callers::make(&t).await;
        for row in OPERATIONS {
            let world = World::make(&t).await;
            let (mut passing, mut refused) = (Vec::new(), Vec::new());
            for (caller, expected) in callers.of(row) {
                match expected {
                    Passes => passing.push(caller),
                    Refused(status, code) => {
                        let request = callers.request(&t, row, caller, &world).await;
                        refused.push((caller, request, (status, code.to_owned())));
                    }
                }
            }
            let before = t.state().await;
            for (caller, request, (status, code)) in refused {
                let answer = t.call(request).await;
                let got = (answer.status, code_of(&answer));
                assert_eq!(got, (status, code.clone()), "{}: {caller:?}", row.0);
                answer.refused(status, &code);
            }
            assert_eq!(t.state().await, before, "{} changed something that it refused", row.0);
            let mut world = world;
            for caller in passing {
                let answer = t.call(callers.request(&t, row, caller, &world).await).await;
                let got = (answer.status, code_of(&answer));
                assert_eq!(got, (row.4, String::new()), "{}: {caller:?}", row.0);
                let foreign =
                    matches!(caller, Caller::ForeignKey | Caller::KeyOfTheOtherEnvironment);
                if foreign && row.1 != Page {
                    let body = String::from_utf8_lossy(&answer.body).into_owned();
                    for id in world.ids() {
                        // What the request itself said may come back.
                        if (row.3)(&world).to_string().contains(id) {
                            continue;
                        }
                        assert!(!body.contains(id), "{}: {caller:?}: {body}", row.0);
                    }
                }
                if callers.changes(row) {
                    world = World::make(&t).await;
                }
            }
        }
    }

    async fn while_an_organization_is_suspended_its_backend_revokes_and_does_nothing_else(t) {
        let callers = Callers::make(&t).await;
        let world = World::make(&t).await;
        t.suspend(true).await;
        for row in OPERATIONS {
            let caller = if row.1 == Portal { Caller::GoodToken } else { Caller::GoodKey };
            let answer = t.call(callers.request(&t, row, caller, &world).await).await;
            match (row.0, row.1) {
                ("revokePortalSessions", _) | (_, Public) => { answer.expect(row.4); }
                // The session was ended above, which is told first.
                (_, Portal | Page) => { answer.refused(401, "session_revoked"); }
                (_, Signed) => { answer.refused(400, "malformed_request"); }
                (_, Key(_) | Either(..) | Catalog | Form(_)) => { answer.refused(403, "organization_suspended"); }
            }
        }
        t.suspend(false).await;
        let token = t.token(&world.customer).await;
        t.suspend(true).await;
        t.read(&token).await.refused(403, "organization_suspended");
        t.suspend(false).await;
        t.read(&token).await.expect(200);
    }
}

#[test]
fn the_table_names_every_operation_of_the_description_and_its_credentials() {
    let described = description();
    let ids: BTreeSet<String> = described.iter().map(|(id, ..)| id.clone()).collect();
    let listed: BTreeSet<String> = OPERATIONS.iter().map(|row| row.0.to_owned()).collect();
    assert_eq!(listed, ids);
    assert_eq!(OPERATIONS.len(), described.len());
    for (id, access, _, _, status, _) in OPERATIONS {
        let (_, _, _, operation) = described.iter().find(|found| found.0 == *id).unwrap();
        let security = match access {
            Key(scope) => json!([{ "secretKey": [scope] }]),
            Portal => json!([{ "portalToken": [] }]),
            Either(key, token) => json!([{ "secretKey": [key] }, { "portalToken": [token] }]),
            Catalog => {
                json!([{ "secretKey": ["catalog:read"] }, { "portalToken": [] }, { "publishableKey": [] }])
            }
            Form(key) => json!([{ "secretKey": [key] }, { "portalToken": [] }]),
            Public | Page | Signed => Value::Null,
        };
        assert_eq!(operation["security"], security, "{id}");
        let answers = operation["responses"].as_object().unwrap();
        let known: Vec<&str> = answers.keys().map(String::as_str).collect();
        assert_eq!(known, [status.to_string().as_str(), "default"], "{id}");
        assert!(answers.values().all(|answer| {
            answer["description"].is_string() || answer["$ref"] == "#/components/responses/Problem"
        }));
    }
}

#[test]
fn the_committed_description_is_the_one_that_is_served() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi.json");
    let committed = std::fs::read_to_string(path).unwrap();
    let served = unitpay::routes::openapi_json();
    assert!(committed == served, "write it again: unitpay openapi > openapi.json");
}

#[test]
fn every_reference_within_the_description_leads_somewhere() {
    fn walk(value: &Value, whole: &Value) {
        if let Some(name) = value.get("$ref").and_then(Value::as_str) {
            assert!(whole.pointer(name.trim_start_matches('#')).is_some(), "{name}");
        }
        value.as_array().into_iter().flatten().for_each(|inner| walk(inner, whole));
        value.as_object().into_iter().flatten().for_each(|(_, inner)| walk(inner, whole));
    }
    let whole = serde_json::to_value(unitpay::routes::openapi()).unwrap();
    walk(&whole, &whole);
}

/// The operations that are described: id, method, path, all of it.
fn description() -> Vec<(String, String, String, Value)> {
    let whole = serde_json::to_value(unitpay::routes::openapi()).unwrap();
    let mut found = Vec::new();
    for (path, item) in whole["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            found.push((id, method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    found
}

fn code_of(answer: &Answer) -> String {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    body["code"].as_str().unwrap_or_default().to_owned()
}

impl World {
    async fn make(t: &Test) -> Self {
        let body = json!({ "name": "A", "email": "a@example.com" });
        let customer =
            t.call(post("/v1/customers", &body).key(&t.key)).await.expect(201).text("id");
        let minted = t.mint(json!({ "customerId": customer })).await.expect(201);
        let key = json!({ "name": "in the world" });
        let key = t.call(post("/v1/api-keys", &key).key(&t.key)).await.expect(201);
        let (sid, token, url) = (minted.text("jti"), minted.text("token"), minted.text("url"));
        let code = url.split_once('#').unwrap().1.to_owned();
        // Slugs are unique, and so is every id.
        let product = json!({ "slug": customer, "name": "P" });
        let product = t.make("products", product).await;
        let metric =
            json!({ "productId": product, "eventName": "call", "name": "M", "aggregation": "sum" });
        let feature =
            json!({ "productId": product, "slug": customer, "name": "F", "type": "boolean" });
        let feature = t.make("features", feature).await;
        let plan = json!({
            "productId": product, "slug": customer, "name": "P", "billingInterval": "month",
            "currency": "USD", "status": "active",
            "entitlements": [{ "featureId": feature, "type": "boolean" }],
        });
        let currency = json!({ "slug": customer, "name": "C", "denomination": "unit" });
        let currency = t.make("credit-currencies", currency).await;
        let package = json!({
            "creditCurrencyId": currency, "name": "K", "credits": 1, "price": 1, "currency": "USD",
        });
        Self {
            sid,
            token,
            code,
            api_key: key.text("id"),
            metric: t.make("billable-metrics", metric).await,
            plan: t.make("plans", plan).await,
            package: t.make("credit-packages", package).await,
            payment_method: t.card(&customer, "pm_sandbox_visa").await,
            invoice: t.bill(&customer, 1_000).await,
            form: t.set_up(&customer).await,
            customer,
            product,
            feature,
            currency,
        }
    }

    fn ids(&self) -> [&str; 11] {
        let Self {
            customer,
            sid,
            token: _,
            code: _,
            api_key,
            product,
            plan,
            feature,
            metric,
            currency,
            package,
            payment_method,
            invoice,
            form: _,
        } = self;
        [
            customer,
            sid,
            api_key,
            product,
            plan,
            feature,
            metric,
            currency,
            package,
            payment_method,
            invoice,
        ]
        .map(String::as_str)
    }
}

/// The credentials of all callers that do not depend on the operation.
struct Callers {
    described: Vec<(String, String, String, Value)>,
    revoked_key: String,
    expired_key: String,
    foreign_key: String,
    live_key: String,
    publishable_key: String,
    expired_token: String,
    revoked_token: String,
    other_token: String,
}

impl Callers {
    async fn make(t: &Test) -> Self {
        let create =
            async |body: Value| t.call(post("/v1/api-keys", &body).key(&t.key)).await.expect(201);
        let revoked = create(json!({ "name": "revoked" })).await;
        let path = format!("/v1/api-keys/{}/revoke", revoked.text("id"));
        t.call(post(path, &json!({})).key(&t.key)).await.expect(200);
        let end = "2030-01-01T00:01:00.000Z";
        let expired = create(json!({ "name": "expired", "expiresAt": end })).await;
        t.customer("other").await;
        let short = t.mint(json!({ "customerId": "other", "ttlSeconds": 60 })).await.expect(201);
        let ended = t.mint(json!({ "customerId": "other" })).await.expect(201);
        t.revoke(json!({ "jti": ended.text("jti") })).await.expect(204);
        t.advance(60);
        let another = t.organization("another").await;
        let live = t.live(t.tenant.organization_id).await;
        Self {
            described: description(),
            revoked_key: revoked.text("secret"),
            expired_key: expired.text("secret"),
            foreign_key: t.key_of(another, KeyScopes::ALL).await,
            live_key: t.key_of(live, KeyScopes::ALL).await,
            publishable_key: t.publishable_key_of(t.tenant).await,
            expired_token: short.text("token"),
            revoked_token: ended.text("token"),
            other_token: t.token("other").await,
        }
    }

    /// Every caller with what it gets from an operation.
    fn of(&self, row: &Row) -> Vec<(Caller, Expect)> {
        let foreign = [Caller::ForeignKey, Caller::KeyOfTheOtherEnvironment];
        let usual = CALLERS.iter().map(|(caller, expected)| {
            let expected = match row.1 {
                Key(_) => expected[0],
                Portal => expected[1],
                // What another customer's token may not see is to it as what is not there.
                Either(..) if *caller == Caller::TokenOfAnotherCustomer => row.5,
                Either(..) => expected[2],
                Form(_) => match caller {
                    Caller::TokenWithoutTheScope => Passes,
                    Caller::TokenOfAnotherCustomer => row.5,
                    _ => expected[2],
                },
                Signed => UNSIGNED,
                Catalog => expected[3],
                Public => Passes,
                Page => match caller {
                    Caller::KeyWithOrigin
                    | Caller::KeyWithSecFetchSite
                    | Caller::PublishableKeyOfAPage => NOT_FROM_HERE,
                    _ => Passes,
                },
            };
            (*caller, expected)
        });
        usual.chain(foreign.map(|caller| (caller, row.5))).collect()
    }

    fn changes(&self, row: &Row) -> bool {
        self.described.iter().any(|(id, method, ..)| id == row.0 && method != "GET")
    }

    async fn request(&self, t: &Test, row: &Row, caller: Caller, world: &World) -> Request {
        let found = self.described.iter().find(|(id, ..)| id == row.0).unwrap();
        let (_, method, path, _) = found;
        let path = path.replace("{id}", (row.2)(world)).replace("{sid}", (row.2)(world));
        let path = path.replace("{productId}", (row.2)(world));
        let path = path.replace("{processor}", (row.2)(world));
        let plain = |path: String| match (row.3)(world) {
            Value::Null => Request::new(method, path),
            body => Request::new(method, path).json(&body),
        };
        let request = plain(path.clone());
        match caller {
            Caller::Nobody => request,
            Caller::GoodKey => request.key(&t.key),
            Caller::GoodKeyAsBearer => request.bearer(&t.key),
            Caller::KeyWithoutTheScope => request.key(&self.key_without(t, row.1).await),
            Caller::RevokedKey => request.key(&self.revoked_key),
            Caller::ExpiredKey => request.key(&self.expired_key),
            Caller::MistypedKey => request.key(&t.mistyped_key()),
            Caller::UnknownKey => request.key(&unknown_key(t)),
            Caller::KeyWithOrigin => request.key(&t.key).header("origin", "https://a.example"),
            Caller::KeyWithSecFetchSite => request.key(&t.key).header("sec-fetch-site", "none"),
            Caller::ForeignKey => request.key(&self.foreign_key),
            Caller::KeyOfTheOtherEnvironment => request.key(&self.live_key),
            Caller::PublishableKey => request.key(&self.publishable_key),
            Caller::PublishableKeyAsBearer => request.bearer(&self.publishable_key),
            Caller::PublishableKeyOfAPage => {
                let page = request.key(&self.publishable_key).header("origin", "https://a.example");
                page.header("sec-fetch-site", "cross-site")
            }
            Caller::MistypedPublishableKey => {
                request.key(&self.publishable_key.replace("_pk_", "_pk_0"))
            }
            Caller::GoodToken => request.bearer(&world.token),
            Caller::TokenWithoutTheScope => {
                request.bearer(&self.token_without(t, row.1, world).await)
            }
            Caller::ExpiredToken => request.bearer(&self.expired_token),
            Caller::RevokedToken => request.bearer(&self.revoked_token),
            Caller::TokenOfAnotherCustomer => request.bearer(&self.other_token(t, row).await),
            Caller::TokenInApiKeyHeader => request.key(&world.token),
            Caller::TokenInQuery => {
                plain(format!("{path}?token={0}&access_token={0}", world.token))
            }
            Caller::TokenInCookie => request.header("cookie", format!("token={}", world.token)),
            Caller::GarbageBearer => request.bearer("garbage"),
            Caller::BasicAuthorization => request.header("authorization", "Basic dTpw"),
            Caller::TwoCredentials => request.key(&t.key).bearer(&world.token),
        }
    }

    async fn key_without(&self, t: &Test, access: Access) -> String {
        let lacking = match access {
            Key(scope) | Either(scope, _) | Form(scope) => scope,
            Catalog => "catalog:read",
            Portal | Public | Page | Signed => "usage:read",
        };
        let rest: Vec<&str> = KeyScopes::NAMES.iter().copied().filter(|n| *n != lacking).collect();
        t.key_of(t.tenant, rest.join(" ").parse().unwrap()).await
    }

    async fn token_without(&self, t: &Test, access: Access, world: &World) -> String {
        let lacking = match access {
            Either(_, scope) => scope,
            Key(_) | Portal | Catalog | Public | Page | Form(_) | Signed => "customer:read",
        };
        let rest: Vec<&str> =
            PortalScopes::NAMES.iter().copied().filter(|n| *n != lacking).collect();
        let body = json!({ "customerId": world.customer, "scopes": rest });
        t.mint(body).await.expect(201).text("token")
    }

    /// A route that takes tokens alone may end the session, so it gets one of its own.
    async fn other_token(&self, t: &Test, row: &Row) -> String {
        if row.1 == Portal { t.token("other").await } else { self.other_token.clone() }
    }
}

/// Well-formed, with a good checksum, of an id that the store does not know.
fn unknown_key(t: &Test) -> String {
    KeyText::make(KeyKind::Secret, t.app.ids.api_key(), &[3; 32]).reveal().to_owned()
}
