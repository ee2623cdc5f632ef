ALTER TABLE customers ADD COLUMN erased_at INTEGER;
