//! The requests of one field: how they are made, written and read.

use serde_json::{Map, Value, json};

/// Where a line's values are in the request.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// In a parameter of the query, as text behind `=`.
    Query(String),
    /// In the field of one of the operation's good bodies; the field `""` is the whole body.
    Body(usize, String),
}

/// The values of one field with their outcomes.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub operation: String,
    pub caller: String,
    pub place: Place,
    /// Values that are refused by exactly the name of the field.
    refused: Vec<Value>,
    /// Other values, each with its outcome.
    others: Vec<(Value, String)>,
}

impl Line {
    fn new(operation: &str, caller: &str, place: Place, cases: Vec<Value>) -> Self {
        let (operation, caller) = (operation.to_owned(), caller.to_owned());
        let others = cases.into_iter().map(|case| (case, String::new())).collect();
        Self { operation, caller, place, refused: Vec::new(), others }
    }

    pub fn is_of(&self, operation: &str, caller: &str) -> bool {
        self.operation == operation && self.caller == caller
    }

    pub fn len(&self) -> usize {
        self.refused.len() + self.others.len()
    }

    pub fn cases(&self) -> impl Iterator<Item = &Value> {
        self.refused.iter().chain(self.others.iter().map(|(case, _)| case))
    }

    pub fn with_outcomes(&self, outcomes: Vec<(Value, String)>) -> Self {
        let (Place::Query(field) | Place::Body(_, field)) = &self.place;
        let refusal = format!("422 {field}");
        let (refused, others): (Vec<_>, Vec<_>) =
            outcomes.into_iter().partition(|(_, outcome)| *outcome == refusal);
        let refused = refused.into_iter().map(|(case, _)| case).collect();
        Self { refused, others, ..self.clone() }
    }

    pub fn json(&self) -> Value {
        let (field, at) = match &self.place {
            Place::Query(name) => (name, json!("query")),
            Place::Body(at, field) => (field, json!(at)),
        };
        let others: Vec<Value> =
            self.others.iter().map(|(case, outcome)| json!([case, outcome])).collect();
        json!([self.operation, self.caller, at, field, self.refused, others])
    }

    pub fn parse(line: &Value) -> Self {
        let text = |at: usize| line[at].as_str().unwrap().to_owned();
        let place = match line[2].as_u64() {
            None => Place::Query(text(3)),
            Some(at) => Place::Body(usize::try_from(at).unwrap(), text(3)),
        };
        let others = line[5].as_array().unwrap().iter();
        let others = others.map(|pair| (pair[0].clone(), pair[1].as_str().unwrap().to_owned()));
        Self {
            operation: text(0),
            caller: text(1),
            place,
            refused: line[4].as_array().unwrap().clone(),
            others: others.collect(),
        }
    }
}

/// The lines of an operation for one caller.
pub fn lines(
    whole: &Value,
    operation: &Value,
    id: &str,
    caller: &str,
    bodies: &[Value],
) -> Vec<Line> {
    let mut lines = Vec::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        if parameter["in"] == "query" {
            let place = Place::Query(parameter["name"].as_str().unwrap().to_owned());
            let cases = texts(whole, parameter);
            lines.push(Line::new(id, caller, place, cases));
        }
    }
    if !lines.is_empty() {
        let unknown = vec![json!(""), json!("x")];
        lines.push(Line::new(id, caller, Place::Query("unknown".to_owned()), unknown));
    }
    let content = &operation["requestBody"]["content"]["application/json"]["schema"];
    if content.as_object().is_none_or(Map::is_empty) {
        return lines;
    }
    let most = if caller == "token" { 1 } else { bodies.len() };
    for (at, body) in bodies.iter().take(most).enumerate() {
        let of_whole = vec![
            json!({ "$set": {} }),
            json!({ "$only": {} }),
            json!({ "$only": [] }),
            json!({ "$only": null }),
            json!({ "$only": "x" }),
            json!({ "$raw": "{" }),
            json!({ "$raw": "" }),
            json!({ "$set": { "unknown": 1 } }),
            json!({ "$set": { "unknown": null, "other": {} } }),
        ];
        let mut properties = Vec::new();
        properties_of(whole, content, body, "", &mut properties);
        let every = |value: Value| {
            let all = properties.iter().filter(|(path, ..)| !path.contains(['.', '[']));
            let all = all.map(|(path, ..)| (path.clone(), value.clone()));
            json!({ "$set": all.collect::<Map<_, _>>() })
        };
        let every =
            [json!(null), json!({}), json!([]), json!(-1), json!(true), json!("")].map(every);
        let cases = of_whole.into_iter().chain(every).collect();
        lines.push(Line::new(id, caller, Place::Body(at, String::new()), cases));
        // Fields that a body leaves out are changed in the first one only.
        let changed = properties.iter().filter(|(_, _, good)| at == 0 || !good.is_null());
        for (path, schema, good) in changed {
            let place = Place::Body(at, path.clone());
            let cases = match path.ends_with(".unknown") {
                true => vec![json!(null), json!(1)],
                false if path.ends_with(']') => vec![json!(null), json!("x"), json!([]), json!({})],
                false => values(whole, schema, good),
            };
            lines.push(Line::new(id, caller, place, cases));
        }
    }
    lines
}

