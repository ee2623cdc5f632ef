-- Times of the wall clock that an operator confirmed, for the embedded store.
CREATE TABLE clock_confirmations (
    no           BIGINT NOT NULL PRIMARY KEY,
    confirmed_at BIGINT NOT NULL
);
