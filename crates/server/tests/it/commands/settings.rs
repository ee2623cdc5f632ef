//! The configuration: its sources and what is refused.

use crate::support::{Engine, Place, Program, refused};
use serde_json::json;
use std::path::Path;
use toml::{Table, Value};
use unitpay::testing::config::Config;

/// Returns every documented key as `(table, key, default)`.
fn every_key() -> Vec<(Option<String>, String, Value)> {
    let manual: Table = include_str!("../../../config.default.toml").parse().unwrap();
    let mut keys = Vec::new();
    for (name, value) in manual {
        match value {
            Value::Table(table) => {
                keys.extend(table.into_iter().map(|(key, value)| (Some(name.clone()), key, value)));
            }
            value => keys.push((None, name, value)),
        }
    }
    keys
}

fn load(file: &Path, text: &str, variables: &[(String, String)]) -> Result<Config, String> {
    std::fs::write(file, text).unwrap();
    Config::load(Some(file), variables.to_vec(), &[]).map_err(|error| format!("{error:#}"))
}

/// Every value is checked: a value of the wrong type is refused by name.
#[tokio::test]
async fn every_key_is_read_from_file_and_environment() {
    let place = Place::new(Engine::Sqlite).await;
    let file = place.path("unitpay.toml");
    let keys = every_key();
    assert!(keys.len() > 20);
    for (table, key, default) in keys {
        let dotted = table.as_ref().map_or(key.clone(), |table| format!("{table}.{key}"));
        let variable = format!("UNITPAY_{}", dotted.to_uppercase().replace('.', "_"));
        let good = match &default {
            Value::Array(_) => "10.0.0.1".to_owned(),
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        let quoted = match &default {
            Value::Array(_) => "[\"10.0.0.1\"]".to_owned(),
            value => value.to_string(),
        };
        let given = [(variable.clone(), good)];
        load(&file, "", &given).unwrap_or_else(|error| panic!("{variable}: {error}"));
        load(&file, &format!("{dotted} = {quoted}"), &[])
            .unwrap_or_else(|error| panic!("{dotted}: {error}"));
        // A table is not a valid value.
        load(&file, &format!("{dotted} = {{ a = 1 }}"), &[]).err().expect(&dotted);
        if !matches!(default, Value::String(_)) {
            let error = load(&file, "", &[(variable.clone(), "soon".into())]).err();
            error.expect(&variable);
        }
    }
}

#[tokio::test]
async fn flag_overrides_variable_overrides_file() {
    let place = Place::new(Engine::Sqlite).await;
    let file = place.path("unitpay.toml");
    let text = "listen = '127.0.0.1:0'\ndata_dir = '/nonexistent/a'\n[portal]\nmin_ttl_seconds = 5\n\
                max_lifetime_seconds = 50\n";
    std::fs::write(&file, text).unwrap();
    let mut command = Program::bare(&["serve"]);
    command
        .env("UNITPAY_CONFIG", &file)
        .env("UNITPAY_DATA_DIR", "/nonexistent/b")
        .env("UNITPAY_PORTAL_MIN_TTL_SECONDS", "7")
        .env("UNITPAY_PUBLIC_URL", "https://variable.example")
        .args(["--public-url", "https://flag.example"])
        .arg("--data-dir")
        .arg(place.data());
    let server = Program::start(command);
    server.wait_for("https://flag.example");
    let key = place.key();
    server.customer(&key, "cus_123").await.expect(201);
    let mint = |ttl: i64, most: i64| {
        let body =
            json!({ "customerId": "cus_123", "ttlSeconds": ttl, "maxLifetimeSeconds": most });
        server.mint(&key, body)
    };
    mint(6, 50).await.refused(422, "validation_failed");
    mint(7, 51).await.refused(422, "validation_failed");
    mint(7, 50).await.expect(201);
}

#[tokio::test]
async fn store_flags_work_before_and_after_the_subcommand() {
    let place = Place::new(Engine::Postgres).await;
    let file = place.path("unitpay.toml");
    std::fs::write(&file, "[log]\nlevel = 'warn'\n").unwrap();
    let config = ["--config", file.to_str().unwrap()];
    let data = place.data();
    let data = ["--data-dir", data.to_str().unwrap()];
    let url = place.database.clone().unwrap();
    let url = ["--database-url", url.as_str()];
    place.ok(&["orgs", "create", "acme"]);
    let master = place.command(&["x"]);
    let master =
        master.get_envs().find(|(name, _)| *name == "UNITPAY_MASTER_KEY").unwrap().1.unwrap();
    for arguments in [
        [&config[..], &data, &url, &["orgs", "list"]].concat(),
        [&["orgs"][..], &config, &data, &url, &["list"]].concat(),
        [&["orgs", "list"][..], &url, &data, &config].concat(),
        [&config[..], &["orgs"], &data, &["list"], &url].concat(),
    ] {
        let list = crate::support::ok(Program::bare(&arguments).env("UNITPAY_MASTER_KEY", master));
        assert!(list.contains("acme"), "{arguments:?}");
    }
    // With PostgreSQL, the data directory is not used.
    assert!(!place.data().exists());
}

/// A pod of a namespace with a service called `unitpay` has these.
#[tokio::test]
async fn kubernetes_service_variables_are_ignored_in_one_line() {
    let place = Place::new(Engine::Sqlite).await;
    let links = [
        ("UNITPAY_PORT", "tcp://10.0.0.1:4000"),
        ("UNITPAY_SERVICE_HOST", "10.0.0.1"),
        ("UNITPAY_PORT_4000_TCP_ADDR", "10.0.0.1"),
    ];
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    let mut server = Program::start({
        command.envs(links);
        command
    });
    let line = server.wait_for("made by Kubernetes");
    assert!(links.iter().all(|(name, _)| line.contains(name)), "{line}");
    assert!(server.terminate());
    let warnings = server.whole_log().into_iter().filter(|line| line.contains("UNITPAY_PORT"));
    assert_eq!(warnings.count(), 1);
    crate::support::ok(place.command(&["keys", "list"]).envs(links));
    assert!(
        refused(place.command(&["serve"]).envs(links).env("UNITPAY_PORTS", "1"))
            .contains("UNITPAY_PORTS")
    );
}

#[tokio::test]
async fn listening_everywhere_wants_a_public_url() {
    let place = Place::new(Engine::Sqlite).await;
    for address in ["0.0.0.0:0", "[::]:0"] {
        let said = place.refused(&["serve", "--listen", address]);
        assert!(said.contains("--public-url"), "{said}");
    }
    assert!(!place.data().exists());
    let url = ["--public-url", "https://billing.example.com/pay"];
    let everywhere = [&["serve", "--listen", "0.0.0.0:0"][..], &url].concat();
    let server = Program::start(place.command(&everywhere));
    assert!(server.wait_for("listening on").contains("https://billing.example.com/pay"));
}

#[tokio::test]
async fn unknown_or_invalid_settings_are_refused_by_name() {
    let place = Place::new(Engine::Sqlite).await;
    let file = place.path("unitpay.toml");
    for (text, named) in [
        ("nonsense = 1", "unknown configuration key nonsense"),
        ("[portal]\nnonsense = 1", "unknown configuration key portal.nonsense"),
        ("[nonsense]", "unknown configuration key nonsense"),
        ("portal = 1", "portal"),
        ("listen = 'nowhere'", "listen"),
        ("[portal]\nmin_ttl_seconds = 0", "portal.min_ttl_seconds"),
        ("[portal]\nmax_lifetime_seconds = 86401", "portal.max_lifetime_seconds"),
        ("[portal]\ninvoice_link_days = 31", "portal.invoice_link_days"),
        ("[portal]\ninvoice_link_days = -1", "portal.invoice_link_days"),
        ("[http]\nmax_connections = 9223372036854775807", "http.max_connections"),
        ("[http]\nrequest_timeout_seconds = 9223372036854775807", "http.request_timeout_seconds"),
        ("[http]\nresponse_timeout_seconds = 0", "http.response_timeout_seconds"),
        ("[retention]\naudit_days = 9223372036854775807", "retention.audit_days"),
        ("[retention]\naudit_days = -1", "retention.audit_days"),
        ("[postgres]\nconnections = 0", "postgres.connections"),
        ("[log]\nlevel = 'loud'", "loud"),
        ("public_url = 'https://a.example/path/'", "public_url"),
        ("public_url = 'https://a.example/a?b'", "public_url"),
        ("public_url = 'https://a.example:443'", "public_url"),
        ("public_url = 'a.example'", "public_url"),
        ("one two", "line 1"),
    ] {
        std::fs::write(&file, text).unwrap();
        let said = place.refused(&["serve", "--config", file.to_str().unwrap()]);
        assert!(said.contains(named), "{text}: {said}");
    }
    for (name, value) in [
        ("UNITPAY_NONSENSE", "1"),
        ("UNITPAY_PORTAL", "1"),
        ("UNITPAY_PORTAL_MIN_TTL_SECONDS", "soon"),
        ("UNITPAY_CONFIG", "/nonexistent/unitpay.toml"),
    ] {
        let said = refused(place.command(&["serve"]).env(name, value));
        assert!(said.contains(name) || said.contains(value), "{name}: {said}");
    }
    assert!(!place.data().exists());
    // The SDK's variables may be set as well, and other variables need not be text.
    use std::os::unix::ffi::OsStrExt as _;
    let odd = std::ffi::OsStr::from_bytes(b"\xff");
    let mut command = place.command(&["keys", "list"]);
    command.env("UNITPAY_API_KEY", "x").env("UNITPAY_BASE_URL", "y").env("ODD", odd);
    crate::support::ok(&mut command);
    assert!(
        refused(place.command(&["keys", "list"]).env("UNITPAY_LISTEN", odd))
            .contains("UNITPAY_LISTEN")
    );
}
