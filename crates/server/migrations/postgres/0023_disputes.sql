-- Payments that cardholders dispute at their banks. `reference` is the processor's id of the dispute,
-- `reversed` the part of the payment that it has taken back.
CREATE TABLE disputes (
    tenant_no   BIGINT NOT NULL,
    processor   TEXT COLLATE "C" NOT NULL,
    reference   TEXT COLLATE "C" NOT NULL,
    customer_no BIGINT NOT NULL,
    invoice_id  TEXT COLLATE "C" NOT NULL,
    attempt_id  TEXT COLLATE "C" NOT NULL,
    amount      BIGINT NOT NULL,
    reason      TEXT COLLATE "C" NOT NULL,
    status      TEXT COLLATE "C" NOT NULL,
    due_by      BIGINT,
    reversed    BIGINT NOT NULL CHECK (reversed >= 0),
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant_no, processor, reference)
);
CREATE INDEX disputes_of_invoice ON disputes (tenant_no, invoice_id);

-- The part of a payment that disputes have taken back.
ALTER TABLE payments ADD COLUMN reversed BIGINT NOT NULL DEFAULT 0;

-- The status of the invoice's dispute that changed last.
ALTER TABLE invoices ADD COLUMN dispute_status TEXT COLLATE "C";
