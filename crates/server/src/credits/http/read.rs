//! Reading wallets. What is due in them is written first, so that a balance is the one of now.

use super::shown::{
    CreditAccountResponse, CreditDay, CreditStats, LedgerEntryResponse, TopUpResponse,
};
use super::{seen, write_due};
use crate::app::App;
use crate::auth::Caller;
use crate::base::PageQuery;
use crate::credits::{DayView, day, sql};
use crate::customers::{self, CustomerRef};
use crate::http::page::{ListResponse, query};
use crate::http::{Json, PathText, Problem};
use crate::keys::KeyScopes;
use crate::portal::PortalScopes;
use crate::{test_clock, usage};
use axum::extract::State;
use http::{StatusCode, Uri};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

type Reader = Caller<{ KeyScopes::CREDITS_READ }, { PortalScopes::CREDITS_READ }>;
type Accounts = Json<ListResponse<CreditAccountResponse>>;

/// The most days that statistics go back.
const MAX_DAYS: i64 = 92;

/// Lists wallets, newest first; a portal token its own customer's.
#[utoipa::path(get, path = "/v1/credit-accounts", tag = "credits", operation_id = "listCreditAccounts",
    security(("secretKey" = ["credits:read"]), ("portalToken" = ["credits:read"])),
    params(("customerId" = Option<String>, Query,),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 100), ("cursor" = Option<String>, Query,)),
    responses((status = 200, body = ListResponse<CreditAccountResponse>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Reader,
    uri: Uri,
) -> Result<Accounts, Problem> {
    let mut fields = query(&uri)?;
    let named = fields.customer("customerId");
    accounts(&app, &caller, fields, named).await
}

/// Lists a customer's wallets, newest first.
#[utoipa::path(get, path = "/v1/customers/{id}/credit-accounts", tag = "credits",
    operation_id = "listCustomerCreditAccounts",
    security(("secretKey" = ["credits:read"]), ("portalToken" = ["credits:read"])),
    params(("id" = String, Path,),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 100), ("cursor" = Option<String>, Query,)),
    responses((status = 200, body = ListResponse<CreditAccountResponse>)))]
pub async fn list_of_customer(
    State(app): State<Arc<App>>,
    caller: Reader,
    PathText(id): PathText,
    uri: Uri,
) -> Result<Accounts, Problem> {
    accounts(&app, &caller, query(&uri)?, Some(customers::http::reference(&id))).await
}

async fn accounts(
    app: &App,
    caller: &Reader,
    mut fields: crate::http::Fields,
    named: Option<CustomerRef>,
) -> Result<Accounts, Problem> {
    let tenant = caller.tenant();
    let mut tx = app.db.read().await?;
    let all = named.is_none() && caller.only_customer().is_none();
    let of = match all {
        true => None,
        false => Some(customers::http::of_caller(&mut tx, caller, named).await?.no),
    };
    let page = fields.page(&tenant, &format!("credit-accounts {of:?}"));
    fields.finish()?;
    let mut rows = sql::page(&mut tx, &tenant, of, &page).await?;
    let at = test_clock::now(&mut tx, &tenant, app.clock.now()).await?;
    drop(tx);
    let is_due = |due| due <= at;
    let due: BTreeSet<i64> = rows
        .iter()
        .filter(|row| row.account.next_due_at.is_some_and(is_due))
        .map(|row| row.account.customer_no)
        .collect();
    for customer_no in &due {
        write_due(app, &tenant, *customer_no).await?;
    }
    if !due.is_empty() {
        rows = sql::page(&mut app.db.read().await?, &tenant, of, &page).await?;
    }
    let page = page.page(rows, |row| row.account.id.to_string());
    Ok(Json(StatusCode::OK, page.map(CreditAccountResponse::from).into()))
}

/// Lists the entries of a wallet's ledger, newest first.
#[utoipa::path(get, path = "/v1/credit-accounts/{id}/ledger", tag = "credits", operation_id = "listLedgerEntries",
    security(("secretKey" = ["credits:read"]), ("portalToken" = ["credits:read"])),
    params(("id" = String, Path,),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 100), ("cursor" = Option<String>, Query,)),
    responses((status = 200, body = ListResponse<LedgerEntryResponse>)))]
