//! What is deleted when it has been kept long enough.
