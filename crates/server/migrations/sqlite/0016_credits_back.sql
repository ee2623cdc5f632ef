-- The grant of a purchase, and what a credit note of its invoice took back of it.
ALTER TABLE credit_top_ups ADD COLUMN grant_id TEXT;
ALTER TABLE credit_notes ADD COLUMN credits_taken_back INTEGER;
ALTER TABLE credit_notes ADD COLUMN credits_used INTEGER;
