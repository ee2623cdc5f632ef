//! From text to lines of glyphs: line breaks (UAX 14), direction (UAX 9), a face for each cluster
//! (UAX 29), shaping.
//!
//! A character that no face shows becomes the replacement character's box. Copying the text from
//! the document still returns the original.

use std::ops::Range;

use harfrust::{BufferFlags, Direction, Feature, GlyphPosition, ShapeOptions, Tag, UnicodeBuffer};
use krilla::text::{GlyphId, KrillaGlyph};
use unicode_bidi::{Direction as Base, Level, ParagraphBidiInfo, get_base_direction};
use unicode_segmentation::UnicodeSegmentation;

use crate::font::{Fonts, is_ignorable};

/// The maximum extent of marks from the baseline, in parts of the type size. With a leading of 1.42
/// they do not touch the lines around.
const MARKS_ABOVE: f32 = 1.2;
const MARKS_BELOW: f32 = 0.65;

pub(crate) type Color = [u8; 3];

pub(crate) const INK: Color = [22, 27, 38];

#[derive(Clone, Copy)]
pub(crate) struct Style {
    pub size: f32,
    pub bold: bool,
    pub color: Color,
}

impl Style {
    pub const fn regular(size: f32) -> Style {
        Style { size, bold: false, color: INK }
    }

    pub const fn bold(size: f32) -> Style {
        Style { size, bold: true, color: INK }
    }

    pub const fn colored(self, color: Color) -> Style {
        Style { color, ..self }
    }

    /// The distance between two baselines.
    pub fn leading(self) -> f32 {
        self.size * 1.42
    }
}

/// A shaped line without a position on the page.
#[derive(Clone)]
pub(crate) struct Line {
    pub text: String,
    /// In the order of the text, as PDF readers expect.
    pub runs: Vec<Run>,
    pub width: f32,
    pub style: Style,
}

#[derive(Clone)]
pub(crate) struct Run {
    pub face: usize,
    pub glyphs: Vec<KrillaGlyph>,
    /// The distance from the line's left edge.
    pub x: f32,
    width: f32,
}

/// A stretch of a paragraph in one face and one direction.
struct Item {
    range: Range<usize>,
    face: usize,
    right_to_left: bool,
}

pub(crate) struct Typesetter<'a> {
    pub fonts: &'a Fonts,
    pub right_to_left: bool,
}

