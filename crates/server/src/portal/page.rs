//! The options of a session's hosted page: way back, language, first dialog. They are stored in the
//! session's row. The page reads them; the session rules do not.

use crate::db::{ToColumn, Value, json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PageOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow: Option<Flow>,
}

/// The first dialog. Its ids are checked when it opens, like any other id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schema(as = PortalFlow)]
pub enum Flow {
    #[serde(rename_all = "camelCase")]
    ChangePlan {
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        subscription_id: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        plan_id: Option<String>,
    },
    #[serde(rename_all = "camelCase")]
    Cancel {
        subscription_id: String,
    },
    #[serde(rename_all = "camelCase")]
    PayInvoice {
        invoice_id: String,
    },
    AddPaymentMethod,
    #[serde(rename_all = "camelCase")]
    TopUp {
        credit_currency_id: String,
    },
    BillingDetails,
}

impl Flow {
    pub const TYPES: &[&str] = &[
        "change_plan",
        "cancel",
        "pay_invoice",
        "add_payment_method",
        "top_up",
        "billing_details",
    ];
}

/// Stored as JSON, or as NULL if no option is set.
impl ToColumn for PageOptions {
    const TYPE: &'static str = "TEXT";

    fn to_column(&self) -> Value<'_> {
        (*self != Self::default()).then(|| json(self)).into()
    }
}

impl PageOptions {
    pub fn from_json(json: Option<&str>) -> Self {
        json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }
}
