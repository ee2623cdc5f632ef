//! Closed lists of scopes, as bit sets.

/// Declares a set of scopes: a constant per scope, their names in one order, and conversion from
/// and to text.
macro_rules! scopes {
    ($(#[$doc:meta])* $set:ident { $($name:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $set(u32);

        impl $set {
            $crate::base::scopes::scopes!(@constants 0; $($name)*);
            pub const NAMES: &[&str] = &[$($text),*];
            pub const ALL: Self = Self((1 << Self::NAMES.len()) - 1);

            pub const fn from_bits(bits: u32) -> Self {
                Self(bits & Self::ALL.0)
            }

            pub const fn contains(self, bits: u32) -> bool {
                self.0 & bits == bits
            }

            pub const fn is_subset_of(self, other: Self) -> bool {
                other.contains(self.0)
            }

            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }

            pub const fn and(self, other: Self) -> Self {
                Self(self.0 & other.0)
            }

            pub const fn without(self, bits: u32) -> Self {
                Self(self.0 & !bits)
            }

            /// Returns the names of these scopes, in the order of the list.
            pub fn names(self) -> impl Iterator<Item = &'static str> {
                Self::NAMES.iter().enumerate().filter(move |(i, _)| self.contains(1 << i)).map(|(_, n)| *n)
            }

            /// Adds the scope with this name; `None` if it is unknown.
            pub fn with_name(self, name: &str) -> Option<Self> {
                let at = Self::NAMES.iter().position(|known| *known == name)?;
                Some(Self(self.0 | 1 << at))
            }
        }

        /// Returns the names, separated by spaces.
        impl std::fmt::Display for $set {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let mut separator = "";
                for name in self.names() {
                    f.write_str(separator)?;
                    f.write_str(name)?;
                    separator = " ";
                }
                Ok(())
            }
        }

        /// Parses names separated by spaces.
        impl std::str::FromStr for $set {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                text.split_ascii_whitespace()
                    .try_fold(Self::default(), |set, name| set.with_name(name))
                    .ok_or(())
            }
        }

        impl serde::Serialize for $set {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(self.names())
            }
        }
    };
    (@constants $at:expr;) => {};
    (@constants $at:expr; $name:ident $($rest:ident)*) => {
        pub const $name: u32 = 1 << $at;
        $crate::base::scopes::scopes!(@constants $at + 1; $($rest)*);
    };
}
pub(crate) use scopes;

#[cfg(test)]
mod tests {
    scopes!(Colours { RED = "red", GREEN = "green", BLUE = "blue" });

    #[test]
    fn scope_set_round_trips_in_list_order() {
        let set: Colours = "blue red".parse().unwrap();
        assert_eq!(set.to_string(), "red blue");
        assert!(set.contains(Colours::RED) && !set.contains(Colours::GREEN));
        assert!(set.is_subset_of(Colours::ALL));
        assert_eq!("red pink".parse::<Colours>(), Err(()));
        assert_eq!(Colours::from_bits(Colours::BLUE).and(set).to_string(), "blue");
        assert!(set.without(Colours::RED | Colours::BLUE).is_empty());
    }
}
