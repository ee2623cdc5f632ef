//! `unitpay demo`: one command to see it work.

mod story;

use self::story::Story;
use super::manage::create_key;
use super::serve::{Server, start_log};
use super::store::{Purpose, Store};
use super::{Listen, Which, print, say};
use crate::app::App;
use crate::audit::Actor;
use crate::base::{Clock, CustomerId, Random};
use crate::config::Config;
use crate::customers::billing::BillingChange;
use crate::customers::{self, CustomerRef, NewCustomer};
use crate::db::{Lane, Tx};
use crate::keys::{KeyKind, KeyScopes, NewApiKey};
use crate::organizations::{self, DEFAULT_ORGANIZATION, Environment};
use anyhow::Context;
use http::Method;
use serde_json::json;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;

/// The seeded customers: the integrator's id, name, e-mail address.
const CUSTOMERS: [(&str, &str, &str); 3] = [
    ("cus_123", "Ada Lovelace", "ada@example.com"),
    ("acme", "Acme Incorporated", "billing@acme.example"),
    ("globex", "Globex Corporation", "accounts@globex.example"),
];

/// Serves a store with something in it and prints how to use it.
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
    let (key, customer) = seed(&config).await?;
    let server = Server::start(config).await?;
    let body = json!({ "customerId": CUSTOMERS[0].0 });
    let story = Story::new(&server.app, key.clone());
    let session = story.ask(Method::POST, "/v1/portal-sessions", &body).await?;
    let url = session["url"].as_str().context("a session without a URL")?;
    print(&walk(&server.address, url, &key, customer))?;
    server.run_until_told().await
}

/// A folder that is removed in the end.
struct Temporary(PathBuf);

impl Temporary {
    fn make() -> anyhow::Result<Self> {
        // A name that nobody can have taken before, in a folder that everybody may write to.
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

/// Makes the customers where they are absent, and a key.
async fn seed(config: &Config) -> anyhow::Result<(String, CustomerId)> {
    let store = Store::open(config, Purpose::Beside).await?;
    let organization = store.organization(DEFAULT_ORGANIZATION).await?.id;
    let sandbox = Environment::Sandbox;
    let tenant = organizations::tenant(&mut store.db.read().await?, organization, sandbox)
        .await?
        .context("the organization has no sandbox")?;
    for (external_id, name, email) in CUSTOMERS {
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
        let (ids, now) = (store.ids.clone(), store.clock.now());
        store
            .db
            .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
                customers::create(tx, &tenant, &new, Actor::Operator, &ids, now).await
            })
            .await
            .map_err(|error| anyhow::anyhow!("cannot make the customer {name}: {error:?}"))?;
    }
    let ada = CustomerRef::External(CUSTOMERS[0].0.to_owned());
    let ada = customers::get(&mut store.db.read().await?, &tenant, &ada).await?;
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
    // What the story says is billed as ever, but for the address, which is not known yet.
    let app = App::new(config.clone(), String::new(), clock, random, db.clone(), signing);
    Story::new(&Arc::new(app), key.clone()).tell(now).await?;
    db.close();
    Ok((key, ada.context("a customer just made is missing")?.id))
}

/// Each step as it can be pasted.
fn walk(address: &str, url: &str, key: &str, customer: CustomerId) -> String {
    let from_json = |name: &str| format!(r#"sed -n 's/.*"{name}":"\([^"]*\)".*/\1/p'"#);
    let (token, link) = (from_json("token"), from_json("url"));
    format!(
        r#"UnitPay is running at {address} (stop it with Ctrl-C).

The billing page of the customer cus_123; this link opens it once, within 15 minutes:
{url}

Paste these into another terminal:

# The sandbox key and the API's address; the Node SDK reads them, too.
export UNITPAY_API_KEY={key}
export UNITPAY_BASE_URL={address}/v1

# Mint: a session for the customer cus_123 (our id for it: {customer}).
TOKEN=$(curl -s $UNITPAY_BASE_URL/portal-sessions -H "x-api-key: $UNITPAY_API_KEY" -H 'content-type: application/json' -d '{{"customerId":"cus_123","ttlSeconds":3600}}' | {token}); echo $TOKEN

# Link: another one to the billing page.
curl -s $UNITPAY_BASE_URL/portal-sessions -H "x-api-key: $UNITPAY_API_KEY" -H 'content-type: application/json' -d '{{"customerId":"cus_123"}}' | {link}

# Read: what the browser gets for the token.
curl -s $UNITPAY_BASE_URL/portal-sessions/current -H "Authorization: Bearer $TOKEN"; echo

# Refresh: early, so it is the same token again.
curl -s -X POST $UNITPAY_BASE_URL/portal-sessions/refresh -H "Authorization: Bearer $TOKEN"; echo

# List: every session of the customer.
curl -s "$UNITPAY_BASE_URL/portal-sessions?customerId=cus_123" -H "x-api-key: $UNITPAY_API_KEY"; echo

# Revoke: every session of the customer. Then read again: the token is dead.
curl -s -w '%{{http_code}}\n' $UNITPAY_BASE_URL/portal-sessions/revoke -H "x-api-key: $UNITPAY_API_KEY" -H 'content-type: application/json' -d '{{"customerId":"cus_123"}}'
curl -s $UNITPAY_BASE_URL/portal-sessions/current -H "Authorization: Bearer $TOKEN"; echo
"#
    )
}
