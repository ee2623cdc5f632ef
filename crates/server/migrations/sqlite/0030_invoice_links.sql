-- The invoice that a session is bound to: it reaches nothing else. NULL for all other sessions.
ALTER TABLE portal_sessions ADD COLUMN invoice_id TEXT;
