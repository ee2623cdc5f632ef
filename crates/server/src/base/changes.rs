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

/// Declares an object, each field with its default and its name in an API, and the PATCH that sets
/// these fields; `None` leaves a field as it is. A PATCH does not set the fields after `fixed`.
macro_rules! patchable {
    (
        $(#[$object_meta:meta])* $object:ident,
        $(#[$change_meta:meta])* $change:ident,
        { $($(#[$meta:meta])* $field:ident: $ty:ty = $default:expr, $name:literal;)* }
        fixed { $($(#[$fixed_meta:meta])* $fixed:ident: $fixed_ty:ty;)* }
    ) => {
        $(#[$object_meta])*
        pub struct $object {
            $($(#[$meta])* pub $field: $ty,)*
            $($(#[$fixed_meta])* pub $fixed: $fixed_ty,)*
        }

        $(#[$change_meta])*
        #[derive(Clone, Debug, Default)]
        pub struct $change {
            $(pub $field: Option<$ty>,)*
        }

        impl Default for $object {
            fn default() -> Self {
                Self { $($field: $default,)* $($fixed: Default::default(),)* }
            }
        }

        impl $object {
            /// Applies a change and returns the names of the fields that differ.
            pub fn apply(&mut self, change: &$change) -> Vec<&'static str> {
                $crate::base::changes::changes!(self, change, { $($field $name,)* })
            }
        }
    };
}
pub(crate) use patchable;
