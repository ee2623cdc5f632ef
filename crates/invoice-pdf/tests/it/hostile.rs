//! Any invoice renders a document.

use proptest::prelude::*;
use unitpay_invoice_pdf::{
    Customer, DeclaredTax, Discount, Invoice, Item, Payment, Period, Rate, Seller, Status, Tax,
    Tier, Wording, render,
};

use crate::fonts;
use crate::reader::Read;

/// Any characters, with a bias for those that break layouts.
fn text() -> impl Strategy<Value = String> {
    let nasty = prop::sample::select(vec![
        '\0',
        '\u{7}',
        '\n',
        '\r',
        '\u{ad}',
        '\u{200b}',
        '\u{200d}',
        '\u{200f}',
        '\u{202e}',
        '\u{2066}',
        '\u{2069}',
        '\u{2028}',
        '\u{fe0f}',
        '\u{feff}',
        '\u{fffe}',
        '\u{e000}',
        '\u{10ffff}',
        '\u{1f469}',
        '\u{0301}',
        '\u{0651}',
        'ل',
        'ا',
        'ש',
        '漢',
        'が',
        '한',
        'ก',
        '١',
        '7',
        ' ',
        '\u{a0}',
        '-',
        '(',
        ']',
        'ﬃ',
        '\u{094d}',
        '\u{0e33}',
        '\u{11300}',
    ]);
    let character = prop_oneof![4 => nasty, 2 => any::<char>(), 2 => prop::char::range('a', 'z')];
    prop::collection::vec(character, 0..40).prop_map(|characters| characters.into_iter().collect())
}

fn decimal() -> impl Strategy<Value = String> {
    prop_oneof!["-?[0-9]{1,30}(\\.[0-9]{1,20})?", text(), Just("9".repeat(400))]
}

fn status() -> impl Strategy<Value = Status> {
    prop::sample::select(vec![
        Status::Draft,
        Status::Issued,
        Status::PartiallyPaid,
        Status::Paid,
        Status::Overdue,
        Status::Void,
        Status::Uncollectible,
    ])
}

fn period() -> impl Strategy<Value = Option<Period>> {
    prop::option::of((any::<i64>(), any::<i64>()).prop_map(|(start, end)| Period { start, end }))
}

prop_compose! {
    fn item()(
        description in prop_oneof![text(), Just("W".repeat(3_000))],
        wording in prop::option::of(Just(Wording::UnusedTime)),
        quantity in decimal(),
        unit_amount in prop::option::of(decimal()),
        included in prop::option::of(decimal()),
        tiers in prop::collection::vec((decimal(), text()), 0..4),
        amount in any::<i64>(),
        discount in prop::option::of((text(), any::<i64>())),
        rate in prop::option::of((text(), any::<u32>())),
        period in period(),
    ) -> Item {
        let tier = |(quantity, unit_amount)| Tier { quantity, unit_amount };
        let tiers = tiers.into_iter().map(tier).collect();
        let rate = rate.map(|(name, basis_points)| Rate { name, basis_points });
        let discount = discount.map(|(name, amount)| Discount { name, amount });
        Item { description, wording, quantity, unit_amount, included, tiers, amount, discount, rate, period }
    }
}

prop_compose! {
    fn seller()(
        texts in prop::collection::vec(text(), 5),
        address in prop::collection::vec(text(), 0..90),
        accent in any::<Option<[u8; 3]>>(),
        logo in prop_oneof![
            Just(None),
            prop::collection::vec(any::<u8>(), 0..60).prop_map(Some),
            (0..400_usize, any::<u8>()).prop_map(|(at, byte)| {
                let mut logo = include_bytes!("logo.png").to_vec();
                let at = at % logo.len();
                logo[at] = byte;
                Some(logo)
            }),
        ],
    ) -> Seller {
        let [name, legal_name, tax_id, email, footer] = texts.try_into().unwrap();
        let (tax_id, email) = (Some(tax_id), Some(email));
        Seller { name, legal_name, address, tax_id, email, footer, accent, logo }
    }
}

prop_compose! {
    fn customer()(
        name in text(),
        email in prop::option::of(text()),
        address in prop::collection::vec(text(), 0..6),
        tax_ids in prop::collection::vec(text(), 0..4),
    ) -> Customer {
        Customer { name, email, address, tax_ids }
    }
}

prop_compose! {
    fn payment()(
        amount in any::<i64>(),
        paid_at in any::<i64>(),
        brand in prop::option::of(text()),
        last4 in prop::option::of(text()),
        reference in prop::option::of(text()),
    ) -> Payment {
        Payment { amount, paid_at, brand, last4, reference }
    }
}

prop_compose! {
    fn frame()(
        number in text(),
        status in status(),
        issued_at in any::<Option<i64>>(),
        due_at in any::<Option<i64>>(),
        period in period(),
        currency in prop_oneof![Just("EUR".to_owned()), Just("JPY".to_owned()), text()],
        sums in any::<[i64; 5]>(),
        tax in prop::option::of((text(), any::<u32>(), prop::option::of((text(), decimal())))),
        texts in prop::collection::vec(prop::option::of(text()), 3),
        reverse_charge in any::<bool>(),
        locale in prop_oneof!["(en|de|fr|es|it|pt|nl|pl|tr|ar|he|zh|ja)(-[A-Z]{2})?", text()],
    ) -> Invoice {
        let [subtotal, total, amount_paid, amount_due, amount] = sums;
        let declared = tax.clone().and_then(|(_, _, declared)| declared);
        let declared_tax = declared.map(|(currency, rate)| DeclaredTax { currency, rate, amount });
        let tax = tax.map(|(name, basis_points, _)| Tax { name, basis_points, net: total, amount });
        let taxes = tax.into_iter().flat_map(|tax| [tax.clone(), tax]).collect();
        let [tax_exempt, po_number, notes] = texts.try_into().unwrap();
        Invoice {
            tax_exempt, po_number, notes,
            number, status, issued_at, due_at, period, currency, subtotal, taxes, declared_tax, total,
            amount_paid, amount_moved: amount, amount_due, reverse_charge, locale, ..Invoice::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn random_invoice_renders_a_readable_document(
        invoice in frame(),
        seller in seller(),
        customer in customer(),
        items in prop::collection::vec(item(), 0..8),
        payments in prop::collection::vec(payment(), 0..4),
    ) {
        let invoice = Invoice { seller, customer, items, payments, ..invoice };
        let bytes = render(&invoice, fonts());
        prop_assert!(bytes.is_ok(), "{:?}", bytes.err());
        prop_assert!(!Read::parse(&bytes.unwrap()).pages.is_empty());
    }
}
