//! Sample invoices for tests and for viewing.

use unitpay_invoice_pdf::{
    Address, Customer, DeclaredTax, Invoice, Item, Payment, Period, Rate, Seller, Status, Tax, Tier,
};

pub const MARCH: Period = Period { start: 1_772_323_200, end: 1_775_001_600 };
const DAY: i64 = 86_400;

fn texts<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_owned).to_vec()
}

fn item(description: &str, quantity: &str, unit: &str, amount: i64) -> Item {
    Item {
        description: description.to_owned(),
        quantity: quantity.to_owned(),
        unit_amount: Some(unit.to_owned()),
        amount,
        period: Some(MARCH),
        ..Item::default()
    }
}

fn tier(quantity: &str, unit_amount: &str) -> Tier {
    Tier { quantity: quantity.to_owned(), unit_amount: unit_amount.to_owned() }
}

fn tax(name: &str, basis_points: u32) -> Tax {
    Tax { name: name.to_owned(), basis_points, ..Tax::default() }
}

/// Computes the sums from the items, with nothing paid.
pub fn summed(mut invoice: Invoice) -> Invoice {
    invoice.subtotal = invoice.items.iter().map(|item| item.amount).sum();
    for (index, tax) in invoice.taxes.iter_mut().enumerate() {
        let of_it = |item: &&Item| match &item.rate {
            None => index == 0,
            Some(rate) => rate.basis_points == tax.basis_points,
        };
        tax.net = invoice.items.iter().filter(of_it).map(|item| item.amount).sum();
        tax.amount = (tax.net * i64::from(tax.basis_points) + 5_000).div_euclid(10_000);
    }
    invoice.total = invoice.subtotal + invoice.taxes.iter().map(|tax| tax.amount).sum::<i64>();
    invoice.amount_due = invoice.total - invoice.amount_paid;
    invoice
}

pub fn paid(mut invoice: Invoice) -> Invoice {
    invoice.status = Status::Paid;
    invoice.amount_paid = invoice.total;
    invoice.amount_due = 0;
    invoice.due_at = None;
    invoice.paid_at = Some(MARCH.end + 2 * DAY);
    invoice.payments = vec![Payment {
        amount: invoice.total,
        paid_at: MARCH.end + 2 * DAY,
        brand: Some("visa".to_owned()),
        last4: Some("4242".to_owned()),
        reference: None,
    }];
    invoice
}

pub fn plain() -> Invoice {
    summed(Invoice {
        number: "INV-000042".to_owned(),
        status: Status::Issued,
        issued_at: Some(MARCH.end),
        due_at: Some(MARCH.end + 30 * DAY),
        period: Some(MARCH),
        currency: "USD".to_owned(),
        seller: Seller {
            name: "Northwind Cloud".to_owned(),
            legal_name: "Northwind Cloud GmbH".to_owned(),
            address: texts(["Lindenstraße 12", "10969 Berlin", "Germany"]),
            tax_id: Some("DE 287 461 095".to_owned()),
            email: Some("billing@northwind.example".to_owned()),
            footer: "Northwind Cloud GmbH · Amtsgericht Charlottenburg HRB 192837 · Managing directors: \
                     A. Lindgren, P. Okafor\nIBAN DE02 1203 0000 0000 2020 51 · BIC BYLADEM1001"
                .to_owned(),
            accent: Some([79, 70, 229]),
            logo: None,
        },
        customer: Customer {
            name: "Acme Robotics, Inc.".to_owned(),
            email: Some("ap@acme.example".to_owned()),
            address: texts(["500 Howard Street, Floor 4", "San Francisco, CA 94105", "United States"]),
            tax_ids: texts(["US 94-3177549"]),
        },
        items: vec![
            item("Scale plan, monthly", "1", "49900", 49_900),
            item("Additional seats", "12", "1500", 18_000),
            Item {
                unit_amount: None,
                included: Some("500000".to_owned()),
                tiers: vec![tier("500000", "0.04"), tier("284500", "0.02")],
                ..item("API calls", "1284500", "0", 25_690)
            },
            item("AI credits, package of 10,000", "2", "4500", 9_000),
            item("Unused time on Pro plan after 14 Mar 2026", "1", "-10645.16", -10_645),
        ],
        taxes: vec![tax("VAT", 1_900)],
        locale: "en-US".to_owned(),
        ..Invoice::default()
    })
}

