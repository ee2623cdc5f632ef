-- E-mails to customers. `next_at` is when the next attempt is due; without it the e-mail was sent or given
-- up. A node that attempts one puts `next_at` off and writes its `claim`.
CREATE TABLE emails (
    id          TEXT NOT NULL PRIMARY KEY,
    tenant_no   INTEGER NOT NULL,
    customer_id TEXT NOT NULL,
    kind        TEXT NOT NULL,
    object_id   TEXT NOT NULL,
    status      TEXT NOT NULL DEFAULT 'pending',
    recipient   TEXT,
    attempts    INTEGER NOT NULL DEFAULT 0,
    next_at     INTEGER,
    claim       TEXT NOT NULL DEFAULT '',
    error       TEXT,
    created_at  INTEGER NOT NULL,
    sent_at     INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX emails_of_tenant ON emails (tenant_no, id);
CREATE INDEX emails_of_customer ON emails (tenant_no, customer_id, id);
CREATE INDEX emails_due ON emails (next_at, id) WHERE next_at IS NOT NULL;

-- Addresses that an SMTP server refused for good.
CREATE TABLE paused_addresses (
    tenant_no  INTEGER NOT NULL,
    address    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_no, address)
) STRICT, WITHOUT ROWID;

-- Planned as by a large store, as all others are.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('emails', 'emails', '1000000 1'),
    ('emails', 'emails_of_tenant', '1000000 500000 1'),
    ('emails', 'emails_of_customer', '1000000 500000 50 1'),
    ('emails', 'emails_due', '1000 10 1'),
    ('paused_addresses', 'paused_addresses', '10000 500 1');
ANALYZE sqlite_schema;
