//! Values that several slices read: slugs, money, addresses, origins, images.

use super::Fields;
use crate::base::{Address, Currency, Decimal, MAX_AMOUNT, TaxRate};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use email_address::{EmailAddress, Options};
use http::Uri;
use serde_json::Value;
use std::ops::RangeInclusive;

/// The maximum size of an image as a `data:` URI.
pub const MAX_IMAGE_BYTES: usize = 32 * 1024;
const IMAGE_TYPES: [&str; 5] = ["png", "jpeg", "webp", "gif", "svg+xml"];

impl Fields {
    /// Reads a name that people read: it has a character that can be seen.
    pub fn name(&mut self, name: &str, length: RangeInclusive<usize>) -> Option<String> {
        let text = self.text(name, length)?;
        if text.chars().all(is_blank) {
            self.wrong(name, "must have a character that can be seen");
        }
        Some(text)
    }

    /// Reads a slug, by which code refers to an object.
    pub fn slug(&mut self, name: &str) -> Option<String> {
        let slug = self.text(name, 1..=64)?;
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        if !slug.bytes().all(plain) || slug.starts_with(['-', '_']) {
            self.wrong(name, "must be lower-case letters, digits, hyphens and underscores");
            return None;
        }
        Some(slug)
    }

    /// Reads an amount of money or credits, in minor units.
    pub fn amount(&mut self, name: &str, least: i64) -> Option<i64> {
        self.integer(name, least..=MAX_AMOUNT)
    }

    pub fn currency(&mut self, name: &str) -> Option<Currency> {
        self.parsed(name, "an ISO 4217 code")
    }

    /// Reads a non-negative decimal from a string, which keeps it exact.
    pub fn decimal(&mut self, name: &str, fraction_digits: usize) -> Option<Decimal> {
        let text = self.text(name, 0..=100)?;
        let decimal = Decimal::parse(&text, fraction_digits).ok().filter(|decimal| {
            (Decimal::ZERO..=Decimal::from_integer(MAX_AMOUNT)).contains(decimal)
        });
        if decimal.is_none() {
            let most = format!("of at most {fraction_digits} fraction digits");
            self.wrong(
                name,
                format!("must be a decimal from 0 to {MAX_AMOUNT} {most}, in a string"),
            );
        }
        decimal
    }

    /// Reads a quantity of usage: a decimal in a string or a number, rounded half away from zero
    /// to six fraction digits.
    pub fn quantity(&mut self, name: &str) -> Option<Decimal> {
        const MOST: i64 = 1_000_000_000;
        let text = match self.take(name)? {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
        };
        let quantity = Decimal::parse_rounded(&text, 6)
            .ok()
            .filter(|quantity| (Decimal::ZERO..=Decimal::from_integer(MOST)).contains(quantity));
        if quantity.is_none() {
            self.wrong(name, format!("must be a decimal from 0 to {MOST}"));
        }
        quantity
    }

    pub fn email(&mut self, name: &str) -> Option<String> {
        let email = self.text(name, 3..=254)?;
        let options = Options::default().without_display_text();
        let is_mailbox = EmailAddress::parse_with_options(&email, options).is_ok();
        if !is_mailbox || email.contains(char::is_whitespace) {
            self.wrong(name, "must be one e-mail address, as ada@example.com");
        }
        Some(email)
    }

    /// A line of an address that may be missing: empty or `null` means that it is.
    fn line(&mut self, name: &str, length: RangeInclusive<usize>) -> Option<String> {
        if self.is_empty_text(name) {
            self.take(name);
            return None;
        }
        self.optional(true, name, |fields, name| fields.text(name, length)).flatten()
    }

    /// Reads a BCP 47 language tag by its form.
    pub fn locale(&mut self, name: &str) -> Option<String> {
        let locale = self.text(name, 2..=35)?;
        if !is_language_tag(&locale) {
            self.wrong(name, "must be a language tag such as de-AT");
        }
        Some(locale)
    }

    pub fn address(&mut self, name: &str) -> Option<Address> {
        self.object(name, |fields| {
            fields.required(&["line1", "city", "country"]);
            let line1 = fields.text("line1", 1..=200);
            // An address is replaced as a whole, so null means what an absent line means.
            let line2 = fields.line("line2", 1..=200);
            let city = fields.text("city", 1..=100);
            let state = fields.line("state", 1..=100);
            let code = fields.line("postalCode", 1..=20);
            let country = fields.text("country", 2..=2);
            if country.as_ref().is_some_and(|code| !code.bytes().all(|b| b.is_ascii_uppercase())) {
                fields.wrong("country", "must be an ISO 3166 code of two capital letters");
            }
            Some(Address {
                line1: line1?,
                line2,
                city: city?,
                state,
                postal_code: code,
                country: country?,
            })
        })
    }

