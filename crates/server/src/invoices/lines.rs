//! The lines of an invoice.

use crate::base::{Decimal, LineDiscount, Period, TaxRate, Time};
use serde::{Deserialize, Deserializer, Serialize};
use unitpay_request::response;
use utoipa::ToSchema;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "InvoiceItem", into = "InvoiceItem")]
pub struct Line {
    /// The English text of `label`.
    pub description: String,
    /// Absent on lines of earlier versions.
    pub label: Option<LineLabel>,
    pub kind: LineKind,
    pub quantity: Decimal,
    /// Minor units for one; `None` if the units have several prices.
    pub unit_amount: Option<Decimal>,
    /// The pricing of a usage line.
    pub usage: Option<UsageParts>,
    /// Before tax, after the discount.
    pub amount: i64,
    /// The part of the price that a coupon took off. `amount` and this are the price.
    pub discount: Option<LineDiscount>,
    /// The rate of a line that is not taxed at its invoice's: of unused time the rate that it was
    /// charged with, and none of what another invoice has taxed.
    pub tax: Option<Option<TaxRate>>,
    pub period: Option<Period>,
}

/// The description of a line in parts, for a page or document in another language.
#[response]
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[schema(as = InvoiceItemLabel)]
pub struct LineLabel {
    #[schema(value_type = LineCode)]
    pub code: LineCode,
    /// The name of the plan, metric, credit package or credit currency.
    pub name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = InvoiceItemCode)]
pub enum LineCode {
    Plan,
    OneOff,
    /// A credit for the rest of a period.
    UnusedTime,
    /// A charge for the rest of a period.
    RemainingTime,
    Usage,
    TopUp,
}

impl LineLabel {
    pub fn new(code: LineCode, name: &str) -> Self {
        Self { code, name: name.to_owned() }
    }

    /// Returns the English description.
    pub fn description(&self) -> String {
        let name = &self.name;
        match self.code {
            LineCode::Plan | LineCode::Usage | LineCode::TopUp => name.clone(),
            LineCode::OneOff => format!("{name}, once"),
            LineCode::UnusedTime => format!("Unused time, {name}"),
            LineCode::RemainingTime => format!("Remaining time, {name}"),
        }
    }
}

impl Line {
    /// Whether an invoice shows it even if nothing else is to be billed: it costs something, or would
    /// without a coupon.
    pub const fn is_billed(&self) -> bool {
        self.amount != 0 || self.discount.is_some()
    }

    /// Returns the rate that the line is taxed at, on an invoice with this rate.
    pub const fn rate<'a>(&'a self, invoice_rate: Option<&'a TaxRate>) -> Option<&'a TaxRate> {
        match &self.tax {
            None => invoice_rate,
            Some(rate) => rate.as_ref(),
        }
    }
}

/// The quantity of a usage line, split by price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageParts {
    pub included: Decimal,
    pub tiers: Vec<InvoiceTier>,
}

/// Units of a usage line that have the same price.
#[response]
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct InvoiceTier {
    /// A decimal.
    pub quantity: Decimal,
    /// A decimal in minor units.
    pub unit_amount: Decimal,
}

// A line, in the form in which it is stored and returned.
#[response]
#[derive(Deserialize)]
pub struct InvoiceItem {
    pub description: String,
    /// The parts of the description. Absent on lines of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub label: Option<LineLabel>,
    #[schema(value_type = LineKind)]
    pub r#type: LineKind,
    /// A decimal.
    pub quantity: Decimal,
    /// A decimal in minor units; `null` if the units have several prices, as with tiers.
    pub unit_amount: Option<Decimal>,
    /// Of a usage line: the part of `quantity` that the plan includes. `quantity` is `includedUnits`
    /// and the quantities of `tiers` together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub included_units: Option<Decimal>,
    /// Of a usage line: how the rest of `quantity` is priced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tiers: Option<Vec<InvoiceTier>>,
    /// Before tax, after the discount.
    pub amount: i64,
    /// The part of the price that a coupon took off: `amount` and its `amount` are the price before it.
    /// Absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub discount: Option<LineDiscount>,
    /// The rate of this item, `null` for none; absent if it is taxed at the invoice's rate. Unused time
    /// has the rate that it was charged with.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[schema(value_type = Option<TaxRate>)]
    pub tax: Option<Option<TaxRate>>,
    pub period_start: Option<Time>,
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
    /// An earlier amount that was too small to charge alone.
    Addition,
}

/// Reads a member that is there: `null` is a value.
fn present<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Option<TaxRate>>, D::Error> {
    Option::deserialize(source).map(Some)
}

impl From<Line> for InvoiceItem {
    fn from(line: Line) -> Self {
        let (included_units, tiers) =
            line.usage.map_or((None, None), |usage| (Some(usage.included), Some(usage.tiers)));
        Self {
            included_units,
            tiers,
            description: line.description,
            label: line.label,
            r#type: line.kind,
            quantity: line.quantity,
            unit_amount: line.unit_amount,
            amount: line.amount,
            discount: line.discount,
            tax: line.tax,
            period_start: line.period.map(|period| period.start),
            period_end: line.period.map(|period| period.end),
        }
    }
}

impl From<InvoiceItem> for Line {
    fn from(item: InvoiceItem) -> Self {
        let period = item.period_start.zip(item.period_end);
        let usage = item.included_units.zip(item.tiers);
        Self {
            usage: usage.map(|(included, tiers)| UsageParts { included, tiers }),
            description: item.description,
            label: item.label,
            kind: item.r#type,
            quantity: item.quantity,
            unit_amount: item.unit_amount,
            amount: item.amount,
            discount: item.discount,
            tax: item.tax,
            period: period.map(|(start, end)| Period { start, end }),
        }
    }
}
