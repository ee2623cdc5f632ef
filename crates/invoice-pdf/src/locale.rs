//! Numbers, money and days in the customer's locale.
//!
//! The tables follow Unicode CLDR for the languages that they name. Every other language gets
//! `1,234.56` and `2026-03-01`, which cannot be misread.

use jiff::{Timestamp, civil::Date, tz::Offset};

use crate::currency::{exponent, symbol};
use crate::months;
use crate::words::Words;
use crate::{Invoice, Period};

const NO_BREAK: &str = "\u{a0}";
const NARROW_NO_BREAK: &str = "\u{202f}";
const RIGHT_TO_LEFT_MARK: &str = "\u{200f}";
const LEFT_TO_RIGHT_MARK: &str = "\u{200e}";

/// The parts of a BCP 47 tag that matter here.
pub(crate) struct Tag {
    language: String,
    region: String,
    traditional: bool,
}

impl Tag {
    pub fn read(tag: &str) -> Tag {
        let mut subtags = tag.split(['-', '_']);
        let language = match subtags.next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "" => "en".to_owned(),
            "iw" => "he".to_owned(),
            "no" | "nn" => "nb".to_owned(),
            other => other.to_owned(),
        };
        let is_region =
            |subtag: &&str| subtag.len() == 2 && subtag.bytes().all(|b| b.is_ascii_alphabetic());
        let region = subtags.find(is_region).unwrap_or_default().to_ascii_uppercase();
        Tag { language, region, traditional: is_traditional_chinese(tag) }
    }

    pub fn words(&self) -> &'static Words {
        Words::find(&self.language, self.traditional)
    }
}

/// Returns whether a BCP 47 tag names Chinese in the traditional script, by script or region.
pub fn is_traditional_chinese(tag: &str) -> bool {
    let tag = tag.to_ascii_lowercase();
    let mut subtags = tag.split(['-', '_']);
    let is_chinese = subtags.next() == Some("zh");
    let rest: Vec<&str> = subtags.collect();
    let has = |names: &[&str]| rest.iter().any(|subtag| names.contains(subtag));
    is_chinese && (has(&["hant"]) || !has(&["hans"]) && has(&["tw", "hk", "mo"]))
}

pub(crate) struct Locale {
    pub words: &'static Words,
    language: String,
    region: String,
    marks: Marks,
    currency: String,
}

/// The parts of a formatted number.
#[derive(Clone, Copy)]
struct Marks {
    group: &'static str,
    point: &'static str,
    minus: &'static str,
    /// The number of integer digits from which digits are grouped.
    grouped_from: usize,
    arabic_digits: bool,
}

impl Locale {
    pub fn choose(invoice: &Invoice) -> Locale {
        Locale::new(&invoice.locale, &invoice.currency)
    }

    pub fn new(tag: &str, currency: &str) -> Locale {
        let tag = Tag::read(tag);
        Locale {
            words: tag.words(),
            marks: marks(&tag.language, &tag.region),
            language: tag.language,
            region: tag.region,
            currency: currency.to_owned(),
        }
    }

    /// Whether US Letter is the usual paper size.
    pub fn letter_paper(&self) -> bool {
        matches!(self.region.as_str(), "US" | "CA" | "MX")
    }

    pub fn money(&self, minor: i64) -> String {
        self.price(&minor.to_string())
    }

    /// Formats a decimal in minor units with at least the currency's decimals, and with more if the
    /// number has more.
    pub fn price(&self, minor: &str) -> String {
        self.price_in(&self.currency, minor)
    }

    /// Formats a decimal in minor units of a currency.
    pub fn price_in(&self, currency: &str, minor: &str) -> String {
        let places = exponent(currency) as usize;
        let Some(decimal) = Decimal::read(minor) else { return minor.to_owned() };
        let decimal = decimal.shifted(places);
        let number = self.number(&decimal, places);
        let minus = if decimal.negative { self.marks.minus } else { "" };
        let sign = symbol(currency, &self.language, &self.region);
        let unit = sign.unwrap_or(currency);
        match self.language.as_str() {
            "ar" | "he" => {
                // Without it, the last character of `US$` would move to the other side of its
                // letters.
                let letters = unit.starts_with(|first: char| first.is_ascii_alphabetic());
                let end = if letters && sign.is_some() { LEFT_TO_RIGHT_MARK } else { "" };
                let mark = RIGHT_TO_LEFT_MARK;
                format!("{mark}{minus}{number}{NO_BREAK}{mark}{unit}{end}")
            }
            "nl" => format!("{unit}{NO_BREAK}{minus}{number}"),
            "pt" if self.region != "PT" => format!("{minus}{unit}{NO_BREAK}{number}"),
            "de" if matches!(self.region.as_str(), "CH" | "LI") => {
                format!("{unit}{NO_BREAK}{minus}{number}")
            }
            "tr" if sign.is_some() => format!("{minus}{unit}{number}"),
            "tr" => format!("{minus}{unit}{NO_BREAK}{number}"),
            _ if self.marks.point == "," => format!("{minus}{number}{NO_BREAK}{unit}"),
            _ if sign.is_some() => format!("{minus}{unit}{number}"),
            _ => format!("{minus}{unit}{NO_BREAK}{number}"),
        }
    }

