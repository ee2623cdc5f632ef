//! A customer with one of each object that the requests name.

use crate::support::{Request, Test, get, patch, post};
use serde_json::json;
use unitpay::testing::jobs;

pub struct World {
    pub organization: String,
    pub customer: String,
    pub sid: String,
    pub token: String,
    pub code: String,
    /// A request for a code, the code, and the cookie of the browser that asked.
    pub login: String,
    pub login_code: String,
    pub login_cookie: String,
    pub api_key: String,
    pub product: String,
    /// The one that the customer has.
    pub plan: String,
    /// Of another product.
    pub offer: String,
    pub feature: String,
    pub metric: String,
    pub currency: String,
    pub package: String,
    pub coupon: String,
    pub promotion_code: String,
    pub payment_method: String,
    pub subscription: String,
    pub invoice: String,
    pub credit_note: String,
    /// The charge of the top-up.
    pub attempt: String,
    pub wallet: String,
    pub ledger_entry: String,
    pub form: String,
    pub endpoint: String,
    pub event: String,
    pub delivery: String,
    pub email: String,
    pub query_of_wallet: String,
    pub query_of_metric: String,
    pub query_of_days: String,
    pub query_of_login: String,
}

impl World {
    /// Ids of the right form that name nothing, without a server.
    pub fn named() -> Self {
        let id = |prefix: &str| format!("{prefix}_01kwgt3qt8f689ez1ekre217xv");
        Self {
            organization: id("org"),
            customer: id("cus"),
            sid: id("ps"),
            token: "token".to_owned(),
            code: "code".to_owned(),
            login: id("login"),
            login_code: "000000".to_owned(),
            login_cookie: String::new(),
            api_key: id("key"),
            product: id("prod"),
            plan: id("pln"),
            offer: id("pln"),
            feature: id("feat"),
            metric: id("met"),
            currency: id("cur"),
            package: id("pkg"),
            coupon: id("coup"),
            promotion_code: id("promo"),
            payment_method: id("pm"),
            subscription: id("sub"),
            invoice: id("inv"),
            credit_note: id("cn"),
            attempt: id("pay"),
            wallet: id("wal"),
            ledger_entry: id("led"),
            form: "form".to_owned(),
            endpoint: id("we"),
            event: id("evt"),
            delivery: id("whd"),
            email: id("eml"),
            query_of_wallet: String::new(),
            query_of_metric: String::new(),
            query_of_days: String::new(),
            query_of_login: String::new(),
        }
    }

    pub async fn make(t: &Test) -> Self {
        let email = format!("{}@example.com", t.app.ids.event());
        let body = json!({ "name": "A", "email": email });
        let customer = t.make("customers", body).await;
        let minted = t.mint(json!({ "customerId": customer })).await.expect(201);
        let key = t.make("api-keys", json!({ "name": "in the world" })).await;
        let (sid, token, url) = (minted.text("jti"), minted.text("token"), minted.text("url"));
        let code = url.split_once('#').unwrap().1.to_owned();
        // Slugs and ids are unique.
        let product = t.make("products", json!({ "slug": customer, "name": "P" })).await;
        let other =
            t.make("products", json!({ "slug": format!("{customer}-other"), "name": "O" })).await;
        let metric =
            json!({ "productId": product, "eventName": "call", "name": "M", "aggregation": "sum" });
        let metric = t.make("billable-metrics", metric).await;
        let feature =
            json!({ "productId": product, "slug": customer, "name": "F", "type": "boolean" });
        let feature = t.make("features", feature).await;
        let plan = json!({
            "productId": product, "slug": customer, "name": "P", "billingInterval": "month",
            "currency": "USD", "status": "active",
            "charges": [{ "type": "recurring", "amount": 1_000, "perUnit": true }],
            "entitlements": [{ "featureId": feature, "type": "boolean" }],
        });
        let offer = json!({
            "productId": other, "slug": format!("{customer}-offer"), "name": "O",
            "billingInterval": "month", "currency": "USD", "status": "active",
        });
        let (plan, offer) = (t.make("plans", plan).await, t.make("plans", offer).await);
        let currency = json!({ "slug": customer, "name": "C", "denomination": "unit" });
        let currency = t.make("credit-currencies", currency).await;
        let package = json!({
            "creditCurrencyId": currency, "name": "K", "credits": 1, "price": 1_000, "currency": "USD",
        });
        let package = t.make("credit-packages", package).await;
        let coupon = json!({ "name": "C", "percentOff": 10, "duration": "once" });
        let coupon = t.make("coupons", coupon).await;
        let promotion_code = json!({ "couponId": coupon, "code": customer });
        let promotion_code = t.make("promotion-codes", promotion_code).await;
        t.card(&customer, "pm_sandbox_visa").await;
        // Next to the default one.
        let payment_method = t.card(&customer, "pm_sandbox_mastercard").await;
        let bought =
            t.ask("subscriptions", json!({ "customerId": customer, "planId": plan })).await;
        let body = json!({ "creditCurrencyId": currency, "packageId": package });
        let topped_up = t.ask(&format!("customers/{customer}/top-ups"), body).await;
        let wallet = t.wallet(&customer).await;
        let ledger_entry = t.ledger(&wallet).await[0]["id"].as_str().unwrap().to_owned();
        let wallet = wallet["id"].as_str().unwrap().to_owned();
        let (login, login_code, login_cookie) = start_login(t, &email).await;
        let (endpoint, event, delivery) = find_delivery(t).await;
        let email = find_email(t, &customer).await;
        let credited = t.bill(&customer, 1_000).await;
        let note = json!({ "amount": 1, "reason": "other" });
        let path = format!("invoices/{credited}/credit-notes");
        Self {
            organization: t.tenant.organization_id.to_string(),
            credit_note: t.make(&path, note).await,
            invoice: t.bill(&customer, 1_000).await,
            attempt: topped_up["paymentAttemptId"].as_str().unwrap().to_owned(),
            form: t.set_up(&customer).await,
            subscription: bought["subscription"]["id"].as_str().unwrap().to_owned(),
            query_of_wallet: format!("creditAccountId={wallet}"),
            query_of_metric: format!("metricId={metric}&customerId={customer}"),
            query_of_days: format!("from=2030-01-01&to=2030-01-31&customerId={customer}"),
            query_of_login: format!(
                "organization={}&environment=sandbox",
                t.tenant.organization_id
            ),
            login,
            login_code,
            login_cookie,
            api_key: key,
            customer,
            sid,
            token,
            code,
            product,
            plan,
            offer,
            feature,
            metric,
            currency,
            package,
            coupon,
            promotion_code,
            payment_method,
            wallet,
            ledger_entry,
            endpoint,
            event,
            delivery,
            email,
        }
    }

