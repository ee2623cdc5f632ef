//! Changing an object by what a PATCH names.

/// Sets the parts that a change names; tells which of them are different now.
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
