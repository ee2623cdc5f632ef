-- The outbox. An event is recorded in the transaction of its change; `sequence` and `object` are set when
-- it is published. `no` ascends in the order in which the changes of one customer commit.
CREATE TABLE events (
    no          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_no   BIGINT NOT NULL,
    id          TEXT NOT NULL,
    type        TEXT NOT NULL,
    object_id   TEXT NOT NULL,
    customer_id TEXT,
    endpoint_id TEXT,
    created_at  BIGINT NOT NULL,
    sequence    BIGINT,
    object      TEXT
);
CREATE UNIQUE INDEX events_by_id ON events (id);
CREATE INDEX events_unpublished ON events (tenant_no, no) WHERE sequence IS NULL;
CREATE UNIQUE INDEX events_of_tenant ON events (tenant_no, sequence);
CREATE INDEX events_of_customer ON events (tenant_no, customer_id, sequence);

-- The last sequence number of a tenant's events, and the latest time of publication.
CREATE TABLE event_sequences (
    tenant_no    BIGINT NOT NULL PRIMARY KEY,
    last         BIGINT NOT NULL,
    published_at BIGINT NOT NULL
);

-- Whether events of minted and refreshed sessions are recorded.
ALTER TABLE tenants ADD COLUMN session_events BOOLEAN NOT NULL DEFAULT FALSE;

-- `sealed` holds the signing secrets; a deleted endpoint has none. The node that delivers to an endpoint
-- holds its lease.
CREATE TABLE webhook_endpoints (
    no             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_no      BIGINT NOT NULL,
    id             TEXT NOT NULL,
    url            TEXT NOT NULL,
    description    TEXT NOT NULL,
    types          TEXT NOT NULL,
    sealed         BYTEA,
    enabled        BOOLEAN NOT NULL,
    failing_since  BIGINT,
    leased_until   BIGINT NOT NULL DEFAULT 0,
    lease          TEXT NOT NULL DEFAULT '',
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    deleted_at     BIGINT
);
CREATE UNIQUE INDEX webhook_endpoints_by_id ON webhook_endpoints (tenant_no, id);

-- `next_at` is when the next attempt is due; without it the delivery succeeded or was given up.
CREATE TABLE webhook_deliveries (
    id              TEXT NOT NULL PRIMARY KEY,
    tenant_no       BIGINT NOT NULL,
    endpoint_no     BIGINT NOT NULL,
    event_no        BIGINT NOT NULL,
    customer_id     TEXT,
    status          TEXT NOT NULL DEFAULT 'pending',
    attempts        BIGINT NOT NULL DEFAULT 0,
    next_at         BIGINT,
    attempted_at    BIGINT,
    response_status BIGINT,
    response_body   TEXT,
    error           TEXT,
    created_at      BIGINT NOT NULL
);
CREATE UNIQUE INDEX webhook_deliveries_of_event ON webhook_deliveries (endpoint_no, event_no);
CREATE INDEX webhook_deliveries_of_endpoint ON webhook_deliveries (endpoint_no, id);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_no, next_at, event_no)
    WHERE next_at IS NOT NULL;
