//! The document's content for a finance team, read back from its bytes.

#![allow(clippy::unwrap_used)]

mod hostile;
mod reader;
mod samples;
mod scripts;

use reader::Read;
use unitpay_invoice_pdf::{
    CreditNote, Discount, FontError, Fonts, Invoice, Item, Payment, Status, Wording, render,
};

pub fn fonts() -> &'static Fonts {
    static FONTS: std::sync::LazyLock<Fonts> =
        std::sync::LazyLock::new(|| Fonts::built_in().unwrap());
    &FONTS
}

fn read(invoice: &Invoice) -> Read {
    Read::parse(&render(invoice, fonts()).unwrap())
}

#[test]
fn document_shows_parties_lines_and_totals() {
    let read = read(&samples::plain());
    for text in [
        "Invoice",
        "INV-000042",
        "Apr 1, 2026",
        "May 1, 2026",
        "Mar 1, 2026 – Mar 31, 2026",
        "Northwind Cloud GmbH",
        "Lindenstraße 12",
        "Tax ID: DE 287 461 095",
        "Acme Robotics, Inc.",
        "Tax ID: US 94-3177549",
        "ap@acme.example",
        "Additional seats",
        "1,284,500",
        "Included: 500,000 · 500,000 × $0.0004 · 284,500 × $0.0002",
        "$15.00",
        "-$106.4516",
        "Subtotal",
        "$919.45",
        "VAT (19%)",
        "$174.70",
        "$1,094.15",
        "IBAN DE02 1203 0000 0000 2020 51",
        "Page 1 of 1",
    ] {
        assert!(read.says(text), "{text:?} is missing in:\n{}", read.text());
    }
}

#[test]
fn totals_use_the_customers_locale() {
    for (invoice, sum) in [
        (samples::long(), "1.204.693,41\u{a0}€"),
        (samples::reverse_charge(), "919,45\u{a0}€"),
        (samples::chinese(), "¥7,767.68"),
        (samples::japanese(), "¥113,255"),
        (samples::kuwaiti(), "KWD\u{a0}165.956"),
        (samples::hebrew(), "675.61"),
        (samples::arabic(), "٩٥٣٫٨٧"),
    ] {
        let read = read(&invoice);
        assert!(read.says(sum), "{sum:?} is missing in:\n{}", read.text());
    }
}

#[test]
fn labels_are_in_the_customers_language() {
    for (invoice, words) in [
        (samples::long(), ["Rechnung", "Fällig am", "Gesamtbetrag"]),
        (samples::reverse_charge(), ["Facture", "Date d’échéance", "Montant dû"]),
        (samples::chinese(), ["账单", "到期日", "应付金额"]),
        (samples::japanese(), ["請求書", "お支払期限", "ご請求額"]),
        (samples::hebrew(), ["חשבונית", "מועד לתשלום", "סכום"]),
        (samples::arabic(), ["فاتورة", "المجموع الفرعي", "المبلغ المستحق"]),
        (
            Invoice { locale: "sw-KE".to_owned(), ..samples::plain() },
            ["Invoice", "2026-05-01", "Total"],
        ),
    ] {
        let read = read(&invoice);
        for word in words {
            let backwards: String = word.chars().rev().collect();
            let found = read.says(word) || read.says(&backwards);
            assert!(found, "{word:?} is missing in:\n{}", read.text());
        }
    }
}

#[test]
fn credit_note_names_its_invoice_and_parts() {
    let credit_note = CreditNote {
        invoice_number: "INV-000041".to_owned(),
        due_reduction: 10_000,
        refunded: 60_000,
        credited: 9_415,
        out_of_band: 30_000,
    };
    for (locale, words) in [
        ("en", ["Credit note", "Credit note number", "Refunded", "Credited to the balance"]),
        ("de", ["Gutschrift", "Gutschriftsnummer", "Erstattet", "Dem Guthaben gutgeschrieben"]),
        ("zh", ["贷项通知单", "通知单编号", "已退款", "转入余额"]),
        ("zh-TW", ["貸項通知單", "通知單編號", "已退款", "轉入餘額"]),
        (
            "it",
            ["Nota di credito", "Numero nota di credito", "Rimborsato", "Accreditato sul saldo"],
        ),
        ("tr", ["Alacak dekontu", "Alacak dekontu numarası", "İade edilen", "Bakiyeye eklenen"]),
        ("ja", ["クレジットノート", "クレジットノート番号", "返金額", "残高への加算"]),
        ("he", ["חשבונית זיכוי", "מספר הזיכוי", "הוחזר", "נזקף ליתרה"]),
    ] {
        let (credit_note, locale) = (Some(credit_note.clone()), locale.to_owned());
        let note = Invoice { credit_note, locale, due_at: None, ..samples::plain() };
        let read = read(&note);
        assert!(read.says("INV-000041"), "{}", read.text());
        for word in words {
            let backwards: String = word.chars().rev().collect();
            assert!(read.says(word) || read.says(&backwards), "{word:?} in:\n{}", read.text());
        }
        assert!(!read.says("Amount due"));
    }
}

