//! A strict stand-in for Stripe's servers, with state. It is made of Stripe's own example objects, judges
//! each request and each of its own answers by Stripe's description, refuses what Stripe refuses, and fails
//! on demand.

#[path = "stand_in/billing.rs"]
mod billing;
#[path = "stand_in/browser.rs"]
mod browser;

use super::judge;
use aws_lc_rs::hmac;
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use unitpay::testing::base::Clock;

/// A fault of one request, in the order in which they are queued.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    None,
    /// Refused before it is carried out and not remembered.
    TooManyRequests,
    Locked,
    /// Carried out, then answered by 500, which is remembered under the key.
    ErrorAfter,
    /// Answered by 500 without being carried out, which is remembered under the key.
    ErrorInstead,
    /// The connection is cut before the request is carried out, or after.
    CutBefore,
    CutAfter,
    /// Never answered, whether it was carried out or not.
    HangBefore,
    HangAfter,
    /// Carried out; half of the answer comes.
    CutInside,
    /// Carried out; a proxy answers with a page.
    NotJson,
    /// Carried out; the answer is larger than any.
    TooLarge,
}

/// A request as it came in.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub parameters: Value,
    pub key: Option<String>,
    pub account: String,
    pub user_agent: String,
}

#[derive(Clone)]
pub struct StandIn {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    hung: Arc<Notify>,
}

struct State {
    /// The clock of the server under test, once it runs.
    clock: Clock,
    next: u64,
    /// Secret keys and their accounts.
    secrets: HashMap<String, String>,
    /// Objects by account, kind and id, in the order in which they were made.
    objects: Vec<(String, Value)>,
    /// The first answer under each account's key, with the request that it was for.
    answers: HashMap<(String, String), Remembered>,
    faults: VecDeque<Fault>,
    calls: Vec<Seen>,
    refund_status: &'static str,
    /// The account's own minimum in US dollars.
    minimum: i64,
    /// The largest page of a list.
    page: usize,
    /// The beginning of paths that the key may not call.
    forbidden: Option<&'static str>,
}

/// The reply on the connection.
enum Reply {
    Whole(Vec<u8>),
    ThenCut(Vec<u8>),
    Never,
}

/// The request that an answer was for, the answer, and when it was given.
type Remembered = (String, u16, Value, i64);

/// An answer on its way, and whether it is remembered under the request's key.
type Outcome = (u16, Value, bool);

pub const SECRET: &str = "sk_test_standin000000000001";
pub const PUBLISHABLE: &str = "pk_test_standin000000000001";
pub const WEBHOOK_SECRET: &str = "whsec_standin0000000001";

