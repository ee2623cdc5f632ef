//! Connecting payment processors from the command line. Secrets come in on standard input, so that they
//! appear in no shell history and in no process list.

use super::manage::Env;
use super::store::{Purpose, Store};
use super::{print, say};
use crate::app::policy;
use crate::base::{Clock, Ids, Random, Secret};
use crate::config::Config;
use crate::organizations::DEFAULT_ORGANIZATION;
use crate::outbound::Outbound;
use crate::payments::remote::check::{Finding, Samples};
use crate::payments::remote::{self, Remote};
use crate::payments::stripe::{
    API_VERSION, Accounts, Client, Connection, NewCredentials, SEALED_FOR, accounts,
    webhook_endpoint,
};
use crate::signing::SigningSecrets;
use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use std::io::Read as _;

/// The permissions of a restricted key; docs/stripe.md has the same list.
const PERMISSIONS: &str = "a restricted key needs: write Customers, PaymentIntents, SetupIntents, \
    PaymentMethods, Charges and Refunds; read Disputes, Events, Account; \
    write Webhook Endpoints for --register-webhook";
const BAD_SECRET: &str = "the secret on standard input must be whsec_ and 24 to 64 bytes in base64";
const MAX_INPUT_BYTES: u64 = 16_384;

#[derive(Subcommand)]
pub enum Processors {
    /// Connect a processor, to which new payments then go. stripe: reads secret_key=…,
    /// publishable_key=… and webhook_secret=… on standard input, one a line, checks the secret key and
    /// prints the address for webhooks. http: reads the secret that `processors secret` made, calls the
    /// service at --url and prints the address for its events
    Connect {
        #[command(flatten)]
        account: Account,
        /// The base URL of a processor over HTTP
        #[arg(long)]
        url: Option<String>,
        /// Create the webhook endpoint at Stripe, and keep its secret; needs `public_url`
        #[arg(long)]
        register_webhook: bool,
    },
    /// Replace credentials. stripe: reads some of them as `connect` does; a new webhook secret is valid
    /// beside the one before it. http: makes and prints a new secret; the one before it is valid for a day
    Rotate(Account),
    /// Delete an account's secrets; its customers and cards are found again if it is reconnected
    Disconnect(Account),
    /// List the accounts of all organizations: never a secret
    List,
    /// Make a secret for a processor over HTTP, and print it
    Secret,
    /// Check a processor over HTTP against the protocol in its sandbox environment: makes test charges and
    /// prints a report. Reads the service's secret on standard input; needs no store
    Check(Check),
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

#[derive(Args)]
pub struct Check {
    /// The base URL of the service: any address
    #[arg(long)]
    url: String,
    /// A token of the service for a card that is charged
    #[arg(long, default_value = "tok_good")]
    good_token: String,
    /// A token of the service for a card that is declined
    #[arg(long, default_value = "tok_declined")]
    declined_token: String,
    #[arg(long, default_value = "USD")]
    currency: String,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Name {
    Stripe,
    Http,
}

pub async fn run(config: &Config, command: Processors) -> anyhow::Result<()> {
    let open = || Store::open(config, Purpose::Beside);
    match command {
        Processors::Secret => print(SigningSecrets::generate(&Random::system()).reveal().reveal()),
        Processors::Check(given) => check(&given).await,
        Processors::Connect { account, url, register_webhook } => match (account.processor, url) {
            (Name::Stripe, None) => {
                connect_stripe(config, &open().await?, &account, register_webhook).await
            }
            (Name::Http, Some(url)) if !register_webhook => {
                connect_remote(config, &open().await?, &account, &url).await
            }
            (Name::Http, None) => bail!("--url is needed to connect a processor over HTTP"),
            (Name::Stripe, Some(_)) => bail!("--url is for processors over HTTP only"),
            (Name::Http, Some(_)) => bail!("--register-webhook is for Stripe only"),
        },
        Processors::Rotate(account) => rotate(config, &open().await?, &account).await,
        Processors::Disconnect(account) => {
            let store = open().await?;
            let tenant = store.tenant(&account.org, account.env).await?;
            let (random, now) = (&store.random, store.clock.now());
            match account.processor {
                Name::Stripe => accounts::disconnect(&store.db, &tenant, random, now).await?,
                Name::Http => remote::disconnect(&store.db, &tenant, random, now).await?,
            }
            say("disconnected");
            Ok(())
        }
        Processors::List => list(config, &open().await?).await,
    }
}

async fn rotate(config: &Config, store: &Store, account: &Account) -> anyhow::Result<()> {
    match account.processor {
        Name::Stripe => {
            keep(config, store, account, true).await?;
            say("replaced");
            Ok(())
        }
        Name::Http => {
            let tenant = store.tenant(&account.org, account.env).await?;
            let secret = connections_of(config, store).rotate(&store.db, &tenant).await?;
            say("the secret before this one is valid for one day");
            print(secret.reveal())
        }
    }
}

async fn connect_stripe(
    config: &Config,
    store: &Store,
    account: &Account,
    register_webhook: bool,
) -> anyhow::Result<()> {
    if register_webhook && config.public_url.is_empty() {
        bail!(
            "--register-webhook needs public_url, the address at which Stripe reaches this server"
        );
    }
    let connection = keep(config, store, account, false).await?;
    remote::step_back(&store.db, &connection.tenant).await?;
    let url = connection.webhook_url(&config.public_url);
    if register_webhook {
        register(config, store, &connection, &url).await?;
        say("connected; Stripe sends its webhooks to the address below");
    } else {
        say("connected; have Stripe send its webhooks to the address below, of API version");
        say(&format!("{API_VERSION}, then: unitpay processors rotate, with webhook_secret=…"));
    }
    say(PERMISSIONS);
    print(&url)
}

async fn connect_remote(
    config: &Config,
    store: &Store,
    account: &Account,
    url: &str,
) -> anyhow::Result<()> {
    let tenant = store.tenant(&account.org, account.env).await?;
    let secrets = SigningSecrets::parse(&read_input()?).context(BAD_SECRET)?;
    let connections = connections_of(config, store);
    let connection = connections.connect(&store.db, &tenant, url, secrets).await?;
    say("connected; new payments go to this processor, and its events to the address below");
    print(&connection.webhook_url(&config.public_url))
}

/// Prints one line for each case, and fails if one failed.
async fn check(given: &Check) -> anyhow::Result<()> {
    let secrets = SigningSecrets::parse(&read_input()?).context(BAD_SECRET)?;
    let samples = Samples {
        good: given.good_token.clone(),
        declined: given.declined_token.clone(),
        currency: given.currency.parse().ok().context("--currency must be a currency")?,
    };
    let (clock, random) = (Clock::system(), Random::system());
    let ids = Ids::new(clock.clone(), random.clone());
    let remote = Remote::anywhere(&given.url, secrets, clock, random)?;
    let findings = remote::check::check(&remote, &ids, &samples).await;
    let failed = findings.iter().filter(|finding| finding.result.is_err()).count();
    for Finding { case, result } in &findings {
        match result {
            Ok(()) => print(&format!("ok    {case}"))?,
            Err(reason) => print(&format!("FAIL  {case}: {reason}"))?,
        }
    }
    if failed > 0 {
        bail!("{failed} of {} cases failed", findings.len());
    }
    print(&format!("all {} cases are as docs/processors.md says", findings.len()))
}

fn connections_of(config: &Config, store: &Store) -> remote::Connections {
    let outbound = Outbound::new(policy(&config.webhooks));
    let (clock, random) = (store.clock.clone(), store.random.clone());
    remote::Connections::new(&config.webhooks, outbound, &store.signing, clock, random)
}

fn read_input() -> anyhow::Result<String> {
    let mut input = String::new();
    std::io::stdin().take(MAX_INPUT_BYTES).read_to_string(&mut input)?;
    Ok(input)
}

async fn keep(
    config: &Config,
    store: &Store,
    account: &Account,
    known: bool,
) -> anyhow::Result<Connection> {
    let tenant = store.tenant(&account.org, account.env).await?;
    let before = accounts::of_tenant(&mut store.db.read().await?, &tenant).await?;
    if known && !before.as_ref().is_some_and(Connection::is_connected) {
        bail!("no Stripe account is connected here");
    }
    let new = read(&read_input()?)?;
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
    for connection in remote::all(&mut store.db.read().await?).await? {
        let state = if connection.is_connected() { "connected" } else { "disconnected" };
        let remote::Connection { tenant, url, account, updated_at, .. } = &connection;
        print(&format!(
            "http {} {} {state} {account} {url} changed {updated_at} {}",
            tenant.organization_id,
            tenant.environment.as_str(),
            connection.webhook_url(&config.public_url),
        ))?;
    }
    Ok(())
}
