//! Commands for keys, organizations and signing keys.

use super::store::{Purpose, Store};
use super::{print, say};
use crate::audit::Actor;
use crate::base::{ApiKeyId, OrganizationId};
use crate::config::Config;
use crate::db::{Lane, Tx};
use crate::keys::{self, KeyKind, KeyScopes, NewApiKey};
use crate::organizations::{self, DEFAULT_ORGANIZATION, Environment};
use crate::signing;
use anyhow::{Context, bail};
use clap::{Subcommand, ValueEnum};
use std::io::Read as _;
use unitpay_token::SigningKey;

#[derive(Subcommand)]
pub enum Keys {
    /// Create a key and print it once
    Create {
        #[arg(long)]
        env: Env,
        /// A secret key is for a backend, a publishable key for pages that show the catalog
        #[arg(long, default_value = "secret")]
        kind: Kind,
        #[arg(long, default_value = "created by the operator")]
        name: String,
        /// Scopes of a secret key, separated by commas [default: all but api_keys:write]
        #[arg(long, value_delimiter = ',')]
        scopes: Option<Vec<String>>,
        /// An organization's id or name
        #[arg(long, default_value = DEFAULT_ORGANIZATION)]
        org: String,
    },
    /// List all keys, without secrets
    List,
    /// Revoke a key immediately
    Revoke {
        id: String,
        /// Also end the sessions that it minted
        #[arg(long)]
        sessions: bool,
    },
}

#[derive(Subcommand)]
pub enum Orgs {
    /// Create an organization and print its id
    Create { name: String },
    /// List the organizations
    List,
    /// Refuse its keys and its customers' sessions until it is resumed
    Suspend { id: String },
    /// Resume a suspended organization
    Resume { id: String },
}

#[derive(Subcommand)]
pub enum Signing {
    /// Sign with the next key from now on, and publish another one
    Rotate,
    /// List the keys
    List,
    /// Revoke a key and end every session that it signed, immediately
    Revoke {
        // A key id is base64url and may begin with a hyphen.
        #[arg(allow_hyphen_values = true)]
        kid: String,
    },
    /// Read a private Ed25519 JWK from standard input and sign with it from now on
    Import,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Env {
    Sandbox,
    Live,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Kind {
    Secret,
    Publishable,
}

impl From<Kind> for KeyKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Secret => Self::Secret,
            Kind::Publishable => Self::Publishable,
        }
    }
}

impl From<Env> for Environment {
    fn from(env: Env) -> Self {
        match env {
            Env::Sandbox => Self::Sandbox,
            Env::Live => Self::Live,
        }
    }
}

pub async fn keys(config: &Config, command: Keys) -> anyhow::Result<()> {
    let store = Store::open(config, Purpose::Beside).await?;
    match command {
        Keys::Create { env, kind, name, scopes, org } => {
            let scopes = match (kind, scopes) {
                (Kind::Secret, None) => KeyScopes::USUAL,
                (Kind::Secret, Some(names)) => read_scopes(&names)?,
                (Kind::Publishable, None) => KeyScopes::default(),
                (Kind::Publishable, Some(_)) => bail!("a publishable key has no scopes"),
            };
            check_name(&name)?;
            let organization = store.organization(&org).await?;
            let new = NewApiKey { kind: kind.into(), name, scopes, expires_at: None };
            print(&create_key(&store, organization.id, env.into(), &new).await?)
        }
        Keys::List => {
            for (tenant, key) in keys::of_all_tenants(&mut store.db.read().await?).await? {
                let state = if key.revoked_at.is_some() { "revoked" } else { "good" };
                let used = key.last_used_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
                print(&format!(
                    "{} {} {} {} …{} {state} made {} used {used} {:?} {}",
                    key.id,
                    tenant.organization_id,
                    tenant.environment.as_str(),
                    key.kind.as_str(),
                    key.last_four,
                    key.created_at,
                    key.name,
                    key.scopes,
                ))?;
            }
            Ok(())
        }
        Keys::Revoke { id, sessions } => revoke_key(&store, &id, sessions).await,
    }
}

/// The same bounds for a name as over HTTP.
fn check_name(name: &str) -> anyhow::Result<()> {
    if !(1..=100).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        bail!("a name has 1 to 100 characters and no control characters");
    }
    Ok(())
}

