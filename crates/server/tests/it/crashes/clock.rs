//! A wall clock that jumps, under a server that runs.

use crate::support::{Engine, Place, Program};
use serde_json::json;
use std::path::PathBuf;

/// Moves the wall clock of one process by the seconds that a file holds.
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
        let shim = super::shim(&place, SHIM);
        Self { place, by, shim }
    }

    /// Sets the wall clock so many seconds off, at once as no reader may find the file empty.
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

#[tokio::test]
async fn a_clock_set_back_revives_no_expired_token() {
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
    // Time goes on from where it was: what is minted now outlives what was minted before.
    let minted = mint().await.expect(201);
    server.read(&minted.text("token")).await.expect(200);
    assert!(minted.text("expiresAt") >= expiry_of(&late));
    jumping.jump(86_400);
    server.read(&late).await.refused(401, "token_expired");
}

fn expiry_of(token: &str) -> String {
    use base64::Engine as _;
    let payload = token.split('.').nth(1).unwrap();
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    unitpay::base::Time::from_seconds(claims["exp"].as_i64().unwrap()).to_string()
}

/// A revocation is no matter of clocks: it holds across a restart with the clock set back.
#[tokio::test]
async fn a_clock_set_back_across_a_restart_revives_no_revoked_session() {
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
