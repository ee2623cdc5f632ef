//! The parts after the totals (notes, payments, closing text), and those of every page (foot,
//! watermark).

use krilla::tagging::ArtifactType;

use crate::layout::{BODY, FAINT, Layout, MARGIN, SMALL, SOFT, STRONG, isolated};
use crate::sheet::{Align, Frame, Kind, Mark, Role, What};
use crate::text::Style;
use crate::words::Words;
use crate::{Payment, Status};

impl Layout<'_> {
    pub fn notes(&mut self) {
        let words = self.locale.words;
        let void = self.invoice.status == Status::Void && self.invoice.credit_note.is_none();
        let void = void.then_some(words.void_note);
        let reverse = self.invoice.reverse_charge.then_some(words.reverse_charge);
        let exempt = self.invoice.tax_exempt.as_ref().map(|reason| match reason.as_str() {
            "" => words.tax_exempt.to_owned(),
            reason => format!("{}: {reason}", words.tax_exempt),
        });
        let fixed = void.into_iter().chain(reverse).map(str::to_owned).chain(exempt);
        let fixed = fixed.map(|text| (text, STRONG));
        let free = self.invoice.notes.clone().map(|text| (text, BODY));
        for (text, style) in fixed.chain(free) {
            self.y += 14.0;
            let node = self.sheet.node(Kind::Paragraph, None);
            let slot = (MARGIN, self.end());
            let cell = self.cell(&text, style, slot, node);
            self.flow(vec![cell], 0.0, 0.0);
        }
    }

    pub fn payments(&mut self) {
        let (payments, words) = (&self.invoice.payments, self.locale.words);
        if payments.is_empty() {
            return;
        }
        self.y += 22.0;
        let text = words.payments.to_owned();
        let heading = self.sheet.node(Kind::Heading { level: 2, text }, None);
        let slot = (MARGIN, self.end());
        let cell = self.cell(words.payments, Style::bold(10.0), slot, heading);
        self.flow(vec![cell], 3.0, 24.0);
        let table = self.sheet.node(Kind::Table, None);
        let body = self.sheet.node(Kind::TableBody, Some(table));
        let amounts: Vec<String> =
            payments.iter().map(|payment| self.locale.money(payment.amount)).collect();
        let split = self.end() - self.widest(&amounts, BODY, 150.0);
        for (payment, amount) in payments.iter().zip(amounts) {
            let date = self.locale.date(payment.paid_at);
            let method = method(payment, words);
            let texts = [
                (date, (MARGIN, MARGIN + 110.0), Align::Start),
                (method, (MARGIN + 122.0, split - 14.0), Align::Start),
                (amount, (split, self.end()), self.number_align()),
            ];
            let row = self.sheet.node(Kind::Row, Some(body));
            self.rule(slot, 0.5, FAINT);
            let cells = texts.map(|(text, slot, align)| {
                let node = self.sheet.node(Kind::Cell, Some(row));
                self.cell(&text, BODY, slot, node).aligned(align)
            });
            self.flow(cells.into(), 3.5, 0.0);
        }
    }

    pub fn closing(&mut self) {
        let footer = &self.invoice.seller.footer;
        if footer.is_empty() {
            return;
        }
        let node = self.sheet.node(Kind::Paragraph, None);
        let slot = (MARGIN, self.end());
        let cell = self.cell(footer, SMALL.colored(SOFT), slot, node);
        // Two lines are not worth a page of their own, so the gap shrinks first.
        self.y += (self.bottom() - self.y - cell.height() - 1.0).clamp(8.0, 22.0);
        self.flow(vec![cell], 0.0, 0.0);
    }

    pub fn feet(&mut self) {
        let (invoice, pages) = (self.invoice, self.sheet.pages.len());
        let names = [isolated(&invoice.seller.legal_name), isolated(&invoice.number)];
        let whose = if invoice.number.is_empty() { names[0].clone() } else { names.join(" · ") };
        let slot = (MARGIN, self.end());
        let y = self.sheet.height - 38.0;
        let style = SMALL.colored(SOFT);
        for index in 0..pages {
            self.sheet.current = index;
            let role = Role::Artifact(ArtifactType::Footer);
            let number = self.type_.line(&self.locale.page(index + 1, pages), style);
            let room = slot.1 - slot.0 - number.width - 24.0;
            self.sheet.area(Frame { slot, top: y - 14.0, height: 0.5 }, 0.0, FAINT);
            let start = Align::End.start(&number, slot);
            self.sheet.text(number, start, y, role);
            if let Some(line) = self.type_.lines(&whose, style, room).into_iter().next() {
                self.sheet.text(line, slot.0, y, role);
            }
        }
    }

    pub fn watermarks(&mut self) {
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
        let line = self.type_.line(mark, Style::bold(120.0).colored(color));
        for page in &mut self.sheet.pages {
            let what = What::Watermark { line: line.clone() };
            page.insert(0, Mark { what, role: Role::Artifact(ArtifactType::Watermark) });
        }
    }
}

/// Returns how it was paid: the card, or a transfer with its reference.
fn method(payment: &Payment, words: &Words) -> String {
    let Some(brand) = payment.brand.as_deref() else {
        return match &payment.reference {
            Some(text) => format!("{} · {}: {}", words.transfer, words.reference, isolated(text)),
            None => words.transfer.to_owned(),
        };
    };
    let mut letters = brand.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let name = format!("{first}{}", letters.as_str());
    match &payment.last4 {
        Some(last4) => format!("{name} {}", isolated(&format!("•••• {last4}"))),
        None => name,
    }
}
