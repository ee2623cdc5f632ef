-- Setup forms that nobody has filled in: bounded for each customer, and deleted after a day.
CREATE INDEX sandbox_intents_open_setups ON sandbox_intents (tenant_no, customer, created_at)
    WHERE key IS NULL AND status = 'requires_form';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('sandbox_intents', 'sandbox_intents_open_setups', '10000 5000 5 1');
