//! Writes a sheet as a PDF: marks, structure tree, metadata.
//!
//! An issued invoice claims PDF/A-2a and PDF/UA-1, which the library validates while it writes. A
//! draft has no issue date and is not archived, so it claims neither.

use std::num::NonZeroU16;

use krilla::color::rgb;
use krilla::configure::{Accessibility, Archival, Configuration, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::error::KrillaError;
use krilla::geom::{Path, PathBuilder, Point, Rect, Size, Transform};
use krilla::metadata::{DateTime, Metadata, TextDirection};
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::tagging::{
    Artifact, ContentTag, Identifier, Node as TagNode, SpanTag, TableHeaderScope, Tag, TagGroup,
    TagKind, TagTree,
};
use krilla::{Document, SerializeSettings};

use crate::font::Fonts;
use crate::sheet::{Kind, Mark, Node, Role, Sheet, What};
use crate::text::{Color, Line};

/// The metadata of a document.
pub(crate) struct Label {
    pub title: String,
    pub author: String,
    pub language: &'static str,
    pub issued: Option<jiff::civil::DateTime>,
}

pub(crate) fn paint(sheet: Sheet, fonts: &Fonts, label: Label) -> Result<Vec<u8>, KrillaError> {
    let settings = SerializeSettings {
        configuration: configuration(label.issued.is_some()),
        ..SerializeSettings::default()
    };
    let mut document = Document::new_with(settings);
    let mut leaves: Vec<Vec<Identifier>> = sheet.nodes.iter().map(|_| Vec::new()).collect();
    let size = Size::from_wh(sheet.width, sheet.height);
    for marks in &sheet.pages {
        let mut page = document.start_page_with(size.map(PageSettings::new).unwrap_or_default());
        let mut surface = page.surface();
        for mark in marks {
            let identifier = surface.start_tagged(tag_of(mark));
            draw(&mut surface, &sheet, fonts, &mark.what);
            surface.end_tagged();
            if let Role::Node(node) = mark.role {
                leaves[node].push(identifier);
            }
        }
        surface.finish();
        page.finish();
    }
    document.set_tag_tree(tree(&sheet.nodes, leaves, label.language));
    let mut outline = Outline::new();
    let top = XyzDestination::new(0, Point::from_xy(0.0, 0.0));
    outline.push_child(OutlineNode::new(label.title.clone(), top));
    document.set_outline(outline);
    document.set_metadata(metadata(label, sheet.right_to_left));
    document.finish()
}

fn configuration(issued: bool) -> Configuration {
    if !issued {
        return Configuration::default();
    }
    let standards = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A2_A)
        .with_accessibility_validator(Accessibility::UA1);
    standards.finish().unwrap_or_default()
}

fn metadata(label: Label, right_to_left: bool) -> Metadata {
    let direction =
        if right_to_left { TextDirection::RightToLeft } else { TextDirection::LeftToRight };
    let mut metadata = Metadata::new()
        .title(label.title)
        .language(label.language.to_owned())
        .creator("UnitPay".to_owned())
        .text_direction(direction);
    if !label.author.is_empty() {
        metadata = metadata.authors(vec![label.author]);
    }
    let Some(issued) = label.issued else { return metadata };
    let part = |value: i8| value.unsigned_abs();
    metadata.creation_date(
        DateTime::new(issued.year().unsigned_abs())
            .month(part(issued.month()))
            .day(part(issued.day()))
            .hour(part(issued.hour()))
            .minute(part(issued.minute()))
            .second(part(issued.second()))
            .utc_offset_hour(0)
            .utc_offset_minute(0),
    )
}

fn tag_of(mark: &Mark) -> ContentTag<'static> {
    match (mark.role, &mark.what) {
        (Role::Artifact(kind), _) => ContentTag::Artifact(Artifact::with_kind(kind)),
        (Role::Node(_), What::Text { .. }) => ContentTag::Span(SpanTag::empty()),
        (Role::Node(_), What::Watermark { .. } | What::Area { .. } | What::Picture { .. }) => {
            ContentTag::Other
        }
    }
}

