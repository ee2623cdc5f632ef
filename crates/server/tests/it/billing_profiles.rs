//! Billing profiles: who may set which field, and what is stored.

use crate::on_both_stores;
use crate::support::{Answer, Test, get, patch, post};
use serde_json::{Value, json};

on_both_stores! {
    async fn write_warns_of_characters_that_no_font_shows(t) {
        let body = json!({ "name": "บริษัท ไทย", "email": "a@example.com", "externalId": "thai" });
        let made = t.call(post("/v1/customers", &body).key(&t.key)).await.expect(201).json();
        assert_eq!(made["warnings"][0]["code"], "glyphs_missing");
        assert!(made["warnings"][0]["message"].as_str().unwrap().contains('ท'), "{made}");
        assert_eq!(read(&t, "thai").await["warnings"], Value::Null);
        let renamed = change(&t, "thai", json!({ "name": "Société Ελλάδα 上海" })).await.expect(200).json();
        assert_eq!(renamed["warnings"], Value::Null);
        let noted = change(&t, "thai", json!({ "notes": "🚀" })).await.expect(200).json();
        assert_eq!(noted["warnings"].as_array().unwrap().len(), 1);
    }

    async fn backend_sets_all_fields_and_null_clears_optional_ones(t) {
        t.customer("one").await;
        let all = json!({
            "type": "individual", "locale": "de-AT", "billingAddress": address(),
            "taxIds": [{ "type": "eu_vat", "value": "ATU12345678" }], "taxStatus": "reverse_charge",
            "taxRate": { "name": "USt", "basisPoints": 2000 }, "collectionMethod": "send_invoice", "netDays": 14,
            "taxExemptReason": "501(c)(3)", "poNumber": "PO-1", "notes": "Cost centre 4410",
        });
        t.advance(60);
        let changed = change(&t, "one", all.clone()).await.expect(200).json();
        for (name, value) in all.as_object().unwrap() {
            assert_eq!(&changed[name], value, "{name}");
        }
        assert_eq!(changed["updatedAt"], "2030-01-01T00:01:00.000Z");
        assert_eq!(read(&t, "one").await, changed);
        // Another change leaves it unchanged, and repeating it is a no-op.
        let before = t.state().await;
        assert_eq!(change(&t, "one", all.clone()).await.expect(200).json(), changed);
        assert_eq!(t.state().await, before);
        let renamed = change(&t, "one", json!({ "name": "B" })).await.expect(200).json();
        assert_eq!(renamed["billingAddress"], address());
        let cleared = json!({ "locale": null, "billingAddress": null, "taxRate": null, "taxIds": [], "taxExemptReason": null, "poNumber": null, "notes": null });
        let cleared = change(&t, "one", cleared).await.expect(200).json();
        for name in ["locale", "billingAddress", "taxRate", "taxExemptReason", "poNumber", "notes"] {
            assert_eq!(cleared[name], Value::Null, "{name}");
        }
        assert_eq!((&cleared["taxIds"], &cleared["netDays"]), (&json!([]), &json!(14)));
        let event = t.call(get("/v1/audit-events?limit=1").key(&t.key)).await.expect(200).json();
        assert_eq!(event["data"][0]["detail"], json!({ "changed": ["billingAddress", "locale", "notes", "poNumber", "taxExemptReason", "taxIds", "taxRate"] }));
        // A customer can be created with a profile, and lists return it.
        let mut whole = all;
        for (name, value) in [("name", "C"), ("email", "c@example.com"), ("externalId", "two")] {
            whole[name] = json!(value);
        }
        let made = t.call(post("/v1/customers", &whole).key(&t.key)).await.expect(201).json();
        assert_eq!(made["billingAddress"], address());
        let listed = t.call(get("/v1/customers").key(&t.key)).await.expect(200).json();
        assert_eq!(listed["data"], json!([made, cleared]));
    }

    async fn invalid_profile_fields_are_named_and_nothing_changes(t) {
        t.customer("one").await;
        let before = t.state().await;
        let with = |part: &str, value: Value| {
            let mut whole = address();
            whole[part] = value;
            json!({ "billingAddress": whole })
        };
        let without = |part: &str| {
            let mut whole = address();
            whole.as_object_mut().unwrap().remove(part);
            json!({ "billingAddress": whole })
        };
        for (body, param) in [
            (json!({ "type": "firm" }), "type"), (json!({ "type": null }), "type"), (json!({ "taxStatus": "none" }), "taxStatus"),
            (json!({ "locale": "d" }), "locale"), (json!({ "locale": "de_AT" }), "locale"), (json!({ "locale": "de-" }), "locale"), (json!({ "locale": "de-1" }), "locale"), (json!({ "locale": "1a" }), "locale"),
            (json!({ "billingAddress": "Vienna" }), "billingAddress"), (json!({ "billingAddress": [] }), "billingAddress"),
            (without("line1"), "billingAddress.line1"), (without("city"), "billingAddress.city"), (without("country"), "billingAddress.country"),
            (with("country", json!("at")), "billingAddress.country"), (with("country", json!("AUT")), "billingAddress.country"),
            (with("line1", json!("")), "billingAddress.line1"), (with("zip", json!("1")), "billingAddress.zip"), (with("city", json!(null)), "billingAddress.city"),
            (json!({ "taxIds": [{ "type": "eu_vat" }] }), "taxIds[0].value"), (json!({ "taxIds": [{ "type": "EU", "value": "1" }] }), "taxIds[0].type"),
            (json!({ "taxIds": vec![json!({ "type": "eu_vat", "value": "1" }); 6] }), "taxIds"), (json!({ "taxIds": null }), "taxIds"),
            (json!({ "taxRate": { "name": "VAT" } }), "taxRate.basisPoints"), (json!({ "taxRate": { "name": "VAT", "basisPoints": 10001 } }), "taxRate.basisPoints"),
            (json!({ "taxRate": { "name": "VAT", "basisPoints": 19.5 } }), "taxRate.basisPoints"), (json!({ "taxRate": { "name": "", "basisPoints": 1 } }), "taxRate.name"),
            (json!({ "collectionMethod": "manual" }), "collectionMethod"), (json!({ "netDays": -1 }), "netDays"), (json!({ "netDays": 366 }), "netDays"),
            (json!({ "currency": "USD" }), "currency"), (json!({ "defaultPaymentMethodId": null }), "defaultPaymentMethodId"),
        ] {
            param_is(change(&t, "one", body).await, param);
        }
        // `null` clears a field only in a PATCH.
        let new = json!({ "name": "B", "email": "b@example.com", "locale": null });
        param_is(t.call(post("/v1/customers", &new).key(&t.key)).await, "locale");
        assert_eq!(t.state().await, before);
    }

    async fn browser_changes_address_but_not_tax_or_terms(t) {
        t.customer("one").await;
        let token = t.token("one").await;
        let write = |body: Value| t.call(patch("/v1/customers/one", &body).bearer(&token));
        let profile = json!({ "name": "B", "email": "b@example.com", "locale": "fr", "billingAddress": address(), "taxIds": [{ "type": "eu_vat", "value": "1" }] });
        let changed = write(profile.clone()).await.expect(200).json();
        for (name, value) in profile.as_object().unwrap() {
            assert_eq!(&changed[name], value, "{name}");
        }
        assert_eq!(changed.get("metadata"), None);
        let session = t.read(&token).await.expect(200).json();
        assert_eq!(session["customer"], changed);
        let before = t.state().await;
        for (name, value) in [
            ("taxStatus", json!("exempt")), ("taxRate", json!(null)), ("taxRate", json!({ "name": "VAT", "basisPoints": 0 })), ("type", json!("individual")),
            ("collectionMethod", json!("send_invoice")), ("netDays", json!(365)), ("currency", json!("USD")), ("externalId", json!("x")), ("metadata", json!({})),
        ] {
            param_is(write(json!({ "name": "C", name: value })).await, name);
        }
        assert_eq!(t.state().await, before);
    }

    async fn customers_are_filtered_by_status(t) {
        let (one, two) = (t.customer("one").await, t.customer("two").await);
        t.set_archived("one", "archive").await.expect(200);
        let list = async |query: &str| {
            let page = t.call(get(format!("/v1/customers{query}")).key(&t.key)).await.expect(200).json();
            page["data"].as_array().unwrap().iter().map(|customer| customer["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(list("").await, [two.as_str(), &one]);
        assert_eq!(list("?status=active").await, [two]);
        assert_eq!(list("?status=archived").await, [one]);
        param_is(t.call(get("/v1/customers?status=gone").key(&t.key)).await, "status");
    }
}

fn address() -> Value {
    json!({
        "line1": "Ring 1", "line2": null, "city": "Wien", "state": null, "postalCode": "1010", "country": "AT",
    })
}

async fn change(t: &Test, id: &str, body: Value) -> Answer {
    t.call(patch(format!("/v1/customers/{id}"), &body).key(&t.key)).await
}

async fn read(t: &Test, id: &str) -> Value {
    t.call(get(format!("/v1/customers/{id}")).key(&t.key)).await.expect(200).json()
}

/// Asserts a refusal for this parameter only.
#[track_caller]
fn param_is(answer: Answer, name: &str) {
    let body = answer.refused(422, "validation_failed").json();
    let params: Vec<&Value> =
        body["errors"].as_array().unwrap().iter().map(|error| &error["param"]).collect();
    assert_eq!(params, [name], "{body}");
}
