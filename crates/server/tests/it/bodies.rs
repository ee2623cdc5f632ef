//! Bodies: strict JSON on every operation that reads one. Any input gets a response, and a refused
//! one changes nothing.

use crate::on_both_stores;
use crate::operations::World;
use crate::support::{Answer, Request, Test, post};
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// An operation that reads JSON: method, path, valid body, and its schema in the description.
type Reading = (&'static str, String, Value, &'static str);

/// A customer `one` with a session, a customer that has one of each object, and the operations on
/// them. Each accepts its valid body repeatedly.
async fn operations(t: &Test) -> Vec<Reading> {
    t.customer("one").await;
    t.token("one").await;
    let mut operations = of_sessions(t).await;
    operations.extend(of_billing(&World::make(t).await));
    operations
}

async fn of_sessions(t: &Test) -> Vec<Reading> {
    let key_id = t.make("api-keys", json!({ "name": "K" })).await;
    let [create, revoke] = ["/v1/api-keys".to_owned(), format!("/v1/api-keys/{key_id}/revoke")];
    let sessions = |rest: &str| format!("/v1/portal-sessions{rest}");
    let customer = json!({ "name": "B", "email": "b@example.com" });
    vec![
        ("POST", sessions(""), json!({ "customerId": "one" }), "CreatePortalSessionRequest"),
        ("POST", sessions("/revoke"), json!({ "customerId": "one" }), "RevokePortalSessionRequest"),
        ("POST", sessions("/introspect"), json!({ "token": "x" }), "IntrospectRequest"),
        ("POST", "/v1/customers".to_owned(), customer.clone(), "CreateCustomerRequest"),
        ("PATCH", "/v1/customers/one".to_owned(), customer, "UpdateCustomerRequest"),
        ("POST", create, json!({ "name": "K" }), "CreateApiKeyRequest"),
        ("POST", revoke, json!({ "revokeSessions": false }), "RevokeApiKeyRequest"),
    ]
}

#[rustfmt::skip]
fn of_billing(w: &World) -> Vec<Reading> {
    let name = || json!({ "name": "Q" });
    let customer = |rest: &str| format!("/v1/customers/{}/{rest}", w.customer);
    let subscription = |rest: &str| format!("/v1/subscriptions/{}/{rest}", w.subscription);
    let package = json!({ "creditCurrencyId": w.currency, "packageId": w.package });
    let rule = json!({ "enabled": false, "mode": "package", "threshold": 1, "packageId": w.package });
    let offer = json!({ "customerId": w.customer, "planId": w.offer });
    vec![
        ("PATCH", format!("/v1/products/{}", w.product), name(), "UpdateProductRequest"),
        ("PATCH", format!("/v1/plans/{}", w.plan), name(), "UpdatePlanRequest"),
        ("PATCH", format!("/v1/features/{}", w.feature), name(), "UpdateFeatureRequest"),
        ("PATCH", format!("/v1/billable-metrics/{}", w.metric), name(), "UpdateMetricRequest"),
        ("PATCH", format!("/v1/credit-currencies/{}", w.currency), name(), "UpdateCreditCurrencyRequest"),
        ("PATCH", format!("/v1/credit-packages/{}", w.package), name(), "UpdateCreditPackageRequest"),
        ("PATCH", format!("/v1/coupons/{}", w.coupon), name(), "UpdateCouponRequest"),
        ("PATCH", format!("/v1/promotion-codes/{}", w.promotion_code), json!({ "active": true }), "UpdatePromotionCodeRequest"),
        ("PUT", "/v1/branding".to_owned(), name(), "PutBrandingRequest"),
        ("POST", "/v1/check".to_owned(), json!({ "customerId": w.customer, "featureSlug": w.customer }), "CheckRequest"),
        ("POST", customer("check"), json!({ "featureSlug": w.customer }), "CheckOfCustomerRequest"),
        ("POST", "/v1/subscriptions/preview".to_owned(), offer, "CreateSubscriptionRequest"),
        ("POST", subscription("preview-change"), json!({ "quantity": 2 }), "PreviewChangeRequest"),
        ("POST", subscription("change-plan"), json!({ "quantity": 1 }), "ChangePlanRequest"),
        ("POST", subscription("cancel"), json!({ "mode": "period_end" }), "CancelSubscriptionRequest"),
        ("POST", format!("/v1/invoices/{}/payments", w.invoice), json!({ "amount": 1, "reference": "R" }), "RecordPaymentRequest"),
        ("POST", customer("balance/adjustments"), json!({ "currency": "USD", "amount": 1 }), "AdjustBalanceRequest"),
        ("POST", format!("/v1/invoices/{}/credit-notes", w.invoice), json!({ "amount": 1, "reason": "other" }), "CreateCreditNoteRequest"),
        ("POST", "/v1/invoices".to_owned(), json!({ "customerId": w.customer, "currency": "USD", "items": [{ "description": "W", "unitAmount": 500 }] }), "CreateInvoiceRequest"),
        ("POST", "/v1/invoice-items".to_owned(), json!({ "customerId": w.customer, "description": "W", "unitAmount": 500 }), "CreateInvoiceItemRequest"),
        ("POST", customer("payment-methods"), json!({ "processorToken": "pm_sandbox_visa" }), "AddPaymentMethodRequest"),
        ("POST", customer("top-ups"), package, "TopUpRequest"),
        ("PUT", customer(&format!("auto-topup-rules/{}", w.currency)), rule, "AutoTopUpRequest"),
        ("POST", format!("/v1/credit-accounts/{}/grants", w.wallet), json!({ "amount": 1 }), "GrantCreditsRequest"),
        ("POST", "/v1/sandbox/forms/confirm".to_owned(), json!({ "clientSecret": w.form, "outcome": "succeed" }), "ConfirmFormRequest"),
        ("POST", "/v1/test-clock/advance".to_owned(), json!({ "to": "2030-01-01T00:00:00Z" }), "AdvanceTestClockRequest"),
    ]
}

