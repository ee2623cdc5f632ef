//! Reading the fields of a request strictly, naming each that is wrong.
//!
//! A body is one JSON object; a query or a form is read as an object of strings. Nothing is coerced,
//! unknown fields are refused, and every mistake is reported at once.

use super::strict::{not_taken, strict};
use super::{ParamError, Problem};
use crate::base::Time;
use serde_json::{Map, Value};
use std::ops::RangeInclusive;

const REQUIRED: &str = "is required";

/// The fields of a request that are not read yet, and the mistakes in those that are.
#[derive(Debug, Default)]
pub struct Fields {
    values: Map<String, Value>,
    errors: Vec<ParamError>,
    /// Whether `null` clears a field.
    patch: bool,
    /// Whether a secret key sent them, which may set every field.
    of_key: bool,
}

impl Fields {
    /// Reads a JSON body. A text that is no JSON is malformed; other JSON than an object is invalid.
    pub fn from_json(body: &[u8]) -> Result<Self, Problem> {
        match strict(body).map_err(|error| not_taken(&error))? {
            Value::Object(values) => Ok(Self { values, ..Self::default() }),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => Err(Problem::invalid_param("", "The body must be a JSON object.")),
        }
    }

    /// Reads a query or a form.
    pub fn from_pairs(text: &[u8]) -> Result<Self, Problem> {
        let malformed = || Problem::new(super::Code::MalformedRequest, "The query is malformed.");
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_bytes(text).map_err(|_| malformed())?;
        let mut fields = Self::default();
        for (name, value) in pairs {
            // The decoder returns this character for bytes that are not UTF-8.
            if name.contains(char::REPLACEMENT_CHARACTER)
                || value.contains(char::REPLACEMENT_CHARACTER)
            {
                return Err(malformed());
            }
            if value.contains('\0') {
                fields.wrong(&name, "must not contain U+0000");
            }
            if fields.values.insert(name.clone(), Value::String(value)).is_some() {
                fields.wrong(&name, "must not be repeated");
            }
        }
        Ok(fields)
    }

    /// Says that a secret key sent them.
    #[must_use]
    pub fn from_key(self, of_key: bool) -> Self {
        Self { of_key, ..self }
    }

    pub const fn is_of_key(&self) -> bool {
        self.of_key
    }

    pub const fn is_patch(&self) -> bool {
        self.patch
    }

    /// Sets whether `null` clears fields, and returns whether it did.
    pub fn set_patch(&mut self, patch: bool) -> bool {
        let outer = self.patch;
        self.patch |= patch;
        outer
    }

    pub fn restore_patch(&mut self, patch: bool) {
        self.patch = patch;
    }

    /// Takes a field out if it is null.
    pub fn take_null(&mut self, name: &str) -> bool {
        let is_null = self.values.get(name) == Some(&Value::Null);
        if is_null {
            self.values.remove(name);
        }
        is_null
    }

    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Refuses both of two fields, and neither.
    pub fn exactly_one(&mut self, one: &str, other: &str) {
        if self.has(one) == self.has(other) {
            self.wrong(one, format!("exactly one of {one} and {other} is required"));
        }
    }

    /// A text that is there, left in its place.
    pub fn peek(&self, name: &str) -> Option<&str> {
        self.values.get(name).and_then(Value::as_str)
    }

    /// A time that is there, left in its place.
    pub fn peek_time(&self, name: &str) -> Option<Time> {
        self.peek(name).and_then(parse_time)
    }

    /// Whether a field that is there is true; it is left in its place.
    pub fn is_true(&self, name: &str) -> bool {
        self.values.get(name) == Some(&Value::Bool(true))
    }

    /// Checks an integer that is there against bounds that its declaration cannot know, and leaves
    /// it in its place. Returns it when it is within the bounds.
    pub fn check_integer(&mut self, name: &str, range: RangeInclusive<i64>) -> Option<i64> {
        let value = self.values.get(name).and_then(Value::as_i64)?;
        if range.contains(&value) {
            return Some(value);
        }
        let (least, most) = range.into_inner();
        self.wrong(name, format!("must be an integer from {least} to {most}"));
        None
    }

    /// Notes a mistake in a field.
    pub fn wrong(&mut self, param: &str, message: impl Into<String>) {
        self.errors.push(ParamError { param: param.to_owned(), message: message.into() });
    }

