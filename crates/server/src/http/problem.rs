//! Errors as they leave: RFC 9457 problem details with a code of a closed list.
//!
//! A [`Problem`] keeps apart what leaves (code, detail, errors) and what is logged (source).
//! Handlers return it; the request layer renders it once, with the request's id, and logs it once.

use crate::catalog::CatalogError;
use crate::customers::CustomerError;
use crate::db::DbError;
use crate::idempotency::KeyReused;
use crate::invoices::InvoiceError;
use crate::limits::LimitHit;
use crate::payments::http::DependenciesResponse;
use crate::payments::{PaymentMethodError, ProcessorError};
use crate::portal::{MintError, RefreshError, Refusal};
use crate::settlement::SettleError;
use crate::signing::SigningError;
use crate::subscriptions::SubscriptionError;
use crate::test_clock::{Advancing, ClockError};
use crate::usage::TrackError;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;
use utoipa::ToSchema;

macro_rules! codes {
    ($($name:ident $status:ident $text:literal),* $(,)?) => {
        /// Every code that an answer may carry.
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
    SubscriptionExists CONFLICT "subscription_exists",
    SubscriptionNotActive CONFLICT "subscription_not_active",
    InvoiceUnpaid CONFLICT "invoice_unpaid",
    InvoiceNotPayable CONFLICT "invoice_not_payable",
    PaymentInProgress CONFLICT "payment_in_progress",
    PaymentMethodInUse CONFLICT "payment_method_in_use",
    PlanImmutable CONFLICT "plan_immutable",
    PlanNotAvailable CONFLICT "plan_not_available",
    WalletFrozen CONFLICT "wallet_frozen",
    TestClockAdvancing CONFLICT "test_clock_advancing",
    SellerIncomplete CONFLICT "seller_incomplete",
    PayloadTooLarge PAYLOAD_TOO_LARGE "payload_too_large",
    UnsupportedMediaType UNSUPPORTED_MEDIA_TYPE "unsupported_media_type",
    ValidationFailed UNPROCESSABLE_ENTITY "validation_failed",
    CurrencyMismatch UNPROCESSABLE_ENTITY "currency_mismatch",
    PackageRequired UNPROCESSABLE_ENTITY "package_required",
    InvalidTiers UNPROCESSABLE_ENTITY "invalid_tiers",
    AmountOutOfRange UNPROCESSABLE_ENTITY "amount_out_of_range",
    IdempotencyKeyReused UNPROCESSABLE_ENTITY "idempotency_key_reused",
    RateLimited TOO_MANY_REQUESTS "rate_limited",
    Internal INTERNAL_SERVER_ERROR "internal",
    Unavailable SERVICE_UNAVAILABLE "unavailable",
    Overloaded SERVICE_UNAVAILABLE "overloaded",
}

/// What is wrong with one parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ParamError {
    /// The field, query parameter or header.
    pub param: String,
    pub message: String,
}

#[derive(Clone, Debug)]
pub struct Problem {
    pub code: Code,
    pub detail: Cow<'static, str>,
    pub errors: Vec<ParamError>,
    pub limit: Option<LimitHit>,
    /// What the code's own entry adds to the body, such as `declineReason`.
    pub members: Option<Box<Map<String, Value>>>,
    /// For the log alone.
    pub source: Option<Arc<dyn Error + Send + Sync>>,
}

/// A problem as it is sent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// Always `about:blank`: `code` tells problems apart.
    pub r#type: &'a str,
    /// The status in words.
    pub title: &'a str,
    pub status: u16,
    /// What happened, for people.
    pub detail: &'a str,
    /// What happened, for programs: one of a closed list.
    #[schema(schema_with = crate::http::problem::code_schema)]
    pub code: &'a str,
    /// Names this request in the server's log.
    pub request_id: &'a str,
    /// What is wrong with which parameter; with `validation_failed` and `invalid_tiers` alone.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    pub errors: &'a [ParamError],
    /// Why the processor declined; with `payment_declined` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = String)]
    pub decline_reason: Option<&'a Value>,
    /// What uses the payment method; with `payment_method_in_use` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Object)]
    pub dependencies: Option<&'a Value>,
    /// Where the hosted page leads back to, beside a code of ours that is not taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = String)]
    pub return_url: Option<&'a Value>,
    /// Whose page it is, beside a code of ours that is not taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Object)]
    pub branding: Option<&'a Value>,
}

