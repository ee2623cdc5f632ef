//! Refresh: one next token for everybody.
