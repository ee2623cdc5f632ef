-- Payments that cardholders dispute at their banks. `reference` is the processor's id of the dispute,
-- `reversed` the part of the payment that it has taken back.
CREATE TABLE disputes (
    tenant_no   INTEGER NOT NULL,
    processor   TEXT NOT NULL,
    reference   TEXT NOT NULL,
    customer_no INTEGER NOT NULL,
    invoice_id  TEXT NOT NULL,
    attempt_id  TEXT NOT NULL,
    amount      INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    status      TEXT NOT NULL,
    due_by      INTEGER,
    reversed    INTEGER NOT NULL CHECK (reversed >= 0),
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_no, processor, reference)
) STRICT, WITHOUT ROWID;
CREATE INDEX disputes_of_invoice ON disputes (tenant_no, invoice_id);

-- The part of a payment that disputes have taken back.
ALTER TABLE payments ADD COLUMN reversed INTEGER NOT NULL DEFAULT 0;

-- The status of the invoice's dispute that changed last.
ALTER TABLE invoices ADD COLUMN dispute_status TEXT;

-- Planned as by a large store, as all others are.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('disputes', 'disputes', '10000 5000 5000 1'),
    ('disputes', 'disputes_of_invoice', '10000 5000 2');
ANALYZE sqlite_schema;