fn draw(surface: &mut Surface<'_>, sheet: &Sheet, fonts: &Fonts, what: &What) {
    match what {
        What::Text { line, x, baseline } => set_line(surface, fonts, line, (*x, *baseline)),
        What::Watermark { line } => {
            let (x, y) = (sheet.width / 2.0, sheet.height / 2.0);
            let scale = (sheet.height * 0.7 / line.width).min(1.4);
            surface.push_transform(&Transform::from_translate(x, y));
            surface.push_transform(&Transform::from_rotate(-55.0));
            surface.push_transform(&Transform::from_scale(scale, scale));
            let start = (-line.width / 2.0, line.style.size * 0.36);
            set_line(surface, fonts, line, start);
            surface.pop();
            surface.pop();
            surface.pop();
        }
        What::Area { x, y, width, height, radius, color } => {
            if let Some(path) = rounded(*x, *y, *width, *height, *radius) {
                surface.set_fill(Some(fill(*color)));
                surface.set_stroke(None);
                surface.draw_path(&path);
            }
        }
        What::Picture { image, x, y, width, height } => {
            if let Some(size) = Size::from_wh(*width, *height) {
                surface.push_transform(&Transform::from_translate(*x, *y));
                surface.draw_image(image.clone(), size);
                surface.pop();
            }
        }
    }
}

fn set_line(surface: &mut Surface<'_>, fonts: &Fonts, line: &Line, at: (f32, f32)) {
    let color = line.style.color;
    for run in &line.runs {
        let face = fonts.face(run.face);
        // A face without a bold weight is drawn slightly heavier.
        let heavier = (line.style.bold && !face.bold).then(|| Stroke {
            paint: paint_of(color).into(),
            width: line.style.size * 0.035,
            ..Stroke::default()
        });
        surface.set_fill(Some(fill(color)));
        surface.set_stroke(heavier);
        let start = Point::from_xy(at.0 + run.x, at.1);
        let size = line.style.size;
        surface.draw_glyphs(start, &run.glyphs, face.font.clone(), &line.text, size, false);
    }
}

fn paint_of(color: Color) -> rgb::Color {
    rgb::Color::new(color[0], color[1], color[2])
}

fn fill(color: Color) -> Fill {
    Fill { paint: paint_of(color).into(), ..Fill::default() }
}

fn rounded(x: f32, y: f32, width: f32, height: f32, radius: f32) -> Option<Path> {
    let mut path = PathBuilder::new();
    if radius <= 0.0 {
        path.push_rect(Rect::from_xywh(x, y, width, height)?);
        return path.finish();
    }
    let (right, bottom) = (x + width, y + height);
    path.move_to(x + radius, y);
    path.line_to(right - radius, y);
    path.quad_to(right, y, right, y + radius);
    path.line_to(right, bottom - radius);
    path.quad_to(right, bottom, right - radius, bottom);
    path.line_to(x + radius, bottom);
    path.quad_to(x, bottom, x, bottom - radius);
    path.line_to(x, y + radius);
    path.quad_to(x, y, x + radius, y);
    path.close();
    path.finish()
}

/// Children come after their parents, so one pass from the end attaches each to its parent.
fn tree(nodes: &[Node], leaves: Vec<Vec<Identifier>>, language: &str) -> TagTree {
    let mut groups: Vec<Vec<TagNode>> =
        leaves.into_iter().map(|leaves| leaves.into_iter().map(TagNode::from).collect()).collect();
    let mut roots = Vec::new();
    while let (Some(children), Some(node)) = (groups.pop(), nodes.get(groups.len())) {
        let mut children = children;
        // The node's own content comes first, then its children, which were attached in reverse.
        let leaves_first =
            children.iter().take_while(|child| matches!(child, TagNode::Leaf(_))).count();
        children[leaves_first..].reverse();
        let group = TagNode::from(TagGroup::with_children(kind(&node.kind), children));
        match node.parent.and_then(|parent| groups.get_mut(parent)) {
            Some(siblings) => siblings.push(group),
            None => roots.push(group),
        }
    }
    roots.reverse();
    TagTree::from(roots).with_lang(Some(language.to_owned()))
}

fn kind(kind: &Kind) -> TagKind {
    match kind {
        Kind::Heading { level, text } => {
            let level = NonZeroU16::new(*level).unwrap_or(NonZeroU16::MIN);
            Tag::Hn(level, Some(text.clone())).into()
        }
        Kind::Paragraph => Tag::P.into(),
        Kind::Section => Tag::Section.into(),
        Kind::Table => Tag::Table.into(),
        Kind::TableHead => Tag::THead.into(),
        Kind::TableBody => Tag::TBody.into(),
        Kind::Row => Tag::TR.into(),
        Kind::ColumnHeader => Tag::TH(TableHeaderScope::Column).into(),
        Kind::RowHeader => Tag::TH(TableHeaderScope::Row).into(),
        Kind::Cell => Tag::TD.into(),
        Kind::Figure { alternative } => Tag::Figure(Some(alternative.clone())).into(),
    }
}
