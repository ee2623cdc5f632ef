//! Reading the events of a request. It is done by hand, field by field from the text: a quantity
//! keeps all its digits, and a thousand events cost no tree of values. What is wrong is told by the
//! event's place and field, and fails the whole request.

use crate::base::Time;
use crate::http::strict::{not_taken, strict};
use crate::http::{ParamError, Problem};
use crate::usage::{MAX_EVENTS, NewEvent, Quantity, json};
use aws_lc_rs::digest::{Context, SHA256};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;

/// So many errors are told, at most; the rest of the request is not read.
const MAX_ERRORS: usize = 100;
const MAX_PROPERTIES_BYTES: usize = 4096;

/// Reads `{"events": […]}`, or one event.
pub fn events(body: &[u8]) -> Result<Vec<NewEvent>, Problem> {
    let Object(members) = serde_json::from_slice(body).map_err(|error| not_an_object(&error))?;
    let mut reader = Reader::default();
    let batch = members.iter().any(|(name, _)| name == "events");
    let events = if batch {
        reader.batch(members)
    } else {
        reader.event(members, String::new()).into_iter().collect()
    };
    if reader.errors.is_empty() { Ok(events) } else { Err(Problem::invalid(reader.errors)) }
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

/// The members of an object, as they stand in the text.
struct Object<'a>(Vec<Member<'a>>);

impl Reader {
    fn wrong(&mut self, param: String, message: impl Into<String>) {
        self.errors.push(ParamError { param, message: message.into() });
    }

    fn batch(&mut self, members: Vec<Member<'_>>) -> Vec<NewEvent> {
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

    fn array(&mut self, value: &RawValue) -> Vec<NewEvent> {
        let items: Vec<&RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
        if !(1..=MAX_EVENTS).contains(&items.len()) {
            self.wrong(
                "events".to_owned(),
                format!("must be an array of 1 to {MAX_EVENTS} events"),
            );
            return Vec::new();
        }
        let mut events = Vec::with_capacity(items.len());
        for (at, item) in items.into_iter().enumerate() {
            if self.errors.len() >= MAX_ERRORS {
                break;
            }
            match serde_json::from_str::<Object<'_>>(item.get()) {
                Ok(Object(members)) => events.extend(self.event(members, format!("events[{at}]."))),
                Err(_) => self.wrong(format!("events[{at}]"), "must be an object"),
            }
        }
        events
    }

    fn event(&mut self, members: Vec<Member<'_>>, path: String) -> Option<NewEvent> {
        let mut slots: [Option<&RawValue>; 6] = [None; 6];
        for (name, value) in members {
            let Some(slot) = FIELDS.iter().position(|field| *field == name) else {
                self.wrong(format!("{path}{name}"), "is not a known field");
                continue;
            };
            if slots[slot].replace(value).is_some() {
                self.wrong(format!("{path}{name}"), "must not be repeated");
            }
        }
        let [customer, name, key, quantity, properties, timestamp] = slots;
        for (slot, field) in [customer, name, key].into_iter().zip(FIELDS) {
            if slot.is_none() {
                self.wrong(format!("{path}{field}"), "is required");
            }
        }
        let customer = self.text(customer, &path, FIELDS[0], 1..=128);
        let name = self.text(name, &path, FIELDS[1], 1..=100);
        let key = self.text(key, &path, FIELDS[2], 1..=128);
        let quantity = self.quantity(quantity, &path);
        let properties = self.properties(properties, &path);
        let timestamp = self.timestamp(timestamp, &path);
        let (customer, name, key) = (customer?, name?.into_owned(), key?.into_owned());
        let (quantity, properties, timestamp) = (quantity?, properties?, timestamp?);
        let content = digest(&name, quantity, properties.as_ref(), timestamp);
        let customer =
            customer.parse().unwrap_or_else(|never: std::convert::Infallible| match never {});
        Some(NewEvent { customer, name, quantity, properties, timestamp, key, content })
    }

    fn text<'a>(
        &mut self,
        value: Option<&'a RawValue>,
        path: &str,
        field: &str,
        length: RangeInclusive<usize>,
    ) -> Option<Cow<'a, str>> {
        let Some(text) = text(value?) else {
            self.wrong(format!("{path}{field}"), "must be a string");
            return None;
        };
        if !length.contains(&text.len()) {
            let (least, most) = length.into_inner();
            self.wrong(format!("{path}{field}"), format!("must be {least} to {most} bytes long"));
            return None;
        }
        if text.chars().any(char::is_control) {
            self.wrong(format!("{path}{field}"), "must not contain control characters");
            return None;
        }
        Some(text)
    }

    /// A number or a string; both are read as the text they are.
    fn quantity(&mut self, value: Option<&RawValue>, path: &str) -> Option<Quantity> {
        let Some(value) = value else { return Some(Quantity::ONE) };
        let written = text(value).unwrap_or(Cow::Borrowed(value.get()));
        let quantity = Quantity::parse(&written).ok();
        if quantity.is_none() {
            let message = "must be a decimal from 0 to 1000000000 of at most 6 fraction digits";
            self.wrong(format!("{path}quantity"), message);
        }
        quantity
    }

    fn properties(
        &mut self,
        value: Option<&RawValue>,
        path: &str,
    ) -> Option<Option<Map<String, Value>>> {
        let Some(value) = value else { return Some(None) };
        if value.get().len() <= MAX_PROPERTIES_BYTES
            && let Ok(Value::Object(properties)) = strict(value.get().as_bytes())
        {
            return Some(Some(properties));
        }
        let message = format!("must be an object of at most {MAX_PROPERTIES_BYTES} bytes");
        self.wrong(format!("{path}properties"), message);
        None
    }

    fn timestamp(&mut self, value: Option<&RawValue>, path: &str) -> Option<Option<Time>> {
        let Some(value) = value else { return Some(None) };
        let time = text(value).and_then(|text| text.parse::<jiff::Timestamp>().ok());
        if time.is_none() {
            let message = "must be an RFC 3339 time, as 2030-01-31T00:00:00Z";
            self.wrong(format!("{path}timestamp"), message);
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

/// Tells events of one key apart. Each part is preceded by its length, so no two run together.
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
    // What is absent is empty, and nothing that is there is.
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
