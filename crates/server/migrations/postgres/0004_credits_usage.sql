-- Credits and usage. Credits are whole numbers of a credit currency's smallest unit; measured units
-- are kept as whole ones and millionths, so that no sum of them leaves its range.

CREATE TABLE credit_accounts (
    no                 BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_no          BIGINT NOT NULL,
    customer_no        BIGINT NOT NULL,
    id                 TEXT COLLATE "C" NOT NULL,
    credit_currency_id TEXT COLLATE "C" NOT NULL,
    balance            BIGINT NOT NULL DEFAULT 0,
    frozen             BOOLEAN NOT NULL DEFAULT FALSE,
    last_entry_id      TEXT COLLATE "C",
    next_due_at        BIGINT,
    auto_top_up        TEXT COLLATE "C",
    created_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL
);
CREATE UNIQUE INDEX credit_accounts_by_id ON credit_accounts (tenant_no, id);
CREATE UNIQUE INDEX credit_accounts_of_customer ON credit_accounts (customer_no, credit_currency_id);
CREATE INDEX credit_accounts_due ON credit_accounts (tenant_no, next_due_at) WHERE next_due_at IS NOT NULL;

-- `lapsed` is what was left at its end; such a grant stays open until its rollover was decided.
CREATE TABLE credit_grants (
    account_no      BIGINT NOT NULL,
    id              TEXT COLLATE "C" NOT NULL,
    subscription_id TEXT COLLATE "C",
    source          TEXT COLLATE "C" NOT NULL CHECK (source IN ('plan', 'daily', 'rollover', 'promotional', 'package')),
    cadence         TEXT COLLATE "C",
    amount          BIGINT NOT NULL,
    remaining       BIGINT NOT NULL,
    lapsed          BIGINT NOT NULL,
    expires_at      BIGINT,
    is_open         BOOLEAN NOT NULL,
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (account_no, id)
);
CREATE INDEX credit_grants_open ON credit_grants (account_no) WHERE is_open;

-- Daily grants to come: `next_at` is the next midnight that has not been written.
CREATE TABLE credit_drips (
    account_no      BIGINT NOT NULL,
    subscription_id TEXT COLLATE "C" NOT NULL,
    amount          BIGINT NOT NULL,
    rollover_cap    BIGINT NOT NULL,
    next_at         BIGINT NOT NULL,
    PRIMARY KEY (account_no, subscription_id)
);

-- Append-only. The ids of an account's entries ascend in the order of the entries. `undoes` is the
-- entry that a refund or reversal takes back.
CREATE TABLE credit_ledger (
    account_no     BIGINT NOT NULL,
    id             TEXT COLLATE "C" NOT NULL,
    type           TEXT COLLATE "C" NOT NULL CHECK (type IN ('grant', 'deduction', 'expiry', 'refund', 'reversal')),
    amount         BIGINT NOT NULL,
    balance_after  BIGINT NOT NULL,
    grant_id       TEXT COLLATE "C" NOT NULL,
    usage_event_id TEXT COLLATE "C",
    description    TEXT COLLATE "C",
    undoes         TEXT COLLATE "C",
    at             BIGINT NOT NULL,
    PRIMARY KEY (account_no, id)
);
CREATE UNIQUE INDEX credit_ledger_undone ON credit_ledger (account_no, undoes) WHERE undoes IS NOT NULL;

-- What the ledger says of each day, kept with it.
CREATE TABLE credit_days (
    account_no BIGINT NOT NULL,
    day        BIGINT NOT NULL,
    granted    BIGINT NOT NULL,
    used       BIGINT NOT NULL,
    expired    BIGINT NOT NULL,
    PRIMARY KEY (account_no, day)
);

-- Each goes by its payment attempt; one that was too small to charge never had an invoice.
CREATE TABLE credit_top_ups (
    account_no BIGINT NOT NULL,
    id         TEXT COLLATE "C" NOT NULL,
    invoice_id TEXT COLLATE "C",
    status     TEXT COLLATE "C" NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    credits    BIGINT NOT NULL,
    amount     BIGINT NOT NULL,
    currency   TEXT COLLATE "C" NOT NULL,
    package_id TEXT COLLATE "C",
    automatic  BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account_no, id)
);

-- `content` tells a repetition from another event of the same key, for ever.
CREATE TABLE usage_events (
    customer_no BIGINT NOT NULL,
    key         TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    content     BYTEA NOT NULL,
    event_name  TEXT COLLATE "C" NOT NULL,
    quantity    TEXT COLLATE "C" NOT NULL,
    properties  TEXT COLLATE "C",
    at          BIGINT NOT NULL,
    PRIMARY KEY (customer_no, key)
);

-- What counts in usage periods that are not rated yet: what was paid in credits, at once, and what is
-- there to be rated.
CREATE TABLE usage_periods (
    customer_no     BIGINT NOT NULL,
    subscription_id TEXT COLLATE "C" NOT NULL,
    metric_id       TEXT COLLATE "C" NOT NULL,
    period_start    BIGINT NOT NULL,
    in_credits      BOOLEAN NOT NULL,
    whole           BIGINT NOT NULL,
    millionths      BIGINT NOT NULL,
    PRIMARY KEY (customer_no, subscription_id, metric_id, period_start, in_credits)
);

-- The different values of a metric that counts them.
CREATE TABLE usage_values (
    customer_no     BIGINT NOT NULL,
    subscription_id TEXT COLLATE "C" NOT NULL,
    metric_id       TEXT COLLATE "C" NOT NULL,
    period_start    BIGINT NOT NULL,
    in_credits      BOOLEAN NOT NULL,
    value           TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (customer_no, subscription_id, metric_id, period_start, in_credits, value)
);

-- Quantities by event name and UTC day, for charts.
CREATE TABLE usage_days (
    customer_no BIGINT NOT NULL,
    day         BIGINT NOT NULL,
    event_name  TEXT COLLATE "C" NOT NULL,
    whole       BIGINT NOT NULL,
    millionths  BIGINT NOT NULL,
    PRIMARY KEY (customer_no, day, event_name)
);

CREATE INDEX features_of_metric ON features (tenant_no, metric_id) WHERE metric_id IS NOT NULL;
