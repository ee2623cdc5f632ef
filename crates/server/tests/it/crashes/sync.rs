//! A device that fails to sync: nothing that may be lost is acknowledged, and nothing acknowledged
//! is lost.

use crate::support::{Engine, Place, Program, post};
use serde_json::json;
use std::os::unix::process::ExitStatusExt as _;

/// Makes every sync fail while a file exists.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fails(void) {
    if (access(getenv("FAILS"), F_OK) != 0) return 0;
    errno = EIO;
    return 1;
}

int fsync(int file) {
    return fails() ? -1 : (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
    return fails() ? -1 : (int)syscall(SYS_fdatasync, file);
}
"#;
const ABORTED: i32 = 6;

#[tokio::test]
async fn failed_sync_aborts_and_restart_keeps_all_writes() {
    let place = Place::new(Engine::Sqlite).await;
    let (shim, fails) = (super::shim(&place, SHIM), place.path("fails"));
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("LD_PRELOAD", shim).env("FAILS", &fails);
    let mut server = Program::start(command);
    let key = place.key();
    server.customer(&key, "a").await.expect(201);
    let living = server.token(&key, "a").await;
    let ended = server.mint(&key, json!({ "customerId": "a" })).await.expect(201);
    server.revoke(&key, json!({ "jti": ended.text("jti") })).await.expect(204);

    std::fs::write(&fails, "").unwrap();
    let mint = post("/v1/portal-sessions", &json!({ "customerId": "a" })).key(&key);
    let answer = server.client.try_call(mint).await;
    assert!(answer.is_err(), "it was answered: {answer:?}");
    assert_eq!(server.wait().signal(), Some(ABORTED));
    let log = server.whole_log();
    assert!(log.iter().any(|line| line.contains("the database's device failed")), "{log:?}");

    let server = place.serve();
    server.read(&living).await.expect(200);
    server.read(&ended.text("token")).await.refused(401, "session_revoked");
    server.token(&key, "a").await;
}