type Property = (String, Value, Value);

/// The properties that are described of a good value, at any depth at which it has something.
fn properties_of(whole: &Value, schema: &Value, good: &Value, at: &str, found: &mut Vec<Property>) {
    match good {
        Value::Object(_) => {
            let dot = if at.is_empty() { "" } else { "." };
            for (name, property) in members(whole, schema, good) {
                let path = format!("{at}{dot}{name}");
                let inner = good.get(&name).cloned().unwrap_or_default();
                found.push((path.clone(), property.clone(), inner.clone()));
                properties_of(whole, &property, &inner, &path, found);
            }
            if !at.is_empty() {
                found.push((format!("{at}.unknown"), json!({}), Value::Null));
            }
        }
        Value::Array(items) => {
            let schema = &resolved(whole, schema)["items"];
            for (index, item) in items.iter().enumerate() {
                let path = format!("{at}[{index}]");
                found.push((path.clone(), schema.clone(), item.clone()));
                properties_of(whole, schema, item, &path, found);
            }
        }
        _ => {}
    }
}

/// A schema behind its references and, of one that may be null, the one that is not.
fn resolved(whole: &Value, schema: &Value) -> Value {
    if let Some(name) = schema["$ref"].as_str() {
        return resolved(whole, whole.pointer(name.trim_start_matches('#')).unwrap());
    }
    let variants = schema["oneOf"].as_array().into_iter().flatten();
    let mut variants = variants.filter(|one| one["type"] != "null");
    match (variants.next(), variants.next()) {
        (Some(one), None) => resolved(whole, one),
        _ => schema.clone(),
    }
}

/// The members of an object's schema, of the variant that a good value is of.
fn members(whole: &Value, schema: &Value, good: &Value) -> Map<String, Value> {
    let schema = resolved(whole, schema);
    let mut members = schema["properties"].as_object().cloned().unwrap_or_default();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        members.extend(self::members(whole, part, good));
    }
    let variants = schema["oneOf"].as_array().into_iter().flatten();
    let mut variants = variants.map(|variant| self::members(whole, variant, good));
    let fits = |variant: &Map<String, Value>| {
        let words = &variant.get("type").cloned().unwrap_or_default()["enum"];
        let kind = words.as_array().is_none_or(|words| words.contains(&good["type"]));
        let known = |name: &String| variant.contains_key(name) || name == "featureId";
        kind && good.as_object().unwrap().keys().all(known)
    };
    members.extend(variants.find(fits).unwrap_or_default());
    members
}

/// The values that a field of a body is sent with.
fn values(whole: &Value, schema: &Value, good: &Value) -> Vec<Value> {
    let schema = resolved(whole, schema);
    let mut values = vec![
        json!({ "$gone": true }),
        json!({ "$twice": true }),
        json!(null),
        json!(true),
        json!(""),
        json!("x"),
        json!("60"),
        json!(-1),
        json!(0),
        json!(1.5),
        json!([]),
        json!({}),
    ];
    let is = |kind: &str| match &schema["type"] {
        Value::Array(kinds) => kinds.iter().any(|known| known == kind),
        one => one == kind,
    };
    values.extend(is("string").then(|| json!("a\tb")));
    values.extend(is("integer").then(|| json!(i64::MAX)));
    values.extend(is("object").then(|| json!({ "k": 1 })));
    if is("array") {
        values.extend([json!(["x"]), json!([null])]);
    }
    for (name, kind, step) in [
        ("minimum", "", -1),
        ("maximum", "", 1),
        ("minLength", "$long", -1),
        ("maxLength", "$long", 1),
        ("maxItems", "$items", 1),
    ] {
        let Some(bound) = schema[name].as_i64() else { continue };
        let make = |n: i64| if kind.is_empty() { json!(n) } else { json!({ kind: n }) };
        values.extend([make(bound), make(bound + step)]);
    }
    if schema["additionalProperties"]["type"] == "string" {
        values.extend([20, 21].map(|count| json!({ "$keys": count })));
        values.extend([500, 501].map(|length| json!({ "$text": length })));
        values.extend([40, 41].map(|length| json!({ "$key": length })));
        values.push(json!({ "": "v" }));
    }
    let words = schema["enum"].as_array().or(schema["items"]["enum"].as_array());
    for word in words.into_iter().flatten() {
        let list = schema["type"] == "array";
        values.push(if list { json!([word]) } else { word.clone() });
        if !list {
            values.push(json!(word.as_str().unwrap().to_uppercase()));
        }
    }
    if let Some((prefix, id)) = good.as_str().and_then(|text| text.rsplit_once('_'))
        && id.len() == 26
    {
        values.push(json!(format!("{prefix}_01kwgt3qt8f689ez1ekre217xw")));
        values.push(json!(format!("{prefix}_01kwgt3qt8f689ez1ekre217x")));
    }
    if schema["format"] == "date-time" || schema["format"] == "date" {
        let times =
            ["2030-01-31", "2030-01-31T00:00:00", "2030-01-31T00:00:00Z", "2029-01-01T00:00:00Z"];
        values.extend(times.map(Value::from));
        values.extend(["2030-13-01T00:00:00Z", "2031-01-31T00:00:00+01:00"].map(Value::from));
    }
    let mut different = Vec::new();
    for value in values {
        if !different.contains(&value) {
            different.push(value);
        }
    }
    different
}