/// The closed list of codes, as OpenAPI writes it.
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
            ..Self::new(Code::Internal, "Something went wrong on our side.")
        }
    }

    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            source: Some(Arc::from(source.into())),
            ..Self::new(Code::Unavailable, "The server cannot answer now; try again.")
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

    /// Adds a member that the code's own entry names: one of those of [`ProblemBody`].
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.members.get_or_insert_default().insert(member.to_owned(), value.into());
        self
    }

    pub fn rate_limited(limit: LimitHit) -> Self {
        Self { limit: Some(limit), ..Self::new(Code::RateLimited, "Too many requests.") }
    }

    /// The body, for the request of this id.
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
            dependencies: self.member("dependencies"),
            return_url: self.member("returnUrl"),
            branding: self.member("branding"),
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

/// The request layer finds the problem among the extensions and writes the body.
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
            DbError::Unexpected(_) | DbError::Broken(_) => Self::internal(error),
        }
    }
}

impl From<Advancing> for Problem {
    fn from(_: Advancing) -> Self {
        Self::new(Code::TestClockAdvancing, "The test clock is being advanced; try again later.")
    }
}

impl From<SubscriptionError> for Problem {
    fn from(error: SubscriptionError) -> Self {
        let (code, detail) = match error {
            SubscriptionError::Db(error) => return error.into(),
            SubscriptionError::Invoice(error) => return error.into(),
            SubscriptionError::Settle(error) => return error.into(),
            SubscriptionError::KeyReused => return KeyReused.into(),
            SubscriptionError::Advancing => return Advancing.into(),
            SubscriptionError::CustomerNotFound => return Self::customer_not_found(),
            SubscriptionError::CustomerArchived => return Self::customer_archived(),
            SubscriptionError::NotFound => return Self::not_found(),
            SubscriptionError::OtherProduct => {
                let message = "must be a plan of the subscription's product";
                return Self::invalid_param("planId", message);
            }
            SubscriptionError::ProrationDate => {
                let message = "must be what a preview told in the last ten minutes, in this \
                     period, with no change since";
                return Self::invalid_param("prorationDate", message);
            }
            SubscriptionError::PlanNotAvailable => {
                (Code::PlanNotAvailable, "The plan cannot be chosen.")
            }
            SubscriptionError::CurrencyMismatch => {
                (Code::CurrencyMismatch, "The customer pays in another currency.")
            }
            SubscriptionError::Exists => {
                (Code::SubscriptionExists, "The customer has a subscription of this product.")
            }
            SubscriptionError::NotActive => {
                (Code::SubscriptionNotActive, "The subscription is canceled.")
            }
            SubscriptionError::Unpaid => {
                (Code::InvoiceUnpaid, "An invoice of the subscription has to be paid first.")
            }
            SubscriptionError::OutOfRange => (Code::AmountOutOfRange, "An amount is out of range."),
        };
        Self::new(code, detail)
    }
}

impl From<ClockError> for Problem {
    fn from(error: ClockError) -> Self {
        match error {
            ClockError::Db(error) => error.into(),
            ClockError::Advancing => Advancing.into(),
            ClockError::OutOfRange => {
                Self::invalid_param("to", "must be from now on and at most two years ahead")
            }
        }
    }
}

impl From<InvoiceError> for Problem {
    fn from(error: InvoiceError) -> Self {
        match error {
            InvoiceError::Db(error) => error.into(),
            InvoiceError::OutOfRange => {
                Self::new(Code::AmountOutOfRange, "The amount is out of range.")
            }
            InvoiceError::SellerIncomplete => {
                let detail = "The branding needs the seller's legal name and address first.";
                Self::new(Code::SellerIncomplete, detail)
            }
            InvoiceError::NotPayable => {
                Self::new(Code::InvoiceNotPayable, "Nothing is owed on this invoice.")
            }
        }
    }
}

impl From<SettleError> for Problem {
    fn from(error: SettleError) -> Self {
        match error {
            SettleError::Db(error) => error.into(),
            SettleError::Invoice(error) => error.into(),
            SettleError::Subscription(error) => (*error).into(),
            SettleError::InProgress => {
                Self::new(Code::PaymentInProgress, "A payment of this invoice is under way.")
            }
            SettleError::NoProcessor => PaymentMethodError::NoProcessor.into(),
            SettleError::BelowMinimum => {
                let detail = "What is due is less than the processor charges.";
                Self::new(Code::AmountOutOfRange, detail)
            }
            SettleError::CustomerArchived => Self::customer_archived(),
            SettleError::NotFound => Self::not_found(),
        }
    }
}

