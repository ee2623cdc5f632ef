//! Secret texts that are redacted in debug output.

use serde::{Serialize, Serializer};
use std::fmt;

/// A token or key. Redacted in debug output.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// Returns the secret text.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// For sending it to its owner.
impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn secret_debug_output_is_redacted() {
        assert!(!format!("{:?}", Some(Secret::new("hidden".into()))).contains("hidden"));
    }
}