impl Typesetter<'_> {
    /// Breaks text into lines no wider than `width`, unless one glyph is wider.
    pub fn lines(&self, text: &str, style: Style, width: f32) -> Vec<Line> {
        text.split('\n').flat_map(|paragraph| self.paragraph(paragraph, style, width)).collect()
    }

    /// Sets text on one line of any width.
    pub fn line(&self, text: &str, style: Style) -> Line {
        let text = text.replace('\n', " ");
        let direction = self.direction(&text);
        self.set(&direction, 0..text.len(), style)
    }

    /// Returns the direction of a text: its own, else the document's.
    fn direction<'t>(&self, text: &'t str) -> ParagraphBidiInfo<'t> {
        let right_to_left = match get_base_direction(text) {
            Base::Ltr => false,
            Base::Rtl => true,
            Base::Mixed => self.right_to_left,
        };
        let level = if right_to_left { Level::rtl() } else { Level::ltr() };
        ParagraphBidiInfo::new(text, Some(level))
    }

    fn paragraph(&self, text: &str, style: Style, width: f32) -> Vec<Line> {
        let direction = self.direction(text);
        let clusters = self.clusters(&direction, style);
        break_lines(text, &clusters, width)
            .into_iter()
            .map(|range| self.set(&direction, range, style))
            .collect()
    }

    /// Returns the start and width of each cluster, in the order of the text.
    fn clusters(&self, direction: &ParagraphBidiInfo<'_>, style: Style) -> Vec<(usize, f32)> {
        let mut clusters: Vec<(usize, f32)> = Vec::new();
        for item in self.items(direction, 0..direction.text.len(), style.bold) {
            for run in self.shape(direction.text, &item, style) {
                let widths = run.glyphs.iter().map(|glyph| glyph.x_advance * style.size);
                clusters.extend(run.glyphs.iter().map(|glyph| glyph.text_range.start).zip(widths));
            }
        }
        clusters.sort_by_key(|(start, _)| *start);
        clusters.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        clusters
    }

    /// Sets a part of a paragraph as one line.
    fn set(&self, direction: &ParagraphBidiInfo<'_>, part: Range<usize>, style: Style) -> Line {
        let trimmed = direction.text[part.clone()].trim_end();
        let part = part.start..part.start + trimmed.len();
        let mut line = Line { text: trimmed.to_owned(), runs: Vec::new(), width: 0.0, style };
        if part.is_empty() {
            return line;
        }
        for (stretch, right_to_left) in stretches(direction, part.clone()) {
            let mut items = self.items(direction, stretch, style.bold);
            if right_to_left {
                items.reverse();
            }
            for item in items {
                for mut run in self.shape(direction.text, &item, style) {
                    run.x = line.width;
                    line.width += run.width;
                    for glyph in &mut run.glyphs {
                        glyph.text_range.start -= part.start;
                        glyph.text_range.end -= part.start;
                    }
                    line.runs.push(run);
                }
            }
        }
        line.runs.sort_by_key(|run| run.glyphs.iter().map(|glyph| glyph.text_range.start).min());
        line
    }

    /// Splits text into stretches of one direction and one face. Punctuation and spaces stay in the
    /// face of the letters before them. A cluster, such as a letter with its marks or an emoji of
    /// several characters, is never split.
    fn items(
        &self,
        direction: &ParagraphBidiInfo<'_>,
        part: Range<usize>,
        bold: bool,
    ) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::new();
        for (offset, cluster) in direction.text[part.clone()].grapheme_indices(true) {
            let start = part.start + offset;
            let end = start + cluster.len();
            let stays = |face: &usize| {
                let invisible = cluster.chars().all(is_ignorable);
                let letters = cluster.contains(char::is_alphanumeric);
                invisible || (!letters && self.fonts.face(*face).shows_all(cluster))
            };
            let current = items.last().map(|item| item.face);
            let face = current.filter(stays).unwrap_or_else(|| self.fonts.choose(cluster, bold));
            let right_to_left = direction.levels[start].is_rtl();
            match items.last_mut() {
                Some(last) if last.face == face && last.right_to_left == right_to_left => {
                    last.range.end = end;
                }
                _ => items.push(Item { range: start..end, face, right_to_left }),
            }
        }
        items
    }

    /// Shapes a stretch. The result has more than one run if the face lacks a glyph.
    fn shape(&self, text: &str, item: &Item, style: Style) -> Vec<Run> {
        let Item { range: part, face, right_to_left } = item;
        let (face, right_to_left) = (*face, *right_to_left);
        let Some(reference) = self.fonts.face(face).reference() else { return Vec::new() };
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(&text[part.clone()]);
        buffer.guess_segment_properties();
        buffer.set_direction(if right_to_left {
            Direction::RightToLeft
        } else {
            Direction::LeftToRight
        });
        buffer.set_flags(BufferFlags::REMOVE_DEFAULT_IGNORABLES);
        let tabular = [Feature::new(Tag::new(b"tnum"), 1, ..)];
        let shaper = self.fonts.face(face).shaper.shaper(&reference).build();
        let units = shaper.units_per_em() as f32;
        let shaped = shaper.shape(buffer, ShapeOptions::new().features(&tabular));

        let ends = cluster_ends(shaped.glyph_infos().iter().map(|info| info.cluster), part.len());
        let mut runs: Vec<Run> = Vec::new();
        for (info, position) in shaped.glyph_infos().iter().zip(shaped.glyph_positions()) {
            let start = info.cluster as usize;
            let after = ends.partition_point(|end| *end <= start);
            let end = ends.get(after).copied().unwrap_or(part.len());
            let range = without_marks(text, part.start + start..part.start + end);
            if self.leaves_the_line(face, info.glyph_id, position, units) {
                continue;
            }
            let (face, glyph) = if info.glyph_id == 0 {
                self.replacement(range, style.bold)
            } else {
                let scaled = |value: i32| value as f32 / units;
                let glyph = KrillaGlyph::new(
                    GlyphId::new(info.glyph_id),
                    scaled(position.x_advance),
                    scaled(position.x_offset),
                    scaled(position.y_offset),
                    scaled(position.y_advance),
                    range,
                    None,
                );
                (face, glyph)
            };
            let width = glyph.x_advance * style.size;
            match runs.last_mut() {
                Some(run) if run.face == face => {
                    run.glyphs.push(glyph);
                    run.width += width;
                }
                _ => runs.push(Run { face, glyphs: vec![glyph], x: 0.0, width }),
            }
        }
        runs
    }

    /// Whether a combining mark would be drawn over the line above or below. Marks can be stacked
    /// without end, so these are left out.
    fn leaves_the_line(
        &self,
        face: usize,
        glyph: u32,
        position: &GlyphPosition,
        units: f32,
    ) -> bool {
        if position.x_advance != 0 || position.y_offset == 0 {
            return false;
        }
        let offset = position.y_offset as f32 / units;
        let (bottom, top) = self.fonts.face(face).reach(skrifa::GlyphId::new(glyph));
        bottom + offset < -MARKS_BELOW || top + offset > MARKS_ABOVE
    }

    fn replacement(&self, range: Range<usize>, bold: bool) -> (usize, KrillaGlyph) {
        let face = self.fonts.choose("\u{fffd}", bold);
        let id = self.fonts.face(face).glyph(char::REPLACEMENT_CHARACTER).unwrap_or_default();
        let advance = self.fonts.face(face).advance(id);
        (face, KrillaGlyph::new(GlyphId::new(id.to_u32()), advance, 0.0, 0.0, 0.0, range, None))
    }
}

