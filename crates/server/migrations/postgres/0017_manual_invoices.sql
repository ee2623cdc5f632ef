-- Invoices that a backend writes: the list of reasons gets one more.
ALTER TABLE invoices DROP CONSTRAINT invoices_reason_check;
ALTER TABLE invoices ADD CONSTRAINT invoices_reason_check
    CHECK (reason IN ('create', 'renewal', 'usage', 'change', 'top_up', 'manual'));
