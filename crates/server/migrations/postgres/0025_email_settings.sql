-- The settings of an environment for its e-mail. `disabled_kinds` are names, separated by spaces.
CREATE TABLE email_settings (
    tenant_no      BIGINT NOT NULL PRIMARY KEY,
    sender         TEXT,
    reply_to       TEXT,
    disabled_kinds TEXT NOT NULL,
    updated_at     BIGINT
);
