//! Reads the events of a request, by hand and field by field from the text: a quantity keeps all
//! its digits, and a thousand events cost no tree of values. An event of the wrong shape is rejected
//! and the others of its batch count. A body that is itself one event is refused.

use crate::base::Time;
use crate::http::leaves::{string, text as text_schema};
use crate::http::strict::{not_taken, strict};
use crate::http::wire::{Field, set_description};
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
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

const MAX_PROPERTIES_BYTES: usize = 4096;

/// A required text of an event: its name, its maximum length in bytes, its description.
type Text = (&'static str, usize, &'static str);

const TEXTS: [Text; 3] = [
    ("customerId", 128, "Our id or the `externalId` of a customer."),
    ("eventName", 100, "The name that metrics select events by."),
    (
        "idempotencyKey",
        128,
        "Unique per customer, permanently. Sending the same event again has no effect.",
    ),
];
/// The other fields of an event.
const OPTIONAL: [&str; 3] = ["quantity", "properties", "timestamp"];

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
                let describe = |error: &ParamError| format!("{} {}", error.param, error.message);
                let wrong: Vec<String> = reader.errors.iter().map(describe).collect();
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
        let mut is_repeated = false;
        for (name, value) in members {
            if name != "events" {
                self.wrong(name.into_owned(), "is not a known field");
            } else if std::mem::replace(&mut is_repeated, true) {
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
            let mut known = TEXTS.iter().map(|(name, ..)| name).chain(&OPTIONAL);
            let Some(slot) = known.position(|field| *field == name) else {
                self.wrong(name, "is not a known field");
                continue;
            };
            if slots[slot].replace(value).is_some() {
                self.wrong(name, "must not be repeated");
            }
        }
        let [customer, name, key, quantity, properties, timestamp] = slots;
        for (slot, (field, ..)) in [customer, name, key].into_iter().zip(TEXTS) {
            if slot.is_none() {
                self.wrong(field, "is required");
            }
        }
        let customer = self.text(customer, TEXTS[0]);
        let name = self.text(name, TEXTS[1]);
        let key = self.text(key, TEXTS[2]);
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
        (field, longest, _): Text,
    ) -> Option<Cow<'a, str>> {
        let Some(text) = text(value?) else {
            self.wrong(field, "must be a string");
            return None;
        };
        if !(1..=longest).contains(&text.len()) {
            self.wrong(field, format!("must be 1 to {longest} bytes long"));
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

/// Describes the events of a request from the same tables that they are read with.
impl ToSchema for Batch {
    fn name() -> Cow<'static, str> {
        "TrackRequest".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        let events = ArrayBuilder::new().items(Ref::from_schema_name("UsageEvent"));
        let events = events.min_items(Some(1)).max_items(Some(MAX_EVENTS));
        let events = object().property("events", events).required("events");
        schemas.push(("UsageEvent".to_owned(), event().into()));
        schemas.push(("UsageEvents".to_owned(), events.into()));
    }
}

impl PartialSchema for Batch {
    fn schema() -> RefOr<Schema> {
        let [events, event] = ["UsageEvents", "UsageEvent"].map(Ref::from_schema_name);
        OneOfBuilder::new().item(events).item(event).into()
    }
}

fn object() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Object)
}

fn event() -> ObjectBuilder {
    let mut event = object().description(Some("The fields that `track` reads."));
    for (name, longest, description) in TEXTS {
        let text = text_schema(1, longest).description(Some(description));
        event = event.property(name, text).required(name);
    }
    let any = ObjectBuilder::new().schema_type(SchemaType::AnyValue);
    let properties = object()
        .property_names(Some(string().build()))
        .additional_properties(Some(any))
        .description(Some(format!(
            "Values for metrics to aggregate; at most {MAX_PROPERTIES_BYTES} bytes."
        )));
    let mut timestamp = <Time as Field>::schema();
    set_description(&mut timestamp, "The time of the event. Default: now.".to_owned());
    let number = ObjectBuilder::new()
        .schema_type(SchemaType::Array(vec![Type::String, Type::Number]))
        .description(Some(
            "A decimal from 0 to 10⁹, as a number or a string, rounded half away from zero to six \
             fraction digits. Default: 1.",
        ));
    let optional = [number.into(), properties.into(), timestamp];
    OPTIONAL
        .into_iter()
        .zip(optional)
        .fold(event, |event, (name, schema)| event.property(name, schema))
}
