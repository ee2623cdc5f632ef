-- Processors that integrators implement: one for each tenant. `sealed` has the secrets that sign calls and
-- events; without it the processor was disconnected. New payments go to it if `takes_new`, and otherwise to
-- another processor that is connected. `terms` is what it said of itself.
CREATE TABLE http_processors (
    tenant_no  INTEGER NOT NULL PRIMARY KEY,
    endpoint   TEXT NOT NULL,
    version    TEXT NOT NULL,
    url        TEXT NOT NULL,
    account    TEXT NOT NULL,
    terms      TEXT NOT NULL,
    takes_new  INTEGER NOT NULL,
    sealed     BLOB,
    poll_at    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX http_processors_by_endpoint ON http_processors (endpoint);

-- Planned as by a large store, as all others are.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('http_processors', 'http_processors', '20 1');
ANALYZE sqlite_schema;
