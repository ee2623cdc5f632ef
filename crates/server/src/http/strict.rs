//! Strict JSON: no duplicate name, no U+0000, at most [`MAX_DEPTH`] levels.

use super::{Code, Problem};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

const MAX_DEPTH: usize = 32;

/// Any JSON value, read strictly.
pub fn strict(text: &[u8]) -> serde_json::Result<Value> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = Strict { depth: 0 }.deserialize(&mut deserializer)?;
    deserializer.end().map(|()| value)
}

/// Returns the problem for a body that was refused.
pub fn not_taken(error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    if error.is_data() {
        // Removes the position that the parser appends, which is useless for a single line.
        let message = text.split(" at line ").next().unwrap_or_default().to_owned();
        let (param, message) = message.split_once('\n').unwrap_or(("", &message));
        Problem::invalid_param(param, message)
    } else if text.starts_with("number out of range") {
        Problem::invalid_param("", "The body has a number that is out of range.")
    } else {
        Problem::new(Code::MalformedRequest, "The body is not valid JSON.")
    }
}

/// Any JSON value without duplicate names or U+0000, and at most [`MAX_DEPTH`] levels deep.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    /// The depth inside an array or object. An empty one counts as a level.
    fn inner<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(format!("The body is nested deeper than {MAX_DEPTH} levels.")));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        if value.contains('\0') {
            return Err(E::custom("The body contains U+0000."));
        }
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut object = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            if name.contains('\0') {
                return Err(A::Error::custom("The body contains U+0000."));
            }
            let value = entries.next_value_seed(inner)?;
            if object.insert(name.clone(), value).is_some() {
                return Err(A::Error::custom(format!("{name}\nmust not be repeated")));
            }
        }
        Ok(Value::Object(object))
    }
}
