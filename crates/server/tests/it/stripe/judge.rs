//! Judges requests and answers by Stripe's own description, of which `tests/stripe` holds a part.

use serde_json::{Map, Value, json};
use std::sync::LazyLock;

static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../stripe/description.json")).unwrap());

/// A fresh copy of Stripe's example of an object.
pub fn fixture(object: &str) -> Value {
    let found = DESCRIPTION["fixtures"][object].clone();
    assert!(found.is_object(), "no fixture of {object}");
    found
}

/// Whether Stripe has events of this type.
pub fn is_event_type(name: &Value) -> bool {
    DESCRIPTION["event_types"].as_array().unwrap().contains(name)
}

/// Whether a request fits the description; the parameter that does not, otherwise.
pub fn request(method: &str, path: &str, parameters: &Value) -> Result<(), String> {
    let requests = DESCRIPTION["requests"].as_object().unwrap();
    let fits = |template: &str| {
        let (verb, template) = template.split_once(' ').unwrap();
        let (wanted, given): (Vec<_>, Vec<_>) =
            (template.split('/').collect(), path.split('/').collect());
        verb == method
            && wanted.len() == given.len()
            && wanted.iter().zip(given).all(|(w, g)| w.starts_with('{') || *w == g)
    };
    let schema = requests.iter().find(|(template, _)| fits(template));
    let (_, schema) = schema.ok_or_else(|| format!("no operation {method} {path}"))?;
    check(schema, parameters, "", true)
}

/// Whether an object has the shape that the description says.
pub fn object(name: &str, value: &Value) -> Result<(), String> {
    check(&DESCRIPTION["objects"][name], value, "", false)
}

/// The tree of a form: `a[b]=1`, `c[]=2` and `c[0]=2`.
pub fn tree(encoded: &str) -> Value {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(encoded).unwrap();
    let mut root = json!({});
    for (name, value) in pairs {
        let parts: Vec<&str> = name.split('[').map(|part| part.trim_end_matches(']')).collect();
        insert(root.as_object_mut().unwrap(), &parts, value);
    }
    root
}

fn insert(into: &mut Map<String, Value>, parts: &[&str], value: String) {
    match parts {
        [name] => assert!(into.insert((*name).to_owned(), json!(value)).is_none(), "{name} twice"),
        // Stripe's own libraries number the members.
        [name, member] if member.bytes().all(|byte| byte.is_ascii_digit()) => {
            let list = into.entry(*name).or_insert_with(|| json!([]));
            list.as_array_mut().unwrap().push(json!(value));
        }
        [name, rest @ ..] => {
            let inner = into.entry(*name).or_insert_with(|| json!({}));
            insert(inner.as_object_mut().unwrap(), rest, value);
        }
        [] => unreachable!(),
    }
}

/// Checks a value. In a form every leaf is text, which is read as the schema wants it.
pub fn check(schema: &Value, value: &Value, at: &str, form: bool) -> Result<(), String> {
    if value.is_null() && schema["nullable"] == true {
        return Ok(());
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let fits = choices.iter().any(|choice| check(choice, value, at, form).is_ok());
        return if fits { Ok(()) } else { Err(format!("{at} fits none of its kinds")) };
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        return Err(format!("{at} must not be {value}"));
    }
    let text = value.as_str();
    let good = match schema["type"].as_str() {
        None => true,
        Some("string") => {
            let most = schema["maxLength"].as_u64().unwrap_or(u64::MAX);
            text.is_some_and(|text| text.chars().count() as u64 <= most)
        }
        Some("integer") if form => text.is_some_and(|text| text.parse::<i64>().is_ok()),
        Some("integer") => value.is_i64(),
        Some("number") if form => text.is_some_and(|text| text.parse::<f64>().is_ok()),
        Some("number") => value.is_number(),
        Some("boolean") if form => matches!(text, Some("true" | "false")),
        Some("boolean") => value.is_boolean(),
        Some("array") => return check_items(schema, value, at, form),
        Some("object") => return check_members(schema, value, at, form),
        Some(other) => return Err(format!("{at}: unknown type {other}")),
    };
    if good { Ok(()) } else { Err(format!("{at} must be {}", schema["type"])) }
}

fn check_items(schema: &Value, value: &Value, at: &str, form: bool) -> Result<(), String> {
    let items = value.as_array().ok_or_else(|| format!("{at} must be a list"))?;
    items.iter().try_for_each(|item| check(&schema["items"], item, &format!("{at}[]"), form))
}

fn check_members(schema: &Value, value: &Value, at: &str, form: bool) -> Result<(), String> {
    let members = value.as_object().ok_or_else(|| format!("{at} must be an object"))?;
    for needed in schema["required"].as_array().into_iter().flatten() {
        let name = needed.as_str().unwrap();
        if !members.contains_key(name) {
            return Err(format!("{at}{name} is missing"));
        }
    }
    for (name, member) in members {
        let path = format!("{at}{name}");
        match (&schema["properties"][name], &schema["additionalProperties"]) {
            (Value::Null, Value::Bool(false)) => return Err(format!("unknown parameter {path}")),
            (Value::Null, Value::Null | Value::Bool(true)) => {}
            (Value::Null, rest) => check(rest, member, &path, form)?,
            (known, _) => check(known, member, &path, form)?,
        }
    }
    Ok(())
}

#[test]
fn judge_accepts_the_fixtures_and_refuses_what_stripe_refuses() {
    for name in [
        "customer",
        "dispute",
        "payment_intent",
        "payment_method",
        "price",
        "refund",
        "setup_intent",
        "subscription",
        "subscription_item",
        "tax_id",
        "event",
    ] {
        object(name, &fixture(name)).unwrap();
        let mut wrong = fixture(name);
        wrong["nonsense"] = json!(1);
        assert!(object(name, &wrong).is_err(), "{name}");
    }
    let mut wrong = fixture("payment_intent");
    wrong["status"] = json!("nonsense");
    assert!(object("payment_intent", &wrong).is_err());
    let intent = |form: &str| request("POST", "/v1/payment_intents", &tree(form));
    intent("amount=100&currency=usd&metadata[a]=b&off_session=true&expand[]=x").unwrap();
    for form in [
        "amount=100",
        "amount=ten&currency=usd",
        "amount=100&currency=usd&payment_method_types[]=card",
        "amount=100&currency=usd&offsession=true",
        "amount=100&currency=usd&setup_future_usage=sometimes",
        "amount=100&currency=usd&off_session=perhaps",
        "amount=100&currency=usd&confirm=1",
    ] {
        assert!(intent(form).is_err(), "{form}");
    }
    assert!(request("GET", "/v1/payment_intents", &tree("metadata[a]=b")).is_err());
    assert!(request("GET", "/v1/nowhere", &json!({})).is_err());
}