    /// Formats a decimal. Other text is returned unchanged.
    pub fn decimal(&self, text: &str) -> String {
        match Decimal::read(text) {
            Some(decimal) => {
                let minus = if decimal.negative { self.marks.minus } else { "" };
                format!("{minus}{}", self.number(&decimal, 0))
            }
            None => text.to_owned(),
        }
    }

    pub fn percent(&self, basis_points: u32) -> String {
        let decimal = Decimal::read(&basis_points.to_string()).unwrap_or_default().shifted(2);
        let number = self.number(&decimal, 0);
        match self.language.as_str() {
            "ar" if self.marks.arabic_digits => format!("{number}٪"),
            "fr" => format!("{number}{NARROW_NO_BREAK}%"),
            "tr" => format!("%{number}"),
            "de" | "es" | "sv" | "nb" | "da" | "fi" | "cs" | "sk" | "ru" | "bg" => {
                format!("{number}{NO_BREAK}%")
            }
            _ => format!("{number}%"),
        }
    }

    pub fn date(&self, instant: i64) -> String {
        let date = day(instant);
        let (year, month, day) = (date.year(), date.month(), date.day());
        let name =
            months::names(&self.language).map(|names| names[usize::from(month.unsigned_abs()) - 1]);
        let text = match (self.language.as_str(), name) {
            ("en", Some(month)) if matches!(self.region.as_str(), "" | "US" | "PH") => {
                format!("{month} {day}, {year}")
            }
            ("en", _) if self.region == "CA" => format!("{year}-{month:02}-{day:02}"),
            ("de", _) => format!("{day:02}.{month:02}.{year}"),
            ("pt", _) if self.region == "PT" => format!("{day:02}/{month:02}/{year}"),
            ("pt", Some(month)) => format!("{day} de {month} de {year}"),
            ("he", Some(month)) => format!("{day} ב{month} {year}"),
            ("zh" | "ja", _) => format!("{year}年{month}月{day}日"),
            (_, Some(month)) => format!("{day} {month} {year}"),
            (_, None) => format!("{year:04}-{month:02}-{day:02}"),
        };
        self.digits(&text)
    }

    pub fn period(&self, period: Period) -> String {
        const DAY: i64 = 86_400;
        let last = period.end.saturating_sub(DAY);
        if last.div_euclid(DAY) <= period.start.div_euclid(DAY) {
            return self.date(period.start);
        }
        format!("{} – {}", self.date(period.start), self.date(last))
    }

    pub fn page(&self, page: usize, pages: usize) -> String {
        let text = self.words.page.replace("{page}", &page.to_string());
        self.digits(&text.replace("{pages}", &pages.to_string()))
    }

    fn number(&self, decimal: &Decimal, places: usize) -> String {
        let Marks { group, point, grouped_from, .. } = self.marks;
        let mut text = String::new();
        for (index, digit) in decimal.whole.chars().enumerate() {
            let left = decimal.whole.len() - index;
            if index > 0 && left.is_multiple_of(3) && decimal.whole.len() >= grouped_from {
                text.push_str(group);
            }
            text.push(digit);
        }
        if !decimal.fraction.is_empty() || places > 0 {
            text.push_str(point);
            text.push_str(&format!("{:0<places$}", decimal.fraction));
        }
        self.digits(&text)
    }

    fn digits(&self, text: &str) -> String {
        if !self.marks.arabic_digits {
            return text.to_owned();
        }
        text.chars()
            .map(|character| match character.to_digit(10) {
                Some(digit) => char::from_u32('٠' as u32 + digit).unwrap_or(character),
                None => character,
            })
            .collect()
    }
}

/// Returns the day in UTC. An instant beyond the calendar's range gets the nearest day in it.
pub(crate) fn day(instant: i64) -> Date {
    let bounded = instant.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    Offset::UTC.to_datetime(Timestamp::from_second(bounded).unwrap_or_default()).date()
}