/// Not JSON: 400.
fn malformed() -> Vec<Vec<u8>> {
    let texts = [
        "",
        " ",
        "{",
        "}",
        "{\"name\"",
        "{\"name\":",
        "{\"name\":\"a\"",
        "{\"name\":\"a\",}",
        "{,}",
        "{} {}",
        "{}x",
        "{}\0",
        "nul",
        "{'name':'a'}",
        "{name:1}",
        "{\"name\":01}",
        "{\"name\":+1}",
        "{\"name\":.5}",
        "{\"name\":1.}",
        "{\"name\":NaN}",
        "{\"name\":-Infinity}",
        "{\"name\":0x10}",
        "{\"name\":undefined}",
        "{/**/}",
        "{}//",
        "\u{feff}{}",
        "{\"name\":\"a\nb\"}",
        "{\"name\":\"\\x\"}",
        "{\"name\":\"\\u12\"}",
        "{\"name\":\"\\ud800\"}",
        "{\"name\":\"\\udc00\"}",
        "{\"name\":\"\\ud800\\ud800\"}",
        "{\"\\ud800\":1}",
        "name=a&email=b",
        "{\u{a0}}",
        "[1,]",
        "\"a",
        "--",
    ];
    let mut bodies: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    bodies.push(b"{\"name\":\"\xff\"}".to_vec());
    bodies.push(b"{\"name\":\"\xed\xa0\x80\"}".to_vec());
    bodies.push(b"{\"name\":\"\xc0\x80\"}".to_vec());
    bodies.push(b"{\"\xe9\":1}".to_vec());
    bodies.push("{}".encode_utf16().flat_map(u16::to_le_bytes).collect());
    bodies
}

/// JSON, but not accepted: 422.
fn invalid() -> Vec<String> {
    let nested =
        |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
    let objects = format!("{}1{}", "{\"a\":".repeat(33), "}".repeat(33));
    let mut bodies: Vec<String> = [
        "[]",
        "null",
        "true",
        "1",
        "\"{}\"",
        "[{}]",
        "[[\"name\",\"a\"]]",
        "{\"name\":\"a\",\"name\":\"a\"}",
        "{\"name\":\"a\",\"n\\u0061me\":\"a\"}",
        "{\"a\":{\"b\":1,\"b\":1}}",
        "{\"a\":[{\"b\":1,\"b\":2}]}",
        "{\"metadata\":{\"k\":\"a\",\"k\":\"a\"}}",
        "{\"name\":\"\\u0000\"}",
        "{\"\\u0000\":1}",
        "{\"a\":[{\"b\\u0000\":1}]}",
        "{\"metadata\":{\"k\":\"\\u0000\"}}",
        "{\"name\":1e999}",
        "{\"a\":-1e999}",
        "{\"unknown\":1}",
        "{\"Name\":\"a\"}",
        "{\"name \":\"a\"}",
        "{\"\":1}",
        "{\"__proto__\":{}}",
        "{\"a\":123456789012345678901234567890}",
    ]
    .map(str::to_owned)
    .to_vec();
    bodies.extend([
        nested(32),
        nested(33),
        objects,
        "[".repeat(30_000),
        format!("{{\"a\":{}", "[".repeat(30_000)),
    ]);
    bodies
}

