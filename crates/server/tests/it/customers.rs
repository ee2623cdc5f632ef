//! Customers: all of them for the backend, its own for a browser.

use crate::on_both_stores;
use crate::support::{Answer, Request, Test, get, patch, post};
use serde_json::{Value, json};

on_both_stores! {
    async fn created_customer_is_read_by_id_and_external_id(t) {
        let body = json!({
            "name": "Ada", "email": "ada@example.com", "externalId": "cus_123",
            "metadata": { "plan": "gold" },
        });
        let made = create(&t, &body).await.expect(201).json();
        let expected = json!({
            "id": made["id"], "externalId": "cus_123", "name": "Ada", "email": "ada@example.com",
            "status": "active", "metadata": { "plan": "gold" },
            "type": "company", "locale": null, "billingAddress": null, "taxIds": [], "taxStatus": "taxable", "taxRate": null,
            "defaultPaymentMethodId": null, "currency": null, "collectionMethod": "charge_automatically", "netDays": 30, "taxExemptReason": null, "poNumber": null, "notes": null,
            "createdAt": "2030-01-01T00:00:00.000Z", "updatedAt": "2030-01-01T00:00:00.000Z",
        });
        assert_eq!(made, expected);
        assert!(made["id"].as_str().unwrap().starts_with("cus_"));
        for id in ["cus_123", made["id"].as_str().unwrap()] {
            assert_eq!(read(&t, id).await.expect(200).json(), expected);
        }
    }

    async fn external_id_matches_exact_bytes(t) {
        let longest = "é".repeat(64);
        let odd = "a/b ?#%25é~'\"\\";
        let encoded = "a%2Fb%20%3F%23%2525%C3%A9~%27%22%5C";
        for (id, in_path) in [("A", "A"), ("a", "a"), (odd, encoded), ("..", "%2e%2e"), ("current", "current")] {
            let ours = t.customer(id).await;
            assert_eq!(read(&t, in_path).await.expect(200).text("id"), ours, "{id}");
            assert_eq!(t.mint(json!({ "customerId": id })).await.expect(201).text("customerId"), ours);
        }
        t.customer(&longest).await;
        for no_text in ["%C3", "a%00", "%ED%A0%80"] {
            read(&t, no_text).await.refused(400, "malformed_request");
        }
        read(&t, &"a".repeat(129)).await.refused(404, "customer_not_found");
    }

    async fn email_is_one_mailbox(t) {
        t.customer("known").await;
        for good in ["a@b.test", "a.b+c@sub.b.test", "ü@b.test", "o'neil@b.test"] {
            let new = json!({ "name": "A", "email": good });
            assert_eq!(create(&t, &new).await.expect(201).text("email"), good);
        }
        for bad in ["a@b.test,c@d.test", "<a@b>", "a@b@c", "A <a@b.test>", "a b@c.test", "a@b..test", ".a@b.test",
            "a@", "@b.test", "a@b.test.", "a@-b.test", "a@b test"] {
            param(create(&t, &json!({ "name": "A", "email": bad })).await, "email");
            param(change(&t, "known", json!({ "email": bad })).await, "email");
        }
    }

    // A proxy that decodes paths breaks an id with a slash in it. It does not touch a query.
    async fn external_id_in_the_query_finds_its_customer(t) {
        let odd = "a/b ?#%25é";
        let ours = t.customer(odd).await;
        t.customer("a").await;
        let query = "externalId=a%2Fb%20%3F%23%2525%C3%A9";
        let found = async |query: &str, key: &str| {
            let list = t.call(get(format!("/v1/customers?{query}")).key(key)).await.expect(200).json();
            list["data"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect::<Vec<Value>>()
        };
        assert_eq!(found(query, &t.key).await, [json!(ours)]);
        assert_eq!(found(&format!("{query}&status=active&limit=1"), &t.key).await, [json!(ours)]);
        for other in [&format!("{query}&status=archived"), "externalId=a%2Fb", &format!("externalId={ours}")] {
            assert_eq!(found(other, &t.key).await, [] as [Value; 0], "{other}");
        }
        let foreign = t.organization("other").await;
        let foreign = t.key_of(foreign, unitpay::testing::keys::KeyScopes::ALL).await;
        assert_eq!(found(query, &foreign).await, [] as [Value; 0]);
        param(t.call(get("/v1/customers?externalId=").key(&t.key)).await, "externalId");
    }

    async fn name_has_a_character_that_can_be_seen(t) {
        t.customer("known").await;
        for blank in [" ", "  ", "\u{a0}", "\u{3000}", "\u{200b}", "\u{200b}\u{200d} \u{feff}", "\u{2060}", "\u{3164}", "\u{ad}"] {
            param(create(&t, &json!({ "name": blank, "email": "a@b.test" })).await, "name");
            param(change(&t, "known", json!({ "name": blank })).await, "name");
            param(t.call(post("/v1/products", &json!({ "slug": "p", "name": blank })).key(&t.key)).await, "name");
            let branding = Request::new("PUT", "/v1/branding").json(&json!({ "legalName": blank }));
            param(t.call(branding.key(&t.key)).await, "legalName");
            param(t.call(post("/v1/api-keys", &json!({ "name": blank })).key(&t.key)).await, "name");
        }
        for name in ["न\u{94d}\u{200d}य", "A\u{200b}", "李", "."] {
            assert_eq!(change(&t, "known", json!({ "name": name })).await.expect(200).text("name"), name);
        }
    }

    async fn empty_lines_of_an_address_are_absent(t) {
        let address = json!({ "line1": "1 Main St", "line2": "", "city": "X", "state": "", "postalCode": "", "country": "SG" });
        let new = json!({ "name": "A", "email": "a@b.test", "billingAddress": address });
        let made = create(&t, &new).await.expect(201).json();
        for field in ["line2", "state", "postalCode"] {
            assert_eq!(made["billingAddress"][field], Value::Null, "{field}");
        }
        let mut empty = address;
        empty["line1"] = json!("");
        param(create(&t, &json!({ "name": "A", "email": "a@b.test", "billingAddress": empty })).await, "billingAddress.line1");
    }

    async fn external_id_is_refused_when_ours_or_out_of_bounds(t) {
        let ours = t.customer("known").await;
        let before = t.state().await;
        for wrong in [
            json!(ours), json!("cus_01kwgt3qt8f689ez1ekre217xw"), json!(""), json!("a".repeat(129)),
            json!("é".repeat(65)), json!("a\u{1}"), json!("a\nb"), json!("\u{85}"), json!(7),
            json!(true), json!(["a"]), json!({}),
        ] {
            let new = json!({ "name": "A", "email": "a@example.com", "externalId": wrong });
            param(create(&t, &new).await, "externalId");
            param(change(&t, "known", json!({ "externalId": wrong })).await, "externalId");
        }
        // `null` counts as an absent field only in a PATCH.
        let null = json!({ "name": "A", "email": "a@example.com", "externalId": null });
        param(create(&t, &null).await, "externalId");
        assert_eq!(t.state().await, before);
    }

    async fn external_id_is_unique_per_tenant(t) {
        t.customer("one").await;
        t.customer("two").await;
        let before = t.state().await;
        let twin = json!({ "name": "A", "email": "a@example.com", "externalId": "one" });
        create(&t, &twin).await.refused(409, "conflict");
        change(&t, "two", json!({ "externalId": "one", "name": "B" })).await.refused(409, "conflict");
        assert_eq!(t.state().await, before);
        let another = t.organization("another").await;
        for tenant in [another, t.live(t.tenant.organization_id).await] {
            let key = t.key_of(tenant, unitpay::testing::keys::KeyScopes::ALL).await;
            t.call(post("/v1/customers", &twin).key(&key)).await.expect(201);
        }
        // An archived slug is free again.
        change(&t, "one", json!({ "externalId": null })).await.expect(200);
        change(&t, "two", json!({ "externalId": "one" })).await.expect(200);
    }

    async fn concurrent_writes_assign_an_external_id_once(t) {
        let body = json!({ "name": "A", "email": "a@example.com", "externalId": "same" });
        let made = futures_util::future::join_all((0..8).map(|_| create(&t, &body))).await;
        assert_eq!(statuses(made), [201, 409, 409, 409, 409, 409, 409, 409]);
        let names: Vec<String> = (0..8).map(|n| format!("c{n}")).collect();
        for name in &names {
            t.customer(name).await;
        }
        let renamed = names.iter().map(|name| change(&t, name, json!({ "externalId": "wanted" })));
        let renamed = futures_util::future::join_all(renamed).await;
        assert_eq!(statuses(renamed), [200, 409, 409, 409, 409, 409, 409, 409]);
    }

    async fn patch_sets_given_fields_and_null_clears_optional_ones(t) {
        let id = t.customer("one").await;
        t.advance(60);
        let full = json!({ "name": "B", "email": "b@example.com", "externalId": "two", "metadata": { "k": "v" } });
        let changed = change(&t, "one", full).await.expect(200).json();
        assert_eq!(changed["id"], id.as_str());
        assert_eq!((&changed["name"], &changed["email"]), (&json!("B"), &json!("b@example.com")));
        assert_eq!((&changed["externalId"], &changed["metadata"]), (&json!("two"), &json!({ "k": "v" })));
        assert_eq!(changed["updatedAt"], "2030-01-01T00:01:00.000Z");
        assert_eq!(changed["createdAt"], "2030-01-01T00:00:00.000Z");
        read(&t, "one").await.refused(404, "customer_not_found");
        t.advance(60);
        for same in [json!({}), json!({ "name": "B" }), json!({ "metadata": { "k": "v" }, "externalId": "two" })] {
            let before = t.state().await;
            assert_eq!(change(&t, &id, same).await.expect(200).json(), changed);
            assert_eq!(t.state().await, before);
        }
        let metadata = json!({ "metadata": { "only": "this" } });
        let metadata = change(&t, &id, metadata).await.expect(200).json();
        assert_eq!(metadata["metadata"], json!({ "only": "this" }));
        let cleared = json!({ "externalId": null, "metadata": null });
        let cleared = change(&t, &id, cleared).await.expect(200).json();
        assert_eq!((&cleared["externalId"], &cleared["metadata"]), (&Value::Null, &json!({})));
        assert_eq!(cleared["name"], "B");
        let before = t.state().await;
        param(change(&t, &id, json!({ "name": null })).await, "name");
        param(change(&t, &id, json!({ "email": null })).await, "email");
        param(change(&t, &id, json!({ "id": id })).await, "id");
        param(change(&t, &id, json!({ "status": "archived" })).await, "status");
        assert_eq!(t.state().await, before);
        change(&t, "missing", json!({ "name": "B" })).await.refused(404, "customer_not_found");
    }

    async fn customer_errors_are_reported_all_at_once(t) {
        let before = t.state().await;
        let body = json!({ "email": "no", "metadata": { "k": 1 }, "externalId": 5, "status": "archived" });
        let refused = create(&t, &body).await.refused(422, "validation_failed").json();
        let errors = refused["errors"].as_array().unwrap();
        let mut params: Vec<&str> = errors.iter().map(|e| e["param"].as_str().unwrap()).collect();
        params.sort_unstable();
        assert_eq!(params, ["email", "externalId", "metadata", "name", "status"]);
        let many: serde_json::Map<_, _> = (0..21).map(|n| (n.to_string(), json!("v"))).collect();
        for metadata in [
            json!(many), json!({ "": "v" }), json!({ "k".repeat(41): "v" }), json!({ "k": "v".repeat(501) }),
            json!({ "k": null }), json!({ "k": {} }), json!([]), json!("k"), json!(null),
        ] {
            let body = json!({ "name": "A", "email": "a@example.com", "metadata": metadata });
            param(create(&t, &body).await, "metadata");
        }
        for email in ["", "a", "@b", "a@", "a b@c", "a@b\u{a0}c", "a@b\nc", &format!("{}@b", "a".repeat(253))] {
            param(create(&t, &json!({ "name": "A", "email": email })).await, "email");
        }
        for name in ["", &"n".repeat(201), "a\u{7}"] {
            param(create(&t, &json!({ "name": name, "email": "a@example.com" })).await, "name");
        }
        assert_eq!(t.state().await, before);
        let most: serde_json::Map<_, _> = (0..20).map(|n| (format!("{n:é>40}"), json!("é".repeat(500)))).collect();
        let body = json!({ "name": "n".repeat(200), "email": "a@b", "metadata": most });
        assert_eq!(create(&t, &body).await.expect(201).json()["metadata"], json!(most));
    }

    async fn browser_accesses_only_its_own_customer(t) {
        let id_of_own = t.customer("own").await;
        let other = t.customer("other").await;
        change(&t, "own", json!({ "metadata": { "note": "for the backend" } })).await.expect(200);
        let token = t.token("own").await;
        let as_browser = |request: Request| t.call(request.bearer(&token));
        for id in [id_of_own.as_str(), "own"] {
            let view = as_browser(get(format!("/v1/customers/{id}"))).await.expect(200).json();
            assert_eq!(view["id"], id_of_own.as_str());
            assert_eq!(view.get("metadata"), None);
        }
        let current = t.read(&token).await.expect(200).json();
        assert_eq!(current["customer"].get("metadata"), None);
        let path = format!("/v1/customers/{id_of_own}");
        let renamed = json!({ "name": "New", "email": "new@example.com" });
        let renamed = as_browser(patch(&path, &renamed)).await.expect(200).json();
        assert_eq!((&renamed["name"], &renamed["email"]), (&json!("New"), &json!("new@example.com")));
        assert_eq!(renamed.get("metadata"), None);
        let before = t.state().await;
        for body in [json!({ "externalId": "x" }), json!({ "externalId": null }), json!({ "metadata": {} })] {
            let name = body.as_object().unwrap().keys().next().unwrap().clone();
            param(as_browser(patch(&path, &body)).await, &name);
        }
        for id in [other.as_str(), "other", "missing", "cus_01kwgt3qt8f689ez1ekre217xw"] {
            let path = format!("/v1/customers/{id}");
            as_browser(get(&path)).await.refused(404, "customer_not_found");
            as_browser(patch(&path, &json!({ "name": "X" }))).await.refused(404, "customer_not_found");
        }
        assert_eq!(t.state().await, before);
        let kept = read(&t, "own").await.json();
        assert_eq!(kept["metadata"], json!({ "note": "for the backend" }));
    }

    async fn foreign_customer_looks_like_a_missing_one(t) {
        let theirs = t.customer("theirs").await;
        let minted = t.mint(json!({ "customerId": "theirs" })).await.expect(201);
        let (sid, token) = (minted.text("jti"), minted.text("token"));
        let key = t.call(post("/v1/api-keys", &json!({ "name": "K" })).key(&t.key)).await.text("id");
        let another = t.organization("another").await;
        let before = t.state().await;
        for tenant in [another, t.live(t.tenant.organization_id).await] {
            let foreign = t.key_of(tenant, unitpay::testing::keys::KeyScopes::ALL).await;
            let mine = t.call(post("/v1/customers", &json!({ "name": "M", "email": "m@example.com" })).key(&foreign)).await.text("id");
            let missing_key = unitpay::testing::base::ApiKeyId::from_u128(7).to_string();
            let requests = |cus: &str, sid: &str, key: &str| vec![
                get(format!("/v1/customers/{cus}")),
                patch(format!("/v1/customers/{cus}"), &json!({ "name": "X" })),
                post(format!("/v1/customers/{cus}/archive"), &json!({})),
                post(format!("/v1/customers/{cus}/unarchive"), &json!({})),
                post(format!("/v1/customers/{cus}/erase"), &json!({})),
                post("/v1/portal-sessions", &json!({ "customerId": cus, "invalidateExisting": true })),
                post("/v1/portal-sessions/revoke", &json!({ "customerId": cus })),
                get(format!("/v1/portal-sessions?customerId={cus}")),
                get(format!("/v1/audit-events?customerId={cus}")),
                get(format!("/v1/portal-sessions/{sid}")),
                post("/v1/portal-sessions/revoke", &json!({ "jti": sid })),
                post(format!("/v1/api-keys/{key}/revoke"), &json!({ "revokeSessions": true })),
            ];
            let missing = requests("cus_01kwgt3qt8f689ez1ekre217xw", "ps_01kwgt3qt8f689ez1ekre217xw", &missing_key);
            let by_our_id = requests(&theirs, &sid, &key);
            let by_theirs = requests("theirs", &sid, &key);
            let upper = requests(&theirs.to_uppercase(), &sid.to_uppercase(), &key.to_uppercase());
            for ((missing, ours), (external, upper)) in missing.into_iter().zip(by_our_id).zip(by_theirs.into_iter().zip(upper)) {
                let (what, is_jti) = (format!("{} {}", missing.method, missing.path), missing.body.starts_with(b"{\"jti"));
                let expected = bare(&t.call(missing.key(&foreign)).await);
                for request in [ours, external, upper] {
                    let answer = t.call(request.key(&foreign)).await;
                    // In upper case it is not an id. A body reports that, a path does not.
                    if !(is_jti && answer.status == 422) {
                        assert_eq!(bare(&answer), expected, "{what}");
                    }
                }
            }
            let introspected = t.call(post("/v1/portal-sessions/introspect", &json!({ "token": token })).key(&foreign)).await;
            assert_eq!(introspected.expect(200).body, br#"{"active":false}"#);
            assert_eq!(t.call(get(format!("/v1/customers/{mine}")).key(&foreign)).await.expect(200).text("name"), "M");
        }
        assert_eq!(t.state().await, before);
        t.read(&token).await.expect(200);
    }

    async fn archiving_ends_every_session_permanently(t) {
        t.customer("one").await;
        let tokens = [t.token("one").await, t.token("one").await];
        let archive = || t.call(post("/v1/customers/one/archive", &json!({})).key(&t.key));
        t.advance(60);
        let archived = archive().await.expect(200).json();
        assert_eq!((&archived["status"], &archived["updatedAt"]), (&json!("archived"), &json!("2030-01-01T00:01:00.000Z")));
        for token in &tokens {
            t.read(token).await.refused(401, "customer_archived");
            t.refresh(token).await.refused(401, "customer_archived");
        }
        t.mint(json!({ "customerId": "one" })).await.refused(409, "customer_archived");
        t.revoke(json!({ "customerId": "one" })).await.expect(204);
        t.advance(60);
        let before = t.state().await;
        assert_eq!(archive().await.expect(200).json(), archived);
        assert_eq!(t.state().await, before);
        let unarchive = || t.call(post("/v1/customers/one/unarchive", &json!({})).key(&t.key));
        let back = unarchive().await.expect(200).json();
        assert_eq!(back["status"], "active");
        t.advance(60);
        assert_eq!(unarchive().await.expect(200).json(), back);
        for token in &tokens {
            t.read(token).await.refused(401, "session_revoked");
        }
        let fresh = t.token("one").await;
        t.read(&fresh).await.expect(200);
    }
}

async fn create(t: &Test, body: &Value) -> Answer {
    t.call(post("/v1/customers", body).key(&t.key)).await
}

async fn read(t: &Test, id: &str) -> Answer {
    t.call(get(format!("/v1/customers/{id}")).key(&t.key)).await
}

async fn change(t: &Test, id: &str, body: Value) -> Answer {
    t.call(patch(format!("/v1/customers/{id}"), &body).key(&t.key)).await
}

/// Asserts a refusal for this parameter only.
#[track_caller]
fn param(answer: Answer, name: &str) {
    let body = answer.refused(422, "validation_failed").json();
    let params: Vec<&Value> =
        body["errors"].as_array().unwrap().iter().map(|error| &error["param"]).collect();
    assert!(!params.is_empty() && params.iter().all(|param| *param == name), "{body}");
}

fn statuses(answers: Vec<Answer>) -> Vec<u16> {
    let mut statuses: Vec<u16> = answers.into_iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    statuses
}

/// The parts of a response that may be equal: without the request id.
fn bare(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let id = answer.header("x-request-id").unwrap();
    let body = String::from_utf8_lossy(&answer.body).replace(id, "");
    let is_stable = |name: &str| !["x-request-id", "date"].contains(&name);
    let headers = answer.headers.iter().filter(|(name, _)| is_stable(name)).cloned().collect();
    (answer.status, headers, body)
}
