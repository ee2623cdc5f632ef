//! Migrate, backup, restore, new epoch.

use super::on_both_places;
use crate::support::{Engine, Folder, Place, Program};
use serde_json::json;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

on_both_places! {
    async fn a_new_epoch_ends_every_session_and_no_later_one(place) {
        let server = place.serve();
        let key = place.key();
        let mut before = Vec::new();
        for customer in ["a", "b"] {
            server.customer(&key, customer).await.expect(201);
            before.push(server.token(&key, customer).await);
        }
        place.ok(&["new-epoch"]);
        for token in before {
            server.read(&token).await.refused(401, "session_revoked");
        }
        let after = server.token(&key, "a").await;
        server.read(&after).await.expect(200);
        // Again, concurrently with a revocation of the same generation.
        server.revoke(&key, json!({ "customerId": "a" })).await.expect(204);
        place.ok(&["new-epoch"]);
        server.read(&after).await.refused(401, "session_revoked");
    }

    async fn every_command_makes_an_absent_store_and_migrate_leaves_one_as_it_is(place) {
        place.ok(&["migrate"]);
        place.ok(&["orgs", "create", "acme"]);
        place.ok(&["migrate"]);
        assert!(place.ok(&["orgs", "list"]).contains("acme"));
        for arguments in [
            &["keys", "create", "--env", "live"][..],
            &["keys", "list"],
            &["orgs", "list"],
            &["signing-keys", "list"],
            &["signing-keys", "rotate"],
            &["new-epoch"],
        ] {
            Place::new(if place.database.is_some() { Engine::Postgres } else { Engine::Sqlite })
                .await
                .ok(arguments);
        }
    }
}

#[tokio::test]
async fn migrate_refuses_a_running_or_newer_store() {
    let place = Place::new(Engine::Sqlite).await;
    let mut server = place.serve();
    assert!(place.refused(&["migrate"]).contains("another server is running"));
    assert!(server.terminate());
    let database = rusqlite::Connection::open(place.data().join("unitpay.db")).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    drop(database);
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"]] {
        assert!(place.refused(arguments).contains("newer version"));
    }
    assert!(place.refused(&["keys", "list"]).contains("another version"));
}

/// Several processes that find no store create one store and one master key.
#[tokio::test]
async fn concurrent_commands_create_one_store() {
    let place = Place::new(Engine::Sqlite).await;
    let spawn = |_| {
        let mut command = place.command(&["keys", "create", "--env", "sandbox"]);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        command.spawn().unwrap()
    };
    let started: Vec<_> = (0..6).map(spawn).collect();
    let server = place.serve();
    for child in started {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let key = String::from_utf8(output.stdout).unwrap();
        server
            .mint(key.trim(), json!({ "customerId": "x" }))
            .await
            .refused(404, "customer_not_found");
    }
}

/// A server with a customer, two tokens and a backup of them. The second token is revoked after the
/// backup.
struct Drill {
    place: Place,
    server: Program,
    key: String,
    token: String,
    revoked: String,
    backup: String,
}

