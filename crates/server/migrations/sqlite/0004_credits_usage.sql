-- Credits and usage. Credits are whole numbers of a credit currency's smallest unit; measured units
-- are kept as whole ones and millionths, so that no sum of them leaves its range.

CREATE TABLE credit_accounts (
    no                 INTEGER PRIMARY KEY,
    tenant_no          INTEGER NOT NULL,
    customer_no        INTEGER NOT NULL,
    id                 TEXT NOT NULL,
    credit_currency_id TEXT NOT NULL,
    balance            INTEGER NOT NULL DEFAULT 0,
    frozen             INTEGER NOT NULL DEFAULT FALSE,
    last_entry_id      TEXT,
    next_due_at        INTEGER,
    auto_top_up        TEXT,
    created_at         INTEGER NOT NULL,
    updated_at         INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX credit_accounts_by_id ON credit_accounts (tenant_no, id);
CREATE UNIQUE INDEX credit_accounts_of_customer ON credit_accounts (customer_no, credit_currency_id);
CREATE INDEX credit_accounts_due ON credit_accounts (tenant_no, next_due_at) WHERE next_due_at IS NOT NULL;

-- `lapsed` is what was left at its end; such a grant stays open until its rollover was decided.
CREATE TABLE credit_grants (
    account_no      INTEGER NOT NULL,
    id              TEXT NOT NULL,
    subscription_id TEXT,
    source          TEXT NOT NULL CHECK (source IN ('plan', 'daily', 'rollover', 'promotional', 'package')),
    cadence         TEXT,
    amount          INTEGER NOT NULL,
    remaining       INTEGER NOT NULL,
    lapsed          INTEGER NOT NULL,
    expires_at      INTEGER,
    is_open         INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (account_no, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX credit_grants_open ON credit_grants (account_no) WHERE is_open;

-- Daily grants to come: `next_at` is the next midnight that has not been written.
CREATE TABLE credit_drips (
    account_no      INTEGER NOT NULL,
    subscription_id TEXT NOT NULL,
    amount          INTEGER NOT NULL,
    rollover_cap    INTEGER NOT NULL,
    next_at         INTEGER NOT NULL,
    PRIMARY KEY (account_no, subscription_id)
) STRICT, WITHOUT ROWID;

-- Append-only. The ids of an account's entries ascend in the order of the entries. `undoes` is the
-- entry that a refund or reversal takes back.
CREATE TABLE credit_ledger (
    account_no     INTEGER NOT NULL,
    id             TEXT NOT NULL,
    type           TEXT NOT NULL CHECK (type IN ('grant', 'deduction', 'expiry', 'refund', 'reversal')),
    amount         INTEGER NOT NULL,
    balance_after  INTEGER NOT NULL,
    grant_id       TEXT NOT NULL,
    usage_event_id TEXT,
    description    TEXT,
    undoes         TEXT,
    at             INTEGER NOT NULL,
    PRIMARY KEY (account_no, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX credit_ledger_undone ON credit_ledger (account_no, undoes) WHERE undoes IS NOT NULL;

-- What the ledger says of each day, kept with it.
CREATE TABLE credit_days (
    account_no INTEGER NOT NULL,
    day        INTEGER NOT NULL,
    granted    INTEGER NOT NULL,
    used       INTEGER NOT NULL,
    expired    INTEGER NOT NULL,
    PRIMARY KEY (account_no, day)
) STRICT, WITHOUT ROWID;

-- Each goes by its payment attempt; one that was too small to charge never had an invoice.
CREATE TABLE credit_top_ups (
    account_no INTEGER NOT NULL,
    id         TEXT NOT NULL,
    invoice_id TEXT,
    status     TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    credits    INTEGER NOT NULL,
    amount     INTEGER NOT NULL,
    currency   TEXT NOT NULL,
    package_id TEXT,
    automatic  INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (account_no, id)
) STRICT, WITHOUT ROWID;

-- `content` tells a repetition from another event of the same key, for ever.
CREATE TABLE usage_events (
    customer_no INTEGER NOT NULL,
    key         TEXT NOT NULL,
    id          TEXT NOT NULL,
    content     BLOB NOT NULL,
    event_name  TEXT NOT NULL,
    quantity    TEXT NOT NULL,
    properties  TEXT,
    at          INTEGER NOT NULL,
    PRIMARY KEY (customer_no, key)
) STRICT, WITHOUT ROWID;

-- What counts in usage periods that are not rated yet: what was paid in credits, at once, and what is
-- there to be rated.
CREATE TABLE usage_periods (
    customer_no     INTEGER NOT NULL,
    subscription_id TEXT NOT NULL,
    metric_id       TEXT NOT NULL,
    period_start    INTEGER NOT NULL,
    in_credits      INTEGER NOT NULL,
    whole           INTEGER NOT NULL,
    millionths      INTEGER NOT NULL,
    PRIMARY KEY (customer_no, subscription_id, metric_id, period_start, in_credits)
) STRICT, WITHOUT ROWID;

-- The different values of a metric that counts them.
CREATE TABLE usage_values (
    customer_no     INTEGER NOT NULL,
    subscription_id TEXT NOT NULL,
    metric_id       TEXT NOT NULL,
    period_start    INTEGER NOT NULL,
    in_credits      INTEGER NOT NULL,
    value           TEXT NOT NULL,
    PRIMARY KEY (customer_no, subscription_id, metric_id, period_start, in_credits, value)
) STRICT, WITHOUT ROWID;

-- Quantities by event name and UTC day, for charts.
CREATE TABLE usage_days (
    customer_no INTEGER NOT NULL,
    day         INTEGER NOT NULL,
    event_name  TEXT NOT NULL,
    whole       INTEGER NOT NULL,
    millionths  INTEGER NOT NULL,
    PRIMARY KEY (customer_no, day, event_name)
) STRICT, WITHOUT ROWID;

CREATE INDEX features_of_metric ON features (tenant_no, metric_id) WHERE metric_id IS NOT NULL;
