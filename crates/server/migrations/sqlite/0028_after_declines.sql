-- A payment method that the bank must not be asked for again is not charged off-session.
ALTER TABLE payment_methods ADD COLUMN declined_for_good INTEGER NOT NULL DEFAULT 0;

-- An environment's own settings of billing. A setting that is null is the installation's.
CREATE TABLE billing_settings (
    tenant_no          INTEGER NOT NULL PRIMARY KEY,
    after_lost_dispute TEXT,
    updated_at         INTEGER
) STRICT, WITHOUT ROWID;

-- Planned as by a large store, as all others are.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('billing_settings', 'billing_settings', '20 1');
ANALYZE sqlite_schema;