async fn drill() -> Drill {
    let place = Place::new(Engine::Sqlite).await;
    let server = place.serve();
    let key = place.key();
    server.customer(&key, "cus_123").await.expect(201);
    let minted = server.mint(&key, json!({ "customerId": "cus_123" })).await.expect(201);
    let (token, revoked) = (server.token(&key, "cus_123").await, minted.text("token"));
    let backup = place.path("backup.db").to_str().unwrap().to_owned();
    place.ok(&["backup", &backup]);
    server.revoke(&key, json!({ "jti": minted.text("jti") })).await.expect(204);
    Drill { place, server, key, token, revoked, backup }
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn backup_of_a_running_server_is_complete_and_private() {
    let Drill { place, server, key, backup, .. } = drill().await;
    assert_eq!(names_in(&place.folder.0), ["backup.db", "data"]);
    assert_eq!(std::fs::metadata(&backup).unwrap().mode() & 0o777, 0o600);
    // A backup never overwrites a file, and a failed one leaves none.
    let before = std::fs::read(&backup).unwrap();
    assert!(place.refused(&["backup", &backup]).contains("is there already"));
    assert_eq!(std::fs::read(&backup).unwrap(), before);
    place.refused(&["backup", place.path("no/such/folder").to_str().unwrap()]);
    assert_eq!(names_in(&place.folder.0), ["backup.db", "data"]);
    server.token(&key, "cus_123").await;
    let nowhere = Folder::make();
    let said = crate::support::refused(&mut Program::command(
        &nowhere.0.join("data"),
        &["backup", nowhere.0.join("b").to_str().unwrap()],
    ));
    assert!(said.contains("there is no store"), "{said}");
}

#[tokio::test]
async fn restore_ends_every_session() {
    let Drill { place, mut server, key, token, revoked, backup } = drill().await;
    let later = server.token(&key, "cus_123").await;
    let said = place.refused(&["restore", &backup, "--keep-api-keys"]);
    assert!(said.contains("stop it first"), "{said}");
    server.read(&token).await.expect(200);
    assert!(server.terminate());
    place.ok(&["restore", &backup, "--keep-api-keys"]);
    let server = place.serve();
    server.read(&token).await.refused(401, "session_revoked");
    server.read(&revoked).await.refused(401, "session_revoked");
    // This key is not in the backup.
    server.read(&later).await.refused(401, "invalid_token");
    let fresh = server.token(&key, "cus_123").await;
    server.read(&fresh).await.expect(200);
    assert_eq!(names_in(&place.folder.0), ["backup.db", "data"]);
    assert!(names_in(&place.data()).iter().all(|name| !name.contains("restoring")));
}

#[tokio::test]
async fn restore_requires_a_choice_for_api_keys() {
    let Drill { place, mut server, key, token, backup, .. } = drill().await;
    let id = super::id_of(&place.ok(&["keys", "list"]), " good ");
    place.ok(&["keys", "revoke", &id]);
    assert!(server.terminate());
    for choice in [&[][..], &["--keep-api-keys", "--revoke-api-keys"]] {
        let said = place.refused(&[&["restore", &backup][..], choice].concat());
        assert!(said.contains("--keep-api-keys") && said.contains("--revoke-api-keys"), "{said}");
    }
    let mut server = place.serve();
    server.read(&token).await.expect(200);
    assert!(server.terminate());
    place.ok(&["restore", &backup, "--keep-api-keys"]);
    let mut server = place.serve();
    server.mint(&key, json!({ "customerId": "cus_123" })).await.expect(201);
    assert!(server.terminate());
    place.ok(&["restore", &backup, "--revoke-api-keys"]);
    let server = place.serve();
    let again = server.mint(&key, json!({ "customerId": "cus_123" })).await;
    again.refused(401, "invalid_api_key");
    let new = place.key();
    server.mint(&new, json!({ "customerId": "cus_123" })).await.expect(201);
}

#[tokio::test]
async fn restore_refuses_a_damaged_backup_and_keeps_the_store() {
    let Drill { place, mut server, token, revoked, backup, .. } = drill().await;
    assert!(server.terminate());
    let whole = std::fs::read(&backup).unwrap();
    let alien = place.path("alien.db");
    let database = rusqlite::Connection::open(&alien).unwrap();
    database.execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1)").unwrap();
    drop(database);
    std::fs::write(place.path("empty"), b"").unwrap();
    std::fs::write(place.path("noise"), b"no database at all").unwrap();
    std::fs::write(place.path("half"), &whole[..whole.len() / 2]).unwrap();
    for name in ["alien.db", "empty", "noise", "half", "absent"] {
        let file = place.path(name);
        let said = place.refused(&["restore", file.to_str().unwrap(), "--keep-api-keys"]);
        assert!(said.contains(name), "{said}");
    }
    // A backup is useless without its master key. The store reports that before any change.
    let sealed = place.data().join("master.key");
    let aside = place.path("master.key");
    std::fs::rename(&sealed, &aside).unwrap();
    let said = place.refused(&["restore", &backup, "--keep-api-keys"]);
    assert!(said.contains("master.key is missing"), "{said}");
    std::fs::rename(&aside, &sealed).unwrap();
    let server = place.serve();
    server.read(&token).await.expect(200);
    server.read(&revoked).await.refused(401, "session_revoked");
}

#[tokio::test]
async fn interrupted_restore_leaves_old_store_or_none() {
    let Drill { place, mut server, token, revoked, backup, .. } = drill().await;
    // The new store is complete and the old one still exists.
    let (target, fresh) = (place.data().join("unitpay.db"), place.data().join("unitpay.restoring"));
    assert!(server.terminate());
    std::fs::copy(&backup, &fresh).unwrap();
    std::fs::write(place.data().join("unitpay.incoming"), b"half of it").unwrap();
    let mut server = place.serve();
    server.read(&token).await.expect(200);
    server.read(&revoked).await.refused(401, "session_revoked");
    assert!(server.terminate());
    // The old store is gone and the new one is not in place: no empty store may be created.
    std::fs::remove_file(&target).unwrap();
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["keys", "list"]] {
        assert!(place.refused(arguments).contains("a restore was interrupted"));
    }
    place.refused(&["restore", "absent", "--keep-api-keys"]);
    assert!(place.refused(&["keys", "list"]).contains("a restore was interrupted"));
    place.ok(&["restore", &backup, "--keep-api-keys"]);
    let server = place.serve();
    server.read(&token).await.refused(401, "session_revoked");
    server.read(&revoked).await.refused(401, "session_revoked");
}