    pub fn tax_rate(&mut self, name: &str) -> Option<TaxRate> {
        self.object(name, |fields| {
            fields.required(&["name", "basisPoints"]);
            let (name, points) =
                (fields.text("name", 1..=40), fields.integer("basisPoints", 0..=10_000));
            Some(TaxRate { name: name?, basis_points: points? })
        })
    }

    /// Reads an image that a page can show without a request: a `data:` URI in base64.
    pub fn image(&mut self, name: &str) -> Option<String> {
        let image = self.text(name, 1..=MAX_IMAGE_BYTES)?;
        let parts = image.strip_prefix("data:image/").and_then(|rest| rest.split_once(";base64,"));
        let decoded = parts
            .filter(|(media, _)| IMAGE_TYPES.contains(media))
            .and_then(|(_, data)| STANDARD.decode(data).ok())
            .filter(|bytes| !bytes.is_empty());
        if decoded.is_none() {
            let types = IMAGE_TYPES.join(", ");
            self.wrong(name, format!("must be a data: URI in base64 of an image of {types}"));
        }
        Some(image)
    }

    /// Reads exact origins as browsers send them: scheme, host, and a port if it is not the
    /// default.
    pub fn origins(&mut self, name: &str) -> Option<Vec<String>> {
        let origins = self.texts(name, 10)?;
        if !origins.iter().all(|origin| is_origin(origin)) {
            self.wrong(
                name,
                "must be origins as browsers send them, such as https://app.example.com",
            );
        }
        Some(origins)
    }
}

/// Whether a character leaves no mark: white space, joiners, direction marks, soft hyphens, fillers
/// and variation selectors.
fn is_blank(character: char) -> bool {
    character.is_whitespace()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a tag is a language, optionally with script, region and variants (RFC 5646). Browsers
/// accept these for numbers and dates and throw on any other text, which would leave the customer
/// without a page.
fn is_language_tag(tag: &str) -> bool {
    let letters = |part: &&str, length: usize| {
        part.len() == length && part.bytes().all(|b| b.is_ascii_alphabetic())
    };
    let mut parts = tag.split('-').peekable();
    let language = parts.next().is_some_and(|part| letters(&part, 2) || letters(&part, 3));
    parts.next_if(|part| letters(part, 4));
    parts.next_if(|part| {
        letters(part, 2) || (part.len() == 3 && part.bytes().all(|b| b.is_ascii_digit()))
    });
    let variants: Vec<String> = parts.map(str::to_ascii_lowercase).collect();
    let are_variants = variants.iter().enumerate().all(|(at, variant)| {
        let begins_with_digit = variant.starts_with(|c: char| c.is_ascii_digit());
        variant.bytes().all(|b| b.is_ascii_alphanumeric())
            && ((5..=8).contains(&variant.len()) || (variant.len() == 4 && begins_with_digit))
            && !variants[..at].contains(variant)
    });
    language && are_variants
}

fn is_origin(text: &str) -> bool {
    let usual_port = |scheme: &str| if scheme == "https" { ":443" } else { ":80" };
    let Some((scheme @ ("https" | "http"), authority)) = text.split_once("://") else {
        return false;
    };
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-:[]".contains(&b);
    let parsed = format!("{text}/").parse::<Uri>().ok().and_then(|uri| uri.authority().cloned());
    // Browsers send ports in their shortest form only.
    let shortest = parsed.map(|parsed| match parsed.port_u16() {
        Some(port) => format!("{}:{port}", parsed.host()),
        None => parsed.host().to_owned(),
    });
    (1..=255).contains(&authority.len())
        && authority.bytes().all(plain)
        && !authority.starts_with(':')
        && !authority.ends_with(usual_port(scheme))
        && shortest.as_deref() == Some(authority)
}

#[cfg(test)]
mod tests {
    use super::is_language_tag;

    #[test]
    fn language_tag_matches_what_browsers_accept() {
        for tag in [
            "de",
            "DE",
            "gsw",
            "de-AT",
            "es-419",
            "zh-Hant-TW",
            "sr-Latn",
            "de-CH-1996",
            "ca-valencia",
        ] {
            assert!(is_language_tag(tag), "{tag}");
        }
        // `Intl` throws on each of these.
        for tag in [
            "",
            "d",
            "deut",
            "1a",
            "de_AT",
            "de-",
            "-de",
            "de--AT",
            "de-1",
            "de-a",
            "de-AT-Latn",
            "i-klingon",
            "de-u",
            "de-x",
            "de-1996-1996",
            "dé",
        ] {
            assert!(!is_language_tag(tag), "{tag}");
        }
    }
}
