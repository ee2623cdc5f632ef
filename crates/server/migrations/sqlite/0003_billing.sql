-- What customers owe and pay. Money is in minor units, billing instants are whole seconds.

-- A customer without a row here has the defaults.
CREATE TABLE customer_billing (
    customer_no               INTEGER NOT NULL PRIMARY KEY,
    tenant_no                 INTEGER NOT NULL,
    type                      TEXT NOT NULL DEFAULT 'company',
    locale                    TEXT,
    address                   TEXT,
    tax_ids                   TEXT NOT NULL DEFAULT '[]',
    tax_status                TEXT NOT NULL DEFAULT 'taxable',
    tax_rate                  TEXT,
    default_payment_method_id TEXT,
    currency                  TEXT,
    collection_method         TEXT NOT NULL DEFAULT 'charge_automatically',
    net_days                  INTEGER NOT NULL DEFAULT 30
) STRICT, WITHOUT ROWID;

CREATE TABLE subscriptions (
    tenant_no              INTEGER NOT NULL,
    customer_no            INTEGER NOT NULL,
    id                     TEXT NOT NULL,
    product_id             TEXT NOT NULL,
    plan_id                TEXT NOT NULL,
    quantity               INTEGER NOT NULL,
    status                 TEXT NOT NULL CHECK (status IN ('trialing', 'active', 'past_due', 'pending', 'canceled')),
    billing_interval       TEXT NOT NULL,
    currency               TEXT NOT NULL,
    collection_method      TEXT NOT NULL,
    anchor                 INTEGER,
    current_period_start   INTEGER,
    current_period_end     INTEGER,
    usage_period_start     INTEGER,
    usage_period_end       INTEGER,
    trial_end              INTEGER,
    cancel_at_period_end   INTEGER NOT NULL DEFAULT FALSE,
    cancel_reason          TEXT,
    canceled_at            INTEGER,
    scheduled_plan_id      TEXT,
    scheduled_quantity     INTEGER,
    dunning_failures       INTEGER NOT NULL DEFAULT 0,
    dunning_since          INTEGER,
    dunning_next_at        INTEGER,
    next_due_at            INTEGER,
    metadata               TEXT NOT NULL,
    created_at             INTEGER NOT NULL,
    updated_at             INTEGER NOT NULL,
    PRIMARY KEY (tenant_no, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX subscriptions_of_customer ON subscriptions (tenant_no, customer_no, id);
CREATE UNIQUE INDEX subscriptions_live ON subscriptions (customer_no, product_id)
    WHERE status IN ('trialing', 'active', 'past_due', 'pending');
CREATE INDEX subscriptions_due ON subscriptions (tenant_no, next_due_at) WHERE next_due_at IS NOT NULL;

-- One trial for each customer and product, ever.
CREATE TABLE trials (
    customer_no INTEGER NOT NULL,
    product_id  TEXT NOT NULL,
    tenant_no   INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    PRIMARY KEY (customer_no, product_id)
) STRICT, WITHOUT ROWID;

-- The last invoice number of a tenant; gapless because it is taken in the issuing transaction.
CREATE TABLE invoice_numbers (
    tenant_no INTEGER NOT NULL PRIMARY KEY,
    last      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- `items`, `seller`, `customer` and `tax` are JSON and frozen at issue. `due_key` is what makes a
-- second run of a renewal a no-op: subscription, period start and reason. A customer's invoices stand
-- together, as they are read.
CREATE TABLE invoices (
    tenant_no         INTEGER NOT NULL,
    customer_no       INTEGER NOT NULL,
    id                TEXT NOT NULL,
    subscription_id   TEXT,
    number            INTEGER,
    status            TEXT NOT NULL CHECK (status IN ('draft', 'issued', 'partially_paid', 'paid', 'overdue', 'void', 'uncollectible')),
    reason            TEXT NOT NULL CHECK (reason IN ('create', 'renewal', 'usage', 'change', 'top_up')),
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
    PRIMARY KEY (tenant_no, customer_no, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX invoices_by_id ON invoices (tenant_no, id);
CREATE UNIQUE INDEX invoices_by_number ON invoices (tenant_no, number) WHERE number IS NOT NULL;
CREATE UNIQUE INDEX invoices_by_due_key ON invoices (due_key) WHERE due_key IS NOT NULL;
CREATE INDEX invoices_open ON invoices (tenant_no, due_date)
    WHERE status IN ('issued', 'partially_paid');

-- Money that came in: a succeeded charge or a transfer.
CREATE TABLE payments (
    tenant_no   INTEGER NOT NULL,
    customer_no INTEGER NOT NULL,
    invoice_id  TEXT NOT NULL,
    id          TEXT NOT NULL,
    amount      INTEGER NOT NULL,
    paid_at     INTEGER NOT NULL,
    brand       TEXT,
    last4       TEXT,
    reference   TEXT,
    PRIMARY KEY (tenant_no, invoice_id, id)
) STRICT, WITHOUT ROWID;

-- Amounts below the processor's minimum; the customer's next invoice takes them in. `invoice_id` is
-- the draft that has; it gives them back where it is deleted.
CREATE TABLE invoice_additions (
    tenant_no   INTEGER NOT NULL,
    customer_no INTEGER NOT NULL,
    id          TEXT NOT NULL,
    invoice_id  TEXT,
    currency    TEXT NOT NULL,
    items       TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_no, customer_no, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE processor_customers (
    customer_no INTEGER NOT NULL,
    processor   TEXT NOT NULL,
    tenant_no   INTEGER NOT NULL,
    reference   TEXT NOT NULL,
    PRIMARY KEY (customer_no, processor)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX processor_customers_by_reference ON processor_customers (processor, reference);

CREATE TABLE payment_methods (
    tenant_no   INTEGER NOT NULL,
    customer_no INTEGER NOT NULL,
    id          TEXT NOT NULL,
    processor   TEXT NOT NULL,
    reference   TEXT NOT NULL,
    type        TEXT NOT NULL,
    brand       TEXT NOT NULL,
    last4       TEXT NOT NULL,
    exp_month   INTEGER NOT NULL,
    exp_year    INTEGER NOT NULL,
    metadata    TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_no, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX payment_methods_of_customer ON payment_methods (tenant_no, customer_no, id);
CREATE UNIQUE INDEX payment_methods_by_reference
    ON payment_methods (tenant_no, customer_no, processor, reference);

-- One try to charge. `effect` is JSON: what a success brings about. `next_at` is when any node may
-- take up a pending one. The id is the processor's idempotency key.
CREATE TABLE payment_attempts (
    id                TEXT NOT NULL PRIMARY KEY,
    tenant_no         INTEGER NOT NULL,
    customer_no       INTEGER NOT NULL,
    invoice_id        TEXT NOT NULL,
    payment_method_id TEXT,
    card              TEXT NOT NULL,
    processor         TEXT NOT NULL,
    amount            INTEGER NOT NULL,
    currency          TEXT NOT NULL,
    effect            TEXT NOT NULL,
    status            TEXT NOT NULL CHECK (status IN
        ('pending', 'requires_form', 'succeeded', 'declined', 'abandoned', 'refund_due', 'refunded')),
    charge_reference  TEXT,
    client_secret     TEXT,
    decline_reason    TEXT,
    billed_at         INTEGER NOT NULL,
    next_at           INTEGER,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX payment_attempts_pending ON payment_attempts (tenant_no, invoice_id)
    WHERE status IN ('pending', 'requires_form');
CREATE INDEX payment_attempts_due ON payment_attempts (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX payment_attempts_of_customer ON payment_attempts (tenant_no, customer_no, id);

-- What the sandbox processor remembers: charges by their idempotency key, and forms.
CREATE TABLE sandbox_intents (
    reference      TEXT NOT NULL PRIMARY KEY,
    tenant_no      INTEGER NOT NULL,
    customer       TEXT NOT NULL,
    key            TEXT,
    method         TEXT,
    amount         INTEGER,
    currency       TEXT,
    status         TEXT NOT NULL CHECK (status IN ('requires_form', 'succeeded', 'declined', 'refunded')),
    decline_reason TEXT,
    client_secret  TEXT,
    created_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sandbox_intents_by_key ON sandbox_intents (key) WHERE key IS NOT NULL;
CREATE UNIQUE INDEX sandbox_intents_by_secret ON sandbox_intents (client_secret)
    WHERE client_secret IS NOT NULL;
