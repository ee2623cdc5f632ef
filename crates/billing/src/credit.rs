//! Credit notes: the part of an invoice that is credited, split into net amount and tax.
//!
//! The tax follows the credited part of the whole invoice, not the single credit note. So credit
//! notes that credit an invoice completely have its tax exactly, however many there are.

use crate::money::{Overflow, divide};

/// A net amount and its tax.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Split {
    pub net: i64,
    pub tax: i64,
}

impl Split {
    pub const fn total(self) -> i64 {
        self.net + self.tax
    }
}

/// An invoice and what its credit notes have credited until now. No amount is negative, and nothing
/// is credited beyond the invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Creditable {
    pub invoice: Split,
    pub credited: Split,
}

impl Creditable {
    /// Returns what can still be credited.
    pub const fn rest(self) -> Split {
        Split {
            net: self.invoice.net - self.credited.net,
            tax: self.invoice.tax - self.credited.tax,
        }
    }

    /// Splits a credit of this total, tax included. `None` if it is more than the rest.
    pub fn of_total(self, total: i64) -> Result<Option<Split>, Overflow> {
        let rest = self.rest();
        if !(0..=rest.total()).contains(&total) {
            return Ok(None);
        }
        let after = self.credited.total() + total;
        let net = share(self.invoice.net, after, self.invoice.total())? - self.credited.net;
        // The tax is at most what is left of it, and neither part is negative.
        let net = net.clamp((total - rest.tax).max(0), total.min(rest.net));
        Ok(Some(Split { net, tax: total - net }))
    }

    /// Adds the tax to a credit of this net amount. `None` if it is more than the rest.
    pub fn of_net(self, net: i64) -> Result<Option<Split>, Overflow> {
        let rest = self.rest();
        if !(0..=rest.net).contains(&net) {
            return Ok(None);
        }
        if net == rest.net {
            return Ok(Some(rest));
        }
        let tax = share(self.invoice.tax, self.credited.net + net, self.invoice.net)?;
        Ok(Some(Split { net, tax: (tax - self.credited.tax).clamp(0, rest.tax) }))
    }

    /// Returns a credit of this net amount whose tax is known, because its lines are taxed at several
    /// rates. `None` if it is more than the rest.
    pub const fn of_taxed(self, net: i64, tax: i64) -> Option<Split> {
        let rest = self.rest();
        if net < 0 || net > rest.net {
            return None;
        }
        if net == rest.net {
            return Some(rest);
        }
        let tax = if tax > rest.tax { rest.tax } else { tax };
        Some(Split { net, tax: if tax < 0 { 0 } else { tax } })
    }
}

/// Returns `whole × of / all`, rounded once; 0 of nothing.
pub fn share(whole: i64, share: i64, all: i64) -> Result<i64, Overflow> {
    if all == 0 {
        return Ok(0);
    }
    divide(i128::from(whole) * i128::from(share), i128::from(all))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::MAX_AMOUNT;
    use proptest::prelude::*;

    fn creditable(net: i64, tax: i64) -> Creditable {
        Creditable { invoice: Split { net, tax }, credited: Split::default() }
    }

    #[test]
    fn tax_is_credited_in_proportion() {
        let open = creditable(10_000, 1_900);
        assert_eq!(open.of_total(1_190), Ok(Some(Split { net: 1_000, tax: 190 })));
        assert_eq!(open.of_total(11_900), Ok(Some(Split { net: 10_000, tax: 1_900 })));
        assert_eq!(open.of_total(11_901), Ok(None));
        assert_eq!(open.of_net(2_500), Ok(Some(Split { net: 2_500, tax: 475 })));
        assert_eq!(open.of_net(10_001), Ok(None));
        assert_eq!(open.of_net(-1), Ok(None));
        assert_eq!(creditable(500, 0).of_total(200), Ok(Some(Split { net: 200, tax: 0 })));
        assert_eq!(creditable(0, 0).of_total(0), Ok(Some(Split::default())));
    }

    #[test]
    fn three_thirds_have_the_whole_tax() {
        // Taxed separately, each third would have 21 of tax, 63 in total.
        let mut open = creditable(333, 62);
        let mut taxes = Vec::new();
        for net in [111, 111, 111] {
            let split = open.of_net(net).unwrap().unwrap();
            open.credited =
                Split { net: open.credited.net + net, tax: open.credited.tax + split.tax };
            taxes.push(split.tax);
        }
        assert_eq!(taxes, [21, 20, 21]);
        assert_eq!(open.rest(), Split::default());
    }

    proptest! {
        #[test]
        fn credits_never_exceed_the_invoice_and_end_with_its_tax(
            net in 0..=MAX_AMOUNT / 2, points in 0i64..=10_000,
            steps in prop::collection::vec((any::<bool>(), 0i64..=1_000), 0..12),
        ) {
            let tax = crate::tax::amount(net, points).unwrap();
            let mut open = creditable(net, tax);
            for (by_net, share) in steps {
                let rest = open.rest();
                let whole = if by_net { rest.net } else { rest.total() };
                let wanted = i64::try_from(i128::from(whole) * i128::from(share) / 1_000).unwrap();
                let split = if by_net { open.of_net(wanted) } else { open.of_total(wanted) };
                let split = split.unwrap().unwrap();
                prop_assert!(split.net >= 0 && split.tax >= 0);
                prop_assert_eq!(if by_net { split.net } else { split.total() }, wanted);
                open.credited.net += split.net;
                open.credited.tax += split.tax;
                let rest = open.rest();
                prop_assert!(rest.net >= 0 && rest.tax >= 0);
                // The tax credited until now is that of the net amount, but for the rounding.
                let exact = i128::from(tax) * i128::from(open.credited.net);
                let off = exact - i128::from(open.credited.tax) * i128::from(net);
                prop_assert!(off.abs() <= 2 * i128::from(net.max(1)), "{:?}", open);
                prop_assert_eq!(open.of_total(rest.total() + 1), Ok(None));
                prop_assert_eq!(open.of_net(rest.net + 1), Ok(None));
            }
            let last = open.of_total(open.rest().total()).unwrap().unwrap();
            prop_assert_eq!(last, open.rest());
            prop_assert_eq!(open.of_net(open.rest().net), Ok(Some(open.rest())));
        }
    }
}
