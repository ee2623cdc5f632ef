-- Credits of paid windows that were used before their time and that later windows still deduct.
ALTER TABLE credit_accounts ADD COLUMN used_early INTEGER NOT NULL DEFAULT 0;
