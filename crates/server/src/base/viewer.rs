//! The caller that looks at an object, and whether the object is theirs.

/// The caller for whom objects are read. All but a backend see only the part of the catalog that can
/// be chosen, and packages that can be bought. A customer also sees its own plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewer {
    Backend,
    /// The customer's number.
    Customer(i64),
    Public,
}

/// An object that belongs to one customer.
pub trait Owned {
    /// Returns the number of its customer.
    fn owner(&self) -> i64;

    /// Whether only a backend sees it.
    fn is_internal(&self) -> bool {
        false
    }
}

impl Viewer {
    /// Returns the object that was found if this viewer may reach it. Another customer's object is
    /// treated as missing.
    pub fn reach<T: Owned>(self, found: Option<T>) -> Option<T> {
        found.filter(|object| match self {
            Self::Backend => true,
            Self::Customer(no) => object.owner() == no && !object.is_internal(),
            Self::Public => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Thing(i64, bool);

    impl Owned for Thing {
        fn owner(&self) -> i64 {
            self.0
        }

        fn is_internal(&self) -> bool {
            self.1
        }
    }

    #[test]
    fn foreign_object_is_missing() {
        let reached = |viewer: Viewer, thing| viewer.reach(Some(thing)).is_some();
        assert!(reached(Viewer::Customer(1), Thing(1, false)));
        assert!(!reached(Viewer::Customer(2), Thing(1, false)));
        assert!(!reached(Viewer::Customer(1), Thing(1, true)));
        assert!(!reached(Viewer::Public, Thing(1, false)));
        assert!(reached(Viewer::Backend, Thing(1, true)));
        assert_eq!(Viewer::Backend.reach(None::<Thing>), None);
    }
}
