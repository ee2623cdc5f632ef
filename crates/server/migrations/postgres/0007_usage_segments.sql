-- Usage is rated in segments. `rated_*` is the quantity at which the open segment of a window began, and
-- `rated_until` the instant: what lies below is on an invoice or waits for one. Rows with `in_credits` are
-- never billed: credits paid for them, or they lie in a trial or before the subscription began.
ALTER TABLE usage_periods ADD COLUMN rated_whole BIGINT NOT NULL DEFAULT 0;
ALTER TABLE usage_periods ADD COLUMN rated_millionths BIGINT NOT NULL DEFAULT 0;
ALTER TABLE usage_periods ADD COLUMN rated_until BIGINT;

-- When a subscription began, with its trial if it has one. A pending one has not begun.
ALTER TABLE subscriptions ADD COLUMN started_at BIGINT;
UPDATE subscriptions SET started_at = created_at WHERE status <> 'pending';
