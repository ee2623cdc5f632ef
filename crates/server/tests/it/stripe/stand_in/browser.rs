//! The calls of Stripe's script in a browser: no secret key, but a form's secret. Stripe's description
//! does not have them as the script sends them, so they are not judged.

use super::{PUBLISHABLE, State, error, signature};
use serde_json::{Value, json};

impl State {
    pub(super) fn browser(&mut self, method: &str, path: &str, p: &Value) -> (u16, Value) {
        if path == "/sign" {
            // For tests in other languages.
            let [secret, body] = ["secret", "body"].map(|name| p[name].as_str().unwrap());
            let seconds = p["seconds"].as_str().unwrap().parse().unwrap();
            return (200, json!(signature(secret, seconds, body)));
        }
        if path == "/calls" {
            let calls = self.calls.iter().filter(|call| call.user_agent.starts_with("UnitPay/"));
            let calls = calls.map(|c| json!([c.method, c.path, c.parameters]));
            return (200, calls.collect());
        }
        let secret = p["client_secret"].as_str().unwrap_or_default();
        let known = self.objects.iter().find(|(_, object)| object["client_secret"] == secret);
        let Some((account, intent)) = known.cloned() else {
            return (404, error("invalid_request_error", "resource_missing"));
        };
        if path == "/authenticate" {
            return (200, self.authenticate(&intent, p["accept"] == "true"));
        }
        if p["key"] != PUBLISHABLE {
            return (401, error("invalid_request_error", ""));
        }
        let id = intent["id"].as_str().unwrap();
        match (method, path.ends_with("/confirm")) {
            ("GET", false) if path.ends_with(id) => (200, intent),
            ("POST", true) => self.confirm(&account, &intent, p),
            (_, _) => (404, error("invalid_request_error", "")),
        }
    }

    /// Takes the card of a form. Its name stands for the number that a customer types.
    fn confirm(&mut self, account: &str, intent: &Value, p: &Value) -> (u16, Value) {
        let kind = intent["object"].as_str().unwrap();
        if matches!(intent["status"].as_str(), Some("succeeded" | "canceled")) {
            let mut late = error("invalid_request_error", &format!("{kind}_unexpected_state"));
            late["error"][kind] = intent.clone();
            return (400, late);
        }
        let card = p["payment_method"].as_str().unwrap();
        if card == "pm_card_chargeDeclinedInsufficientFunds" {
            return (402, self.decline(intent, "card_declined", "insufficient_funds"));
        }
        let method = self.method(account, card, intent["customer"].clone());
        let action = match card {
            "pm_card_authenticationRequired" => json!({ "type": "use_stripe_sdk" }),
            "pm_card_redirect" => json!({ "type": "redirect_to_url",
                "redirect_to_url": { "return_url": p["return_url"] } }),
            _ => {
                let event = self.succeed(intent, &method["id"]);
                return (200, event["data"]["object"].clone());
            }
        };
        let form = self.object(kind, intent["id"].as_str().unwrap()).unwrap();
        form["status"] = json!("requires_action");
        form["next_action"] = action;
        form["payment_method"] = method["id"].clone();
        (200, form.clone())
    }

    /// The customer's answer to the bank.
    fn authenticate(&mut self, intent: &Value, accepts: bool) -> Value {
        if accepts {
            let method = intent["payment_method"].clone();
            return self.succeed(intent, &method)["data"]["object"].clone();
        }
        let code = format!("{}_authentication_failure", intent["object"].as_str().unwrap());
        self.decline(intent, &code, "")
    }

    /// Leaves a form open for another card, and returns the error.
    fn decline(&mut self, intent: &Value, code: &str, decline: &str) -> Value {
        let kind = intent["object"].as_str().unwrap();
        let form = self.object(kind, intent["id"].as_str().unwrap()).unwrap();
        form["status"] = json!("requires_payment_method");
        form["next_action"] = Value::Null;
        let form = form.clone();
        let mut declined = json!({ "type": "card_error", "code": code, "message": "No." });
        if !decline.is_empty() {
            declined["decline_code"] = json!(decline);
        }
        declined[kind] = form;
        json!({ "error": declined })
    }

    /// Completes a form with a payment method, and returns the event.
    pub(super) fn succeed(&mut self, intent: &Value, method: &Value) -> Value {
        let kind = intent["object"].as_str().unwrap();
        let form = self.object(kind, intent["id"].as_str().unwrap()).unwrap();
        form["status"] = json!("succeeded");
        form["next_action"] = Value::Null;
        form["payment_method"] = method.clone();
        let form = form.clone();
        self.event(&format!("{kind}.succeeded"), form)
    }
}
