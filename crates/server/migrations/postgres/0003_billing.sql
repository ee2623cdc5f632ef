-- What customers owe and pay. Money is in minor units, billing instants are whole seconds.

-- A customer without a row here has the defaults.
CREATE TABLE customer_billing (
    customer_no               BIGINT NOT NULL PRIMARY KEY,
    tenant_no                 BIGINT NOT NULL,
    type                      TEXT COLLATE "C" NOT NULL DEFAULT 'company',
    locale                    TEXT COLLATE "C",
    address                   TEXT COLLATE "C",
    tax_ids                   TEXT COLLATE "C" NOT NULL DEFAULT '[]',
    tax_status                TEXT COLLATE "C" NOT NULL DEFAULT 'taxable',
    tax_rate                  TEXT COLLATE "C",
    default_payment_method_id TEXT COLLATE "C",
    currency                  TEXT COLLATE "C",
    collection_method         TEXT COLLATE "C" NOT NULL DEFAULT 'charge_automatically',
    net_days                  BIGINT NOT NULL DEFAULT 30
);

CREATE TABLE subscriptions (
    tenant_no              BIGINT NOT NULL,
    customer_no            BIGINT NOT NULL,
    id                     TEXT COLLATE "C" NOT NULL,
    product_id             TEXT COLLATE "C" NOT NULL,
    plan_id                TEXT COLLATE "C" NOT NULL,
    quantity               BIGINT NOT NULL,
    status                 TEXT COLLATE "C" NOT NULL CHECK (status IN ('trialing', 'active', 'past_due', 'pending', 'canceled')),
    billing_interval       TEXT COLLATE "C" NOT NULL,
    currency               TEXT COLLATE "C" NOT NULL,
    collection_method      TEXT COLLATE "C" NOT NULL,
    anchor                 BIGINT,
    current_period_start   BIGINT,
    current_period_end     BIGINT,
    usage_period_start     BIGINT,
    usage_period_end       BIGINT,
    trial_end              BIGINT,
    cancel_at_period_end   BOOLEAN NOT NULL DEFAULT FALSE,
    cancel_reason          TEXT COLLATE "C",
    canceled_at            BIGINT,
    scheduled_plan_id      TEXT COLLATE "C",
    scheduled_quantity     BIGINT,
    dunning_failures       BIGINT NOT NULL DEFAULT 0,
    dunning_since          BIGINT,
    dunning_next_at        BIGINT,
    next_due_at            BIGINT,
    metadata               TEXT COLLATE "C" NOT NULL,
    created_at             BIGINT NOT NULL,
    updated_at             BIGINT NOT NULL,
    PRIMARY KEY (tenant_no, id)
);
CREATE INDEX subscriptions_of_customer ON subscriptions (tenant_no, customer_no, id);
CREATE UNIQUE INDEX subscriptions_live ON subscriptions (customer_no, product_id)
    WHERE status IN ('trialing', 'active', 'past_due', 'pending');
CREATE INDEX subscriptions_due ON subscriptions (tenant_no, next_due_at) WHERE next_due_at IS NOT NULL;

-- One trial for each customer and product, ever.
CREATE TABLE trials (
    customer_no BIGINT NOT NULL,
    product_id  TEXT COLLATE "C" NOT NULL,
    tenant_no   BIGINT NOT NULL,
    started_at  BIGINT NOT NULL,
    PRIMARY KEY (customer_no, product_id)
);

-- The last invoice number of a tenant; gapless because it is taken in the issuing transaction.
CREATE TABLE invoice_numbers (
    tenant_no BIGINT NOT NULL PRIMARY KEY,
    last      BIGINT NOT NULL
);

-- `items`, `seller`, `customer` and `tax` are JSON and frozen at issue. `due_key` is what makes a
-- second run of a renewal a no-op: subscription, period start and reason. A customer's invoices stand
-- together, as they are read.
CREATE TABLE invoices (
    tenant_no         BIGINT NOT NULL,
    customer_no       BIGINT NOT NULL,
    id                TEXT COLLATE "C" NOT NULL,
    subscription_id   TEXT COLLATE "C",
    number            BIGINT,
    status            TEXT COLLATE "C" NOT NULL CHECK (status IN ('draft', 'issued', 'partially_paid', 'paid', 'overdue', 'void', 'uncollectible')),
    reason            TEXT COLLATE "C" NOT NULL CHECK (reason IN ('create', 'renewal', 'usage', 'change', 'top_up')),
    collection_method TEXT COLLATE "C" NOT NULL,
    currency          TEXT COLLATE "C" NOT NULL,
    subtotal          BIGINT NOT NULL,
    tax_amount        BIGINT NOT NULL,
    total_amount      BIGINT NOT NULL,
    amount_paid       BIGINT NOT NULL DEFAULT 0,
    issued_at         BIGINT,
    due_date          BIGINT,
    paid_at           BIGINT,
    period_start      BIGINT,
    period_end        BIGINT,
    seller            TEXT COLLATE "C" NOT NULL,
    customer          TEXT COLLATE "C" NOT NULL,
    tax               TEXT COLLATE "C" NOT NULL,
    items             TEXT COLLATE "C" NOT NULL,
    due_key           TEXT COLLATE "C",
    metadata          TEXT COLLATE "C" NOT NULL,
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL,
    PRIMARY KEY (tenant_no, customer_no, id)
);
CREATE UNIQUE INDEX invoices_by_id ON invoices (tenant_no, id);
CREATE UNIQUE INDEX invoices_by_number ON invoices (tenant_no, number) WHERE number IS NOT NULL;
CREATE UNIQUE INDEX invoices_by_due_key ON invoices (due_key) WHERE due_key IS NOT NULL;
CREATE INDEX invoices_open ON invoices (tenant_no, due_date)
    WHERE status IN ('issued', 'partially_paid');

