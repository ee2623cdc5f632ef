//! The fixed words, a file for each language. Any other language uses English words with its own
//! number format.

mod ar;
mod de;
mod en;
mod es;
mod fr;
mod he;
mod it;
mod ja;
mod nl;
mod pl;
mod pt;
mod tr;
mod zh;
mod zh_hant;

use crate::{Invoice, Item, Status, Wording};

pub(crate) struct Words {
    pub language: &'static str,
    pub right_to_left: bool,
    pub invoice: &'static str,
    pub number: &'static str,
    pub issued: &'static str,
    pub due: &'static str,
    pub period: &'static str,
    pub seller: &'static str,
    pub customer: &'static str,
    pub tax_id: &'static str,
    pub description: &'static str,
    pub quantity: &'static str,
    pub unit_price: &'static str,
    pub amount: &'static str,
    /// The sum of discounts, which amounts are after.
    pub discounts_included: &'static str,
    pub subtotal: &'static str,
    pub total: &'static str,
    pub amount_paid: &'static str,
    pub balance_applied: &'static str,
    pub credit_note: &'static str,
    pub credit_note_number: &'static str,
    pub of_invoice: &'static str,
    pub due_reduction: &'static str,
    pub refunded: &'static str,
    pub credited: &'static str,
    pub out_of_band: &'static str,
    pub amount_moved: &'static str,
    pub amount_due: &'static str,
    pub payments: &'static str,
    pub po_number: &'static str,
    pub paid_on: &'static str,
    pub included: &'static str,
    pub transfer: &'static str,
    pub reference: &'static str,
    pub tax_exempt: &'static str,
    /// With `{tax}`, `{currency}`, `{from}` and `{rate}`.
    pub declared_tax: &'static str,
    pub reverse_charge: &'static str,
    pub void_note: &'static str,
    /// With `{page}` and `{pages}`.
    pub page: &'static str,
    /// With `{name}`, like the next two.
    once: &'static str,
    unused_time: &'static str,
    remaining_time: &'static str,
    draft: &'static str,
    partially_paid: &'static str,
    paid: &'static str,
    overdue: &'static str,
    void: &'static str,
    uncollectible: &'static str,
}

impl Words {
    /// Returns the words of a language. `traditional` is about the script of Chinese.
    pub fn find(language: &str, traditional: bool) -> &'static Words {
        let language = if traditional { zh_hant::WORDS.language } else { language };
        ALL.into_iter().find(|words| words.language == language).unwrap_or(&en::WORDS)
    }

    /// Returns the description of a line.
    pub fn description_of(&self, item: &Item) -> String {
        let wording = match item.wording {
            None => return item.description.clone(),
            Some(Wording::Once) => self.once,
            Some(Wording::UnusedTime) => self.unused_time,
            Some(Wording::RemainingTime) => self.remaining_time,
        };
        wording.replace("{name}", &item.description)
    }

    /// Returns the name of the document.
    pub fn title(&self, invoice: &Invoice) -> &'static str {
        if invoice.credit_note.is_some() { self.credit_note } else { self.invoice }
    }

    /// Returns the mark beside the title. An issued invoice has none.
    pub fn mark(&self, status: Status) -> Option<&'static str> {
        match status {
            Status::Issued => None,
            Status::Draft => Some(self.draft),
            Status::PartiallyPaid => Some(self.partially_paid),
            Status::Paid => Some(self.paid),
            Status::Overdue => Some(self.overdue),
            Status::Void => Some(self.void),
            Status::Uncollectible => Some(self.uncollectible),
        }
    }
}

static ALL: [&Words; 14] = [
    &en::WORDS,
    &de::WORDS,
    &fr::WORDS,
    &es::WORDS,
    &it::WORDS,
    &pt::WORDS,
    &nl::WORDS,
    &pl::WORDS,
    &tr::WORDS,
    &ar::WORDS,
    &he::WORDS,
    &zh::WORDS,
    &zh_hant::WORDS,
    &ja::WORDS,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fonts;
    use std::collections::BTreeSet;

    /// Returns the names in braces.
    fn names(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect()
    }

    #[rustfmt::skip]
    fn texts(words: &Words) -> [&str; 46] {
        let Words {
            invoice, number, issued, due, period, seller, customer, tax_id, description,
            quantity, unit_price, amount, discounts_included, subtotal, total, amount_paid, credit_note,
            credit_note_number, of_invoice, due_reduction, refunded, credited,
            out_of_band, balance_applied, amount_moved, amount_due, payments, po_number,
            paid_on, included, transfer, reference, tax_exempt, declared_tax,
            reverse_charge, void_note, page, once, unused_time, remaining_time, draft,
            partially_paid, paid, overdue, void, uncollectible, language: _,
            right_to_left: _,
        } = *words;
        [
            invoice, number, issued, due, period, seller, customer, tax_id, description,
            quantity, unit_price, amount, discounts_included, subtotal, total, amount_paid, credit_note,
            credit_note_number, of_invoice, due_reduction, refunded, credited,
            out_of_band, balance_applied, amount_moved, amount_due, payments, po_number,
            paid_on, included, transfer, reference, tax_exempt, declared_tax,
            reverse_charge, void_note, page, once, unused_time, remaining_time, draft,
            partially_paid, paid, overdue, void, uncollectible,
        ]
    }

    #[test]
    fn every_language_has_the_placeholders_of_english_and_its_glyphs() {
        let fonts = Fonts::built_in().unwrap();
        for words in ALL {
            for (text, english) in texts(words).into_iter().zip(texts(&en::WORDS)) {
                assert_eq!(names(text), names(english), "{}: {text}", words.language);
                assert!(!text.is_empty() && text.trim() == text, "{}: {english}", words.language);
                assert_eq!(fonts.missing(text), [], "{}: {text}", words.language);
            }
        }
    }

    #[test]
    fn chinese_is_traditional_by_script_or_region() {
        for (tag, language) in [
            ("zh", "zh"),
            ("zh-CN", "zh"),
            ("zh-Hans-HK", "zh"),
            ("zh_TW", "zh-Hant"),
            ("zh-Hant", "zh-Hant"),
            ("zh-hant-CN", "zh-Hant"),
            ("zh-MO", "zh-Hant"),
            ("pt-PT", "pt"),
            ("xx-HK", "en"),
        ] {
            assert_eq!(crate::locale::Tag::read(tag).words().language, language, "{tag}");
        }
    }
}
