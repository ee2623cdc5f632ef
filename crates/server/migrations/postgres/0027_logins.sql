-- Sessions that came by e-mail. One without an API key has '' as its `api_key_id`.
ALTER TABLE portal_sessions ADD COLUMN origin TEXT COLLATE "C" NOT NULL DEFAULT 'api_key';

-- The settings of an environment for sign-in by e-mail.
CREATE TABLE login_settings (
    tenant_no            BIGINT NOT NULL PRIMARY KEY,
    enabled              BOOLEAN NOT NULL,
    scopes               TEXT COLLATE "C" NOT NULL,
    ttl_seconds          BIGINT NOT NULL,
    max_lifetime_seconds BIGINT NOT NULL,
    updated_at           BIGINT
);

-- Requests for a code. `address` is there until it was looked up; `candidates` are the customers that had
-- it, each with its generation. The code is not stored: a key of the installation derives it from the id.
CREATE TABLE logins (
    id             TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant_no      BIGINT NOT NULL,
    address        TEXT COLLATE "C",
    address_digest BYTEA NOT NULL,
    candidates     TEXT COLLATE "C" NOT NULL DEFAULT '[]',
    tries          BIGINT NOT NULL DEFAULT 0,
    created_at     BIGINT NOT NULL,
    verified_at    BIGINT,
    used_at        BIGINT
);
CREATE INDEX logins_of_address ON logins (tenant_no, address_digest, id);
CREATE INDEX logins_waiting ON logins (id) WHERE address IS NOT NULL;

CREATE INDEX customers_by_email ON customers (tenant_no, lower(email));