fn marks(language: &str, region: &str) -> Marks {
    let plain = Marks { group: ",", point: ".", minus: "-", grouped_from: 4, arabic_digits: false };
    let comma = |group, grouped_from| Marks { group, point: ",", grouped_from, ..plain };
    match (language, region) {
        ("ar", "AE" | "DZ" | "EH" | "LY" | "MA" | "TN") | ("he", _) => {
            Marks { minus: "\u{200e}-", ..plain }
        }
        ("ar", _) => {
            Marks { group: "٬", point: "٫", minus: "\u{61c}-", arabic_digits: true, ..plain }
        }
        ("de", "CH" | "LI") => Marks { group: "’", ..plain },
        ("es", "MX" | "US" | "PR" | "GT" | "HN" | "NI" | "PA" | "PE" | "SV" | "DO") => plain,
        ("es" | "it", _) => comma(".", 5),
        ("pt", "PT") | ("pl", _) => comma(NO_BREAK, 5),
        ("fr", _) => comma(NARROW_NO_BREAK, 4),
        ("de" | "nl" | "pt" | "da" | "id" | "tr" | "el" | "ro" | "hr" | "sl", _) => comma(".", 4),
        (
            "sv" | "nb" | "fi" | "cs" | "sk" | "ru" | "uk" | "be" | "bg" | "hu" | "lt" | "lv"
            | "et",
            _,
        ) => comma(NO_BREAK, 4),
        _ => plain,
    }
}

/// A decimal as text, never a float, with all digits.
#[derive(Default)]
struct Decimal {
    negative: bool,
    /// Removes leading zeros except the last.
    whole: String,
    /// Removes trailing zeros.
    fraction: String,
}

