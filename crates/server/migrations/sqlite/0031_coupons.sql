-- Coupons. Their terms never change; `plan_ids` is empty if a coupon is for every plan.
CREATE TABLE coupons (
    tenant_no           INTEGER NOT NULL,
    id                  TEXT NOT NULL,
    name                TEXT NOT NULL,
    percent_off         INTEGER,
    amount_off          INTEGER,
    currency            TEXT,
    duration            TEXT NOT NULL,
    duration_in_periods INTEGER,
    plan_ids            TEXT NOT NULL,
    starts_at           INTEGER,
    ends_at             INTEGER,
    max_redemptions     INTEGER,
    times_redeemed      INTEGER NOT NULL,
    archived            INTEGER NOT NULL,
    metadata            TEXT NOT NULL,
    created_at          INTEGER NOT NULL,
    updated_at          INTEGER NOT NULL,
    PRIMARY KEY (tenant_no, id)
) STRICT, WITHOUT ROWID;

-- Codes that customers type. `code` is upper case.
CREATE TABLE promotion_codes (
    tenant_no       INTEGER NOT NULL,
    id              TEXT NOT NULL,
    code            TEXT NOT NULL,
    coupon_id       TEXT NOT NULL,
    active          INTEGER NOT NULL,
    expires_at      INTEGER,
    max_redemptions INTEGER,
    times_redeemed  INTEGER NOT NULL,
    first_time_only INTEGER NOT NULL,
    metadata        TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    PRIMARY KEY (tenant_no, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX promotion_codes_by_code ON promotion_codes (tenant_no, code);
CREATE INDEX promotion_codes_of_coupon ON promotion_codes (tenant_no, coupon_id, id);

-- A customer redeems a coupon once. A redemption is reserved while a form is open, and settled with its
-- payment; one that is given up is deleted.
CREATE TABLE coupon_redemptions (
    tenant_no         INTEGER NOT NULL,
    customer_no       INTEGER NOT NULL,
    coupon_id         TEXT NOT NULL,
    id                TEXT NOT NULL,
    promotion_code_id TEXT,
    subscription_id   TEXT NOT NULL,
    settled           INTEGER NOT NULL,
    created_at        INTEGER NOT NULL,
    PRIMARY KEY (tenant_no, customer_no, coupon_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX coupon_redemptions_by_id ON coupon_redemptions (tenant_no, id);

-- The discount of a subscription, and the discount that the price of its current period has, as JSON.
ALTER TABLE subscriptions ADD COLUMN discount TEXT NOT NULL DEFAULT 'null';
ALTER TABLE subscriptions ADD COLUMN period_discount TEXT NOT NULL DEFAULT 'null';

-- Planned as by a large store, as all others are.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('coupons', 'coupons', '10000 500 1'),
    ('promotion_codes', 'promotion_codes', '100000 5000 1'),
    ('promotion_codes', 'promotion_codes_by_code', '100000 5000 1'),
    ('promotion_codes', 'promotion_codes_of_coupon', '100000 5000 10 1'),
    ('coupon_redemptions', 'coupon_redemptions', '1000000 500000 2 1'),
    ('coupon_redemptions', 'coupon_redemptions_by_id', '1000000 500000 1');
ANALYZE sqlite_schema;
