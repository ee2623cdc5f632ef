//! Error responses: RFC 9457 problem details with a code from a closed list.
//!
//! A [`Problem`] separates what is sent (code, detail, errors) from what is logged (source).
//! Handlers return it. The request layer renders it with the request id and logs it, once.

use crate::base::Currency;
use crate::clock_guard::Untrusted;
use crate::db::DbError;
use crate::idempotency::KeyReused;
use crate::limits::LimitHit;
use crate::work::NotApplicable;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;
use unitpay_request::response;
use utoipa::ToSchema;

macro_rules! codes {
    ($($name:ident $status:ident $text:literal),* $(,)?) => {
        /// Every code that a response may contain.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $($name),* }

        impl Code {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),* }
            }
        }
    };
}

codes! {
    MalformedRequest BAD_REQUEST "malformed_request",
    AmbiguousCredentials BAD_REQUEST "ambiguous_credentials",
    MissingCredentials UNAUTHORIZED "missing_credentials",
    InvalidApiKey UNAUTHORIZED "invalid_api_key",
    InvalidToken UNAUTHORIZED "invalid_token",
    TokenExpired UNAUTHORIZED "token_expired",
    SessionRevoked UNAUTHORIZED "session_revoked",
    InvalidCode UNAUTHORIZED "invalid_code",
    TokenOfArchivedCustomer UNAUTHORIZED "customer_archived",
    InsufficientScope FORBIDDEN "insufficient_scope",
    OriginNotAllowed FORBIDDEN "origin_not_allowed",
    SecretKeyInBrowser FORBIDDEN "secret_key_in_browser",
    OrganizationSuspended FORBIDDEN "organization_suspended",
    NotFound NOT_FOUND "not_found",
    CustomerNotFound NOT_FOUND "customer_not_found",
    MethodNotAllowed METHOD_NOT_ALLOWED "method_not_allowed",
    RequestTimeout REQUEST_TIMEOUT "request_timeout",
    PaymentDeclined PAYMENT_REQUIRED "payment_declined",
    Conflict CONFLICT "conflict",
    CustomerArchived CONFLICT "customer_archived",
    CustomerErased CONFLICT "customer_erased",
    SubscriptionExists CONFLICT "subscription_exists",
    SubscriptionNotActive CONFLICT "subscription_not_active",
    InvoiceUnpaid CONFLICT "invoice_unpaid",
    InvoiceNotPayable CONFLICT "invoice_not_payable",
    PaymentInProgress CONFLICT "payment_in_progress",
    PaymentMethodInUse CONFLICT "payment_method_in_use",
    PlanImmutable CONFLICT "plan_immutable",
    PlanNotAvailable CONFLICT "plan_not_available",
    CouponNotApplicable CONFLICT "coupon_not_applicable",
    WalletFrozen CONFLICT "wallet_frozen",
    TestClockAdvancing CONFLICT "test_clock_advancing",
    SellerIncomplete CONFLICT "seller_incomplete",
    PriceChanged CONFLICT "price_changed",
    PayloadTooLarge PAYLOAD_TOO_LARGE "payload_too_large",
    UnsupportedMediaType UNSUPPORTED_MEDIA_TYPE "unsupported_media_type",
    ValidationFailed UNPROCESSABLE_ENTITY "validation_failed",
    CurrencyMismatch UNPROCESSABLE_ENTITY "currency_mismatch",
    PromotionCodeInvalid UNPROCESSABLE_ENTITY "promotion_code_invalid",
    PackageRequired UNPROCESSABLE_ENTITY "package_required",
    InvalidTiers UNPROCESSABLE_ENTITY "invalid_tiers",
    AmountOutOfRange UNPROCESSABLE_ENTITY "amount_out_of_range",
    IdempotencyKeyReused UNPROCESSABLE_ENTITY "idempotency_key_reused",
    RateLimited TOO_MANY_REQUESTS "rate_limited",
    Internal INTERNAL_SERVER_ERROR "internal",
    Unavailable SERVICE_UNAVAILABLE "unavailable",
    Overloaded SERVICE_UNAVAILABLE "overloaded",
}

/// An invalid parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ParamError {
    /// The name of the field, query parameter or header.
    pub param: String,
    pub message: String,
}

#[derive(Clone, Debug)]
pub struct Problem {
    pub code: Code,
    pub detail: Cow<'static, str>,
    pub errors: Vec<ParamError>,
    pub limit: Option<LimitHit>,
    /// Additional members of the code, such as `declineReason`.
    pub members: Option<Box<Map<String, Value>>>,
    /// For the log only.
    pub source: Option<Arc<dyn Error + Send + Sync>>,
}

