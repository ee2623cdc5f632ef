//! The demo company's history, seen and changed by each of its customers with a portal token, as a
//! browser does.

use super::life::Demo;
use crate::support::{Client, Engine, Place, Program, get, post};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use unitpay::testing::base::Clock;

/// A customer's browser.
struct Browser<'a> {
    client: &'a Client,
    token: String,
}

impl Browser<'_> {
    async fn read(&self, path: &str) -> Value {
        self.client.call(get(path).bearer(&self.token)).await.expect(200).json()
    }

    async fn list(&self, path: &str) -> Vec<Value> {
        self.read(path).await["data"].as_array().unwrap().clone()
    }

    async fn ask(&self, path: &str, body: Value) -> Value {
        self.client.call(post(path, &body).bearer(&self.token)).await.expect(200).json()
    }
}

#[tokio::test]
async fn demo_customers_have_history_and_working_actions() {
    let place = Place::new(Engine::Sqlite).await;
    let mut command = Program::bare(&["demo", "--listen", "127.0.0.1:0"]);
    // The demo sends no real mail, whatever the environment says.
    command.env("UNITPAY_EMAIL_SERVER", "smtp://mail.example");
    command.env("UNITPAY_EMAIL_SENDER", "billing@shop.example");
    command.env("UNITPAY_EMAIL_SANDBOX", "true");
    command.env("TMPDIR", &place.folder.0).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut demo = Demo(command.spawn().unwrap());
    let mut lines = BufReader::new(demo.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    lines.find(|line| line.starts_with("The e-mail to its customers is not sent.")).unwrap();
    let outbox = PathBuf::from(lines.next().unwrap());
    let mut value = |name: &str| {
        let line = lines.find(|line| line.starts_with(&format!("export {name}="))).unwrap();
        line.split_once('=').unwrap().1.to_owned()
    };
    let (key, base) = (value("UNITPAY_API_KEY"), value("UNITPAY_BASE_URL"));
    let address = base.strip_prefix("http://").unwrap().strip_suffix("/v1").unwrap();
    let client = Client::new(address.parse().unwrap());
    for (customer, status, upgrade) in [
        ("cus_123", "active", "scale-monthly"),
        ("acme", "active", "scale-yearly"),
        ("globex", "past_due", "pro-yearly"),
    ] {
        let body = json!({ "customerId": customer });
        let minted = client.call(post("/v1/portal-sessions", &body).key(&key)).await.expect(201);
        let browser = Browser { client: &client, token: minted.text("token") };
        let subscription = browser.list("/v1/subscriptions").await.remove(0);
        assert_eq!(subscription["status"], status, "{customer}");
        // There are no events before the customers existed.
        let customer_view = browser.read(&format!("/v1/customers/{customer}")).await;
        let instants = [&customer_view["createdAt"], &subscription["createdAt"]];
        let [made, subscribed] = instants.map(|instant| instant.as_str().unwrap());
        assert!(made <= subscribed, "{made} {subscribed}");
        sees_invoices(&browser).await;
        sees_a_ledger(&browser).await;
        sees_usage(&browser).await;
        if status == "past_due" {
            pays_what_is_overdue(&browser, &subscription).await;
        }
        upgrades(&browser, &subscription, upgrade).await;
        cancels_and_undoes(&browser, &subscription).await;
        tops_up(&browser).await;
    }
    let card = client.call(get("/v1/customers/acme/payment-methods").key(&key)).await;
    let cards = card.expect(200).json()["data"].as_array().unwrap().clone();
    let card = cards.iter().find(|card| card["isDefault"] == true).unwrap();
    let end = card["expYear"].as_i64().unwrap() * 12 + card["expMonth"].as_i64().unwrap();
    let (year, month) = (today(0)[..4].to_owned(), today(0)[5..7].to_owned());
    let left = end - year.parse::<i64>().unwrap() * 12 - month.parse::<i64>().unwrap();
    assert!((0..=1).contains(&left), "the card is not about to end: {card}");
    // The e-mail to the customers is written, not sent.
    let written = || {
        let files = fs::read_dir(&outbox).into_iter().flatten().flatten().map(|file| file.path());
        let texts = files.filter_map(|path| fs::read_to_string(path).ok());
        texts.filter(|text| text.contains("billing@shop.example")).count()
    };
    for _ in 0..600 {
        if written() > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no e-mail in {}", outbox.display());
}

async fn sees_invoices(browser: &Browser<'_>) {
    let invoices = browser.list("/v1/invoices?limit=100").await;
    assert!(invoices.len() >= 4, "{}", invoices.len());
    let numbers: HashSet<_> =
        invoices.iter().map(|invoice| invoice["invoiceNumber"].to_string()).collect();
    assert_eq!(numbers.len(), invoices.len());
    for invoice in &invoices {
        let id = invoice["id"].as_str().unwrap();
        let whole = browser.read(&format!("/v1/invoices/{id}")).await;
        let sum = |list: &str| -> i64 {
            whole[list].as_array().unwrap().iter().map(|one| one["amount"].as_i64().unwrap()).sum()
        };
        assert_eq!(whole["subtotal"], sum("items"));
        assert_eq!(whole["amountPaid"], sum("payments"));
        let pdf = get(format!("/v1/invoices/{id}/pdf")).bearer(&browser.token);
        let pdf = browser.client.call(pdf).await.expect(200);
        assert!(pdf.body.starts_with(b"%PDF"));
    }
}

async fn sees_a_ledger(browser: &Browser<'_>) {
    let wallet = browser.list("/v1/credit-accounts").await.remove(0);
    let (mut entries, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!(
            "/v1/credit-accounts/{}/ledger?limit=100{cursor}",
            wallet["id"].as_str().unwrap()
        );
        let page = browser.read(&path).await;
        entries.extend(page["data"].as_array().unwrap().clone());
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let kinds: HashSet<_> = entries.iter().map(|entry| entry["type"].as_str().unwrap()).collect();
    assert!(kinds.is_superset(&HashSet::from(["grant", "deduction", "expiry"])), "{kinds:?}");
    assert!(entries.len() > 200, "{}", entries.len());
    let remaining: i64 = wallet["grants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|grant| grant["remaining"].as_i64().unwrap())
        .sum();
    let amounts: i64 = entries.iter().map(|entry| entry["amount"].as_i64().unwrap()).sum();
    assert_eq!(
        (&wallet["balance"], &entries[0]["balanceAfter"]),
        (&json!(remaining), &json!(amounts))
    );
    assert_eq!(amounts, remaining);
}

async fn sees_usage(browser: &Browser<'_>) {
    let path = format!("/v1/usage/aggregate?from={}&to={}", today(-60), today(-1));
    let mut days: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for row in browser.list(&path).await {
        let total = row["total"].as_str().unwrap().parse().unwrap();
        days.entry(row["eventName"].as_str().unwrap().to_owned()).or_default().push(total);
    }
    let names: Vec<&str> = days.keys().map(String::as_str).collect();
    assert_eq!(names, ["ai_answer", "api_call", "report"]);
    let calls = &days["api_call"];
    assert!(calls.len() == 60 && calls.iter().all(|total| *total > 0), "{calls:?}");
    // Weekends and working days differ, and no two weeks are equal.
    let (least, most) = (calls.iter().min().unwrap(), calls.iter().max().unwrap());
    assert!(most > &(least * 2) && calls.iter().collect::<HashSet<_>>().len() > 50, "{calls:?}");
}

async fn pays_what_is_overdue(browser: &Browser<'_>, subscription: &Value) {
    let id = subscription["id"].as_str().unwrap();
    let change = post(format!("/v1/subscriptions/{id}/preview-change"), &json!({ "quantity": 2 }));
    browser.client.call(change.bearer(&browser.token)).await.refused(409, "invoice_unpaid");
    let invoice = browser.list("/v1/invoices?status=overdue").await.remove(0);
    let path = format!("/v1/invoices/{}/pay", invoice["id"].as_str().unwrap());
    let declined = browser.client.call(post(&path, &json!({})).bearer(&browser.token)).await;
    declined.refused(402, "payment_declined");
    let customer = browser.read("/v1/portal-sessions/current").await["customer"]["id"].clone();
    let add = format!("/v1/customers/{}/payment-methods", customer.as_str().unwrap());
    let body = json!({ "processorToken": "pm_sandbox_visa", "setDefault": true });
    browser.client.call(post(add, &body).bearer(&browser.token)).await.expect(201);
    let outcome = browser.ask(&path, json!({})).await;
    assert_eq!(
        (&outcome["kind"], &outcome["invoice"]["status"]),
        (&json!("charged_inline"), &json!("paid"))
    );
    let subscription = browser.read(&format!("/v1/subscriptions/{id}")).await;
    assert_eq!(subscription["status"], "active");
}

async fn upgrades(browser: &Browser<'_>, subscription: &Value, to: &str) {
    let product = subscription["productId"].as_str().unwrap();
    let pricing = browser.read(&format!("/v1/public/pricing/{product}")).await;
    let tiers = pricing["tiers"].as_array().unwrap();
    assert_eq!(
        tiers.iter().map(|tier| &tier["name"]).collect::<Vec<_>>(),
        ["Free", "Pro", "Scale"]
    );
    let plans = tiers.iter().flat_map(|tier| ["monthly", "yearly"].map(|interval| &tier[interval]));
    let plans: Vec<&Value> = plans.flat_map(|plans| plans.as_array().unwrap()).collect();
    assert_eq!(plans.len(), 6);
    let plan = plans.iter().find(|plan| plan["slug"] == to).unwrap();
    let path = format!("/v1/subscriptions/{}", subscription["id"].as_str().unwrap());
    let change = json!({ "planId": plan["id"] });
    let shown = browser.ask(&format!("{path}/preview-change"), change).await;
    assert!(shown["totalAmount"].as_i64().unwrap() > 0);
    let change = json!({ "planId": plan["id"], "prorationDate": shown["prorationDate"] });
    let outcome = browser.ask(&format!("{path}/change-plan"), change).await;
    assert_eq!(outcome["kind"], "charged_inline");
    assert_eq!(outcome["invoice"]["totalAmount"], shown["totalAmount"]);
    assert_eq!(browser.read(&path).await["planId"], plan["id"]);
}

async fn cancels_and_undoes(browser: &Browser<'_>, subscription: &Value) {
    let path = format!("/v1/subscriptions/{}", subscription["id"].as_str().unwrap());
    for (verb, canceled) in [("cancel", true), ("uncancel", false)] {
        let answer = browser.ask(&format!("{path}/{verb}"), json!({})).await;
        assert_eq!(answer["cancelAtPeriodEnd"], canceled);
    }
}

async fn tops_up(browser: &Browser<'_>) {
    let wallet = browser.list("/v1/credit-accounts").await.remove(0);
    let packages = browser.list("/v1/credit-packages").await;
    let package = packages.iter().find(|package| package["credits"] == 5_000).unwrap();
    let path = format!("/v1/customers/{}/top-ups", wallet["customerId"].as_str().unwrap());
    let body =
        json!({ "creditCurrencyId": wallet["creditCurrencyId"], "packageId": package["id"] });
    assert_eq!(browser.ask(&path, body).await["kind"], "charged_inline");
    let after = browser.list("/v1/credit-accounts").await.remove(0);
    let balance = |wallet: &Value| wallet["balance"].as_i64().unwrap();
    assert_eq!(balance(&after), balance(&wallet) + 5_000);
}

/// Today in UTC, plus this many days.
fn today(days: i64) -> String {
    let text = Clock::system().now().plus_days(days).to_string();
    text[..10].to_owned()
}
