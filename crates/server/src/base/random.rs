//! The only randomness of the program: the operating system's, by way of the crypto library.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use std::sync::Arc;

/// Hands out random bytes; cheap to clone.
#[derive(Clone, Debug)]
pub struct Random(Arc<SystemRandom>);

impl Random {
    pub fn system() -> Self {
        Self(Arc::new(SystemRandom::new()))
    }

    /// `N` bytes nobody can guess. A machine that has none to give cannot keep a secret, so the
    /// process ends there.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        if self.0.fill(&mut bytes).is_err() {
            tracing::error!("the operating system gives no random bytes; stopping");
            std::process::abort();
        }
        bytes
    }
}