    /// Ends the reading: fields that were not read are unknown, and every mistake is returned.
    pub fn finish(mut self) -> Result<(), Problem> {
        self.note_unknown();
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::invalid(self.errors)) }
    }

    /// Ends the reading of a request that has a mistake.
    pub fn refusal(self) -> Problem {
        let missing = || Problem::internal("a mistake in a request was not noted");
        self.finish().err().unwrap_or_else(missing)
    }

    /// Ends the reading and makes a value of what was read. `make` returns a value unless a mistake
    /// was noted.
    pub fn build<T>(self, make: impl FnOnce() -> Option<T>) -> Result<T, Problem> {
        self.finish()?;
        make().ok_or_else(|| Problem::internal("a required field was not asked for"))
    }

    fn note_unknown(&mut self) {
        let unknown: Vec<String> = self.values.keys().cloned().collect();
        for name in unknown {
            self.wrong(&name, "is not a known field");
        }
    }

    /// Reads a value of any type.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.values.remove(name)
    }

    /// Reads a string of any length and content.
    pub fn any_text(&mut self, name: &str) -> Option<String> {
        match self.values.remove(name)? {
            Value::String(text) => Some(text),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => {
                self.wrong(name, "must be a string");
                None
            }
        }
    }

    pub fn text(&mut self, name: &str, length: RangeInclusive<usize>) -> Option<String> {
        let text = self.any_text(name)?;
        if !length.contains(&text.len()) {
            let (least, most) = length.into_inner();
            self.wrong(name, format!("must be {least} to {most} bytes long"));
            return None;
        }
        if text.chars().any(char::is_control) {
            self.wrong(name, "must not contain control characters");
            return None;
        }
        Some(text)
    }

    /// Whether a field is there and is an empty string.
    pub fn is_empty_text(&self, name: &str) -> bool {
        self.values.get(name).and_then(Value::as_str) == Some("")
    }

    pub fn required_text(&mut self, name: &str, length: RangeInclusive<usize>) -> String {
        self.required(&[name]);
        self.text(name, length).unwrap_or_default()
    }

    /// Reports missing fields.
    pub fn required(&mut self, names: &[&str]) {
        for name in names.iter().filter(|name| !self.values.contains_key(**name)) {
            self.errors
                .push(ParamError { param: (*name).to_owned(), message: REQUIRED.to_owned() });
        }
    }

    /// Reads a field that may be absent. In a PATCH, `null` clears it (`Some(None)`).
    pub fn optional<T>(
        &mut self,
        patch: bool,
        name: &str,
        read: impl FnOnce(&mut Self, &str) -> Option<T>,
    ) -> Option<Option<T>> {
        if patch && self.values.get(name) == Some(&Value::Null) {
            self.values.remove(name);
            return Some(None);
        }
        read(self, name).map(Some)
    }

    /// Reads an object; a mistake in it is named by its path.
    pub fn object<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let value = self.values.remove(name)?;
        self.inner(name, value, read)
    }

    /// Reads an array of at most `most` objects.
    pub fn objects<T>(
        &mut self,
        name: &str,
        most: usize,
        mut read: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let items = match self.values.remove(name)? {
            Value::Array(items) if items.len() <= most => items,
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => {
                self.wrong(name, format!("must be an array of at most {most} objects"));
                return None;
            }
        };
        let mut all = Some(Vec::with_capacity(items.len()));
        for (at, item) in items.into_iter().enumerate() {
            let one = self.inner(&format!("{name}[{at}]"), item, &mut read);
            all = all.zip(one).map(|(mut all, one)| {
                all.push(one);
                all
            });
        }
        all
    }

    fn inner<T>(
        &mut self,
        path: &str,
        value: Value,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let Value::Object(values) = value else {
            self.wrong(path, "must be an object");
            return None;
        };
        let mut inner = Self { values, errors: Vec::new(), patch: self.patch, of_key: self.of_key };
        let made = read(&mut inner);
        // The fields of an object of unknown type are unknown, too: nothing to report.
        if made.is_some() {
            inner.note_unknown();
        }
        for error in inner.errors {
            self.wrong(&format!("{path}.{}", error.param), error.message);
        }
        made
    }

    pub fn integer(&mut self, name: &str, range: RangeInclusive<i64>) -> Option<i64> {
        let integer = self.values.remove(name)?.as_i64().filter(|value| range.contains(value));
        if integer.is_none() {
            let (least, most) = range.into_inner();
            self.wrong(name, format!("must be an integer from {least} to {most}"));
        }
        integer
    }

    pub fn boolean(&mut self, name: &str) -> Option<bool> {
        let boolean = self.values.remove(name)?.as_bool();
        if boolean.is_none() {
            self.wrong(name, "must be true or false");
        }
        boolean
    }

    /// Reads an array of at most `most` strings.
    pub fn texts(&mut self, name: &str, most: usize) -> Option<Vec<String>> {
        let value = self.values.remove(name)?;
        let texts = value.as_array().filter(|items| items.len() <= most).and_then(|items| {
            items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        });
        if texts.is_none() {
            self.wrong(name, format!("must be an array of at most {most} strings"));
        }
        texts
    }

    /// Reads metadata, an object with at most 20 keys of 40 characters and strings of 500, in its
    /// stored form.
    pub fn metadata(&mut self, name: &str) -> Option<String> {
        let value = self.values.remove(name)?;
        let fits = value.as_object().is_some_and(|entries| {
            entries.len() <= 20
                && entries.iter().all(|(key, value)| {
                    (1..=40).contains(&key.chars().count())
                        && value.as_str().is_some_and(|text| text.chars().count() <= 500)
                })
        });
        if !fits {
            let bounds = "at most 20 keys of 1 to 40 characters with strings of at most 500";
            self.wrong(name, format!("must be an object of {bounds}"));
            return None;
        }
        Some(value.to_string())
    }

    /// Reads metadata. In a PATCH, `null` clears it.
    pub fn clearable_metadata(&mut self, name: &str) -> Option<String> {
        if self.values.get(name) == Some(&Value::Null) {
            self.values.remove(name);
            return Some("{}".to_owned());
        }
        self.metadata(name)
    }

    /// Reads a word from a closed list.
    pub fn word<T: Copy>(
        &mut self,
        name: &str,
        all: &[T],
        text: impl Fn(T) -> &'static str,
    ) -> Option<T> {
        let given = self.any_text(name)?;
        let found = all.iter().copied().find(|word| text(*word) == given);
        if found.is_none() {
            let words: Vec<&str> = all.iter().map(|word| text(*word)).collect();
            self.wrong(name, format!("must be one of {}", words.join(", ")));
        }
        found
    }

    /// Reads a text as a type of ours; `what` names the type in the error.
    pub fn parsed<T: std::str::FromStr>(&mut self, name: &str, what: &str) -> Option<T> {
        let parsed = self.text(name, 0..=100)?.parse().ok();
        if parsed.is_none() {
            self.wrong(name, format!("must be {what}"));
        }
        parsed
    }

    /// Reads a UTC day, counted from 1970.
    pub fn day(&mut self, name: &str) -> Option<i64> {
        let text = self.text(name, 1..=64)?;
        let day = text.parse::<jiff::civil::Date>().ok().filter(|_| text.len() == 10);
        let midnight = day.and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC).ok());
        if midnight.is_none() {
            self.wrong(name, "must be a date such as 2030-01-31");
        }
        midnight.map(|midnight| midnight.timestamp().as_second().div_euclid(86_400))
    }

    /// Reads an RFC 3339 time with an offset.
    pub fn time(&mut self, name: &str) -> Option<Time> {
        let text = self.text(name, 1..=64)?;
        let time = parse_time(&text);
        if time.is_none() {
            self.wrong(name, "must be an RFC 3339 time, such as 2030-01-31T00:00:00Z");
        }
        time
    }
}

fn parse_time(text: &str) -> Option<Time> {
    let time = text.parse::<jiff::Timestamp>().ok()?;
    Some(Time(time.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::Fields;
    use crate::http::Code;

    #[test]
    fn query_is_malformed_when_not_utf8() {
        for text in ["customerId=%C3", "%FF=1"] {
            let refused = Fields::from_pairs(text.as_bytes()).unwrap_err();
            assert_eq!(refused.code, Code::MalformedRequest, "{text}");
        }
        let mut fields = Fields::from_pairs("customerId=%C3%A9".as_bytes()).unwrap();
        assert_eq!(fields.text("customerId", 1..=10).as_deref(), Some("é"));
        assert!(fields.finish().is_ok());
    }
}
