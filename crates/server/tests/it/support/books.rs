//! The books of a whole installation: what must always hold, wherever it was
//! interrupted.

use unitpay::testing::db::{Db, Sql, sql};

/// Each of these queries must return nothing.
const WRONG: [(&str, Sql); 15] = [
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
        sql(
            "SELECT COUNT(*) FROM invoices i WHERE amount_paid + balance_applied + credited_due + amount_moved > total_amount \
            OR amount_paid <> (SELECT COALESCE(SUM(p.amount - p.reversed), 0) FROM payments p \
            WHERE p.tenant_no = i.tenant_no AND p.invoice_id = i.id)",
        ),
    ),
    (
        "balances that are not the sum of their entries, or not what the last entry says",
        sql("SELECT COUNT(*) FROM customer_balances b WHERE b.amount <> \
            (SELECT SUM(e.amount) FROM balance_entries e WHERE e.tenant_no = b.tenant_no \
            AND e.customer_no = b.customer_no AND e.currency = b.currency) OR b.amount <> \
            (SELECT e.balance_after FROM balance_entries e WHERE e.tenant_no = b.tenant_no \
            AND e.customer_no = b.customer_no AND e.id = b.last_entry_id)"),
    ),
    (
        "invoices that took another amount from the balance than its entries say",
        sql("SELECT COUNT(*) FROM (SELECT e.invoice_id, e.tenant_no, SUM(e.amount) AS given \
            FROM balance_entries e WHERE e.type IN ('applied', 'returned') \
            GROUP BY e.invoice_id, e.tenant_no) t LEFT JOIN invoices i \
            ON i.tenant_no = t.tenant_no AND i.id = t.invoice_id \
            WHERE COALESCE(i.balance_applied, 0) <> -given"),
    ),
    (
        "tenants whose credit note numbers have gaps",
        sql(
            "SELECT COUNT(*) FROM (SELECT COUNT(*) AS many, MAX(number) AS last FROM credit_notes \
            GROUP BY tenant_no) n WHERE many <> last",
        ),
    ),
    (
        "credit notes whose parts are not their total",
        sql("SELECT COUNT(*) FROM credit_notes WHERE total_amount <> subtotal + tax_amount \
            OR total_amount <> due_reduction + refund_amount + credit_amount + out_of_band_amount"),
    ),
    (
        "invoices that are credited otherwise than their credit notes say, or too much",
        sql(
            "SELECT COUNT(*) FROM invoices i WHERE credited_net > subtotal OR credited_tax > tax_amount \
            OR credited_net <> (SELECT COALESCE(SUM(n.subtotal), 0) FROM credit_notes n \
            WHERE n.tenant_no = i.tenant_no AND n.invoice_id = i.id AND n.status = 'issued') \
            OR credited_tax <> (SELECT COALESCE(SUM(n.tax_amount), 0) FROM credit_notes n \
            WHERE n.tenant_no = i.tenant_no AND n.invoice_id = i.id AND n.status = 'issued') \
            OR credited_due <> (SELECT COALESCE(SUM(n.due_reduction), 0) FROM credit_notes n \
            WHERE n.tenant_no = i.tenant_no AND n.invoice_id = i.id AND n.status = 'issued')",
        ),
    ),
    (
        "refunds that the processor did not make as they are recorded",
        sql("SELECT COUNT(*) FROM refunds r WHERE NOT EXISTS (SELECT 1 FROM sandbox_refunds s \
            WHERE s.tenant_no = r.tenant_no AND s.key = r.id AND s.amount = r.amount \
            AND s.status = r.status)"),
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
