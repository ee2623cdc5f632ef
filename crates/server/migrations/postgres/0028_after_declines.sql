-- A payment method that the bank must not be asked for again is not charged off-session.
ALTER TABLE payment_methods ADD COLUMN declined_for_good BOOLEAN NOT NULL DEFAULT FALSE;

-- An environment's own settings of billing. A setting that is null is the installation's.
CREATE TABLE billing_settings (
    tenant_no          BIGINT NOT NULL PRIMARY KEY,
    after_lost_dispute TEXT COLLATE "C",
    updated_at         BIGINT
);
