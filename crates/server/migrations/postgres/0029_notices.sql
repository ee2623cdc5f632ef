-- The period end of a subscription that was announced ahead: the end of a trial, or a yearly renewal.
ALTER TABLE subscriptions ADD COLUMN noticed_end BIGINT NOT NULL DEFAULT 0;
CREATE INDEX subscriptions_trial_ends ON subscriptions (tenant_no, current_period_end)
    WHERE status = 'trialing' AND noticed_end <> current_period_end;
CREATE INDEX subscriptions_renewals ON subscriptions (tenant_no, current_period_end)
    WHERE billing_interval = 'year' AND noticed_end <> current_period_end;

-- The address that learns of what an operator has to mend, and e-mails to it, which have no customer.
ALTER TABLE email_settings ADD COLUMN alerts_to TEXT;
ALTER TABLE emails ALTER COLUMN customer_id DROP NOT NULL;
