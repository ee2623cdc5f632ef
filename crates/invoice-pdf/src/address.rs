//! Addresses in the order of their country, with the country's name in the language of the reader.
//!
//! `data/countries.tsv` has one line for each country: the code, the format in the local script, the
//! format in Latin script if it differs, and the names in [`LANGUAGES`].

use crate::locale::Tag;

const COUNTRIES: &str = include_str!("../data/countries.tsv");
/// The columns of names, by [`crate::words::Words::language`].
const LANGUAGES: [&str; 14] =
    ["en", "de", "fr", "es", "ar", "he", "zh", "zh-Hant", "ja", "it", "pt", "nl", "pl", "tr"];
const UNKNOWN: &str = "$A|$C";

/// A postal address. The recipient's name is not part of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Address<'a> {
    pub line1: &'a str,
    pub line2: Option<&'a str>,
    pub city: &'a str,
    pub state: Option<&'a str>,
    pub postal_code: Option<&'a str>,
    /// ISO 3166-1 alpha-2, upper case.
    pub country: &'a str,
}

impl Address<'_> {
    /// Returns the lines as they are written on an envelope in that country. `locale` is a BCP 47
    /// tag; the name of the country is in its language. A part that the country's format lacks gets
    /// a line of its own, so that nothing is lost.
    pub fn lines(&self, locale: &str) -> Vec<String> {
        let mut columns = COUNTRIES
            .lines()
            .find(|line| line.split('\t').next() == Some(self.country))
            .unwrap_or_default()
            .split('\t')
            .skip(1);
        let local = columns.next().filter(|format| !format.is_empty()).unwrap_or(UNKNOWN);
        let latin = columns.next().filter(|format| !format.is_empty()).unwrap_or(local);
        let format = if self.is_latin() { latin } else { local };
        let mut lines: Vec<String> = format
            .split('|')
            .flat_map(|line| match line {
                "$A" => std::iter::once(self.line1).chain(self.line2).map(str::to_owned).collect(),
                line => vec![self.line(line)],
            })
            .filter(|line| !line.is_empty())
            .collect();
        for (part, field) in [(self.state, "$S"), (self.postal_code, "$Z")] {
            let left_over = part.filter(|part| !format.contains(field) && *part != self.city);
            lines.extend(left_over.map(str::to_owned));
        }
        let language = Tag::read(locale).words().language;
        let column = LANGUAGES.iter().position(|known| *known == language).unwrap_or(0);
        let name = columns.nth(column).filter(|name| !name.is_empty()).unwrap_or(self.country);
        lines.push(name.to_owned());
        lines
    }

    /// Fills a line of a format in. Literal text is dropped beside a part that is missing.
    fn line(&self, format: &str) -> String {
        let street: Vec<&str> = std::iter::once(self.line1).chain(self.line2).collect();
        let street = street.join(", ");
        let (mut line, mut literal, mut missing) = (String::new(), String::new(), false);
        let mut rest = format.chars();
        while let Some(character) = rest.next() {
            if character != '$' {
                literal.push(character);
                continue;
            }
            let part = match rest.next() {
                Some('A') => Some(street.as_str()),
                Some('C') => Some(self.city),
                Some('S') => self.state,
                Some('Z') => self.postal_code,
                _ => None,
            };
            if let Some(part) = part.filter(|part| !part.is_empty()) {
                let has_prefix = line.is_empty() && part.starts_with(literal.as_str());
                if !(has_prefix || line.is_empty() && missing) {
                    line.push_str(&literal);
                }
                line.push_str(part);
            } else {
                missing = true;
            }
            literal.clear();
        }
        line
    }

    fn is_latin(&self) -> bool {
        let foreign = |character: char| character.is_alphabetic() && character > '\u{24f}';
        !self.line1.contains(foreign) && !self.city.contains(foreign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(parts: [&str; 5], locale: &str) -> Vec<String> {
        fn some(text: &str) -> Option<&str> {
            Some(text).filter(|text| !text.is_empty())
        }
        let [line1, city, state, code, country] = parts;
        let (state, postal_code) = (some(state), some(code));
        Address { line1, line2: None, city, state, postal_code, country }.lines(locale)
    }

    #[test]
    fn street_that_shares_its_line_loses_no_part() {
        let address = Address {
            line1: "Rue du Commerce 5",
            line2: Some("2e étage"),
            city: "Abidjan",
            country: "CI",
            ..Address::default()
        };
        assert_eq!(address.lines("en")[0], "Rue du Commerce 5, 2e étage Abidjan");
    }

    #[test]
    fn address_follows_the_order_of_its_country() {
        for (parts, locale, expected) in [
            (
                ["500 Howard Street", "San Francisco", "CA", "94105", "US"],
                "en",
                &["500 Howard Street", "San Francisco, CA 94105", "United States"][..],
            ),
            (
                ["Lindenstraße 12", "Berlin", "", "10969", "DE"],
                "de-AT",
                &["Lindenstraße 12", "10969 Berlin", "Deutschland"],
            ),
            (
                ["1 High Street", "London", "", "SW1A 1AA", "GB"],
                "ar",
                &["1 High Street", "London", "SW1A 1AA", "المملكة المتحدة"],
            ),
            (
                ["Fő utca 1", "Budapest", "", "1011", "HU"],
                "en",
                &["Budapest", "Fő utca 1", "1011", "Hungary"],
            ),
            (
                ["Rue du Commerce 5", "Abidjan", "", "", "CI"],
                "en",
                &["Rue du Commerce 5 Abidjan", "Côte d’Ivoire"],
            ),
            (
                ["ul. Prosta 1", "Warszawa", "", "00-001", "PL"],
                "it",
                &["ul. Prosta 1", "00-001 Warszawa", "Polonia"],
            ),
            (
                ["Rua Augusta 1", "Lisboa", "", "1100-048", "PT"],
                "tr",
                &["Rua Augusta 1", "1100-048 Lisboa", "Portekiz"],
            ),
            (["Rue KA 28", "Conakry", "", "001", "GN"], "fr", &["001 Rue KA 28 Conakry", "Guinée"]),
            (
                ["丸の内1丁目1番1号", "千代田区", "東京都", "100-0005", "JP"],
                "ja",
                &["〒100-0005", "東京都千代田区", "丸の内1丁目1番1号", "日本"],
            ),
            (
                ["1-1-1 Marunouchi", "Chiyoda", "Tokyo", "100-0005", "JP"],
                "zh-TW",
                &["1-1-1 Marunouchi", "Chiyoda, Tokyo", "100-0005", "日本"],
            ),
            (
                ["Bahnhofstrasse 1", "Zürich", "", "8001", "CH"],
                "fr",
                &["Bahnhofstrasse 1", "CH-8001 Zürich", "Suisse"],
            ),
        ] {
            assert_eq!(lines(parts, locale), expected, "{parts:?}");
        }
    }

    #[test]
    fn address_loses_no_part_and_no_punctuation_is_left_over() {
        let city_only = lines(["1 Main St", "Springfield", "", "", "US"], "en");
        assert_eq!(city_only, ["1 Main St", "Springfield", "United States"]);
        let with_state = lines(["Lindenstraße 12", "Berlin", "Brandenburg", "10969", "DE"], "en");
        assert_eq!(with_state, ["Lindenstraße 12", "10969 Berlin", "Brandenburg", "Germany"]);
        assert_eq!(lines(["A 1", "Zürich", "", "CH-8001", "CH"], "en")[1], "CH-8001 Zürich");
        assert_eq!(lines(["A 1", "Zürich", "", "", "CH"], "en")[1], "Zürich");
        assert_eq!(lines(["A 1", "B", "C", "D", "ZZ"], "en"), ["A 1", "B", "C", "D", "ZZ"]);
    }

    #[test]
    fn every_country_has_a_format_and_a_name_in_each_language() {
        assert!(COUNTRIES.lines().count() > 240);
        for line in COUNTRIES.lines() {
            let columns: Vec<&str> = line.split('\t').collect();
            assert_eq!(columns.len(), 3 + LANGUAGES.len(), "{line}");
            assert!(columns[1].contains("$A") && columns[1].contains("$C"), "{line}");
            assert!(columns[3..].iter().all(|name| !name.is_empty()), "{line}");
        }
    }
}
