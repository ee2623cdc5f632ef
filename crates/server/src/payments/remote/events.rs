//! Events of the processor. An event is a hint only: the state of its object is asked for.

use super::protocol::is_reference;
use super::{Remote, wrong};
use crate::base::PaymentAttemptId;
use crate::organizations::Environment;
use crate::payments::RefundKey;
use crate::payments::processor::{ProcessorError, ProcessorEvent};
use serde::Deserialize;
use serde_json::{Value, json};

const MAX_ID: usize = 100;

/// An event: a hint that an object changed, whose state is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    id: String,
    environment: String,
    r#type: String,
    data: Value,
}

/// The object that an event is about.
#[derive(Deserialize)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
enum Change {
    #[serde(rename = "charge.changed", rename_all = "camelCase")]
    Charge { attempt_id: PaymentAttemptId },
    #[serde(rename = "refund.changed", rename_all = "camelCase")]
    Refund { refund_id: String, charge: String },
    #[serde(rename = "method.added")]
    MethodAdded { customer: String, method: String },
    #[serde(rename = "method.changed")]
    MethodChanged { customer: String, method: String },
}

/// The id under which an event is kept; `None` if it is none of this environment.
pub fn id(body: &[u8], environment: Environment) -> Option<String> {
    let event: Event = serde_json::from_slice(body).ok()?;
    event.change()?;
    let is_ours = event.environment == environment.as_str();
    let is_good = is_ours && is_reference(&event.id) && event.id.len() <= MAX_ID;
    // Another processor of the tenant may use the same id.
    is_good.then(|| format!("{}:{}", super::NAME, event.id))
}

/// Asks for what an event is about; `None` if that is not there.
pub async fn read(remote: &Remote, body: &[u8]) -> Result<Option<ProcessorEvent>, ProcessorError> {
    let event: Result<Event, _> = serde_json::from_slice(body);
    let change = event.ok().and_then(|event| event.change());
    Ok(match change.ok_or_else(|| wrong("the event is malformed"))? {
        Change::Charge { attempt_id } => Some(ProcessorEvent::ChargeChanged { key: attempt_id }),
        Change::Refund { refund_id, charge } => {
            let key: Option<RefundKey> = serde_json::from_value(Value::String(refund_id)).ok();
            let Some(key) = key else { return Ok(None) };
            let Some(found) = remote.find_refund(key, &charge).await? else { return Ok(None) };
            let refund = found.result(&key.to_string(), &charge).map_err(wrong)?;
            Some(ProcessorEvent::RefundChanged { key, refund })
        }
        Change::MethodAdded { customer, method } => {
            let card = remote.card_of(&customer, &method).await?;
            card.map(|card| ProcessorEvent::SetUp { customer, card })
        }
        Change::MethodChanged { customer, method } => {
            Some(match remote.card_of(&customer, &method).await? {
                Some(card) => ProcessorEvent::CardChanged { customer, card },
                None => ProcessorEvent::CardGone { customer, reference: method },
            })
        }
    })
}

impl Event {
    /// `None` if its type is not known or its data is malformed.
    fn change(&self) -> Option<Change> {
        serde_json::from_value(json!({ "type": self.r#type, "data": self.data })).ok()
    }
}
