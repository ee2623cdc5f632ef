//! The only source of randomness: the operating system, through the cryptographic library.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;

/// The number of bytes read at once, because the call costs as much as many bytes do.
const POOL: usize = 1024;

/// Returns random bytes, each once; cheap to clone.
#[derive(Clone)]
pub struct Random(Arc<Mutex<Pool>>);

struct Pool {
    bytes: [u8; POOL],
    used: usize,
}

impl Random {
    pub fn system() -> Self {
        Self(Arc::new(Mutex::new(Pool { bytes: [0; POOL], used: POOL })))
    }

    /// Returns `N` unpredictable bytes. Aborts the process if the system has none, because a
    /// machine without randomness cannot keep secrets.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        const { assert!(N <= POOL) };
        let mut pool = self.0.lock();
        if pool.used + N > POOL {
            pool.refill();
        }
        let mut bytes = [0; N];
        let taken = pool.used..pool.used + N;
        bytes.copy_from_slice(&pool.bytes[taken.clone()]);
        // The bytes may become a key, so no copy is kept.
        pool.bytes[taken].fill(0);
        pool.used += N;
        bytes
    }
}

impl Pool {
    fn refill(&mut self) {
        if SystemRandom::new().fill(&mut self.bytes).is_err() {
            tracing::error!("the operating system gives no random bytes; stopping");
            std::process::abort();
        }
        self.used = 0;
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn random_never_returns_the_same_bytes_twice() {
        let random = Random::system();
        let many: HashSet<[u8; 24]> = (0..1_000).map(|_| random.clone().bytes()).collect();
        assert_eq!(many.len(), 1_000);
        assert!(!many.contains(&[0; 24]));
    }
}
