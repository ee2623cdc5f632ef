//! Enters the portal with a code: counts the try, finds the customer and mints its session.

use super::{Candidates, Login, LoginPage, LoginSettings, MAX_TRIES, comparable, sql, valid_since};
use crate::app::App;
use crate::base::{CustomerId, LoginId, PortalSessionId, Time};
use crate::customers::{self, Customer, CustomerRef};
use crate::db::{DbError, Lane, Tx};
use crate::portal::{self, MintError, NewSession, PageOptions, SessionOrigin};
use crate::signing::Codes;
use serde_json::json;

/// The proof that the browser that asked for the code presents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    Code(String),
    /// The customer that was chosen after the code.
    Customer(CustomerId),
}

/// The outcome of a right or wrong proof.
#[derive(Debug)]
pub enum Entered {
    Session(PortalSessionId),
    /// Several customers have the address: one is to be chosen.
    Choice(Vec<Customer>),
    /// The code is wrong, expired or used up. The same if no customer has the address.
    Refused {
        tries_left: i64,
    },
    Suspended,
}

/// A customer with the generation that the code was sent for.
#[derive(Debug)]
struct Reached {
    customer: Customer,
    page: LoginPage,
}

/// The state after the transaction that counts the try.
enum Step {
    Done(Entered),
    Mint(Box<Reached>),
}

/// Checks a proof. A try is counted before the code is compared, and a code is used up before the
/// session is minted: a crash in between costs a code, and never gives two sessions for one.
pub async fn enter(app: &App, id: LoginId, proof: Proof) -> Result<Entered, MintError> {
    let now = app.clock.now();
    let codes = app.codes.clone();
    let step = async move |tx: &mut Tx<'_, '_>| check(tx, &codes, id, &proof, now).await;
    let reached = match app.db.write::<_, DbError, _>(Lane::Usual, step).await? {
        Step::Done(entered) => return Ok(entered),
        Step::Mint(reached) => reached,
    };
    let new = new_session(app, *reached);
    match portal::mint(app, new.0, new.1, None).await {
        Ok(minted) => Ok(Entered::Session(minted.sid)),
        // Its sessions were ended, or it was archived, since the code was checked.
        Err(
            MintError::SessionEnded | MintError::CustomerArchived | MintError::CustomerNotFound,
        ) => Ok(Entered::Refused { tries_left: 0 }),
        Err(
            error @ (MintError::Db(_)
            | MintError::Signing(_)
            | MintError::StaleKey
            | MintError::KeyReused),
        ) => Err(error),
    }
}

async fn check(
    tx: &mut Tx<'_, '_>,
    codes: &Codes,
    id: LoginId,
    proof: &Proof,
    now: Time,
) -> Result<Step, DbError> {
    let refused = |tries_left| Ok(Step::Done(Entered::Refused { tries_left }));
    let found = match proof {
        Proof::Code(_) => sql::count_try(tx, id, valid_since(now)).await?,
        Proof::Customer(_) => sql::verified(tx, id, valid_since(now)).await?,
    };
    let Some(login) = found else { return refused(0) };
    if let Proof::Code(code) = proof
        && !codes.is_login_code(id, code)
    {
        return refused(MAX_TRIES - login.tries);
    }
    let page = sql::page_by_no(tx, login.tenant_no).await?;
    let page = page.ok_or(DbError::Broken("a login without its tenant"))?;
    if page.suspended {
        return Ok(Step::Done(Entered::Suspended));
    }
    let mut customers =
        if page.settings.enabled { reachable(tx, codes, &login, &page).await? } else { Vec::new() };
    match proof {
        Proof::Code(_) if customers.len() > 1 => {
            sql::verify(tx, id, now).await?;
            return Ok(Step::Done(Entered::Choice(customers)));
        }
        Proof::Code(_) => {}
        Proof::Customer(chosen) => customers.retain(|customer| customer.id == *chosen),
    }
    match customers.pop() {
        Some(customer) if sql::use_up(tx, id, now).await? => {
            Ok(Step::Mint(Box::new(Reached { customer, page })))
        }
        Some(_) | None => refused(MAX_TRIES - login.tries),
    }
}

/// Returns the customers that the code was sent for and that still have the address, unless they were
/// archived or their sessions were ended since.
async fn reachable(
    tx: &mut Tx<'_, '_>,
    codes: &Codes,
    login: &Login,
    page: &LoginPage,
) -> Result<Vec<Customer>, DbError> {
    let Candidates(candidates) = &login.candidates;
    let mut found = Vec::with_capacity(candidates.len());
    for (no, generation) in candidates {
        let customer = customers::by_no(tx, &page.tenant, *no).await?;
        let has_address = |customer: &Customer| {
            let address = comparable(&customer.email);
            codes.address_digest(login.tenant_no, &address) == login.address_digest
        };
        found.extend(customer.filter(|customer| {
            customer.generation == *generation
                && customer.archived_at.is_none()
                && has_address(customer)
        }));
    }
    Ok(found)
}

/// Returns the session that the settings allow, which only the hosted page may use.
fn new_session(app: &App, reached: Reached) -> (crate::organizations::Tenant, NewSession) {
    let Reached { customer, page } = reached;
    let LoginSettings { scopes, ttl_seconds, max_lifetime_seconds, .. } = page.settings;
    let bounds = &app.config.portal;
    let (least, longest) = (bounds.min_ttl_seconds, bounds.max_lifetime_seconds);
    let ttl_seconds = ttl_seconds.clamp(least, longest);
    let new = NewSession {
        sid: None,
        customer: CustomerRef::Id(customer.id),
        generation: Some(customer.generation),
        api_key_id: None,
        origin: SessionOrigin::Email,
        invoice_id: None,
        ttl_seconds,
        max_lifetime_seconds: max_lifetime_seconds.clamp(ttl_seconds, longest),
        scopes,
        allowed_origins: json!([app.origin]).to_string(),
        metadata: "{}".to_owned(),
        invalidate_existing: false,
        record_event: page.session_events,
        page: PageOptions::default(),
    };
    (page.tenant, new)
}
