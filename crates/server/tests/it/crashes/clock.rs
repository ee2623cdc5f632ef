//! A jumping wall clock under a running server.

use crate::support::{Engine, Place, Program, get, ok, post};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Shifts the wall clock of one process by the seconds in a file.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *now) {
    long result = syscall(SYS_clock_gettime, id, now);
    int file = id == CLOCK_REALTIME ? open(getenv("JUMP"), O_RDONLY) : -1;
    if (file >= 0) {
        char text[32] = {0};
        if (read(file, text, sizeof text - 1) > 0) now->tv_sec += atol(text);
        close(file);
    }
    return (int)result;
}
"#;

pub struct Jumping {
    pub place: Place,
    by: PathBuf,
    shim: PathBuf,
}

impl Jumping {
    pub async fn new(engine: Engine) -> Self {
        let place = Place::new(engine).await;
        let by = place.path("jump");
        std::fs::write(&by, "0").unwrap();
        if let Some(url) = &place.database {
            shift_clock(url, &by).await;
        }
        let shim = super::shim(&place, SHIM);
        Self { place, by, shim }
    }

    /// Shifts the wall clock by this many seconds, atomically, because no reader may find the file
    /// empty.
    pub fn jump(&self, seconds: i64) {
        let next = self.place.path("jump.next");
        std::fs::write(&next, seconds.to_string()).unwrap();
        std::fs::rename(&next, &self.by).unwrap();
    }

    pub fn serve(&self) -> Program {
        let mut command = self.place.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("LD_PRELOAD", &self.shim).env("JUMP", &self.by);
        Program::start(command)
    }
}

/// Makes the database's clock, which nodes compare theirs with, jump with the program's.
async fn shift_clock(url: &str, by: &Path) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let database = url.rsplit('/').next().unwrap();
    let shift = format!(
        "CREATE FUNCTION public.clock_timestamp() RETURNS TIMESTAMPTZ LANGUAGE SQL VOLATILE AS $$ \
         SELECT pg_catalog.clock_timestamp() + pg_read_file('{}')::FLOAT8 * INTERVAL '1 second' $$; \
         ALTER DATABASE {database} SET search_path = public, pg_catalog",
        by.display()
    );
    client.batch_execute(&shift).await.unwrap();
}

#[tokio::test]
async fn clock_set_back_revives_no_expired_token() {
    let jumping = Jumping::new(Engine::Sqlite).await;
    let server = jumping.serve();
    let key = jumping.place.key();
    server.customer(&key, "a").await.expect(201);
    let mint = || server.mint(&key, json!({ "customerId": "a", "ttlSeconds": 600 }));
    let early = mint().await.expect(201).text("token");
    server.read(&early).await.expect(200);
    jumping.jump(601);
    server.read(&early).await.refused(401, "token_expired");
    let late = mint().await.expect(201).text("token");
    for back in [600, 0, -86_400, -1_000_000_000] {
        jumping.jump(back);
        server.read(&early).await.refused(401, "token_expired");
        server.read(&late).await.expect(200);
    }
    // Time continues from where it was: a later mint expires after an earlier one.
    let minted = mint().await.expect(201);
    server.read(&minted.text("token")).await.expect(200);
    assert!(minted.text("expiresAt") >= expiry_of(&late));
    jumping.jump(2 * 601);
    server.read(&late).await.refused(401, "token_expired");
}

/// Four hundred days ahead, under a server that renews what is due every few seconds.
#[tokio::test]
async fn jump_of_the_wall_clock_bills_nothing_until_it_is_confirmed() {
    let jumping = Jumping::new(Engine::Sqlite).await;
    let server = jumping.serve();
    let key = jumping.place.key();
    let product = server.make(&key, "products", json!({ "slug": "p", "name": "P" })).await;
    let plan = json!({ "productId": product, "slug": "pro", "name": "Pro", "status": "active",
        "billingInterval": "month", "currency": "USD", "charges": [{ "type": "recurring", "amount": 2_000 }] });
    let plan = server.make(&key, "plans", plan).await;
    server.customer(&key, "a").await.expect(201);
    let call = |path: &str, body| server.client.call(post(path, &body).key(&key));
    let card = json!({ "processorToken": "pm_sandbox_visa" });
    call("/v1/customers/a/payment-methods", card).await.expect(201);
    call("/v1/subscriptions", json!({ "customerId": "a", "planId": plan })).await.expect(200);
    let token = server.token(&key, "a").await;
    let invoices = async || {
        let list = server.client.call(get("/v1/invoices?limit=100").key(&key)).await.expect(200);
        list.json()["data"].as_array().unwrap().len()
    };

    jumping.jump(400 * 86_400);
    server.wait_for("ahead of the monotonic clock");
    let ready = server.client.call(get("/readyz")).await.refused(503, "unavailable");
    assert!(ready.text("detail").contains("unitpay accept-clock"));
    server.mint(&key, json!({ "customerId": "a" })).await.refused(503, "unavailable");
    jumping.jump(0);
    server.wait_for("the clock is trusted again");
    server.client.call(get("/readyz")).await.expect(200);
    server.read(&token).await.expect(200);
    assert_eq!(invoices().await, 1);

    jumping.jump(40 * 86_400);
    let mut accept = jumping.place.command(&["accept-clock"]);
    ok(accept.env("LD_PRELOAD", &jumping.shim).env("JUMP", &jumping.by));
    server.wait_for("an operator confirmed the wall clock");
    while invoices().await == 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(invoices().await, 2);
}

#[tokio::test]
async fn accept_clock_is_refused_on_postgresql() {
    let place = crate::support::Place::new(Engine::Postgres).await;
    assert!(place.refused(&["accept-clock"]).contains("set this machine's clock right"));
}

fn expiry_of(token: &str) -> String {
    use base64::Engine as _;
    let payload = token.split('.').nth(1).unwrap();
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    unitpay::testing::base::Time::from_seconds(claims["exp"].as_i64().unwrap()).to_string()
}

/// A revocation does not depend on clocks: it holds across a restart with the clock set back.
#[tokio::test]
async fn clock_set_back_over_restart_revives_no_revoked_session() {
    let jumping = Jumping::new(Engine::Sqlite).await;
    jumping.jump(3_600);
    let mut server = jumping.serve();
    let key = jumping.place.key();
    server.customer(&key, "a").await.expect(201);
    let minted = server.mint(&key, json!({ "customerId": "a" })).await.expect(201);
    let all = server.token(&key, "a").await;
    server.revoke(&key, json!({ "jti": minted.text("jti") })).await.expect(204);
    server.revoke(&key, json!({ "customerId": "a" })).await.expect(204);
    server.kill();
    jumping.jump(-3_600);
    let server = jumping.serve();
    server.read(&minted.text("token")).await.refused(401, "session_revoked");
    server.read(&all).await.refused(401, "session_revoked");
    let fresh = server.token(&key, "a").await;
    server.read(&fresh).await.expect(200);
}
