//! What is owed, line by line.

use crate::base::{Decimal, Period, Time};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "InvoiceItem", into = "InvoiceItem")]
pub struct Line {
    pub description: String,
    pub kind: LineKind,
    pub quantity: Decimal,
    /// Minor units for one; `None` where no single price says it.
    pub unit_amount: Option<Decimal>,
    pub amount: i64,
    pub period: Option<Period>,
}

// A line, stored and shown in this form.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvoiceItem {
    pub description: String,
    #[schema(value_type = LineKind)]
    pub r#type: LineKind,
    /// A decimal.
    #[schema(value_type = String)]
    pub quantity: Decimal,
    /// A decimal in minor units; `null` where no single price says it, as with tiers.
    #[schema(value_type = Option<String>, required = true)]
    pub unit_amount: Option<Decimal>,
    pub amount: i64,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub period_start: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub period_end: Option<Time>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = InvoiceItemType)]
pub enum LineKind {
    Recurring,
    Usage,
    OneOff,
    Proration,
    TopUp,
    /// What an earlier, too small amount came to.
    Addition,
}

impl From<Line> for InvoiceItem {
    fn from(line: Line) -> Self {
        Self {
            description: line.description,
            r#type: line.kind,
            quantity: line.quantity,
            unit_amount: line.unit_amount,
            amount: line.amount,
            period_start: line.period.map(|period| period.start),
            period_end: line.period.map(|period| period.end),
        }
    }
}

impl From<InvoiceItem> for Line {
    fn from(item: InvoiceItem) -> Self {
        let period = item.period_start.zip(item.period_end);
        Self {
            description: item.description,
            kind: item.r#type,
            quantity: item.quantity,
            unit_amount: item.unit_amount,
            amount: item.amount,
            period: period.map(|(start, end)| Period { start, end }),
        }
    }
}
