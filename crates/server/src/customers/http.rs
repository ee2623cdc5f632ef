//! Customers over HTTP: all of them for the backend, its own for a portal token.

pub use super::http_fields::{
    CreateCustomerRequest, CustomerResponse, CustomerStatus, UpdateCustomerRequest, reference,
};
use super::{Customer, CustomerChange, CustomerRef, NewCustomer, billing, sql};
use crate::app::App;
use crate::auth::{Caller, SecretKey};
use crate::customers::CustomerError;
use crate::db::{Lane, Tx};
use crate::flows;
use crate::http::page::{ListQuery, ListResponse};
use crate::http::wire::Request;
use crate::http::{Body, Code, IdempotencyKey, Json, NoBody, PathText, Problem};
use crate::idempotency::Outcome;
use crate::keys::KeyScopes;
use crate::organizations::Tenant;
use crate::portal::PortalScopes;
use crate::subscriptions;
use crate::work::Work;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use std::sync::Arc;

#[derive(Debug, Request)]
pub struct CustomerFilter {
    status: Option<CustomerStatus>,
}

/// Finds the customer that a request names, if it names one.
pub async fn resolve(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    named: Option<&CustomerRef>,
) -> Result<Option<Customer>, Problem> {
    let Some(named) = named else { return Ok(None) };
    sql::get(tx, tenant, named).await?.map(Some).ok_or_else(Problem::customer_not_found)
}

/// Resolves the customer that a request targets. A portal token may omit it; any other customer's
/// id returns 404.
pub async fn meant<const K: u32, const P: u32>(
    tx: &mut Tx<'_, '_>,
    caller: &Caller<K, P>,
    named: Option<&CustomerRef>,
) -> Result<Customer, Problem> {
    let tenant = caller.tenant();
    let found = match (named, caller) {
        (Some(named), _) => sql::get(tx, &tenant, named).await?,
        (None, Caller::Portal(portal)) => {
            sql::by_no(tx, &tenant, portal.verified().session().customer_no).await?
        }
        (None, Caller::Key(_)) => None,
    };
    own(caller, found)
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
    let idempotency = idempotency.of(caller.id(), &raw, author.now);
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

/// Lists customers, newest first.
#[utoipa::path(get, path = "/v1/customers", tag = "customers", operation_id = "listCustomers",
    responses((status = 200, body = ListResponse<CustomerResponse>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::CUSTOMERS_READ }>,
    query: ListQuery<CustomerFilter>,
) -> Result<Json<ListResponse<CustomerResponse>>, Problem> {
    let tenant = caller.tenant();
    let (filter, page) = query.read(&tenant, "customers")?;
    let archived = filter.status.map(CustomerStatus::is_archived);
    let rows = sql::page(&mut app.db.read().await?, &tenant, archived, &page).await?;
    let page = page.page(rows, |(customer, _)| customer.id.to_string());
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
    let tenant = caller.tenant();
    let named = reference(&id);
    let tx = &mut app.db.read().await?;
    let customer = own(&caller, sql::get(tx, &tenant, &named).await?)?;
    let profile = billing::get(tx, &tenant, customer.no).await?;
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
    let named = reference(&id);
    let found = sql::get(&mut app.db.read().await?, &tenant, &named).await?;
    let named = CustomerRef::Id(own(&caller, found)?.id);
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
                flows::archive_customer(&mut Work { tx, tenant: &tenant, at, by: &by }, &named)
                    .await
            }
            false => super::unarchive(tx, &tenant, &named, &by.author()).await,
        })
        .await?;
    let customer = changed.ok_or_else(Problem::customer_not_found)?;
    let profile = billing::get(&mut app.db.read().await?, &tenant, customer.no).await?;
    Ok(Json(StatusCode::OK, CustomerResponse::to_backend(&customer, profile)))
}

/// Resolves the customer of a request: a backend names it, a portal token implies it.
pub async fn of_caller<const K: u32, const P: u32>(
    tx: &mut Tx<'_, '_>,
    caller: &Caller<K, P>,
    named: Option<CustomerRef>,
) -> Result<Customer, Problem> {
    let named = match (caller, named) {
        (_, Some(named)) => named,
        (Caller::Key(_), None) => return Err(Problem::invalid_param("customerId", "is required")),
        (Caller::Portal(portal), None) => CustomerRef::Id(portal.verified().session().customer_id),
    };
    own(caller, sql::get(tx, &caller.tenant(), &named).await?)
}

/// Returns the portal token's own customer; any other one returns 404.
fn own<const K: u32, const P: u32>(
    caller: &Caller<K, P>,
    found: Option<Customer>,
) -> Result<Customer, Problem> {
    let reachable = |customer: &Customer| match caller {
        Caller::Key(_) => true,
        Caller::Portal(portal) => customer.no == portal.verified().session().customer_no,
    };
    found.filter(reachable).ok_or_else(Problem::customer_not_found)
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
        }
    }
}
