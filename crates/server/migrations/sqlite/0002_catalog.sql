-- What is sold: products and plans, what is measured, features, credits. Money is in minor units.

CREATE TABLE products (
    tenant_no   INTEGER NOT NULL,
    id          TEXT NOT NULL,
    name        TEXT NOT NULL,
    slug        TEXT NOT NULL,
    description TEXT,
    image       TEXT,
    archived    INTEGER NOT NULL DEFAULT FALSE,
    metadata    TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_no, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX products_by_slug ON products (tenant_no, slug);

CREATE TABLE billable_metrics (
    tenant_no   INTEGER NOT NULL,
    id          TEXT NOT NULL,
    product_id  TEXT NOT NULL,
    event_name  TEXT NOT NULL,
    name        TEXT NOT NULL,
    aggregation TEXT NOT NULL CHECK (aggregation IN ('sum', 'count', 'max', 'unique')),
    property    TEXT,
    metadata    TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_no, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX billable_metrics_by_event ON billable_metrics (tenant_no, event_name);

CREATE TABLE credit_currencies (
    tenant_no        INTEGER NOT NULL,
    id               TEXT NOT NULL,
    slug             TEXT NOT NULL,
    name             TEXT NOT NULL,
    denomination     TEXT NOT NULL,
    minor_unit_scale INTEGER NOT NULL,
    top_up_min       INTEGER,
    top_up_max       INTEGER,
    metadata         TEXT NOT NULL,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    PRIMARY KEY (tenant_no, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX credit_currencies_by_slug ON credit_currencies (tenant_no, slug);

CREATE TABLE credit_packages (
    tenant_no          INTEGER NOT NULL,
    id                 TEXT NOT NULL,
    credit_currency_id TEXT NOT NULL,
    name               TEXT NOT NULL,
    credits            INTEGER NOT NULL,
    price              INTEGER NOT NULL,
    currency           TEXT NOT NULL,
    expires_after_days INTEGER,
    archived           INTEGER NOT NULL DEFAULT FALSE,
    metadata           TEXT NOT NULL,
    created_at         INTEGER NOT NULL,
    updated_at         INTEGER NOT NULL,
    PRIMARY KEY (tenant_no, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE features (
    tenant_no          INTEGER NOT NULL,
    id                 TEXT NOT NULL,
    product_id         TEXT NOT NULL,
    slug               TEXT NOT NULL,
    name               TEXT NOT NULL,
    type               TEXT NOT NULL CHECK (type IN ('boolean', 'metered', 'credit', 'config', 'enum')),
    metric_id          TEXT,
    credit_currency_id TEXT,
    credit_cost        TEXT,
    metadata           TEXT NOT NULL,
    created_at         INTEGER NOT NULL,
    updated_at         INTEGER NOT NULL,
    PRIMARY KEY (tenant_no, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX features_by_slug ON features (tenant_no, slug);

-- `charges`, `entitlements` and `grant_rules` are JSON as the API shows them.
CREATE TABLE plans (
    tenant_no        INTEGER NOT NULL,
    id               TEXT NOT NULL,
    product_id       TEXT NOT NULL,
    slug             TEXT NOT NULL,
    name             TEXT NOT NULL,
    description      TEXT,
    tier             INTEGER NOT NULL,
    status           TEXT NOT NULL CHECK (status IN ('draft', 'active', 'archived')),
    is_public        INTEGER NOT NULL,
    billing_interval TEXT NOT NULL CHECK (billing_interval IN ('month', 'year')),
    currency         TEXT NOT NULL,
    trial_days       INTEGER NOT NULL,
    charges          TEXT NOT NULL,
    entitlements     TEXT NOT NULL,
    grant_rules      TEXT NOT NULL,
    metadata         TEXT NOT NULL,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    PRIMARY KEY (tenant_no, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX plans_by_slug ON plans (tenant_no, slug);
CREATE INDEX plans_of_product ON plans (tenant_no, product_id, id);

-- A sandbox's test clock. While it advances, the node that holds the lease runs what falls due.
CREATE TABLE billing_clocks (
    tenant_no      INTEGER NOT NULL PRIMARY KEY,
    offset_seconds INTEGER NOT NULL DEFAULT 0,
    advancing_to   INTEGER,
    lease_until    INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE brandings (
    tenant_no      INTEGER NOT NULL PRIMARY KEY,
    name           TEXT,
    logo           TEXT,
    accent_color   TEXT,
    radius         INTEGER,
    support_email  TEXT,
    portal_origins TEXT NOT NULL,
    legal_name     TEXT,
    address        TEXT,
    tax_id         TEXT,
    tax_rate       TEXT,
    invoice_footer TEXT,
    updated_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
