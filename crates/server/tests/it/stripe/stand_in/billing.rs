//! Customers and subscriptions of Stripe Billing that were there before: for the import.

use super::{Outcome, StandIn, State, done, error, judge, missing};
use serde_json::{Value, json};

/// Members that a plain subscription does not have, although the example does.
const EMPTY: [&str; 14] = [
    "application_fee_percent",
    "billing_thresholds",
    "cancel_at",
    "canceled_at",
    "default_payment_method",
    "default_source",
    "ended_at",
    "on_behalf_of",
    "pause_collection",
    "pending_update",
    "schedule",
    "transfer_data",
    "trial_end",
    "trial_start",
];

impl StandIn {
    /// Answers lists in pages of this size, unless a smaller one is asked for.
    pub fn set_page(&self, rows: usize) {
        self.lock().page = rows;
    }

    /// The key may not call paths that begin so.
    pub fn forbid(&self, path: &'static str) {
        self.lock().forbidden = Some(path);
    }

    /// Knows no secret key any more.
    pub fn revoke_keys(&self) {
        self.lock().secrets.clear();
    }

    /// Makes a customer with these members.
    pub fn add_customer(&self, members: Value) -> String {
        let mut state = self.lock();
        let mut customer = state.fresh("customer", "cus");
        customer["discount"] = Value::Null;
        customer["tax_ids"] =
            json!({ "object": "list", "data": [], "has_more": false, "url": "/v1/tax_ids" });
        set(&mut customer, members);
        id(&state.put("acct_1", customer))
    }

    /// Makes a saved card, and the customer's default.
    pub fn add_default(&self, customer: &str, card: &str) -> String {
        let method = self.save_card(customer, card);
        let mut state = self.lock();
        let owner = state.object("customer", customer).unwrap();
        owner["invoice_settings"]["default_payment_method"] = json!(method);
        method
    }

    /// Makes a saved method that is no card.
    pub fn add_debit(&self, customer: &str) -> String {
        let mut state = self.lock();
        let mut method = state.fresh("payment_method", "pm");
        method["customer"] = json!(customer);
        method["type"] = json!("sepa_debit");
        method.as_object_mut().unwrap().remove("card");
        id(&state.put("acct_1", method))
    }

    /// Makes an active subscription of one price from `anchor` to `until`; the members replace those of
    /// the subscription, its item and its price.
    pub fn add_subscription(
        &self,
        customer: &str,
        (anchor, until): (i64, i64),
        members: Value,
    ) -> String {
        let mut state = self.lock();
        let mut subscription = state.fresh("subscription", "sub");
        for name in EMPTY {
            subscription[name] = Value::Null;
        }
        subscription["billing_schedules"] = json!([]);
        subscription["cancel_at_period_end"] = json!(false);
        subscription["customer"] = json!(customer);
        subscription["billing_cycle_anchor"] = json!(anchor);
        subscription["start_date"] = json!(anchor);
        subscription["status"] = json!("active");
        let mut item = state.fresh("subscription_item", "si");
        item["current_period_end"] = json!(until);
        item["subscription"] = subscription["id"].clone();
        let mut price = judge::fixture("price");
        price["id"] = json!("price_pro");
        price["transform_quantity"] = Value::Null;
        set(&mut price, members["price"].clone());
        set(&mut item, members["item"].clone());
        judge::object("price", &price).unwrap();
        item["price"] = price;
        judge::object("subscription_item", &item).unwrap();
        let items = if members["several"] == true { json!([item, item]) } else { json!([item]) };
        subscription["items"] =
            json!({ "object": "list", "data": items, "has_more": false, "url": "/v1/items" });
        set(&mut subscription, members["subscription"].clone());
        id(&state.put("acct_1", subscription))
    }

    /// Changes a subscription as somebody in the Dashboard does.
    pub fn change_subscription(&self, id: &str, members: Value) {
        let mut state = self.lock();
        let subscription = state.object("subscription", id).unwrap();
        if !members["until"].is_null() {
            subscription["items"]["data"][0]["current_period_end"] = members["until"].clone();
        }
        set(subscription, members["subscription"].clone());
    }
}

impl State {
    /// Answers a request on customers' methods and on subscriptions; `None` for any other.
    pub(super) fn billing(&mut self, account: &str, path: &[&str], p: &Value) -> Option<Outcome> {
        Some(match path {
            ["GET", "customers"] => {
                let mut found = self.list(account, "customer", p, &|_, _| true);
                let expanded = p["expand"] == json!(["data.tax_ids"]);
                for row in found.1["data"].as_array_mut().unwrap() {
                    if !expanded {
                        row.as_object_mut().unwrap().remove("tax_ids");
                    }
                }
                found
            }
            ["GET", "customers", owner, "payment_methods"] => {
                if self.find(account, "customer", owner).is_none() {
                    return Some(missing("customer"));
                }
                self.list(account, "payment_method", p, &|method, _| method["customer"] == *owner)
            }
            ["GET", "subscriptions"] => {
                self.list(account, "subscription", p, &|one, _| one["status"] != "canceled")
            }
            ["GET", "subscriptions", id] => self.get(account, "subscription", id, p),
            ["POST", "subscriptions", id] => {
                let Some(found) = self.find(account, "subscription", id) else {
                    return Some(missing("subscription"));
                };
                if found["status"] == "canceled" {
                    return Some((400, error("invalid_request_error", ""), false));
                }
                found["cancel_at_period_end"] = json!(p["cancel_at_period_end"] == "true");
                set(&mut found["metadata"], p["metadata"].clone());
                judge::object("subscription", found).unwrap();
                done(found.clone())
            }
            _ => return None,
        })
    }
}

fn set(object: &mut Value, members: Value) {
    if let Value::Object(members) = members {
        object.as_object_mut().unwrap().extend(members);
    }
}

fn id(object: &Value) -> String {
    object["id"].as_str().unwrap().to_owned()
}