impl Decimal {
    fn read(text: &str) -> Option<Decimal> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        (all_digits(whole) && all_digits(fraction)).then(|| Decimal::new(negative, whole, fraction))
    }

    fn new(negative: bool, whole: &str, fraction: &str) -> Decimal {
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0').to_owned();
        let negative = negative && !(whole.is_empty() && fraction.is_empty());
        let whole = if whole.is_empty() { "0" } else { whole }.to_owned();
        Decimal { negative, whole, fraction }
    }

    /// Divides by ten to the power of `places`.
    fn shifted(&self, places: usize) -> Decimal {
        let padded = format!("{:0>width$}", self.whole, width = places + 1);
        let (whole, moved) = padded.split_at(padded.len() - places);
        Decimal::new(self.negative, whole, &format!("{moved}{}", self.fraction))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locale(tag: &str, currency: &str) -> Locale {
        Locale::choose(&Invoice {
            locale: tag.to_owned(),
            currency: currency.to_owned(),
            ..Invoice::default()
        })
    }

    #[test]
    fn money_uses_the_format_of_the_locale() {
        for (tag, currency, minor, expected) in [
            ("en", "USD", 123_456, "$1,234.56"),
            ("en", "USD", -5, "-$0.05"),
            ("en-GB", "USD", 123_456, "US$1,234.56"),
            ("en", "CHF", 100, "CHF\u{a0}1.00"),
            ("en", "JPY", 1_234, "¥1,234"),
            ("en", "KWD", 1_234_567, "KWD\u{a0}1,234.567"),
            ("de", "EUR", 123_456, "1.234,56\u{a0}€"),
            ("de-CH", "CHF", 123_456, "CHF\u{a0}1’234.56"),
            ("fr", "EUR", -123_456, "-1\u{202f}234,56\u{a0}€"),
            ("es", "EUR", 123_456, "1234,56\u{a0}€"),
            ("es", "EUR", 1_234_567, "12.345,67\u{a0}€"),
            ("es-MX", "MXN", 123_456, "MX$1,234.56"),
            ("ar", "SAR", 123_456, "\u{200f}١٬٢٣٤٫٥٦\u{a0}\u{200f}SAR"),
            ("ar-AE", "AED", -123_456, "\u{200f}\u{200e}-1,234.56\u{a0}\u{200f}AED"),
            ("ar-AE", "USD", 123_456, "\u{200f}1,234.56\u{a0}\u{200f}US$\u{200e}"),
            ("he", "ILS", 123_456, "\u{200f}1,234.56\u{a0}\u{200f}₪"),
            ("zh-CN", "CNY", 123_456, "¥1,234.56"),
            ("ja", "JPY", 1_234_567, "¥1,234,567"),
            ("pl", "PLN", 123_456, "1234,56\u{a0}zł"),
            ("pl", "EUR", -12_345_678, "-123\u{a0}456,78\u{a0}€"),
            ("en", "PLN", 123_456, "PLN\u{a0}1,234.56"),
            ("nl", "EUR", -123_456, "€\u{a0}-1.234,56"),
            ("nl-BE", "CHF", 1_000, "CHF\u{a0}10,00"),
            ("it", "EUR", 123_456, "1234,56\u{a0}€"),
            ("it", "EUR", -12_345_678, "-123.456,78\u{a0}€"),
            ("pt-BR", "BRL", -123_450, "-R$\u{a0}1.234,50"),
            ("pt", "EUR", 12_345_678, "€\u{a0}123.456,78"),
            ("pt-PT", "EUR", 123_456, "1234,56\u{a0}€"),
            ("pt-PT", "EUR", -12_345_678, "-123\u{a0}456,78\u{a0}€"),
            ("tr", "TRY", 123_450, "₺1.234,50"),
            ("tr", "EUR", -12_345_678, "-€123.456,78"),
            ("tr", "CHF", 1_000, "CHF\u{a0}10,00"),
            ("de", "TRY", 123_450, "1.234,50\u{a0}TRY"),
            ("", "USD", i64::MIN, "-$92,233,720,368,547,758.08"),
        ] {
            assert_eq!(locale(tag, currency).money(minor), expected, "{tag} {currency} {minor}");
        }
    }

    #[test]
    fn unit_price_keeps_every_digit() {
        assert_eq!(locale("en", "USD").price("0.25"), "$0.0025");
        assert_eq!(locale("en", "USD").price("0.000000000001"), "$0.00000000000001");
        assert_eq!(locale("de", "EUR").price("150.50"), "1,505\u{a0}€");
        assert_eq!(locale("ja", "JPY").price("0.5"), "¥0.5");
        assert_eq!(locale("en", "USD").price("-0.00"), "$0.00");
        assert_eq!(locale("en", "USD").price("1e3"), "1e3");
    }

    #[test]
    fn quantity_and_percentage_omit_trailing_zeros() {
        assert_eq!(locale("en", "USD").decimal("1234567.500"), "1,234,567.5");
        assert_eq!(locale("de", "EUR").decimal("-1234.5"), "-1.234,5");
        assert_eq!(locale("ar-EG", "EGP").decimal("1234.5"), "١٬٢٣٤٫٥");
        assert_eq!(locale("en", "USD").percent(1_900), "19%");
        assert_eq!(locale("fr", "EUR").percent(550), "5,5\u{202f}%");
        assert_eq!(locale("ar", "SAR").percent(1_500), "١٥٪");
        assert_eq!(locale("tr", "TRY").percent(550), "%5,5");
        for tag in ["it", "pt", "pt-PT", "nl", "pl"] {
            assert_eq!(locale(tag, "EUR").percent(550), "5,5%", "{tag}");
        }
        assert_eq!(locale("it", "EUR").decimal("-1234.5"), "-1234,5");
        assert_eq!(locale("pl", "EUR").decimal("1234567.5"), "1\u{a0}234\u{a0}567,5");
        assert_eq!(locale("tr", "EUR").decimal("1234567.5"), "1.234.567,5");
    }

    #[test]
    fn date_uses_the_format_of_the_locale() {
        let instant = 1_772_323_200; // 2026-03-01
        for (tag, expected) in [
            ("en", "Mar 1, 2026"),
            ("en-GB", "1 Mar 2026"),
            ("de", "01.03.2026"),
            ("fr", "1 mars 2026"),
            ("es", "1 mar 2026"),
            ("it", "1 mar 2026"),
            ("pt", "1 de mar. de 2026"),
            ("pt-PT", "01/03/2026"),
            ("nl", "1 mrt 2026"),
            ("pl", "1 mar 2026"),
            ("tr", "1 Mar 2026"),
            ("ar", "١ مارس ٢٠٢٦"),
            ("ar-AE", "1 مارس 2026"),
            ("he", "1 במרץ 2026"),
            ("zh", "2026年3月1日"),
            ("ja", "2026年3月1日"),
            ("sw", "2026-03-01"),
        ] {
            assert_eq!(locale(tag, "USD").date(instant), expected, "{tag}");
        }
    }

    #[test]
    fn consecutive_periods_share_no_day() {
        const HOUR: i64 = 3_600;
        let (march, april) = (1_772_323_200, 1_775_001_600);
        let english = locale("en", "USD");
        let shown = |start, end| english.period(Period { start, end });
        assert_eq!(shown(march, april), "Mar 1, 2026 – Mar 31, 2026");
        assert_eq!(shown(march + 10 * HOUR, april + 10 * HOUR), "Mar 1, 2026 – Mar 31, 2026");
        assert_eq!(shown(april + 10 * HOUR, april + 34 * HOUR), "Apr 1, 2026");
        assert_eq!(shown(april + 34 * HOUR, april + 58 * HOUR), "Apr 2, 2026");
        for end in [march, march + 1, march + 24 * HOUR, march + 25 * HOUR] {
            assert_eq!(shown(march, end), "Mar 1, 2026", "{end}");
        }
    }
}
