//! Starts a login, and looks its address up afterwards.

use super::sql::{self, NewLogin, Waiting};
use super::{Candidates, LoginPage, comparable, valid_since};
use crate::app::App;
use crate::base::{CustomerId, LoginId, Time};
use crate::customers;
use crate::db::{DbError, Lane, Tx};
use crate::limits::LimitHit;
use crate::organizations::Tenant;

const HOUR_SECONDS: u32 = 3_600;
const DAY_SECONDS: u32 = 86_400;
/// The codes for one address: at most so many in as many seconds.
const MOST: [(u32, u32); 2] = [(5, HOUR_SECONDS), (10, DAY_SECONDS)];
/// The customers of one address that can sign in.
const MOST_CUSTOMERS: i64 = 20;

#[derive(Debug)]
pub enum StartError {
    Db(DbError),
    /// Too many codes were asked for this address.
    TooOften(LimitHit),
}

/// Stores a request for a code. It does the same for every address.
pub async fn start(app: &App, page: &LoginPage, email: &str) -> Result<LoginId, StartError> {
    let (tenant, now) = (page.tenant, app.clock.now());
    let address = comparable(email);
    let login = NewLogin {
        id: app.ids.login(),
        tenant_no: tenant.no,
        address_digest: app.codes.address_digest(tenant.no, &address),
        address,
        created_at: now,
    };
    let id = login.id;
    let step = async move |tx: &mut Tx<'_, '_>| {
        // One request of an address at a time, so that each counts those of all other nodes.
        tx.serialize(number(&login.address_digest)).await?;
        for (most, seconds) in MOST {
            let since = now.plus_seconds(-i64::from(seconds));
            if sql::count(tx, &tenant, &login.address_digest, since).await? >= i64::from(most) {
                return Err(StartError::TooOften(hit(most, seconds)));
            }
        }
        Ok(sql::insert(tx, &login).await?)
    };
    app.db.write(Lane::Usual, step).await?;
    Ok(id)
}

/// Returns the number that requests of one address hold. Two addresses that share one only wait for
/// each other.
const fn number(address_digest: &[u8; 32]) -> i64 {
    let [a, b, c, d, e, f, g, h, ..] = *address_digest;
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}

const fn hit(most: u32, seconds: u32) -> LimitHit {
    let wait_seconds = seconds as u64;
    LimitHit { policy: "logins-of-address", burst: most, window_seconds: seconds, wait_seconds }
}

/// A login whose address belongs to customers.
#[derive(Clone, Debug)]
pub struct LookedUp {
    pub id: LoginId,
    pub tenant: Tenant,
    /// The oldest customer of the address.
    pub customer_id: CustomerId,
}

/// Looks the address of a waiting login up; `None` if no customer has it, the code has expired, or
/// another node did.
async fn look_up_one(
    tx: &mut Tx<'_, '_>,
    waiting: &Waiting,
    now: Time,
) -> Result<Option<LookedUp>, DbError> {
    let Waiting { id, tenant, address } = waiting;
    let mut found = customers::with_email(tx, tenant, address, MOST_CUSTOMERS).await?;
    if id.made_at() < valid_since(now) {
        found.clear();
    }
    let candidates = found.iter().map(|customer| (customer.no, customer.generation)).collect();
    if !sql::take_up(tx, *id, &Candidates(candidates)).await? {
        return Ok(None);
    }
    let looked_up = |customer_id| LookedUp { id: *id, tenant: *tenant, customer_id };
    Ok(found.first().map(|customer| looked_up(customer.id)))
}

/// Looks the addresses of at most `limit` logins up, each in a transaction with `queue`, which queues
/// its e-mail. Returns whether more may wait.
pub async fn look_up<F>(app: &App, limit: i64, queue: F) -> Result<bool, DbError>
where
    F: AsyncFn(&mut Tx<'_, '_>, LookedUp) -> Result<(), DbError> + Clone + Send + Sync + 'static,
{
    let waiting = sql::waiting(&mut app.db.read().await?, limit).await?;
    let more = waiting.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    for waiting in waiting {
        let (queue, now) = (queue.clone(), app.clock.now());
        let step = async move |tx: &mut Tx<'_, '_>| match look_up_one(tx, &waiting, now).await? {
            Some(found) => queue(tx, found).await,
            None => Ok(()),
        };
        app.db.write::<(), DbError, _>(Lane::Usual, step).await?;
    }
    Ok(more)
}

impl From<DbError> for StartError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}
