//! `unitpay demo`: starts a server with sample data.

mod catalog;
mod story;
mod walk;

use self::story::{ACME, ADA, Company, GLOBEX, Story};
use super::manage::create_key;
use super::serve::{Server, start_log};
use super::store::{Purpose, Store};
use super::{Listen, Which, print, say};
use crate::app::App;
use crate::base::{Clock, Random};
use crate::config::{Config, Optional, SmtpServer};
use crate::customers::billing::BillingChange;
use crate::customers::{self, CustomerRef, NewCustomer};
use crate::db::{Lane, Tx};
use crate::keys::{KeyKind, KeyScopes, NewApiKey};
use crate::organizations::{self, DEFAULT_ORGANIZATION, Environment};
use anyhow::Context;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;

/// The address that its e-mail is from.
const SENDER: &str = "billing@nimbus.example";

/// Serves a store with sample data and prints how to use it.
pub async fn run(which: &Which, listen: &Listen) -> anyhow::Result<()> {
    let config = which.config(listen)?;
    let log = start_log(&config)?;
    let shown = show(which, config).await;
    log.flush();
    shown
}

async fn show(which: &Which, mut config: Config) -> anyhow::Result<()> {
    let temporary = match (&which.data_dir, config.database_url.is_empty()) {
        (None, true) => Some(Temporary::make()?),
        (Some(_), _) | (None, false) => None,
    };
    if let Some(Temporary(folder)) = &temporary {
        config.data_dir.clone_from(folder);
    }
    keep_mail_here(&mut config)?;
    let key = seed(&config).await?;
    let server = Server::start(config).await?;
    let story = Story::new(&server.app, key.clone());
    print(&walk::walk(&story, &server.address, &key).await?)?;
    server.run_until_told().await
}

/// The demo sends no real mail: its messages are written into a folder, unless an SMTP server on this
/// machine takes them.
fn keep_mail_here(config: &mut Config) -> anyhow::Result<()> {
    let email = &mut config.email;
    email.sandbox = true;
    if !email.server.0.as_ref().is_some_and(SmtpServer::is_loopback) {
        email.server = Optional(None);
        if email.folder().is_none() {
            email.folder = config.data_dir.join("outbox");
        }
        let sender = email.sender.0.take().map_or_else(|| SENDER.parse(), Ok);
        email.sender = Optional(Some(sender.context("cannot read the sender")?));
    }
    Ok(())
}

/// A temporary folder that is removed at the end.
struct Temporary(PathBuf);

impl Temporary {
    fn make() -> anyhow::Result<Self> {
        // An unpredictable name, because every user may write to the parent folder.
        let unique = u64::from_ne_bytes(Random::system().bytes());
        let folder = std::env::temp_dir().join(format!("unitpay-demo-{unique:016x}"));
        let made = DirBuilder::new().mode(0o700).create(&folder);
        made.with_context(|| format!("cannot make the folder {}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            say(&format!("cannot remove {}: {error}", self.0.display()));
        }
    }
}

/// Creates missing customers, and a key.
async fn seed(config: &Config) -> anyhow::Result<String> {
    let store = Store::open(config, Purpose::Beside).await?;
    let organization = store.organization(DEFAULT_ORGANIZATION).await?.id;
    let sandbox = Environment::Sandbox;
    let tenant = organizations::tenant(&mut store.db.read().await?, organization, sandbox)
        .await?
        .context("the organization has no sandbox")?;
    for Company { external_id, name, email } in [ADA, ACME, GLOBEX] {
        let reference = CustomerRef::External(external_id.to_owned());
        if customers::get(&mut store.db.read().await?, &tenant, &reference).await?.is_some() {
            continue;
        }
        let new = NewCustomer {
            external_id: Some(external_id.to_owned()),
            name: name.to_owned(),
            email: email.to_owned(),
            metadata: "{}".to_owned(),
            billing: BillingChange::default(),
        };
        // The customers exist when their story begins.
        let author = store.author(story::beginning(store.clock.now()));
        store
            .db
            .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
                customers::create(tx, &tenant, &new, &author).await
            })
            .await
            .map_err(|error| anyhow::anyhow!("cannot make the customer {name}: {error:?}"))?;
    }
    let new = NewApiKey {
        kind: KeyKind::Secret,
        name: "demo".to_owned(),
        scopes: KeyScopes::USUAL,
        expires_at: None,
    };
    let key = create_key(&store, organization, sandbox, &new).await?;
    let now = store.clock.now();
    let Store { db, random, signing, .. } = store;
    let clock = Clock::manual(story::beginning(now));
    // Billing runs as usual, except for the public address, which is not known yet.
    let config = Config { public_url: String::new(), ..config.clone() };
    let app = App::new(config, clock, random, db.clone(), signing);
    Story::new(&Arc::new(app), key.clone()).tell(now).await?;
    db.close();
    Ok(key)
}
