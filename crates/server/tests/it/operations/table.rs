//! Every operation of the description, with its callers and its request.

use super::world::World;
use Access::{Catalog, Either, Form, Key, Login, Page, Portal, Public, Sandbox, Signed};
use Expect::{Passes, Refused};
use serde_json::{Value, json};

/// The callers of an operation, with the scopes that it needs. A portal-only operation needs none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Access {
    Key(&'static str),
    Portal,
    Either(&'static str, &'static str),
    /// A key with the scope, any token, a publishable key.
    Catalog,
    Public,
    /// The hosted page, by a code in the body; other pages are refused.
    Page,
    /// The hosted sign-in page; other pages are refused.
    Login,
    /// A key with the scope, or any token of the customer.
    Form(&'static str),
    /// A key with the scope, of a sandbox.
    Sandbox(&'static str),
    /// A processor, by its signature, which no caller here has.
    Signed,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expect {
    Passes,
    Refused(u16, &'static str),
}

/// An operation: its id, its callers, the object in its path or query, its body, the status on
/// success, and the response to another organization's key.
pub type Row = (&'static str, Access, fn(&World) -> &str, fn(&World) -> Value, u16, Expect);

fn none(_: &World) -> &str {
    ""
}
fn customer(world: &World) -> &str {
    &world.customer
}
fn no_body(_: &World) -> Value {
    Value::Null
}

pub const NOBODY: Expect = Refused(404, "customer_not_found");
pub const UNSIGNED: Expect = Refused(400, "malformed_request");
pub const NOTHING: Expect = Refused(404, "not_found");
const INVALID: Expect = Refused(422, "validation_failed");
const WRITE: Access = Key("catalog:write");
const SUBSCRIBE: Access = Either("subscriptions:write", "subscriptions:write");

#[rustfmt::skip]
pub const OPERATIONS: &[Row] = &[
    ("createPortalSession", Key("portal_sessions:write"), none, |w| json!({ "customerId": w.customer }), 201, NOBODY),
    ("listPortalSessions", Key("portal_sessions:read"), none, no_body, 200, Passes),
    ("getPortalSession", Key("portal_sessions:read"), |w| &w.sid, no_body, 200, NOTHING),
    ("revokePortalSessions", Key("portal_sessions:write"), none, |w| json!({ "customerId": w.customer }), 204, NOBODY),
    ("getLoginSettings", Key("portal_sessions:read"), none, no_body, 200, Passes),
    ("putLoginSettings", Key("portal_sessions:write"), none, |_| json!({ "enabled": true, "ttlSeconds": 900 }), 200, Passes),
    ("getBillingSettings", Key("subscriptions:read"), none, no_body, 200, Passes),
    ("putBillingSettings", Key("subscriptions:write"), none, |_| json!({ "afterLostDispute": "past_due" }), 200, Passes),
    ("getLoginPage", Login, |w| &w.query_of_login, no_body, 200, Passes),
    ("startLogin", Login, none, |w| json!({ "organization": w.organization, "environment": "sandbox", "email": format!("{}@example.com", w.sid) }), 201, Passes),
    ("enterLogin", Login, none, |w| json!({ "id": w.login, "code": w.login_code }), 200, Passes),
    ("sendPortalLink", Page, none, |w| json!({ "code": w.code }), 201, Passes),
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
    ("eraseCustomer", Key("customers:write"), customer, no_body, 200, NOBODY),
    ("createApiKey", Key("api_keys:write"), none, |_| json!({ "name": "K" }), 201, Passes),
    ("listApiKeys", Key("api_keys:read"), none, no_body, 200, Passes),
    ("revokeApiKey", Key("api_keys:write"), |w| &w.api_key, |_| json!({}), 200, NOTHING),
    ("listAuditEvents", Key("audit:read"), none, no_body, 200, Passes),
    ("listEvents", Key("webhooks:read"), none, no_body, 200, Passes),
    ("getEvent", Key("webhooks:read"), |w| &w.event, no_body, 200, NOTHING),
    ("createWebhookEndpoint", Key("webhooks:write"), none, |_| json!({ "url": "https://hooks.example.com/new" }), 201, Passes),
    ("listWebhookEndpoints", Key("webhooks:read"), none, no_body, 200, Passes),
    ("getWebhookEndpoint", Key("webhooks:read"), |w| &w.endpoint, no_body, 200, NOTHING),
    ("updateWebhookEndpoint", Key("webhooks:write"), |w| &w.endpoint, |_| json!({ "description": "D" }), 200, NOTHING),
    ("deleteWebhookEndpoint", Key("webhooks:write"), |w| &w.endpoint, no_body, 204, NOTHING),
    ("rotateWebhookSecret", Key("webhooks:write"), |w| &w.endpoint, no_body, 200, NOTHING),
    ("testWebhookEndpoint", Key("webhooks:write"), |w| &w.endpoint, no_body, 200, NOTHING),
    ("recoverWebhookEndpoint", Key("webhooks:write"), |w| &w.endpoint, |_| json!({ "since": "2030-01-01T00:00:00.000Z" }), 200, NOTHING),
    ("listWebhookDeliveries", Key("webhooks:read"), |w| &w.endpoint, no_body, 200, NOTHING),
    ("resendWebhookDelivery", Key("webhooks:write"), |w| &w.endpoint, no_body, 200, NOTHING),
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
    ("createCoupon", WRITE, none, |_| json!({ "name": "C", "percentOff": 10, "duration": "once" }), 201, Passes),
    ("listCoupons", Key("catalog:read"), none, no_body, 200, Passes),
    ("getCoupon", Key("catalog:read"), |w| &w.coupon, no_body, 200, NOTHING),
    ("updateCoupon", WRITE, |w| &w.coupon, |_| json!({ "name": "Q" }), 200, NOTHING),
    ("createPromotionCode", WRITE, none, |w| json!({ "couponId": w.coupon, "code": w.sid }), 201, INVALID),
    ("listPromotionCodes", Key("catalog:read"), none, no_body, 200, Passes),
    ("getPromotionCode", Key("catalog:read"), |w| &w.promotion_code, no_body, 200, NOTHING),
    ("updatePromotionCode", WRITE, |w| &w.promotion_code, |_| json!({ "active": false }), 200, NOTHING),
    ("getPricing", Catalog, |w| &w.product, no_body, 200, NOTHING),
    ("getBranding", Catalog, none, no_body, 200, Passes),
    ("putBranding", WRITE, none, |_| json!({ "name": "B" }), 200, Passes),
    ("listCustomerEntitlements", Either("customers:read", "customer:read"), customer, no_body, 200, NOBODY),
    ("checkCustomerEntitlement", Either("customers:read", "customer:read"), customer, |w| json!({ "featureSlug": w.customer }), 200, NOBODY),
    ("checkEntitlement", Either("customers:read", "customer:read"), none, |w| json!({ "customerId": w.customer, "featureSlug": w.customer }), 200, NOBODY),
    ("listSubscriptions", Either("subscriptions:read", "subscriptions:read"), none, no_body, 200, Passes),
    ("createSubscription", SUBSCRIBE, none, |w| json!({ "customerId": w.customer, "planId": w.offer }), 200, NOBODY),
    ("previewSubscription", SUBSCRIBE, none, |w| json!({ "customerId": w.customer, "planId": w.offer }), 200, NOBODY),
    ("getSubscription", Either("subscriptions:read", "subscriptions:read"), |w| &w.subscription, no_body, 200, NOTHING),
    ("getUpcomingInvoice", Either("subscriptions:read", "subscriptions:read"), |w| &w.subscription, no_body, 200, NOTHING),
    ("previewSubscriptionChange", SUBSCRIBE, |w| &w.subscription, |_| json!({ "quantity": 2 }), 200, NOTHING),
    ("changePlan", SUBSCRIBE, |w| &w.subscription, |_| json!({ "quantity": 2 }), 200, NOTHING),
    ("cancelSubscription", SUBSCRIBE, |w| &w.subscription, |_| json!({ "mode": "now" }), 200, NOTHING),
    ("uncancelSubscription", SUBSCRIBE, |w| &w.subscription, no_body, 200, NOTHING),
    ("putSubscriptionDiscount", Key("subscriptions:write"), |w| &w.subscription, |w| json!({ "couponId": w.coupon }), 200, NOTHING),
    ("deleteSubscriptionDiscount", Key("subscriptions:write"), |w| &w.subscription, no_body, 200, NOTHING),
    ("createInvoice", Key("invoices:write"), none, |w| json!({ "customerId": w.customer, "currency": "USD", "items": [{ "description": "W", "unitAmount": 500 }] }), 201, NOBODY),
    ("createInvoiceItem", Key("invoices:write"), none, |w| json!({ "customerId": w.customer, "description": "W", "unitAmount": 500 }), 201, NOBODY),
    ("listInvoices", Either("invoices:read", "invoices:read"), none, no_body, 200, Passes),
    ("listCustomerInvoices", Either("invoices:read", "invoices:read"), customer, no_body, 200, NOBODY),
    ("getInvoice", Either("invoices:read", "invoices:read"), |w| &w.invoice, no_body, 200, NOTHING),
    ("getInvoicePdf", Either("invoices:read", "invoices:read"), |w| &w.invoice, no_body, 200, NOTHING),
    ("payInvoice", Either("invoices:write", "invoices:pay"), |w| &w.invoice, |_| json!({}), 200, NOTHING),
    ("getPaymentAttempt", Form("invoices:read"), |w| &w.attempt, no_body, 200, NOTHING),
    ("recordInvoicePayment", Key("invoices:write"), |w| &w.invoice, |_| json!({ "amount": 1, "reference": "R" }), 201, NOTHING),
    ("voidInvoice", Key("invoices:write"), |w| &w.invoice, no_body, 200, NOTHING),
    ("getCustomerBalance", Either("invoices:read", "invoices:read"), customer, no_body, 200, NOBODY),
    ("listBalanceEntries", Either("invoices:read", "invoices:read"), customer, no_body, 200, NOBODY),
    ("adjustBalance", Key("invoices:write"), customer, |_| json!({ "currency": "USD", "amount": 1 }), 201, NOBODY),
    ("createCreditNote", Key("invoices:write"), |w| &w.invoice, |_| json!({ "amount": 1, "reason": "other" }), 201, NOTHING),
    ("previewCreditNote", Key("invoices:read"), |w| &w.invoice, |_| json!({ "amount": 1, "reason": "other" }), 200, NOTHING),
    ("listCreditNotes", Either("invoices:read", "invoices:read"), none, no_body, 200, Passes),
    ("getCreditNote", Either("invoices:read", "invoices:read"), |w| &w.credit_note, no_body, 200, NOTHING),
    ("getCreditNotePdf", Either("invoices:read", "invoices:read"), |w| &w.credit_note, no_body, 200, NOTHING),
    ("voidCreditNote", Key("invoices:write"), |w| &w.credit_note, no_body, 200, NOTHING),
    ("listPaymentMethods", Either("payment_methods:read", "payment_methods:read"), customer, no_body, 200, NOBODY),
    ("addPaymentMethod", Either("payment_methods:write", "payment_methods:write"), customer, |_| json!({ "processorToken": "pm_sandbox_mastercard" }), 201, NOBODY),
    ("setUpPaymentMethod", Either("payment_methods:write", "payment_methods:write"), customer, no_body, 200, NOBODY),
    ("setDefaultPaymentMethod", Either("payment_methods:write", "payment_methods:write"), |w| &w.payment_method, no_body, 200, NOTHING),
    ("getPaymentMethodDependencies", Either("payment_methods:read", "payment_methods:read"), |w| &w.payment_method, no_body, 200, NOTHING),
    ("removePaymentMethod", Either("payment_methods:write", "payment_methods:write"), |w| &w.payment_method, no_body, 204, NOTHING),
    ("listCreditAccounts", Either("credits:read", "credits:read"), none, no_body, 200, Passes),
    ("listCustomerCreditAccounts", Either("credits:read", "credits:read"), customer, no_body, 200, NOBODY),
    ("listLedgerEntries", Either("credits:read", "credits:read"), |w| &w.wallet, no_body, 200, NOTHING),
    ("listTopUps", Either("credits:read", "credits:read"), |w| &w.wallet, no_body, 200, NOTHING),
    ("getCreditStats", Either("credits:read", "credits:read"), |w| &w.query_of_wallet, no_body, 200, NOTHING),
    ("topUpCredits", Either("credits:write", "credits:write"), customer, |w| json!({ "creditCurrencyId": w.currency, "packageId": w.package }), 200, NOBODY),
    ("setAutoTopUp", Either("credits:write", "credits:write"), customer, |w| json!({ "enabled": true, "mode": "package", "threshold": 1, "packageId": w.package }), 200, NOBODY),
    ("grantCredits", Key("credits:write"), |w| &w.wallet, |_| json!({ "amount": 1 }), 201, NOTHING),
    ("refundCredits", Key("credits:write"), |w| &w.wallet, |w| json!({ "ledgerEntryId": w.ledger_entry }), 201, NOTHING),
    ("freezeCreditAccount", Key("credits:write"), |w| &w.wallet, no_body, 200, NOTHING),
    ("unfreezeCreditAccount", Key("credits:write"), |w| &w.wallet, no_body, 200, NOTHING),
    ("trackUsage", Key("usage:write"), none, |w| json!({ "customerId": w.customer, "eventName": "call", "idempotencyKey": "k" }), 200, Passes),
    ("getUsage", Either("usage:read", "usage:read"), |w| &w.query_of_metric, no_body, 200, NOBODY),
    ("aggregateUsage", Either("usage:read", "usage:read"), |w| &w.query_of_days, no_body, 200, NOBODY),
    ("listEmails", Key("emails:read"), none, no_body, 200, Passes),
    ("getEmailSettings", Key("emails:read"), none, no_body, 200, Passes),
    ("putEmailSettings", Key("emails:write"), none, |_| json!({ "disabledKinds": ["refund"] }), 200, Passes),
    ("resendEmail", Key("emails:write"), |w| &w.email, no_body, 201, NOTHING),
    ("getTestClock", Sandbox("subscriptions:read"), none, no_body, 200, Passes),
    ("advanceTestClock", Sandbox("subscriptions:write"), none, |_| json!({ "to": "2030-01-01T00:30:00.000Z" }), 200, Passes),
    ("confirmSandboxForm", Form("payment_methods:write"), none, |w| json!({ "clientSecret": w.form, "outcome": "succeed" }), 204, NOTHING),
    ("listProcessors", Key("payment_methods:read"), none, no_body, 200, Passes),
    ("receiveWebhook", Signed, |_| "sandbox", |_| json!({}), 204, UNSIGNED),
    ("jwks", Public, none, no_body, 200, Passes),
    ("health", Public, none, no_body, 200, Passes),
    ("readiness", Public, none, no_body, 200, Passes),
    ("openapi", Public, none, no_body, 200, Passes),
];
