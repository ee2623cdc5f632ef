//! The rows of the report with their targets, printed as a table and written as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// The target for a measured value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
    /// No target, for information.
    None,
}

struct Row {
    case: &'static str,
    measure: String,
    value: f64,
    unit: &'static str,
    target: Target,
}

pub(crate) struct Report {
    environment: Value,
    rows: Vec<Row>,
    notes: Vec<String>,
}

impl Report {
    pub(crate) fn new(environment: Value) -> Report {
        Report { environment, rows: Vec::new(), notes: Vec::new() }
    }

    pub(crate) fn row(
        &mut self,
        case: &'static str,
        measure: impl Into<String>,
        (value, unit): (f64, &'static str),
        target: Target,
    ) {
        self.rows.push(Row { case, measure: measure.into(), value, unit, target });
    }

    /// Adds a sentence below the table, such as how something was measured.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    pub(crate) fn missed(&self) -> usize {
        self.rows.iter().filter(|row| row.ok() == Some(false)).count()
    }

    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        let mut case = "";
        // Writing to a String cannot fail.
        for row in &self.rows {
            if row.case != case {
                case = row.case;
                let _ = writeln!(text, "\n{case}");
            }
            let target = match row.target {
                Target::AtMost(bound) => format!("<= {}", number(bound)),
                Target::AtLeast(bound) => format!(">= {}", number(bound)),
                Target::None => String::new(),
            };
            let verdict = match row.ok() {
                Some(true) => "ok",
                Some(false) => "MISS",
                None => "",
            };
            let (measure, value, unit) = (&row.measure, number(row.value), row.unit);
            let line = format!("  {measure:<52} {value:>10} {unit:<7} {target:<12} {verdict}");
            let _ = writeln!(text, "{}", line.trim_end());
        }
        let judged = self.rows.iter().filter(|row| row.ok().is_some()).count();
        let _ = writeln!(text, "\n{} of {judged} targets met", judged - self.missed());
        for note in &self.notes {
            let _ = writeln!(text, "- {note}");
        }
        text
    }

    pub(crate) fn json(&self) -> Value {
        let rows: Vec<_> = self.rows.iter().map(Row::json).collect();
        json!({
            "environment": self.environment,
            "results": rows,
            "missed": self.missed(),
            "notes": self.notes,
        })
    }
}

impl Row {
    fn ok(&self) -> Option<bool> {
        match self.target {
            Target::AtMost(bound) => Some(self.value <= bound),
            Target::AtLeast(bound) => Some(self.value >= bound),
            Target::None => None,
        }
    }

    fn json(&self) -> Value {
        let (at_most, at_least) = match self.target {
            Target::AtMost(bound) => (Some(bound), None),
            Target::AtLeast(bound) => (None, Some(bound)),
            Target::None => (None, None),
        };
        json!({
            "case": self.case,
            "measure": self.measure,
            "value": self.value,
            "unit": self.unit,
            "atMost": at_most,
            "atLeast": at_least,
            "ok": self.ok(),
        })
    }
}

/// Formats a number: without fraction digits from 1,000 on, otherwise with two.
fn number(value: f64) -> String {
    if value.abs() < 1000.0 { format!("{value:.2}") } else { grouped(&format!("{value:.0}")) }
}

/// Groups digits by three.
pub(crate) fn grouped(digits: &str) -> String {
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_target_is_counted_and_shown() {
        let mut report = Report::new(Value::Null);
        report.row("read", "requests a second", (34_999.0, "/s"), Target::AtLeast(35_000.0));
        report.row("read", "ratio", (3.0, "x"), Target::AtMost(3.0));
        report.row("read", "for the reader", (1.0, "us"), Target::None);
        assert_eq!(report.missed(), 1);
        assert!(report.table().contains("34,999 /s      >= 35,000    MISS"));
        assert!(report.table().contains("1 of 2 targets met"));
    }
}