#[test]
fn balance_applied_is_shown_among_the_totals() {
    let mut invoice = samples::plain();
    (invoice.balance_applied, invoice.amount_due) = (9_415, 100_000);
    let read = read(&invoice);
    for text in ["Paid from balance", "-$94.15", "$1,000.00"] {
        assert!(read.says(text), "{text:?} is missing in:\n{}", read.text());
    }
}

#[test]
fn paid_and_void_invoices_are_marked() {
    let marked = |status| read(&Invoice { status, ..samples::plain() });
    for (status, mark) in [
        (Status::Draft, "DRAFT"),
        (Status::PartiallyPaid, "PARTIALLY PAID"),
        (Status::Paid, "PAID"),
        (Status::Overdue, "OVERDUE"),
        (Status::Void, "VOID"),
        (Status::Uncollectible, "UNCOLLECTIBLE"),
    ] {
        assert!(marked(status).says(mark), "{mark}");
        assert!(!marked(Status::Issued).says(mark), "{mark}");
    }
}

#[test]
fn void_invoice_shows_no_amount_due() {
    let read = read(&samples::void());
    assert!(read.says("This invoice is void."));
    assert!(!read.says("Amount due"));
}

#[test]
fn paid_invoice_shows_date_and_method() {
    let read = read(&samples::paid(samples::plain()));
    for text in ["Amount paid", "-$1,094.15", "$0.00", "Payments", "Apr 3, 2026", "Visa •••• 4242"]
    {
        assert!(read.says(text), "{text:?} is missing in:\n{}", read.text());
    }
    assert!(read.says("Paid on") && !read.says("Due date"), "{}", read.text());
    // The closing words do not need a page of their own.
    assert_eq!(read.pages.len(), 1);
}

#[test]
fn payment_without_a_card_is_a_transfer_with_its_reference() {
    let payment = Payment { amount: 500, paid_at: samples::MARCH.end, ..Payment::default() };
    let pay = |payment| read(&Invoice { payments: vec![payment], ..samples::plain() });
    let plain = pay(payment.clone());
    assert!(plain.says("Bank transfer") && plain.says("$5.00"), "{}", plain.text());
    assert!(!plain.says("Reference"));
    let referred = pay(Payment { reference: Some("RF18 5390".to_owned()), ..payment });
    assert!(referred.says("Bank transfer · Reference: RF18 5390"), "{}", referred.text());
}

#[test]
fn exemption_notes_and_purchase_order_are_printed() {
    let exempt = |reason: &str| Invoice {
        taxes: Vec::new(),
        tax_exempt: Some(reason.to_owned()),
        po_number: Some("PO-7781".to_owned()),
        notes: Some("Cost centre 4410".to_owned()),
        ..samples::plain()
    };
    let read_back = read(&exempt("501(c)(3), certificate 118"));
    for text in
        ["Tax exempt: 501(c)(3), certificate 118", "PO number", "PO-7781", "Cost centre 4410"]
    {
        assert!(read_back.says(text), "{text:?} is missing in:\n{}", read_back.text());
    }
    assert!(read(&exempt("")).has_line("Tax exempt"));
    assert!(!read(&samples::plain()).says("Tax exempt"));
}

#[test]
fn each_tax_rate_has_its_row_with_what_it_is_on() {
    let read = read(&samples::rates());
    for text in ["VAT (16%)", "-$20.00", "-$3.20", "Moved to the next invoice", "-$0.30"] {
        assert!(read.says(text), "{text:?} is missing in:\n{}", read.text());
    }
    assert!(!read_of_plain().says("VAT (19%) ·"));
}

