//! Killed at any point: a node dies after each write in turn, the next run completes what it began,
//! and every period is invoiced and charged once.
//!
//! The store itself plays the death: a trigger on every table counts the rows that are written, and
//! from a given one on it refuses them all, in whatever transaction. What was committed before stays,
//! as it does when a process is killed.

use crate::on_both_stores;
use crate::support::{Engine, Test, event_with, flat, monthly, per_unit, post, told, with};
use serde_json::json;
use unitpay::db::{Lane, Sql, Tx, sql};
use unitpay::jobs;

const DAY: u64 = 86_400;
const TABLES: Sql = unitpay::db::sql_of_each(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name <> 'life'",
    "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = current_schema() AND tablename <> 'life'",
);
const LIFE: Sql = sql("CREATE TABLE life (rows_left BIGINT NOT NULL)");
const BEGIN: Sql = sql("INSERT INTO life VALUES (1000000000)");
/// Counts a row. A dead node does not put off either what it could not do.
const SPEND: Sql = unitpay::db::sql_of_each(
    "CREATE TRIGGER postpone_nothing BEFORE UPDATE OF next_due_at ON subscriptions \
     WHEN (SELECT rows_left < 1000000 FROM life) AND NEW.updated_at = OLD.updated_at \
     AND NEW.status = OLD.status AND NEW.plan_id = OLD.plan_id AND NEW.usage_period_end IS OLD.usage_period_end \
     AND NEW.dunning_next_at IS OLD.dunning_next_at \
     BEGIN SELECT RAISE(ABORT, 'the node is dead'); END",
    "CREATE FUNCTION spend_life() RETURNS trigger LANGUAGE plpgsql AS 'DECLARE living BIGINT; BEGIN \
     UPDATE life SET rows_left = rows_left - 1 RETURNING rows_left INTO living; \
     IF living < 0 THEN RAISE EXCEPTION ''the node is dead''; END IF; \
     IF living < 1000000 AND TG_OP = ''UPDATE'' AND TG_TABLE_NAME = ''subscriptions'' \
     AND to_jsonb(NEW) - ''next_due_at'' = to_jsonb(OLD) - ''next_due_at'' \
     THEN RAISE EXCEPTION ''the node is dead''; END IF; \
     RETURN COALESCE(NEW, OLD); END'",
);
const LIVE_FOR: Sql = sql("UPDATE life SET rows_left = CAST($1 AS BIGINT)");
const CHARGED: Sql = sql("SELECT COUNT(*) FROM sandbox_intents \
    WHERE key IS NOT NULL AND status = 'succeeded'");
const NUMBERED: Sql = sql("SELECT COUNT(*) FROM invoices WHERE number IS NOT NULL");
const LAST_NUMBER: Sql = sql("SELECT COALESCE(MAX(number), 0) FROM invoices");
const OPEN: Sql = sql("SELECT (SELECT COUNT(*) FROM invoices WHERE status = 'draft') + \
    (SELECT COUNT(*) FROM payment_attempts WHERE status IN ('pending', 'requires_form'))");
/// Wallets whose balance is not what is left of their grants, or not what their last entry says.
const UNBALANCED: Sql = sql("SELECT COUNT(*) FROM credit_accounts a WHERE a.balance <> \
    (SELECT COALESCE(SUM(g.remaining), 0) FROM credit_grants g WHERE g.account_no = a.no AND g.is_open) \
    OR a.balance <> (SELECT l.balance_after FROM credit_ledger l WHERE l.account_no = a.no \
    ORDER BY l.id DESC LIMIT 1)");

fn leaked(text: String) -> &'static Sql {
    Box::leak(Box::new(sql(Box::leak(text.into_boxed_str()))))
}

