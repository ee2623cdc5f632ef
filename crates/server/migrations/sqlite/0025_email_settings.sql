-- The settings of an environment for its e-mail. `disabled_kinds` are names, separated by spaces.
CREATE TABLE email_settings (
    tenant_no      INTEGER NOT NULL PRIMARY KEY,
    sender         TEXT,
    reply_to       TEXT,
    disabled_kinds TEXT NOT NULL,
    updated_at     INTEGER
) STRICT, WITHOUT ROWID;

-- Planned as by a large store, as all others are.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('email_settings', 'email_settings', '20 1');
ANALYZE sqlite_schema;
