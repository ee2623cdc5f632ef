//! HTTP handlers of payment methods, and of processors' webhooks.

use super::processor::BadWebhook;
use super::{
    Client, ClientKind, Dependencies, PaymentMethod, PaymentMethodError, ProcessorError, sql,
};
use crate::app::App;
use crate::auth::{Anyone, Caller};
use crate::base::words::words;
use crate::base::{CustomerId, PaymentMethodId, SubscriptionId, Time};
use crate::customers::{self, Customer};
use crate::db::Tx;
use crate::flows::{self, payment_methods};
use crate::http::leaves::Text;
use crate::http::page::{ListQuery, ListResponse, Unfiltered, path_id};
use crate::http::wire::Request;
use crate::http::{
    Body, Code, IdempotencyKey, Json, NoBody, PathText, PathTexts, Problem, RawJsonBody,
};
use crate::idempotency::{self, Outcome};
use crate::keys::KeyScopes;
use crate::portal::PortalScopes;
use crate::test_clock;
use crate::work::Work;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use std::sync::Arc;
use unitpay_request::response;

type Reader = Caller<{ KeyScopes::PAYMENT_METHODS_READ }, { PortalScopes::PAYMENT_METHODS_READ }>;
type Writer = Caller<{ KeyScopes::PAYMENT_METHODS_WRITE }, { PortalScopes::PAYMENT_METHODS_WRITE }>;

/// The maximum size of a processor's webhook.
const MAX_WEBHOOK_BYTES: usize = 256 * 1024;

#[response]
#[schema(as = PaymentMethod)]
pub struct PaymentMethodResponse {
    pub id: PaymentMethodId,
    pub customer_id: CustomerId,
    pub r#type: PaymentMethodType,
    pub status: PaymentMethodStatus,
    /// Whether it is charged unless another method is given.
    pub is_default: bool,
    /// Whether its last charge was declined.
    pub is_declined: bool,
    pub card: CardResponse,
    pub card_brand: String,
    pub card_last4: String,
    pub exp_month: i64,
    pub exp_year: i64,
    /// The integrator's metadata. Omitted for portal tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    pub created_at: Time,
    pub updated_at: Time,
}

#[response]
#[schema(as = Card)]
pub struct CardResponse {
    pub brand: String,
    pub last4: String,
    pub exp_month: i64,
    pub exp_year: i64,
}

/// The data that a browser needs to show the processor's form.
#[response]
#[schema(as = ProcessorClient)]
pub struct ClientResponse {
    /// The processor of the form.
    pub processor: &'static str,
    pub r#type: ClientKind,
    /// Opens this form. Only for the customer's own browser.
    pub client_secret: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publishable_key: Option<String>,
}

/// The objects that depend on a payment method.
#[response]
#[schema(as = PaymentMethodDependencies)]
pub struct DependenciesResponse {
    pub payment_method_id: PaymentMethodId,
    pub is_default: bool,
    /// Whether the dependencies prevent its removal.
    pub blocks_detach: bool,
    /// The live subscriptions that are charged to it.
    pub subscriptions: Vec<SubscriptionId>,
    /// The wallets with an automatic top-up charged to it.
    pub auto_top_up_accounts: Vec<crate::base::CreditAccountId>,
}

words! {
    PaymentMethodType {
        Card = "card",
    }
}

words! {
    PaymentMethodStatus {
        Active = "active",
        /// The card's last month is over.
        Expired = "expired",
    }
}

impl PaymentMethodStatus {
    const fn new(expired: bool) -> Self {
        if expired { Self::Expired } else { Self::Active }
    }
}

#[derive(Debug, Request)]
pub struct AddPaymentMethodRequest {
    /// The token from the processor's form.
    #[request(with = Text<1, 200>)]
    processor_token: String,
    /// Default false. A customer's first payment method always becomes the default.
    #[request(default = false)]
    set_default: bool,
}

impl PaymentMethodResponse {
    pub fn new(method: &PaymentMethod, customer: CustomerId, at: Time, backend: bool) -> Self {
        let card = &method.card;
        let metadata = backend.then(|| serde_json::from_str(&method.metadata).unwrap_or_default());
        Self {
            id: method.id,
            customer_id: customer,
            r#type: PaymentMethodType::Card,
            status: PaymentMethodStatus::new(card.has_expired(at)),
            is_default: method.is_default,
            is_declined: method.is_declined,
            card: CardResponse {
                brand: card.brand.clone(),
                last4: card.last4.clone(),
                exp_month: card.exp_month,
                exp_year: card.exp_year,
            },
            card_brand: card.brand.clone(),
            card_last4: card.last4.clone(),
            exp_month: card.exp_month,
            exp_year: card.exp_year,
            metadata,
            created_at: method.created_at,
            updated_at: method.updated_at,
        }
    }
}

