//! HTTP handlers that read wallets. Due entries are written first, so that balances are current.

use super::shown::{
    CreditAccountResponse, CreditDay, CreditStats, LedgerEntryResponse, TopUpResponse,
};
use super::write_due;
use crate::app::App;
use crate::auth::Caller;
use crate::credits::{DayView, day, sql};
use crate::customers::{self, CustomerRef};
use crate::http::leaves::{Integer, ShortText};
use crate::http::page::{ListQuery, ListResponse, Paging, Query, Unfiltered};
use crate::http::wire::{Field, Request};
use crate::http::{Fields, Json, PathText, Problem};
use crate::keys::KeyScopes;
use crate::portal::PortalScopes;
use crate::{test_clock, usage};
use axum::extract::State;
use http::StatusCode;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use utoipa::openapi::{RefOr, Schema};

type Reader = Caller<{ KeyScopes::CREDITS_READ }, { PortalScopes::CREDITS_READ }>;
type Accounts = Json<ListResponse<CreditAccountResponse>>;

/// The maximum number of days for statistics.
const MAX_DAYS: i64 = 92;

/// A number of days in a query.
pub struct Days;

impl Field for Days {
    type Value = i64;

    fn read(fields: &mut Fields, name: &str) -> Option<i64> {
        let days = fields.text(name, 1..=2)?.parse().ok();
        let days = days.filter(|days| (1..=MAX_DAYS).contains(days));
        if days.is_none() {
            fields.wrong(name, format!("must be an integer from 1 to {MAX_DAYS}"));
        }
        days
    }

    fn schema() -> RefOr<Schema> {
        Integer::<1, MAX_DAYS>::schema()
    }
}

#[derive(Debug, Request)]
pub struct StatsQuery {
    #[request(with = ShortText<128>)]
    credit_account_id: String,
    #[request(with = Days, default = 30)]
    days: i64,
}

#[derive(Debug, Request)]
pub struct AccountFilter {
    customer_id: Option<CustomerRef>,
}

/// Lists wallets, newest first. A portal token lists those of its own customer.
#[utoipa::path(get, path = "/v1/credit-accounts", tag = "credits", operation_id = "listCreditAccounts",
    responses((status = 200, body = ListResponse<CreditAccountResponse>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Reader,
    query: ListQuery<AccountFilter>,
) -> Result<Accounts, Problem> {
    let (filter, paging) = query.begin()?;
    accounts(&app, &caller, paging, filter.customer_id).await
}

/// Lists a customer's wallets, newest first.
#[utoipa::path(get, path = "/v1/customers/{id}/credit-accounts", tag = "credits",
    operation_id = "listCustomerCreditAccounts",
    responses((status = 200, body = ListResponse<CreditAccountResponse>)))]
pub async fn list_of_customer(
    State(app): State<Arc<App>>,
    caller: Reader,
    PathText(id): PathText,
    query: ListQuery<Unfiltered>,
) -> Result<Accounts, Problem> {
    let (_, paging) = query.begin()?;
    accounts(&app, &caller, paging, Some(customers::http::reference(&id))).await
}

async fn accounts(
    app: &App,
    caller: &Reader,
    paging: Paging,
    named: Option<CustomerRef>,
) -> Result<Accounts, Problem> {
    let tenant = caller.tenant();
    let mut tx = app.db.read().await?;
    let customer = caller.reach_customers(&mut tx, named.as_ref()).await?;
    let customer_no = customer.map(|customer| customer.no);
    let page = paging.read(&tenant, &format!("credit-accounts {customer_no:?}"))?;
    let mut rows = sql::page(&mut tx, &tenant, customer_no, &page).await?;
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
        rows = sql::page(&mut app.db.read().await?, &tenant, customer_no, &page).await?;
    }
    let page = page.page(rows, |row| row.account.id.to_string());
    Ok(Json(StatusCode::OK, page.map(CreditAccountResponse::from).into()))
}

/// Lists the entries of a wallet's ledger, newest first.
#[utoipa::path(get, path = "/v1/credit-accounts/{id}/ledger", tag = "credits", operation_id = "listLedgerEntries",
    responses((status = 200, body = ListResponse<LedgerEntryResponse>)))]
pub async fn ledger(
    State(app): State<Arc<App>>,
    caller: Reader,
    PathText(id): PathText,
    query: ListQuery<Unfiltered>,
) -> Result<Json<ListResponse<LedgerEntryResponse>>, Problem> {
    let (_, page) = query.read(&caller.tenant(), &format!("ledger {id}"))?;
    let (view, _) = super::reach(&app, &caller, &id).await?;
    let rows = sql::ledger(&mut app.db.read().await?, view.account.no, &page).await?;
    let page = page.page(rows, |entry| entry.id.to_string());
    Ok(Json(StatusCode::OK, page.map(LedgerEntryResponse::from).into()))
}

/// Lists a wallet's top-ups, newest first.
#[utoipa::path(get, path = "/v1/credit-accounts/{id}/top-ups", tag = "credits", operation_id = "listTopUps",
    responses((status = 200, body = ListResponse<TopUpResponse>)))]
pub async fn top_ups(
    State(app): State<Arc<App>>,
    caller: Reader,
    PathText(id): PathText,
    query: ListQuery<Unfiltered>,
) -> Result<Json<ListResponse<TopUpResponse>>, Problem> {
    let (_, page) = query.read(&caller.tenant(), &format!("top-ups {id}"))?;
    let (view, _) = super::reach(&app, &caller, &id).await?;
    let rows = sql::top_ups(&mut app.db.read().await?, view.account.no, &page).await?;
    let page = page.page(rows, |top_up| top_up.id.to_string());
    Ok(Json(StatusCode::OK, page.map(TopUpResponse::from).into()))
}

/// Returns the credits used, granted and expired in the last days.
#[utoipa::path(get, path = "/v1/credits/stats", tag = "credits", operation_id = "getCreditStats",
    responses((status = 200, body = CreditStats)))]
pub async fn stats(
    State(app): State<Arc<App>>,
    caller: Reader,
    query: Query<StatsQuery>,
) -> Result<Json<CreditStats>, Problem> {
    let StatsQuery { credit_account_id: id, days } = query.read()?;
    let (view, at) = super::reach(&app, &caller, &id).await?;
    let today = day(at);
    let from = today + 1 - days;
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
