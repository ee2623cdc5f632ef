-- Coupons. Their terms never change; `plan_ids` is empty if a coupon is for every plan.
CREATE TABLE coupons (
    tenant_no           BIGINT NOT NULL,
    id                  TEXT COLLATE "C" NOT NULL,
    name                TEXT COLLATE "C" NOT NULL,
    percent_off         BIGINT,
    amount_off          BIGINT,
    currency            TEXT COLLATE "C",
    duration            TEXT COLLATE "C" NOT NULL,
    duration_in_periods BIGINT,
    plan_ids            TEXT COLLATE "C" NOT NULL,
    starts_at           BIGINT,
    ends_at             BIGINT,
    max_redemptions     BIGINT,
    times_redeemed      BIGINT NOT NULL,
    archived            BOOLEAN NOT NULL,
    metadata            TEXT COLLATE "C" NOT NULL,
    created_at          BIGINT NOT NULL,
    updated_at          BIGINT NOT NULL,
    PRIMARY KEY (tenant_no, id)
);

-- Codes that customers type. `code` is upper case.
CREATE TABLE promotion_codes (
    tenant_no       BIGINT NOT NULL,
    id              TEXT COLLATE "C" NOT NULL,
    code            TEXT COLLATE "C" NOT NULL,
    coupon_id       TEXT COLLATE "C" NOT NULL,
    active          BOOLEAN NOT NULL,
    expires_at      BIGINT,
    max_redemptions BIGINT,
    times_redeemed  BIGINT NOT NULL,
    first_time_only BOOLEAN NOT NULL,
    metadata        TEXT COLLATE "C" NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    PRIMARY KEY (tenant_no, id)
);
CREATE UNIQUE INDEX promotion_codes_by_code ON promotion_codes (tenant_no, code);
CREATE INDEX promotion_codes_of_coupon ON promotion_codes (tenant_no, coupon_id, id);

-- A customer redeems a coupon once. A redemption is reserved while a form is open, and settled with its
-- payment; one that is given up is deleted.
CREATE TABLE coupon_redemptions (
    tenant_no         BIGINT NOT NULL,
    customer_no       BIGINT NOT NULL,
    coupon_id         TEXT COLLATE "C" NOT NULL,
    id                TEXT COLLATE "C" NOT NULL,
    promotion_code_id TEXT COLLATE "C",
    subscription_id   TEXT COLLATE "C" NOT NULL,
    settled           BOOLEAN NOT NULL,
    created_at        BIGINT NOT NULL,
    PRIMARY KEY (tenant_no, customer_no, coupon_id)
);
CREATE UNIQUE INDEX coupon_redemptions_by_id ON coupon_redemptions (tenant_no, id);

-- The discount of a subscription, and the discount that the price of its current period has, as JSON.
ALTER TABLE subscriptions ADD COLUMN discount TEXT COLLATE "C" NOT NULL DEFAULT 'null';
ALTER TABLE subscriptions ADD COLUMN period_discount TEXT COLLATE "C" NOT NULL DEFAULT 'null';
