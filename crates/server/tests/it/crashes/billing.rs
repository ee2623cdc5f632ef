//! kill -9 during billing: a year falls due at once, and the process that bills it is killed
//! repeatedly. At the end, every period is invoiced and paid once.

use super::clock::Jumping;
use crate::support::{Engine, Program, check_books, event_with, get, post};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use unitpay::testing::db::{Sql, sql};

const CUSTOMERS: i64 = 30;
const RENEWALS: i64 = 12;
/// Each has bought its first period.
const INVOICES: i64 = CUSTOMERS * (1 + RENEWALS);
const KILLS: i64 = 8;
/// The maximum number of polls of a node: far more than a minute's worth.
const POLLS: usize = 200_000;
const YEAR: i64 = 366 * 86_400;

const TOTALS: Sql = sql("SELECT customer_no, COUNT(*), CAST(SUM(amount_paid) AS BIGINT) \
    FROM invoices WHERE status = 'paid' GROUP BY customer_no");
const BALANCES: Sql = sql("SELECT customer_no, balance FROM credit_accounts");
const CHARGES: Sql = sql("SELECT COUNT(*) FROM sandbox_intents \
    WHERE key IS NOT NULL AND status = 'succeeded'");

/// A backend that calls either node.
struct Backend {
    key: String,
}

impl Backend {
    /// Sells a plan of 2000 per month to all customers. It grants 100 credits, of which 30 roll
    /// over. Each customer uses 30 calls at 5.
    async fn sell(&self, node: &Program) {
        let make = |list, body| node.make(&self.key, list, body);
        let product = make("products", json!({ "slug": "main", "name": "Main" })).await;
        let metric = json!({ "productId": product, "eventName": "call", "name": "Calls", "aggregation": "sum" });
        let metric = make("billable-metrics", metric).await;
        let credits = json!({ "slug": "credits", "name": "Credits", "denomination": "unit" });
        let credits = make("credit-currencies", credits).await;
        let plan = json!({
            "productId": product, "slug": "pro", "name": "Pro", "status": "active", "billingInterval": "month", "currency": "USD",
            "charges": [
                { "type": "recurring", "amount": 2_000 },
                { "type": "usage", "metricId": metric, "includedUnits": "0", "tiers": [{ "upTo": null, "unitPrice": "5" }] },
            ],
            "grantRules": [{ "creditCurrencyId": credits, "amount": 100, "cadence": "period", "rolloverCap": 30 }],
        });
        let plan = make("plans", plan).await;
        let buy = |n: i64| {
            let (name, plan) = (format!("c{n}"), &plan);
            async move {
                let post = |path: &str, body| node.client.call(post(path, &body).key(&self.key));
                node.customer(&self.key, &name).await.expect(201);
                let card = format!("/v1/customers/{name}/payment-methods");
                post(&card, json!({ "processorToken": "pm_sandbox_visa" })).await.expect(201);
                let body = json!({ "customerId": name, "planId": plan });
                post("/v1/subscriptions", body).await.expect(200);
            }
        };
        stream::iter(0..CUSTOMERS).map(buy).buffer_unordered(8).collect::<Vec<()>>().await;
        let events = (0..CUSTOMERS)
            .map(|n| event_with(&format!("c{n}"), "call", "1", json!({ "quantity": 30 })));
        let body = json!({ "events": events.collect::<Vec<Value>>() });
        let tracked = node.client.call(post("/v1/usage/track", &body).key(&self.key)).await;
        assert_eq!(tracked.expect(200).json()["accepted"], CUSTOMERS);
    }

    /// Returns a lower bound of the number of issued invoices.
    async fn issued(&self, node: &Program) -> i64 {
        let list = node.client.call(get("/v1/invoices?limit=50").key(&self.key)).await.expect(200);
        let number = |invoice: &Value| {
            Some(invoice["invoiceNumber"].as_str()?.strip_prefix("INV-")?.parse().unwrap())
        };
        list.json()["data"].as_array().unwrap().iter().filter_map(number).max().unwrap_or(0)
    }

    /// Waits until this many invoices are issued, and returns their number.
    async fn wait_for(&self, node: &Program, invoices: i64) -> i64 {
        for _ in 0..POLLS {
            let issued = self.issued(node).await;
            if issued >= invoices {
                return issued;
            }
        }
        panic!("nobody bills any more");
    }

    /// Waits until all invoices are issued and paid.
    async fn wait_for_all(&self, node: &Program) {
        self.wait_for(node, INVOICES).await;
        for _ in 0..POLLS {
            let open = get("/v1/invoices?status=issued&limit=1").key(&self.key);
            if node.client.call(open).await.expect(200).json()["data"] == json!([]) {
                return;
            }
        }
        panic!("what was left under way is not taken up");
    }
}

/// Bills a year on this many nodes, killing one at a time. Each start comes a minute later, so that
/// interrupted work is continued.
async fn bill_a_year(engine: Engine, nodes: usize) {
    let jumping = Jumping::new(engine).await;
    let mut first = jumping.serve();
    let backend = Backend { key: jumping.place.key() };
    backend.sell(&first).await;
    first.kill();
    let mut now = YEAR;
    jumping.jump(now);
    let mut serving: Vec<Program> = (0..nodes).map(|_| jumping.serve()).collect();
    let (mut issued, mut cut) = (CUSTOMERS, 0);
    for kill in 0..KILLS {
        let which = kill as usize % nodes;
        // A different number each time.
        issued = backend.wait_for(&serving[which], INVOICES.min(issued + 1 + 3 * kill)).await;
        serving[which].kill();
        cut += i64::from(issued < INVOICES);
        now += 61;
        jumping.jump(now);
        serving[which] = jumping.serve();
    }
    assert!(cut > 1, "it was done before it could be killed");
    backend.wait_for_all(&serving[0]).await;
    for mut node in serving {
        assert!(node.terminate());
    }
    let db = jumping.place.open();
    check_books(&db, "after it was killed").await;
    let mut tx = db.read().await.unwrap();
    let read = tx.all(&TOTALS, &[], |row| {
        Ok((row.take::<i64>()?, (row.take::<i64>()?, row.take::<i64>()?)))
    });
    let totals: BTreeMap<i64, (i64, i64)> = read.await.unwrap().into_iter().collect();
    assert_eq!(totals.len() as i64, CUSTOMERS);
    assert!(
        totals.values().all(|total| *total == (1 + RENEWALS, 2_000 * (1 + RENEWALS) + 150)),
        "{totals:?}"
    );
    let balances =
        tx.all(&BALANCES, &[], |row| Ok((row.take::<i64>()?, row.take::<i64>()?))).await.unwrap();
    assert!(
        balances.len() as i64 == CUSTOMERS && balances.iter().all(|(_, balance)| *balance == 130),
        "{balances:?}"
    );
    assert_eq!(tx.one(&CHARGES, &[], |row| row.take::<i64>()).await.unwrap(), Some(INVOICES));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn year_is_billed_once_when_the_program_is_killed() {
    bill_a_year(Engine::Sqlite, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn year_is_billed_once_when_two_nodes_are_killed_in_turn() {
    bill_a_year(Engine::Postgres, 2).await;
}
