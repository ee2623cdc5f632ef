-- Credit notes: immutable, but for being void, with a gapless series of numbers. `items`, `seller`,
-- `customer` and `tax` are JSON.
CREATE TABLE credit_notes (
    tenant_no          BIGINT NOT NULL,
    customer_no        BIGINT NOT NULL,
    id                 TEXT COLLATE "C" NOT NULL,
    invoice_id         TEXT COLLATE "C" NOT NULL,
    invoice_number     BIGINT NOT NULL,
    number             BIGINT NOT NULL,
    status             TEXT COLLATE "C" NOT NULL CHECK (status IN ('issued', 'void')),
    reason             TEXT COLLATE "C" NOT NULL,
    currency           TEXT COLLATE "C" NOT NULL,
    subtotal           BIGINT NOT NULL,
    tax                TEXT COLLATE "C" NOT NULL,
    tax_amount         BIGINT NOT NULL,
    total_amount       BIGINT NOT NULL,
    due_reduction      BIGINT NOT NULL,
    refund_amount      BIGINT NOT NULL,
    credit_amount      BIGINT NOT NULL,
    out_of_band_amount BIGINT NOT NULL,
    memo               TEXT COLLATE "C",
    seller             TEXT COLLATE "C" NOT NULL,
    customer           TEXT COLLATE "C" NOT NULL,
    items              TEXT COLLATE "C" NOT NULL,
    issued_at          BIGINT NOT NULL,
    voided_at          BIGINT,
    PRIMARY KEY (tenant_no, customer_no, id)
);
CREATE UNIQUE INDEX credit_notes_by_id ON credit_notes (tenant_no, id);
CREATE UNIQUE INDEX credit_notes_by_number ON credit_notes (tenant_no, number);
CREATE INDEX credit_notes_of_invoice ON credit_notes (tenant_no, invoice_id, id);

-- The last credit note number of a tenant, as in `invoice_numbers`.
CREATE TABLE credit_note_numbers (
    tenant_no      BIGINT NOT NULL PRIMARY KEY,
    last           BIGINT NOT NULL,
    last_issued_at BIGINT NOT NULL
);

-- What credit notes refund of charges. `next_at` is when any node may take up a pending one.
CREATE TABLE refunds (
    tenant_no      BIGINT NOT NULL,
    customer_no    BIGINT NOT NULL,
    id             TEXT COLLATE "C" NOT NULL,
    invoice_id     TEXT COLLATE "C" NOT NULL,
    credit_note_id TEXT COLLATE "C" NOT NULL,
    attempt_id     TEXT COLLATE "C" NOT NULL,
    amount         BIGINT NOT NULL,
    currency       TEXT COLLATE "C" NOT NULL,
    status         TEXT COLLATE "C" NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    next_at        BIGINT,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    PRIMARY KEY (tenant_no, id)
);
CREATE INDEX refunds_of_credit_note ON refunds (tenant_no, credit_note_id, id);
CREATE INDEX refunds_of_attempt ON refunds (tenant_no, attempt_id);
CREATE INDEX refunds_due ON refunds (next_at) WHERE next_at IS NOT NULL;

-- What credit notes credit of an invoice, and how much of it lowers the amount due.
ALTER TABLE invoices ADD COLUMN credited_net BIGINT NOT NULL DEFAULT 0;
ALTER TABLE invoices ADD COLUMN credited_tax BIGINT NOT NULL DEFAULT 0;
ALTER TABLE invoices ADD COLUMN credited_due BIGINT NOT NULL DEFAULT 0;

ALTER TABLE balance_entries ADD COLUMN credit_note_id TEXT COLLATE "C";

-- What the sandbox processor remembers of refunds, by their idempotency key.
CREATE TABLE sandbox_refunds (
    tenant_no  BIGINT NOT NULL,
    key        TEXT COLLATE "C" NOT NULL,
    reference  TEXT COLLATE "C" NOT NULL,
    amount     BIGINT NOT NULL,
    status     TEXT COLLATE "C" NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_no, key)
);
CREATE INDEX sandbox_refunds_of_charge ON sandbox_refunds (tenant_no, reference);
