//! Nodes that die at any point: after each row in turn that they write.
//!
//! The store simulates the death: a trigger on every table counts written rows and refuses those
//! beyond a limit, together with their transaction. Committed rows stay, as when a process is
//! killed.

use super::{Engine, Test, check_books};
use unitpay::testing::db::{Lane, Sql, Tx, sql, sql_of_each};
use unitpay::testing::jobs;
use unitpay::testing::organizations::Tenant;

const FOR_EVER: i64 = 1_000_000_000;

const TABLES: Sql = sql_of_each(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name <> 'life'",
    "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = current_schema() AND tablename <> 'life'",
);
const LIFE: Sql = sql("CREATE TABLE life (rows_left BIGINT NOT NULL)");
const BEGIN: Sql = sql("INSERT INTO life VALUES (1000000000)");
/// Counts a row. A dead node cannot postpone its failed item.
const SPEND: Sql = sql_of_each(
    "CREATE TRIGGER postpone_nothing BEFORE UPDATE OF next_due_at ON subscriptions \
     WHEN (SELECT rows_left < 1000000 FROM life) AND NEW.updated_at = OLD.updated_at \
     AND NEW.status = OLD.status AND NEW.plan_id = OLD.plan_id AND NEW.usage_period_end IS OLD.usage_period_end \
     AND NEW.dunning_failures = OLD.dunning_failures AND NEW.dunning_next_at IS OLD.dunning_next_at \
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
/// Returns everything of a customer in the store, without writing.
const STATE: Sql = sql("SELECT line FROM customers c JOIN ( \
    SELECT customer_no, 'subscription ' || id || ' ' || status || ' ' || plan_id || ' ' || \
    CAST(COALESCE(current_period_start, 0) AS TEXT) || ' ' || \
    CAST(COALESCE(usage_period_start, 0) AS TEXT) || ' ' || CAST(dunning_failures AS TEXT) || ' ' || \
    CAST(COALESCE(dunning_next_at, 0) AS TEXT) AS line FROM subscriptions \
    UNION ALL SELECT customer_no, 'invoice ' || id || ' ' || status || ' ' || CAST(amount_paid AS TEXT) \
    FROM invoices \
    UNION ALL SELECT customer_no, 'attempt ' || id || ' ' || status FROM payment_attempts \
    UNION ALL SELECT customer_no, 'event ' || id FROM usage_events \
    UNION ALL SELECT customer_no, 'balance ' || id FROM balance_entries \
    UNION ALL SELECT customer_no, 'note ' || id || ' ' || status FROM credit_notes \
    UNION ALL SELECT customer_no, 'refund ' || id || ' ' || status FROM refunds \
    UNION ALL SELECT customer_no, 'dispute ' || reference || ' ' || status || ' ' || CAST(reversed AS TEXT) FROM disputes \
    UNION ALL SELECT w.customer_no, 'entry ' || l.id FROM credit_ledger l \
    JOIN credit_accounts w ON w.no = l.account_no \
    ) r ON r.customer_no = c.no WHERE c.external_id = $1 ORDER BY line");

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

    /// Makes the store count rows written from now on.
    pub async fn count_writes(&self) {
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

    /// Makes the store refuse changes to subscriptions of this tenant.
    pub async fn refuse_subscriptions_of(&self, tenant: &Tenant) {
        let no = tenant.no;
        let trigger = "CREATE TRIGGER refused BEFORE UPDATE ON subscriptions FOR EACH ROW WHEN";
        let statements = match self.engine {
            Engine::Sqlite => vec![format!(
                "{trigger} OLD.tenant_no = {no} BEGIN SELECT RAISE(ABORT, 'refused'); END"
            )],
            Engine::Postgres => vec![
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
                 'BEGIN RAISE EXCEPTION ''refused''; END'"
                    .to_owned(),
                format!("{trigger} (OLD.tenant_no = {no}) EXECUTE FUNCTION refuse()"),
            ],
        };
        for statement in statements {
            self.run(leaked(statement)).await;
        }
    }

    async fn live_for(&self, rows: i64) {
        let set = self.app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            tx.execute(&LIVE_FOR, &[rows.into()]).await
        });
        set.await.unwrap();
    }

    /// Runs a work that dies after this many rows.
    pub async fn die_after(&self, rows: i64, work: impl AsyncFnOnce()) {
        self.live_for(rows).await;
        work().await;
        self.live_for(FOR_EVER).await;
    }

    /// Runs the node's jobs, which may die.
    pub async fn try_to_bill(&self) {
        drop(jobs::bill(&self.app).await);
    }

    /// Everything of a customer, one line per row.
    pub async fn state_of(&self, customer: &str) -> Vec<String> {
        let mut tx = self.app.db.read().await.unwrap();
        tx.all(&STATE, &[customer.into()], |row| row.take()).await.unwrap()
    }

    /// Runs a work repeatedly, each time for a prepared customer of its own, and dies after each
    /// row in turn until the work completes. After each death the work is started again, and the
    /// result must be as `expected`. If nothing was committed, the customer is unchanged and is
    /// used again.
    ///
    /// Returns the number of rows that the work writes.
    pub async fn die_after_each_row(
        &self,
        prepare: impl AsyncFn(&str),
        work: impl AsyncFn(&str),
        expected: impl AsyncFn(&str, i64),
    ) -> i64 {
        let mut rows = 0;
        loop {
            let name = format!("c{rows}");
            prepare(&name).await;
            let before = self.state_of(&name).await;
            let mut cut = before.clone();
            while cut == before {
                self.die_after(rows, async || work(&name).await).await;
                cut = self.state_of(&name).await;
                rows += 1;
                assert!(rows < 500, "nothing comes of it");
            }
            for seconds in [61, 3_600] {
                self.advance(seconds);
                work(&name).await;
                self.bill_what_is_due().await;
            }
            let end = self.state_of(&name).await;
            expected(&name, rows - 1).await;
            check_books(&self.app.db, &format!("after {} rows", rows - 1)).await;
            // Nothing falls due for it from here on.
            self.set_archived(&name, "archive").await.expect(200);
            if cut == end {
                return rows - 1;
            }
        }
    }
}
