//! Mint: creates a session and its first token.

use super::session::{Token, scope_text, token_id};
use super::{PageOptions, PortalScopes, SessionOrigin, sql};
use crate::app::App;
use crate::audit::{self, Action, Actor};
use crate::base::{ApiKeyId, CustomerId, InvoiceId, PortalSessionId, Secret, Time};
use crate::customers::{self, CustomerRef, SessionsEnd};
use crate::db::{DbError, Lane, ToRow, Tx};
use crate::events::{self, EventType, NewEvent};
use crate::idempotency::{self, Idempotency, KeyReused, Outcome};
use crate::organizations::Tenant;
use crate::signing::SigningError;
use serde_json::{Value, json};
use std::sync::Arc;
use unitpay_token::{Claims, UnverifiedToken};

const ATTEMPTS: usize = 3;

/// A session to mint, with its bounds checked.
#[derive(Clone, Debug, ToRow)]
pub struct NewSession {
    /// The id, if it is known before.
    #[record(skip)]
    pub sid: Option<PortalSessionId>,
    #[record(skip)]
    pub customer: CustomerRef,
    /// The generation that the customer must still have, if the session belongs to an earlier moment.
    #[record(skip)]
    pub generation: Option<i64>,
    pub api_key_id: Option<ApiKeyId>,
    pub origin: SessionOrigin,
    /// The invoice that it is bound to.
    pub invoice_id: Option<InvoiceId>,
    pub ttl_seconds: i64,
    #[record(skip)]
    pub max_lifetime_seconds: i64,
    pub scopes: PortalScopes,
    pub allowed_origins: String,
    pub metadata: String,
    #[record(skip)]
    pub invalidate_existing: bool,
    /// Whether webhook endpoints are notified of the mint.
    #[record(skip)]
    pub record_event: bool,
    pub page: PageOptions,
}

#[derive(Clone, Debug)]
pub struct Minted {
    pub token: Secret,
    pub sid: PortalSessionId,
    pub customer_id: CustomerId,
    pub scopes: PortalScopes,
    pub expires_at: Time,
    pub absolute_expires_at: Time,
    pub replayed: bool,
}

#[derive(Debug)]
pub enum MintError {
    Db(DbError),
    Signing(SigningError),
    CustomerNotFound,
    CustomerArchived,
    /// The signing key that this node knew as active no longer is.
    StaleKey,
    /// The idempotency key was used with another request.
    KeyReused,
    /// A replayed mint whose session has ended, a session that exists, or the customer's sessions were ended
    /// since the moment that the session belongs to.
    SessionEnded,
}

/// Returns the response of an earlier mint with this idempotency key. Runs before names are
/// resolved, because they may refer to other objects by now.
pub async fn minted_before(
    app: &App,
    tenant: Tenant,
    idempotency: Option<&Idempotency>,
) -> Result<Option<Minted>, MintError> {
    if idempotency.is_none() {
        return Ok(None);
    }
    let kept = idempotency::replay::<MintError>(&mut app.db.read().await?, idempotency).await?;
    match kept {
        Some(kept) => replay(app, tenant, &kept, app.clock.now()).await.map(Some),
        None => Ok(None),
    }
}

/// Mints a session. Its row is durable before the token is returned.
pub async fn mint(
    app: &App,
    tenant: Tenant,
    new: NewSession,
    idempotency: Option<Idempotency>,
) -> Result<Minted, MintError> {
    let now = app.clock.now();
    let customer_id = match &new.customer {
        CustomerRef::Id(id) => *id,
        reference @ CustomerRef::External(_) => {
            let found = customers::get(&mut app.db.read().await?, &tenant, reference).await?;
            found.ok_or(MintError::CustomerNotFound)?.id
        }
    };
    let sid = new.sid.unwrap_or_else(|| app.ids.portal_session());
    let issued_at = now.seconds();
    let minted = Minted {
        token: Secret::new(String::new()),
        sid,
        customer_id,
        scopes: new.scopes,
        expires_at: Time::from_seconds(issued_at + new.ttl_seconds),
        absolute_expires_at: Time::from_seconds(issued_at + new.max_lifetime_seconds),
        replayed: false,
    };
    let claims = Claims {
        issuer: app.issuer.clone(),
        subject: customer_id.to_string(),
        session_id: sid.to_string(),
        token_id: token_id(sid, 0),
        organization_id: tenant.organization_id.to_string(),
        environment: tenant.environment,
        issued_at,
        expires_at: minted.expires_at.seconds(),
        scope: scope_text(new.invoice_id, new.scopes),
    };
    let new = Arc::new(new);
    let idempotency = idempotency.map(Arc::new);
    for _ in 0..ATTEMPTS {
        let key = app.signing.active()?;
        let token = key.sign(&claims).map_err(|_| SigningError::BadKey)?;
        let digest = UnverifiedToken::parse(&token).ok_or(SigningError::BadKey)?.digest();
        let row = sql::NewRow {
            sid,
            customer_id,
            created_at: now,
            absolute_expires_at: minted.absolute_expires_at,
            new: Arc::clone(&new),
            token: Token {
                kid: key.kid().to_owned(),
                digest,
                issued_at: Time::from_seconds(issued_at),
                expires_at: minted.expires_at,
                issuer: Some(claims.issuer.clone()),
            },
        };
        match store(app, tenant, row, idempotency.clone()).await {
            Ok(Outcome::Fresh(_)) => return Ok(Minted { token: Secret::new(token), ..minted }),
            Ok(Outcome::Replay(kept)) => return replay(app, tenant, &kept, now).await,
            Err(MintError::StaleKey) => app.signing.load().await?,
            Err(error) => return Err(error),
        }
    }
    Err(MintError::Db(DbError::Contended))
}

