-- Times are microseconds since the epoch, UTC. A tenant is one organization in one environment.

CREATE TABLE store_facts (
    name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value BYTEA NOT NULL
);

CREATE TABLE organizations (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL UNIQUE,
    suspended  BOOLEAN NOT NULL DEFAULT FALSE,
    created_at BIGINT NOT NULL
);

CREATE TABLE tenants (
    no              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id),
    env             TEXT COLLATE "C" NOT NULL CHECK (env IN ('sandbox', 'live')),
    UNIQUE (organization_id, env)
);

-- One `active` and one `next` key at any time; `retiring` ones still verify.
CREATE TABLE signing_keys (
    kid          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    status       TEXT COLLATE "C" NOT NULL CHECK (status IN ('next', 'active', 'retiring', 'revoked', 'removed')),
    public_key   BYTEA    NOT NULL,
    sealed_seed  BYTEA,
    created_at   BIGINT NOT NULL,
    activated_at BIGINT,
    ended_at     BIGINT
);
CREATE UNIQUE INDEX signing_keys_active ON signing_keys (status) WHERE status = 'active';
CREATE UNIQUE INDEX signing_keys_next ON signing_keys (status) WHERE status = 'next';

CREATE TABLE api_keys (
    id               TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant_no        BIGINT NOT NULL REFERENCES tenants (no),
    kind             TEXT COLLATE "C" NOT NULL CHECK (kind IN ('secret', 'publishable')),
    name             TEXT COLLATE "C" NOT NULL,
    scopes           TEXT COLLATE "C" NOT NULL,
    secret_digest    BYTEA    NOT NULL,
    last_four        TEXT COLLATE "C" NOT NULL,
    created_at       BIGINT NOT NULL,
    expires_at       BIGINT,
    last_used_at     BIGINT,
    revoked_at       BIGINT,
    sessions_revoked BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX api_keys_of_tenant ON api_keys (tenant_no, id);

-- `generation` rises with every revocation of all sessions; it never falls.
CREATE TABLE customers (
    no          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_no   BIGINT NOT NULL REFERENCES tenants (no),
    id          TEXT COLLATE "C" NOT NULL,
    external_id TEXT COLLATE "C",
    name        TEXT COLLATE "C" NOT NULL,
    email       TEXT COLLATE "C" NOT NULL,
    metadata    TEXT COLLATE "C" NOT NULL,
    archived_at BIGINT,
    generation  BIGINT NOT NULL DEFAULT 0,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE UNIQUE INDEX customers_by_id ON customers (tenant_no, id);
CREATE UNIQUE INDEX customers_by_external_id ON customers (tenant_no, external_id) WHERE external_id IS NOT NULL;

-- When and why each generation of a customer's sessions ended.
CREATE TABLE ended_generations (
    customer_no BIGINT NOT NULL,
    generation  BIGINT NOT NULL,
    ended_at    BIGINT NOT NULL,
    reason      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (customer_no, generation)
);

-- The authority on portal sessions: digests of the current token and of its predecessor, no token.
-- It declares no references: what it names is never deleted, and checking them on each insert would
-- lock the few rows that every mint names.
CREATE TABLE portal_sessions (
    sid                 TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant_no           BIGINT NOT NULL,
    customer_no         BIGINT NOT NULL,
    generation          BIGINT NOT NULL,
    api_key_id          TEXT COLLATE "C" NOT NULL,
    scopes              TEXT COLLATE "C" NOT NULL,
    allowed_origins     TEXT COLLATE "C" NOT NULL,
    metadata            TEXT COLLATE "C" NOT NULL,
    created_at          BIGINT NOT NULL,
    ttl_seconds         BIGINT NOT NULL,
    absolute_expires_at BIGINT NOT NULL,
    refresh_count       BIGINT NOT NULL DEFAULT 0,
    kid                 TEXT COLLATE "C" NOT NULL,
    digest              BYTEA    NOT NULL,
    issued_at           BIGINT NOT NULL,
    expires_at          BIGINT NOT NULL,
    previous_kid        TEXT COLLATE "C",
    previous_digest     BYTEA,
    previous_issued_at  BIGINT,
    previous_expires_at BIGINT,
    revoked_at          BIGINT,
    revoked_reason      TEXT COLLATE "C",
    page                TEXT COLLATE "C",
    code_used_at        BIGINT
);
CREATE INDEX portal_sessions_of_tenant ON portal_sessions (tenant_no, sid);
CREATE INDEX portal_sessions_of_customer ON portal_sessions (tenant_no, customer_no, sid);

-- `caller` is an API key or, for a portal token, a customer.
CREATE TABLE idempotency_records (
    caller     TEXT COLLATE "C" NOT NULL,
    key        TEXT COLLATE "C" NOT NULL,
    request    BYTEA    NOT NULL,
    response   TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (caller, key)
);
CREATE INDEX idempotency_records_by_age ON idempotency_records (created_at);

CREATE TABLE audit_events (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant_no   BIGINT NOT NULL,
    actor_type  TEXT COLLATE "C" NOT NULL,
    actor_id    TEXT COLLATE "C",
    action      TEXT COLLATE "C" NOT NULL,
    target_id   TEXT COLLATE "C" NOT NULL,
    customer_id TEXT COLLATE "C",
    detail      TEXT COLLATE "C" NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE INDEX audit_events_of_tenant ON audit_events (tenant_no, id);
CREATE INDEX audit_events_of_customer ON audit_events (tenant_no, customer_id, id);
