//! Closed lists of words, each declared once.

/// Declares an enum whose values are words on the wire and in the store: the words, their order,
/// text out, JSON out, and the schema.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident $(as $schema:ident)? {
        $($(#[$value_doc:meta])* $value:ident = $word:literal),* $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$value_doc])* $value),*
        }

        impl $name {
            pub const ALL: [Self; [$($word),*].len()] = [$(Self::$value),*];

            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $word),*
                }
            }
        }

        impl $crate::base::words::Word for $name {
            const WORDS: &'static [Self] = &Self::ALL;

            fn word(self) -> &'static str {
                self.as_str()
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::base::words::schema(&[$($word),*])
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                let names: &[&str] = &[$(stringify!($schema),)? stringify!($name)];
                std::borrow::Cow::Borrowed(names[0])
            }
        }
    };
}
pub(crate) use words;

use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

/// A value of a closed list of words.
pub trait Word: Copy + utoipa::ToSchema + 'static {
    const WORDS: &'static [Self];

    fn word(self) -> &'static str;
}

/// The schema of a text that is one of these words.
pub fn schema(words: &[&'static str]) -> RefOr<Schema> {
    let words = words.iter().copied();
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).into()
}
