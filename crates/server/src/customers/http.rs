//! Customers over HTTP: all of them for the backend, its own for a portal token.

pub use super::http_fields::{
    CreateCustomerRequest, CustomerResponse, CustomerStatus, UpdateCustomerRequest, reference,
};
use super::search::{self, CustomerSearch};
use super::{Customer, CustomerChange, CustomerRef, NewCustomer, billing, sql};
use crate::app::App;
use crate::auth::{Caller, SecretKey};
use crate::customers::CustomerError;
use crate::db::{Lane, Tx};
use crate::flows::{self, payment_methods};
use crate::http::leaves::{Email, Text};
use crate::http::page::{ListQuery, ListResponse};
use crate::http::wire::Request;
use crate::http::{Body, Code, Fields, IdempotencyKey, Json, NoBody, PathText, Problem};
use crate::idempotency::Outcome;
use crate::keys::KeyScopes;
use crate::portal::PortalScopes;
use crate::subscriptions;
use crate::work::Work;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use std::sync::Arc;

#[derive(Debug, Request)]
#[request(before = Self::check)]
pub struct CustomerFilter {
    status: Option<CustomerStatus>,
    /// The integrator's own id, with any characters: the list has the one customer that has it.
    #[request(with = Text<1, 128>)]
    external_id: Option<String>,
    /// The whole e-mail address, in any case of letters.
    #[request(with = Email)]
    email: Option<String>,
    /// Words, each of which is part of the name, the e-mail address or the external id. A page looks at
    /// up to 5,000 customers: it may have fewer than `limit`, or none, while `hasMore` is true.
    #[request(with = Text<1, 200>)]
    search: Option<String>,
    /// A key of the metadata, with `metadataValue`. Pages are bounded as those of `search`.
    #[request(with = Text<1, 40>)]
    metadata_key: Option<String>,
    /// The value of `metadataKey`.
    #[request(with = Text<1, 500>)]
    metadata_value: Option<String>,
}

impl CustomerFilter {
    fn check(fields: &mut Fields) {
        for (one, other) in [("metadataKey", "metadataValue"), ("metadataValue", "metadataKey")] {
            if fields.has(one) {
                fields.required(&[other]);
            }
        }
    }
}

/// Creates a customer.
#[utoipa::path(post, path = "/v1/customers", tag = "customers", operation_id = "createCustomer",
    responses((status = 201, body = CustomerResponse)))]
pub async fn create(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::CUSTOMERS_WRITE }>,
    idempotency: IdempotencyKey,
    body: Body<CreateCustomerRequest>,
) -> Result<Response, Problem> {
    let (new, raw) = body.read()?;
    let new = NewCustomer {
        name: new.name,
        email: new.email,
        external_id: new.external_id,
        metadata: new.metadata.unwrap_or_else(|| "{}".to_owned()),
        billing: new.profile.into(),
    };
    let (tenant, author) = (caller.tenant(), app.author(caller.actor()));
    let idempotency = idempotency.bind(caller.id(), &raw, author.now);
    let renderer = Arc::clone(&app.invoices);
    let written = app.once(idempotency, async move |tx: &mut Tx<'_, '_>| {
        let customer = super::create(tx, &tenant, &new, &author).await?;
        let profile = billing::get(tx, &tenant, customer.no).await?;
        let shown =
            CustomerResponse::to_backend(&customer, profile).warn(|text| renderer.missing(text));
        serde_json::to_value(shown).map_err(Problem::internal)
    });
    Ok(Outcome::from(written.await?).into_response())
}

