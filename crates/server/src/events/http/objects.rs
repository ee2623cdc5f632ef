//! Builds the object of an event in the form in which the API returns it to a backend.

use crate::app::App;
use crate::base::CustomerId;
use crate::credits::http::CreditAccountResponse;
use crate::customers::http::CustomerResponse;
use crate::customers::{CustomerRef, billing};
use crate::db::{DbError, Tx};
use crate::events::{Subject, Unpublished};
use crate::invoices::http::InvoiceResponse;
use crate::organizations::Tenant;
use crate::payments::http::PaymentMethodResponse;
use crate::settlement::http::PaymentAttemptResponse;
use crate::subscriptions::http::SubscriptionResponse;
use crate::usage::http::UsageMeter;
use crate::webhooks::http::WebhookEndpointResponse;
use crate::{
    catalog, credits, customers, invoices, payments, portal, settlement, subscriptions, test_clock,
    usage, webhooks,
};
use serde::Serialize;
use std::str::FromStr;

/// The place of an object that was deleted before its event was published.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Deleted<'a> {
    id: &'a str,
    customer_id: Option<CustomerId>,
    deleted: bool,
}

/// Returns the object of an event as JSON, as it is now.
pub async fn object(
    app: &App,
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    event: &Unpublished,
) -> Result<String, DbError> {
    let found = match event.event_type.subject() {
        Subject::Customer => customer(tx, tenant, event).await?,
        Subject::Subscription => {
            let found = subscriptions::get(tx, tenant, id(event)?).await?;
            found.map(|found| json(&SubscriptionResponse::to_backend(&found))).transpose()?
        }
        Subject::Invoice => invoice(app, tx, tenant, event).await?,
        Subject::PaymentAttempt => {
            let found = settlement::get(tx, tenant, id(event)?).await?;
            found.map(|found| json(&PaymentAttemptResponse::from(found))).transpose()?
        }
        Subject::PaymentMethod => payment_method(app, tx, tenant, event).await?,
        Subject::CreditAccount => {
            let found = credits::view(tx, tenant, id(event)?).await?;
            found.map(|found| json(&CreditAccountResponse::from(found))).transpose()?
        }
        Subject::Usage => usage(app, tx, tenant, event).await?,
        Subject::PortalSession => {
            let found = portal::get(tx, tenant, id(event)?).await?;
            let now = app.clock.now();
            found.map(|found| json(&portal::http::response(&found, now))).transpose()?
        }
        Subject::WebhookEndpoint => {
            let found = webhooks::get(tx, tenant, id(event)?).await?;
            found.map(|found| json(&WebhookEndpointResponse::new(found))).transpose()?
        }
    };
    let deleted =
        || json(&Deleted { id: &event.object_id, customer_id: event.customer_id, deleted: true });
    found.map_or_else(deleted, Ok)
}

async fn customer(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    event: &Unpublished,
) -> Result<Option<String>, DbError> {
    let reference = CustomerRef::Id(id(event)?);
    let Some(customer) = customers::get(tx, tenant, &reference).await? else { return Ok(None) };
    let profile = billing::get(tx, tenant, customer.no).await?;
    json(&CustomerResponse::to_backend(&customer, profile)).map(Some)
}

async fn invoice(
    app: &App,
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    event: &Unpublished,
) -> Result<Option<String>, DbError> {
    let Some(invoice) = invoices::get(tx, tenant, id(event)?).await? else { return Ok(None) };
    let received = invoices::received(tx, tenant, invoice.id).await?;
    json(&InvoiceResponse::whole(app, invoice, received, true)).map(Some)
}

async fn payment_method(
    app: &App,
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    event: &Unpublished,
) -> Result<Option<String>, DbError> {
    let found = payments::get(tx, tenant, id(event)?).await?;
    let Some((method, customer)) = found.zip(event.customer_id) else { return Ok(None) };
    let at = test_clock::now(tx, tenant, app.clock.now()).await?;
    json(&PaymentMethodResponse::new(&method, customer, at, true)).map(Some)
}

async fn usage(
    app: &App,
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    event: &Unpublished,
) -> Result<Option<String>, DbError> {
    let Some(customer) = event.customer_id else { return Ok(None) };
    let customer = customers::get(tx, tenant, &CustomerRef::Id(customer)).await?;
    let metric = catalog::metric(tx, tenant, id(event)?).await?;
    let Some((customer, metric)) = customer.zip(metric) else { return Ok(None) };
    let at = test_clock::now(tx, tenant, app.clock.now()).await?;
    let meter = usage::read_meter(tx, tenant, customer.no, metric, at).await?;
    json(&UsageMeter::from(meter)).map(Some)
}

/// Reads the id that an event was recorded with.
fn id<T: FromStr>(event: &Unpublished) -> Result<T, DbError> {
    event.object_id.parse().map_err(|_| DbError::Broken("an event has an id of another kind"))
}

fn json(object: &impl Serialize) -> Result<String, DbError> {
    serde_json::to_string(object).map_err(|error| DbError::Unexpected(error.into()))
}
