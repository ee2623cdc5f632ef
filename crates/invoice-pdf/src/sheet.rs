//! Pages of positioned marks, and the structure tree for assistive software.
//!
//! Positions are counted from the side where reading begins and from the top. Right-to-left
//! documents are mirrored here, so that the layout is written once.

use krilla::image::Image;
use krilla::tagging::ArtifactType;

use crate::text::{Color, Line};

pub(crate) struct Sheet {
    pub width: f32,
    pub height: f32,
    pub right_to_left: bool,
    pub pages: Vec<Vec<Mark>>,
    /// The page that receives marks.
    pub current: usize,
    pub nodes: Vec<Node>,
}

pub(crate) struct Mark {
    pub what: What,
    pub role: Role,
}

/// `x` is the left edge, mirrored if necessary.
pub(crate) enum What {
    Text {
        line: Line,
        x: f32,
        baseline: f32,
    },
    /// Drawn across the page, behind everything.
    Watermark {
        line: Line,
    },
    Area {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        radius: f32,
        color: Color,
    },
    Picture {
        image: Image,
        x: f32,
        y: f32,
        width: f32,
        height: f32,
    },
}

/// Belongs to a structure node, or is decoration.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    Node(usize),
    Artifact(ArtifactType),
}

pub(crate) struct Node {
    pub kind: Kind,
    pub parent: Option<usize>,
}

pub(crate) enum Kind {
    Heading { level: u16, text: String },
    Paragraph,
    Section,
    Table,
    TableHead,
    TableBody,
    Row,
    ColumnHeader,
    RowHeader,
    Cell,
    Figure { alternative: String },
}

/// A rectangle, its sides counted from where reading begins and from the top.
#[derive(Clone, Copy)]
pub(crate) struct Frame {
    pub slot: (f32, f32),
    pub top: f32,
    pub height: f32,
}

#[derive(Clone, Copy)]
pub(crate) enum Align {
    Start,
    End,
}

impl Align {
    /// Returns the start of a line between two positions.
    pub fn start(self, line: &Line, slot: (f32, f32)) -> f32 {
        match self {
            Align::Start => slot.0,
            Align::End => slot.1 - line.width,
        }
    }
}

impl Sheet {
    pub fn next_page(&mut self) {
        self.pages.push(Vec::new());
        self.current = self.pages.len() - 1;
    }

    pub fn node(&mut self, kind: Kind, parent: Option<usize>) -> usize {
        self.nodes.push(Node { kind, parent });
        self.nodes.len() - 1
    }

    /// Places a line at a distance from where reading begins.
    pub fn text(&mut self, line: Line, start: f32, baseline: f32, role: Role) {
        let x = self.mirrored(start, line.width);
        self.mark(What::Text { line, x, baseline }, role);
    }

    pub fn area(&mut self, Frame { slot, top, height }: Frame, radius: f32, color: Color) {
        let width = slot.1 - slot.0;
        let x = self.mirrored(slot.0, width);
        let role = Role::Artifact(ArtifactType::Layout);
        self.mark(What::Area { x, y: top, width, height, radius, color }, role);
    }

    pub fn picture(&mut self, image: Image, Frame { slot, top, height }: Frame, role: Role) {
        let width = slot.1 - slot.0;
        let x = self.mirrored(slot.0, width);
        self.mark(What::Picture { image, x, y: top, width, height }, role);
    }

    fn mark(&mut self, what: What, role: Role) {
        if let Some(page) = self.pages.get_mut(self.current) {
            page.push(Mark { what, role });
        }
    }

    fn mirrored(&self, start: f32, width: f32) -> f32 {
        if self.right_to_left { self.width - start - width } else { start }
    }
}
