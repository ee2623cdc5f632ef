-- Sessions that came by e-mail. One without an API key has '' as its `api_key_id`.
ALTER TABLE portal_sessions ADD COLUMN origin TEXT NOT NULL DEFAULT 'api_key';

-- The settings of an environment for sign-in by e-mail.
CREATE TABLE login_settings (
    tenant_no            INTEGER NOT NULL PRIMARY KEY,
    enabled              INTEGER NOT NULL,
    scopes               TEXT NOT NULL,
    ttl_seconds          INTEGER NOT NULL,
    max_lifetime_seconds INTEGER NOT NULL,
    updated_at           INTEGER
) STRICT, WITHOUT ROWID;

-- Requests for a code. `address` is there until it was looked up; `candidates` are the customers that had
-- it, each with its generation. The code is not stored: a key of the installation derives it from the id.
CREATE TABLE logins (
    id             TEXT NOT NULL PRIMARY KEY,
    tenant_no      INTEGER NOT NULL,
    address        TEXT,
    address_digest BLOB NOT NULL,
    candidates     TEXT NOT NULL DEFAULT '[]',
    tries          INTEGER NOT NULL DEFAULT 0,
    created_at     INTEGER NOT NULL,
    verified_at    INTEGER,
    used_at        INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX logins_of_address ON logins (tenant_no, address_digest, id);
CREATE INDEX logins_waiting ON logins (id) WHERE address IS NOT NULL;

CREATE INDEX customers_by_email ON customers (tenant_no, lower(email));

-- Planned as by a large store, as all others are.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('login_settings', 'login_settings', '20 1'),
    ('logins', 'logins', '10000 1'),
    ('logins', 'logins_of_address', '10000 500 2 1'),
    ('logins', 'logins_waiting', '10 1'),
    ('customers', 'customers_by_email', '1000000 500000 1');
ANALYZE sqlite_schema;
