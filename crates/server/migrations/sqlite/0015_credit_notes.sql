-- Credit notes: immutable, but for being void, with a gapless series of numbers. `items`, `seller`,
-- `customer` and `tax` are JSON.
CREATE TABLE credit_notes (
    tenant_no          INTEGER NOT NULL,
    customer_no        INTEGER NOT NULL,
    id                 TEXT NOT NULL,
    invoice_id         TEXT NOT NULL,
    invoice_number     INTEGER NOT NULL,
    number             INTEGER NOT NULL,
    status             TEXT NOT NULL CHECK (status IN ('issued', 'void')),
    reason             TEXT NOT NULL,
    currency           TEXT NOT NULL,
    subtotal           INTEGER NOT NULL,
    tax                TEXT NOT NULL,
    tax_amount         INTEGER NOT NULL,
    total_amount       INTEGER NOT NULL,
    due_reduction      INTEGER NOT NULL,
    refund_amount      INTEGER NOT NULL,
    credit_amount      INTEGER NOT NULL,
    out_of_band_amount INTEGER NOT NULL,
    memo               TEXT,
    seller             TEXT NOT NULL,
    customer           TEXT NOT NULL,
    items              TEXT NOT NULL,
    issued_at          INTEGER NOT NULL,
    voided_at          INTEGER,
    PRIMARY KEY (tenant_no, customer_no, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX credit_notes_by_id ON credit_notes (tenant_no, id);
CREATE UNIQUE INDEX credit_notes_by_number ON credit_notes (tenant_no, number);
CREATE INDEX credit_notes_of_invoice ON credit_notes (tenant_no, invoice_id, id);

-- The last credit note number of a tenant, as in `invoice_numbers`.
CREATE TABLE credit_note_numbers (
    tenant_no      INTEGER NOT NULL PRIMARY KEY,
    last           INTEGER NOT NULL,
    last_issued_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What credit notes refund of charges. `next_at` is when any node may take up a pending one.
CREATE TABLE refunds (
    tenant_no      INTEGER NOT NULL,
    customer_no    INTEGER NOT NULL,
    id             TEXT NOT NULL,
    invoice_id     TEXT NOT NULL,
    credit_note_id TEXT NOT NULL,
    attempt_id     TEXT NOT NULL,
    amount         INTEGER NOT NULL,
    currency       TEXT NOT NULL,
    status         TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    next_at        INTEGER,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    PRIMARY KEY (tenant_no, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX refunds_of_credit_note ON refunds (tenant_no, credit_note_id, id);
CREATE INDEX refunds_of_attempt ON refunds (tenant_no, attempt_id);
CREATE INDEX refunds_due ON refunds (next_at) WHERE next_at IS NOT NULL;

-- What credit notes credit of an invoice, and how much of it lowers the amount due.
ALTER TABLE invoices ADD COLUMN credited_net INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invoices ADD COLUMN credited_tax INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invoices ADD COLUMN credited_due INTEGER NOT NULL DEFAULT 0;

ALTER TABLE balance_entries ADD COLUMN credit_note_id TEXT;

-- What the sandbox processor remembers of refunds, by their idempotency key.
CREATE TABLE sandbox_refunds (
    tenant_no  INTEGER NOT NULL,
    key        TEXT NOT NULL,
    reference  TEXT NOT NULL,
    amount     INTEGER NOT NULL,
    status     TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_no, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX sandbox_refunds_of_charge ON sandbox_refunds (tenant_no, reference);

-- Planned as by a large store, as all others are.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('credit_notes', 'credit_notes', '1000000 500000 5 1'),
    ('credit_notes', 'credit_notes_by_id', '1000000 500000 1'),
    ('credit_notes', 'credit_notes_by_number', '1000000 500000 1'),
    ('credit_notes', 'credit_notes_of_invoice', '1000000 500000 2 1'),
    ('refunds', 'refunds', '1000000 500000 1'),
    ('refunds', 'refunds_of_credit_note', '1000000 500000 2 1'),
    ('refunds', 'refunds_of_attempt', '1000000 500000 2'),
    ('refunds', 'refunds_due', '1000 1');
ANALYZE sqlite_schema;
