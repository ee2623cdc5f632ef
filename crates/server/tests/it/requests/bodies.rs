//! Good bodies of every operation, with as many fields as go together. The first is the one that
//! the operations table has, where no richer one is given.

use crate::operations::{Row, World};
use serde_json::{Value, json};

/// The bodies of an operation that are changed field by field.
pub fn bodies(row: &Row, world: &World) -> Vec<Value> {
    let rich = match row.0 {
        "createPlan" | "updatePlan" => plans(world, row.0 == "createPlan"),
        "createPortalSession" => sessions(world),
        "createCustomer" | "updateCustomer" => vec![customer()],
        "putBranding" => vec![branding()],
        "createFeature" => features(world),
        "trackUsage" => events(world),
        _ => others(row, world),
    };
    match (rich.is_empty(), (row.3)(world)) {
        (true, Value::Null) => Vec::new(),
        (true, body) => vec![body],
        (false, _) => rich,
    }
}

fn others(row: &Row, w: &World) -> Vec<Value> {
    let metadata = json!({ "k": "v" });
    match row.0 {
        "createApiKey" => vec![json!({
            "name": "K", "scopes": ["customers:read"], "expiresAt": "2040-01-01T00:00:00Z",
        })],
        "createWebhookEndpoint" => vec![json!({
            "url": "https://hooks.example.com/new", "description": "D", "types": ["invoice.paid"],
        })],
        "updateWebhookEndpoint" => vec![json!({
            "url": "https://hooks.example.com/new", "description": "D", "types": ["invoice.paid"],
            "enabled": true,
        })],
        "revokeApiKey" => vec![json!({ "revokeSessions": false })],
        "createProduct" => vec![json!({
            "slug": w.sid, "name": "P", "description": "D", "metadata": metadata,
            "image": "data:image/png;base64,AAAA",
        })],
        "updateProduct" => vec![json!({
            "name": "Q", "description": "D", "metadata": metadata, "status": "active",
            "image": "data:image/png;base64,AAAA",
        })],
        "createBillableMetric" => vec![json!({
            "productId": w.product, "eventName": "e", "name": "M", "aggregation": "max",
            "property": "size", "metadata": metadata,
        })],
        "updateFeature" | "updateBillableMetric" => {
            vec![json!({ "name": "Q", "metadata": metadata })]
        }
        "createCreditCurrency" => vec![
            json!({
                "slug": w.sid, "name": "C", "denomination": "EUR", "minorUnitScale": 0,
                "topUpMin": 100, "topUpMax": 1000, "metadata": metadata,
            }),
            json!({ "slug": w.sid, "name": "C", "denomination": "unit", "topUpMin": 1 }),
        ],
        "updateCreditCurrency" => {
            vec![json!({ "name": "Q", "topUpMin": 100, "topUpMax": 1000, "metadata": metadata })]
        }
        "createCreditPackage" => vec![json!({
            "creditCurrencyId": w.currency, "name": "K", "credits": 1, "price": 100,
            "currency": "USD", "expiresAfterDays": 30, "metadata": metadata,
        })],
        "updateCreditPackage" => vec![json!({
            "name": "Q", "credits": 2, "price": 200, "expiresAfterDays": 30, "status": "active",
            "metadata": metadata,
        })],
        "checkCustomerEntitlement" => vec![
            json!({ "featureSlug": w.customer, "requestedUsage": "1.5" }),
            json!({ "featureSlug": w.customer, "requestedValues": ["a"] }),
        ],
        "checkEntitlement" => {
            vec![
                json!({ "customerId": w.customer, "featureSlug": w.customer, "requestedUsage": 2 }),
            ]
        }
        "createSubscription" | "previewSubscription" => vec![
            json!({ "customerId": w.customer, "planId": w.offer, "quantity": 2 }),
            json!({ "customerId": w.customer, "planId": w.offer, "metadata": metadata }),
            json!({
                "customerId": w.customer, "planId": w.offer, "prepaidUntil": "2030-01-20T00:00:00Z",
                "billingAnchor": "2029-08-20T00:00:00Z", "startAt": "2028-02-20T00:00:00Z",
            }),
        ],
        "previewSubscriptionChange" => vec![json!({ "planId": w.plan, "quantity": 3 })],
        "changePlan" => vec![json!({
            "planId": w.plan, "quantity": 3, "prorationDate": "2030-01-01T00:00:00Z",
        })],
        "cancelSubscription" => vec![json!({ "mode": "period_end", "reason": "R" })],
        "payInvoice" => vec![json!({ "paymentMethodId": w.payment_method })],
        "addPaymentMethod" => {
            vec![json!({ "processorToken": "pm_sandbox_mastercard", "setDefault": false })]
        }
        "topUpCredits" => vec![
            json!({ "creditCurrencyId": w.currency, "packageId": w.package, "quantity": 1 }),
            json!({ "creditCurrencyId": w.currency, "amount": 1_000 }),
        ],
        "setAutoTopUp" => vec![
            json!({
                "enabled": true, "mode": "package", "threshold": 1, "packageId": w.package,
                "quantity": 2, "maxPerMonth": 3,
            }),
            json!({ "enabled": false, "mode": "amount", "threshold": 1, "amount": 1_000 }),
        ],
        "recordInvoicePayment" => {
            vec![json!({ "amount": 1, "reference": "R", "excessToBalance": false })]
        }
        "createInvoice" => vec![json!({
            "customerId": w.customer, "currency": "USD", "dueInDays": 7, "autoCollect": false,
            "items": [{ "description": "W", "quantity": 2, "unitAmount": 500 }],
        })],
        "createInvoiceItem" => vec![json!({
            "customerId": w.customer, "currency": "USD", "description": "W", "quantity": 2,
            "unitAmount": 500,
        })],
        "adjustBalance" => vec![json!({ "currency": "USD", "amount": 5, "description": "D" })],
        "createCreditNote" | "previewCreditNote" => vec![
            json!({
                "amount": 5, "reason": "other", "refundAmount": 0, "creditAmount": 0,
                "outOfBandAmount": 0, "memo": "M",
            }),
            json!({ "lines": [{ "item": 0, "amount": 5 }], "reason": "duplicate" }),
        ],
        "grantCredits" => vec![json!({
            "amount": 1, "description": "D", "expiresAt": "2040-01-01T00:00:00Z",
        })],
        "introspectPortalToken" => {
            vec![json!({ "token": w.token, "token_type_hint": "access_token" })]
        }
        "revokePortalSessions" => {
            vec![json!({ "customerId": w.customer }), json!({ "jti": w.sid })]
        }
        "enterLogin" => vec![
            json!({ "id": w.login, "code": w.login_code }),
            json!({ "id": w.login, "customerId": w.customer }),
        ],
        "exchangePortalCode" | "sendPortalLink" => {
            vec![json!({ "code": w.code }), json!({ "sid": w.sid })]
        }
        _ => Vec::new(),
    }
}

