//! Which origins and which pages may call.