fn read_of_plain() -> Read {
    read(&samples::plain())
}

#[test]
fn tax_is_printed_in_the_currency_that_the_seller_declares() {
    let read = read(&samples::foreign_currency());
    for text in ["VAT in EUR (1 USD = 0,9213 EUR)", "160,95\u{a0}€", "174,70\u{a0}US$"] {
        assert!(read.says(text), "{text:?} is missing in:\n{}", read.text());
    }
}

#[test]
fn reverse_charge_note_appears_only_when_it_applies() {
    assert!(read(&samples::reverse_charge()).says("Autoliquidation"));
    assert!(!read(&samples::plain()).says("Reverse charge"));
}

#[test]
fn every_page_has_a_number_and_the_table_head() {
    let read = read(&samples::long());
    assert_eq!(read.pages.len(), 4);
    for (index, page) in read.pages.iter().enumerate() {
        assert!(page.contains(&format!("Seite {} von 4", index + 1)), "{page}");
        assert!(page.contains("Beschreibung"), "{page}");
    }
    for line in 1..=40 {
        let found = read.text().lines().any(|text| text.starts_with(&format!("{line}.")));
        assert!(found, "line {line}");
    }
}

#[test]
fn totals_are_never_alone_on_a_page() {
    for lines in 1..=45 {
        let mut invoice = samples::plain();
        let line = |number| Item { description: format!("item no. {number}"), ..Item::default() };
        invoice.items = (1..=lines).map(line).collect();
        let read = read(&invoice);
        let with_sums: Vec<&String> =
            read.pages.iter().filter(|page| page.contains("Subtotal")).collect();
        assert_eq!(with_sums.len(), 1);
        assert!(with_sums[0].contains(&format!("item no. {lines}")), "{lines} lines");
        let due = with_sums[0].split("Subtotal").nth(1).unwrap();
        assert!(due.contains("Amount due"), "{lines} lines: the sums are torn apart");
    }
}

#[test]
fn description_continues_on_the_next_page() {
    let words: Vec<String> = (0..3_000).map(|number| format!("word{number}")).collect();
    let mut invoice = samples::plain();
    invoice.items[0].description = words.join(" ");
    let read = read(&invoice);
    assert!(read.pages.len() > 3);
    assert!(read.says("word0 word1") && read.says("word2999"));
}

#[test]
fn description_is_in_the_language_of_the_document() {
    let cases = [
        ("en", "Unused time, Pro", "Remaining time, Pro", "Pro, once"),
        ("de-AT", "Nicht genutzte Zeit, Pro", "Verbleibende Zeit, Pro", "Pro, einmalig"),
        ("pt-PT", "Período não utilizado, Pro", "Período restante, Pro", "Pro, pagamento único"),
        ("pl", "Niewykorzystany okres, Pro", "Pozostały okres, Pro", "Pro, jednorazowo"),
        ("sv", "Unused time, Pro", "Remaining time, Pro", "Pro, once"),
    ];
    for (locale, unused, remaining, once) in cases {
        let mut invoice = samples::plain();
        invoice.locale = locale.to_owned();
        let wordings = [Wording::UnusedTime, Wording::RemainingTime, Wording::Once];
        invoice.items = wordings
            .map(|wording| Item {
                description: "Pro".to_owned(),
                wording: Some(wording),
                ..Item::default()
            })
            .to_vec();
        let read = read(&invoice);
        assert!(read.says(unused) && read.says(remaining) && read.says(once), "{}", read.text());
    }
}

#[test]
fn discount_is_shown_at_its_item_and_as_a_sum() {
    let mut invoice = samples::plain();
    assert!(!read(&invoice).says("Discounts included"));
    let discount = |amount| Some(Discount { name: "Spring".to_owned(), amount });
    (invoice.items[0].discount, invoice.items[1].discount) = (discount(10_000), discount(3_600));
    invoice.items[4].discount = discount(-600);
    let english = read(&invoice);
    for shown in ["Spring: -$100.00", "Spring: -$36.00", "Spring: $6.00", "-$130.00"] {
        assert!(english.says(shown), "{shown} in {}", english.text());
    }
    assert!(english.says("Discounts included"));
    let german = read(&Invoice { locale: "de-DE".to_owned(), ..invoice });
    assert!(german.says("Enthaltene Rabatte"), "{}", german.text());
}

