//! The page order, sizes and colours, and `flow`, the only function that places text and knows
//! where the page ends. `head`, `table` and `tail` draw the parts.

use krilla::image::Image;
use krilla::tagging::ArtifactType;

use crate::Invoice;
use crate::locale::Locale;
use crate::sheet::{Align, Frame, Role, Sheet};
use crate::text::{Color, Line, Style, Typesetter};

pub(crate) const MARGIN: f32 = 48.0;
const TOP: f32 = 52.0;
/// The height of the page footer.
const FOOT: f32 = 66.0;

pub(crate) const SOFT: Color = [90, 98, 112];
pub(crate) const FAINT: Color = [221, 225, 231];
const ACCENT: Color = [46, 58, 89];

pub(crate) const BODY: Style = Style::regular(9.0);
pub(crate) const STRONG: Style = Style::bold(9.0);
pub(crate) const SMALL: Style = Style::regular(8.0);

pub(crate) struct Layout<'a> {
    pub invoice: &'a Invoice,
    pub locale: &'a Locale,
    pub type_: Typesetter<'a>,
    pub sheet: Sheet,
    /// The top of the next element.
    pub y: f32,
    /// The start of the flow on this page.
    fresh: f32,
    /// The head of the current table, repeated at the top of each further page.
    pub head: Option<Vec<Cell>>,
}

/// A stack of lines in its column.
#[derive(Clone)]
pub(crate) struct Cell {
    pub lines: Vec<Line>,
    pub slot: (f32, f32),
    pub align: Align,
    pub role: Role,
}

impl Cell {
    pub fn aligned(self, align: Align) -> Cell {
        Cell { align, ..self }
    }

    pub fn height(&self) -> f32 {
        self.lines.iter().map(|line| line.style.leading()).sum()
    }
}

pub(crate) fn compose(
    invoice: &Invoice,
    locale: &Locale,
    type_: Typesetter<'_>,
    logo: Option<Image>,
) -> Sheet {
    let (width, height) = if locale.letter_paper() { (612.0, 792.0) } else { (595.28, 841.89) };
    let right_to_left = type_.right_to_left;
    let pages = vec![Vec::new()];
    let sheet = Sheet { width, height, right_to_left, pages, current: 0, nodes: Vec::new() };
    let mut layout = Layout { invoice, locale, type_, sheet, y: TOP, fresh: TOP, head: None };
    layout.title(logo);
    layout.facts();
    layout.parties();
    layout.items();
    layout.totals();
    layout.notes();
    layout.payments();
    layout.closing();
    layout.feet();
    layout.watermarks();
    layout.sheet
}

impl Layout<'_> {
    pub fn end(&self) -> f32 {
        self.sheet.width - MARGIN
    }

    pub fn accent(&self) -> Color {
        self.invoice.seller.accent.unwrap_or(ACCENT)
    }

    /// Numbers are aligned by their last digit in both reading directions.
    pub fn number_align(&self) -> Align {
        if self.sheet.right_to_left { Align::Start } else { Align::End }
    }

    /// Returns the width of a column for these values, within a bound, with a margin so that
    /// rounding breaks no value.
    pub fn widest<'t>(
        &self,
        texts: impl IntoIterator<Item = &'t String>,
        style: Style,
        bound: f32,
    ) -> f32 {
        let widths = texts.into_iter().map(|text| self.type_.line(text, style).width + 0.5);
        widths.fold(0.0, f32::max).min(bound)
    }

    pub fn bottom(&self) -> f32 {
        self.sheet.height - FOOT
    }

    pub fn middle(&self) -> f32 {
        self.sheet.width / 2.0
    }

    pub fn cell(&mut self, text: &str, style: Style, slot: (f32, f32), node: usize) -> Cell {
        let lines = self.type_.lines(text, style, slot.1 - slot.0);
        Cell { lines, slot, align: Align::Start, role: Role::Node(node) }
    }

    /// Places cells side by side: on this page if they fit with `keep` more, else on the next one,
    /// or over several pages. `padding` is above and below.
    pub fn flow(&mut self, mut cells: Vec<Cell>, padding: f32, keep: f32) {
        let tallest = |cells: &[Cell]| cells.iter().map(Cell::height).fold(0.0, f32::max);
        let wanted = tallest(&cells) + 2.0 * padding + keep;
        self.keep(wanted);
        loop {
            self.y += padding;
            let (top, room) = (self.y, self.bottom() - self.y - padding);
            for cell in &mut cells {
                let mut used = 0.0;
                while let Some(line) = cell.lines.first() {
                    let leading = line.style.leading();
                    if used + leading > room && (used > 0.0 || top - padding > self.fresh) {
                        break;
                    }
                    let baseline = top + used + (leading + line.style.size * 0.72) / 2.0;
                    self.sheet.text(
                        line.clone(),
                        cell.align.start(line, cell.slot),
                        baseline,
                        cell.role,
                    );
                    used += leading;
                    cell.lines.remove(0);
                }
                self.y = self.y.max(top + used);
            }
            self.y += padding;
            if cells.iter().all(|cell| cell.lines.is_empty()) {
                return;
            }
            self.next_page();
        }
    }

    /// Starts a new page if this height does not fit here but would there.
    pub fn keep(&mut self, height: f32) {
        if self.y + height > self.bottom() && height <= self.bottom() - TOP {
            self.next_page();
        }
    }

    fn next_page(&mut self) {
        if self.y <= self.fresh {
            return;
        }
        self.sheet.next_page();
        self.y = TOP;
        self.fresh = TOP;
        if let Some(head) = self.head.take() {
            let mut repeated = head.clone();
            for cell in &mut repeated {
                cell.role = Role::Artifact(ArtifactType::PaginationOther);
            }
            self.table_head(repeated);
            self.head = Some(head);
            self.fresh = self.y;
        }
    }

    /// Draws a hairline across a column.
    pub fn rule(&mut self, slot: (f32, f32), thickness: f32, color: Color) {
        self.sheet.area(Frame { slot, top: self.y, height: thickness }, 0.0, color);
        self.y += thickness;
    }
}

/// Isolates a text's direction (UAX 9, first strong isolate).
pub(crate) fn isolated(text: &str) -> String {
    format!("\u{2068}{text}\u{2069}")
}