/// Lists customers, newest first. With `externalId`, the one that has it.
#[utoipa::path(get, path = "/v1/customers", tag = "customers", operation_id = "listCustomers",
    responses((status = 200, body = ListResponse<CustomerResponse>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::CUSTOMERS_READ }>,
    query: ListQuery<CustomerFilter>,
) -> Result<Json<ListResponse<CustomerResponse>>, Problem> {
    let tenant = caller.tenant();
    let (filter, page) = query.read(&tenant, "customers")?;
    let CustomerFilter { status, external_id, email, search, metadata_key, metadata_value } =
        filter;
    let filter = CustomerSearch {
        archived: status.map(CustomerStatus::is_archived),
        email,
        search,
        metadata: metadata_key.zip(metadata_value),
    };
    let tx = &mut app.db.read().await?;
    let page = match external_id {
        None => search::page(tx, &tenant, &filter, &page).await?,
        Some(id) => {
            let found = sql::get(tx, &tenant, &CustomerRef::External(id)).await?;
            let mut rows = Vec::new();
            if let Some(customer) = found.filter(|one| filter.accepts(one)) {
                let profile = billing::get(tx, &tenant, customer.no).await?;
                rows.push((customer, profile));
            }
            page.page(rows, |(customer, _)| customer.id.to_string())
        }
    };
    let page = page.map(|(customer, profile)| CustomerResponse::to_backend(&customer, profile));
    Ok(Json(StatusCode::OK, page.into()))
}

type Reader = Caller<{ KeyScopes::CUSTOMERS_READ }, { PortalScopes::CUSTOMER_READ }>;
type Writer = Caller<{ KeyScopes::CUSTOMERS_WRITE }, { PortalScopes::CUSTOMER_WRITE }>;

/// Returns a customer, by our id or the `externalId`. A portal token reads its own.
#[utoipa::path(get, path = "/v1/customers/{id}", tag = "customers", operation_id = "getCustomer",
    responses((status = 200, body = CustomerResponse)))]
pub async fn get(
    State(app): State<Arc<App>>,
    caller: Reader,
    PathText(id): PathText,
) -> Result<Json<CustomerResponse>, Problem> {
    let tx = &mut app.db.read().await?;
    let customer = caller.reach_customer(tx, Some(&reference(&id))).await?;
    let profile = billing::get(tx, &caller.tenant(), customer.no).await?;
    Ok(Json(StatusCode::OK, view(&caller, &customer, profile)))
}

/// Updates a customer. A portal token may change its own name, e-mail address, billing address, tax
/// ids and locale.
#[utoipa::path(patch, path = "/v1/customers/{id}", tag = "customers", operation_id = "updateCustomer",
    responses((status = 200, body = CustomerResponse)))]
pub async fn update(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    body: Body<UpdateCustomerRequest>,
) -> Result<Json<CustomerResponse>, Problem> {
    let (new, _) = body.read()?;
    let change = CustomerChange {
        name: new.name,
        email: new.email,
        external_id: new.external_id,
        metadata: new.metadata,
        billing: new.profile.into(),
    };
    let (tenant, author) = (caller.tenant(), app.author(caller.actor()));
    let named = Some(&reference(&id));
    let customer = caller.reach_customer(&mut app.db.read().await?, named).await?;
    let named = CustomerRef::Id(customer.id);
    let changed = app
        .db
        .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            let changed = super::update(tx, &tenant, &named, &change, &author).await?;
            let customer = changed.ok_or_else(Problem::customer_not_found)?;
            if let Some(method) = change.billing.collection_method {
                subscriptions::set_collection_method(tx, &tenant, customer.no, method).await?;
            }
            let profile = billing::get(tx, &tenant, customer.no).await?;
            Ok::<_, Problem>((customer, profile))
        })
        .await?;
    let (customer, profile) = changed;
    let body = view(&caller, &customer, profile).warn(|text| app.invoices.missing(text));
    Ok(Json(StatusCode::OK, body))
}

/// Archives a customer and permanently ends all of its sessions.
#[utoipa::path(post, path = "/v1/customers/{id}/archive", tag = "customers", operation_id = "archiveCustomer",
    responses((status = 200, body = CustomerResponse)))]
