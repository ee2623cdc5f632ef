//! A history of random concurrent operations, checked against the rules.
