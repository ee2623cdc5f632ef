//! The mapping file: what an operator says about an account, so that nothing is guessed.

use crate::base::PlanId;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Map {
    /// `metadata.NAME`, `email` or `id`.
    external_id: String,
    /// Whether a subscription moves although its next invoice here is of another amount.
    #[serde(default)]
    pub accept_other_amounts: bool,
    /// Stripe's price ids, and our plan ids.
    plans: BTreeMap<String, String>,
}

impl Map {
    /// Reads a mapping file and checks all of it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let map: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        let named = map.external_id.strip_prefix("metadata.").is_some_and(|name| !name.is_empty());
        if !named && !["email", "id"].contains(&map.external_id.as_str()) {
            return Err("external_id must be metadata.NAME, email or id".to_owned());
        }
        if map.plans.is_empty() {
            return Err("[plans] must map a price of Stripe to a plan".to_owned());
        }
        match map.plans.values().find(|plan| plan.parse::<PlanId>().is_err()) {
            Some(plan) => Err(format!("{plan} is not the id of a plan")),
            None => Ok(map),
        }
    }

    /// All plans that prices are mapped to.
    pub fn plans(&self) -> impl Iterator<Item = PlanId> {
        self.plans.values().filter_map(|plan| plan.parse().ok())
    }

    pub fn plan(&self, price: &str) -> Option<PlanId> {
        self.plans.get(price)?.parse().ok()
    }

    /// The external id of a Stripe customer.
    pub fn external_id<'a>(&self, customer: &'a Value) -> Option<&'a str> {
        let value = match self.external_id.strip_prefix("metadata.") {
            Some(name) => &customer["metadata"][name],
            None => &customer[self.external_id.as_str()],
        };
        value.as_str().filter(|id| !id.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::Map;
    use serde_json::json;

    const PLAN: &str = "pln_01h455vb4pex5vsknk084sn02q";

    #[test]
    fn mapping_file_is_refused_when_something_is_odd() {
        for text in [
            "",
            "external_id = 'metadata.'\n[plans]\nprice_1 = 'PLAN'",
            "external_id = 'name'\n[plans]\nprice_1 = 'PLAN'",
            "external_id = 'email'\n[plans]",
            "external_id = 'email'\n[plans]\nprice_1 = 'pro'",
            "external_id = 'email'\nplan = 1\n[plans]\nprice_1 = 'PLAN'",
        ] {
            assert!(Map::parse(&text.replace("PLAN", PLAN)).is_err(), "{text}");
        }
    }

    #[test]
    fn external_id_is_the_one_that_the_file_names() {
        let customer =
            json!({ "id": "cus_1", "email": "a@b.example", "metadata": { "user": "7" } });
        let other = json!({ "id": "cus_2", "email": null, "metadata": { "user": "" } });
        for (key, id, missing) in [
            ("metadata.user", "7", None),
            ("email", "a@b.example", None),
            ("id", "cus_1", Some("cus_2")),
        ] {
            let map =
                Map::parse(&format!("external_id = '{key}'\n[plans]\nprice_1 = '{PLAN}'")).unwrap();
            assert_eq!((map.external_id(&customer), map.external_id(&other)), (Some(id), missing));
        }
    }
}