impl From<PaymentMethodError> for Problem {
    fn from(error: PaymentMethodError) -> Self {
        match error {
            PaymentMethodError::Db(error) => error.into(),
            PaymentMethodError::Processor(ProcessorError::UnknownToken) => {
                Self::invalid_param("processorToken", "is not a token of the processor's")
            }
            PaymentMethodError::Processor(error @ ProcessorError::Unavailable(_)) => {
                Self::unavailable(error)
            }
            PaymentMethodError::CustomerArchived => Self::customer_archived(),
            PaymentMethodError::NoProcessor => {
                Self::new(Code::Conflict, "This environment has no payment processor.")
            }
            PaymentMethodError::InUse(dependencies) => {
                let dependencies = serde_json::to_value(DependenciesResponse::from(dependencies));
                let detail = "Something is charged to this payment method.";
                Self::new(Code::PaymentMethodInUse, detail)
                    .with("dependencies", dependencies.unwrap_or_default())
            }
        }
    }
}

impl From<KeyReused> for Problem {
    fn from(_: KeyReused) -> Self {
        let detail = "This Idempotency-Key was used with another request.";
        Self::new(Code::IdempotencyKeyReused, detail)
    }
}

impl From<TrackError> for Problem {
    fn from(error: TrackError) -> Self {
        match error {
            TrackError::Db(error) => error.into(),
            TrackError::Advancing => Advancing.into(),
        }
    }
}

impl From<SigningError> for Problem {
    fn from(error: SigningError) -> Self {
        match error {
            SigningError::Db(error) => error.into(),
            SigningError::Seal(_)
            | SigningError::BadKey
            | SigningError::UnknownKey
            | SigningError::KeyExists => Self::internal(error),
        }
    }
}

impl From<CustomerError> for Problem {
    fn from(error: CustomerError) -> Self {
        match error {
            CustomerError::Db(error) => error.into(),
            CustomerError::ExternalIdTaken => {
                Self::new(Code::Conflict, "Another customer has this externalId.")
            }
        }
    }
}

impl From<CatalogError> for Problem {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Db(error) => error.into(),
            CatalogError::SlugTaken => Self::new(Code::Conflict, "Another object has this slug."),
            CatalogError::PlanImmutable => Self::new(
                Code::PlanImmutable,
                "What a plan charges, grants and lets try is fixed once it is no longer a draft.",
            ),
            CatalogError::InvalidTiers(param) => {
                let message = "must ascend by upTo, and end with null";
                let errors = vec![ParamError { param, message: message.to_owned() }];
                Self { errors, ..Self::new(Code::InvalidTiers, "The tiers are not well-formed.") }
            }
            CatalogError::Unfit { param, message } => Self::invalid_param(&param, message),
        }
    }
}

impl From<MintError> for Problem {
    fn from(error: MintError) -> Self {
        match error {
            MintError::Db(error) => error.into(),
            MintError::Signing(error) => error.into(),
            MintError::CustomerNotFound => Self::customer_not_found(),
            MintError::CustomerArchived => Self::customer_archived(),
            MintError::KeyReused => KeyReused.into(),
            MintError::StaleKey => Self::internal("a mint kept a signing key that is not active"),
            MintError::SessionEnded => Self::new(
                Code::Conflict,
                "The session of the repeated request no longer lives; use a new Idempotency-Key.",
            ),
        }
    }
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Db(error) => error.into(),
            RefreshError::Signing(error) => error.into(),
            RefreshError::Ended(refusal) => refusal.into(),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid => Self::new(Code::InvalidToken, "The token is not valid."),
            Refusal::Expired => Self::new(Code::TokenExpired, "The token has expired."),
            Refusal::CustomerArchived => {
                Self::new(Code::TokenOfArchivedCustomer, "The customer is archived.")
            }
            Refusal::Revoked => Self::new(Code::SessionRevoked, "The session was revoked."),
            Refusal::OrganizationSuspended => {
                Self::new(Code::OrganizationSuspended, "The organization is suspended.")
            }
            Refusal::TooManyForgeries(limit) => Self::rate_limited(limit),
            Refusal::Db(error) => error.into(),
            Refusal::Signing(error) => error.into(),
        }
    }
}