async fn store(
    app: &App,
    tenant: Tenant,
    row: sql::NewRow,
    idempotency: Option<Arc<Idempotency>>,
) -> Result<Outcome, MintError> {
    let event = row.new.record_event.then(|| NewEvent {
        id: app.ids.event(),
        event_type: EventType::PortalSessionCreated,
        object_id: row.sid.to_string(),
        customer_id: Some(row.customer_id),
        endpoint_id: None,
        at: row.created_at,
    });
    let author = app.author(Actor::PortalSession(row.sid));
    app.db
        .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            let idempotency = idempotency.as_deref();
            let is_audited = row.new.origin != SessionOrigin::ApiKey;
            let alone = idempotency.is_none()
                && !row.new.invalidate_existing
                && event.is_none()
                && !is_audited;
            if let Some(kept) = idempotency::replay::<MintError>(tx, idempotency).await? {
                return Ok(Outcome::Replay(kept));
            }
            if row.new.invalidate_existing {
                end_others(tx, &tenant, &row).await?;
            }
            if !sql::insert(tx, &tenant, &row, alone).await? {
                return Err(why_not(tx, &tenant, &row).await?);
            }
            if is_audited {
                let mut detail = json!({ "origin": row.new.origin });
                if let Some(id) = row.new.invoice_id {
                    detail["invoiceId"] = json!(id);
                }
                let customer = Some(row.customer_id);
                let event = author.event(Action::PortalSessionCreated, row.sid, customer, detail);
                audit::record(tx, tenant.no, &event).await?;
            }
            if let Some(event) = &event {
                events::record(tx, tenant.no, event).await?;
            }
            if idempotency.is_some() {
                idempotency::keep(tx, idempotency, &to_replay(&row)).await?;
            }
            Ok(Outcome::Fresh(Value::Null))
        })
        .await
}

async fn end_others(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    row: &sql::NewRow,
) -> Result<(), MintError> {
    let customer = customers::lock(tx, tenant, &CustomerRef::Id(row.customer_id)).await?;
    let customer = customer.ok_or(MintError::CustomerNotFound)?;
    let why = SessionsEnd::Replaced;
    customers::end_sessions(tx, tenant, customer.no, why, row.created_at).await?;
    Ok(())
}

/// The insert reads the customer and the signing key from the store; one of them was not usable.
async fn why_not(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    row: &sql::NewRow,
) -> Result<MintError, DbError> {
    let is_other = |generation: i64| row.new.generation.is_some_and(|known| known != generation);
    Ok(match customers::get(tx, tenant, &CustomerRef::Id(row.customer_id)).await? {
        None => MintError::CustomerNotFound,
        Some(customer) if customer.archived_at.is_some() => MintError::CustomerArchived,
        Some(customer) if is_other(customer.generation) => MintError::SessionEnded,
        Some(_) if sql::record(tx, row.sid).await?.is_some() => MintError::SessionEnded,
        Some(_) => MintError::StaleKey,
    })
}

/// Signs the first token of a session again. The same claims and key produce the same bytes.
async fn replay(app: &App, tenant: Tenant, kept: &Value, now: Time) -> Result<Minted, MintError> {
    let text = |name: &str| kept[name].as_str().unwrap_or_default();
    let sid: PortalSessionId = text("sid").parse().map_err(|_| MintError::SessionEnded)?;
    let record =
        sql::record(&mut app.db.read().await?, sid).await?.ok_or(MintError::SessionEnded)?;
    let session = &record.session;
    let expires_at = Time::from_seconds(kept["exp"].as_i64().unwrap_or_default());
    if session.tenant != tenant || record.ended(text("kid")).is_some() || now >= expires_at {
        return Err(MintError::SessionEnded);
    }
    let claims = Claims {
        token_id: token_id(sid, 0),
        issuer: text("iss").to_owned(),
        issued_at: kept["iat"].as_i64().unwrap_or_default(),
        expires_at: expires_at.seconds(),
        ..session.claims(text("iss"))
    };
    let key = app.signing.signer(text("kid")).await?;
    let token = key.sign(&claims).map_err(|_| SigningError::BadKey)?;
    Ok(Minted {
        token: Secret::new(token),
        sid,
        customer_id: session.customer_id,
        scopes: session.scopes,
        expires_at,
        absolute_expires_at: session.absolute_expires_at,
        replayed: true,
    })
}

/// The data for signing the first token again. The token itself is not stored.
fn to_replay(row: &sql::NewRow) -> Value {
    json!({
        "sid": row.sid,
        "kid": row.token.kid,
        "iss": row.token.issuer,
        "iat": row.token.issued_at.seconds(),
        "exp": row.token.expires_at.seconds(),
    })
}

impl From<DbError> for MintError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<KeyReused> for MintError {
    fn from(_: KeyReused) -> Self {
        Self::KeyReused
    }
}

impl From<SigningError> for MintError {
    fn from(error: SigningError) -> Self {
        Self::Signing(error)
    }
}