/// The texts that a parameter of a query is sent with.
fn texts(whole: &Value, parameter: &Value) -> Vec<Value> {
    let name = parameter["name"].as_str().unwrap();
    let mut texts: Vec<String> = [
        "",
        "x",
        "0",
        "1",
        "-1",
        "+1",
        "1.5",
        "01",
        "100",
        "101",
        "true",
        "null",
        "%00",
        "%FF",
        "%20",
        "a%0Ab",
        "2030-01-31",
        "2030-1-31",
        "2031-12-31",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.extend(["1".repeat(21), "a".repeat(65), "a".repeat(129), "a".repeat(401)]);
    texts.push(format!("x&{name}=x"));
    texts.push(format!("1&{name}=1"));
    let schema = resolved(whole, &parameter["schema"]);
    for word in schema["enum"].as_array().into_iter().flatten() {
        texts.extend([word.as_str().unwrap().to_owned(), word.as_str().unwrap().to_uppercase()]);
    }
    for prefix in ["cus", "prod", "met", "wal", "cur"] {
        texts.push(format!("{prefix}_01kwgt3qt8f689ez1ekre217xw"));
    }
    texts.into_iter().map(Value::from).collect()
}

/// A path with a parameter in its query, in the place of the one that it may have.
pub fn query(path: &str, name: &str, text: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let rest: Vec<&str> = query
        .split('&')
        .filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(name))
        .collect();
    let and = if rest.is_empty() { "" } else { "&" };
    format!("{path}?{}{and}{name}={text}", rest.join("&"))
}

/// The text of a good body with one change.
pub fn body(good: &Value, field: &str, case: &Value) -> String {
    if let Some(raw) = case["$raw"].as_str() {
        return raw.to_owned();
    }
    let mut body = good.clone();
    if let Some(set) = case["$set"].as_object() {
        body.as_object_mut().unwrap().extend(set.clone());
        return body.to_string();
    }
    if case.get("$only").is_some() {
        return case["$only"].to_string();
    }
    let (parent, name) = parent(&mut body, field);
    match (parent, name.parse::<usize>()) {
        (Value::Array(items), Ok(at)) => items[at] = value(case, &items[at]),
        (Value::Object(members), _) if case.get("$gone").is_some() => drop(members.remove(name)),
        (Value::Object(members), _) if case.get("$twice").is_some() => {
            let value = members.entry(name).or_insert(Value::Null).to_string();
            let once = format!("\"{name}\":{value}");
            let marked = format!("\"{name}\":\"$twice\"");
            members.insert(name.to_owned(), json!("$twice"));
            return body.to_string().replace(&marked, &format!("{once},{once}"));
        }
        (Value::Object(members), _) => {
            let good = members.get(name).cloned().unwrap_or_default();
            members.insert(name.to_owned(), value(case, &good));
        }
        (other, _) => panic!("{field} stands in {other}"),
    }
    body.to_string()
}

/// Returns the parent of a field, and the field's name or index in it.
fn parent<'a, 'b>(body: &'a mut Value, field: &'b str) -> (&'a mut Value, &'b str) {
    let mut parts: Vec<&str> =
        field.split(['.', '[', ']']).filter(|part| !part.is_empty()).collect();
    let name = parts.pop().unwrap();
    let parent = parts.into_iter().fold(body, |value, part| match part.parse::<usize>() {
        Ok(at) => &mut value[at],
        Err(_) => &mut value[part],
    });
    (parent, name)
}

fn value(case: &Value, good: &Value) -> Value {
    let count = |name: &str| case[name].as_u64().and_then(|count| usize::try_from(count).ok());
    if let Some(count) = count("$long") {
        return "a".repeat(count).into();
    }
    if let Some(count) = count("$items") {
        let item = good.get(0).cloned().unwrap_or_else(|| json!("a"));
        return vec![item; count].into();
    }
    if let Some(count) = count("$keys") {
        return (0..count).map(|n| (format!("k{n}"), json!("v"))).collect::<Map<_, _>>().into();
    }
    if let Some(length) = count("$text") {
        return json!({ "k": "é".repeat(length) });
    }
    if let Some(length) = count("$key") {
        return json!({ "é".repeat(length): "v" });
    }
    case.clone()
}
