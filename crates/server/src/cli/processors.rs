//! Connecting payment processors from the command line. Secrets come in on standard input, so that they
//! appear in no shell history and in no process list.

use super::manage::Env;
use super::store::{Purpose, Store};
use super::{print, say};
use crate::base::Secret;
use crate::config::Config;
use crate::organizations::DEFAULT_ORGANIZATION;
use crate::payments::stripe::{
    API_VERSION, Accounts, Client, Connection, NewCredentials, SEALED_FOR, accounts,
};
use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use std::io::Read as _;

const MAX_INPUT_BYTES: u64 = 16_384;

#[derive(Subcommand)]
pub enum Processors {
    /// Connect an account: reads secret_key=…, publishable_key=… and webhook_secret=… on standard
    /// input, one a line, checks the secret key and prints the address for webhooks
    Connect(Account),
    /// Replace some of the credentials, read as `connect` does; a new webhook secret is valid beside
    /// the one before it
    Rotate(Account),
    /// Delete an account's secrets; its customers and cards are found again if it is reconnected
    Disconnect(Account),
    /// List the accounts of all organizations: never a secret
    List,
}

#[derive(Args)]
pub struct Account {
    processor: Name,
    #[arg(long)]
    env: Env,
    /// An organization's id or name
    #[arg(long, default_value = DEFAULT_ORGANIZATION)]
    org: String,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Name {
    Stripe,
}

pub async fn run(config: &Config, command: Processors) -> anyhow::Result<()> {
    let store = Store::open(config, Purpose::Beside).await?;
    match command {
        Processors::Connect(account) => {
            let connection = keep(config, &store, &account, false).await?;
            let issuer = config.public_url.as_str();
            let path = connection.webhook_url(issuer);
            say("connected; have Stripe send its webhooks to the address below, of API version");
            say(&format!("{API_VERSION}, then: unitpay processors rotate, with webhook_secret=…"));
            print(&path)
        }
        Processors::Rotate(account) => {
            keep(config, &store, &account, true).await?;
            say("replaced");
            Ok(())
        }
        Processors::Disconnect(account) => {
            let Name::Stripe = account.processor;
            let tenant = store.tenant(&account.org, account.env).await?;
            let (random, now) = (&store.random, store.clock.now());
            accounts::disconnect(&store.db, &tenant, random, now).await?;
            say("disconnected");
            Ok(())
        }
        Processors::List => list(config, &store).await,
    }
}

async fn keep(
    config: &Config,
    store: &Store,
    account: &Account,
    known: bool,
) -> anyhow::Result<Connection> {
    let Name::Stripe = account.processor;
    let tenant = store.tenant(&account.org, account.env).await?;
    let before = accounts::of_tenant(&mut store.db.read().await?, &tenant).await?;
    if known && !before.as_ref().is_some_and(Connection::is_connected) {
        bail!("no Stripe account is connected here");
    }
    let mut input = String::new();
    std::io::stdin().take(MAX_INPUT_BYTES).read_to_string(&mut input)?;
    let new = read(&input)?;
    let client = Client::new(config.stripe.api_base.clone());
    let seal = store.signing.seal_for(SEALED_FOR);
    let accounts = Accounts::new(client, seal, store.random.clone());
    Ok(accounts.connect(&store.db, &tenant, new, store.clock.now()).await?)
}

/// Reads `name=value` lines. No message repeats a line: it may hold a secret.
fn read(input: &str) -> anyhow::Result<NewCredentials> {
    let mut new = NewCredentials::default();
    for (at, line) in input.lines().map(str::trim).enumerate().filter(|(_, l)| !l.is_empty()) {
        let wrong =
            || format!("line {}: secret_key=…, publishable_key=… or webhook_secret=… once", at + 1);
        let (name, value) = line.split_once('=').with_context(wrong)?;
        let value = value.trim().to_owned();
        let repeated = match name.trim() {
            "secret_key" => new.secret_key.replace(Secret::new(value)).is_some(),
            "publishable_key" => new.publishable_key.replace(value).is_some(),
            "webhook_secret" => new.webhook_secret.replace(Secret::new(value)).is_some(),
            _ => bail!(wrong()),
        };
        if repeated {
            bail!(wrong());
        }
    }
    if new.is_empty() {
        bail!("nothing was given on standard input");
    }
    Ok(new)
}

async fn list(config: &Config, store: &Store) -> anyhow::Result<()> {
    for connection in accounts::all(&mut store.db.read().await?).await? {
        let state = if connection.is_connected() { "connected" } else { "disconnected" };
        let Connection { tenant, account, last_four, updated_at, .. } = &connection;
        print(&format!(
            "stripe {} {} {state} {account} …{last_four} changed {updated_at} {}",
            tenant.organization_id,
            tenant.environment.as_str(),
            connection.webhook_url(&config.public_url),
        ))?;
    }
    Ok(())
}
