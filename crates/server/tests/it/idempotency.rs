//! Requests that are repeated.
