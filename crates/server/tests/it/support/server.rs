//! A server in this process, with its own store and a clock that the test advances.

use super::{
    Answer, Client, Request, SmtpServer, delete, deliver_here, fresh_database, get, mail_to, post,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use unitpay::testing::app::App;
use unitpay::testing::audit::Actor;
use unitpay::testing::base::{Clock, Ids, OrganizationId, Random, Time};
use unitpay::testing::config::Config;
use unitpay::testing::db::{Db, DbError, Lane, Postgres, PostgresOptions, Sql, Sqlite, Tx, sql};
use unitpay::testing::http::listener;
use unitpay::testing::keys::{self, KeyKind, KeyScopes, NewApiKey};
use unitpay::testing::organizations::{self, Environment, Tenant};
use unitpay::testing::routes;
use unitpay::testing::signing::{MasterKey, SigningKeys};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// A running server with an organization and a sandbox key with all scopes.
pub struct Test {
    pub engine: Engine,
    pub app: Arc<App>,
    pub client: Arc<Client>,
    pub key: String,
    pub tenant: Tenant,
    store: Store,
    stop: watch::Sender<bool>,
}

/// The public URL of every server unless a test sets another one.
const ISSUER: &str = "https://billing.example.com";

/// The location of a test's data.
#[derive(Clone, Debug)]
enum Store {
    File(Arc<Folder>),
    Database(String),
}

/// A folder that is removed with the test.
#[derive(Debug)]
pub struct Folder(pub std::path::PathBuf);

impl Folder {
    pub fn make() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("unitpay-it-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Test {
    /// Starts a server with the default configuration and without rate limits.
    pub async fn start(engine: Engine) -> Self {
        Self::start_with(engine, |_| {}).await
    }

    /// Starts a server with a configuration that the test changes.
    pub async fn start_with(engine: Engine, change: impl FnOnce(&mut Config)) -> Self {
        let store = match engine {
            Engine::Sqlite => Store::File(Arc::new(Folder::make())),
            Engine::Postgres => Store::Database(fresh_database().await),
        };
        let clock = Clock::manual(Time::from_seconds(1_893_456_000));
        let (app, client, stop) = run(&store, clock, ISSUER, change).await;
        let tenant = make_organization(&app, "default").await;
        let key = make_key(&app, tenant, KeyKind::Secret, KeyScopes::ALL).await;
        Self { engine, app, client, key, tenant, store, stop }
    }

    /// Another node on the same store, with a clock of its own that starts at this one's time.
    pub async fn another_node(&self) -> Self {
        self.another_node_with(Clock::manual(self.app.clock.now()), &self.app.issuer).await
    }

    /// Another node on the same store, with this clock and this public URL.
    pub async fn another_node_with(&self, clock: Clock, issuer: &str) -> Self {
        self.another(clock, issuer, |_| {}).await
    }

    /// Another node that sends e-mail to this SMTP server.
    pub async fn another_mailing_node(&self, smtp: &SmtpServer) -> Self {
        let clock = Clock::manual(self.app.clock.now());
        self.another(clock, &self.app.issuer, |config| mail_to(config, smtp.port)).await
    }

    /// Another node that reaches services on this machine.
    pub async fn another_delivering_node(&self) -> Self {
        let clock = Clock::manual(self.app.clock.now());
        self.another(clock, &self.app.issuer, deliver_here).await
    }

    async fn another(&self, clock: Clock, issuer: &str, change: impl FnOnce(&mut Config)) -> Self {
        let (app, client, stop) = run(&self.store, clock, issuer, change).await;
        let (key, tenant) = (self.key.clone(), self.tenant);
        Self { engine: self.engine, app, client, key, tenant, store: self.store.clone(), stop }
    }

    /// Stops the server like SIGTERM.
    pub fn stop(&self) {
        self.stop.send(true).unwrap();
    }

    pub fn advance(&self, seconds: u64) {
        self.app.clock.advance(Duration::from_secs(seconds));
    }

    /// Another organization (its sandbox) on the same server.
    pub async fn organization(&self, name: &str) -> Tenant {
        make_organization(&self.app, name).await
    }

    /// The other environment of an organization.
    pub async fn live(&self, organization: OrganizationId) -> Tenant {
        let mut tx = self.app.db.read().await.unwrap();
        organizations::tenant(&mut tx, organization, Environment::Live).await.unwrap().unwrap()
    }

    /// A secret key of a tenant with these scopes.
    pub async fn key_of(&self, tenant: Tenant, scopes: KeyScopes) -> String {
        make_key(&self.app, tenant, KeyKind::Secret, scopes).await
    }

    /// A publishable key of a tenant.
    pub async fn publishable_key_of(&self, tenant: Tenant) -> String {
        make_key(&self.app, tenant, KeyKind::Publishable, KeyScopes::default()).await
    }

    /// Returns the secret key with a wrong last character.
    pub fn mistyped_key(&self) -> String {
        let (start, last) = self.key.split_at(self.key.len() - 1);
        format!("{start}{}", if last == "x" { "y" } else { "x" })
    }

    /// Copies a session's row this many times, with new ids.
    pub async fn copy_session(&self, sid: &str, times: i64) {
        const COPY: Sql = sql("INSERT INTO portal_sessions (sid, tenant_no, customer_no, \
            generation, api_key_id, scopes, allowed_origins, metadata, created_at, ttl_seconds, \
            absolute_expires_at, kid, digest, issued_at, expires_at) \
            WITH RECURSIVE n(i) AS (SELECT CAST($1 AS BIGINT) UNION ALL \
            SELECT i + 1 FROM n WHERE i < CAST($2 AS BIGINT)) \
            SELECT substr(s.sid, 1, 22) || substr(CAST(10000000 + n.i AS TEXT), 2), s.tenant_no, \
            s.customer_no, s.generation, s.api_key_id, s.scopes, s.allowed_origins, s.metadata, \
            s.created_at, s.ttl_seconds, s.absolute_expires_at, s.kid, s.digest, s.issued_at, \
            s.expires_at FROM portal_sessions s, n WHERE s.sid = $3");
        // In steps: a statement has a time limit.
        for first in (1..=times).step_by(10_000) {
            let (sid, last) = (sid.to_owned(), times.min(first + 9_999));
            let copied = self.app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
                tx.execute(&COPY, &[first.into(), last.into(), (&sid).into()]).await
            });
            assert_eq!(copied.await.unwrap(), (last - first + 1).unsigned_abs());
        }
    }

    /// Returns the result of a statement that counts.
    pub async fn count(&self, statement: &'static Sql) -> i64 {
        let mut tx = self.app.db.read().await.unwrap();
        tx.one(statement, &[], |row| row.take()).await.unwrap().unwrap()
    }

    /// Returns the text in the one row of a statement.
    pub async fn text_of(&self, statement: &'static Sql) -> String {
        let mut tx = self.app.db.read().await.unwrap();
        tx.one(statement, &[], |row| row.take()).await.unwrap().unwrap()
    }

    pub async fn suspend(&self, suspended: bool) {
        let id = self.tenant.organization_id;
        self.app
            .db
            .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
                organizations::suspend(tx, id, suspended).await
            })
            .await
            .unwrap();
    }

    /// Returns the newest entries of all lists: equal if nothing changed.
    pub async fn state(&self) -> Vec<Value> {
        let mut lists = Vec::new();
        for path in [
            "customers",
            "portal-sessions",
            "api-keys",
            "audit-events",
            "products",
            "plans",
            "features",
            "billable-metrics",
            "credit-currencies",
            "credit-packages",
            "credit-accounts",
            "subscriptions",
            "invoices",
            "branding",
        ] {
            let request = get(format!("/v1/{path}?limit=100")).key(&self.key);
            lists.push(self.call(request).await.expect(200).json());
        }
        lists
    }

    pub async fn call(&self, request: Request) -> Answer {
        self.client.call(request).await
    }

    /// Creates an object of one of the lists and returns its id.
    pub async fn make(&self, list: &str, body: Value) -> String {
        self.call(post(format!("/v1/{list}"), &body).key(&self.key)).await.expect(201).text("id")
    }

    /// Inserts a subscription, whatever its plan's status, with a usage period of 30 days that
    /// began a day ago.
    pub async fn subscribed(&self, customer: &str, plan: &str, product: &str, status: &str) {
        const SUBSCRIBE: Sql = sql("INSERT INTO subscriptions (tenant_no, customer_no, id, \
            product_id, plan_id, quantity, status, billing_interval, currency, collection_method, \
            anchor, current_period_start, current_period_end, usage_period_start, \
            usage_period_end, metadata, created_at, updated_at) \
            SELECT c.tenant_no, c.no, CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), 1, \
            CAST($4 AS TEXT), 'month', 'USD', 'charge_automatically', CAST($5 AS BIGINT), \
            CAST($5 AS BIGINT), CAST($6 AS BIGINT), CAST($5 AS BIGINT), CAST($6 AS BIGINT), '{}', \
            CAST($5 AS BIGINT), CAST($5 AS BIGINT) FROM customers c WHERE c.external_id = $7");
        let (id, now) = (self.app.ids.subscription(), self.app.clock.now());
        let (start, end) = (now.plus_days(-1), now.plus_days(29));
        let [customer, plan, product, status] =
            [customer, plan, product, status].map(str::to_owned);
        let made = self.app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            let values = [
                id.into(),
                (&product).into(),
                (&plan).into(),
                (&status).into(),
                start.into(),
                end.into(),
                (&customer).into(),
            ];
            tx.execute(&SUBSCRIBE, &values).await
        });
        assert_eq!(made.await.unwrap(), 1);
    }

    /// Creates a customer and returns our id.
    pub async fn customer(&self, external_id: &str) -> String {
        let body = json!({ "name": "A", "email": "a@example.com", "externalId": external_id });
        self.call(post("/v1/customers", &body).key(&self.key)).await.expect(201).text("id")
    }

    pub async fn mint(&self, body: Value) -> Answer {
        self.call(post("/v1/portal-sessions", &body).key(&self.key)).await
    }

    /// Mints a session of a customer and returns its token.
    pub async fn token(&self, customer: &str) -> String {
        self.mint(json!({ "customerId": customer })).await.expect(201).text("token")
    }

    pub async fn revoke(&self, body: Value) -> Answer {
        self.call(post("/v1/portal-sessions/revoke", &body).key(&self.key)).await
    }

    /// Returns the sessions in the backend's list, newest first, for a query.
    pub async fn sessions(&self, query: &str) -> Vec<Value> {
        let list = get(format!("/v1/portal-sessions{query}")).key(&self.key);
        self.call(list).await.expect(200).json()["data"].as_array().unwrap().clone()
    }

    /// Ends a session, like a browser that logs out.
    pub async fn log_out(&self, token: &str) -> Answer {
        self.call(delete("/v1/portal-sessions/current").bearer(token)).await
    }

    /// Archives a customer or, with `unarchive`, unarchives it.
    pub async fn set_archived(&self, customer: &str, how: &str) -> Answer {
        let path = format!("/v1/customers/{customer}/{how}");
        self.call(post(path, &json!({})).key(&self.key)).await
    }

    /// Sends the browser's first request.
    pub async fn read(&self, token: &str) -> Answer {
        self.call(get("/v1/portal-sessions/current").bearer(token)).await
    }

    pub async fn refresh(&self, token: &str) -> Answer {
        self.call(Request::new("POST", "/v1/portal-sessions/refresh").bearer(token)).await
    }
}