impl StandIn {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let state = State {
            clock: Clock::system(),
            next: 0,
            secrets: HashMap::from([(SECRET.to_owned(), "acct_1".to_owned())]),
            objects: Vec::new(),
            answers: HashMap::new(),
            faults: VecDeque::new(),
            calls: Vec::new(),
            refund_status: "succeeded",
            minimum: 50,
            // Smaller than is asked for, as Stripe may answer: pages have to be followed.
            page: 2,
            forbidden: None,
        };
        let address = listener.local_addr().unwrap();
        let (state, hung) = (Arc::new(Mutex::new(state)), Arc::new(Notify::new()));
        let stand_in = Self { address, state, hung };
        let serving = stand_in.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                tokio::spawn(async move { serving.serve(stream).await });
            }
        });
        stand_in
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn set_clock(&self, clock: Clock) {
        self.lock().clock = clock;
    }

    /// Knows another secret key, of this account.
    pub fn add_secret(&self, secret: &str, account: &str) {
        self.lock().secrets.insert(secret.to_owned(), account.to_owned());
    }

    /// Has the next requests fail so, one each.
    pub fn fail(&self, faults: &[Fault]) {
        self.lock().faults.extend(faults);
    }

    pub fn has_faults_left(&self) -> bool {
        !self.lock().faults.is_empty()
    }

    pub fn calls(&self) -> Vec<Seen> {
        self.lock().calls.clone()
    }

    /// Waits until a request hangs.
    pub async fn hangs(&self) {
        self.hung.notified().await;
    }

    /// Returns the number of successful charges.
    pub fn charges(&self) -> usize {
        self.all("payment_intent").iter().filter(|intent| intent["status"] == "succeeded").count()
    }

    pub fn all(&self, object: &str) -> Vec<Value> {
        let state = self.lock();
        let found = state.objects.iter().filter(|(_, value)| value["object"] == object);
        found.map(|(_, value)| value.clone()).collect()
    }

    /// The state in which refunds are from now on made.
    pub fn refunds_are(&self, status: &'static str) {
        self.lock().refund_status = status;
    }

    /// The account's bank counts in another currency, in which small amounts become smaller.
    pub fn minimum_is(&self, amount: i64) {
        self.lock().minimum = amount;
    }

    /// Changes a refund's state afterwards, as a bank does, and returns the event.
    pub fn refund_becomes(&self, id: &str, status: &str) -> Value {
        let mut state = self.lock();
        let refund = state.object("refund", id).unwrap();
        refund["status"] = json!(status);
        let refund = refund.clone();
        state.event(if status == "failed" { "refund.failed" } else { "refund.updated" }, refund)
    }

    /// The cardholder of a charge disputes it at the bank. Returns the event.
    pub fn dispute(&self, intent: &str, amount: i64) -> Value {
        let mut state = self.lock();
        let charge = state.objects.iter().find(|(_, object)| object["id"] == intent).cloned();
        let (account, charge) = charge.unwrap();
        let mut dispute = state.fresh("dispute", "dp");
        for (name, value) in [
            ("amount", json!(amount)),
            ("currency", charge["currency"].clone()),
            ("payment_intent", json!(intent)),
            ("is_charge_refundable", json!(false)),
            ("reason", json!("fraudulent")),
            ("status", json!("needs_response")),
        ] {
            dispute[name] = value;
        }
        let due_by = state.clock.now().seconds() + 7 * 86_400;
        dispute["evidence_details"]["due_by"] = json!(due_by);
        let dispute = state.put(&account, dispute);
        state.event("charge.dispute.created", dispute)
    }

    /// The bank goes on with a dispute. Returns the event.
    pub fn dispute_becomes(&self, id: &str, status: &str) -> Value {
        let mut state = self.lock();
        let dispute = state.object("dispute", id).unwrap();
        dispute["status"] = json!(status);
        let dispute = dispute.clone();
        judge::object("dispute", &dispute).unwrap();
        let is_over = matches!(status, "won" | "lost" | "warning_closed");
        state.event(
            if is_over { "charge.dispute.closed" } else { "charge.dispute.updated" },
            dispute,
        )
    }

    /// Fills in the payment or setup form that a secret opens, with a card of this name, as Stripe's own
    /// form does, and returns the event of its success.
    pub fn fill_in(&self, client_secret: &str, card: &str) -> Option<Value> {
        let mut state = self.lock();
        let (account, form) = state
            .objects
            .iter()
            .find(|(_, object)| object["client_secret"] == client_secret)
            .cloned()
            .unwrap();
        let is_kept = form["object"] == "setup_intent" || !form["setup_future_usage"].is_null();
        let customer = if is_kept { form["customer"].clone() } else { Value::Null };
        let method = state.method(&account, card, customer.clone());
        if card == "pm_card_declined" {
            return None;
        }
        Some(state.succeed(&form, &method["id"]))
    }

    /// The bank replaces a saved card.
    pub fn replace_card(&self, method: &str, last4: &str) -> Value {
        let mut state = self.lock();
        let found = state.object("payment_method", method).unwrap();
        found["card"]["last4"] = json!(last4);
        let found = found.clone();
        state.event("payment_method.automatically_updated", found)
    }

    /// Somebody removes a saved card in the Dashboard.
    pub fn remove_card(&self, method: &str) -> Value {
        self.lock().detach(method)
    }

    /// Somebody cancels a payment in the Dashboard. Returns the event.
    pub fn cancel(&self, intent: &str) -> Value {
        let mut state = self.lock();
        let found = state.object("payment_intent", intent).unwrap();
        found["status"] = json!("canceled");
        let found = found.clone();
        state.event("payment_intent.canceled", found)
    }

    /// Somebody deletes a customer in the Dashboard. Returns the event.
    pub fn delete_customer(&self, id: &str) -> Value {
        self.lock().delete_customer("acct_1", id).unwrap()
    }

    /// Makes a saved card of a customer.
    pub fn save_card(&self, customer: &str, card: &str) -> String {
        let mut state = self.lock();
        let owner = state.objects.iter().find(|(_, object)| object["id"] == customer).unwrap();
        let account = owner.0.clone();
        state.method(&account, card, json!(customer))["id"].as_str().unwrap().to_owned()
    }

    /// The header by which Stripe signs a webhook.
    pub fn signature(&self, secret: &str, body: &str) -> String {
        signature(secret, self.lock().clock.now().seconds(), body)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    async fn serve(&self, mut stream: TcpStream) {
        while let Some((head, body)) = read_request(&mut stream).await {
            match self.answer(&head, &body) {
                Reply::Whole(bytes) => {
                    if stream.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                Reply::ThenCut(bytes) => {
                    let _ = stream.write_all(&bytes).await;
                    return;
                }
                Reply::Never => {
                    self.hung.notify_one();
                    std::future::pending::<()>().await;
                }
            }
        }
    }

    fn answer(&self, head: &str, body: &str) -> Reply {
        let mut state = self.lock();
        let fault = state.faults.pop_front();
        match fault {
            Some(Fault::CutBefore) => return Reply::ThenCut(Vec::new()),
            Some(Fault::HangBefore) => return Reply::Never,
            Some(Fault::TooManyRequests) => {
                return Reply::Whole(encode(429, &error("invalid_request_error", "rate_limit")));
            }
            Some(Fault::Locked) => {
                return Reply::Whole(encode(409, &error("invalid_request_error", "lock_timeout")));
            }
            Some(_) | None => {}
        }
        let (status, value) = state.handle(head, body, fault);
        let bytes = encode(status, &value);
        match fault {
            Some(Fault::CutAfter) => Reply::ThenCut(Vec::new()),
            Some(Fault::HangAfter) => Reply::Never,
            Some(Fault::CutInside) => Reply::ThenCut(bytes[..bytes.len() - 20].to_vec()),
            Some(Fault::NotJson) => Reply::Whole(encode_text(200, "<html>proxy</html>")),
            Some(Fault::TooLarge) => {
                let large = json!({ "id": "x".repeat(1024 * 1024 + 1) });
                Reply::ThenCut(encode(200, &large))
            }
            Some(_) | None => Reply::Whole(bytes),
        }
    }
}

impl State {
    fn handle(&mut self, head: &str, body: &str, fault: Option<Fault>) -> (u16, Value) {
        let mut lines = head.lines();
        let mut first = lines.next().unwrap().split(' ');
        let (method, target) = (first.next().unwrap().to_owned(), first.next().unwrap().to_owned());
        let headers: HashMap<String, String> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let posted = matches!(method.as_str(), "POST" | "DELETE");
        assert!(posted || body.is_empty());
        let parameters = judge::tree(if posted { body } else { query });
        let Some(bearer) = headers.get("authorization") else {
            return self.browser(&method, path, &parameters);
        };
        let secret = bearer.strip_prefix("Bearer ").unwrap();
        let Some(account) = self.secrets.get(secret).cloned() else {
            return (401, error("invalid_request_error", ""));
        };
        // Without the header it is the account's own version, which is the same.
        assert!(headers.get("stripe-version").is_none_or(|version| version == "2026-10-28.endive"));
        let key = headers.get("idempotency-key").cloned();
        self.calls.push(Seen {
            method: method.clone(),
            path: path.to_owned(),
            parameters: parameters.clone(),
            key: key.clone(),
            account: account.clone(),
            user_agent: headers["user-agent"].clone(),
        });
        if let Err(wrong) = judge::request(&method, path, &parameters) {
            return (
                400,
                json!({ "error": { "type": "invalid_request_error",
                "code": "parameter_unknown", "message": wrong } }),
            );
        }
        if self.forbidden.is_some_and(|forbidden| path.starts_with(forbidden)) {
            return (403, error("invalid_request_error", "more_permissions_required"));
        }
        let kept = key.map(|key| (account.clone(), key));
        let request = format!("{path} {parameters}");
        let now = self.clock.now().seconds();
        let remembered = kept.as_ref().and_then(|key| self.answers.get(key));
        // Keys are forgotten after a day.
        if let Some((before, status, value, _)) = remembered.filter(|known| now - known.3 < 86_400)
        {
            return match *before == request {
                true => (*status, value.clone()),
                false => (400, error("idempotency_error", "")),
            };
        }
        let (mut status, mut value, mut remembered) = match fault {
            Some(Fault::ErrorInstead) => (500, error("api_error", ""), true),
            _ => self.act(&account, &method, path, &parameters),
        };
        if fault == Some(Fault::ErrorAfter) {
            (status, value, remembered) = (500, error("api_error", ""), true);
        }
        if let Some(key) = kept.filter(|_| remembered) {
            self.answers.insert(key, (request, status, value.clone(), now));
        }
        (status, value)
    }

    fn act(&mut self, account: &str, method: &str, path: &str, p: &Value) -> Outcome {
        let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        if let Some(outcome) = self.billing(account, &[&[method][..], &parts].concat(), p) {
            return outcome;
        }
        match (method, parts.as_slice()) {
            ("GET", ["account"]) => {
                let mut found = judge::fixture("account");
                found["id"] = json!(account);
                done(found)
            }
            ("POST", ["customers"]) => {
                let mut customer = self.fresh("customer", "cus");
                customer["metadata"] = metadata(p);
                done(self.put(account, customer))
            }
            ("POST", ["customers", id]) => {
                let Some(customer) = self.find(account, "customer", id) else {
                    return missing("id");
                };
                for name in ["name", "email"] {
                    customer[name] = p[name].clone();
                }
                done(customer.clone())
            }
            ("DELETE", ["customers", id]) => match self.delete_customer(account, id) {
                None => missing("id"),
                Some(_) => done(json!({ "id": id, "object": "customer", "deleted": true })),
            },
            ("POST", ["setup_intents"]) => self.set_up(account, p),
            ("GET", ["setup_intents", id]) => self.get(account, "setup_intent", id, p),
            ("GET", ["payment_methods", id]) => self.get(account, "payment_method", id, p),
            ("POST", ["payment_methods", id, "attach"]) => {
                let Some(method) = self.usable_method(account, id, &p["customer"]) else {
                    return missing("payment_method");
                };
                let method = self.find(account, "payment_method", &method).unwrap();
                method["customer"] = p["customer"].clone();
                done(method.clone())
            }
            ("POST", ["payment_methods", id, "detach"]) => {
                match self.find(account, "payment_method", id) {
                    None => missing("payment_method"),
                    Some(method) if method["customer"].is_null() => {
                        (400, error("invalid_request_error", ""), false)
                    }
                    Some(_) => done(self.detach(id)["data"]["object"].clone()),
                }
            }
            ("POST", ["payment_intents"]) => self.charge(account, p),
            ("GET", ["payment_intents"]) => {
                self.list(account, "payment_intent", p, &|intent, p| {
                    p["customer"].is_null() || intent["customer"] == p["customer"]
                })
            }
            ("POST", ["payment_intents", id, "cancel"]) => {
                let Some(intent) = self.find(account, "payment_intent", id) else {
                    return missing("intent");
                };
                if matches!(intent["status"].as_str(), Some("succeeded" | "canceled")) {
                    let mut late =
                        error("invalid_request_error", "payment_intent_unexpected_state");
                    late["error"]["payment_intent"] = intent.clone();
                    return (400, late, true);
                }
                (intent["status"], intent["next_action"]) = (json!("canceled"), Value::Null);
                let intent = intent.clone();
                self.event("payment_intent.canceled", intent.clone());
                done(intent)
            }
            ("GET", ["webhook_endpoints"]) => {
                self.list(account, "webhook_endpoint", p, &|_, _| true)
            }
            ("POST", ["webhook_endpoints"]) => {
                let types = p["enabled_events"].as_array().unwrap();
                if !types.iter().all(judge::is_event_type) {
                    return (400, error("invalid_request_error", "parameter_invalid"), false);
                }
                let mut made = self.fresh("webhook_endpoint", "we");
                made["enabled_events"] = json!(types);
                for name in ["url", "api_version", "description"] {
                    made[name] = p[name].clone();
                }
                let mut made = self.put(account, made);
                // Shown once.
                made["secret"] = json!(WEBHOOK_SECRET);
                done(made)
            }
            ("POST", ["refunds"]) => self.refund(account, p),
            ("GET", ["refunds"]) => self.list(account, "refund", p, &|refund, p| {
                refund["payment_intent"] == p["payment_intent"]
            }),
            ("GET", ["disputes", id]) => self.get(account, "dispute", id, p),
            ("GET", ["events"]) => self.list(account, "event", p, &|event, p| {
                p["types"].as_array().unwrap().contains(&event["type"])
            }),
            _ => panic!("{method} {path} is described, but the stand-in does not know it"),
        }
    }

    fn set_up(&mut self, account: &str, p: &Value) -> Outcome {
        if self.lacks_customer(account, p) {
            return missing("customer");
        }
        let mut setup = self.fresh("setup_intent", "seti");
        setup["customer"] = p["customer"].clone();
        for name in ["usage", "description"].into_iter().filter(|name| !p[name].is_null()) {
            setup[name] = p[name].clone();
        }
        setup["payment_method_types"] = p["allowed_payment_method_types"].clone();
        let setup = self.put(account, setup);
        let Some(id) = p["payment_method"].as_str() else { return done(setup) };
        assert_eq!(p["confirm"], "true");
        match self.usable_method(account, id, &p["customer"]) {
            None => missing("payment_method"),
            Some(method) => done(self.succeed(&setup, &json!(method))["data"]["object"].clone()),
        }
    }

    fn lacks_customer(&mut self, account: &str, p: &Value) -> bool {
        p["customer"].as_str().is_some_and(|id| self.find(account, "customer", id).is_none())
    }

    /// The id of a payment method. Test cards are known by name, and each use makes a method of one.
    fn usable_method(&mut self, account: &str, id: &str, customer: &Value) -> Option<String> {
        if matches!(id, "pm_card_visa" | "pm_card_mastercard") {
            let made = self.method(account, id, customer.clone());
            return made["id"].as_str().map(str::to_owned);
        }
        self.find(account, "payment_method", id).map(|_| id.to_owned())
    }

    /// Deletes a customer with its cards and returns the event.
    fn delete_customer(&mut self, account: &str, id: &str) -> Option<Value> {
        let customer = self.find(account, "customer", id)?.clone();
        let event = self.event("customer.deleted", customer);
        self.objects.retain(|(_, object)| {
            let is_card = object["object"] == "payment_method" && object["customer"] == id;
            object["id"] != id && !is_card
        });
        Some(event)
    }

    /// Removes a card from its customer and returns the event.
    fn detach(&mut self, method: &str) -> Value {
        let found = self.object("payment_method", method).unwrap();
        let customer = found["customer"].take();
        let found = found.clone();
        let mut event = self.event("payment_method.detached", found);
        event["data"]["previous_attributes"] = json!({ "customer": customer });
        let id = event["id"].as_str().unwrap().to_owned();
        *self.object("event", &id).unwrap() = event.clone();
        event
    }

    fn charge(&mut self, account: &str, p: &Value) -> Outcome {
        if self.lacks_customer(account, p) {
            return missing("customer");
        }
        // Without a list of types Stripe wants an address to come back to.
        let is_for_cards = p["allowed_payment_method_types"] == json!(["card"]);
        assert!(is_for_cards || p["confirm"].is_null(), "{p}");
        let amount: i64 = p["amount"].as_str().unwrap().parse().unwrap();
        if p["currency"] == "usd" && amount < self.minimum {
            return (400, error("invalid_request_error", "amount_too_small"), false);
        }
        let method = match p["payment_method"].as_str() {
            None => None,
            Some(id) => match self.usable_method(account, id, &p["customer"]) {
                None => return missing("payment_method"),
                method => method,
            },
        };
        let mut card = String::new();
        if let Some(id) = &method {
            let found = self.find(account, "payment_method", id).unwrap();
            if found["customer"] != p["customer"] {
                let used =
                    "The provided PaymentMethod was previously used and may not be used again.";
                return (
                    400,
                    json!({ "error": { "type": "invalid_request_error", "message": used } }),
                    false,
                );
            }
            card = found["metadata"]["card"].as_str().unwrap().to_owned();
        }
        let mut intent = self.fresh("payment_intent", "pi");
        intent["amount"] = json!(amount);
        for name in ["currency", "customer", "setup_future_usage"] {
            intent[name] = p[name].clone();
        }
        intent["metadata"] = metadata(p);
        intent["last_payment_error"] = Value::Null;
        let off_session = p["off_session"] == "true";
        let declined = |code: &str, decline: &str| {
            Some(json!({ "type": "card_error", "code": code,
            "decline_code": decline, "message": "Your card was declined." }))
        };
        let (status, error) = match (card.as_str(), off_session) {
            ("", _) => ("requires_payment_method", None),
            ("pm_card_visa" | "pm_card_mastercard", _) => ("succeeded", None),
            ("pm_card_chargeDeclined", _) => {
                ("requires_payment_method", declined("card_declined", "generic_decline"))
            }
            ("pm_card_chargeDeclinedInsufficientFunds", _) => {
                ("requires_payment_method", declined("card_declined", "insufficient_funds"))
            }
            ("pm_card_authenticationRequired", true) => (
                "requires_payment_method",
                declined("authentication_required", "authentication_required"),
            ),
            ("pm_card_authenticationRequired", false) => ("requires_action", None),
            (other, _) => panic!("no card {other}"),
        };
        intent["status"] = json!(status);
        if status == "succeeded" || status == "requires_action" {
            intent["payment_method"] = json!(method);
        }
        if let Some(error) = &error {
            intent["last_payment_error"] = error.clone();
        }
        let intent = self.put(account, intent);
        if status == "succeeded" {
            self.event("payment_intent.succeeded", intent.clone());
        }
        match error {
            Some(mut error) => {
                error["payment_intent"] = intent;
                (402, json!({ "error": error }), true)
            }
            None => done(self.expanded(account, intent, &p["expand"])),
        }
    }

    fn refund(&mut self, account: &str, p: &Value) -> Outcome {
        let id = p["payment_intent"].as_str().unwrap();
        let Some(intent) = self.find(account, "payment_intent", id).cloned() else {
            return missing("payment_intent");
        };
        assert_eq!(intent["status"], "succeeded");
        let is_refund = |(_, object): &&(String, Value)| {
            object["object"] == "refund"
                && object["payment_intent"] == id
                && object["status"] != "failed"
        };
        let amounts = self.objects.iter().filter(is_refund).map(|(_, r)| r["amount"].as_i64());
        let rest = intent["amount"].as_i64().unwrap() - amounts.map(Option::unwrap).sum::<i64>();
        if rest == 0 {
            return (400, error("invalid_request_error", "charge_already_refunded"), true);
        }
        let amount = p["amount"].as_str().map_or(rest, |amount| amount.parse().unwrap());
        if amount > rest {
            return (400, error("invalid_request_error", "amount_too_large"), true);
        }
        let mut refund = self.fresh("refund", "re");
        refund["amount"] = json!(amount);
        refund["currency"] = intent["currency"].clone();
        refund["payment_intent"] = json!(id);
        refund["metadata"] = metadata(p);
        refund["status"] = json!(self.refund_status);
        done(self.put(account, refund))
    }

    fn get(&mut self, account: &str, kind: &str, id: &str, p: &Value) -> Outcome {
        match self.find(account, kind, id).cloned() {
            Some(found) => done(self.expanded(account, found, &p["expand"])),
            None => (404, missing(kind).1, false),
        }
    }

    fn list(
        &mut self,
        account: &str,
        kind: &str,
        p: &Value,
        fits: &dyn Fn(&Value, &Value) -> bool,
    ) -> Outcome {
        let bound = |name: &str| p["created"][name].as_str().map(|at| at.parse::<i64>().unwrap());
        let mut rows: Vec<Value> = self
            .objects
            .iter()
            .rev()
            .filter(|(owner, object)| {
                owner == account && object["object"] == kind && fits(object, p)
            })
            .map(|(_, object)| object.clone())
            .filter(|object| {
                let created = object["created"].as_i64().unwrap();
                bound("gte").is_none_or(|at| created >= at)
                    && bound("lte").is_none_or(|at| created <= at)
            })
            .collect();
        if let Some(after) = p["starting_after"].as_str() {
            let at = rows.iter().position(|row| row["id"] == after).unwrap();
            rows.drain(..=at);
        }
        let asked = p["limit"].as_str().map_or(10, |limit| limit.parse().unwrap());
        let page = self.page.min(asked);
        let has_more = rows.len() > page;
        rows.truncate(page);
        let rows: Vec<Value> =
            rows.into_iter().map(|row| self.expanded(account, row, &p["expand"])).collect();
        done(json!({ "object": "list", "data": rows, "has_more": has_more,
            "url": format!("/v1/{kind}s") }))
    }

    fn expanded(&mut self, account: &str, mut object: Value, expand: &Value) -> Value {
        for kind in ["payment_method", "payment_intent"] {
            let wanted = expand.as_array().is_some_and(|names| {
                names.iter().any(|name| name.as_str().unwrap().ends_with(kind))
            });
            if let Some(id) = object[kind].as_str().map(str::to_owned).filter(|_| wanted) {
                object[kind] = self.find(account, kind, &id).unwrap().clone();
            }
        }
        object
    }

    fn method(&mut self, account: &str, card: &str, customer: Value) -> Value {
        let mut method = self.fresh("payment_method", "pm");
        method["customer"] = customer;
        method["metadata"] = json!({ "card": card });
        if card == "pm_link" {
            method["type"] = json!("link");
            method.as_object_mut().unwrap().remove("card");
        }
        if card == "pm_card_mastercard" {
            method["card"]["brand"] = json!("mastercard");
            method["card"]["last4"] = json!("4444");
        }
        self.put(account, method)
    }

    /// A new object from Stripe's example.
    fn fresh(&mut self, object: &str, prefix: &str) -> Value {
        self.next += 1;
        let mut fresh = judge::fixture(object);
        fresh["id"] = json!(format!("{prefix}_{}", self.next));
        fresh["created"] = json!(self.clock.now().seconds());
        if fresh.get("client_secret").is_some() {
            fresh["client_secret"] = json!(format!("{prefix}_{}_secret_x", self.next));
        }
        fresh
    }

    fn put(&mut self, account: &str, object: Value) -> Value {
        judge::object(object["object"].as_str().unwrap(), &object).unwrap();
        self.objects.push((account.to_owned(), object.clone()));
        object
    }

    fn event(&mut self, kind: &str, object: Value) -> Value {
        let owner = self.objects.iter().find(|(_, known)| known["id"] == object["id"]).unwrap();
        let account = owner.0.clone();
        let mut event = self.fresh("event", "evt");
        event["type"] = json!(kind);
        event["data"] = json!({ "object": object });
        self.put(&account, event)
    }

    fn object(&mut self, kind: &str, id: &str) -> Option<&mut Value> {
        let found = self.objects.iter_mut().find(|(_, o)| o["object"] == kind && o["id"] == id);
        found.map(|(_, object)| object)
    }

    /// An object of this account: another's does not exist for it.
    fn find(&mut self, account: &str, kind: &str, id: &str) -> Option<&mut Value> {
        let fits =
            |owner: &str, o: &Value| owner == account && o["object"] == kind && o["id"] == id;
        self.objects.iter_mut().find(|(owner, o)| fits(owner, o)).map(|(_, object)| object)
    }
}

/// Without any, an object's metadata is empty.
fn metadata(p: &Value) -> Value {
    if p["metadata"].is_null() { json!({}) } else { p["metadata"].clone() }
}

fn signature(secret: &str, seconds: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{seconds}.{body}").as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={hex}")
}

const fn done(value: Value) -> Outcome {
    (200, value, true)
}

fn error(kind: &str, code: &str) -> Value {
    match code {
        "" => json!({ "error": { "type": kind, "message": "No." } }),
        code => json!({ "error": { "type": kind, "code": code, "message": "No." } }),
    }
}

fn missing(param: &str) -> Outcome {
    let mut missing = error("invalid_request_error", "resource_missing");
    missing["error"]["param"] = json!(param);
    (400, missing, false)
}

fn encode(status: u16, value: &Value) -> Vec<u8> {
    encode_text(status, &value.to_string())
}

fn encode_text(status: u16, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nRequest-Id: req_standin\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

async fn read_request(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = bytes.split_off(head_end);
    while body.len() < length.unwrap_or(0) {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some((head, String::from_utf8(body).unwrap()))
}
