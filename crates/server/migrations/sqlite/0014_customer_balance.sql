-- Money that customers have with the seller, for each currency; the next invoices are paid from it.
-- `last_entry_id` keeps the ids of the ledger ascending.
CREATE TABLE customer_balances (
    tenant_no     INTEGER NOT NULL,
    customer_no   INTEGER NOT NULL,
    currency      TEXT NOT NULL,
    amount        INTEGER NOT NULL CHECK (amount >= 0),
    last_entry_id TEXT NOT NULL,
    updated_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant_no, customer_no, currency)
) STRICT, WITHOUT ROWID;

-- The ledger of these balances. Entries are never changed.
CREATE TABLE balance_entries (
    tenant_no     INTEGER NOT NULL,
    customer_no   INTEGER NOT NULL,
    id            TEXT NOT NULL,
    currency      TEXT NOT NULL,
    type          TEXT NOT NULL,
    amount        INTEGER NOT NULL,
    balance_after INTEGER NOT NULL,
    invoice_id    TEXT,
    description   TEXT,
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant_no, customer_no, id)
) STRICT, WITHOUT ROWID;

-- The part of the total that was paid from the balance.
ALTER TABLE invoices ADD COLUMN balance_applied INTEGER NOT NULL DEFAULT 0;

-- Planned as by a large store, as all others are.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('customer_balances', 'customer_balances', '1000000 500000 2 1'),
    ('balance_entries', 'balance_entries', '1000000 500000 20 1');
ANALYZE sqlite_schema;