fn read_scopes(names: &[String]) -> anyhow::Result<KeyScopes> {
    names.iter().try_fold(KeyScopes::default(), |set, name| {
        set.with_name(name).with_context(|| {
            format!("{name} is no scope; there are {}", KeyScopes::NAMES.join(", "))
        })
    })
}

/// Creates and stores a key, and returns its text.
pub async fn create_key(
    store: &Store,
    organization: OrganizationId,
    environment: Environment,
    new: &NewApiKey,
) -> anyhow::Result<String> {
    let tenant = organizations::tenant(&mut store.db.read().await?, organization, environment)
        .await?
        .context("the organization has no such environment")?;
    let made = keys::make(new, &store.ids, &store.random, store.clock.now());
    let text = made.secret.reveal().to_owned();
    let ids = store.ids.clone();
    store
        .db
        .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            keys::store(tx, &tenant, &made, Actor::Operator, &ids).await
        })
        .await?;
    Ok(text)
}

async fn revoke_key(store: &Store, id: &str, sessions: bool) -> anyhow::Result<()> {
    let id: ApiKeyId = id.parse().ok().context("a key's id begins with key_")?;
    let all = keys::of_all_tenants(&mut store.db.read().await?).await?;
    let (tenant, _) =
        all.into_iter().find(|(_, key)| key.id == id).context("there is no such key")?;
    let author = store.author(store.clock.now());
    store
        .db
        .write(Lane::Urgent, async move |tx: &mut Tx<'_, '_>| {
            keys::revoke(tx, &tenant, id, sessions, &author).await
        })
        .await?;
    say("revoked");
    Ok(())
}

pub async fn orgs(config: &Config, command: Orgs) -> anyhow::Result<()> {
    let store = Store::open(config, Purpose::Beside).await?;
    match command {
        Orgs::Create { name } => {
            check_name(&name)?;
            if name.parse::<OrganizationId>().is_ok() {
                bail!("a name must not be an id");
            }
            let (id, now) = (store.ids.organization(), store.clock.now());
            let made = store
                .db
                .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
                    organizations::insert(tx, id, &name, now).await
                })
                .await?;
            if !made {
                bail!("there is an organization of this name");
            }
            print(&id.to_string())
        }
        Orgs::List => {
            for org in organizations::all(&mut store.db.read().await?).await? {
                let state = if org.suspended { "suspended" } else { "active" };
                print(&format!("{} {state} made {} {:?}", org.id, org.created_at, org.name))?;
            }
            Ok(())
        }
        Orgs::Suspend { id } => suspend(&store, &id, true).await,
        Orgs::Resume { id } => suspend(&store, &id, false).await,
    }
}

async fn suspend(store: &Store, named: &str, suspended: bool) -> anyhow::Result<()> {
    let id = store.organization(named).await?.id;
    store
        .db
        .write(Lane::Urgent, async move |tx: &mut Tx<'_, '_>| {
            organizations::suspend(tx, id, suspended).await
        })
        .await?;
    say(if suspended { "suspended" } else { "resumed" });
    Ok(())
}

pub async fn signing(config: &Config, command: Signing) -> anyhow::Result<()> {
    let store = Store::open(config, Purpose::Beside).await?;
    let (clock, random) = (&store.clock, &store.random);
    match command {
        Signing::Rotate => {
            store.signing.rotate(clock, random).await?;
            say("rotated");
        }
        Signing::List => {
            for key in signing::all(&mut store.db.read().await?).await? {
                print(&format!("{} {} made {}", key.kid, key.status.as_str(), key.created_at))?;
            }
        }
        Signing::Revoke { kid } => {
            store.signing.revoke(kid, clock, random).await?;
            say("revoked; every session that it signed has ended");
        }
        Signing::Import => {
            let mut jwk = String::new();
            std::io::stdin().take(16_384).read_to_string(&mut jwk)?;
            let (_, seed) = SigningKey::from_jwk(jwk.trim())
                .map_err(|error| anyhow::anyhow!("not a private Ed25519 JWK: {error}"))?;
            print(&store.signing.import(&seed, clock).await?)?;
        }
    }
    Ok(())
}
