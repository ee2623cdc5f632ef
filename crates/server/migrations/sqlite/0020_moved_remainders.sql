-- The remainder of an invoice that is too small to charge moves to the customer's next invoice.
ALTER TABLE invoices ADD COLUMN amount_moved INTEGER NOT NULL DEFAULT 0;

-- The tax of a credit note by rate, as JSON: the lines of its invoice may have several.
ALTER TABLE credit_notes ADD COLUMN taxes TEXT NOT NULL DEFAULT '[]';
