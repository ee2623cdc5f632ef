//! The values that requests about portal sessions have.

use super::{Flow, PortalScopes};
use crate::base::PortalSessionId;
use crate::http::Fields;
use crate::http::leaves::{Integer, objects, scope_set, string};
use crate::http::wire::{Components, Field, named, named_component};
use http::Uri;
use utoipa::openapi::{RefOr, Schema};

/// A number of seconds; the configuration may narrow the bounds.
pub struct Seconds;

impl Field for Seconds {
    type Value = i64;

    fn read(fields: &mut Fields, name: &str) -> Option<i64> {
        fields.integer(name, 1..=86_400)
    }

    fn schema() -> RefOr<Schema> {
        Integer::<60, 86_400>::schema()
    }
}

/// A session, by any of its `jti`.
pub struct Jti;

impl Field for Jti {
    type Value = PortalSessionId;

    fn read(fields: &mut Fields, name: &str) -> Option<PortalSessionId> {
        let jti = fields.text(name, 1..=64)?;
        let sid = unitpay_token::parse_token_id(&jti).and_then(|(sid, _)| sid.parse().ok());
        if sid.is_none() {
            fields.wrong(name, "is not a jti, which begins with ps_; a token is no jti");
        }
        sid
    }

    fn schema() -> RefOr<Schema> {
        string().into()
    }
}

pub struct ReturnUrl;

impl Field for ReturnUrl {
    type Value = String;

    fn read(fields: &mut Fields, name: &str) -> Option<String> {
        let url = fields.text(name, 1..=2_000)?;
        let parsed = url.parse::<Uri>().ok();
        if !parsed.is_some_and(|url| matches!(url.scheme_str(), Some("https" | "http"))) {
            fields.wrong(name, "must be an https:// or http:// URL");
        }
        Some(url)
    }

    fn schema() -> RefOr<Schema> {
        string().max_length(Some(2_000)).into()
    }
}

scope_set!(PortalScopes);

objects! {
    Flow: |fields, name| fields.flow(name)
}

impl Fields {
    fn flow(&mut self, name: &str) -> Option<Flow> {
        const ID: std::ops::RangeInclusive<usize> = 1..=64;
        self.object(name, |flow| {
            flow.required(&["type"]);
            let kind = flow.word("type", Flow::TYPES, |name| name)?;
            let required = |flow: &mut Self, name| {
                flow.required(&[name]);
                flow.text(name, ID)
            };
            Some(match kind {
                "cancel" => Flow::Cancel { subscription_id: required(flow, "subscriptionId")? },
                "pay_invoice" => Flow::PayInvoice { invoice_id: required(flow, "invoiceId")? },
                "top_up" => Flow::TopUp { credit_currency_id: required(flow, "creditCurrencyId")? },
                "add_payment_method" => Flow::AddPaymentMethod,
                "billing_details" => Flow::BillingDetails,
                _ => Flow::ChangePlan {
                    subscription_id: flow.text("subscriptionId", ID),
                    plan_id: flow.text("planId", ID),
                },
            })
        })
    }
}
