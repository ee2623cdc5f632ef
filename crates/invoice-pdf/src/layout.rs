//! The design of the page, all but the table of items: head, parties, notes, foot.
//!
//! Everything flows through `flow`, which knows where the page ends.

use krilla::image::Image;
use krilla::tagging::ArtifactType;

use crate::locale::Locale;
use crate::sheet::{Align, Color, Kind, Mark, Role, Sheet, What};
use crate::text::{Line, Style, Typesetter};
use crate::{Invoice, Payment, Status};

pub(crate) const MARGIN: f32 = 48.0;
const TOP: f32 = 52.0;
/// What the foot of a page takes.
const FOOT: f32 = 66.0;

pub(crate) const INK: Color = [22, 27, 38];
pub(crate) const SOFT: Color = [90, 98, 112];
pub(crate) const FAINT: Color = [221, 225, 231];
const PANEL: Color = [245, 246, 248];
const WHITE: Color = [255, 255, 255];
const GREEN: Color = [21, 115, 71];
const RED: Color = [180, 35, 24];
const AMBER: Color = [156, 84, 8];
const ACCENT: Color = [46, 58, 89];

pub(crate) const BODY: Style = Style::regular(9.0);
pub(crate) const STRONG: Style = Style::bold(9.0);
pub(crate) const SMALL: Style = Style::regular(8.0);
const LABEL: Style = Style::bold(8.0);

pub(crate) struct Layout<'a> {
    pub invoice: &'a Invoice,
    pub locale: &'a Locale,
    pub type_: Typesetter<'a>,
    pub sheet: Sheet,
    /// The top of what comes next.
    pub y: f32,
    /// Where the flow begins on this page.
    fresh: f32,
    /// The head of the table we are in, for the top of each further page.
    pub head: Option<Vec<Cell>>,
}

/// A stack of lines in its column.
#[derive(Clone)]
pub(crate) struct Cell {
    pub lines: Vec<(Line, Color)>,
    pub slot: (f32, f32),
    pub align: Align,
    pub role: Role,
}

impl Cell {
    pub fn height(&self) -> f32 {
        self.lines.iter().map(|(line, _)| line.style.leading()).sum()
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

    /// Numbers stand under each other by their last digit, wherever reading begins.
    pub fn number_align(&self) -> Align {
        if self.sheet.right_to_left { Align::Start } else { Align::End }
    }

    /// The width of a column of these, within a bound; a little more than they need, so that
    /// rounding breaks none of them.
    pub fn widest<'t>(
        &self,
        texts: impl IntoIterator<Item = &'t String>,
        style: Style,
        bound: f32,
    ) -> f32 {
        let widths = texts.into_iter().map(|text| self.type_.line(text, style).width + 0.5);
        widths.fold(0.0, f32::max).min(bound)
    }

    fn bottom(&self) -> f32 {
        self.sheet.height - FOOT
    }

    fn middle(&self) -> f32 {
        self.sheet.width / 2.0
    }

    pub fn cell(
        &mut self,
        text: &str,
        style: Style,
        color: Color,
        slot: (f32, f32),
        align: Align,
        node: usize,
    ) -> Cell {
        let lines = self.type_.lines(text, style, slot.1 - slot.0);
        let lines = lines.into_iter().map(|line| (line, color)).collect();
        Cell { lines, slot, align, role: Role::Node(node) }
    }

