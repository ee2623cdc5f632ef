//! The caller that looks at an object, and whether the object is theirs.

use super::InvoiceId;

/// The caller for whom objects are read. All but a backend see only the part of the catalog that can
/// be chosen, and packages that can be bought. A customer also sees its own plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewer {
    Backend,
    /// The customer's number.
    Customer(i64),
    /// The holder of a link to one invoice of a customer.
    Invoice(i64, InvoiceId),
    Public,
}

/// An object that belongs to one customer.
pub trait Owned {
    /// Returns the number of its customer.
    fn owner(&self) -> i64;

    /// Returns the invoice that it is a part of, for the holder of a link to that invoice; `None` if such
    /// a holder must not see it.
    fn linked_invoice(&self) -> Option<InvoiceId> {
        None
    }

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
            Self::Invoice(no, id) => {
                object.owner() == no && !object.is_internal() && object.linked_invoice() == Some(id)
            }
            Self::Public => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Thing(i64, bool);

    struct Part(i64, InvoiceId);

    impl Owned for Part {
        fn owner(&self) -> i64 {
            self.0
        }

        fn linked_invoice(&self) -> Option<InvoiceId> {
            Some(self.1)
        }
    }

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

    #[test]
    fn link_reaches_parts_of_its_invoice_only() {
        let [one, two] = [1, 2].map(InvoiceId::from_u128);
        let link = Viewer::Invoice(1, one);
        assert!(link.reach(Some(Part(1, one))).is_some());
        assert!(link.reach(Some(Part(1, two))).is_none());
        assert!(link.reach(Some(Part(2, one))).is_none());
        assert!(link.reach(Some(Thing(1, false))).is_none());
    }
}
