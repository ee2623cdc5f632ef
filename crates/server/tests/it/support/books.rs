//! The books of a whole installation: what must hold whatever happened, and wherever it was
//! interrupted.

use unitpay::db::{Db, Sql, sql};

/// Each of these queries must return nothing.
const WRONG: [(&str, Sql); 9] = [
    (
        "tenants whose invoice numbers have gaps",
        sql("SELECT COUNT(*) FROM (SELECT COUNT(*) AS many, MAX(number) AS last FROM invoices \
            WHERE number IS NOT NULL GROUP BY tenant_no) n WHERE many <> last"),
    ),
    (
        "periods that are invoiced twice",
        sql("SELECT COUNT(*) FROM (SELECT 1 AS twice FROM invoices \
            WHERE subscription_id IS NOT NULL AND reason IN ('create', 'renewal', 'usage') \
            GROUP BY subscription_id, reason, period_start HAVING COUNT(*) > 1) t"),
    ),
    (
        "issued invoices without a number, and drafts with one",
        sql("SELECT COUNT(*) FROM invoices WHERE (status = 'draft') <> (number IS NULL)"),
    ),
    (
        "invoices that are not paid by what came in for them",
        sql("SELECT COUNT(*) FROM invoices i WHERE amount_paid > total_amount \
            OR amount_paid <> (SELECT COALESCE(SUM(p.amount), 0) FROM payments p \
            WHERE p.tenant_no = i.tenant_no AND p.invoice_id = i.id)"),
    ),
    (
        "charges that were made twice",
        sql("SELECT COUNT(*) FROM (SELECT 1 AS twice FROM sandbox_intents \
            WHERE key IS NOT NULL AND status IN ('succeeded', 'refunded') \
            GROUP BY key HAVING COUNT(*) > 1) t"),
    ),
    (
        "charges that pay for nothing",
        sql("SELECT COUNT(*) FROM sandbox_intents s WHERE key IS NOT NULL \
            AND status = 'succeeded' AND NOT EXISTS \
            (SELECT 1 FROM payments p WHERE p.id = s.key AND p.amount = s.amount)"),
    ),
    (
        "card payments without a charge",
        sql("SELECT COUNT(*) FROM payments p WHERE brand IS NOT NULL AND NOT EXISTS \
            (SELECT 1 FROM sandbox_intents s WHERE s.key = p.id AND s.status = 'succeeded')"),
    ),
    (
        "drafts and attempts that nobody went on with",
        sql("SELECT (SELECT COUNT(*) FROM invoices WHERE status = 'draft') + \
            (SELECT COUNT(*) FROM payment_attempts \
            WHERE status IN ('pending', 'requires_form', 'refund_due'))"),
    ),
    (
        "wallets whose balance is not what is left of their grants, or not what their last entry says",
        sql("SELECT COUNT(*) FROM credit_accounts a WHERE a.balance <> \
            (SELECT COALESCE(SUM(g.remaining), 0) FROM credit_grants g \
            WHERE g.account_no = a.no AND g.is_open) OR a.balance <> \
            COALESCE((SELECT l.balance_after FROM credit_ledger l WHERE l.account_no = a.no \
            ORDER BY l.id DESC LIMIT 1), 0)"),
    ),
];

/// Checks the books of an idle store. `when` describes what was done to it.
pub async fn check_books(db: &Db, when: &str) {
    let mut tx = db.read().await.unwrap();
    for (what, count) in &WRONG {
        let found: Option<i64> = tx.one(count, &[], |row| row.take()).await.unwrap();
        assert_eq!(found, Some(0), "{what}, {when}");
    }
}