impl From<Client> for ClientResponse {
    fn from(client: Client) -> Self {
        Self {
            processor: client.processor,
            r#type: client.kind,
            client_secret: client.secret,
            publishable_key: client.publishable_key,
        }
    }
}

impl From<Dependencies> for DependenciesResponse {
    fn from(dependencies: Dependencies) -> Self {
        Self {
            payment_method_id: dependencies.id,
            is_default: dependencies.is_default,
            blocks_detach: dependencies.blocks_detach(),
            subscriptions: dependencies.subscriptions,
            auto_top_up_accounts: dependencies.auto_top_up_accounts,
        }
    }
}

/// Lists a customer's payment methods, newest first.
#[utoipa::path(get, path = "/v1/customers/{id}/payment-methods", tag = "paymentMethods", operation_id = "listPaymentMethods",
    responses((status = 200, body = ListResponse<PaymentMethodResponse>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Reader,
    PathText(id): PathText,
    query: ListQuery<Unfiltered>,
) -> Result<Json<ListResponse<PaymentMethodResponse>>, Problem> {
    let tenant = caller.tenant();
    let (_, paging) = query.begin()?;
    let mut tx = app.db.read().await?;
    let customer = reach_customer(&mut tx, &caller, &id).await?;
    let page = paging.read(&tenant, &format!("payment-methods {}", customer.no))?;
    let rows = sql::page(&mut tx, &tenant, customer.no, &page).await?;
    let page = page.page(rows, |method| method.id.to_string());
    let at = test_clock::now(&mut tx, &tenant, app.clock.now()).await?;
    let backend = caller.is_backend();
    let show = |method| PaymentMethodResponse::new(&method, customer.id, at, backend);
    Ok(Json(StatusCode::OK, page.map(show).into()))
}

/// Opens the processor's form for entering a payment method.
#[utoipa::path(post, path = "/v1/customers/{id}/payment-methods/setup", tag = "paymentMethods", operation_id = "setUpPaymentMethod",
    responses((status = 200, body = ClientResponse)))]
pub async fn setup(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    _: NoBody,
) -> Result<Json<ClientResponse>, Problem> {
    let customer = reach_customer(&mut app.db.read().await?, &caller, &id).await?;
    let client = payment_methods::setup(&app, &caller.tenant(), &customer).await?;
    Ok(Json(StatusCode::OK, client.into()))
}

/// Adds the payment method of a form's token.
#[utoipa::path(post, path = "/v1/customers/{id}/payment-methods", tag = "paymentMethods", operation_id = "addPaymentMethod",
    responses((status = 201, body = PaymentMethodResponse)))]
pub async fn add(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    idempotency: IdempotencyKey,
    body: Body<AddPaymentMethodRequest>,
) -> Result<Response, Problem> {
    let (AddPaymentMethodRequest { processor_token: token, set_default }, raw) = body.read()?;
    let (tenant, by) = (caller.tenant(), app.by(caller.actor()));
    let idempotency = idempotency.bind(caller.idempotency_scope(), &raw, by.now);
    let mut tx = app.db.read().await?;
    if let Some(kept) = idempotency::replay::<Problem>(&mut tx, idempotency.as_ref()).await? {
        return Ok(Outcome::Replay(kept).into_response());
    }
    let customer = reach_customer(&mut tx, &caller, &id).await?;
    let at = test_clock::write_now::<Problem>(&mut tx, &tenant, by.now).await?;
    drop(tx);
    // Runs before the transaction. The processor returns the same result for the same token.
    let (processor, card) = payment_methods::attach(&app, &tenant, &customer, &token, at).await?;
    let backend = caller.is_backend();
    let written = app.once(idempotency, async move |tx: &mut Tx<'_, '_>| {
        let mut work = Work { tx, tenant: &tenant, at, by: &by };
        let method =
            payment_methods::add(&mut work, customer.no, &processor, &card, set_default).await?;
        let shown = PaymentMethodResponse::new(&method, customer.id, at, backend);
        serde_json::to_value(shown).map_err(Problem::internal)
    });
    Ok(Outcome::from(written.await?).into_response())
}

/// Makes a payment method the default.
#[utoipa::path(post, path = "/v1/payment-methods/{id}/default", tag = "paymentMethods", operation_id = "setDefaultPaymentMethod",
    responses((status = 200, body = PaymentMethodResponse)))]
