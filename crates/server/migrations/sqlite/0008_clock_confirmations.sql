-- Times of the wall clock that an operator confirmed, for the embedded store.
CREATE TABLE clock_confirmations (
    no           INTEGER PRIMARY KEY,
    confirmed_at INTEGER NOT NULL
);
