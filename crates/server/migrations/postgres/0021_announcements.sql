-- What was announced once and is not announced again.

-- The level of a wallet's balance that an event announced, until the balance rises above it.
ALTER TABLE credit_accounts ADD COLUMN alerted TEXT NOT NULL DEFAULT 'none';

-- The limit that the usage of a window was announced to have reached.
ALTER TABLE usage_periods ADD COLUMN reached_limit BIGINT;

-- The expiry of a card that was announced, in months from the year 0.
ALTER TABLE payment_methods ADD COLUMN expiry_announced BIGINT NOT NULL DEFAULT 0;
CREATE INDEX payment_methods_expiring ON payment_methods (tenant_no, exp_year, exp_month)
    WHERE expiry_announced <> exp_year * 12 + exp_month;