on_both_stores! {
    async fn non_strict_json_is_refused_on_every_route(t) {
        let operations = operations(&t).await;
        let before = t.state().await;
        for (method, path, ..) in operations {
            let send = |body: Vec<u8>| t.call(Request::new(method, &path).key(&t.key).raw_json(body));
            for body in malformed() {
                let text = String::from_utf8_lossy(&body).into_owned();
                let answer = send(body).await;
                assert_eq!(answer.status, 400, "{path} {text}");
                answer.refused(400, "malformed_request");
            }
            for body in invalid() {
                let text = body[..body.len().min(60)].to_owned();
                let answer = send(body.into()).await;
                assert_eq!(answer.status, 422, "{path} {text}");
                answer.refused(422, "validation_failed");
            }
        }
        assert_eq!(t.state().await, before);
    }
}

#[tokio::test]
async fn body_is_refused_when_deeper_than_32_levels() {
    let t = Test::start(crate::support::Engine::Sqlite).await;
    let arrays = |depth: usize| ("[".repeat(depth - 1), "]".repeat(depth - 1));
    let objects = |depth: usize| ("{\"a\":".repeat(depth - 2) + "{}", "}".repeat(depth - 2));
    let of_depth = [(arrays(32), "a"), (arrays(33), ""), (objects(32), "a"), (objects(33), "")];
    for ((start, end), param) in of_depth {
        let body = format!("{{\"a\":{start}{end}}}");
        let request = Request::new("POST", "/v1/portal-sessions/introspect").key(&t.key);
        let refused = t.call(request.raw_json(body)).await.refused(422, "validation_failed");
        let errors = refused.json()["errors"].as_array().unwrap().clone();
        assert!(errors.iter().any(|error| error["param"] == param), "{start}: {errors:?}");
    }
}

