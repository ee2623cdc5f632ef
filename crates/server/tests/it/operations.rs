//! Every operation of the description × every kind of caller, and the description itself.

mod table;
mod world;

use crate::on_both_stores;
use crate::support::{Answer, Request, Test, mail_to, post};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use table::Access::{Catalog, Either, Form, Key, Login, Page, Portal, Public, Sandbox, Signed};
use table::Expect::{self, Passes, Refused};
use table::{NOBODY, NOTHING, UNSIGNED};
use unitpay::testing::keys::{KeyKind, KeyScopes, KeyText};
use unitpay::testing::portal::PortalScopes;

pub use table::{Access, OPERATIONS, Row};
pub use world::World;

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

/// The responses of a caller on routes that require a key, a token, either, or that read the public
/// catalog. The response to foreign keys is listed with each operation.
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
    async fn every_operation_accepts_only_its_callers(t) {
        let t = Test::start_with(t.engine, |config| mail_to(config, 1)).await;
        let callers = Callers::make(&t).await;
        for row in OPERATIONS {
            let world = World::make(&t).await;
            let (mut passing, mut refused) = (Vec::new(), Vec::new());
            for (caller, expected) in callers.expected(row) {
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
                if foreign && !matches!(row.1, Page | Login) {
                    let body = String::from_utf8_lossy(&answer.body).into_owned();
                    for id in world.ids() {
                        // The response may echo the request.
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

    async fn link_to_an_invoice_reaches_that_invoice_only(t) {
        let t = Test::start_with(t.engine, |config| mail_to(config, 1)).await;
        let callers = Callers::make(&t).await;
        let allowed = ["getInvoice", "getInvoicePdf", "payInvoice", "getBranding", "getCurrentPortalSession", "refreshPortalSession", "endCurrentPortalSession"];
        let (mut world, mut passed) = (World::make(&t).await, BTreeSet::new());
        for row in OPERATIONS {
            // Nothing that the page of another customer or session opens depends on the token.
            if matches!(row.1, Public | Page | Login) {
                continue;
            }
            let token = t.open_invoice(&t.invoice_link(&world.customer, &world.invoice).await).await.expect(200).text("token");
            let before = t.state().await;
            // The credential of the request is the last one.
            let mut request = callers.request(&t, row, Caller::Nobody, &world).await.bearer(&token);
            let answer = t.call(request.clone()).await;
            if allowed.contains(&row.0) {
                let body = answer.expect(row.4).body;
                passed.insert(row.0);
                let body = String::from_utf8_lossy(&body).into_owned();
                let named = [&world.customer, &world.invoice, &world.sid];
                for id in world.ids().iter().filter(|id| !named.iter().any(|known| known == *id)) {
                    assert!(!body.contains(id), "{}: {body}", row.0);
                }
                world = World::make(&t).await;
                continue;
            }
            let expected = match row.1 {
                Key(_) | Sandbox(_) => (401, "invalid_api_key"),
                Form(_) => (404, "not_found"),
                Signed => (400, "malformed_request"),
                Portal | Either(..) | Catalog | Public | Page | Login => (403, "insufficient_scope"),
            };
            assert_eq!((answer.status, code_of(&answer).as_str()), expected, "{}", row.0);
            // An idempotency key makes no difference.
            request.headers.push(("idempotency-key".to_owned(), row.0.to_owned()));
            assert_eq!(t.call(request).await.status, expected.0, "{}", row.0);
            assert_eq!(t.state().await, before, "{} changed something that it refused", row.0);
        }
        assert_eq!(passed.len(), allowed.len());
        // Neither does another invoice of the customer, nor its payment.
        let other = t.bill(&world.customer, 700).await;
        let token = t.open_invoice(&t.invoice_link(&world.customer, &other).await).await.expect(200).text("token");
        for row in OPERATIONS.iter().filter(|row| row.0.ends_with("Invoice") || row.0.ends_with("InvoicePdf")) {
            let answer = t.call(callers.request(&t, row, Caller::Nobody, &world).await.bearer(&token)).await;
            assert!((401..=404).contains(&answer.status), "{}: {}", row.0, answer.status);
        }
    }

    async fn route_without_body_refuses_a_body(t) {
        let t = Test::start_with(t.engine, |config| mail_to(config, 1)).await;
        let callers = Callers::make(&t).await;
        let world = World::make(&t).await;
        let before = t.state().await;
        let mut asked = 0;
        for (id, method, path, operation) in &callers.described {
            if method != "POST" || operation.get("requestBody").is_some() {
                continue;
            }
            let row = OPERATIONS.iter().find(|row| row.0 == id).unwrap();
            let caller = if row.1 == Portal { Caller::GoodToken } else { Caller::GoodKey };
            let request = callers.request(&t, row, caller, &world).await;
            let refused = t.call(request.clone().json(&json!({ "x": 1 }))).await;
            let refused = refused.refused(422, "validation_failed").json();
            assert_eq!(refused["errors"][0]["param"], "x", "{path}");
            t.call(request.raw_json("{")).await.refused(400, "malformed_request");
            asked += 1;
        }
        assert!(asked >= 9, "{asked}");
        assert_eq!(t.state().await, before);
    }

    async fn suspended_organization_can_only_revoke(t) {
        let t = Test::start_with(t.engine, |config| mail_to(config, 1)).await;
        let callers = Callers::make(&t).await;
        let world = World::make(&t).await;
        t.suspend(true).await;
        for row in OPERATIONS {
            let caller = if row.1 == Portal { Caller::GoodToken } else { Caller::GoodKey };
            let answer = t.call(callers.request(&t, row, caller, &world).await).await;
            match (row.0, row.1) {
                ("revokePortalSessions", _) | (_, Public) => { answer.expect(row.4); }
                // The session was ended above, which takes precedence.
                (_, Portal | Page) => { answer.refused(401, "session_revoked"); }
                (_, Login) => { answer.refused(403, "organization_suspended"); }
                (_, Signed) => { answer.refused(400, "malformed_request"); }
                (_, Key(_) | Either(..) | Catalog | Form(_) | Sandbox(_)) => { answer.refused(403, "organization_suspended"); }
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
fn table_covers_every_operation_and_its_credentials() {
    let described = description();
    let ids: BTreeSet<String> = described.iter().map(|(id, ..)| id.clone()).collect();
    let listed: BTreeSet<String> = OPERATIONS.iter().map(|row| row.0.to_owned()).collect();
    assert_eq!(listed, ids);
    assert_eq!(OPERATIONS.len(), described.len());
    for (id, access, _, _, status, _) in OPERATIONS {
        let (_, _, _, operation) = described.iter().find(|found| found.0 == *id).unwrap();
        let security = match access {
            Key(scope) | Sandbox(scope) => json!([{ "secretKey": [scope] }]),
            Portal => json!([{ "portalToken": [] }]),
            Either(key, token) => json!([{ "secretKey": [key] }, { "portalToken": [token] }]),
            Catalog => {
                json!([{ "secretKey": ["catalog:read"] }, { "portalToken": [] }, { "publishableKey": [] }])
            }
            Form(key) => json!([{ "secretKey": [key] }, { "portalToken": [] }]),
            Public | Page | Login | Signed => Value::Null,
        };
        assert_eq!(operation["security"], security, "{id}");
        let answers = operation["responses"].as_object().unwrap();
        // A clock that is still advancing is accepted.
        let mut known: Vec<&str> = answers.keys().map(String::as_str).collect();
        known.retain(|status| *status != "202");
        assert_eq!(known, [status.to_string().as_str(), "default"], "{id}");
        assert!(answers.values().all(|answer| {
            answer["description"].is_string() || answer["$ref"] == "#/components/responses/Problem"
        }));
    }
}

#[test]
fn committed_description_is_the_served_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi.json");
    let committed = std::fs::read_to_string(path).unwrap();
    let served = unitpay::testing::routes::openapi_json();
    assert!(committed == served, "write it again: unitpay openapi > openapi.json");
}

#[test]
fn every_reference_in_the_description_resolves() {
    fn walk(value: &Value, whole: &Value) {
        if let Some(name) = value.get("$ref").and_then(Value::as_str) {
            assert!(whole.pointer(name.trim_start_matches('#')).is_some(), "{name}");
        }
        value.as_array().into_iter().flatten().for_each(|inner| walk(inner, whole));
        value.as_object().into_iter().flatten().for_each(|(_, inner)| walk(inner, whole));
    }
    let whole = serde_json::to_value(unitpay::testing::routes::openapi()).unwrap();
    walk(&whole, &whole);
}

/// Returns the described operations: id, method, path, description.
pub fn description() -> Vec<(String, String, String, Value)> {
    let whole = serde_json::to_value(unitpay::testing::routes::openapi()).unwrap();
    let mut found = Vec::new();
    for (path, item) in whole["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            found.push((id, method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    found
}

/// Returns the path of an operation's request, with the query that it needs.
pub fn path(row: &Row, template: &str, world: &World) -> String {
    let path = template.replace("{id}", (row.2)(world)).replace("{sid}", (row.2)(world));
    let path = path.replace("{creditCurrencyId}", &world.currency);
    let path = path.replace("{productId}", (row.2)(world));
    let path = path.replace("{processor}", (row.2)(world));
    let path = path.replace("{endpoint}", &world.organization);
    let path = path.replace("{deliveryId}", &world.delivery);
    if !template.contains('{') && !(row.2)(world).is_empty() {
        return format!("{path}?{}", (row.2)(world));
    }
    path
}

/// Returns the code of a problem. A promotion code has a `code`, too.
fn code_of(answer: &Answer) -> String {
    if answer.status < 400 {
        return String::new();
    }
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    body["code"].as_str().unwrap_or_default().to_owned()
}

/// Returns the credentials of all callers that do not depend on the operation.
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

    /// Returns every caller with its response from an operation.
    fn expected(&self, row: &Row) -> Vec<(Caller, Expect)> {
        let foreign = [Caller::ForeignKey, Caller::KeyOfTheOtherEnvironment];
        let usual = CALLERS.iter().map(|(caller, expected)| {
            let expected = match row.1 {
                Key(_) | Sandbox(_) => expected[0],
                Portal => expected[1],
                // An object that another customer's token may not see looks like a missing one.
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
                // Its query has no other parameter.
                Login if *caller == Caller::TokenInQuery && row.0 == "getLoginPage" => {
                    Refused(422, "validation_failed")
                }
                Page | Login => match caller {
                    Caller::KeyWithOrigin
                    | Caller::KeyWithSecFetchSite
                    | Caller::PublishableKeyOfAPage => NOT_FROM_HERE,
                    _ => Passes,
                },
            };
            (*caller, expected)
        });
        let of_foreign = |caller| match row.1 {
            Sandbox(_) if caller == Caller::KeyOfTheOtherEnvironment => NOTHING,
            _ => row.5,
        };
        usual.chain(foreign.map(|caller| (caller, of_foreign(caller)))).collect()
    }

    fn changes(&self, row: &Row) -> bool {
        self.described.iter().any(|(id, method, ..)| id == row.0 && method != "GET")
    }

    async fn request(&self, t: &Test, row: &Row, caller: Caller, world: &World) -> Request {
        let found = self.described.iter().find(|(id, ..)| id == row.0).unwrap();
        let (_, method, path, _) = found;
        let path = self::path(row, path, world);
        let plain = |path: String| match (row.3)(world) {
            Value::Null => Request::new(method, path),
            body if row.0 == "enterLogin" => {
                Request::new(method, path).json(&body).header("cookie", &world.login_cookie)
            }
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
                let and = if path.contains('?') { '&' } else { '?' };
                plain(format!("{path}{and}token={0}&access_token={0}", world.token))
            }
            Caller::TokenInCookie => request.header("cookie", format!("token={}", world.token)),
            Caller::GarbageBearer => request.bearer("garbage"),
            Caller::BasicAuthorization => request.header("authorization", "Basic dTpw"),
            Caller::TwoCredentials => request.key(&t.key).bearer(&world.token),
        }
    }

    async fn key_without(&self, t: &Test, access: Access) -> String {
        let lacking = match access {
            Key(scope) | Either(scope, _) | Form(scope) | Sandbox(scope) => scope,
            Catalog => "catalog:read",
            Portal | Public | Page | Login | Signed => "usage:read",
        };
        let rest: Vec<&str> = KeyScopes::NAMES.iter().copied().filter(|n| *n != lacking).collect();
        t.key_of(t.tenant, rest.join(" ").parse().unwrap()).await
    }

    async fn token_without(&self, t: &Test, access: Access, world: &World) -> String {
        let lacking = match access {
            Either(_, scope) => scope,
            Key(_) | Portal | Catalog | Public | Page | Login | Form(_) | Sandbox(_) | Signed => {
                "customer:read"
            }
        };
        let rest: Vec<&str> =
            PortalScopes::NAMES.iter().copied().filter(|n| *n != lacking).collect();
        let body = json!({ "customerId": world.customer, "scopes": rest });
        t.mint(body).await.expect(201).text("token")
    }

    /// A token-only route may end the session, so it gets one of its own.
    async fn other_token(&self, t: &Test, row: &Row) -> String {
        if row.1 == Portal { t.token("other").await } else { self.other_token.clone() }
    }
}

/// Well-formed with a valid checksum, but with an id that the store does not know.
fn unknown_key(t: &Test) -> String {
    KeyText::make(KeyKind::Secret, t.app.ids.api_key(), &[3; 32]).reveal().to_owned()
}
