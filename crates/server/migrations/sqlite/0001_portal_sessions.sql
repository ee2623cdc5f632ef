-- Times are microseconds since the epoch, UTC. A tenant is one organization in one environment.

CREATE TABLE store_facts (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE organizations (
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    suspended  INTEGER NOT NULL DEFAULT FALSE,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tenants (
    no              INTEGER PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    env             TEXT NOT NULL CHECK (env IN ('sandbox', 'live')),
    UNIQUE (organization_id, env)
) STRICT;

-- One `active` and one `next` key at any time; `retiring` ones still verify.
CREATE TABLE signing_keys (
    kid          TEXT    NOT NULL PRIMARY KEY,
    status       TEXT    NOT NULL CHECK (status IN ('next', 'active', 'retiring', 'revoked', 'removed')),
    public_key   BLOB    NOT NULL,
    sealed_seed  BLOB,
    created_at   INTEGER NOT NULL,
    activated_at INTEGER,
    ended_at     INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX signing_keys_active ON signing_keys (status) WHERE status = 'active';
CREATE UNIQUE INDEX signing_keys_next ON signing_keys (status) WHERE status = 'next';

CREATE TABLE api_keys (
    id               TEXT    NOT NULL PRIMARY KEY,
    tenant_no        INTEGER NOT NULL REFERENCES tenants (no),
    kind             TEXT    NOT NULL CHECK (kind IN ('secret', 'publishable')),
    name             TEXT    NOT NULL,
    scopes           TEXT    NOT NULL,
    secret_digest    BLOB    NOT NULL,
    last_four        TEXT    NOT NULL,
    created_at       INTEGER NOT NULL,
    expires_at       INTEGER,
    last_used_at     INTEGER,
    revoked_at       INTEGER,
    sessions_revoked INTEGER NOT NULL DEFAULT FALSE
) STRICT, WITHOUT ROWID;
CREATE INDEX api_keys_of_tenant ON api_keys (tenant_no, id);

-- `generation` rises with every revocation of all sessions; it never falls.
CREATE TABLE customers (
    no          INTEGER PRIMARY KEY,
    tenant_no   INTEGER NOT NULL REFERENCES tenants (no),
    id          TEXT    NOT NULL,
    external_id TEXT,
    name        TEXT    NOT NULL,
    email       TEXT    NOT NULL,
    metadata    TEXT    NOT NULL,
    archived_at INTEGER,
    generation  INTEGER NOT NULL DEFAULT 0,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX customers_by_id ON customers (tenant_no, id);
CREATE UNIQUE INDEX customers_by_external_id ON customers (tenant_no, external_id) WHERE external_id IS NOT NULL;

-- When and why each generation of a customer's sessions ended.
CREATE TABLE ended_generations (
    customer_no INTEGER NOT NULL,
    generation  INTEGER NOT NULL,
    ended_at    INTEGER NOT NULL,
    reason      TEXT    NOT NULL,
    PRIMARY KEY (customer_no, generation)
) STRICT, WITHOUT ROWID;

-- The authority on portal sessions: digests of the current token and of its predecessor, no token.
-- It declares no references: what it names is never deleted, and checking them on each insert would
-- lock the few rows that every mint names.
CREATE TABLE portal_sessions (
    sid                 TEXT    NOT NULL PRIMARY KEY,
    tenant_no           INTEGER NOT NULL,
    customer_no         INTEGER NOT NULL,
    generation          INTEGER NOT NULL,
    api_key_id          TEXT    NOT NULL,
    scopes              TEXT    NOT NULL,
    allowed_origins     TEXT    NOT NULL,
    metadata            TEXT    NOT NULL,
    created_at          INTEGER NOT NULL,
    ttl_seconds         INTEGER NOT NULL,
    absolute_expires_at INTEGER NOT NULL,
    refresh_count       INTEGER NOT NULL DEFAULT 0,
    kid                 TEXT    NOT NULL,
    digest              BLOB    NOT NULL,
    issued_at           INTEGER NOT NULL,
    expires_at          INTEGER NOT NULL,
    previous_kid        TEXT,
    previous_digest     BLOB,
    previous_issued_at  INTEGER,
    previous_expires_at INTEGER,
    revoked_at          INTEGER,
    revoked_reason      TEXT,
    page                TEXT,
    code_used_at        INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX portal_sessions_of_tenant ON portal_sessions (tenant_no, sid);
CREATE INDEX portal_sessions_of_customer ON portal_sessions (tenant_no, customer_no, sid);

-- `caller` is an API key or, for a portal token, a customer.
CREATE TABLE idempotency_records (
    caller     TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    request    BLOB    NOT NULL,
    response   TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (caller, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_records_by_age ON idempotency_records (created_at);

CREATE TABLE audit_events (
    id          TEXT    NOT NULL PRIMARY KEY,
    tenant_no   INTEGER NOT NULL,
    actor_type  TEXT    NOT NULL,
    actor_id    TEXT,
    action      TEXT    NOT NULL,
    target_id   TEXT    NOT NULL,
    customer_id TEXT,
    detail      TEXT    NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_events_of_tenant ON audit_events (tenant_no, id);
CREATE INDEX audit_events_of_customer ON audit_events (tenant_no, customer_id, id);