impl Test {
    async fn run(&self, statement: &'static Sql) {
        let run = self
            .app
            .db
            .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| tx.execute(statement, &[]).await);
        run.await.unwrap();
    }

    /// Has the store count what is written.
    async fn count_writes(&self) {
        let mut tx = self.app.db.read().await.unwrap();
        let tables: Vec<String> = tx.all(&TABLES, &[], |row| row.take()).await.unwrap();
        drop(tx);
        for statement in [&LIFE, &BEGIN, &SPEND] {
            self.run(statement).await;
        }
        for table in tables {
            for what in ["INSERT", "UPDATE", "DELETE"] {
                let head = format!(
                    "CREATE TRIGGER spend_{table}_{what} BEFORE {what} ON {table} FOR EACH ROW"
                );
                let body = match self.engine {
                    Engine::Sqlite => {
                        "BEGIN UPDATE life SET rows_left = rows_left - 1; \
                        SELECT RAISE(ABORT, 'the node is dead') FROM life WHERE rows_left < 0; END"
                    }
                    Engine::Postgres => "EXECUTE FUNCTION spend_life()",
                };
                self.run(leaked(format!("{head} {body}"))).await;
            }
        }
    }

    /// How many more rows the node writes before it dies.
    async fn live_for(&self, rows: i64) {
        let set = self.app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            tx.execute(&LIVE_FOR, &[rows.into()]).await
        });
        set.await.unwrap();
    }

    /// Does something, dies after so many rows of it, and is started again. Returns the state before
    /// that.
    async fn die_after<D>(
        &self,
        rows: i64,
        work: impl AsyncFnOnce(),
        state: impl AsyncFn() -> D,
    ) -> D {
        self.live_for(rows).await;
        work().await;
        let before = state().await;
        self.live_for(1_000_000_000).await;
        for seconds in [61, 3_600] {
            self.advance(seconds);
            self.bill_what_is_due().await;
        }
        before
    }
}

/// A plan that charges, measures and grants, and what its customers cost a period.
struct Full {
    plan: String,
    smaller: String,
    credits: String,
}

async fn full(t: &Test) -> Full {
    let product = t.main_product().await;
    let metric =
        json!({ "productId": product, "eventName": "call", "name": "Calls", "aggregation": "sum" });
    let metric = t.make("billable-metrics", metric).await;
    let credits = json!({ "slug": "credits", "name": "Credits", "denomination": "unit" });
    let credits = t.make("credit-currencies", credits).await;
    let plan = |slug: &str, amount: i64| {
        let charges = json!([
            { "type": "recurring", "amount": amount, "perUnit": true },
            { "type": "usage", "metricId": metric, "includedUnits": "0", "tiers": [{ "upTo": null, "unitPrice": "5" }] },
        ]);
        let rules = json!([{ "creditCurrencyId": credits, "amount": 100, "cadence": "period", "rolloverCap": 30 }]);
        t.plan(with(monthly(slug, charges), json!({ "grantRules": rules })))
    };
    let (plan, smaller) = (plan("full", 2_000).await, plan("smaller", 1_500).await);
    Full { plan, smaller, credits }
}

/// Renews a subscription that is paid by a card of this token and dies after so many rows. Tells
/// whether it died with the first transaction committed, and whether all was done.
async fn renew(
    t: &Test,
    full: &Full,
    token: &str,
    wanted: (&str, &str),
    rows: i64,
) -> (bool, bool) {
    let (alive, owed) = wanted;
    let name = format!("{token}-{rows}");
    let id = t.payer(&name).await;
    let subscription = t.buy(&name, &full.plan, 2).await;
    let card = t.card(&id, token).await;
    t.call(post(format!("/v1/payment-methods/{card}/default"), &json!({})).key(&t.key))
        .await
        .expect(200);
    let event = event_with(&name, "call", "1", json!({ "quantity": 30 }));
    assert_eq!(t.tracked(json!([event])).await, []);
    // At the end: usage, a smaller plan, and of 100 credits 30 go on.
    let body = json!({ "planId": full.smaller });
    assert_eq!(
        t.of_subscription(&subscription, "change-plan", body).await.expect(200).text("kind"),
        "deferred"
    );
    t.advance(31 * DAY);
    let before = (t.count(&CHARGED).await, t.count(&NUMBERED).await);
    let state = async || (t.subscription_of(&name).await, t.invoices_of(&name).await);
    // A charge whose answer is lost is taken up by the second round.
    let work = async || {
        for _ in 0..2 {
            drop(jobs::bill(&t.app).await);
            t.advance(61);
        }
    };
    let died = t.die_after(rows, work, state).await;
    let end = state().await;
    let (renewed, invoices) = &end;
    assert_eq!(
        told(invoices),
        [("create", "paid", 4_000), ("renewal", owed, 3_150)],
        "{token} after {rows} rows"
    );
    let paid = i64::from(owed == "paid");
    assert_eq!(
        invoices[1]["payments"].as_array().unwrap().len() as i64,
        paid,
        "{token} after {rows} rows"
    );
    assert_eq!(
        (t.count(&CHARGED).await, t.count(&NUMBERED).await),
        (before.0 + paid, before.1 + 1),
        "{token} after {rows} rows"
    );
    assert_eq!(
        (&renewed["planId"], &renewed["status"]),
        (&json!(full.smaller), &json!(alive)),
        "{token} after {rows} rows"
    );
    assert_eq!(renewed["currentBillingPeriodStart"], subscription["currentBillingPeriodEnd"]);
    assert_eq!(
        (t.balance(&name).await, t.wallet(&name).await["creditCurrencyId"].clone()),
        (130, json!(full.credits)),
        "{token} after {rows} rows"
    );
    check(t).await;
    t.of_subscription(renewed, "cancel", json!({ "mode": "now" })).await.expect(200);
    (died.1.len() == 2, died == end)
}

