-- Processors that integrators implement: one for each tenant. `sealed` has the secrets that sign calls and
-- events; without it the processor was disconnected. New payments go to it if `takes_new`, and otherwise to
-- another processor that is connected. `terms` is what it said of itself.
CREATE TABLE http_processors (
    tenant_no  BIGINT NOT NULL PRIMARY KEY,
    endpoint   TEXT COLLATE "C" NOT NULL,
    version    TEXT COLLATE "C" NOT NULL,
    url        TEXT COLLATE "C" NOT NULL,
    account    TEXT COLLATE "C" NOT NULL,
    terms      TEXT COLLATE "C" NOT NULL,
    takes_new  BOOLEAN NOT NULL,
    sealed     BYTEA,
    poll_at    BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX http_processors_by_endpoint ON http_processors (endpoint);