pub async fn archive(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::CUSTOMERS_WRITE }>,
    PathText(id): PathText,
    _: NoBody,
) -> Result<Json<CustomerResponse>, Problem> {
    set_archived(&app, &caller, &id, true).await
}

/// Unarchives a customer. Its sessions stay ended.
#[utoipa::path(post, path = "/v1/customers/{id}/unarchive", tag = "customers", operation_id = "unarchiveCustomer",
    responses((status = 200, body = CustomerResponse)))]
pub async fn unarchive(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::CUSTOMERS_WRITE }>,
    PathText(id): PathText,
    _: NoBody,
) -> Result<Json<CustomerResponse>, Problem> {
    set_archived(&app, &caller, &id, false).await
}

/// Erases a customer's personal data, which cannot be undone. Archives the customer first. Issued
/// invoices and credit notes keep the name and address that they were issued with.
#[utoipa::path(post, path = "/v1/customers/{id}/erase", tag = "customers", operation_id = "eraseCustomer",
    responses((status = 200, body = CustomerResponse)))]
pub async fn erase(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::CUSTOMERS_WRITE }>,
    PathText(id): PathText,
    _: NoBody,
) -> Result<Json<CustomerResponse>, Problem> {
    let (tenant, by) = (caller.tenant(), app.by(caller.actor()));
    let named = reference(&id);
    let erased = app
        .db
        .write(Lane::Urgent, async move |tx: &mut Tx<'_, '_>| {
            let at = crate::test_clock::now(tx, &tenant, by.now).await?;
            let mut work = Work { tx, tenant: &tenant, at, by: &by };
            flows::erase_customer(&mut work, &named).await
        })
        .await?;
    let (customer, methods) = erased.ok_or_else(Problem::customer_not_found)?;
    for method in &methods {
        payment_methods::detach(&app, &tenant, method).await;
    }
    let profile = billing::get(&mut app.db.read().await?, &tenant, customer.no).await?;
    Ok(Json(StatusCode::OK, CustomerResponse::to_backend(&customer, profile)))
}

async fn set_archived(
    app: &App,
    caller: &SecretKey<{ KeyScopes::CUSTOMERS_WRITE }>,
    id: &str,
    archived: bool,
) -> Result<Json<CustomerResponse>, Problem> {
    let (tenant, by) = (caller.tenant(), app.by(caller.actor()));
    let named = reference(id);
    // Archiving revokes sessions, so it does not wait behind other writes.
    let lane = if archived { Lane::Urgent } else { Lane::Usual };
    let changed = app
        .db
        .write(lane, async move |tx: &mut Tx<'_, '_>| match archived {
            true => {
                let at = crate::test_clock::now(tx, &tenant, by.now).await?;
                let mut work = Work { tx, tenant: &tenant, at, by: &by };
                Ok(flows::archive_customer(&mut work, &named).await?)
            }
            false => super::unarchive(tx, &tenant, &named, &by.author()).await,
        })
        .await?;
    let customer = changed.ok_or_else(Problem::customer_not_found)?;
    let profile = billing::get(&mut app.db.read().await?, &tenant, customer.no).await?;
    Ok(Json(StatusCode::OK, CustomerResponse::to_backend(&customer, profile)))
}

fn view<const K: u32, const P: u32>(
    caller: &Caller<K, P>,
    customer: &Customer,
    profile: billing::BillingProfile,
) -> CustomerResponse {
    match caller {
        Caller::Key(_) => CustomerResponse::to_backend(customer, profile),
        Caller::Portal(_) => CustomerResponse::to_browser(customer, profile),
    }
}

impl From<CustomerError> for Problem {
    fn from(error: CustomerError) -> Self {
        match error {
            CustomerError::Db(error) => error.into(),
            CustomerError::ExternalIdTaken => {
                Self::new(Code::Conflict, "Another customer has this externalId.")
            }
            CustomerError::Erased => {
                Self::new(Code::CustomerErased, "The customer's data has been erased.")
            }
        }
    }
}
