-- The accounts of tenants at payment processors. The secrets are sealed with the master key; without
-- them the tenant is disconnected, and its account is remembered: its customers are known there only.
CREATE TABLE processor_accounts (
    tenant_no       BIGINT NOT NULL PRIMARY KEY,
    processor       TEXT NOT NULL,
    endpoint        TEXT NOT NULL,
    version         TEXT NOT NULL,
    account         TEXT NOT NULL,
    last_four       TEXT NOT NULL,
    publishable_key TEXT NOT NULL,
    sealed          BYTEA,
    polled_to       BIGINT NOT NULL,
    poll_at         BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL
);
CREATE UNIQUE INDEX processor_accounts_by_endpoint ON processor_accounts (endpoint);

-- Events of processors. `next_at` is when any node may apply one; without it the event was applied, and
-- its body is empty.
CREATE TABLE processor_events (
    tenant_no   BIGINT NOT NULL,
    id          TEXT NOT NULL,
    processor   TEXT NOT NULL,
    body        TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    next_at     BIGINT,
    PRIMARY KEY (tenant_no, id)
);
CREATE INDEX processor_events_due ON processor_events (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX processor_events_by_age ON processor_events (received_at);

-- A processor's reference is unique within one tenant's account.
DROP INDEX processor_customers_by_reference;
CREATE UNIQUE INDEX processor_customers_by_reference
    ON processor_customers (tenant_no, processor, reference);
