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
    webhook_endpoint,
};
use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use std::io::Read as _;

/// The permissions of a restricted key; docs/stripe.md has the same list.
const PERMISSIONS: &str = "a restricted key needs: write Customers, PaymentIntents, SetupIntents, \
    PaymentMethods, Charges and Refunds; read Disputes, Events, Account; \
    write Webhook Endpoints for --register-webhook";
const MAX_INPUT_BYTES: u64 = 16_384;

#[derive(Subcommand)]
pub enum Processors {
    /// Connect an account: reads secret_key=…, publishable_key=… and webhook_secret=… on standard
    /// input, one a line, checks the secret key and prints the address for webhooks
    Connect {
        #[command(flatten)]
        account: Account,
        /// Create the webhook endpoint at Stripe, and keep its secret; needs `public_url`
        #[arg(long)]
        register_webhook: bool,
    },
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
        Processors::Connect { account, register_webhook } => {
            if register_webhook && config.public_url.is_empty() {
                bail!(
                    "--register-webhook needs public_url, the address at which Stripe reaches this server"
                );
            }
            let connection = keep(config, &store, &account, false).await?;
            let url = connection.webhook_url(&config.public_url);
            if register_webhook {
                register(config, &store, &connection, &url).await?;
                say("connected; Stripe sends its webhooks to the address below");
            } else {
                say(
                    "connected; have Stripe send its webhooks to the address below, of API version",
                );
                say(&format!(
                    "{API_VERSION}, then: unitpay processors rotate, with webhook_secret=…"
                ));
            }
            say(PERMISSIONS);
            print(&url)
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
    let accounts = accounts_of(config, store);
    Ok(accounts.connect(&store.db, &tenant, new, store.clock.now()).await?)
}

fn accounts_of(config: &Config, store: &Store) -> Accounts {
    let client = Client::new(config.stripe.api_base.clone());
    Accounts::new(client, store.signing.seal_for(SEALED_FOR), store.random.clone())
}

/// Creates the webhook endpoint at Stripe and stores its secret.
async fn register(
    config: &Config,
    store: &Store,
    connection: &Connection,
    url: &str,
) -> anyhow::Result<()> {
    let (accounts, tenant) = (accounts_of(config, store), &connection.tenant);
    let stripe = accounts.connected(&mut store.db.read().await?, tenant).await?;
    let stripe = stripe.context("the account was disconnected meanwhile")?;
    let secret = webhook_endpoint::register(&stripe, url).await?;
    let new = NewCredentials { webhook_secret: Some(secret), ..NewCredentials::default() };
    accounts.connect(&store.db, tenant, new, store.clock.now()).await?;
    Ok(())
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
