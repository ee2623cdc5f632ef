//! A year of renewals on the test clock, audited: every invoice and every wallet is recomputed from
//! the API requests, by code independent of the engine's.

use crate::support::{Engine, Test, get, post};
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use jiff::Span;
use jiff::civil::{DateTime, date};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use unitpay::testing::db::{Sql, sql};

const PRICE: i64 = 2_900;
const TAX_POINTS: i64 = 1_900;
const DRIP: i64 = 10;
const MONTHS: usize = 12;

/// One in this many customers has a plan that grants credits.
const WITH_CREDITS: usize = 10;

struct Sold {
    id: String,
    joined: DateTime,
    quantity: i64,
    credits: bool,
}

/// A customer's usage in month `m`, and of the assistant.
fn calls(i: usize, m: usize) -> i64 {
    ((i * 37 + m * 101) % 1_400) as i64
}
fn answers(i: usize, m: usize) -> i64 {
    ((i / WITH_CREDITS * 5 + m * 3) % 14) as i64
}

fn joined_at(i: usize) -> DateTime {
    date(2030, 1, 1 + (i % 28) as i8).at(9, 0, 0, 0)
}
fn used_at(m: usize) -> DateTime {
    date(2030, 1 + m as i8, 28).at(12, 0, 0, 0)
}
fn end() -> DateTime {
    date(2031, 1, 30).at(0, 0, 0, 0)
}

fn text(at: DateTime) -> String {
    format!("{}.000Z", at.strftime("%Y-%m-%dT%H:%M:%S"))
}

/// Rounds half away from zero, from hundredths of a cent.
fn cents(hundredths: i64) -> i64 {
    (hundredths + 50) / 100
}

async fn advance(t: &Test, to: DateTime) {
    let body = json!({ "to": text(to) });
    let mut answer = t.call(post("/v1/test-clock/advance", &body).key(&t.key)).await;
    while answer.status == 202 {
        answer = t.call(post("/v1/test-clock/advance", &body).key(&t.key)).await;
    }
    assert_eq!(answer.expect(200).text("status"), "ready");
}

/// The plans, without and with credits.
async fn catalog(t: &Test) -> [String; 2] {
    let product = t.make("products", json!({ "slug": "p", "name": "P" })).await;
    let metric = |event: &str| json!({ "productId": product, "eventName": event, "name": event, "aggregation": "sum" });
    let calls = t.make("billable-metrics", metric("call")).await;
    let answers = t.make("billable-metrics", metric("answer")).await;
    let currency = json!({ "slug": "c", "name": "C", "denomination": "unit" });
    let currency = t.make("credit-currencies", currency).await;
    let feature = json!({ "productId": product, "slug": "answers", "name": "A", "type": "credit",
        "metricId": answers, "creditCurrencyId": currency, "creditCost": "1" });
    let feature = t.make("features", feature).await;
    let charges = json!([
        { "type": "recurring", "amount": PRICE, "perUnit": true },
        { "type": "usage", "metricId": calls, "includedUnits": "100", "tiers": [
            { "upTo": 500, "unitPrice": "0.75" }, { "upTo": null, "unitPrice": "0.5" }] },
    ]);
    let plan = |slug: &str, entitlements: Value, rules: Value| {
        t.make(
            "plans",
            json!({ "productId": product, "slug": slug, "name": slug, "status": "active",
            "billingInterval": "month", "currency": "USD", "charges": charges,
            "entitlements": entitlements, "grantRules": rules }),
        )
    };
    let drip = json!([{ "creditCurrencyId": currency, "amount": DRIP, "cadence": "day" }]);
    let entitled = json!([{ "featureId": feature, "type": "credit" }]);
    [plan("plain", json!([]), json!([])).await, plan("credits", entitled, drip).await]
}

async fn subscribe(t: &Test, i: usize, plans: &[String; 2]) -> Sold {
    let body = json!({ "name": format!("Customer {i}"), "email": "c@example.com" });
    let id = t.make("customers", body).await;
    let card = json!({ "processorToken": "pm_sandbox_visa" });
    t.call(post(format!("/v1/customers/{id}/payment-methods"), &card).key(&t.key))
        .await
        .expect(201);
    let (quantity, credits) = (1 + (i % 3) as i64, i.is_multiple_of(WITH_CREDITS));
    let body =
        json!({ "customerId": id, "planId": plans[usize::from(credits)], "quantity": quantity });
    let made = t.call(post("/v1/subscriptions", &body).key(&t.key)).await.expect(200);
    assert_eq!(made.text("kind"), "charged_inline");
    Sold { id, joined: joined_at(i), quantity, credits }
}