    /// Objects that another tenant or customer must never see.
    pub fn ids(&self) -> [&str; 23] {
        [
            &self.customer,
            &self.sid,
            &self.api_key,
            &self.product,
            &self.plan,
            &self.offer,
            &self.feature,
            &self.metric,
            &self.currency,
            &self.package,
            &self.coupon,
            &self.promotion_code,
            &self.payment_method,
            &self.subscription,
            &self.invoice,
            &self.credit_note,
            &self.attempt,
            &self.wallet,
            &self.ledger_entry,
            &self.endpoint,
            &self.event,
            &self.delivery,
            &self.email,
        ]
    }
}

/// Asks for a code; returns what names nothing if e-mail is off.
async fn start_login(t: &Test, email: &str) -> (String, String, String) {
    let settings = Request::new("PUT", "/v1/login-settings").json(&json!({ "enabled": true }));
    t.call(settings.key(&t.key)).await.expect(200);
    let organization = t.tenant.organization_id.to_string();
    let body = json!({ "organization": organization, "environment": "sandbox", "email": email });
    let asked = t.call(post("/v1/logins", &body)).await;
    if asked.status != 201 {
        let World { login, login_code, login_cookie, .. } = World::named();
        return (login, login_code, login_cookie);
    }
    let id = asked.text("id");
    let code = t.app.codes.login_code(id.parse().unwrap()).reveal().to_owned();
    (id, code, asked.header("set-cookie").unwrap().split(';').next().unwrap().to_owned())
}

/// Returns the receipt of a customer; an id that names nothing if e-mail is off.
async fn find_email(t: &Test, customer: &str) -> String {
    let path = format!("/v1/emails?customerId={customer}");
    let list = t.call(get(path).key(&t.key)).await.expect(200).json();
    list["data"][0]["id"].as_str().map_or_else(|| World::named().email, str::to_owned)
}

/// Returns a webhook endpoint, an event and its delivery to the endpoint. An environment may have few
/// endpoints, so worlds share one.
async fn find_delivery(t: &Test) -> (String, String, String) {
    let first = async |path: &str| {
        let list = t.call(get(format!("/v1/{path}")).key(&t.key)).await.expect(200).json();
        list["data"][0].clone()
    };
    let id = |object: &serde_json::Value, name: &str| object[name].as_str().map(str::to_owned);
    let endpoint = match id(&first("webhook-endpoints").await, "id") {
        Some(endpoint) => endpoint,
        None => t.make("webhook-endpoints", json!({ "url": "https://hooks.example.com" })).await,
    };
    // A request before may have changed what it asks for.
    let all = patch(
        format!("/v1/webhook-endpoints/{endpoint}"),
        &json!({ "types": [], "enabled": true }),
    );
    t.call(all.key(&t.key)).await.expect(200);
    t.make("customers", json!({ "name": "T", "email": "t@example.com" })).await;
    jobs::publish(&t.app).await.unwrap();
    let delivery = first(&format!("webhook-endpoints/{endpoint}/deliveries")).await;
    (endpoint, id(&delivery, "eventId").unwrap(), id(&delivery, "id").unwrap())
}