pub fn long() -> Invoice {
    let words = [
        "Dedicated inference capacity, eu-central-1, reserved for the research workloads of the \
         autonomous logistics division including weekend bursts and on-call engineering",
        "Additional seats",
        "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaftsabrechnungszeilenbeschreibung",
        "Event ingestion",
    ];
    let items = (1..=40).zip(words.into_iter().cycle().skip(1)).map(|(line, words)| {
        let amount = line * 123_457 % 9_000_000;
        item(&format!("{line}. {words}"), &line.to_string(), "123457.25", amount)
    });
    summed(Invoice {
        items: items.collect(),
        locale: "de-DE".to_owned(),
        currency: "EUR".to_owned(),
        taxes: vec![tax("USt.", 1_900)],
        customer: Customer {
            name: "Gesellschaft für angewandte Materialforschung und Werkstoffprüfung in der \
                   Luft- und Raumfahrt mbH & Co. Kommanditgesellschaft auf Aktien"
                .to_owned(),
            email: Some(
                "rechnungseingang.zentrale.buchhaltung@materialforschung-werkstoffpruefung.example"
                    .to_owned(),
            ),
            address: texts(["Professor-Doktor-Helmert-Straße 2–3", "14482 Potsdam", "Deutschland"]),
            tax_ids: texts(["DE 136 695 976", "ATU 12345678"]),
        },
        ..plain()
    })
}

pub fn arabic() -> Invoice {
    paid(summed(Invoice {
        number: "INV-000107".to_owned(),
        currency: "SAR".to_owned(),
        locale: "ar-SA".to_owned(),
        customer: Customer {
            name: "شركة الأفق للتقنية المحدودة".to_owned(),
            email: Some("accounts@alufuq.example".to_owned()),
            address: texts([
                "طريق الملك فهد، حي العليا",
                "الرياض 12214",
                "المملكة العربية السعودية",
            ]),
            tax_ids: texts(["310122393500003"]),
        },
        items: vec![
            item("خطة التوسع، اشتراك شهري", "1", "49900", 49_900),
            item("مقاعد إضافية (Scale plan)", "12", "1500", 18_000),
            item(
                "طلبات واجهة البرمجة API فوق الحد المشمول وقدره 500,000 طلب، محسوبة على شرائح السعر المتفق عليها في العقد",
                "1284500",
                "2",
                25_690,
            ),
            item("وقت غير مستخدم", "1", "-10645.16", -10_645),
        ],
        taxes: vec![tax("ضريبة القيمة المضافة", 1_500)],
        ..plain()
    }))
}

pub fn hebrew() -> Invoice {
    summed(Invoice {
        number: "INV-000108".to_owned(),
        currency: "ILS".to_owned(),
        locale: "he-IL".to_owned(),
        status: Status::Overdue,
        customer: Customer {
            name: "אופק מערכות מידע בע״מ".to_owned(),
            email: Some("finance@ofek.example".to_owned()),
            address: texts(["שדרות רוטשילד 22", "תל אביב-יפו 6688218", "ישראל"]),
            tax_ids: texts(["514321987"]),
        },
        items: vec![
            item("תוכנית Scale, מנוי חודשי", "1", "49900", 49_900),
            item("מושבים נוספים", "12", "1500", 18_000),
            item("זמן שלא נוצל בתוכנית Pro (עד 14 במרץ)", "1", "-10645.16", -10_645),
        ],
        taxes: vec![tax("מע״מ", 1_800)],
        ..plain()
    })
}

pub fn chinese() -> Invoice {
    summed(Invoice {
        number: "INV-000109".to_owned(),
        currency: "CNY".to_owned(),
        locale: "zh-CN".to_owned(),
        customer: Customer {
            name: "上海星河智能科技有限公司".to_owned(),
            email: Some("caiwu@xinghe.example".to_owned()),
            address: texts(["上海市浦东新区世纪大道 100 号 35 层", "邮编 200120", "中国"]),
            tax_ids: texts(["91310115MA1K3ABC2X"]),
        },
        items: vec![
            item("规模版套餐（按月）", "1", "349900", 349_900),
            item("额外席位", "12", "10500", 126_000),
            item(
                "API 调用超出包含的 500,000 次部分，按合同约定的分级价格计费，含周末突发流量以及亚太区域的专用推理容量",
                "1284500",
                "2",
                256_900,
            ),
        ],
        taxes: vec![tax("增值税", 600)],
        ..plain()
    })
}