async fn track(t: &Test, m: usize, sold: &[Sold]) {
    let event = |i: usize, name: &str, quantity: i64| {
        json!({ "customerId": sold[i].id, "eventName": name, "quantity": quantity,
            "idempotencyKey": format!("{name} {m}") })
    };
    let mut events: Vec<Value> = (0..sold.len()).map(|i| event(i, "call", calls(i, m))).collect();
    let with_credits = (0..sold.len()).filter(|i| sold[*i].credits);
    events.extend(with_credits.map(|i| event(i, "answer", answers(i, m))));
    for batch in events.chunks(1_000) {
        let body = json!({ "events": batch });
        let answer = t.call(post("/v1/usage/track", &body).key(&t.key)).await.expect(200).json();
        for rejection in answer["rejections"].as_array().unwrap() {
            assert_eq!(rejection["reason"], "rejected_insufficient_credits", "{answer}");
        }
    }
}

/// The lines that a customer owes: type, start of the period, amount.
fn owed(i: usize, sold: &Sold) -> Vec<(String, String, i64)> {
    let boundary = |k: i64| sold.joined.checked_add(Span::new().months(k)).unwrap();
    let mut lines = Vec::new();
    for k in 0.. {
        let (start, close) = (boundary(k), boundary(k + 1));
        if start > end() {
            break;
        }
        lines.push(("recurring".to_owned(), text(start), PRICE * sold.quantity));
        if close > end() {
            break;
        }
        let in_it = |m: &usize| start <= used_at(*m) && used_at(*m) < close;
        let units: i64 = (0..MONTHS).filter(in_it).map(|m| calls(i, m)).sum();
        let beyond = (units - 100).max(0);
        let amount = cents(beyond.min(500) * 75 + (beyond - 500).max(0) * 50);
        // A month without a charge is shown next to the others.
        lines.push(("usage".to_owned(), text(start), amount));
    }
    lines.sort();
    lines
}

/// Returns the lines of all invoices of a customer, and checks each total.
async fn invoiced(
    t: &Test,
    customer: &str,
    numbers: &mut Vec<String>,
) -> Vec<(String, String, i64)> {
    let list =
        t.call(get(format!("/v1/invoices?customerId={customer}&limit=100")).key(&t.key)).await;
    let list = list.expect(200).json();
    assert_eq!(list["hasMore"], false);
    let ids: Vec<&str> =
        list["data"].as_array().unwrap().iter().map(|i| i["id"].as_str().unwrap()).collect();
    let whole =
        join_all(ids.iter().map(|id| t.call(get(format!("/v1/invoices/{id}")).key(&t.key)))).await;
    let mut lines = Vec::new();
    for invoice in whole {
        let invoice = invoice.expect(200).json();
        let number = |name: &str| invoice[name].as_i64().unwrap();
        let items = invoice["items"].as_array().unwrap();
        let subtotal: i64 = items.iter().map(|item| item["amount"].as_i64().unwrap()).sum();
        let tax = (subtotal * TAX_POINTS + 5_000) / 10_000;
        assert_eq!(number("subtotal"), subtotal, "{invoice}");
        assert_eq!(number("taxAmount"), tax, "{invoice}");
        assert_eq!(number("totalAmount"), subtotal + tax, "{invoice}");
        assert_eq!(number("amountPaid"), subtotal + tax, "{invoice}");
        assert_eq!(number("amountDue"), 0, "{invoice}");
        assert_eq!(invoice["status"], "paid", "{invoice}");
        let paid = invoice["payments"].as_array().unwrap();
        assert_eq!(paid.len(), 1, "{invoice}");
        assert_eq!(paid[0]["amount"].as_i64().unwrap(), subtotal + tax);
        numbers.push(invoice["invoiceNumber"].as_str().unwrap().to_owned());
        lines.extend(items.iter().map(|item| {
            let part = |name: &str| item[name].as_str().unwrap().to_owned();
            (part("type"), part("periodStart"), item["amount"].as_i64().unwrap())
        }));
    }
    lines.sort();
    lines
}

