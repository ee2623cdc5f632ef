//! A customer as Stripe has it, read by the same rules as a request.

use super::code::Code;
use super::map::Map;
use crate::customers::NewCustomer;
use crate::customers::http::CreateCustomerRequest;
use crate::http::Fields;
use crate::http::wire::Request as _;
use crate::payments::Card;
use crate::payments::stripe::read_card;
use serde_json::{Map as Object, Value, json};

const MAX_TAX_IDS: usize = 5;

/// A customer to create, and what of it is left out.
#[derive(Clone, Debug)]
pub struct Read {
    pub new: NewCustomer,
    pub notes: Vec<Code>,
}

/// Reads a Stripe customer; the code says why it cannot be one here.
pub fn read(customer: &Value, map: &Map) -> Result<Read, Code> {
    let external_id = map.external_id(customer).ok_or(Code::ExternalIdMissing)?;
    let email = customer["email"].as_str().filter(|email| !email.is_empty());
    let email = email.ok_or(Code::EmailMissing)?;
    // A customer without a name is shown by its address.
    let name = customer["name"].as_str().filter(|name| !name.is_empty()).unwrap_or(email);
    let mut known = json!({ "name": name, "email": email, "externalId": external_id });
    if request(&known).is_none() {
        let wrong = |name: &str, good: &str| {
            let mut other = known.clone();
            other[name] = json!(good);
            request(&other).is_some()
        };
        return Err(if wrong("name", "A") {
            Code::NameInvalid
        } else if wrong("email", "a@example.com") {
            Code::EmailInvalid
        } else {
            Code::ExternalIdInvalid
        });
    }
    let mut notes = Vec::new();
    let tax_ids = tax_ids(customer);
    let all_tax_ids = customer["tax_ids"]["has_more"] != true && tax_ids.len() <= MAX_TAX_IDS;
    let mut add = |name: &str, value: Option<Value>, note: Code| {
        let Some(value) = value else { return };
        let mut more = known.clone();
        more[name] = value;
        match request(&more) {
            Some(_) => known = more,
            None => notes.push(note),
        }
    };
    add("billingAddress", address(&customer["address"]), Code::AddressIncomplete);
    let kept: Vec<Value> = tax_ids.into_iter().take(MAX_TAX_IDS).collect();
    add("taxIds", (!kept.is_empty()).then(|| json!(kept)), Code::TaxIdsLeft);
    let locale = customer["preferred_locales"][0].as_str().map(|locale| json!(locale));
    add("locale", locale, Code::LocaleUnknown);
    let status = match customer["tax_exempt"].as_str() {
        Some("exempt") => "exempt",
        Some("reverse") => "reverse_charge",
        Some(_) | None => "taxable",
    };
    known["taxStatus"] = json!(status);
    if !all_tax_ids {
        notes.push(Code::TaxIdsLeft);
    }
    if customer["balance"].as_i64().is_some_and(|balance| balance != 0) {
        notes.push(Code::BalanceLeft);
    }
    let asked = request(&known).ok_or(Code::Failed)?;
    let new = NewCustomer {
        external_id: asked.external_id,
        name: asked.name,
        email: asked.email,
        metadata: "{}".to_owned(),
        billing: asked.profile.into(),
    };
    Ok(Read { new, notes })
}

fn request(value: &Value) -> Option<CreateCustomerRequest> {
    let mut fields = Fields::from_json(value.to_string().as_bytes()).ok()?.from_key(true);
    let asked = CreateCustomerRequest::read(&mut fields);
    fields.build(|| asked).ok()
}

/// The parts of an address that are filled in; `None` if there are none.
fn address(address: &Value) -> Option<Value> {
    let names = [
        ("line1", "line1"),
        ("line2", "line2"),
        ("city", "city"),
        ("state", "state"),
        ("postal_code", "postalCode"),
        ("country", "country"),
    ];
    let filled = names.into_iter().filter_map(|(theirs, ours)| {
        let text = address[theirs].as_str().filter(|text| !text.is_empty())?;
        Some((ours.to_owned(), json!(text)))
    });
    let filled: Object<String, Value> = filled.collect();
    (!filled.is_empty()).then_some(Value::Object(filled))
}

fn tax_ids(customer: &Value) -> Vec<Value> {
    let all = customer["tax_ids"]["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().map(|id| json!({ "type": id["type"], "value": id["value"] })).collect()
}

/// The payment methods of a Stripe customer.
#[derive(Clone, Debug, Default)]
pub struct Methods {
    pub cards: Vec<Card>,
    /// Ids of those that are no cards.
    others: Vec<String>,
    /// The method or source that is charged unless a subscription has its own.
    default: Option<String>,
}

impl Methods {
    pub fn read(customer: &Value, methods: &[Value]) -> Self {
        let cards: Vec<Card> = methods.iter().filter_map(read_card).collect();
        let is_other = |id: &&str| !cards.iter().any(|card| card.reference == *id);
        let ids = methods.iter().filter_map(|method| method["id"].as_str());
        let others = ids.filter(is_other).map(str::to_owned).collect();
        let default = customer["invoice_settings"]["default_payment_method"].as_str();
        let default = default.or_else(|| customer["default_source"].as_str()).map(str::to_owned);
        Self { cards, others, default }
    }

    pub const fn has_others(&self) -> bool {
        !self.others.is_empty()
    }

    /// The card that Stripe charges for a subscription which names this method, or none.
    pub fn charged(&self, named: Option<&str>) -> Result<&Card, Code> {
        let id = named.or(self.default.as_deref()).ok_or(Code::NoCard)?;
        if let Some(card) = self.cards.iter().find(|card| card.reference == id) {
            return Ok(card);
        }
        let legacy = ["card_", "src_", "ba_"].iter().any(|kind| id.starts_with(kind));
        Err(if legacy {
            Code::LegacySource
        } else if self.others.iter().any(|other| other == id) {
            Code::MethodNotCard
        } else {
            Code::NoCard
        })
    }
}