#[test]
fn same_invoice_renders_the_same_bytes() {
    for (name, invoice) in samples::all() {
        let again = Fonts::built_in().unwrap();
        assert!(render(&invoice, fonts()) == render(&invoice, &again), "{name}");
    }
}

#[test]
fn document_has_title_language_and_structure_tags() {
    let english = read(&samples::plain());
    assert_eq!(english.title(), "Invoice INV-000042");
    assert_eq!(english.language(), "en");
    assert!(english.is_tagged());
    assert!(english.raw_contains("pdfaid:part>2<") && english.raw_contains("pdfuaid:part>1<"));
    assert_eq!(read(&samples::arabic()).language(), "ar");
    let taiwan = Invoice { locale: "zh-TW".to_owned(), ..samples::plain() };
    assert_eq!(read(&taiwan).language(), "zh-Hant");
    assert!(!read(&samples::draft()).raw_contains("pdfaid:part"), "a draft is not for archives");
}

#[test]
fn character_without_glyph_keeps_its_text() {
    let mut invoice = samples::plain();
    let narrow = read(&invoice).glyphs();
    invoice.customer.name.push_str(" 한국ไทย\u{1f680}");
    let read = read(&invoice);
    assert_eq!(read.glyphs(), narrow + 7);
    assert!(read.says("한"), "{}", read.text());
}

#[test]
fn added_face_precedes_the_built_in_chinese_face() {
    // The same face under another name.
    let mut given = include_bytes!("../../fonts/DroidSansFallbackFull.ttf").to_vec();
    let wide = |name: &str| name.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    let narrow = |name: &str| name.as_bytes().to_vec();
    let (old, new) = ("DroidSans", "GivenSans");
    for (old, new) in [(narrow(old), narrow(new)), (wide(old), wide(new))] {
        for place in 0..given.len() - old.len() {
            if given[place..].starts_with(&old) {
                given[place..place + new.len()].copy_from_slice(&new);
            }
        }
    }
    let mut more = Fonts::built_in().unwrap();
    more.add(given).unwrap();
    let faces = |fonts| Read::parse(&render(&samples::chinese(), fonts).unwrap()).faces();
    assert!(faces(fonts()).iter().any(|name| name.ends_with("+DroidSansFallback")));
    let with_given = faces(&more);
    assert!(with_given.iter().any(|name| name.ends_with("+GivenSansFallback")), "{with_given:?}");
    assert!(!with_given.iter().any(|name| name.ends_with("+DroidSansFallback")), "{with_given:?}");
}

#[test]
fn invalid_and_restricted_fonts_are_refused() {
    let mut fonts = Fonts::built_in().unwrap();
    assert_eq!(fonts.add(b"not a font".to_vec()), Err(FontError::Unreadable));
    assert_eq!(fonts.add(Vec::new()), Err(FontError::Unreadable));
    let mut restricted = include_bytes!("../../fonts/NotoSansHebrew-Regular.ttf").to_vec();
    assert_eq!(fonts.add(restricted.clone()), Ok(()));
    let record = restricted.windows(4).position(|tag| tag == b"OS/2").unwrap();
    let offset = u32::from_be_bytes(restricted[record + 8..record + 12].try_into().unwrap());
    restricted[offset as usize + 9] = 2; // fsType: restricted licence
    assert_eq!(fonts.add(restricted), Err(FontError::NotEmbeddable));
}

#[test]
fn broken_logo_is_replaced_by_the_seller_name() {
    let shown = read(&samples::with_logo());
    assert!(shown.has_image());
    assert!(!shown.has_line("Northwind Cloud"), "{}", shown.text());

    let whole = samples::with_logo().seller.logo.unwrap();
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 20].fill(0xff);
    for logo in [damaged, whole[..whole.len() / 2].to_vec(), b"<svg/>".to_vec(), Vec::new()] {
        let mut invoice = samples::plain();
        invoice.seller.logo = Some(logo);
        let read = read(&invoice);
        assert!(!read.has_image());
        assert!(read.has_line("Northwind Cloud"), "{}", read.text());
    }
}