/// For each wallet: customer, balance, remaining open grants, balance of the last entry, and the
/// sums of its entries by type.
const WALLETS: Sql = sql("SELECT c.id, a.balance, \
     (SELECT CAST(COALESCE(SUM(g.remaining), 0) AS BIGINT) FROM credit_grants g WHERE g.account_no = a.no AND g.is_open), \
     (SELECT l.balance_after FROM credit_ledger l WHERE l.account_no = a.no ORDER BY l.id DESC LIMIT 1), \
     (SELECT CAST(COALESCE(SUM(l.amount), 0) AS BIGINT) FROM credit_ledger l WHERE l.account_no = a.no AND l.type = 'grant'), \
     (SELECT CAST(COALESCE(SUM(l.amount), 0) AS BIGINT) FROM credit_ledger l WHERE l.account_no = a.no AND l.type = 'deduction'), \
     (SELECT CAST(COALESCE(SUM(l.amount), 0) AS BIGINT) FROM credit_ledger l WHERE l.account_no = a.no AND l.type = 'expiry') \
     FROM credit_accounts a JOIN customers c ON c.no = a.customer_no");

async fn audit_wallets(t: &Test, sold: &[Sold]) {
    let mut reading = t.app.db.read().await.unwrap();
    let rows = reading.all(&WALLETS, &[], |row| {
        let customer: String = row.take()?;
        let numbers: [i64; 6] =
            [row.take()?, row.take()?, row.take()?, row.take()?, row.take()?, row.take()?];
        Ok((customer, numbers))
    });
    let wallets: BTreeMap<String, [i64; 6]> = rows.await.unwrap().into_iter().collect();
    assert_eq!(wallets.len(), sold.iter().filter(|sold| sold.credits).count());
    for (i, sold) in sold.iter().enumerate().filter(|(_, sold)| sold.credits) {
        let midnights = end().date().since(sold.joined.date()).unwrap().get_days();
        let granted = DRIP * (1 + i64::from(midnights));
        let spent: i64 = (0..MONTHS)
            .filter(|m| used_at(*m) >= sold.joined)
            .map(|m| answers(i, m))
            .filter(|units| *units <= DRIP)
            .sum();
        // Today's grant is complete: nothing was used since midnight.
        let expected = [DRIP, DRIP, DRIP, granted, -spent, DRIP + spent - granted];
        assert_eq!(wallets[&sold.id], expected, "customer {i}");
    }
}

async fn a_year(engine: Engine, customers: usize) {
    let t = Test::start(engine).await;
    let branding = json!({ "taxRate": { "name": "VAT", "basisPoints": TAX_POINTS } });
    t.call(crate::support::Request::new("PUT", "/v1/branding").json(&branding).key(&t.key))
        .await
        .expect(200);
    let plans = catalog(&t).await;
    let mut sold: Vec<Option<Sold>> = (0..customers).map(|_| None).collect();
    for day in 0..28.min(customers) {
        advance(&t, joined_at(day)).await;
        let of_today = (day..customers).step_by(28);
        let made = stream::iter(of_today.map(|i| {
            let (t, plans) = (&t, &plans);
            async move { (i, subscribe(t, i, plans).await) }
        }));
        for (i, one) in made.buffer_unordered(8).collect::<Vec<_>>().await {
            sold[i] = Some(one);
        }
    }
    let sold: Vec<Sold> = sold.into_iter().map(Option::unwrap).collect();
    for m in 0..MONTHS {
        advance(&t, used_at(m)).await;
        track(&t, m, &sold).await;
    }
    advance(&t, end()).await;
    let mut numbers = Vec::new();
    for (i, one) in sold.iter().enumerate() {
        assert_eq!(invoiced(&t, &one.id, &mut numbers).await, owed(i, one), "customer {i}");
    }
    numbers.sort();
    let gapless: Vec<String> = (1..=numbers.len()).map(|n| format!("INV-{n:06}")).collect();
    assert_eq!(numbers, gapless);
    audit_wallets(&t, &sold).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn year_of_1000_customers_balances_on_sqlite() {
    a_year(Engine::Sqlite, 1_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn year_of_200_customers_balances_on_postgres() {
    a_year(Engine::Postgres, 200).await;
}
