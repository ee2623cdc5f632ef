-- The start of a grant's window, or of the part of it that it was granted for: an upgrade grants a
-- share of the rest, and a window that waits for its payment is granted once.
ALTER TABLE credit_grants ADD COLUMN starts_at BIGINT NOT NULL DEFAULT 0;
UPDATE credit_grants SET starts_at = created_at;
