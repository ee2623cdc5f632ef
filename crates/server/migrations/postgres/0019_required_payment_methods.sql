-- A plan with any price needs a payment method at its start, unless it says otherwise.
ALTER TABLE plans ADD COLUMN require_payment_method BOOLEAN NOT NULL DEFAULT TRUE;
