//! Secrecy: the log, file modes and messages; and the master key.

use crate::support::{Engine, Place, Program, Request, delete, get, post, refused};
use serde_json::{Value, json};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::Path;
use unitpay::testing::base::Random;
use unitpay::testing::signing::MasterKey;

/// Returns a log of all kinds of calls, with their secrets and the number of calls.
async fn log_of_calls(place: &Place, format: &str) -> (Vec<String>, Vec<String>, usize) {
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("UNITPAY_LOG_FORMAT", format).env("UNITPAY_LOG_LEVEL", "debug");
    let mut server = Program::start(command);
    let (key, unknown) = (place.key(), Place::new(Engine::Sqlite).await.key());
    server.customer(&key, "cus_123").await.expect(201);
    let token = server.token(&key, "cus_123").await;
    let forged = format!("{}{}", &token[..token.len() - 4], "AAAA");
    let calls = [
        get("/v1/portal-sessions/current").bearer(&token),
        get("/v1/portal-sessions/current").bearer(&forged),
        Request::new("POST", "/v1/portal-sessions/refresh").bearer(&token),
        post("/v1/portal-sessions/introspect", &json!({ "token": token })).key(&key),
        post("/v1/portal-sessions/revoke", &json!({ "jti": token })).key(&key),
        get("/v1/customers").bearer(&key),
        get("/v1/customers").key(&unknown),
        get(format!("/v1/customers?token={token}")).key(&key),
        get(format!("/nowhere/{token}?key={key}")),
        get("/v1/customers").header("authorization", format!("Basic {key}")),
        post("/v1/customers", &json!({ "name": token, "email": "ada@example.com" })).key(&key),
        delete("/v1/portal-sessions/current").bearer(&token),
    ];
    let count = calls.len() + 2;
    for call in calls {
        server.client.call(call).await;
    }
    assert!(server.terminate());
    let mut secrets = vec![key[8..].to_owned(), unknown[8..].to_owned(), "ada@example.com".into()];
    secrets.extend(token.split('.').map(str::to_owned));
    secrets.extend(forged.split('.').map(str::to_owned));
    (server.whole_log(), secrets, count)
}

#[tokio::test]
async fn json_log_has_one_line_per_request_and_no_secret() {
    let place = Place::new(Engine::Sqlite).await;
    let (log, secrets, count) = log_of_calls(&place, "json").await;
    let lines: Vec<Value> = log.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let requests: Vec<_> = lines.iter().filter(|line| line["message"] == "request").collect();
    assert_eq!(requests.len(), count);
    for line in requests {
        assert!(line["request"].as_str().unwrap().starts_with("req_"));
        assert!(
            line["method"].is_string() && line["route"].is_string() && line["peer"].is_string()
        );
        assert!(line["status"].is_u64() && line["micros"].is_u64());
    }
    refuse_secrets(&log, &secrets);
}

#[tokio::test]
async fn text_log_has_one_line_per_request_and_no_secret() {
    let place = Place::new(Engine::Sqlite).await;
    let (log, secrets, count) = log_of_calls(&place, "text").await;
    assert_eq!(log.iter().filter(|line| line.contains("request=req_")).count(), count);
    refuse_secrets(&log, &secrets);
}

fn refuse_secrets(log: &[String], secrets: &[String]) {
    for line in log {
        let lower = line.to_lowercase();
        assert!(!lower.contains("bearer") && !lower.contains("authorization"), "{line}");
        for secret in secrets {
            assert!(!line.contains(secret.as_str()), "{line}");
        }
    }
}

#[tokio::test]
async fn data_dir_files_are_readable_by_owner_only() {
    let place = Place::new(Engine::Sqlite).await;
    let server = place.serve();
    let key = place.key();
    server.customer(&key, "cus_123").await.expect(201);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&place.data()), 0o700);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(place.data()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    for name in ["unitpay.db", "unitpay.db-wal", "master.key"] {
        assert!(names.iter().any(|found| found == name), "{names:?}");
    }
}

#[tokio::test]
async fn data_dir_is_refused_when_world_accessible() {
    let place = Place::new(Engine::Sqlite).await;
    place.ok(&["migrate"]);
    let data = place.data();
    for (path, mode, good) in [
        (data.clone(), 0o750, 0o700),
        (data.clone(), 0o701, 0o700),
        (data.join("unitpay.db"), 0o640, 0o600),
        (data.join("master.key"), 0o604, 0o600),
    ] {
        let set = |mode| std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        set(mode);
        for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["keys", "list"]] {
            let said = place.refused(arguments);
            assert!(said.contains(&format!("chmod {good:o} {}", path.display())), "{said}");
        }
        set(good);
        place.ok(&["keys", "list"]);
    }
}

