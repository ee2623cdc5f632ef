-- Texts of a customer for its invoices, and the currency that a seller declares its taxes in.
ALTER TABLE customer_billing ADD COLUMN tax_exempt_reason TEXT;
ALTER TABLE customer_billing ADD COLUMN po_number TEXT;
ALTER TABLE customer_billing ADD COLUMN notes TEXT;
ALTER TABLE brandings ADD COLUMN tax_declaration TEXT;
