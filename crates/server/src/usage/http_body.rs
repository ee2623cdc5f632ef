//! Reads the events of a request, by hand and field by field from the text: a quantity keeps all
//! its digits, and a thousand events cost no tree of values. An event of the wrong shape is rejected
//! and the others of its batch count. A body that is itself one event is refused.

use crate::base::Time;
use crate::http::strict::{not_taken, strict};
use crate::http::{ParamError, Problem};
use crate::usage::{
    MAX_EVENTS, NewUsageEvent, QUANTITY, Quantity, Rejection, RejectionReason, json,
};
use aws_lc_rs::digest::{Context, SHA256};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;

const MAX_PROPERTIES_BYTES: usize = 4096;

/// Reads `{"events": […]}`, or a single event.
pub fn events(body: &[u8]) -> Result<Batch, Problem> {
    let Object(members) = serde_json::from_slice(body).map_err(|error| not_an_object(&error))?;
    let mut reader = Reader::default();
    let mut batch = Batch::default();
    if members.iter().any(|(name, _)| name == "events") {
        for (index, item) in reader.batch(members).into_iter().enumerate() {
            batch.add(index, item);
        }
    } else if let Some(event) = reader.event(members) {
        batch.events.push(event);
        batch.places.push(0);
    }
    if reader.errors.is_empty() { Ok(batch) } else { Err(Problem::invalid(reader.errors)) }
}

/// The events of a request.
#[derive(Debug, Default)]
pub struct Batch {
    pub events: Vec<NewUsageEvent>,
    /// The place of each event in the request.
    pub places: Vec<usize>,
    /// The events whose shape is wrong.
    pub rejections: Vec<Rejection>,
}

impl Batch {
    fn add(&mut self, index: usize, item: &RawValue) {
        let mut reader = Reader::default();
        let event = match serde_json::from_str::<Object<'_>>(item.get()) {
            Ok(Object(members)) => reader.event(members),
            Err(_) => {
                reader.wrong("event", "must be an object");
                None
            }
        };
        match event {
            Some(event) if reader.errors.is_empty() => {
                self.events.push(event);
                self.places.push(index);
            }
            Some(_) | None => {
                let told = |error: &ParamError| format!("{} {}", error.param, error.message);
                let wrong: Vec<String> = reader.errors.iter().map(told).collect();
                let detail = Some(format!("{}.", wrong.join("; ")));
                self.rejections.push(Rejection { index, reason: RejectionReason::Invalid, detail });
            }
        }
    }
}

fn not_an_object(error: &serde_json::Error) -> Problem {
    if error.is_data() {
        return Problem::invalid_param("", "The body must be a JSON object.");
    }
    not_taken(error)
}

#[derive(Default)]
struct Reader {
    errors: Vec<ParamError>,
}

type Member<'a> = (Cow<'a, str>, &'a RawValue);

/// The members of an object as raw text.
struct Object<'a>(Vec<Member<'a>>);

impl Reader {
    fn wrong(&mut self, param: impl Into<String>, message: impl Into<String>) {
        self.errors.push(ParamError { param: param.into(), message: message.into() });
    }

