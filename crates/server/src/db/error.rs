//! Errors of a store, as the layers above handle them.

use std::error::Error;
use std::fmt;

#[derive(Debug)]
pub enum DbError {
    /// The writer's queue or the connection pool is full.
    Overloaded,
    /// The store does not respond, or could not make a write durable. Nothing was acknowledged.
    Unavailable(Box<dyn Error + Send + Sync>),
    /// The disk is full. Nothing was acknowledged. Writes work again when there is space.
    Full,
    /// Concurrent transactions conflicted more often than the retry limit.
    Contended,
    /// A statement or row is not what the program expects.
    Unexpected(Box<dyn Error + Send + Sync>),
    /// A pooler shares the connections between transactions.
    Shared,
    /// The program used the store incorrectly.
    Broken(&'static str),
}

impl fmt::Display for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overloaded => f.write_str("the store's queue is full"),
            Self::Unavailable(source) => write!(f, "the store is not available: {source}"),
            Self::Full => f.write_str("the store's device is full"),
            Self::Contended => f.write_str("the store's transactions contend too much"),
            Self::Unexpected(source) => write!(f, "unexpected answer of the store: {source}"),
            Self::Shared => f.write_str(
                "PostgreSQL is behind a pooler that shares connections between transactions, as PgBouncer \
                 does with pool_mode = transaction; use pool_mode = session, or connect directly",
            ),
            Self::Broken(what) => f.write_str(what),
        }
    }
}

impl Error for DbError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unavailable(source) | Self::Unexpected(source) => Some(source.as_ref()),
            Self::Overloaded | Self::Full | Self::Contended | Self::Shared | Self::Broken(_) => {
                None
            }
        }
    }
}
