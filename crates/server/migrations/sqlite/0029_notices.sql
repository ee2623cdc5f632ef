-- The period end of a subscription that was announced ahead: the end of a trial, or a yearly renewal.
ALTER TABLE subscriptions ADD COLUMN noticed_end INTEGER NOT NULL DEFAULT 0;
CREATE INDEX subscriptions_trial_ends ON subscriptions (tenant_no, current_period_end)
    WHERE status = 'trialing' AND noticed_end <> current_period_end;
CREATE INDEX subscriptions_renewals ON subscriptions (tenant_no, current_period_end)
    WHERE billing_interval = 'year' AND noticed_end <> current_period_end;

-- The address that learns of what an operator has to mend, and e-mails to it, which have no customer. SQLite
-- needs a new table for that.
ALTER TABLE email_settings ADD COLUMN alerts_to TEXT;
CREATE TABLE emails_anew (
    id          TEXT NOT NULL PRIMARY KEY,
    tenant_no   INTEGER NOT NULL,
    customer_id TEXT,
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
INSERT INTO emails_anew
    SELECT id, tenant_no, customer_id, kind, object_id, status, recipient, attempts, next_at, claim, error, created_at,
    sent_at FROM emails;
DROP TABLE emails;
ALTER TABLE emails_anew RENAME TO emails;
CREATE INDEX emails_of_tenant ON emails (tenant_no, id);
CREATE INDEX emails_of_customer ON emails (tenant_no, customer_id, id);
CREATE INDEX emails_due ON emails (next_at, id) WHERE next_at IS NOT NULL;

-- Planned as by a large store, as before.
DELETE FROM sqlite_stat1 WHERE tbl IN ('emails', 'emails_anew');
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('subscriptions', 'subscriptions_trial_ends', '20000 1000 1'),
    ('subscriptions', 'subscriptions_renewals', '100000 5000 1'),
    ('emails', 'emails', '1000000 1'),
    ('emails', 'emails_of_tenant', '1000000 500000 1'),
    ('emails', 'emails_of_customer', '1000000 500000 50 1'),
    ('emails', 'emails_due', '1000 10 1');
ANALYZE sqlite_schema;