    fn batch<'a>(&mut self, members: Vec<Member<'a>>) -> Vec<&'a RawValue> {
        let mut events = Vec::new();
        let mut seen = false;
        for (name, value) in members {
            if name != "events" {
                self.wrong(name.into_owned(), "is not a known field");
            } else if std::mem::replace(&mut seen, true) {
                self.wrong(name.into_owned(), "must not be repeated");
            } else {
                events = self.array(value);
            }
        }
        events
    }

    fn array<'a>(&mut self, value: &'a RawValue) -> Vec<&'a RawValue> {
        let items: Vec<&RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
        if !(1..=MAX_EVENTS).contains(&items.len()) {
            self.wrong("events", format!("must be an array of 1 to {MAX_EVENTS} events"));
            return Vec::new();
        }
        items
    }

    fn event(&mut self, members: Vec<Member<'_>>) -> Option<NewUsageEvent> {
        let mut slots: [Option<&RawValue>; 6] = [None; 6];
        for (name, value) in members {
            let Some(slot) = FIELDS.iter().position(|field| *field == name) else {
                self.wrong(name, "is not a known field");
                continue;
            };
            if slots[slot].replace(value).is_some() {
                self.wrong(name, "must not be repeated");
            }
        }
        let [customer, name, key, quantity, properties, timestamp] = slots;
        for (slot, field) in [customer, name, key].into_iter().zip(FIELDS) {
            if slot.is_none() {
                self.wrong(field, "is required");
            }
        }
        let customer = self.text(customer, FIELDS[0], 1..=128);
        let name = self.text(name, FIELDS[1], 1..=100);
        let key = self.text(key, FIELDS[2], 1..=128);
        let quantity = self.quantity(quantity);
        let properties = self.properties(properties);
        let timestamp = self.timestamp(timestamp);
        let (customer, name, key) = (customer?, name?.into_owned(), key?.into_owned());
        let (quantity, properties, timestamp) = (quantity?, properties?, timestamp?);
        let content = digest(&name, quantity, properties.as_ref(), timestamp);
        let customer =
            customer.parse().unwrap_or_else(|never: std::convert::Infallible| match never {});
        Some(NewUsageEvent { customer, name, quantity, properties, timestamp, key, content })
    }

    fn text<'a>(
        &mut self,
        value: Option<&'a RawValue>,
        field: &str,
        length: RangeInclusive<usize>,
    ) -> Option<Cow<'a, str>> {
        let Some(text) = text(value?) else {
            self.wrong(field, "must be a string");
            return None;
        };
        if !length.contains(&text.len()) {
            let (least, most) = length.into_inner();
            self.wrong(field, format!("must be {least} to {most} bytes long"));
            return None;
        }
        if text.chars().any(char::is_control) {
            self.wrong(field, "must not contain control characters");
            return None;
        }
        Some(text)
    }

    /// A number or a string; both are read as the text they are, and rounded to six digits.
    fn quantity(&mut self, value: Option<&RawValue>) -> Option<Quantity> {
        let Some(value) = value else { return Some(Quantity::ONE) };
        let written = text(value).unwrap_or(Cow::Borrowed(value.get()));
        let quantity = Quantity::parse(&written).ok();
        if quantity.is_none() {
            self.wrong("quantity", QUANTITY);
        }
        quantity
    }

    fn properties(&mut self, value: Option<&RawValue>) -> Option<Option<Map<String, Value>>> {
        let Some(value) = value else { return Some(None) };
        if value.get().len() <= MAX_PROPERTIES_BYTES
            && let Ok(Value::Object(properties)) = strict(value.get().as_bytes())
        {
            return Some(Some(properties));
        }
        let message = format!("must be an object of at most {MAX_PROPERTIES_BYTES} bytes");
        self.wrong("properties", message);
        None
    }

    fn timestamp(&mut self, value: Option<&RawValue>) -> Option<Option<Time>> {
        let Some(value) = value else { return Some(None) };
        let time = text(value).and_then(|text| text.parse::<jiff::Timestamp>().ok());
        if time.is_none() {
            let message = "must be an RFC 3339 time such as 2030-01-31T00:00:00Z";
            self.wrong("timestamp", message);
        }
        time.map(|time| Some(Time(time.as_microsecond())))
    }
}

const FIELDS: [&str; 6] =
    ["customerId", "eventName", "idempotencyKey", "quantity", "properties", "timestamp"];

fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(serde::Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str(value.get()).ok().map(|Text(text)| text)
}

/// Hashes the parts of an event. Each part is preceded by its length, so that different parts never
/// hash alike.
fn digest(
    name: &str,
    quantity: Quantity,
    properties: Option<&Map<String, Value>>,
    timestamp: Option<Time>,
) -> [u8; 16] {
    let mut context = Context::new(&SHA256);
    let mut add = |part: &[u8]| {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    };
    add(name.as_bytes());
    add(&quantity.0.to_be_bytes());
    // Absent values are hashed as empty, which no present value is.
    add(properties.map(json).unwrap_or_default().as_bytes());
    add(&timestamp.map_or(Vec::new(), |time| time.0.to_be_bytes().to_vec()));
    let mut start = [0; 16];
    start.copy_from_slice(&context.finish().as_ref()[..16]);
    start
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                #[derive(serde::Deserialize)]
                struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
                let mut members = Vec::new();
                while let Some(Name(name)) = map.next_key()? {
                    members.push((name, map.next_value()?));
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}
