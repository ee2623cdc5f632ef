//! Invoices as PDF documents.
//!
//! [`render`] lays one [`Invoice`] out, in the customer's language and direction, and returns the
//! bytes of a tagged PDF with embedded, subset fonts. The same invoice and fonts give the same
//! bytes, so nothing needs to be stored.
//!
//! This crate computes no money: an invoice that does not add up is shown as it is. It reads no file
//! and no clock, keeps no state, and knows nothing about customers, tenants or HTTP.

mod address;
mod clean;
mod currency;
mod font;
mod head;
mod invoice;
mod layout;
mod locale;
mod months;
mod paint;
mod sheet;
mod table;
mod tail;
mod text;
mod words;

use std::fmt;

use jiff::civil::Time;
use krilla::error::KrillaError;
use krilla::image::Image;

pub use address::Address;
pub use currency::exponent;
pub use font::{FontError, Fonts};
pub use invoice::{
    CreditNote, Customer, DeclaredTax, Discount, Invoice, Item, Payment, Period, Rate, Seller,
    Status, Tax, Tier, Wording,
};
pub use locale::is_traditional_chinese;

use locale::Locale;
use paint::Label;
use text::Typesetter;

/// Formats amounts and days in other texts as the documents do.
pub struct Format(Locale);

impl Format {
    /// `locale` is a BCP 47 tag, `currency` the code of amounts.
    pub fn new(locale: &str, currency: &str) -> Format {
        Format(Locale::new(locale, currency))
    }

    /// Formats an amount in minor units.
    pub fn money(&self, minor: i64) -> String {
        self.0.money(minor)
    }

    /// Formats the UTC day of an instant in seconds.
    pub fn date(&self, instant: i64) -> String {
        self.0.date(instant)
    }
}

/// The reason that no document was written. No content of an invoice causes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenderError {
    /// A face that was added could not be embedded.
    Font(String),
    /// The document does not follow the standards that it would claim.
    Document(String),
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RenderError::Font(reason) => write!(f, "a font could not be embedded: {reason}"),
            RenderError::Document(reason) => write!(f, "the document is not valid: {reason}"),
        }
    }
}

impl std::error::Error for RenderError {}

/// Renders an invoice or a credit note as a PDF.
pub fn render(invoice: &Invoice, fonts: &Fonts) -> Result<Vec<u8>, RenderError> {
    let invoice = clean::invoice(invoice);
    let locale = Locale::choose(&invoice);
    let written = match invoice.seller.logo.as_deref().and_then(logo) {
        // The pixels of a logo are decoded last. A broken one is left out.
        Some(logo) => write(&invoice, &locale, fonts, Some(logo))
            .or_else(|_| write(&invoice, &locale, fonts, None)),
        None => write(&invoice, &locale, fonts, None),
    };
    written.map_err(|error| {
        let reason = format!("{error}: {error:?}");
        if matches!(error, KrillaError::Font(..)) {
            return RenderError::Font(reason);
        }
        RenderError::Document(reason)
    })
}

fn write(
    invoice: &Invoice,
    locale: &Locale,
    fonts: &Fonts,
    logo: Option<Image>,
) -> Result<Vec<u8>, KrillaError> {
    let typesetter = Typesetter { fonts, right_to_left: locale.words.right_to_left };
    let label = Label {
        title: short(format!("{} {}", locale.words.title(invoice), invoice.number).trim()),
        author: short(&invoice.seller.legal_name),
        language: locale.words.language,
        issued: invoice.issued_at.map(|at| locale::day(at).to_datetime(Time::midnight())),
    };
    paint::paint(layout::compose(invoice, locale, typesetter, logo), fonts, label)
}

/// Reads an image by its first bytes, if its size is one that a page can show.
fn logo(file: &[u8]) -> Option<Image> {
    const LARGEST: u32 = 4_096;
    let data = file.to_vec().into();
    let image = match file {
        [0x89, b'P', b'N', b'G', ..] => Image::from_png(data, false),
        [0xff, 0xd8, 0xff, ..] => Image::from_jpeg(data, false),
        [b'G', b'I', b'F', b'8', ..] => Image::from_gif(data, false),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => {
            Image::from_webp(data, false)
        }
        _ => return None,
    };
    let (width, height) = image.as_ref().ok()?.size();
    image.ok().filter(|_| (1..=LARGEST).contains(&width) && (1..=LARGEST).contains(&height))
}

/// Shortens a text for the document's own fields: PDF/A limits their length.
fn short(text: &str) -> String {
    text.replace('\n', " ").chars().take(200).collect()
}