/// A problem as it is sent.
#[response]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// Always `about:blank`. `code` distinguishes problems.
    pub r#type: &'a str,
    /// The status as text.
    pub title: &'a str,
    pub status: u16,
    /// An explanation for people.
    pub detail: &'a str,
    /// The code for programs, from a closed list.
    #[schema(schema_with = crate::http::problem::code_schema)]
    pub code: &'a str,
    /// The request id in the server's log.
    pub request_id: &'a str,
    /// The invalid parameters. Only with `validation_failed` and `invalid_tiers`.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    pub errors: &'a [ParamError],
    /// The processor's reason. Only with `payment_declined`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = String)]
    pub decline_reason: Option<&'a Value>,
    /// The charge that was tried: `GET /v1/payment-attempts/{id}` returns what became of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = String)]
    pub payment_attempt_id: Option<&'a Value>,
    /// The dependencies of the payment method. Only with `payment_method_in_use`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Object)]
    pub dependencies: Option<&'a Value>,
    /// The invoice to pay first; with `invoice_unpaid` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = String)]
    pub invoice_id: Option<&'a Value>,
    /// The price now, before tax; only with `price_changed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Price)]
    pub price: Option<&'a Value>,
    /// The return URL of the hosted page. Only with `invalid_code` and a code that this server
    /// issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = String)]
    pub return_url: Option<&'a Value>,
    /// The branding of the hosted page. Only with `invalid_code` and a code that this server
    /// issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Object)]
    pub branding: Option<&'a Value>,
    /// The masked address that `POST /v1/portal-sessions/exchange/link` would send a new link to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = String)]
    pub email_hint: Option<&'a Value>,
    /// The status of the invoice that a link opened, if that is not owed any more: `paid` or `void`. Only with
    /// `invalid_code` and `session_revoked`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = String)]
    pub invoice_status: Option<&'a Value>,
    /// The codes that may still be tried. Only with `invalid_code` and a code that was e-mailed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = i64)]
    pub tries_left: Option<&'a Value>,
    /// Why the coupon does not lower this price; only with `coupon_not_applicable`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = NotApplicable)]
    pub reason: Option<&'a Value>,
}

/// A price before tax.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Price {
    /// In minor units.
    pub amount: i64,
    #[schema(value_type = String)]
    pub currency: Currency,
}

/// Returns the closed list of codes for OpenAPI.
pub fn code_schema() -> utoipa::openapi::schema::Object {
    let mut names: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    utoipa::openapi::ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::Type::String)
        .enum_values(Some(names))
        .build()
}

impl Problem {
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            limit: None,
            members: None,
            source: None,
        }
    }

    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            source: Some(Arc::from(source.into())),
            ..Self::new(Code::Internal, "An internal error occurred.")
        }
    }

    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            source: Some(Arc::from(source.into())),
            ..Self::new(Code::Unavailable, "The server is temporarily unavailable; try again.")
        }
    }

    pub fn invalid(errors: Vec<ParamError>) -> Self {
        Self { errors, ..Self::new(Code::ValidationFailed, "The request has invalid parameters.") }
    }

    pub fn invalid_param(param: &str, message: impl Into<String>) -> Self {
        Self::invalid(vec![ParamError { param: param.to_owned(), message: message.into() }])
    }

    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "There is no such object.")
    }

    pub fn customer_not_found() -> Self {
        Self::new(Code::CustomerNotFound, "There is no such customer.")
    }

    pub fn customer_archived() -> Self {
        Self::new(Code::CustomerArchived, "The customer is archived.")
    }

    /// Adds a member of the code: one of those in [`ProblemBody`].
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.members.get_or_insert_default().insert(member.to_owned(), value.into());
        self
    }

    pub fn rate_limited(limit: LimitHit) -> Self {
        Self { limit: Some(limit), ..Self::new(Code::RateLimited, "Too many requests.") }
    }

    /// Returns the body for the request with this id.
    pub fn body<'a>(&'a self, request_id: &'a str) -> ProblemBody<'a> {
        let status = self.code.status();
        ProblemBody {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: &self.detail,
            code: self.code.as_str(),
            request_id,
            errors: &self.errors,
            decline_reason: self.member("declineReason"),
            payment_attempt_id: self.member("paymentAttemptId"),
            dependencies: self.member("dependencies"),
            invoice_id: self.member("invoiceId"),
            price: self.member("price"),
            return_url: self.member("returnUrl"),
            branding: self.member("branding"),
            email_hint: self.member("emailHint"),
            invoice_status: self.member("invoiceStatus"),
            tries_left: self.member("triesLeft"),
            reason: self.member("reason"),
        }
    }

    fn member(&self, name: &str) -> Option<&Value> {
        self.members.as_ref().and_then(|members| members.get(name))
    }

    pub fn retry_after_seconds(&self) -> Option<u64> {
        match (&self.limit, self.code.status()) {
            (Some(limit), _) => Some(limit.wait_seconds),
            (None, StatusCode::SERVICE_UNAVAILABLE) => Some(1),
            (None, _) => None,
        }
    }
}

/// The request layer finds the problem in the extensions and writes the body.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        match &error {
            DbError::Overloaded | DbError::Contended => Self {
                source: Some(Arc::new(error)),
                ..Self::new(Code::Overloaded, "The server is busy; nothing was changed.")
            },
            DbError::Unavailable(_) | DbError::Full => Self::unavailable(error),
            DbError::Unexpected(_) | DbError::Shared | DbError::Broken(_) => Self::internal(error),
        }
    }
}

impl From<KeyReused> for Problem {
    fn from(_: KeyReused) -> Self {
        let detail = "This Idempotency-Key was used with another request.";
        Self::new(Code::IdempotencyKeyReused, detail)
    }
}

/// The answer says why: an operator reads it at `/readyz`.
impl From<Untrusted> for Problem {
    fn from(Untrusted(verdict): Untrusted) -> Self {
        let text = verdict.to_string();
        Self { detail: format!("{text}.").into(), ..Self::unavailable(text) }
    }
}
