-- What is sold: products and plans, what is measured, features, credits. Money is in minor units.

CREATE TABLE products (
    tenant_no   BIGINT NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    slug        TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C",
    image       TEXT COLLATE "C",
    archived    BOOLEAN NOT NULL DEFAULT FALSE,
    metadata    TEXT COLLATE "C" NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant_no, id)
);
CREATE UNIQUE INDEX products_by_slug ON products (tenant_no, slug);

CREATE TABLE billable_metrics (
    tenant_no   BIGINT NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    product_id  TEXT COLLATE "C" NOT NULL,
    event_name  TEXT COLLATE "C" NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    aggregation TEXT COLLATE "C" NOT NULL CHECK (aggregation IN ('sum', 'count', 'max', 'unique')),
    property    TEXT COLLATE "C",
    metadata    TEXT COLLATE "C" NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant_no, id)
);
CREATE INDEX billable_metrics_by_event ON billable_metrics (tenant_no, event_name);

CREATE TABLE credit_currencies (
    tenant_no        BIGINT NOT NULL,
    id               TEXT COLLATE "C" NOT NULL,
    slug             TEXT COLLATE "C" NOT NULL,
    name             TEXT COLLATE "C" NOT NULL,
    denomination     TEXT COLLATE "C" NOT NULL,
    minor_unit_scale BIGINT NOT NULL,
    top_up_min       BIGINT,
    top_up_max       BIGINT,
    metadata         TEXT COLLATE "C" NOT NULL,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    PRIMARY KEY (tenant_no, id)
);
CREATE UNIQUE INDEX credit_currencies_by_slug ON credit_currencies (tenant_no, slug);

CREATE TABLE credit_packages (
    tenant_no          BIGINT NOT NULL,
    id                 TEXT COLLATE "C" NOT NULL,
    credit_currency_id TEXT COLLATE "C" NOT NULL,
    name               TEXT COLLATE "C" NOT NULL,
    credits            BIGINT NOT NULL,
    price              BIGINT NOT NULL,
    currency           TEXT COLLATE "C" NOT NULL,
    expires_after_days BIGINT,
    archived           BOOLEAN NOT NULL DEFAULT FALSE,
    metadata           TEXT COLLATE "C" NOT NULL,
    created_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL,
    PRIMARY KEY (tenant_no, id)
);

CREATE TABLE features (
    tenant_no          BIGINT NOT NULL,
    id                 TEXT COLLATE "C" NOT NULL,
    product_id         TEXT COLLATE "C" NOT NULL,
    slug               TEXT COLLATE "C" NOT NULL,
    name               TEXT COLLATE "C" NOT NULL,
    type               TEXT COLLATE "C" NOT NULL CHECK (type IN ('boolean', 'metered', 'credit', 'config', 'enum')),
    metric_id          TEXT COLLATE "C",
    credit_currency_id TEXT COLLATE "C",
    credit_cost        TEXT COLLATE "C",
    metadata           TEXT COLLATE "C" NOT NULL,
    created_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL,
    PRIMARY KEY (tenant_no, id)
);
CREATE UNIQUE INDEX features_by_slug ON features (tenant_no, slug);

-- `charges`, `entitlements` and `grant_rules` are JSON as the API shows them.
CREATE TABLE plans (
    tenant_no        BIGINT NOT NULL,
    id               TEXT COLLATE "C" NOT NULL,
    product_id       TEXT COLLATE "C" NOT NULL,
    slug             TEXT COLLATE "C" NOT NULL,
    name             TEXT COLLATE "C" NOT NULL,
    description      TEXT COLLATE "C",
    tier             BIGINT NOT NULL,
    status           TEXT COLLATE "C" NOT NULL CHECK (status IN ('draft', 'active', 'archived')),
    is_public        BOOLEAN NOT NULL,
    billing_interval TEXT COLLATE "C" NOT NULL CHECK (billing_interval IN ('month', 'year')),
    currency         TEXT COLLATE "C" NOT NULL,
    trial_days       BIGINT NOT NULL,
    charges          TEXT COLLATE "C" NOT NULL,
    entitlements     TEXT COLLATE "C" NOT NULL,
    grant_rules      TEXT COLLATE "C" NOT NULL,
    metadata         TEXT COLLATE "C" NOT NULL,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    PRIMARY KEY (tenant_no, id)
);
CREATE UNIQUE INDEX plans_by_slug ON plans (tenant_no, slug);
CREATE INDEX plans_of_product ON plans (tenant_no, product_id, id);

-- A sandbox's test clock. While it advances, the node that holds the lease runs what falls due.
CREATE TABLE billing_clocks (
    tenant_no      BIGINT NOT NULL PRIMARY KEY,
    offset_seconds BIGINT NOT NULL DEFAULT 0,
    advancing_to   BIGINT,
    lease_until    BIGINT
);

CREATE TABLE brandings (
    tenant_no      BIGINT NOT NULL PRIMARY KEY,
    name           TEXT COLLATE "C",
    logo           TEXT COLLATE "C",
    accent_color   TEXT COLLATE "C",
    radius         BIGINT,
    support_email  TEXT COLLATE "C",
    portal_origins TEXT COLLATE "C" NOT NULL,
    legal_name     TEXT COLLATE "C",
    address        TEXT COLLATE "C",
    tax_id         TEXT COLLATE "C",
    tax_rate       TEXT COLLATE "C",
    invoice_footer TEXT COLLATE "C",
    updated_at     BIGINT NOT NULL
);