on_both_stores! {
    async fn value_of_undescribed_type_is_refused_by_name(t) {
        let operations = operations(&t).await;
        let before = t.state().await;
        let described = serde_json::to_value(unitpay::testing::routes::openapi()).unwrap();
        for (method, path, good, schema) in operations {
            let schema = &described["components"]["schemas"][schema];
            for (name, field) in schema["properties"].as_object().unwrap() {
                let types = types(&described, field);
                for (kind, value) in [
                    ("string", json!("60")), ("string", json!("true")), ("number", json!(60.0)), ("number", json!(1.5)), ("integer", json!(60)),
                    ("boolean", json!(true)), ("array", json!([])), ("array", json!(["a"])), ("object", json!({})), ("null", Value::Null),
                ] {
                    if types.iter().any(|known| known == kind || (known == "number" && kind == "integer")) {
                        continue;
                    }
                    let mut body = good.clone();
                    body.as_object_mut().unwrap().insert(name.clone(), value.clone());
                    let answer = t.call(Request::new(method, &path).key(&t.key).json(&body)).await;
                    assert_eq!(answer.status, 422, "{path}: {name}: {value}");
                    let errors = answer.refused(422, "validation_failed").json()["errors"].clone();
                    let named = errors.as_array().unwrap().iter().any(|error| error["param"] == name.as_str());
                    assert!(named || name == "customerId" || name == "jti", "{path}: {name}: {value}: {errors}");
                }
            }
        }
        assert_eq!(t.state().await, before);
    }

    async fn seconds_are_refused_unless_integers_within_bounds(t) {
        t.customer("one").await;
        let before = t.state().await;
        for (name, least) in [("ttlSeconds", 60), ("maxLifetimeSeconds", 3_600)] {
            for wrong in [
                "\"60\"", "60.0", "6e1", "6E1", "3600.0", "3.6e3", "3600.5", "-3600", "-0", "0", "1", "86401", "9223372036854775807",
                "9223372036854775808", "18446744073709551616", "-9223372036854775809", "1e5", "true", "null", "[3600]", "{}", "\"\"",
                &(least - 1).to_string(),
            ] {
                let body = format!("{{\"customerId\":\"one\",\"{name}\":{wrong}}}");
                let request = Request::new("POST", "/v1/portal-sessions").key(&t.key).raw_json(body);
                let refused = t.call(request).await.refused(422, "validation_failed").json();
                assert_eq!(refused["errors"][0]["param"], name, "{wrong}");
            }
        }
        // The absolute end is no earlier than the token's.
        let body = json!({ "customerId": "one", "ttlSeconds": 600, "maxLifetimeSeconds": 599 });
        t.mint(body).await.refused(422, "validation_failed");
        assert_eq!(t.state().await, before);
        for (ttl, longest) in [(60, 60), (86_400, 86_400), (60, 86_400)] {
            let body = json!({ "customerId": "one", "ttlSeconds": ttl, "maxLifetimeSeconds": longest });
            t.mint(body).await.expect(201);
        }
    }

    /// Per operation: 40 bodies of random bytes, 60 damaged valid ones, and 150 of random JSON.
    async fn random_bodies_are_answered_and_refusals_change_nothing(t) {
        let operations = operations(&t).await;
        let mut runner = TestRunner::deterministic();
        for (method, path, good, _) in operations {
            let good = good.to_string();
            let kinds = [
                (proptest::collection::vec(any::<u8>(), 0..200).boxed(), 40),
                (damage(good.into_bytes()).boxed(), 60),
                (object().prop_map(|value| value.to_string().into_bytes()).boxed(), 150),
            ];
            for (kind, count) in kinds {
                let mut before = t.state().await;
                for n in 0..count {
                    let body = kind.new_tree(&mut runner).unwrap().current();
                    let text = String::from_utf8_lossy(&body).into_owned();
                    let answer = t.call(Request::new(method, &path).key(&t.key).raw_json(body)).await;
                    assert!(well_answered(&answer), "{path} {text}: {answer:?}");
                    if answer.status < 300 {
                        before = t.state().await;
                    } else if n % 16 == 15 || n + 1 == count {
                        assert_eq!(t.state().await, before, "{path} {text}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn body_is_refused_above_64_kib() {
    let t = Test::start(crate::support::Engine::Sqlite).await;
    let operations = operations(&t).await;
    for (method, path, good, _) in operations {
        let mut body = good.to_string();
        body.extend(std::iter::repeat_n(' ', 65_536 - body.len()));
        let send = |body: &str| Request::new(method, &path).key(&t.key).raw_json(body);
        let fits = t.call(send(&body)).await;
        assert!(fits.status < 300, "{path}: {}", fits.status);
        body.push(' ');
        let before = t.state().await;
        t.call(send(&body)).await.refused(413, "payload_too_large");
        t.call(chunked(send(&body), 1_000)).await.refused(413, "payload_too_large");
        assert_eq!(t.state().await, before, "{path}");
    }
}

#[tokio::test]
async fn body_is_refused_unless_declared_json_in_utf8() {
    let t = Test::start(crate::support::Engine::Sqlite).await;
    let operations = operations(&t).await;
    let form = "application/x-www-form-urlencoded";
    for (method, path, good, schema) in operations {
        let send = |types: &[&str]| {
            let mut request = Request::new(method, &path).key(&t.key);
            request.body = good.to_string().into_bytes();
            types.iter().fold(request, |request, one| request.header("content-type", *one))
        };
        let before = t.state().await;
        for wrong in [
            "",
            "text/plain",
            "text/json",
            "application/jsonx",
            "application/problem+json",
            "application/json, text/plain",
            "application/json; charset=latin1",
            "application/json; charset=utf-16",
            "application/json; charset=utf-8; x=y",
            "application/json; x=y",
            "*/*",
            "multipart/form-data; boundary=x",
            "é",
        ] {
            t.call(send(&[wrong])).await.refused(415, "unsupported_media_type");
        }
        t.call(send(&[])).await.refused(415, "unsupported_media_type");
        let twice = send(&["application/json", "application/json"]);
        t.call(twice).await.refused(415, "unsupported_media_type");
        if schema != "IntrospectRequest" {
            t.call(send(&[form])).await.refused(415, "unsupported_media_type");
        }
        for encoding in ["gzip", "br", "deflate", "zstd", "x"] {
            let request = send(&["application/json"]).header("content-encoding", encoding);
            t.call(request).await.refused(415, "unsupported_media_type");
        }
        assert_eq!(t.state().await, before, "{path}");
        for right in [
            "application/json",
            "Application/JSON",
            "application/json;charset=utf-8",
            "application/json; charset=UTF-8",
            "application/json ; charset=\"utf-8\"",
        ] {
            let answer = t.call(send(&[right])).await;
            assert!(answer.status < 300, "{path} {right}: {}", answer.status);
        }
        let answer = t.call(chunked(send(&["application/json"]), 3)).await;
        assert!(answer.status < 300, "{path}: {}", answer.status);
    }
}

#[tokio::test]
async fn introspection_reads_forms_strictly() {
    let t = Test::start(crate::support::Engine::Sqlite).await;
    t.customer("one").await;
    let token = t.token("one").await;
    let send = |body: &str| {
        let mut request = Request::new("POST", "/v1/portal-sessions/introspect").key(&t.key);
        request.body = body.as_bytes().to_vec();
        t.call(request.header("content-type", "application/x-www-form-urlencoded"))
    };
    let by_json = post("/v1/portal-sessions/introspect", &json!({ "token": token })).key(&t.key);
    let by_json = t.call(by_json).await.expect(200).json();
    assert_eq!(by_json["active"], true);
    assert_eq!(send(&format!("token={token}")).await.expect(200).json(), by_json);
    let hinted = send(&format!("token_type_hint=access_token&token={token}")).await;
    assert_eq!(hinted.expect(200).json(), by_json);
    let repeated = format!("token={token}&token={token}");
    for wrong in [
        "",
        &repeated,
        "token=a&x=b",
        "token=%00",
        "token=a&token_type_hint=%00",
        "tok%65n=a&token=a",
    ] {
        send(wrong).await.refused(422, "validation_failed");
    }
    send(&"a".repeat(65_537)).await.refused(413, "payload_too_large");
}

/// Asserts a success, or a 4xx problem.
fn well_answered(answer: &Answer) -> bool {
    let refused = (400..500).contains(&answer.status)
        && answer.header("content-type") == Some("application/problem+json")
        && answer.json()["status"] == answer.status;
    answer.status < 300 || refused
}

fn chunked(request: Request, size: usize) -> Request {
    let mut body = Vec::new();
    for chunk in request.body.chunks(size) {
        body.extend(format!("{:x}\r\n", chunk.len()).bytes());
        body.extend(chunk);
        body.extend(b"\r\n");
    }
    body.extend(b"0\r\n\r\n");
    Request { body, ..request }.header("transfer-encoding", "chunked")
}

/// Returns the types in a field's schema, also behind references and alternatives.
fn types(described: &Value, field: &Value) -> Vec<String> {
    if let Some(named) = field["$ref"].as_str() {
        return types(described, described.pointer(named.trim_start_matches('#')).unwrap());
    }
    let any_of = field["oneOf"].as_array().into_iter().flatten();
    let mut known: Vec<String> = any_of.flat_map(|one| types(described, one)).collect();
    match &field["type"] {
        Value::Array(list) => known.extend(list.iter().map(|one| one.as_str().unwrap().to_owned())),
        one => known.extend(one.as_str().map(str::to_owned)),
    }
    assert!(!known.is_empty(), "{field}");
    known
}

/// A body with a few bytes changed, removed or inserted.
fn damage(good: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<proptest::sample::Index>(), any::<u8>(), 0..3);
    proptest::collection::vec(change, 1..4).prop_map(move |changes| {
        let mut body = good.clone();
        for (at, byte, kind) in changes {
            let at = at.index(body.len().max(1)).min(body.len().saturating_sub(1));
            match kind {
                _ if body.is_empty() => body.push(byte),
                0 => body[at] = byte,
                1 => drop(body.remove(at)),
                _ => body.insert(at, byte),
            }
        }
        body
    })
}

/// An object of known and other fields, with any values.
fn object() -> impl Strategy<Value = Value> {
    let described = serde_json::to_value(unitpay::testing::routes::openapi()).unwrap();
    let schemas = described["components"]["schemas"].as_object().unwrap();
    let requests = schemas.iter().filter(|(name, _)| name.ends_with("Request"));
    let names: BTreeSet<String> = requests
        .filter_map(|(_, schema)| schema["properties"].as_object())
        .flat_map(|properties| properties.keys().cloned())
        .collect();
    let names: Vec<String> = names.into_iter().collect();
    let name = prop_oneof![4 => proptest::sample::select(names), 1 => "\\PC{0,12}"];
    proptest::collection::vec((name, value()), 0..5)
        .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>()))
}

fn value() -> impl Strategy<Value = Value> {
    let plausible = proptest::sample::select(vec![
        json!("one"),
        json!("a@example.com"),
        json!(60),
        json!(3600),
        json!(true),
        json!(false),
        json!(["customer:read"]),
        json!(["https://app.example.com"]),
        json!({ "k": "v" }),
        json!("2031-01-01T00:00:00Z"),
        json!("ps_01kwgt3qt8f689ez1ekre217xw"),
        json!("cus_01kwgt3qt8f689ez1ekre217xw"),
        json!(["customers:read"]),
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        plausible.clone(),
    ];
    let any_value = leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((any::<String>(), inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    });
    prop_oneof![plausible, any_value]
}