/// What must be so after any death: numbers without gaps, wallets that balance, nothing left over.
async fn check(t: &Test) {
    assert_eq!(t.count(&NUMBERED).await, t.count(&LAST_NUMBER).await);
    assert_eq!((t.count(&OPEN).await, t.count(&UNBALANCED).await), (0, 0));
}

on_both_stores! {
    async fn a_renewal_is_completed_by_the_next_run_whatever_the_last_one_wrote(t) {
        let full = full(&t).await;
        t.count_writes().await;
        // What comes before the charge is the same for all: it dies there once.
        let (mut committed_after, mut rows) = (None, 0);
        for (token, wanted) in [
            ("pm_sandbox_visa", ("active", "paid")), ("pm_sandbox_declined", ("past_due", "overdue")), ("pm_sandbox_timeout", ("active", "paid")),
        ] {
            rows = committed_after.unwrap_or(rows);
            loop {
                let (committed, done) = renew(&t, &full, token, wanted, rows).await;
                if committed && committed_after.is_none() {
                    committed_after = Some(rows);
                }
                if done {
                    break;
                }
                rows += 1;
            }
            let before = committed_after.unwrap();
            assert!(before > 10 && rows > before + 2, "{token}: {before} rows and then {rows}");
        }
    }

    async fn a_purchase_is_made_once_wherever_it_was_cut_off_when_it_is_asked_for_again(t) {
        let full = full(&t).await;
        t.count_writes().await;
        let mut rows = 0;
        loop {
            let name = format!("c{rows}");
            t.payer(&name).await;
            let body = json!({ "customerId": name, "planId": full.plan });
            let ask = || t.call(post("/v1/subscriptions", &body).key(&t.key).header("idempotency-key", &name));
            t.live_for(rows).await;
            let first = ask().await;
            t.live_for(1_000_000_000).await;
            let outcome = ask().await.expect(200).json();
            assert_eq!((&outcome["kind"], &outcome["subscription"]["status"]), (&json!("charged_inline"), &json!("active")), "after {rows} rows");
            assert_eq!(told(&t.invoices_of(&name).await), [("create", "paid", 2_000)], "after {rows} rows");
            assert_eq!((t.balance(&name).await, t.count(&CHARGED).await), (100, rows + 1), "after {rows} rows");
            check(&t).await;
            if first.status == 200 {
                break;
            }
            rows += 1;
        }
        assert!(rows > 15, "it wrote {rows} rows");
    }

    async fn a_change_of_plan_is_paid_for_and_made_once_wherever_it_was_cut_off(t) {
        let small = t.plan(monthly("small", flat(1_000))).await;
        let large = t.plan(monthly("large", per_unit(3_000))).await;
        t.count_writes().await;
        let mut rows = 0;
        loop {
            let name = format!("c{rows}");
            t.payer(&name).await;
            let subscription = t.buy(&name, &small, 1).await;
            let charged = t.count(&CHARGED).await;
            let body = json!({ "planId": large });
            let ask = async || t.of_subscription(&subscription, "change-plan", body.clone()).await;
            let state = async || (t.subscription_of(&name).await, t.invoices_of(&name).await);
            let died = t.die_after(rows, async || drop(ask().await), state).await;
            // Whoever asked has no key to ask again by: it was done, or nothing was.
            let end = state().await;
            let (now, invoices) = &end;
            let paid = i64::from(invoices.len() == 2);
            assert_eq!(t.count(&CHARGED).await, charged + paid, "after {rows} rows");
            assert_eq!(now["planId"], json!(if paid == 1 { &large } else { &small }), "after {rows} rows");
            check(&t).await;
            if died == end && paid == 1 {
                break;
            }
            rows += 1;
        }
        assert!(rows > 8, "it wrote {rows} rows");
    }
}
