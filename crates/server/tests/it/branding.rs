//! Branding: all of it for the backend, the public part for pages.

use crate::on_both_stores;
use crate::support::{Answer, Request, Test, get};
use serde_json::{Value, json};

on_both_stores! {
    async fn put_branding_replaces_it_and_pages_read_the_public_part(t) {
        t.customer("one").await;
        let (token, key) = (t.token("one").await, t.publishable_key_of(t.tenant).await);
        let nothing = t.call(get("/v1/branding").key(&t.key)).await.expect(200).json();
        assert_eq!(nothing, json!({
            "name": null, "logo": null, "accentColor": null, "radius": null, "supportEmail": null, "portalOrigins": [],
            "legalName": null, "address": null, "taxId": null, "taxRate": null, "invoiceFooter": null, "taxCurrency": null, "taxExchangeRates": [], "updatedAt": null,
        }));
        let mut whole = whole();
        let mut stored = put(&t, whole.clone()).await.expect(200).json();
        assert_eq!(stored, t.call(get("/v1/branding").key(&t.key)).await.expect(200).json());
        assert_eq!(stored["updatedAt"], "2030-01-01T00:00:00.000Z");
        let shown = json!({ "name": "Acme", "logo": whole["logo"], "accentColor": "#1a2b3c", "radius": 8, "supportEmail": "help@example.com" });
        assert_eq!(t.call(get("/v1/branding").bearer(&token)).await.expect(200).json(), shown);
        assert_eq!(t.call(get("/v1/branding").key(&key).header("origin", "https://a.example")).await.expect(200).json(), shown);
        // A branding that was read can be put again without a change.
        t.advance(60);
        stored.as_object_mut().unwrap().remove("updatedAt");
        let before = t.state().await;
        put(&t, stored).await.expect(200);
        assert_eq!(t.state().await, before);
        // Omitted fields are cleared.
        for name in ["logo", "taxRate", "portalOrigins"] {
            whole.as_object_mut().unwrap().remove(name);
        }
        let changed = put(&t, whole).await.expect(200).json();
        assert_eq!((&changed["logo"], &changed["taxRate"], &changed["portalOrigins"]), (&Value::Null, &Value::Null, &json!([])));
        assert_eq!((&changed["legalName"], &changed["updatedAt"]), (&json!("Acme GmbH"), &json!("2030-01-01T00:01:00.000Z")));
        // Each tenant has its own.
        let live = t.live(t.tenant.organization_id).await;
        let live = t.key_of(live, unitpay::testing::keys::KeyScopes::ALL).await;
        assert_eq!(t.call(get("/v1/branding").key(&live)).await.expect(200).json(), nothing);
    }

    async fn invalid_branding_fields_are_named_and_nothing_changes(t) {
        put(&t, whole()).await.expect(200);
        let before = t.state().await;
        let long = format!("data:image/png;base64,{}", "A".repeat(32_768));
        for (name, value, param) in [
            ("name", json!(""), "name"), ("name", json!("n".repeat(101)), "name"), ("logo", json!("https://example.com/logo.png"), "logo"), ("logo", json!(long), "logo"),
            ("accentColor", json!("red"), "accentColor"), ("accentColor", json!("#1A2B3C"), "accentColor"), ("accentColor", json!("#12345"), "accentColor"), ("accentColor", json!("1234567"), "accentColor"),
            ("radius", json!(33), "radius"), ("radius", json!("8"), "radius"), ("supportEmail", json!("help"), "supportEmail"),
            ("portalOrigins", json!(["https://app.example.com/"]), "portalOrigins"), ("portalOrigins", json!("https://a.example"), "portalOrigins"),
            ("address", json!({ "line1": "A", "city": "B" }), "address.country"), ("taxRate", json!({ "name": "VAT", "basisPoints": -1 }), "taxRate.basisPoints"),
            ("taxId", json!(1), "taxId"), ("invoiceFooter", json!("f".repeat(501)), "invoiceFooter"),
            ("taxCurrency", json!(null), "taxExchangeRates"), ("taxCurrency", json!("euro"), "taxCurrency"), ("taxExchangeRates", json!([{ "currency": "USD", "rate": "0" }]), "taxExchangeRates[0].rate"),
            ("taxExchangeRates", json!([{ "currency": "USD", "rate": "1" }, { "currency": "USD", "rate": "2" }]), "taxExchangeRates"), ("updatedAt", json!("2030-01-01T00:00:00.000Z"), "updatedAt"),
        ] {
            let mut body = whole();
            body[name] = value;
            let refused = put(&t, body).await.refused(422, "validation_failed").json();
            let params: Vec<&Value> = refused["errors"].as_array().unwrap().iter().map(|error| &error["param"]).collect();
            assert_eq!(params, [param]);
        }
        assert_eq!(t.state().await, before);
    }
}

fn whole() -> Value {
    json!({
        "name": "Acme", "logo": "data:image/png;base64,iVBORw0KGgo=", "accentColor": "#1a2b3c", "radius": 8, "supportEmail": "help@example.com",
        "portalOrigins": ["https://app.example.com"], "legalName": "Acme GmbH", "taxId": "ATU12345678",
        "address": { "line1": "Ring 1", "line2": "2", "city": "Wien", "state": null, "postalCode": "1010", "country": "AT" },
        "taxRate": { "name": "VAT", "basisPoints": 2000 }, "invoiceFooter": "Thanks.", "taxCurrency": "EUR", "taxExchangeRates": [{ "currency": "USD", "rate": "0.9213" }],
    })
}

async fn put(t: &Test, body: Value) -> Answer {
    t.call(Request::new("PUT", "/v1/branding").key(&t.key).json(&body)).await
}
