//! A subscription as Stripe has it, and what of it cannot move.

use super::code::Code;
use crate::base::{Currency, Time};
use crate::catalog::Interval;
use crate::payments::stripe::from_stripe;
use serde_json::Value;

/// The renewal of a subscription that could not be stopped at Stripe in time may charge twice.
pub const SOONEST_SECONDS: i64 = 24 * 3_600;
const MAX_QUANTITY: i64 = 1_000_000;

/// A subscription at Stripe that has not ended.
#[derive(Clone, Debug)]
pub struct Theirs {
    pub id: String,
    pub customer: String,
    pub price: String,
    pub currency: Option<Currency>,
    /// The amount of its next invoice in our minor units, before discounts and tax.
    pub amount: Option<i64>,
    pub quantity: i64,
    pub interval: Option<Interval>,
    /// The instant that its periods are counted from.
    pub anchor: Time,
    /// Its next billing date.
    pub until: Time,
    pub started_at: Time,
    /// Whether Stripe charges it again.
    pub renews: bool,
    /// The payment method or source that is set for it; the customer's is charged without one.
    pub method: Option<String>,
    pub codes: Vec<Code>,
}

impl Theirs {
    /// Reads a subscription; `None` if it has ended.
    pub fn read(object: &Value) -> Option<Self> {
        let status = object["status"].as_str()?;
        if matches!(status, "canceled" | "incomplete_expired") {
            return None;
        }
        let item = &object["items"]["data"][0];
        let price = &item["price"];
        let time = |value: &Value| Time::from_seconds(value.as_i64().unwrap_or_default());
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let quantity = item["quantity"].as_i64().unwrap_or(1);
        let currency = object["currency"]
            .as_str()
            .and_then(|code| code.to_ascii_uppercase().parse::<Currency>().ok());
        let whole = price["unit_amount"].as_i64().and_then(|one| one.checked_mul(quantity));
        let theirs = Self {
            id: text(&object["id"])?,
            customer: text(&object["customer"])?,
            price: text(&price["id"]).unwrap_or_default(),
            amount: whole.zip(currency).and_then(|(whole, known)| from_stripe(whole, known)),
            currency,
            quantity,
            interval: interval(&price["recurring"]),
            anchor: time(&object["billing_cycle_anchor"]),
            until: time(&item["current_period_end"]),
            started_at: time(&object["start_date"]),
            renews: !ends(object),
            method: text(&object["default_payment_method"])
                .or_else(|| text(&object["default_source"])),
            codes: Vec::new(),
        };
        let codes = theirs.find_codes(object, status);
        Some(Self { codes, ..theirs })
    }

    fn find_codes(&self, object: &Value, status: &str) -> Vec<Code> {
        let items = &object["items"];
        let (item, has) = (&items["data"][0], |name: &str| !object[name].is_null());
        let price = &item["price"];
        let several =
            items["has_more"] == true || items["data"].as_array().is_none_or(|all| all.len() != 1);
        let tiered = price["billing_scheme"] == "tiered";
        let filled = |list: &Value| list.as_array().is_some_and(|list| !list.is_empty());
        let discounts = filled(&object["discounts"]) || filled(&item["discounts"]);
        let taxes = object["automatic_tax"]["enabled"] == true
            || filled(&object["default_tax_rates"])
            || filled(&item["tax_rates"]);
        let connect = ["application_fee_percent", "transfer_data", "on_behalf_of"];
        let found = [
            (several, Code::SeveralItems),
            (price["recurring"]["usage_type"] == "metered", Code::Metered),
            (tiered || !price["transform_quantity"].is_null(), Code::Tiered),
            (self.currency.is_none(), Code::CurrencyUnknown),
            (!tiered && price["unit_amount"].is_null(), Code::DecimalAmount),
            (self.interval.is_none(), Code::IntervalUnsupported),
            (!(1..=MAX_QUANTITY).contains(&self.quantity), Code::QuantityOutOfRange),
            (discounts, Code::Coupon),
            (status == "trialing", Code::Trial),
            (has("schedule") || filled(&object["billing_schedules"]), Code::Schedule),
            (object["collection_method"] != "charge_automatically", Code::SendInvoice),
            (status == "paused" || has("pause_collection"), Code::Paused),
            (taxes, Code::Tax),
            (matches!(status, "past_due" | "unpaid" | "incomplete"), Code::Unpaid),
            (ends(object), Code::Ends),
            (has("pending_update"), Code::PendingUpdate),
            (connect.iter().any(|name| has(name)), Code::Connect),
        ];
        found.into_iter().filter(|(wrong, _)| *wrong).map(|(_, code)| code).collect()
    }

    /// Whether there is time enough to stop it at Stripe before it renews there.
    pub fn too_late(&self, now: Time) -> Option<Code> {
        if self.until <= now {
            Some(Code::PeriodOver)
        } else if self.until <= now.plus_seconds(SOONEST_SECONDS) {
            Some(Code::PeriodEndsSoon)
        } else {
            None
        }
    }
}

fn ends(object: &Value) -> bool {
    object["cancel_at_period_end"] == true || !object["cancel_at"].is_null()
}

fn interval(recurring: &Value) -> Option<Interval> {
    match (recurring["interval"].as_str()?, recurring["interval_count"].as_i64()?) {
        ("month", 1) => Some(Interval::Month),
        ("year", 1) | ("month", 12) => Some(Interval::Year),
        (_, _) => None,
    }
}