pub async fn ledger(
    State(app): State<Arc<App>>,
    caller: Reader,
    PathText(id): PathText,
    uri: Uri,
) -> Result<Json<ListResponse<LedgerEntryResponse>>, Problem> {
    let page = page_of(&caller, &uri, "ledger", &id)?;
    let (view, _) = seen(&app, &caller, &id).await?;
    let rows = sql::ledger(&mut app.db.read().await?, view.account.no, &page).await?;
    let page = page.page(rows, |entry| entry.id.to_string());
    Ok(Json(StatusCode::OK, page.map(LedgerEntryResponse::from).into()))
}

/// Lists a wallet's top-ups, newest first.
#[utoipa::path(get, path = "/v1/credit-accounts/{id}/top-ups", tag = "credits", operation_id = "listTopUps",
    security(("secretKey" = ["credits:read"]), ("portalToken" = ["credits:read"])),
    params(("id" = String, Path,),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 100), ("cursor" = Option<String>, Query,)),
    responses((status = 200, body = ListResponse<TopUpResponse>)))]
pub async fn top_ups(
    State(app): State<Arc<App>>,
    caller: Reader,
    PathText(id): PathText,
    uri: Uri,
) -> Result<Json<ListResponse<TopUpResponse>>, Problem> {
    let page = page_of(&caller, &uri, "top-ups", &id)?;
    let (view, _) = seen(&app, &caller, &id).await?;
    let rows = sql::top_ups(&mut app.db.read().await?, view.account.no, &page).await?;
    let page = page.page(rows, |top_up| top_up.id.to_string());
    Ok(Json(StatusCode::OK, page.map(TopUpResponse::from).into()))
}

fn page_of(caller: &Reader, uri: &Uri, list: &str, id: &str) -> Result<PageQuery, Problem> {
    let mut fields = query(uri)?;
    let page = fields.page(&caller.tenant(), &format!("{list} {id}"));
    fields.finish()?;
    Ok(page)
}

/// What became of a wallet's credits in the last days.
#[utoipa::path(get, path = "/v1/credits/stats", tag = "credits", operation_id = "getCreditStats",
    security(("secretKey" = ["credits:read"]), ("portalToken" = ["credits:read"])),
    params(("creditAccountId" = String, Query,),
        ("days" = Option<i64>, Query, minimum = 1, maximum = 92)),
    responses((status = 200, body = CreditStats)))]
pub async fn stats(
    State(app): State<Arc<App>>,
    caller: Reader,
    uri: Uri,
) -> Result<Json<CreditStats>, Problem> {
    let mut fields = query(&uri)?;
    let id = fields.required_text("creditAccountId", 1..=128);
    let days = fields.text("days", 1..=2).map_or(Some(30), |text| text.parse::<i64>().ok());
    let days = days.filter(|days| (1..=MAX_DAYS).contains(days));
    if days.is_none() {
        fields.wrong("days", format!("must be an integer from 1 to {MAX_DAYS}"));
    }
    fields.finish()?;
    let (view, at) = seen(&app, &caller, &id).await?;
    let today = day(at);
    let from = today + 1 - days.unwrap_or(1);
    let known = sql::days(&mut app.db.read().await?, view.account.no, from).await?;
    let known: BTreeMap<i64, DayView> = known.into_iter().map(|day| (day.day, day)).collect();
    let days: Vec<DayView> = (from..=today)
        .map(|day| known.get(&day).copied().unwrap_or(DayView { day, ..DayView::default() }))
        .collect();
    Ok(Json(
        StatusCode::OK,
        CreditStats {
            credit_account_id: view.account.id,
            balance: view.account.balance,
            granted: days.iter().map(|day| day.granted).sum(),
            used: days.iter().map(|day| day.used).sum(),
            expired: days.iter().map(|day| day.expired).sum(),
            days: days.iter().map(CreditDay::from).collect(),
        },
    ))
}

impl From<&DayView> for CreditDay {
    fn from(day: &DayView) -> Self {
        let date = usage::date(day.day);
        Self { date, granted: day.granted, used: day.used, expired: day.expired }
    }
}
