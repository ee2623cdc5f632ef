//! A reference of what an integrator implements: a strict service with state, over real HTTP, that fails
//! on demand. It shares no code with the server.

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{StreamExt as _, stream};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use unitpay::testing::base::Clock;

pub const SECRET: &str = "whsec_dGhlIHNlY3JldCBvZiBhbiBpbnRlZ3JhdG9yISE=";

/// A fault of one call, in the order in which they are queued.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    None,
    /// Carried out, then answered by 500.
    ErrorAfter,
    /// Answered by 500 without being carried out.
    ErrorInstead,
    /// Carried out; the connection is cut inside the answer.
    CutInside,
    /// Carried out, and never answered.
    Silent,
    /// Carried out; a proxy answers with a page.
    NotJson,
    /// Carried out; the answer never ends.
    Endless,
    /// Carried out; the answer redirects to this address.
    Redirect(String),
    /// Carried out; these fields of the charge are answered in place of the right ones.
    Says(Value),
}

/// A call as it came in.
#[derive(Clone, Debug)]
pub struct Seen {
    pub operation: String,
    pub body: Value,
    pub key: Option<String>,
    pub answer: Value,
}

#[derive(Clone)]
pub struct Integrator {
    pub url: String,
    state: Arc<Mutex<State>>,
}

struct State {
    secret: String,
    clock: Clock,
    terms: Value,
    customers: Vec<String>,
    methods: Vec<Value>,
    charges: Vec<Value>,
    refunds: Vec<Value>,
    refund_status: &'static str,
    /// The first body under each key.
    keys: HashMap<String, Value>,
    ids: Vec<String>,
    faults: VecDeque<Fault>,
    calls: Vec<Seen>,
    refusals: Vec<(u16, String)>,
    /// The mistake that its author made.
    mistake: &'static str,
}