/// Nodes that start at the same time on one empty PostgreSQL database.
pub async fn nodes_at_once(count: usize) -> Vec<Arc<App>> {
    let store = Store::Database(fresh_database().await);
    let clock = Clock::manual(Time::from_seconds(1_893_456_000));
    let nodes = (0..count).map(|_| run(&store, clock.clone(), ISSUER, |_| {}));
    join_all(nodes).await.into_iter().map(|(app, ..)| app).collect()
}

/// Returns the unverified claims of a token.
pub fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

async fn run(
    store: &Store,
    clock: Clock,
    issuer: &str,
    change: impl FnOnce(&mut Config),
) -> (Arc<App>, Arc<Client>, watch::Sender<bool>) {
    let mut config = Config::load(None, [], &[]).unwrap();
    config.limits.portal_session_per_second = 0;
    config.limits.logins_per_hour = 0;
    // Tests of the grace turn it on: elsewhere an ended subscription is billed at once.
    config.billing.usage_grace_seconds = 0;
    config.limits.bad_credentials_per_second = 0;
    config.postgres.connections = 6;
    change(&mut config);
    issuer.clone_into(&mut config.public_url);
    let db = match store {
        Store::File(folder) => Db::Sqlite(Sqlite::open(&folder.0.join("unitpay.db")).unwrap()),
        Store::Database(url) => Db::Postgres(
            Postgres::new(&PostgresOptions {
                url: url.clone(),
                connections: config.postgres.connections,
                root_certificates: None,
            })
            .unwrap(),
        ),
    };
    db.migrate().await.unwrap();
    let random = Random::system();
    let master = MasterKey::new([7; 32]);
    let signing = SigningKeys::open(db.clone(), master, &clock, &random).await.unwrap();
    let app = Arc::new(App::new(config, clock, random, db, signing));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Arc::new(Client::new(listener.local_addr().unwrap()));
    let (stop, stopping) = watch::channel(false);
    let router = routes::router(&app);
    let http = app.config.http.clone();
    tokio::spawn(async move { listener::serve(listener, router, &http, stopping).await });
    (app, client, stop)
}

async fn make_organization(app: &App, name: &str) -> Tenant {
    let (id, now, name) = (app.ids.organization(), app.clock.now(), name.to_owned());
    let made = app
        .db
        .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            organizations::insert(tx, id, &name, now).await
        })
        .await;
    assert!(made.unwrap());
    let mut tx = app.db.read().await.unwrap();
    organizations::tenant(&mut tx, id, Environment::Sandbox).await.unwrap().unwrap()
}

async fn make_key(app: &App, tenant: Tenant, kind: KeyKind, scopes: KeyScopes) -> String {
    let new = NewApiKey { kind, name: "test".into(), scopes, expires_at: None };
    let made = keys::make(&new, &app.ids, &app.random, app.clock.now());
    let text = made.secret.reveal().to_owned();
    let ids: Ids = app.ids.clone();
    app.db
        .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            keys::store(tx, &tenant, &made, Actor::Operator, &ids).await?;
            Ok::<_, DbError>(())
        })
        .await
        .unwrap();
    text
}
