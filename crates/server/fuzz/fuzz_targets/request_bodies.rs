//! Feeds random bytes to the body reader: `cargo +nightly fuzz run request_bodies` in
//! `crates/server`.
//!
//! Nothing may panic. An accepted body must be a JSON object for a lenient parser too, within our
//! bounds. Every field must be read once or reported as unknown, and every value must keep its
//! bounds.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use unitpay::testing::http::leaves::Slug;
use unitpay::testing::http::{Code, Fields, Problem};

const MAX_DEPTH: usize = 32;

fuzz_target!(|data: &[u8]| {
    let fields = || Fields::from_json(data);
    match fields() {
        Ok(fields) => {
            let value: Value = serde_json::from_slice(data).expect("no JSON was taken");
            assert!(value.is_object() && depth(&value) <= MAX_DEPTH && !has_nul(&value));
            read(fields, &value);
        }
        Err(problem) => assert!(is_refusal(&problem)),
    }
    if let Ok(fields) = fields() {
        // Reads no field, so all are unknown.
        let empty =
            serde_json::from_slice::<Value>(data).is_ok_and(|value| value == serde_json::json!({}));
        assert_eq!(fields.finish().is_ok(), empty);
    }
    if let Ok(mut fields) = Fields::from_pairs(data) {
        fields.text("token", 0..=65_536);
        fields.customer("customerId");
        let _ = fields.finish();
    }
});

/// Reads each field in every way, each of which consumes it.
fn read(mut fields: Fields, value: &Value) {
    let Some(object) = value.as_object() else { return };
    for (turn, name) in object.keys().enumerate() {
        assert!(fields.has(name));
        match turn % 8 {
            0 => {
                let text = fields.text(name, 1..=128);
                assert!(
                    text.is_none_or(|text| (1..=128).contains(&text.len()) && !text.contains('\0'))
                );
            }
            1 => assert!(
                fields.integer(name, 60..=86_400).is_none_or(|n| (60..=86_400).contains(&n))
            ),
            2 => assert_eq!(fields.boolean(name), object[name].as_bool()),
            3 => assert!(fields.texts(name, 10).is_none_or(|texts| texts.len() <= 10)),
            4 => drop(fields.metadata(name)),
            5 => drop(fields.clearable_metadata(name)),
            6 => drop(fields.nullable_field::<Slug>(name)),
            _ => drop(fields.time(name)),
        }
        assert!(!fields.has(name));
    }
    if let Err(problem) = fields.finish() {
        assert!(is_refusal(&problem) && !problem.errors.is_empty());
    }
}

fn is_refusal(problem: &Problem) -> bool {
    matches!(problem.code, Code::MalformedRequest | Code::ValidationFailed)
}

fn depth(value: &Value) -> usize {
    let inner = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(fields) => fields.values().map(depth).max(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return 0,
    };
    1 + inner.unwrap_or(0)
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(fields) => {
            fields.iter().any(|(name, value)| name.contains('\0') || has_nul(value))
        }
        Value::String(text) => text.contains('\0'),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
