//! Applies the fields of a PATCH to an object.

/// Sets the given fields and returns the names of those that changed.
macro_rules! changes {
    ($object:expr, $change:expr, { $($part:ident $name:literal,)* }) => {{
        let mut changed: Vec<&'static str> = Vec::new();
        $(if let Some(new) = &$change.$part && *new != $object.$part {
            $object.$part.clone_from(new);
            changed.push($name);
        })*
        changed
    }};
}
pub(crate) use changes;
