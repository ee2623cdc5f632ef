//! Tokens against the server, and against stock libraries.
