//! The faces, and the choice of one for each cluster of characters.

use std::fmt;

use harfrust::{FontRef, ShaperData};
use krilla::Data;
use krilla::text::Font;
use skrifa::MetadataProvider;
use skrifa::instance::{LocationRef, Size};
use skrifa::raw::TableProvider;

use crate::clean;

static TEXT_FACES: [&[u8]; 6] = [
    include_bytes!("../fonts/NotoSans-Regular.ttf"),
    include_bytes!("../fonts/NotoSans-Bold.ttf"),
    include_bytes!("../fonts/NotoSansArabic-Regular.ttf"),
    include_bytes!("../fonts/NotoSansArabic-Bold.ttf"),
    include_bytes!("../fonts/NotoSansHebrew-Regular.ttf"),
    include_bytes!("../fonts/NotoSansHebrew-Bold.ttf"),
];
/// Tried after every other face: its Latin differs from ours, and an added face for Chinese, Japanese
/// or Korean replaces it.
static LAST_FACE: &[u8] = include_bytes!("../fonts/DroidSansFallbackFull.ttf");

/// The faces for text: the built-in ones and those that were added. One value serves any number of
/// invoices.
pub struct Fonts {
    faces: Vec<Face>,
}

pub(crate) struct Face {
    data: Data,
    pub font: Font,
    pub shaper: ShaperData,
    pub bold: bool,
}

/// The reason that a face cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FontError {
    /// Not a TrueType or OpenType font that we can read.
    Unreadable,
    /// Its licence bits do not allow embedding.
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

    /// Adds a face for characters that the built-in text faces lack. It is tried before the built-in
    /// Chinese and Japanese face. The first face of a collection is used.
    pub fn add(&mut self, file: Vec<u8>) -> Result<(), FontError> {
        self.faces.insert(self.faces.len() - 1, Face::read(file.into())?);
        Ok(())
    }

    pub(crate) fn face(&self, index: usize) -> &Face {
        &self.faces[index]
    }

    /// Returns the characters of a text that no face has a glyph for, each once.
    pub fn missing(&self, text: &str) -> Vec<char> {
        let mut missing: Vec<char> = clean::text(text)
            .chars()
            .filter(|character| !character.is_whitespace() && !is_ignorable(*character))
            .filter(|character| !self.faces.iter().any(|face| face.shows(*character)))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    /// Chooses a face for a cluster: the first of the right weight that shows all of it, else the
    /// first of any weight, else one that shows its first character. Without any of these it is the
    /// first text face, which draws a box.
    pub(crate) fn choose(&self, cluster: &str, bold: bool) -> usize {
        let best = |shows: &dyn Fn(&Face) -> bool| {
            let right = self.faces.iter().position(|face| face.bold == bold && shows(face));
            right.or_else(|| self.faces.iter().position(shows))
        };
        best(&|face| face.shows_all(cluster))
            .or_else(|| {
                let first = cluster.chars().find(|character| !is_ignorable(*character))?;
                best(&|face| face.shows(first))
            })
            .unwrap_or(usize::from(bold))
    }
}

/// Whether a character is invisible, so that a face may lack it: joiners, variation
/// selectors, marks of direction, tags.
pub(crate) fn is_ignorable(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
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

    /// Returns the tables, which `read` has parsed once already.
    pub fn reference(&self) -> Option<FontRef<'_>> {
        FontRef::from_index(self.data.as_ref(), 0).ok()
    }

    pub fn shows(&self, character: char) -> bool {
        self.glyph(character).is_some()
    }

    /// Whether it has a glyph for each visible character.
    pub fn shows_all(&self, cluster: &str) -> bool {
        let mut visible = cluster.chars().filter(|character| !is_ignorable(*character)).peekable();
        visible.peek().is_some() && visible.all(|character| self.shows(character))
    }

    /// Returns how far a glyph reaches below and above the baseline, in parts of the type size.
    pub fn reach(&self, glyph: skrifa::GlyphId) -> (f32, f32) {
        let bounds = |font: FontRef<'_>| {
            font.glyph_metrics(Size::new(1.0), LocationRef::default()).bounds(glyph)
        };
        let bounds = self.reference().and_then(bounds);
        bounds.map_or((0.0, 0.0), |bounds| (bounds.y_min, bounds.y_max))
    }

    pub fn glyph(&self, character: char) -> Option<skrifa::GlyphId> {
        self.reference()?.charmap().map(character)
    }

    /// Returns the width of a glyph in parts of the type size.
    pub fn advance(&self, glyph: skrifa::GlyphId) -> f32 {
        let metrics = |font: FontRef<'_>| {
            font.glyph_metrics(Size::new(1.0), LocationRef::default()).advance_width(glyph)
        };
        self.reference().and_then(metrics).unwrap_or(1.0)
    }
}
