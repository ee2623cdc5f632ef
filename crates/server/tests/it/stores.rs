//! What both stores must do alike.
