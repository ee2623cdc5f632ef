//! Stripe's events: which ones matter here, and what they mean.

use super::client::Call;
use super::{MAX_PAGES, Stripe, answers, is_id, refund_key};
use crate::base::Time;
use crate::payments::Card;
use crate::payments::processor::{ProcessorError, ProcessorEvent, RawEvent};
use serde_json::Value;

/// The types that an endpoint has to be subscribed to; others are ignored.
pub const TYPES: [&str; 13] = [
    "payment_intent.succeeded",
    "payment_intent.canceled",
    "setup_intent.succeeded",
    "payment_method.automatically_updated",
    "payment_method.updated",
    "payment_method.detached",
    "customer.deleted",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
];

/// The id of an event, if it is one of this mode. Events of API v2 are of another kind.
pub fn id(body: &[u8], live: bool) -> Option<String> {
    let event: Value = serde_json::from_slice(body).ok()?;
    let is_ours = event["object"] == "event" && event["livemode"] == live;
    event["id"].as_str().filter(|_| is_ours).map(str::to_owned)
}

/// Reads what an event means; `None` if it means nothing here. Events come in any order, so an object's
/// state is taken from its event only if it is final.
pub async fn read(stripe: &Stripe, body: &[u8]) -> Result<Option<ProcessorEvent>, ProcessorError> {
    let malformed = |error: serde_json::Error| ProcessorError::Unavailable(error.into());
    let event: Value = serde_json::from_slice(body).map_err(malformed)?;
    let object = &event["data"]["object"];
    let key = object["metadata"]["unitpay_attempt"].as_str().and_then(|key| key.parse().ok());
    Ok(match event["type"].as_str() {
        Some("payment_intent.succeeded") => match (key, object["id"].as_str()) {
            (Some(key), Some(reference)) => {
                let card = card_of_form(stripe, object).await?;
                Some(ProcessorEvent::Charged { key, reference: reference.to_owned(), card })
            }
            // Another application's, or made in the Dashboard.
            (_, _) => None,
        },
        Some("payment_intent.canceled") => key.map(|key| ProcessorEvent::Canceled { key }),
        Some("setup_intent.succeeded") => set_up(stripe, object).await?,
        Some("payment_method.automatically_updated" | "payment_method.updated") => {
            match (object["customer"].as_str(), object["id"].as_str()) {
                // Asked for, as with refunds.
                (Some(customer), Some(method)) => {
                    stripe.card_of(customer, method).await?.map(|card| {
                        ProcessorEvent::CardChanged { customer: customer.to_owned(), card }
                    })
                }
                (_, _) => None,
            }
        }
        Some("payment_method.detached") => {
            let customer = event["data"]["previous_attributes"]["customer"].as_str();
            customer.zip(object["id"].as_str()).map(|(customer, reference)| {
                ProcessorEvent::CardGone {
                    customer: customer.to_owned(),
                    reference: reference.to_owned(),
                }
            })
        }
        Some("customer.deleted") => {
            object["id"].as_str().map(|id| ProcessorEvent::CustomerGone { customer: id.to_owned() })
        }
        Some("refund.created" | "refund.updated" | "refund.failed") => {
            match (refund_key(object), object["payment_intent"].as_str()) {
                // Asked for: an older event may come later, and would undo what a newer one said.
                (Some(key), Some(reference)) => stripe
                    .find_refund(key, reference)
                    .await?
                    .map(|refund| ProcessorEvent::RefundChanged { key, refund }),
                (_, _) => None,
            }
        }
        Some("charge.dispute.created" | "charge.dispute.updated" | "charge.dispute.closed") => {
            match object["id"].as_str() {
                Some(id) => disputed(stripe, id).await?,
                None => None,
            }
        }
        Some(_) | None => None,
    })
}

/// Asks for a dispute, as for refunds, and for the charge that it is of.
async fn disputed(stripe: &Stripe, id: &str) -> Result<Option<ProcessorEvent>, ProcessorError> {
    if !is_id(id) {
        return Ok(None);
    }
    let call = Call::get(format!("/v1/disputes/{id}")).with("expand[]", "payment_intent");
    let Some(dispute) = stripe.find(call).await? else { return Ok(None) };
    let intent = &dispute["payment_intent"];
    let key = intent["metadata"]["unitpay_attempt"].as_str().and_then(|key| key.parse().ok());
    let (Some(key), Some(reference), Some(report)) =
        (key, intent["id"].as_str(), answers::dispute(&dispute))
    else {
        // Of a charge by another application.
        return Ok(None);
    };
    let (reference, card) = (reference.to_owned(), card_of_form(stripe, intent).await?);
    Ok(Some(ProcessorEvent::Disputed { key, reference, card, dispute: report }))
}

/// The card that a payment form took. A charge of a saved card has none to add.
async fn card_of_form(stripe: &Stripe, intent: &Value) -> Result<Option<Card>, ProcessorError> {
    let (customer, method) = (intent["customer"].as_str(), intent["payment_method"].as_str());
    let is_kept = intent["setup_future_usage"] == "off_session";
    let is_once = intent["metadata"]["unitpay_once"] == "true";
    match (customer, method) {
        (Some(customer), Some(method)) if is_kept => stripe.card_of(customer, method).await,
        // It belongs to no customer.
        (_, Some(method)) if is_once && is_id(method) => {
            let method = stripe.find(Call::get(format!("/v1/payment_methods/{method}"))).await?;
            Ok(method.as_ref().and_then(answers::card))
        }
        (_, _) => Ok(None),
    }
}

async fn set_up(stripe: &Stripe, setup: &Value) -> Result<Option<ProcessorEvent>, ProcessorError> {
    let (Some(customer), Some(method)) =
        (setup["customer"].as_str(), setup["payment_method"].as_str())
    else {
        return Ok(None);
    };
    let card = stripe.card_of(customer, method).await?;
    Ok(card.map(|card| ProcessorEvent::SetUp { customer: customer.to_owned(), card }))
}

/// The events since an instant, oldest first.
pub async fn since(stripe: &Stripe, since: Time) -> Result<Vec<RawEvent>, ProcessorError> {
    let mut found = Vec::new();
    let mut last: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let mut call = Call::get("/v1/events")
            .with("created[gte]", since.seconds().to_string())
            .with("limit", "100");
        for event_type in TYPES {
            call = call.with("types[]", event_type);
        }
        if let Some(last) = &last {
            call = call.with("starting_after", last);
        }
        let page = stripe.require(call).await?;
        let rows = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        found.extend(rows.iter().filter_map(|row| {
            let id = row["id"].as_str()?.to_owned();
            Some(RawEvent { id, body: row.to_string() })
        }));
        last = rows.last().and_then(|row| row["id"].as_str()).map(str::to_owned);
        if page["has_more"] != true || last.is_none() {
            break;
        }
    }
    found.reverse();
    Ok(found)
}
