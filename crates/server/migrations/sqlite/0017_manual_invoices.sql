-- Invoices that a backend writes: the list of reasons gets one more, for which SQLite needs a new table.
CREATE TABLE invoices_anew (
    tenant_no         INTEGER NOT NULL,
    customer_no       INTEGER NOT NULL,
    id                TEXT NOT NULL,
    subscription_id   TEXT,
    number            INTEGER,
    status            TEXT NOT NULL CHECK (status IN ('draft', 'issued', 'partially_paid', 'paid', 'overdue', 'void', 'uncollectible')),
    reason            TEXT NOT NULL CHECK (reason IN ('create', 'renewal', 'usage', 'change', 'top_up', 'manual')),
    collection_method TEXT NOT NULL,
    currency          TEXT NOT NULL,
    subtotal          INTEGER NOT NULL,
    tax_amount        INTEGER NOT NULL,
    total_amount      INTEGER NOT NULL,
    amount_paid       INTEGER NOT NULL DEFAULT 0,
    issued_at         INTEGER,
    due_date          INTEGER,
    paid_at           INTEGER,
    period_start      INTEGER,
    period_end        INTEGER,
    seller            TEXT NOT NULL,
    customer          TEXT NOT NULL,
    tax               TEXT NOT NULL,
    items             TEXT NOT NULL,
    due_key           TEXT,
    metadata          TEXT NOT NULL,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    balance_applied   INTEGER NOT NULL DEFAULT 0,
    credited_net      INTEGER NOT NULL DEFAULT 0,
    credited_tax      INTEGER NOT NULL DEFAULT 0,
    credited_due      INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_no, customer_no, id)
) STRICT, WITHOUT ROWID;
INSERT INTO invoices_anew
    SELECT tenant_no, customer_no, id, subscription_id, number, status, reason, collection_method, currency, subtotal,
    tax_amount, total_amount, amount_paid, issued_at, due_date, paid_at, period_start, period_end, seller,
    customer, tax, items, due_key, metadata, created_at, updated_at, balance_applied, credited_net, credited_tax,
    credited_due FROM invoices;
DROP TABLE invoices;
ALTER TABLE invoices_anew RENAME TO invoices;
CREATE UNIQUE INDEX invoices_by_id ON invoices (tenant_no, id);
CREATE UNIQUE INDEX invoices_by_number ON invoices (tenant_no, number) WHERE number IS NOT NULL;
CREATE UNIQUE INDEX invoices_by_due_key ON invoices (due_key) WHERE due_key IS NOT NULL;
CREATE INDEX invoices_open ON invoices (tenant_no, due_date)
    WHERE status IN ('issued', 'partially_paid');

-- Planned as by a large store, as before.
DELETE FROM sqlite_stat1 WHERE tbl IN ('invoices', 'invoices_anew');
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('invoices', 'invoices', '1000000 500000 20 1'),
    ('invoices', 'invoices_by_id', '1000000 500000 1'),
    ('invoices', 'invoices_by_number', '1000000 500000 1'),
    ('invoices', 'invoices_by_due_key', '1000000 1'),
    ('invoices', 'invoices_open', '2000 100 1');
ANALYZE sqlite_schema;
