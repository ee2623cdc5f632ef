//! The faces there are, and which of them shows a character.

use std::fmt;

use harfrust::{FontRef, ShaperData};
use krilla::Data;
use krilla::text::Font;
use skrifa::MetadataProvider;
use skrifa::instance::{LocationRef, Size};
use skrifa::raw::TableProvider;

static TEXT_FACES: [&[u8]; 6] = [
    include_bytes!("../fonts/NotoSans-Regular.ttf"),
    include_bytes!("../fonts/NotoSans-Bold.ttf"),
    include_bytes!("../fonts/NotoSansArabic-Regular.ttf"),
    include_bytes!("../fonts/NotoSansArabic-Bold.ttf"),
    include_bytes!("../fonts/NotoSansHebrew-Regular.ttf"),
    include_bytes!("../fonts/NotoSansHebrew-Bold.ttf"),
];
/// Tried after every other face: its Latin is not ours, and a face that was given for Chinese,
/// Japanese or Korean is meant to take its place.
static LAST_FACE: &[u8] = include_bytes!("../fonts/DroidSansFallbackFull.ttf");

/// The faces that text is set in: the built-in ones and those that were added. Made once, it
/// serves any number of invoices.
pub struct Fonts {
    faces: Vec<Face>,
}

pub(crate) struct Face {
    data: Data,
    pub font: Font,
    pub shaper: ShaperData,
    pub bold: bool,
}

/// Why a face cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FontError {
    /// No TrueType or OpenType font that we can read.
    Unreadable,
    /// Its maker does not let it be embedded in documents.
    NotEmbeddable,
}

impl fmt::Display for FontError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FontError::Unreadable => "not a TrueType or OpenType font",
            FontError::NotEmbeddable => "the font's licence bits forbid embedding it",
        })
    }
}

impl std::error::Error for FontError {}

impl Fonts {
    pub fn built_in() -> Result<Fonts, FontError> {
        let all = TEXT_FACES.into_iter().chain([LAST_FACE]);
        Ok(Fonts { faces: all.map(|bytes| Face::read(bytes.into())).collect::<Result<_, _>>()? })
    }

    /// Adds a face for what the built-in text faces do not show, before the built-in Chinese and
    /// Japanese one. Of a collection it is the first.
    pub fn add(&mut self, file: Vec<u8>) -> Result<(), FontError> {
        self.faces.insert(self.faces.len() - 1, Face::read(file.into())?);
        Ok(())
    }

    pub(crate) fn face(&self, index: usize) -> &Face {
        &self.faces[index]
    }

    /// The first face that shows the character, of the right weight if there is one; the first
    /// of all, which will show its box, if there is none.
    pub(crate) fn choose(&self, character: char, bold: bool) -> usize {
        let shows = |face: &Face| face.shows(character);
        let right = self.faces.iter().position(|face| face.bold == bold && shows(face));
        right.or_else(|| self.faces.iter().position(shows)).unwrap_or(usize::from(bold))
    }
}

impl Face {
    fn read(data: Data) -> Result<Face, FontError> {
        const RESTRICTED: u16 = 0x0002;
        const BOLD_FROM: f32 = 600.0;
        let reference = FontRef::from_index(data.as_ref(), 0).or(Err(FontError::Unreadable))?;
        if reference.os2().is_ok_and(|os2| os2.fs_type() & 0x000f == RESTRICTED) {
            return Err(FontError::NotEmbeddable);
        }
        let bold = reference.attributes().weight.value() >= BOLD_FROM;
        let shaper = ShaperData::new(&reference);
        let font = Font::new(data.clone(), 0).ok_or(FontError::Unreadable)?;
        Ok(Face { data, font, shaper, bold })
    }

    /// It was read once, in `read`, and the bytes are the same.
    pub fn reference(&self) -> Option<FontRef<'_>> {
        FontRef::from_index(self.data.as_ref(), 0).ok()
    }

    pub fn shows(&self, character: char) -> bool {
        self.glyph(character).is_some()
    }

    pub fn glyph(&self, character: char) -> Option<skrifa::GlyphId> {
        self.reference()?.charmap().map(character)
    }

    /// In parts of the type size.
    pub fn advance(&self, glyph: skrifa::GlyphId) -> f32 {
        let metrics = |font: FontRef<'_>| {
            font.glyph_metrics(Size::new(1.0), LocationRef::default()).advance_width(glyph)
        };
        self.reference().and_then(metrics).unwrap_or(1.0)
    }
}