fn customer() -> Value {
    json!({
        "name": "B", "email": "b@example.com", "externalId": "b", "type": "company",
        "locale": "de-AT", "taxStatus": "taxable", "collectionMethod": "send_invoice",
        "billingAddress": {
            "line1": "1", "line2": "2", "city": "C", "state": "S", "postalCode": "P",
            "country": "AT",
        },
        "taxIds": [{ "type": "eu_vat", "value": "ATU1" }],
        "taxRate": { "name": "VAT", "basisPoints": 2_000 }, "netDays": 14,
        "metadata": { "k": "v" },
    })
}

fn branding() -> Value {
    json!({
        "name": "B", "logo": "data:image/png;base64,AAAA", "accentColor": "#1a2b3c", "radius": 4,
        "supportEmail": "b@example.com", "portalOrigins": ["https://app.example.com"],
        "legalName": "L", "taxId": "T", "invoiceFooter": "F",
        "address": { "line1": "1", "city": "C", "country": "AT", "postalCode": null },
        "taxRate": { "name": "VAT", "basisPoints": 2_000 },
    })
}

fn sessions(w: &World) -> Vec<Value> {
    let flow = |flow: Value| json!({ "customerId": w.customer, "flow": flow });
    vec![
        json!({
            "customerId": w.customer, "ttlSeconds": 600, "maxLifetimeSeconds": 3_600,
            "scopes": ["customer:read"], "allowedOrigins": ["https://app.example.com"],
            "invalidateExisting": false, "metadata": { "k": "v" }, "locale": "de",
        }),
        json!({
            "customerId": w.customer, "readOnly": true, "returnUrl": "https://app.example.com/x",
            "flow": { "type": "change_plan", "subscriptionId": w.subscription, "planId": w.plan },
        }),
        flow(json!({ "type": "cancel", "subscriptionId": w.subscription })),
        flow(json!({ "type": "top_up", "creditCurrencyId": w.currency })),
        flow(json!({ "type": "pay_invoice", "invoiceId": w.invoice })),
        flow(json!({ "type": "billing_details" })),
    ]
}