pub fn japanese() -> Invoice {
    summed(Invoice {
        currency: "JPY".to_owned(),
        locale: "ja-JP".to_owned(),
        customer: Customer {
            name: "株式会社ミライ製作所".to_owned(),
            email: Some("keiri@mirai.example".to_owned()),
            address: texts(["〒100-0005", "東京都千代田区丸の内1丁目1番1号"]),
            tax_ids: texts(["T1234567890123"]),
        },
        items: vec![
            item("スケールプラン（月額）", "1", "54900", 54_900),
            item("追加シート", "12", "1650", 19_800),
            item("APIコール従量課金", "1284500", "0.022", 28_259),
        ],
        taxes: vec![tax("消費税", 1_000)],
        ..plain()
    })
}

pub fn with_logo() -> Invoice {
    let mut invoice = plain();
    invoice.seller.logo = Some(include_bytes!("logo.png").to_vec());
    invoice.customer.name = "Ελληνικά Δεδομένα Α.Ε. / ООО «Северный ветер» / 한국 / ไทย".to_owned();
    invoice
}

pub fn kuwaiti() -> Invoice {
    summed(Invoice {
        currency: "KWD".to_owned(),
        locale: "en-KW".to_owned(),
        items: vec![
            item("Scale plan, monthly", "1", "149900", 149_900),
            item("Event ingestion, per event", "1284500.5", "0.0125", 16_056),
        ],
        taxes: Vec::new(),
        ..plain()
    })
}

pub fn void() -> Invoice {
    Invoice { status: Status::Void, ..plain() }
}

pub fn draft() -> Invoice {
    Invoice { status: Status::Draft, number: String::new(), issued_at: None, ..plain() }
}

pub fn reverse_charge() -> Invoice {
    summed(Invoice {
        currency: "EUR".to_owned(),
        locale: "fr-FR".to_owned(),
        reverse_charge: true,
        customer: Customer {
            name: "Société Lumière & Fils SARL".to_owned(),
            email: None,
            address: texts(["25, rue du Premier-Film", "69008 Lyon", "France"]),
            tax_ids: texts(["FR 40 303 265 045"]),
        },
        taxes: vec![tax("TVA", 0)],
        ..plain()
    })
}

/// Exempt from tax, paid by transfer, with a purchase order and notes, in an Arabic document in US
/// dollars.
pub fn exempt() -> Invoice {
    let mut invoice = paid(summed(Invoice {
        currency: "USD".to_owned(),
        taxes: Vec::new(),
        tax_exempt: Some("منظمة غير ربحية، شهادة 2026-118".to_owned()),
        po_number: Some("PO-7781".to_owned()),
        notes: Some("مركز التكلفة 4410".to_owned()),
        ..arabic()
    }));
    invoice.payments[0] = Payment {
        brand: None,
        last4: None,
        reference: Some("RF18 5390 0754 7034".to_owned()),
        ..invoice.payments[0].clone()
    };
    let address = Address {
        line1: "طريق الملك فهد، حي العليا",
        city: "الرياض",
        postal_code: Some("12214"),
        country: "SA",
        ..Address::default()
    };
    invoice.customer.address = address.lines("ar-SA");
    invoice
}

/// A seller that declares its taxes in euros.
pub fn foreign_currency() -> Invoice {
    let mut invoice = summed(Invoice { locale: "de-DE".to_owned(), ..plain() });
    let declared =
        DeclaredTax { currency: "EUR".to_owned(), rate: "0.9213".to_owned(), amount: 16_095 };
    invoice.declared_tax = Some(declared);
    invoice
}

/// Time that was charged with another tax is credited, and a remainder moves to the next invoice.
pub fn rates() -> Invoice {
    let mut invoice = plain();
    let rate = Some(Rate { name: "VAT".to_owned(), basis_points: 1_600 });
    let description = "Unused time, Starter".to_owned();
    let credit =
        Item { description, rate, quantity: "1".to_owned(), amount: -2_000, ..Item::default() };
    invoice.items.push(credit);
    invoice.taxes = vec![tax("VAT", 1_900), tax("VAT", 1_600)];
    let mut invoice = summed(invoice);
    (invoice.amount_moved, invoice.amount_due) = (30, invoice.amount_due - 30);
    invoice
}

pub fn all() -> Vec<(&'static str, Invoice)> {
    vec![
        ("plain", plain()),
        ("paid", paid(plain())),
        ("long", long()),
        ("arabic", arabic()),
        ("hebrew", hebrew()),
        ("chinese", chinese()),
        ("japanese", japanese()),
        ("logo", with_logo()),
        ("kuwaiti", kuwaiti()),
        ("void", void()),
        ("draft", draft()),
        ("reverse-charge", reverse_charge()),
        ("exempt", exempt()),
        ("foreign-currency", foreign_currency()),
        ("rates", rates()),
    ]
}
