//! The table of items, with its head on every page, and the totals, which stay with its last row.

use crate::layout::{BODY, Cell, FAINT, Layout, MARGIN, SMALL, SOFT, STRONG, isolated};
use crate::sheet::{Align, Kind};
use crate::text::{Color, Style};
use crate::{DeclaredTax, Item, Status, Tax};

const GAP: f32 = 14.0;
const HEAD: Style = Style::bold(8.0).colored(SOFT);
const ROW_PADDING: f32 = 4.5;
/// The maximum width that quantity, unit price and amount may take from the description.
const WIDEST: [f32; 3] = [72.0, 118.0, 114.0];

/// A row of the totals.
struct Sum {
    label: String,
    value: String,
    style: Style,
    /// The line above it.
    rule: Option<(f32, Color)>,
}

impl Layout<'_> {
    pub fn items(&mut self) {
        let invoice = self.invoice;
        let slots = self.columns();
        let table = self.sheet.node(Kind::Table, None);
        let head = self.sheet.node(Kind::TableHead, Some(table));
        let head_row = self.sheet.node(Kind::Row, Some(head));
        let words = self.locale.words;
        let titles = [words.description, words.quantity, words.unit_price, words.amount];
        let mut cells = Vec::new();
        for (index, (title, slot)) in titles.into_iter().zip(slots).enumerate() {
            let align = if index == 0 { Align::Start } else { self.number_align() };
            let node = self.sheet.node(Kind::ColumnHeader, Some(head_row));
            cells.push(self.cell(title, HEAD, slot, node).aligned(align));
        }
        let body = self.sheet.node(Kind::TableBody, Some(table));
        let rows: Vec<Vec<Cell>> =
            invoice.items.iter().map(|item| self.row(item, slots, body)).collect();

        let keep = rows.first().map_or(self.totals_height(), |row| height(row) + 2.0 * ROW_PADDING);
        self.keep(height(&cells) + 14.0 + keep);
        self.table_head(cells.clone());
        self.head = Some(cells);
        let last = rows.len().saturating_sub(1);
        for (index, row) in rows.into_iter().enumerate() {
            let keep = if index == last { self.totals_height() } else { 0.0 };
            self.flow(row, ROW_PADDING, keep);
            self.rule((MARGIN, self.end()), 0.5, FAINT);
        }
        self.head = None;
    }

    pub fn table_head(&mut self, cells: Vec<Cell>) {
        self.flow(cells, 4.0, 0.0);
        self.rule((MARGIN, self.end()), 1.2, self.accent());
    }

    /// Gives numbers the width that they need, within bounds, and the rest to the description.
    fn columns(&mut self) -> [(f32, f32); 4] {
        let words = self.locale.words;
        let titles = [words.quantity, words.unit_price, words.amount];
        let numbers: Vec<[String; 3]> =
            self.invoice.items.iter().map(|item| self.numbers(item)).collect();
        let mut end = self.end();
        let mut slots = [(MARGIN, end); 4];
        for index in (0..3).rev() {
            let title = self.widest([&titles[index].to_owned()], HEAD, WIDEST[index]);
            let column = numbers.iter().map(|row| &row[index]);
            let start = end - title.max(self.widest(column, BODY, WIDEST[index]));
            slots[index + 1] = (start, end);
            end = start - GAP;
        }
        slots[0].1 = end;
        slots
    }

    fn numbers(&self, item: &Item) -> [String; 3] {
        [
            self.locale.decimal(&item.quantity),
            item.unit_amount.as_deref().map(|price| self.locale.price(price)).unwrap_or_default(),
            self.locale.money(item.amount),
        ]
    }

    fn row(&mut self, item: &Item, slots: [(f32, f32); 4], body: usize) -> Vec<Cell> {
        let row = self.sheet.node(Kind::Row, Some(body));
        let node = self.sheet.node(Kind::Cell, Some(row));
        let description = self.locale.words.description_of(item);
        let mut first = self.cell(&description, BODY, slots[0], node);
        for text in self.details(item) {
            first.lines.extend(self.cell(&text, SMALL.colored(SOFT), slots[0], node).lines);
        }
        let mut cells = vec![first];
        for (text, slot) in self.numbers(item).into_iter().zip(&slots[1..]) {
            let node = self.sheet.node(Kind::Cell, Some(row));
            cells.push(self.cell(&text, BODY, *slot, node).aligned(self.number_align()));
        }
        cells
    }

    /// Returns the small print of an item: its period, the units of each price, its discount, and its own
    /// tax.
    fn details(&self, item: &Item) -> Vec<String> {
        let locale = self.locale;
        let included = item.included.as_deref().filter(|units| *units != "0");
        let included = included.map(|units| {
            format!("{}: {}", locale.words.included, isolated(&locale.decimal(units)))
        });
        let tiers = item.tiers.iter().map(|tier| {
            let (units, price) = (locale.decimal(&tier.quantity), locale.price(&tier.unit_amount));
            isolated(&format!("{units} × {price}"))
        });
        let units: Vec<String> = included.into_iter().chain(tiers).collect();
        let units = Some(units.join(" · ")).filter(|units| !units.is_empty());
        let discount = item.discount.as_ref().map(|one| {
            let taken_off = locale.money(one.amount.saturating_neg());
            format!("{}: {}", isolated(&one.name), isolated(&taken_off))
        });
        let rate = item.rate.as_ref().map(|rate| self.rate(&rate.name, rate.basis_points));
        let period = item.period.map(|period| locale.period(period));
        period.into_iter().chain(units).chain(discount).chain(rate).collect()
    }

    fn sums(&self) -> Vec<Sum> {
        let (invoice, locale, words) = (self.invoice, self.locale, self.locale.words);
        let sum = |label: &str, minor: i64| Sum {
            label: label.to_owned(),
            value: locale.money(minor),
            style: BODY,
            rule: None,
        };
        let mut sums = Vec::new();
        let discounts = invoice.items.iter().filter_map(|item| item.discount.as_ref());
        let taken_off = discounts.fold(0_i64, |all, one| all.saturating_add(one.amount));
        if taken_off != 0 {
            // The amounts above are after it.
            sums.push(sum(words.discounts_included, taken_off.saturating_neg()));
        }
        sums.push(sum(words.subtotal, invoice.subtotal));
        for tax in &invoice.taxes {
            let mut label = self.rate(&tax.name, tax.basis_points);
            if invoice.taxes.len() > 1 {
                label = format!("{label} · {}", isolated(&locale.money(tax.net)));
            }
            sums.push(sum(&label, tax.amount));
        }
        let tax = invoice.taxes.first().zip(invoice.declared_tax.as_ref());
        sums.extend(tax.map(|(tax, declared)| self.declared(tax, declared)));
        let rule = Some((0.5, FAINT));
        sums.push(Sum { style: STRONG, rule, ..sum(words.total, invoice.total) });
        if let Some(note) = &invoice.credit_note {
            let parts = [
                (words.due_reduction, note.due_reduction),
                (words.refunded, note.refunded),
                (words.credited, note.credited),
                (words.out_of_band, note.out_of_band),
            ];
            sums.extend(parts.iter().filter(|part| part.1 != 0).map(|part| sum(part.0, part.1)));
            return sums;
        }
        if invoice.balance_applied != 0 {
            sums.push(sum(words.balance_applied, invoice.balance_applied.saturating_neg()));
        }
        if invoice.amount_paid != 0 {
            sums.push(sum(words.amount_paid, invoice.amount_paid.saturating_neg()));
        }
        if invoice.amount_moved != 0 {
            sums.push(sum(words.amount_moved, invoice.amount_moved.saturating_neg()));
        }
        if invoice.status == Status::Void {
            return sums;
        }
        let due = sum(words.amount_due, invoice.amount_due);
        sums.push(Sum { style: Style::bold(10.5), rule: Some((1.2, self.accent())), ..due });
        sums
    }

    /// The name of a tax with its rate.
    fn rate(&self, name: &str, basis_points: u32) -> String {
        format!("{} ({})", isolated(name), self.locale.percent(basis_points))
    }

    /// The tax in the currency that the seller declares it in.
    fn declared(&self, tax: &Tax, declared: &DeclaredTax) -> Sum {
        let label = self.locale.words.declared_tax;
        let label = label
            .replace("{from}", &self.invoice.currency)
            .replace("{currency}", &declared.currency)
            .replace("{rate}", &self.locale.decimal(&declared.rate))
            .replace("{tax}", &isolated(&tax.name));
        let value = self.locale.price_in(&declared.currency, &declared.amount.to_string());
        Sum { label, value, style: SMALL, rule: None }
    }

    /// Estimates the height, to decide where the page ends.
    fn totals_height(&self) -> f32 {
        self.sums().iter().map(|sum| sum.style.leading() + 2.0 * 3.5 + 1.2).sum::<f32>() + 10.0
    }

    pub fn totals(&mut self) {
        let sums = self.sums();
        let widths = sums.iter().map(|sum| self.widest([&sum.value], sum.style, 200.0));
        let labels = sums.iter().map(|sum| self.widest([&sum.label], sum.style, 200.0));
        let end = self.end();
        let split = end - widths.fold(0.0, f32::max);
        let start = (split - GAP - labels.fold(0.0, f32::max)).min(self.middle() + 28.0);
        self.y += 8.0;
        let table = self.sheet.node(Kind::Table, None);
        let body = self.sheet.node(Kind::TableBody, Some(table));
        for sum in sums {
            let row = self.sheet.node(Kind::Row, Some(body));
            let label = self.sheet.node(Kind::RowHeader, Some(row));
            let value = self.sheet.node(Kind::Cell, Some(row));
            if let Some((thickness, color)) = sum.rule {
                self.rule((start, end), thickness, color);
            }
            let cells = vec![
                self.cell(&sum.label, sum.style, (start, split - GAP), label),
                self.cell(&sum.value, sum.style, (split, end), value).aligned(self.number_align()),
            ];
            self.flow(cells, 3.5, 0.0);
        }
    }
}

fn height(cells: &[Cell]) -> f32 {
    cells.iter().map(Cell::height).fold(0.0, f32::max)
}