/// Returns the stretches of one direction, from left to right. An isolate in the direction of the
/// text around it does not start a new one.
fn stretches(direction: &ParagraphBidiInfo<'_>, part: Range<usize>) -> Vec<(Range<usize>, bool)> {
    let (levels, visual) = direction.visual_runs(part);
    let mut stretches: Vec<(Range<usize>, bool)> = Vec::new();
    for next in visual {
        let right_to_left = levels[next.start].is_rtl();
        match stretches.last_mut() {
            Some((last, false)) if !right_to_left && last.end == next.start => last.end = next.end,
            Some((last, true)) if right_to_left && last.start == next.end => {
                last.start = next.start;
            }
            _ => stretches.push((next, right_to_left)),
        }
    }
    stretches
}

/// Returns the text of a glyph without the invisible marks of direction around it. The layout adds
/// them, and copied text should not contain them.
fn without_marks(text: &str, range: Range<usize>) -> Range<usize> {
    const MARKS: [char; 7] =
        ['\u{200e}', '\u{200f}', '\u{61c}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}'];
    let rest = text[range.clone()].trim_start_matches(MARKS);
    let kept = rest.trim_end_matches(MARKS);
    let start = range.end - rest.len();
    if kept.is_empty() { range } else { start..start + kept.len() }
}

/// Returns the ends of clusters, which are the starts of the next ones, in ascending order.
fn cluster_ends(starts: impl Iterator<Item = u32>, len: usize) -> Vec<usize> {
    let mut ends: Vec<usize> = starts.map(|start| start as usize).chain([len]).collect();
    ends.sort_unstable();
    ends.dedup();
    ends
}

/// Fills each line up to the last place where the text may break, or breaks a word that is wider
/// than a line.
fn break_lines(text: &str, clusters: &[(usize, f32)], width: f32) -> Vec<Range<usize>> {
    let mut allowed: Vec<usize> = unicode_linebreak::linebreaks(text).map(|(at, _)| at).collect();
    allowed.reverse();
    let mut lines = Vec::new();
    let (mut start, mut used) = (0, 0.0);
    let mut fits: Option<(usize, usize)> = None; // the text and the cluster that a break is before
    let mut index = 0;
    while let Some(&(at, advance)) = clusters.get(index) {
        while allowed.last().is_some_and(|place| *place <= at) {
            fits = allowed.pop().filter(|place| *place > start).map(|_| (at, index)).or(fits);
        }
        let space = text[at..].starts_with(char::is_whitespace);
        if used + advance > width && !space && at > start {
            let (end, next) = fits.take().unwrap_or((at, index));
            lines.push(start..end);
            (start, used, index) = (end, 0.0, next);
            continue;
        }
        used += advance;
        index += 1;
    }
    lines.push(start..text.len());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacked_marks_stay_inside_their_line() {
        let fonts = Fonts::built_in().unwrap();
        let typesetter = Typesetter { fonts: &fonts, right_to_left: false };
        for mark in ["\u{301}", "\u{323}"] {
            let line = typesetter.line(&format!("Z{}algo", mark.repeat(40)), Style::regular(9.0));
            let glyphs: Vec<_> = line.runs.iter().flat_map(|run| &run.glyphs).collect();
            assert!((6..20).contains(&glyphs.len()), "{}", glyphs.len());
            for run in &line.runs {
                for glyph in &run.glyphs {
                    let id = skrifa::GlyphId::new(glyph.glyph_id.to_u32());
                    let (bottom, top) = fonts.face(run.face).reach(id);
                    assert!(top + glyph.y_offset <= MARKS_ABOVE);
                    assert!(bottom + glyph.y_offset >= -MARKS_BELOW);
                }
            }
        }
    }

    #[test]
    fn line_breaks_between_words_and_in_a_word_only_if_it_must() {
        let broken = |text: &str, width: f32| -> Vec<String> {
            let clusters: Vec<(usize, f32)> =
                text.char_indices().map(|(at, _)| (at, 1.0)).collect();
            let lines = break_lines(text, &clusters, width);
            lines.into_iter().map(|line| text[line].to_owned()).collect()
        };
        assert_eq!(broken("", 5.0), [""]);
        assert_eq!(broken("one two three", 7.0), ["one two ", "three"]);
        assert_eq!(broken("one two three", 4.0), ["one ", "two ", "thre", "e"]);
        assert_eq!(broken("abcdefgh ij", 3.0), ["abc", "def", "gh ", "ij"]);
        assert_eq!(broken("a\u{a0}b c", 3.0), ["a\u{a0}b ", "c"]);
        assert_eq!(broken("abc", 0.5), ["a", "b", "c"]);
    }
}