type Outcome = Result<Value, (u16, &'static str)>;

impl Integrator {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/unitpay", listener.local_addr().unwrap());
        let terms = json!({ "protocol": 1, "environment": "sandbox", "account": "acct_1",
            "keyHoldsForSeconds": 86_400, "minimums": { "USD": 50 } });
        let state = State {
            secret: SECRET.to_owned(),
            clock: Clock::system(),
            terms,
            customers: Vec::new(),
            methods: Vec::new(),
            charges: Vec::new(),
            refunds: Vec::new(),
            refund_status: "succeeded",
            keys: HashMap::new(),
            ids: Vec::new(),
            faults: VecDeque::new(),
            calls: Vec::new(),
            refusals: Vec::new(),
            mistake: "",
        };
        let integrator = Self { url, state: Arc::new(Mutex::new(state)) };
        let router = Router::new().fallback(serve).with_state(integrator.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        integrator
    }

    pub fn set_clock(&self, clock: Clock) {
        self.state.lock().unwrap().clock = clock;
    }

    /// Changes a field of the answer to hello.
    pub fn set_terms(&self, name: &str, value: Value) {
        self.state.lock().unwrap().terms[name] = value;
    }

    pub fn set_secret(&self, secret: &str) {
        secret.clone_into(&mut self.state.lock().unwrap().secret);
    }

    pub fn refunds_are(&self, status: &'static str) {
        self.state.lock().unwrap().refund_status = status;
    }

    /// Makes a mistake from now on.
    pub fn be(&self, mistake: &'static str) {
        self.state.lock().unwrap().mistake = mistake;
    }

    pub fn fail(&self, faults: &[Fault]) {
        self.state.lock().unwrap().faults.extend(faults.iter().cloned());
    }

    pub fn stop_failing(&self) {
        self.state.lock().unwrap().faults.clear();
    }

    pub fn has_faults_left(&self) -> bool {
        !self.state.lock().unwrap().faults.is_empty()
    }

    pub fn calls(&self, operation: &str) -> Vec<Seen> {
        let state = self.state.lock().unwrap();
        state.calls.iter().filter(|call| call.operation == operation).cloned().collect()
    }

    pub fn all_calls(&self) -> Vec<Seen> {
        self.state.lock().unwrap().calls.clone()
    }

    /// The refusals so far.
    pub fn refusals(&self) -> Vec<(u16, String)> {
        self.state.lock().unwrap().refusals.clone()
    }

    /// The charges that took money.
    pub fn paid(&self) -> usize {
        let state = self.state.lock().unwrap();
        state.charges.iter().filter(|charge| charge["status"] == "succeeded").count()
    }

    pub fn refunds(&self) -> Vec<Value> {
        self.state.lock().unwrap().refunds.clone()
    }

    pub fn refund_becomes(&self, status: &str) -> Value {
        let mut state = self.state.lock().unwrap();
        let refund = &mut state.refunds[0];
        refund["status"] = json!(status);
        let data = json!({ "refundId": refund["refundId"], "charge": refund["charge"] });
        state.event("refund.changed", data)
    }

    /// Has the customer fill in the form at an address, and returns the event.
    pub fn fill_in(&self, url: &str) -> Value {
        let mut state = self.state.lock().unwrap();
        let reference = url.rsplit('/').next().unwrap();
        if let Some(customer) = reference.strip_prefix("setup_") {
            let method = state.add_method(customer, "tok_good", &format!("pm_form_{customer}"));
            let data = json!({ "customer": customer, "method": method["reference"] });
            return state.event("method.added", data);
        }
        let at = state.charges.iter().position(|charge| charge["reference"] == reference).unwrap();
        let charge = &state.charges[at];
        if charge["status"] == "requires_form" {
            let customer = charge["customer"].as_str().unwrap().to_owned();
            let method = state.add_method(&customer, "tok_good", &format!("pm_{reference}"));
            let charge = &mut state.charges[at];
            charge["status"] = json!("succeeded");
            charge["method"] = method;
        }
        let data = json!({ "attemptId": state.charges[at]["attemptId"] });
        state.event("charge.changed", data)
    }

    /// Cancels the form of a charge, as its owner may.
    pub fn cancel(&self, attempt: &str) -> Value {
        let mut state = self.state.lock().unwrap();
        let charge =
            state.charges.iter_mut().find(|charge| charge["attemptId"] == attempt).unwrap();
        charge["status"] = json!("canceled");
        state.event("charge.changed", json!({ "attemptId": attempt }))
    }

    /// The event of a payment method with another number, or of one that was removed.
    pub fn change_method(&self, last4: Option<&str>) -> Value {
        let mut state = self.state.lock().unwrap();
        let method = &mut state.methods[0];
        let data = json!({ "customer": method["customer"], "method": method["reference"] });
        match last4 {
            Some(last4) => method["last4"] = json!(last4),
            None => drop(state.methods.remove(0)),
        }
        state.event("method.changed", data)
    }

    pub fn event(&self, kind: &str, data: Value) -> Value {
        self.state.lock().unwrap().event(kind, data)
    }

    /// The headers of a message that is signed now.
    pub fn sign(&self, secret: &str, body: &str) -> [(&'static str, String); 3] {
        let at = self.state.lock().unwrap().clock.now().seconds().to_string();
        let tag = tag(secret, &format!("msg_1.{at}.{body}"));
        [
            ("webhook-id", "msg_1".to_owned()),
            ("webhook-timestamp", at),
            ("webhook-signature", format!("v1,{tag}")),
        ]
    }
}

fn tag(secret: &str, signed: &str) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    STANDARD.encode(hmac::sign(&key, signed.as_bytes()))
}

async fn serve(
    Shared(integrator): Shared<Integrator>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let operation = uri.path().strip_prefix("/unitpay/").unwrap_or_default().to_owned();
    let (fault, outcome) = {
        let mut state = integrator.state.lock().unwrap();
        let fault = state.faults.pop_front().unwrap_or(Fault::None);
        if fault == Fault::ErrorInstead {
            return (StatusCode::INTERNAL_SERVER_ERROR, "").into_response();
        }
        let outcome = state.answer(&operation, &headers, &body);
        if let Err((status, code)) = outcome {
            state.refusals.push((status, code.to_owned()));
        }
        (fault, outcome)
    };
    let (status, mut answer) = match outcome {
        Ok(answer) => (200, answer),
        Err((status, code)) => (status, json!({ "error": { "code": code } })),
    };
    let chunk = |text: &'static str| Ok::<_, Infallible>(Bytes::from_static(text.as_bytes()));
    match fault {
        Fault::None | Fault::ErrorInstead => {}
        Fault::ErrorAfter => return (StatusCode::INTERNAL_SERVER_ERROR, "").into_response(),
        Fault::CutInside => {
            let cut = [Ok(Bytes::from_static(b"{\"charge\":")), Err(std::io::Error::other("cut"))];
            return Body::from_stream(stream::iter(cut)).into_response();
        }
        Fault::Silent => std::future::pending().await,
        Fault::NotJson => return "<html>it works</html>".into_response(),
        Fault::Endless => {
            let spaces = " ".repeat(64 * 1024);
            let endless = stream::repeat(Bytes::from(spaces)).map(Ok::<_, Infallible>);
            let body = stream::iter([chunk("{")]).chain(endless);
            return Body::from_stream(body).into_response();
        }
        Fault::Redirect(to) => {
            return (StatusCode::TEMPORARY_REDIRECT, [("location", to)]).into_response();
        }
        Fault::Says(fields) => {
            for (name, value) in fields.as_object().unwrap() {
                answer["charge"][name] = value.clone();
            }
        }
    }
    let status = StatusCode::from_u16(status).unwrap();
    (status, [("content-type", "application/json")], answer.to_string()).into_response()
}

impl State {
    fn event(&mut self, kind: &str, data: Value) -> Value {
        self.ids.push(String::new());
        let id = format!("evt_{}", self.ids.len());
        json!({ "id": id, "environment": "sandbox", "type": kind, "data": data })
    }

    /// Checks signature, time, operation and environment, and answers.
    fn answer(&mut self, operation: &str, headers: &HeaderMap, body: &[u8]) -> Outcome {
        let text = |name: &str| headers[name].to_str().unwrap();
        let (id, at) = (text("webhook-id"), text("webhook-timestamp"));
        let body = std::str::from_utf8(body).unwrap();
        let tag = format!("v1,{}", tag(&self.secret, &format!("{id}.{at}.{body}")));
        let age = self.clock.now().seconds().abs_diff(at.parse().unwrap());
        let is_signed =
            text("webhook-signature").split(' ').any(|given| given == tag) && age <= 300;
        if !is_signed && self.mistake != "unsigned" {
            return Err((401, "bad_signature"));
        }
        assert!(self.ids.iter().all(|known| known != id), "a request id is used once");
        self.ids.push(id.to_owned());
        let body: Value = serde_json::from_str(body).unwrap();
        let key = headers.get("idempotency-key").map(|key| key.to_str().unwrap().to_owned());
        let call = Seen {
            operation: operation.to_owned(),
            body: body.clone(),
            key: key.clone(),
            answer: Value::Null,
        };
        self.calls.push(call);
        let mut fields = body.as_object().unwrap().clone();
        assert_eq!(fields.remove("operation").unwrap(), operation);
        if fields.remove("environment").unwrap() != self.terms["environment"]
            && operation != "hello"
        {
            return Err((409, "other_environment"));
        }
        if let Some(key) = &key {
            let known = self.keys.entry(key.clone()).or_insert_with(|| body.clone());
            if *known != body {
                return Err((409, "key_reused"));
            }
        }
        let answer = self.carry_out(operation, &fields, key.as_deref())?;
        self.calls.last_mut().unwrap().answer = answer.clone();
        Ok(answer)
    }

    fn carry_out(
        &mut self,
        operation: &str,
        fields: &Map<String, Value>,
        key: Option<&str>,
    ) -> Outcome {
        let mut names: Vec<&str> = fields.keys().map(String::as_str).collect();
        names.sort_unstable();
        let text = |name: &str| fields[name].as_str().unwrap();
        let only = |expected: &[&str]| {
            let mut expected = expected.to_vec();
            expected.sort_unstable();
            assert_eq!(names, expected, "{operation}");
        };
        match operation {
            "hello" => {
                only(&["protocol"]);
                Ok(self.terms.clone())
            }
            "customers" => {
                only(&["customerId", "name", "email"]);
                let customer = format!("c_{}", text("customerId"));
                self.customers.push(customer.clone());
                Ok(json!({ "customer": customer }))
            }
            "setup" => {
                only(&["customer"]);
                let customer = self.customer(text("customer"))?;
                Ok(
                    json!({ "form": { "url": format!("https://pay.example.com/setup_{customer}") } }),
                )
            }
            "methods/attach" => {
                only(&["customer", "token"]);
                let customer = self.customer(text("customer"))?;
                let token = text("token");
                if !["tok_good", "tok_declined", "tok_form", "tok_lost"].contains(&token) {
                    return Err((422, "unknown_token"));
                }
                let reference = format!("pm_{customer}_{token}");
                Ok(json!({ "method": self.add_method(&customer, token, &reference) }))
            }
            "methods/get" => {
                only(&["customer", "method"]);
                let method = self.method(text("method"))?;
                let ours = method["customer"] == text("customer");
                if ours {
                    Ok(json!({ "method": shown(&method) }))
                } else {
                    Err((404, "unknown_method"))
                }
            }
            "methods/detach" => {
                only(&["method"]);
                self.method(text("method"))?;
                self.methods.retain(|method| method["reference"] != text("method"));
                Ok(json!({}))
            }
            "charges" => {
                only(&[
                    "attemptId",
                    "customer",
                    "method",
                    "amount",
                    "currency",
                    "exponent",
                    "offSession",
                    "keepsCard",
                ]);
                assert_eq!(key, Some(text("attemptId")));
                self.charge(fields)
            }
            "charges/find" => {
                only(&["attemptId", "customer"]);
                let found =
                    self.charges.iter().find(|charge| charge["attemptId"] == text("attemptId"));
                let found = found.filter(|_| self.mistake != "forgets");
                Ok(json!({ "charge": found.map(answered) }))
            }
            "charges/cancel" => {
                only(&["charge"]);
                let mut charges = self.charges.iter_mut();
                let found = charges.find(|charge| charge["reference"] == text("charge"));
                let charge = found.ok_or((404, "unknown_charge"))?;
                if charge["status"] == "requires_form" {
                    charge["status"] = json!("canceled");
                }
                Ok(json!({}))
            }
            "refunds" => {
                only(&["refundId", "attemptId", "charge", "amount", "currency", "exponent"]);
                assert_eq!(key, Some(format!("refund_{}", text("refundId")).as_str()));
                self.refund(fields)
            }
            "refunds/find" => {
                only(&["refundId", "charge"]);
                let found =
                    self.refunds.iter().find(|refund| refund["refundId"] == text("refundId"));
                Ok(json!({ "refund": found }))
            }
            _ => Err((404, "unknown_operation")),
        }
    }

    fn customer(&self, reference: &str) -> Result<String, (u16, &'static str)> {
        let known = self.customers.iter().find(|customer| *customer == reference);
        known.cloned().ok_or((404, "unknown_customer"))
    }

    fn method(&self, reference: &str) -> Result<Value, (u16, &'static str)> {
        let known = self.methods.iter().find(|method| method["reference"] == reference);
        known.cloned().ok_or((404, "unknown_method"))
    }

    fn add_method(&mut self, customer: &str, token: &str, reference: &str) -> Value {
        let method = json!({ "reference": reference, "brand": "visa", "last4": "4242", "expMonth": 12,
            "expYear": 2036, "customer": customer, "token": token });
        if self.method(reference).is_err() {
            self.methods.push(method.clone());
        }
        shown(&method)
    }

    fn charge(&mut self, fields: &Map<String, Value>) -> Outcome {
        let known = self.charges.iter().find(|charge| charge["attemptId"] == fields["attemptId"]);
        if let Some(known) = known.filter(|_| self.mistake != "charges_twice") {
            return Ok(json!({ "charge": answered(known) }));
        }
        self.customer(fields["customer"].as_str().unwrap())?;
        let token = match fields["method"].as_str() {
            Some(method) => self.method(method)?["token"].as_str().unwrap().to_owned(),
            None => "tok_form".to_owned(),
        };
        let reference = format!("ch_{}", self.charges.len());
        let mut charge = json!({ "attemptId": fields["attemptId"], "reference": reference,
            "amount": fields["amount"], "currency": fields["currency"], "status": "succeeded",
            "customer": fields["customer"] });
        let declined =
            |reason: &str, is_final: bool| json!({ "reason": reason, "isFinal": is_final });
        match token.as_str() {
            "tok_declined" => charge["decline"] = declined("card_declined", false),
            "tok_lost" => charge["decline"] = declined("card_declined", true),
            "tok_form" if fields["offSession"] == true => {
                charge["decline"] = declined("authentication_required", false);
            }
            "tok_form" => {
                charge["status"] = json!("requires_form");
                charge["form"] = json!({ "url": format!("https://pay.example.com/{reference}") });
            }
            _ => {}
        }
        if charge.get("decline").is_some() {
            charge["status"] = json!("declined");
            if self.mistake == "misspelt" {
                charge["declne"] = charge.as_object_mut().unwrap().remove("decline").unwrap();
            }
        }
        self.charges.push(charge.clone());
        Ok(json!({ "charge": answered(&charge) }))
    }

    fn refund(&mut self, fields: &Map<String, Value>) -> Outcome {
        let known = self.refunds.iter().find(|refund| refund["refundId"] == fields["refundId"]);
        if let Some(known) = known {
            return Ok(json!({ "refund": known }));
        }
        let charge = self.charges.iter().find(|charge| charge["reference"] == fields["charge"]);
        let charge = charge.ok_or((404, "unknown_charge"))?;
        let left = charge["amount"].as_i64().unwrap()
            - self
                .refunds
                .iter()
                .filter(|refund| {
                    refund["charge"] == fields["charge"] && refund["status"] != "failed"
                })
                .map(|refund| refund["amount"].as_i64().unwrap())
                .sum::<i64>();
        if fields["amount"].as_i64().unwrap() > left && self.mistake != "refunds_more" {
            return Err((422, "amount_too_large"));
        }
        let refund = json!({ "refundId": fields["refundId"], "charge": fields["charge"],
            "amount": fields["amount"], "currency": fields["currency"], "status": self.refund_status });
        self.refunds.push(refund.clone());
        Ok(json!({ "refund": refund }))
    }
}

/// A payment method as it is answered.
fn shown(method: &Value) -> Value {
    without(method, &["customer", "token"])
}

/// A charge as it is answered.
fn answered(charge: &Value) -> Value {
    without(charge, &["customer"])
}

fn without(object: &Value, names: &[&str]) -> Value {
    let mut object = object.clone();
    for name in names {
        object.as_object_mut().unwrap().remove(*name);
    }
    object
}