-- Money that came in: a succeeded charge or a transfer.
CREATE TABLE payments (
    tenant_no   BIGINT NOT NULL,
    customer_no BIGINT NOT NULL,
    invoice_id  TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    amount      BIGINT NOT NULL,
    paid_at     BIGINT NOT NULL,
    brand       TEXT COLLATE "C",
    last4       TEXT COLLATE "C",
    reference   TEXT COLLATE "C",
    PRIMARY KEY (tenant_no, invoice_id, id)
);

-- Amounts below the processor's minimum; the customer's next invoice takes them in. `invoice_id` is
-- the draft that has; it gives them back where it is deleted.
CREATE TABLE invoice_additions (
    tenant_no   BIGINT NOT NULL,
    customer_no BIGINT NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    invoice_id  TEXT COLLATE "C",
    currency    TEXT COLLATE "C" NOT NULL,
    items       TEXT COLLATE "C" NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant_no, customer_no, id)
);

CREATE TABLE processor_customers (
    customer_no BIGINT NOT NULL,
    processor   TEXT COLLATE "C" NOT NULL,
    tenant_no   BIGINT NOT NULL,
    reference   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (customer_no, processor)
);
CREATE UNIQUE INDEX processor_customers_by_reference ON processor_customers (processor, reference);

CREATE TABLE payment_methods (
    tenant_no   BIGINT NOT NULL,
    customer_no BIGINT NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    processor   TEXT COLLATE "C" NOT NULL,
    reference   TEXT COLLATE "C" NOT NULL,
    type        TEXT COLLATE "C" NOT NULL,
    brand       TEXT COLLATE "C" NOT NULL,
    last4       TEXT COLLATE "C" NOT NULL,
    exp_month   BIGINT NOT NULL,
    exp_year    BIGINT NOT NULL,
    metadata    TEXT COLLATE "C" NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant_no, id)
);
CREATE INDEX payment_methods_of_customer ON payment_methods (tenant_no, customer_no, id);
CREATE UNIQUE INDEX payment_methods_by_reference
    ON payment_methods (tenant_no, customer_no, processor, reference);

-- One try to charge. `effect` is JSON: what a success brings about. `next_at` is when any node may
-- take up a pending one. The id is the processor's idempotency key.
CREATE TABLE payment_attempts (
    id                TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant_no         BIGINT NOT NULL,
    customer_no       BIGINT NOT NULL,
    invoice_id        TEXT COLLATE "C" NOT NULL,
    payment_method_id TEXT COLLATE "C",
    card              TEXT COLLATE "C" NOT NULL,
    processor         TEXT COLLATE "C" NOT NULL,
    amount            BIGINT NOT NULL,
    currency          TEXT COLLATE "C" NOT NULL,
    effect            TEXT COLLATE "C" NOT NULL,
    status            TEXT COLLATE "C" NOT NULL CHECK (status IN
        ('pending', 'requires_form', 'succeeded', 'declined', 'abandoned', 'refund_due', 'refunded')),
    charge_reference  TEXT COLLATE "C",
    client_secret     TEXT COLLATE "C",
    decline_reason    TEXT COLLATE "C",
    billed_at         BIGINT NOT NULL,
    next_at           BIGINT,
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL
);
CREATE UNIQUE INDEX payment_attempts_pending ON payment_attempts (tenant_no, invoice_id)
    WHERE status IN ('pending', 'requires_form');
CREATE INDEX payment_attempts_due ON payment_attempts (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX payment_attempts_of_customer ON payment_attempts (tenant_no, customer_no, id);

-- What the sandbox processor remembers: charges by their idempotency key, and forms.
CREATE TABLE sandbox_intents (
    reference      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant_no      BIGINT NOT NULL,
    customer       TEXT COLLATE "C" NOT NULL,
    key            TEXT COLLATE "C",
    method         TEXT COLLATE "C",
    amount         BIGINT,
    currency       TEXT COLLATE "C",
    status         TEXT COLLATE "C" NOT NULL CHECK (status IN ('requires_form', 'succeeded', 'declined', 'refunded')),
    decline_reason TEXT COLLATE "C",
    client_secret  TEXT COLLATE "C",
    created_at     BIGINT NOT NULL
);
CREATE INDEX sandbox_intents_by_key ON sandbox_intents (key) WHERE key IS NOT NULL;
CREATE UNIQUE INDEX sandbox_intents_by_secret ON sandbox_intents (client_secret)
    WHERE client_secret IS NOT NULL;
