-- E-mails to customers. `next_at` is when the next attempt is due; without it the e-mail was sent or given
-- up. A node that attempts one puts `next_at` off and writes its `claim`.
CREATE TABLE emails (
    id          TEXT NOT NULL PRIMARY KEY,
    tenant_no   BIGINT NOT NULL,
    customer_id TEXT NOT NULL,
    kind        TEXT NOT NULL,
    object_id   TEXT NOT NULL,
    status      TEXT NOT NULL DEFAULT 'pending',
    recipient   TEXT,
    attempts    BIGINT NOT NULL DEFAULT 0,
    next_at     BIGINT,
    claim       TEXT NOT NULL DEFAULT '',
    error       TEXT,
    created_at  BIGINT NOT NULL,
    sent_at     BIGINT
);
CREATE INDEX emails_of_tenant ON emails (tenant_no, id);
CREATE INDEX emails_of_customer ON emails (tenant_no, customer_id, id);
CREATE INDEX emails_due ON emails (next_at, id) WHERE next_at IS NOT NULL;

-- Addresses that an SMTP server refused for good.
CREATE TABLE paused_addresses (
    tenant_no  BIGINT NOT NULL,
    address    TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_no, address)
);
