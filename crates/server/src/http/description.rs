//! Parts of the API description that all operations share: credentials and error responses.
//!
//! Credential and scope of each operation come from the extractors of its handler
//! ([`operation`](super::operation)).

use crate::base::Currency;
use http::StatusCode;
use serde_json::Value;
use utoipa::Modify;
use utoipa::openapi::extensions::{Extensions, ExtensionsBuilder};
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{Array, ArrayBuilder, Components, Object, ObjectBuilder, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, Response, ResponseBuilder};

const PROBLEM: &str = "Problem";

/// Adds the shared parts to a description with all operations.
#[derive(Clone, Copy, Debug)]
pub struct Common;

impl Modify for Common {
    fn modify(&self, description: &mut OpenApi) {
        description.extensions = Some(currency_exponents());
        let components = description.components.get_or_insert_with(Components::new);
        components.add_security_scheme("secretKey", secret_key());
        components.add_security_scheme("portalToken", portal_token());
        components.add_security_scheme("publishableKey", publishable_key());
        components.responses.insert(PROBLEM.to_owned(), problem().into());
        for operation in description.paths.paths.values_mut().flat_map(operations) {
            let answers = &mut operation.responses.responses;
            for (status, answer) in answers.iter_mut() {
                describe(status, answer);
            }
            answers.insert("default".to_owned(), Ref::from_response_name(PROBLEM).into());
        }
    }
}

/// Lists the currencies whose exponent is not 2, for clients that format amounts.
fn currency_exponents() -> Extensions {
    let exponents: serde_json::Map<String, Value> = Currency::exponents_other_than_two()
        .map(|(code, exponent)| (code.to_owned(), exponent.into()))
        .collect();
    ExtensionsBuilder::new().add("x-currency-exponents", exponents).build()
}

/// Builds a list of some of these names.
pub fn names(names: &'static [&'static str]) -> Array {
    let name =
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names.iter().copied()));
    ArrayBuilder::new().items(name).build()
}

/// Builds a boolean with a constant value.
pub fn always(value: bool) -> Object {
    ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([value])).build()
}

fn secret_key() -> SecurityScheme {
    let text =
        "A secret key, `upay_sk_…`, for backends only. Also accepted as `Authorization: Bearer`.";
    SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description("x-api-key", text)))
}

fn publishable_key() -> SecurityScheme {
    let text = "A publishable key, `upay_pk_…`, for any page. It reads the public catalog only.";
    SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description("x-api-key", text)))
}

fn portal_token() -> SecurityScheme {
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
    let text = "The token of a portal session, from the browser of its customer.";
    SecurityScheme::Http(scheme.description(Some(text)).build())
}

/// Any error (RFC 9457). The code determines the status.
fn problem() -> Response {
    let text = ObjectBuilder::new().schema_type(Type::String).build();
    let id = HeaderBuilder::new().schema(Some(text)).build();
    let body = Content::new(Some(Ref::from_schema_name(PROBLEM)));
    ResponseBuilder::new()
        .description("The error. `code` identifies it for programs.")
        .header("X-Request-Id", id)
        .content("application/problem+json", body)
        .build()
}

/// OpenAPI requires a text per response; the status says it all.
fn describe(status: &str, answer: &mut RefOr<Response>) {
    if let RefOr::T(answer) = answer
        && answer.description.is_empty()
    {
        let status = status.parse::<StatusCode>().ok();
        let reason = status.and_then(|status| status.canonical_reason());
        answer.description = reason.unwrap_or_default().to_owned();
    }
}

pub fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = path;
    [get, put, post, delete, patch].into_iter().flatten()
}
