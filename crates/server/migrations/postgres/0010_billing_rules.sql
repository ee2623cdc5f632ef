-- Until when the last usage window of an ended subscription accepts late events; then it is billed.
ALTER TABLE subscriptions ADD COLUMN usage_grace_until BIGINT;

-- The date of the last number: numbers and dates never run against each other.
ALTER TABLE invoice_numbers ADD COLUMN last_issued_at BIGINT NOT NULL DEFAULT 0;

-- One-off charges, each once for a customer and plan, ever.
CREATE TABLE one_off_charges (
    customer_no BIGINT NOT NULL,
    plan_id     TEXT COLLATE "C" NOT NULL,
    charged_at  BIGINT NOT NULL,
    PRIMARY KEY (customer_no, plan_id)
);
INSERT INTO one_off_charges (customer_no, plan_id, charged_at)
    SELECT customer_no, plan_id, MIN(created_at) FROM subscriptions
    WHERE status IN ('active', 'past_due', 'canceled') AND current_period_start IS NOT NULL
    AND (trial_end IS NULL OR canceled_at IS NULL OR canceled_at > trial_end) GROUP BY customer_no, plan_id;

-- Why billing cannot go on with a subscription until somebody looks at it.
ALTER TABLE subscriptions ADD COLUMN attention TEXT;
