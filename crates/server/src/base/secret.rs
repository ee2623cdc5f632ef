//! A text that opens something: sent where it must go, never shown by accident.

use serde::{Serialize, Serializer};
use std::fmt;

/// A token or a key. It does not show itself in debug output.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// To be sent to whoever it belongs to.
impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_secret_does_not_show_itself_in_debug_output() {
        assert!(!format!("{:?}", Some(Secret::new("hidden".into()))).contains("hidden"));
    }
}
