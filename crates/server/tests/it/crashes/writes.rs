//! A device that fails to write: 503, nothing that was answered is lost, and it heals.

use crate::support::{Engine, Place, Program, get};
use serde_json::json;

/// Has every write to the store's files fail, by the error whose number a file holds.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fails(int file) {
    char link[64], path[4096], text[16] = {0};
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (!strstr(path, "unitpay.db")) return 0;
    int reason = (int)syscall(SYS_openat, AT_FDCWD, getenv("FAILS"), O_RDONLY);
    if (reason < 0) return 0;
    if (syscall(SYS_read, reason, text, sizeof text - 1) <= 0) text[0] = '5';
    syscall(SYS_close, reason);
    errno = atoi(text);
    return 1;
}

ssize_t write(int file, const void *bytes, size_t count) {
    return fails(file) ? -1 : (ssize_t)syscall(SYS_write, file, bytes, count);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) {
    return fails(file) ? -1 : (ssize_t)syscall(SYS_pwrite64, file, bytes, count, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off_t at) {
    return fails(file) ? -1 : (ssize_t)syscall(SYS_pwrite64, file, bytes, count, at);
}
"#;
const EIO: u32 = 5;
const EFBIG: u32 = 27;
const EDQUOT: u32 = 122;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failing_writes_are_503_lose_nothing_and_heal() {
    let place = Place::new(Engine::Sqlite).await;
    let (shim, fails) = (super::shim(&place, SHIM), place.path("fails"));
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("LD_PRELOAD", shim).env("FAILS", &fails);
    let mut server = Program::start(command);
    let key = place.key();
    server.customer(&key, "a").await.expect(201);
    let (mut living, mut ended) = (Vec::new(), Vec::new());
    for error in [EDQUOT, EFBIG, EIO, EDQUOT] {
        living.push(server.token(&key, "a").await);
        std::fs::write(&fails, error.to_string()).unwrap();
        for _ in 0..5 {
            let refused = server.mint(&key, json!({ "customerId": "a" })).await;
            assert_eq!(refused.header("retry-after"), Some("1"), "{error}");
            refused.refused(503, "unavailable");
        }
        for token in &living {
            server.read(token).await.expect(200);
        }
        std::fs::remove_file(&fails).unwrap();
        let minted = server.mint(&key, json!({ "customerId": "a" })).await.expect(201);
        server.revoke(&key, json!({ "jti": minted.text("jti") })).await.expect(204);
        ended.push(minted.text("token"));
        server.client.call(get("/readyz")).await.expect(200);
        assert!(server.runs(), "{error}");
    }
    server.kill();
    let server = place.serve();
    for token in &living {
        server.read(token).await.expect(200);
    }
    for token in &ended {
        server.read(token).await.refused(401, "session_revoked");
    }
}

/// The limit that `ulimit -f` sets: its signal would end the process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limit_of_file_sizes_is_503_and_ends_no_process() {
    let place = Place::new(Engine::Sqlite).await;
    let key = place.key();
    let command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    let mut limited = std::process::Command::new("sh");
    // In blocks of 512 or 1024 bytes; the log on a pipe has no size.
    limited.args(["-c", "ulimit -f 1500 && exec \"$0\" \"$@\""]).arg(command.get_program());
    limited.args(command.get_args());
    let mut server = Program::start(limited);
    server.customer(&key, "a").await.expect(201);
    let living = server.token(&key, "a").await;
    let mut refused = 0;
    for _ in 0..5_000 {
        let minted = server.mint(&key, json!({ "customerId": "a" })).await;
        if minted.status == 201 {
            continue;
        }
        minted.refused(503, "unavailable");
        refused += 1;
        if refused == 3 {
            break;
        }
    }
    assert_eq!(refused, 3, "the limit was not reached");
    server.read(&living).await.expect(200);
    assert!(server.runs());
    server.kill();
    let server = place.serve();
    server.read(&living).await.expect(200);
    server.token(&key, "a").await;
}