pub async fn make_default(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    _: NoBody,
) -> Result<Json<PaymentMethodResponse>, Problem> {
    let (tenant, by) = (caller.tenant(), app.by(caller.actor()));
    let (customer, method) = reach(&mut app.db.read().await?, &caller, path_id(&id)?).await?;
    let done = app.work(tenant, by, async move |work: &mut Work<'_, '_, '_>| {
        let method = payment_methods::make_default(work, method.customer_no, method.id).await?;
        Ok::<_, Problem>((method.ok_or_else(Problem::not_found)?, work.at))
    });
    let (method, at) = done.await?;
    let backend = caller.is_backend();
    Ok(Json(StatusCode::OK, PaymentMethodResponse::new(&method, customer.id, at, backend)))
}

/// Returns the dependencies of a payment method.
#[utoipa::path(get, path = "/v1/payment-methods/{id}/dependencies", tag = "paymentMethods", operation_id = "getPaymentMethodDependencies",
    responses((status = 200, body = DependenciesResponse)))]
pub async fn dependencies(
    State(app): State<Arc<App>>,
    caller: Reader,
    PathText(id): PathText,
) -> Result<Json<DependenciesResponse>, Problem> {
    let mut tx = app.db.read().await?;
    let (_, method) = reach(&mut tx, &caller, path_id(&id)?).await?;
    let found = payment_methods::dependencies(&mut tx, &caller.tenant(), &method).await?;
    Ok(Json(StatusCode::OK, found.into()))
}

/// Removes a payment method, unless it is the default and has dependencies.
#[utoipa::path(delete, path = "/v1/payment-methods/{id}", tag = "paymentMethods", operation_id = "removePaymentMethod",
    responses((status = 204)))]
pub async fn remove(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
) -> Result<StatusCode, Problem> {
    let (tenant, by) = (caller.tenant(), app.by(caller.actor()));
    let (customer, method) = reach(&mut app.db.read().await?, &caller, path_id(&id)?).await?;
    let done = app.work(tenant, by, async move |work: &mut Work<'_, '_, '_>| {
        let method = payment_methods::remove(work, customer.no, method.id).await?;
        method.ok_or_else(Problem::not_found)
    });
    let method: PaymentMethod = done.await?;
    payment_methods::detach(&app, &tenant, &method).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Receives a payment processor's webhook for one organization, signed with that organization's
/// secret. `endpoint` names the organization and environment.
#[utoipa::path(post, path = "/v1/webhooks/{processor}/{endpoint}", tag = "webhooks", operation_id = "receiveWebhook",
    request_body = Value,
    responses((status = 204)))]
pub async fn webhook(
    State(app): State<Arc<App>>,
    _: Anyone,
    PathTexts(name, endpoint): PathTexts,
    headers: HeaderMap,
    RawJsonBody(body): RawJsonBody<MAX_WEBHOOK_BYTES>,
) -> Result<StatusCode, Problem> {
    app.check_billing_clock()?;
    let found = app.processors.of_endpoint(&mut app.db.read().await?, &name, &endpoint).await?;
    let (tenant, processor) = found.ok_or_else(Problem::not_found)?;
    let id = processor.verify_webhook(&tenant, &headers, &body, app.clock.now());
    let id = id.map_err(|BadWebhook| {
        let detail = "The signature is missing, wrong or too old, or this is no event.";
        Problem::new(Code::MalformedRequest, detail)
    })?;
    flows::take_event(&app, &tenant, processor.name(), &id, &body).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn reach_customer<const K: u32, const P: u32>(
    tx: &mut Tx<'_, '_>,
    caller: &Caller<K, P>,
    id: &str,
) -> Result<Customer, Problem> {
    caller.reach_customer(tx, Some(&customers::http::reference(id))).await
}

/// Returns a payment method that the caller may see, with its customer. Any other one is treated as
/// missing.
async fn reach<const K: u32, const P: u32>(
    tx: &mut Tx<'_, '_>,
    caller: &Caller<K, P>,
    id: PaymentMethodId,
) -> Result<(Customer, PaymentMethod), Problem> {
    let tenant = caller.tenant();
    let method = caller.reach(super::get(tx, &tenant, id).await?)?;
    let customer = customers::by_no(tx, &tenant, method.customer_no).await?;
    Ok((customer.ok_or_else(Problem::not_found)?, method))
}

impl From<PaymentMethodError> for Problem {
    fn from(error: PaymentMethodError) -> Self {
        match error {
            PaymentMethodError::Db(error) => error.into(),
            PaymentMethodError::Processor(ProcessorError::UnknownToken) => {
                Self::invalid_param("processorToken", "is not a token of this processor")
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
                let detail = "The payment method is in use.";
                Self::new(Code::PaymentMethodInUse, detail)
                    .with("dependencies", dependencies.unwrap_or_default())
            }
        }
    }
}
