-- Money that customers have with the seller, for each currency; the next invoices are paid from it.
-- `last_entry_id` keeps the ids of the ledger ascending.
CREATE TABLE customer_balances (
    tenant_no     BIGINT NOT NULL,
    customer_no   BIGINT NOT NULL,
    currency      TEXT COLLATE "C" NOT NULL,
    amount        BIGINT NOT NULL CHECK (amount >= 0),
    last_entry_id TEXT COLLATE "C" NOT NULL,
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (tenant_no, customer_no, currency)
);

-- The ledger of these balances. Entries are never changed.
CREATE TABLE balance_entries (
    tenant_no     BIGINT NOT NULL,
    customer_no   BIGINT NOT NULL,
    id            TEXT COLLATE "C" NOT NULL,
    currency      TEXT COLLATE "C" NOT NULL,
    type          TEXT COLLATE "C" NOT NULL,
    amount        BIGINT NOT NULL,
    balance_after BIGINT NOT NULL,
    invoice_id    TEXT COLLATE "C",
    description   TEXT COLLATE "C",
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (tenant_no, customer_no, id)
);

-- The part of the total that was paid from the balance.
ALTER TABLE invoices ADD COLUMN balance_applied BIGINT NOT NULL DEFAULT 0;
