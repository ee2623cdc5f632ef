-- The outbox. An event is recorded in the transaction of its change; `sequence` and `object` are set when
-- it is published. `no` ascends in the order in which the changes of one customer commit.
CREATE TABLE events (
    no          INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_no   INTEGER NOT NULL,
    id          TEXT NOT NULL,
    type        TEXT NOT NULL,
    object_id   TEXT NOT NULL,
    customer_id TEXT,
    endpoint_id TEXT,
    created_at  INTEGER NOT NULL,
    sequence    INTEGER,
    object      TEXT
) STRICT;
CREATE UNIQUE INDEX events_by_id ON events (id);
CREATE INDEX events_unpublished ON events (tenant_no, no) WHERE sequence IS NULL;
CREATE UNIQUE INDEX events_of_tenant ON events (tenant_no, sequence);
CREATE INDEX events_of_customer ON events (tenant_no, customer_id, sequence);

-- The last sequence number of a tenant's events, and the latest time of publication.
CREATE TABLE event_sequences (
    tenant_no    INTEGER NOT NULL PRIMARY KEY,
    last         INTEGER NOT NULL,
    published_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Whether events of minted and refreshed sessions are recorded.
ALTER TABLE tenants ADD COLUMN session_events INTEGER NOT NULL DEFAULT FALSE;

-- `sealed` holds the signing secrets; a deleted endpoint has none. The node that delivers to an endpoint
-- holds its lease.
CREATE TABLE webhook_endpoints (
    no             INTEGER PRIMARY KEY,
    tenant_no      INTEGER NOT NULL,
    id             TEXT NOT NULL,
    url            TEXT NOT NULL,
    description    TEXT NOT NULL,
    types          TEXT NOT NULL,
    sealed         BLOB,
    enabled        INTEGER NOT NULL,
    failing_since  INTEGER,
    leased_until   INTEGER NOT NULL DEFAULT 0,
    lease          TEXT NOT NULL DEFAULT '',
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    deleted_at     INTEGER
) STRICT;
CREATE UNIQUE INDEX webhook_endpoints_by_id ON webhook_endpoints (tenant_no, id);

-- `next_at` is when the next attempt is due; without it the delivery succeeded or was given up.
CREATE TABLE webhook_deliveries (
    id              TEXT NOT NULL PRIMARY KEY,
    tenant_no       INTEGER NOT NULL,
    endpoint_no     INTEGER NOT NULL,
    event_no        INTEGER NOT NULL,
    customer_id     TEXT,
    status          TEXT NOT NULL DEFAULT 'pending',
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_at         INTEGER,
    attempted_at    INTEGER,
    response_status INTEGER,
    response_body   TEXT,
    error           TEXT,
    created_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX webhook_deliveries_of_event ON webhook_deliveries (endpoint_no, event_no);
CREATE INDEX webhook_deliveries_of_endpoint ON webhook_deliveries (endpoint_no, id);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_no, next_at, event_no)
    WHERE next_at IS NOT NULL;

-- Planned as by a large store, as all others are.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('events', 'events_by_id', '1000000 1'),
    ('events', 'events_unpublished', '1000 500 1'),
    ('events', 'events_of_tenant', '1000000 500000 1'),
    ('events', 'events_of_customer', '1000000 500000 50 1'),
    ('event_sequences', 'event_sequences', '20 1'),
    ('webhook_endpoints', 'webhook_endpoints_by_id', '200 20 1'),
    ('webhook_deliveries', 'webhook_deliveries', '1000000 1'),
    ('webhook_deliveries', 'webhook_deliveries_of_event', '1000000 50000 1'),
    ('webhook_deliveries', 'webhook_deliveries_of_endpoint', '1000000 50000 1'),
    ('webhook_deliveries', 'webhook_deliveries_due', '100000 5000 5 1');
ANALYZE sqlite_schema;