/// Kubernetes gives a volume to an `fsGroup`: setgid folders, all of it readable by the group.
#[tokio::test]
async fn volume_of_the_process_s_own_group_is_accepted() {
    let place = Place::new(Engine::Sqlite).await;
    place.ok(&["migrate"]);
    let data = place.data();
    let set = |path: &Path, mode| {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    };
    for file in ["unitpay.db", "master.key"] {
        set(&data.join(file), 0o660);
    }
    for folder_mode in [0o2770, 0o2775] {
        set(&data, folder_mode);
        let mut server = place.serve();
        assert!(server.terminate());
        place.ok(&["keys", "list"]);
    }
    // Files that everybody can read are refused there too, and so is a folder they can write to.
    for (path, mode, good) in
        [(data.join("master.key"), 0o664, 0o600), (data.clone(), 0o2777, 0o700)]
    {
        let before = std::fs::metadata(&path).unwrap().mode() & 0o7777;
        set(&path, mode);
        let said = place.refused(&["keys", "list"]);
        assert!(said.contains(&format!("chmod {good:o} {}", path.display())), "{said}");
        set(&path, before);
    }
    // Another group is not ours. Only root may give a folder to it.
    if std::os::unix::fs::chown(&data, None, Some(54_321)).is_ok() {
        set(&data, 0o2770);
        assert!(place.refused(&["keys", "list"]).contains("chmod 700"));
    }
}

fn fresh_master_key() -> String {
    MasterKey::new(Random::system().bytes()).encode()
}

#[tokio::test]
async fn wrong_master_key_is_reported_and_not_replaced() {
    let place = Place::new(Engine::Sqlite).await;
    let before = place.ok(&["signing-keys", "list"]);
    let path = place.data().join("master.key");
    let secret = std::fs::read_to_string(&path).unwrap();
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    std::fs::write(&path, fresh_master_key()).unwrap();
    let said = place.refused(&serve);
    assert!(said.contains("not the one that this store was sealed with"), "{said}");
    for bad in ["", "too short", &secret[1..]] {
        std::fs::write(&path, bad).unwrap();
        assert!(place.refused(&serve).contains("master.key: the master key must be 32 bytes"));
    }
    std::fs::remove_file(&path).unwrap();
    assert!(place.refused(&serve).contains("master.key is missing"));
    assert!(!path.exists());
    // The variable overrides the file.
    std::fs::write(&path, &secret).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    let wrong = fresh_master_key();
    let said = refused(place.command(&serve).env("UNITPAY_MASTER_KEY", &wrong));
    assert!(said.contains("not the one") && !said.contains(&wrong), "{said}");
    assert_eq!(place.ok(&["signing-keys", "list"]), before);
}

#[tokio::test]
async fn postgres_requires_a_master_key() {
    let place = Place::new(Engine::Postgres).await;
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let said = refused(place.command(&serve).env_remove("UNITPAY_MASTER_KEY"));
    assert!(said.contains("PostgreSQL needs UNITPAY_MASTER_KEY"), "{said}");
    // Nothing was created: the next key is the first one.
    let before = place.ok(&["signing-keys", "list"]);
    let wrong = fresh_master_key();
    let said = refused(place.command(&serve).env("UNITPAY_MASTER_KEY", &wrong));
    assert!(said.contains("not the one") && !said.contains(&wrong), "{said}");
    assert_eq!(place.ok(&["signing-keys", "list"]), before);
    assert!(!place.data().exists());
}

#[tokio::test]
async fn messages_contain_no_password_or_master_key() {
    let place = Place::new(Engine::Sqlite).await;
    let key = fresh_master_key();
    for url in [
        "postgres://u:hunter2@127.0.0.1:1/x",
        "postgres://u:hunter2@[bad/x",
        "postgres://u:hunter2@127.0.0.1:1/x?sslmode=nonsense",
        "host=127.0.0.1 port=1 password=hunter2 user",
    ] {
        for command in [&["keys", "list"][..], &["migrate"], &["serve"]] {
            let mut command = Program::bare(command);
            command.args(["--database-url", url]).env("UNITPAY_MASTER_KEY", &key);
            let said = refused(&mut command);
            assert!(!said.contains("hunter2") && !said.contains(&key), "{said}");
        }
    }
    let file = place.path("unitpay.toml");
    for text in [
        "database_url = postgres://u:hunter2@host/x",
        "database_url = \"postgres://u:hunter2@host/x",
        "listen = \"127.0.0.1:0\"\nmaster_key = 'hunter2",
        "[portal]\nmaster_key = \"hunter2\"",
    ] {
        std::fs::write(&file, text).unwrap();
        let said = place.refused(&["keys", "list", "--config", file.to_str().unwrap()]);
        assert!(said.contains("unitpay.toml") || said.contains("portal.master_key"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}
