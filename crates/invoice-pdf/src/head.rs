//! The top of the first page: title, status, brand, number and dates, the main amount, both parties.

use krilla::image::Image;

use crate::Status;
use crate::layout::{BODY, Layout, MARGIN, SMALL, SOFT, STRONG, isolated};
use crate::sheet::{Align, Frame, Kind, Role};
use crate::text::{Color, Style};

const LABEL: Style = Style::bold(8.0).colored(SOFT);
const PANEL: Color = [245, 246, 248];
const WHITE: Color = [255, 255, 255];
const GREEN: Color = [21, 115, 71];
const RED: Color = [180, 35, 24];
const AMBER: Color = [156, 84, 8];

impl Layout<'_> {
    pub fn title(&mut self, logo: Option<Image>) {
        let (words, width) = (self.locale.words, self.sheet.width);
        let band = Frame { slot: (0.0, width), top: 0.0, height: 6.0 };
        self.sheet.area(band, 0.0, self.accent());
        let text = words.title(self.invoice).to_owned();
        let node = self.sheet.node(Kind::Heading { level: 1, text: text.clone() }, None);
        let line = self.type_.line(&text, Style::bold(24.0));
        let (start, baseline) = (MARGIN + line.width + 12.0, self.y + 23.0);
        self.sheet.text(line, MARGIN, baseline, Role::Node(node));
        if let Some(mark) = words.mark(self.invoice.status) {
            let line = self.type_.line(mark, Style::bold(9.0).colored(WHITE));
            let slot = (start, start + line.width + 16.0);
            let badge = Frame { slot, top: baseline - 16.5, height: 17.0 };
            self.sheet.area(badge, 3.0, mark_color(self.invoice.status));
            let node = self.sheet.node(Kind::Paragraph, None);
            self.sheet.text(line, slot.0 + 8.0, baseline - 4.7, Role::Node(node));
        }
        let height = self.brand(logo);
        self.y += height.max(30.0) + 22.0;
    }

    /// Draws the logo or the name, and returns its height.
    fn brand(&mut self, logo: Option<Image>) -> f32 {
        let seller = &self.invoice.seller;
        let name = if seller.name.is_empty() { &seller.legal_name } else { &seller.name };
        if let Some(image) = logo {
            let (width, height) = image.size();
            let (width, height) = (width as f32, height as f32);
            let scale = (160.0 / width).min(44.0 / height);
            let alternative = crate::short(name);
            let node = self.sheet.node(Kind::Figure { alternative }, None);
            let (width, height) = (width * scale, height * scale);
            let slot = (self.end() - width, self.end());
            let frame = Frame { slot, top: self.y - 4.0, height };
            self.sheet.picture(image, frame, Role::Node(node));
            return height;
        }
        let style = Style::bold(13.0);
        let slot = (self.middle() + 24.0, self.end());
        let node = self.sheet.node(Kind::Paragraph, None);
        let mut baseline = self.y + 13.0;
        for line in self.type_.lines(name, style, slot.1 - slot.0).into_iter().take(4) {
            let start = Align::End.start(&line, slot);
            self.sheet.text(line, start, baseline, Role::Node(node));
            baseline += style.leading();
        }
        baseline - self.y - 13.0
    }

    /// Draws number and dates beside the main amount.
    pub fn facts(&mut self) {
        let (invoice, locale, words) = (self.invoice, self.locale, self.locale.words);
        let mut facts = Vec::new();
        let label =
            if invoice.credit_note.is_some() { words.credit_note_number } else { words.number };
        if !invoice.number.is_empty() {
            facts.push((label, invoice.number.clone()));
        }
        let credited = invoice.credit_note.as_ref();
        facts.extend(credited.map(|note| (words.of_invoice, note.invoice_number.clone())));
        facts.extend(invoice.issued_at.map(|at| (words.issued, locale.date(at))));
        facts.extend(invoice.due_at.map(|at| (words.due, locale.date(at))));
        facts.extend(invoice.paid_at.map(|at| (words.paid_on, locale.date(at))));
        facts.extend(invoice.po_number.clone().map(|number| (words.po_number, number)));
        facts.extend(invoice.period.map(|period| (words.period, locale.period(period))));

        let panel_end = self.panel();
        let widths = facts.iter().map(|(label, _)| self.type_.line(label, BODY).width);
        let split = MARGIN + widths.fold(0.0, f32::max) + 14.0;
        for (label, value) in facts {
            let node = self.sheet.node(Kind::Paragraph, None);
            let value_slot = (split, self.middle() + 14.0);
            let cells = vec![
                self.cell(label, BODY.colored(SOFT), (MARGIN, split), node),
                self.cell(&value, STRONG, value_slot, node),
            ];
            self.flow(cells, 1.0, 0.0);
        }
        let beside = self.sheet.pages.len() == 1;
        self.y = if beside { self.y.max(panel_end) } else { self.y } + 20.0;
    }

    fn panel(&mut self) -> f32 {
        let (invoice, words) = (self.invoice, self.locale.words);
        let due = invoice.due_at.map(|at| format!("{}: {}", words.due, self.locale.date(at)));
        let paid = invoice.paid_at.or(invoice.payments.last().map(|payment| payment.paid_at));
        let paid = paid.map(|at| self.locale.date(at));
        let (label, amount, note) = match invoice.status {
            _ if invoice.credit_note.is_some() => (words.total, invoice.total, None),
            Status::Paid => {
                let whole = invoice.amount_paid.saturating_add(invoice.balance_applied);
                (words.amount_paid, whole, paid)
            }
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
        let mut cell = self.cell(label, SMALL.colored(SOFT), inner, node);
        for (text, style) in [(Some(money), Style::bold(size)), (note, SMALL.colored(SOFT))] {
            let lines = text.map(|text| self.cell(&text, style, inner, node));
            cell.lines.extend(lines.into_iter().flat_map(|cell| cell.lines));
        }
        let top = self.y;
        let end = top + cell.height() + 24.0;
        self.sheet.area(Frame { slot, top, height: end - top }, 5.0, PANEL);
        self.flow(vec![cell], 12.0, 0.0);
        self.y = top;
        end
    }

    pub fn parties(&mut self) {
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
            let mut cell = self.cell(label, LABEL, slot, node);
            let tax_ids = tax_ids.iter().map(|id| format!("{}: {}", words.tax_id, isolated(id)));
            let rest = address.iter().cloned().chain(tax_ids).chain(email.clone());
            for (index, text) in std::iter::once(name.clone()).chain(rest).enumerate() {
                let style = if index == 0 { Style::bold(10.0) } else { BODY };
                cell.lines.extend(self.cell(&text, style, slot, node).lines);
            }
            cells.push(cell);
        }
        self.flow(cells, 0.0, 0.0);
        self.y += 22.0;
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