    /// Puts cells side by side, on this page if they fit there together with `keep` more, else
    /// on the next, or over several where they fit on none. `padding` is above and below.
    pub fn flow(&mut self, mut cells: Vec<Cell>, padding: f32, keep: f32) {
        let tallest = |cells: &[Cell]| cells.iter().map(Cell::height).fold(0.0, f32::max);
        let wanted = tallest(&cells) + 2.0 * padding + keep;
        self.keep(wanted);
        loop {
            self.y += padding;
            let (top, room) = (self.y, self.bottom() - self.y - padding);
            for cell in &mut cells {
                let mut used = 0.0;
                while let Some((line, color)) = cell.lines.first() {
                    let leading = line.style.leading();
                    if used + leading > room && (used > 0.0 || top - padding > self.fresh) {
                        break;
                    }
                    let baseline = top + used + (leading + line.style.size * 0.72) / 2.0;
                    let line = line.clone();
                    self.sheet.text(line, cell.slot, cell.align, baseline, *color, cell.role);
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

    /// Goes to the next page where this much does not fit here but would there.
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

    /// A hairline across a column.
    pub fn rule(&mut self, slot: (f32, f32), thickness: f32, color: Color) {
        self.sheet.area(slot, self.y, thickness, 0.0, color);
        self.y += thickness;
    }

    fn title(&mut self, logo: Option<Image>) {
        let (words, width) = (self.locale.words, self.sheet.width);
        self.sheet.area((0.0, width), 0.0, 6.0, 0.0, self.accent());
        let text = words.invoice.to_owned();
        let node = self.sheet.node(Kind::Heading { level: 1, text: text.clone() }, None);
        let line = self.type_.line(&text, Style::bold(24.0));
        let (start, baseline) = (MARGIN + line.width + 12.0, self.y + 23.0);
        self.sheet.text(
            line,
            (MARGIN, self.middle()),
            Align::Start,
            baseline,
            INK,
            Role::Node(node),
        );
        if let Some(mark) = words.mark(self.invoice.status) {
            let line = self.type_.line(mark, Style::bold(9.0));
            let slot = (start, start + line.width + 16.0);
            self.sheet.area(slot, baseline - 16.5, 17.0, 3.0, mark_color(self.invoice.status));
            let node = self.sheet.node(Kind::Paragraph, None);
            let inner = (slot.0 + 8.0, slot.1);
            self.sheet.text(line, inner, Align::Start, baseline - 4.7, WHITE, Role::Node(node));
        }
        let height = self.brand(logo);
        self.y += height.max(30.0) + 22.0;
    }

    /// The logo, or the name; says how high it is.
    fn brand(&mut self, logo: Option<Image>) -> f32 {
        let seller = &self.invoice.seller;
        let name = if seller.name.is_empty() { &seller.legal_name } else { &seller.name };
        if let Some(image) = logo {
            let (width, height) = image.size();
            let (width, height) = (width as f32, height as f32);
            let scale = (160.0 / width).min(44.0 / height);
            let alternative = crate::short(name);
            let node = self.sheet.node(Kind::Figure { alternative }, None);
            let size = (width * scale, height * scale);
            self.sheet.picture(image, self.end(), self.y - 4.0, size, Role::Node(node));
            return size.1;
        }
        let style = Style::bold(13.0);
        let slot = (self.middle() + 24.0, self.end());
        let node = self.sheet.node(Kind::Paragraph, None);
        let mut baseline = self.y + 13.0;
        for line in self.type_.lines(name, style, slot.1 - slot.0).into_iter().take(4) {
            self.sheet.text(line, slot, Align::End, baseline, INK, Role::Node(node));
            baseline += style.leading();
        }
        baseline - self.y - 13.0
    }

    /// Number and days, beside the one sum that matters most.
    fn facts(&mut self) {
        let (invoice, locale, words) = (self.invoice, self.locale, self.locale.words);
        let mut facts = Vec::new();
        if !invoice.number.is_empty() {
            facts.push((words.number, invoice.number.clone()));
        }
        facts.extend(invoice.issued_at.map(|at| (words.issued, locale.date(at))));
        facts.extend(invoice.due_at.map(|at| (words.due, locale.date(at))));
        facts.extend(invoice.period.map(|period| (words.period, locale.period(period))));

        let panel_end = self.panel();
        let widths = facts.iter().map(|(label, _)| self.type_.line(label, BODY).width);
        let split = MARGIN + widths.fold(0.0, f32::max) + 14.0;
        for (label, value) in facts {
            let node = self.sheet.node(Kind::Paragraph, None);
            let value_slot = (split, self.middle() + 14.0);
            let cells = vec![
                self.cell(label, BODY, SOFT, (MARGIN, split), Align::Start, node),
                self.cell(&value, STRONG, INK, value_slot, Align::Start, node),
            ];
            self.flow(cells, 1.0, 0.0);
        }
        let beside = self.sheet.pages.len() == 1;
        self.y = if beside { self.y.max(panel_end) } else { self.y } + 24.0;
    }

    fn panel(&mut self) -> f32 {
        let (invoice, words) = (self.invoice, self.locale.words);
        let due = invoice.due_at.map(|at| format!("{}: {}", words.due, self.locale.date(at)));
        let paid = invoice.payments.last().map(|payment| self.locale.date(payment.paid_at));
        let (label, amount, note) = match invoice.status {
            Status::Paid => (words.amount_paid, invoice.amount_paid, paid),
            Status::Draft | Status::Void => (words.total, invoice.total, None),
            Status::Issued | Status::PartiallyPaid | Status::Overdue | Status::Uncollectible => {
                (words.amount_due, invoice.amount_due, due)
            }
        };
        let slot = (self.middle() + 28.0, self.end());
        let inner = (slot.0 + 16.0, slot.1 - 16.0);
        let money = self.locale.money(amount);
        let fits =
            |size: &f32| self.type_.line(&money, Style::bold(*size)).width <= inner.1 - inner.0;
        let size = [20.0, 16.0, 12.0].into_iter().find(fits).unwrap_or(9.0);
        let node = self.sheet.node(Kind::Paragraph, None);
        let mut cell = self.cell(label, SMALL, SOFT, inner, Align::Start, node);
        for (text, style, color) in [(Some(money), Style::bold(size), INK), (note, SMALL, SOFT)] {
            let lines = text.map(|text| self.cell(&text, style, color, inner, Align::Start, node));
            cell.lines.extend(lines.into_iter().flat_map(|cell| cell.lines));
        }
        let top = self.y;
        let end = top + cell.height() + 24.0;
        self.sheet.area(slot, top, end - top, 5.0, PANEL);
        self.flow(vec![cell], 12.0, 0.0);
        self.y = top;
        end
    }

    fn parties(&mut self) {
        let (invoice, words) = (self.invoice, self.locale.words);
        let (seller, customer) = (&invoice.seller, &invoice.customer);
        let ours: Vec<String> = seller.tax_id.iter().cloned().collect();
        let sides = [
            (words.seller, &seller.legal_name, &seller.address, ours, &seller.email),
            (
                words.customer,
                &customer.name,
                &customer.address,
                customer.tax_ids.clone(),
                &customer.email,
            ),
        ];
        let slots = [(MARGIN, self.middle() - 4.0), (self.middle() + 28.0, self.end())];
        let mut cells = Vec::new();
        for ((label, name, address, tax_ids, email), slot) in sides.into_iter().zip(slots) {
            let section = self.sheet.node(Kind::Section, None);
            let node = self.sheet.node(Kind::Paragraph, Some(section));
            let mut cell = self.cell(label, LABEL, SOFT, slot, Align::Start, node);
            let tax_ids = tax_ids.iter().map(|id| format!("{}: {}", words.tax_id, isolated(id)));
            let rest = address.iter().cloned().chain(tax_ids).chain(email.clone());
            for (index, text) in std::iter::once(name.clone()).chain(rest).enumerate() {
                let style = if index == 0 { Style::bold(10.0) } else { BODY };
                cell.lines.extend(self.cell(&text, style, INK, slot, Align::Start, node).lines);
            }
            cells.push(cell);
        }
        self.flow(cells, 0.0, 0.0);
        self.y += 26.0;
    }

    fn notes(&mut self) {
        let words = self.locale.words;
        let void = (self.invoice.status == Status::Void).then_some(words.void_note);
        let reverse = self.invoice.reverse_charge.then_some(words.reverse_charge);
        for note in void.into_iter().chain(reverse) {
            self.y += 14.0;
            let node = self.sheet.node(Kind::Paragraph, None);
            let slot = (MARGIN, self.end());
            let cell = self.cell(note, STRONG, INK, slot, Align::Start, node);
            self.flow(vec![cell], 0.0, 0.0);
        }
    }

    fn payments(&mut self) {
        let (payments, words) = (&self.invoice.payments, self.locale.words);
        if payments.is_empty() {
            return;
        }
        self.y += 22.0;
        let text = words.payments.to_owned();
        let heading = self.sheet.node(Kind::Heading { level: 2, text }, None);
        let slot = (MARGIN, self.end());
        let cell = self.cell(words.payments, Style::bold(10.0), INK, slot, Align::Start, heading);
        self.flow(vec![cell], 3.0, 24.0);
        let table = self.sheet.node(Kind::Table, None);
        let body = self.sheet.node(Kind::TableBody, Some(table));
        let amounts: Vec<String> =
            payments.iter().map(|payment| self.locale.money(payment.amount)).collect();
        let split = self.end() - self.widest(&amounts, BODY, 150.0);
        for (payment, amount) in payments.iter().zip(amounts) {
            let date = self.locale.date(payment.paid_at);
            let method = method(payment, words.payment);
            let texts = [
                (date, (MARGIN, MARGIN + 110.0), Align::Start),
                (method, (MARGIN + 122.0, split - 14.0), Align::Start),
                (amount, (split, self.end()), self.number_align()),
            ];
            let row = self.sheet.node(Kind::Row, Some(body));
            self.rule(slot, 0.5, FAINT);
            let cells = texts.map(|(text, slot, align)| {
                let node = self.sheet.node(Kind::Cell, Some(row));
                self.cell(&text, BODY, INK, slot, align, node)
            });
            self.flow(cells.into(), 3.5, 0.0);
        }
    }

    fn closing(&mut self) {
        let footer = &self.invoice.seller.footer;
        if footer.is_empty() {
            return;
        }
        self.y += 22.0;
        let node = self.sheet.node(Kind::Paragraph, None);
        let slot = (MARGIN, self.end());
        let cell = self.cell(footer, SMALL, SOFT, slot, Align::Start, node);
        self.flow(vec![cell], 0.0, 0.0);
    }

    fn feet(&mut self) {
        let (invoice, pages) = (self.invoice, self.sheet.pages.len());
        let names = [isolated(&invoice.seller.legal_name), isolated(&invoice.number)];
        let whose = if invoice.number.is_empty() { names[0].clone() } else { names.join(" · ") };
        let slot = (MARGIN, self.end());
        let y = self.sheet.height - 38.0;
        for index in 0..pages {
            self.sheet.current = index;
            let role = Role::Artifact(ArtifactType::Footer);
            let number = self.type_.line(&self.locale.page(index + 1, pages), SMALL);
            let room = slot.1 - slot.0 - number.width - 24.0;
            self.sheet.area(slot, y - 14.0, 0.5, 0.0, FAINT);
            self.sheet.text(number, slot, Align::End, y, SOFT, role);
            if let Some(line) = self.type_.lines(&whose, SMALL, room).into_iter().next() {
                self.sheet.text(line, slot, Align::Start, y, SOFT, role);
            }
        }
    }

    fn watermarks(&mut self) {
        let (status, words) = (self.invoice.status, self.locale.words);
        let color = match status {
            Status::Void => [252, 228, 226],
            Status::Draft => [236, 238, 241],
            Status::Issued
            | Status::PartiallyPaid
            | Status::Paid
            | Status::Overdue
            | Status::Uncollectible => return,
        };
        let Some(mark) = words.mark(status) else { return };
        let line = self.type_.line(mark, Style::bold(120.0));
        for page in &mut self.sheet.pages {
            let what = What::Watermark { line: line.clone(), color };
            page.insert(0, Mark { what, role: Role::Artifact(ArtifactType::Watermark) });
        }
    }
}

fn mark_color(status: Status) -> Color {
    match status {
        Status::Paid => GREEN,
        Status::PartiallyPaid => AMBER,
        Status::Overdue | Status::Void | Status::Uncollectible => RED,
        Status::Draft | Status::Issued => SOFT,
    }
}

/// Keeps a foreign text's direction to itself (UAX 9, first strong isolate).
pub(crate) fn isolated(text: &str) -> String {
    format!("\u{2068}{text}\u{2069}")
}

fn method(payment: &Payment, otherwise: &str) -> String {
    let brand = payment.brand.as_deref().unwrap_or(otherwise);
    let mut letters = brand.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    match &payment.last4 {
        Some(last4) => {
            format!("{first}{} {}", letters.as_str(), isolated(&format!("•••• {last4}")))
        }
        None => format!("{first}{}", letters.as_str()),
    }
}