fn features(w: &World) -> Vec<Value> {
    let feature = |rest: Value| {
        let mut body = json!({ "productId": w.product, "slug": w.sid, "name": "F" });
        body.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        body
    };
    vec![
        feature(json!({ "type": "metered", "metricId": w.metric, "metadata": { "k": "v" } })),
        feature(json!({
            "type": "credit", "metricId": w.metric, "creditCurrencyId": w.currency,
            "creditCost": "0.5",
        })),
        feature(json!({ "type": "boolean" })),
    ]
}

fn plans(w: &World, new: bool) -> Vec<Value> {
    let plan = |rest: Value| {
        let mut body = json!({ "name": "P" });
        let fixed = json!({
            "productId": w.product, "slug": w.sid, "billingInterval": "month", "currency": "USD",
        });
        if new {
            body.as_object_mut().unwrap().extend(fixed.as_object().unwrap().clone());
        }
        body.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        body
    };
    let tiers = json!([{ "upTo": 10, "unitPrice": "0.5" }, { "upTo": null, "unitPrice": "1" }]);
    vec![
        plan(json!({
            "description": "D", "tier": 1, "status": "draft", "isPublic": false, "trialDays": 7,
            "entitlements": [{ "featureId": w.feature, "type": "boolean" }],
            "grantRules": [{
                "creditCurrencyId": w.currency, "amount": 10, "cadence": "monthly",
                "rolloverCap": 5,
            }],
            "metadata": { "k": "v" },
        })),
        plan(json!({
            "charges": [
                { "type": "recurring", "amount": 1_000, "perUnit": true },
                {
                    "type": "usage", "metricId": w.metric, "includedUnits": "1.5",
                    "tiers": tiers,
                },
                { "type": "one_off", "amount": 500 },
            ],
        })),
        plan(json!({
            "entitlements": [
                { "featureId": w.feature, "type": "metered", "limit": 5 },
                { "featureId": w.feature, "type": "config", "value": "v" },
                { "featureId": w.feature, "type": "enum", "values": ["a", "b"] },
                { "featureId": w.feature, "type": "credit" },
            ],
        })),
    ]
}

fn events(w: &World) -> Vec<Value> {
    let event = json!({
        "customerId": w.customer, "eventName": "call", "idempotencyKey": "k", "quantity": "1.5",
        "properties": { "size": 1 }, "timestamp": "2030-01-01T00:00:00Z",
    });
    let small = json!({ "customerId": w.customer, "eventName": "call", "idempotencyKey": "n" });
    vec![event.clone(), json!({ "events": [event, small] })]
}
