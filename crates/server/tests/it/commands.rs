//! The program's commands, each run the way an operator runs it.

mod copy;
mod demo;
mod export;
mod healthcheck;
mod life;
mod maintain;
mod manual;
mod secrets;
mod settings;
mod upgrade;

use crate::support::{Engine, Place, get};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::Stdio;
use unitpay::testing::base::Random;
use unitpay_token::SigningKey;

/// Declares tests of the program that run on both stores.
macro_rules! on_both_places {
    ($($(#[$doc:meta])* async fn $name:ident($place:ident) $body:block)*) => {$(
        $(#[$doc])*
        mod $name {
            use super::*;

            async fn run(engine: Engine) {
                let $place = Place::new(engine).await;
                $body
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                run(Engine::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                run(Engine::Postgres).await;
            }
        }
    )*};
}
pub(crate) use on_both_places;

/// Returns the first word of the only line of a list with this text.
#[track_caller]
fn id_of(list: &str, text: &str) -> String {
    let mut found = list.lines().filter(|line| line.contains(text));
    let line = found.next().unwrap_or_else(|| panic!("no {text} in {list}"));
    assert!(found.next().is_none(), "{list}");
    line.split(' ').next().unwrap().to_owned()
}

on_both_places! {
    async fn a_key_is_printed_alone_and_counts_at_the_running_servers_next_request(place) {
        let server = place.serve();
        let printed = place.ok(&["keys", "create", "--env", "sandbox", "--name", "first"]);
        let key = printed.strip_suffix('\n').unwrap();
        assert!(key.starts_with("upay_sk_") && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
        server.customer(key, "cus_123").await.expect(201);
        let token = server.token(key, "cus_123").await;
        let list = place.ok(&["keys", "list"]);
        assert!(!list.contains(key) && list.contains("sandbox") && list.contains("good"), "{list}");
        let id = id_of(&list, "\"first\"");
        assert_eq!(place.ok(&["keys", "revoke", &id]), "");
        server.customer(key, "cus_124").await.refused(401, "invalid_api_key");
        assert!(place.ok(&["keys", "list"]).contains("revoked"));
        // Its sessions stay valid until that is requested as well.
        server.read(&token).await.expect(200);
        place.ok(&["keys", "revoke", &id, "--sessions"]);
        server.read(&token).await.refused(401, "session_revoked");
        place.refused(&["keys", "revoke", "key_00000000000000000000000000"]);
        place.refused(&["keys", "revoke", "nonsense"]);
    }

    async fn a_key_has_the_environment_the_scopes_and_the_organization_that_were_asked_for(place) {
        let server = place.serve();
        let sandbox = place.key();
        let id = server.customer(&sandbox, "cus_123").await.expect(201).text("id");
        let live = place.ok(&["keys", "create", "--env", "live"]);
        let path = format!("/v1/customers/{id}");
        server.client.call(get(&path).key(live.trim())).await.refused(404, "customer_not_found");
        let few = ["keys", "create", "--env", "sandbox", "--scopes", "customers:read,audit:read"];
        let few = place.ok(&few);
        server.client.call(get(&path).key(few.trim())).await.expect(200);
        server.customer(few.trim(), "x").await.refused(403, "insufficient_scope");
        // A key with default scopes cannot create keys.
        server.client.call(get("/v1/api-keys").key(&sandbox)).await.expect(200);
        let made = crate::support::post("/v1/api-keys", &json!({ "name": "n" }));
        server.client.call(made.key(&sandbox)).await.refused(403, "insufficient_scope");
        let before = place.ok(&["keys", "list"]).lines().count();
        let said = place.refused(&["keys", "create", "--env", "sandbox", "--scopes", "everything"]);
        assert!(said.contains("portal_sessions:write"), "{said}");
        place.refused(&["keys", "create", "--env", "sandbox", "--org", "nobody"]);
        place.refused(&["keys", "create", "--env", "production"]);
        place.refused(&["keys", "create"]);
        place.refused(&["keys", "create", "--env", "sandbox", "--name", "a\nb"]);
        assert_eq!(place.ok(&["keys", "list"]).lines().count(), before);
    }

    async fn a_publishable_key_reads_the_catalog_and_nothing_else(place) {
        let server = place.serve();
        let printed = place.ok(&["keys", "create", "--env", "sandbox", "--kind", "publishable", "--name", "page"]);
        let key = printed.trim();
        assert!(key.starts_with("upay_pk_") && key.len() == 79);
        let from_page = |path: &str| get(path).key(key).header("origin", "https://www.example.com");
        server.client.call(from_page("/v1/plans")).await.expect(200);
        server.client.call(from_page("/v1/customers")).await.refused(401, "invalid_api_key");
        server.customer(key, "x").await.refused(401, "invalid_api_key");
        assert!(place.ok(&["keys", "list"]).lines().any(|line| line.contains(" publishable ") && line.contains("\"page\"")));
        place.refused(&["keys", "create", "--env", "sandbox", "--kind", "publishable", "--scopes", "catalog:read"]);
        place.refused(&["keys", "create", "--env", "sandbox", "--kind", "public"]);
    }

    async fn a_suspended_organization_is_refused_at_once_until_it_is_resumed(place) {
        let server = place.serve();
        let id = place.ok(&["orgs", "create", "acme"]).trim().to_owned();
        assert!(id.starts_with("org_"));
        let key = place.ok(&["keys", "create", "--env", "sandbox", "--org", &id]);
        let key = key.trim();
        server.customer(key, "cus_123").await.expect(201);
        let token = server.token(key, "cus_123").await;
        assert_eq!(id_of(&place.ok(&["orgs", "list"]), "\"acme\""), id);
        place.ok(&["orgs", "suspend", "acme"]);
        assert_eq!(id_of(&place.ok(&["orgs", "list"]), " suspended "), id);
        server.read(&token).await.refused(403, "organization_suspended");
        server.mint(key, json!({ "customerId": "cus_123" })).await.refused(403, "organization_suspended");
        // Other sessions are not affected.
        server.customer(&place.key(), "cus_123").await.expect(201);
        place.ok(&["orgs", "resume", &id]);
        server.read(&token).await.expect(200);
        let before = place.ok(&["orgs", "list"]);
        for name in ["acme", "default", "", "a\u{7}b", &id] {
            place.refused(&["orgs", "create", name]);
        }
        place.refused(&["orgs", "suspend", "nobody"]);
        assert_eq!(place.ok(&["orgs", "list"]), before);
    }

    async fn a_running_server_mints_with_the_new_signing_key_at_its_very_next_request(place) {
        let server = place.serve();
        let key = place.key();
        server.customer(&key, "cus_123").await.expect(201);
        let first = server.token(&key, "cus_123").await;
        let next = id_of(&place.ok(&["signing-keys", "list"]), " next ");
        assert_eq!(place.ok(&["signing-keys", "rotate"]), "");
        let list = place.ok(&["signing-keys", "list"]);
        assert_eq!(id_of(&list, " active "), next);
        assert_eq!(id_of(&list, " retiring "), kid_of(&first));
        let second = server.token(&key, "cus_123").await;
        assert_eq!(kid_of(&second), next);
        server.read(&first).await.expect(200);
        let published = server.client.call(get("/.well-known/jwks.json")).await.expect(200).json();
        assert_eq!(published["keys"].as_array().unwrap().len(), 3);
        // Revoking the active key promotes the next one and ends only the sessions that it signed.
        let third = id_of(&list, " next ");
        place.ok(&["signing-keys", "revoke", &next]);
        server.read(&second).await.refused(401, "session_revoked");
        server.read(&first).await.expect(200);
        assert_eq!(kid_of(&server.token(&key, "cus_123").await), third);
        place.refused(&["signing-keys", "revoke", &next]);
        // An id may begin with a hyphen, which is not parsed as a flag.
        for unknown in ["nonsense", "-nonsense", "--nonsense", "-hnonsense"] {
            let said = place.refused(&["signing-keys", "revoke", unknown]);
            assert!(said.contains("no such signing key"), "{said}");
        }
    }

    async fn an_imported_key_signs_at_the_running_servers_very_next_request(place) {
        let server = place.serve();
        let key = place.key();
        server.customer(&key, "cus_123").await.expect(201);
        let before = server.token(&key, "cus_123").await;
        let jwk = private_jwk();
        let kid = import(&place, &jwk.to_string()).unwrap();
        assert_eq!(id_of(&place.ok(&["signing-keys", "list"]), " active "), kid);
        let after = server.token(&key, "cus_123").await;
        assert_eq!(kid_of(&after), kid);
        server.read(&before).await.expect(200);
        server.read(&after).await.expect(200);
        // A duplicate is refused, and a revoked key cannot be imported again.
        import(&place, &jwk.to_string()).unwrap_err();
        place.ok(&["signing-keys", "revoke", &kid]);
        import(&place, &jwk.to_string()).unwrap_err();
        server.read(&after).await.refused(401, "session_revoked");
    }
}

#[tokio::test]
async fn import_refuses_other_keys_without_echoing_them() {
    let place = Place::new(Engine::Sqlite).await;
    let before = place.ok(&["signing-keys", "list"]);
    let good = private_jwk();
    let changed = |name: &str, value: Value| {
        let mut jwk = good.clone();
        jwk[name] = value;
        jwk.to_string()
    };
    let mut public = good.clone();
    public.as_object_mut().unwrap().remove("d");
    let mut huge = good.to_string();
    huge.insert_str(1, &" ".repeat(20_000));
    let wrong = [
        String::new(),
        "not json".into(),
        "[]".into(),
        format!("[{good}]"),
        format!("{good}{good}"),
        public.to_string(),
        changed("kty", json!("RSA")),
        changed("crv", json!("X25519")),
        changed("alg", json!("HS256")),
        changed("d", json!("AAAA")),
        changed("x", private_jwk()["x"].clone()),
        changed("key_ops", json!("sign")),
        changed("d", Value::Null),
        huge,
    ];
    let secret = good["d"].as_str().unwrap();
    for jwk in &wrong {
        let said = import(&place, jwk).unwrap_err();
        assert!(!said.contains(secret), "{said}");
    }
    assert_eq!(place.ok(&["signing-keys", "list"]), before);
}

#[tokio::test]
async fn openapi_command_prints_the_committed_file() {
    let place = Place::new(Engine::Sqlite).await;
    assert_eq!(place.ok(&["openapi"]), include_str!("../../../../openapi.json"));
    assert!(!place.data().exists());
}

pub(crate) fn private_jwk() -> Value {
    use base64::Engine as _;
    let seed: [u8; 32] = Random::system().bytes();
    let mut jwk = SigningKey::from_seed(&seed).unwrap().public_key().to_jwk();
    jwk["d"] = json!(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(seed));
    jwk
}

/// Imports a key; returns its id or the error.
pub(crate) fn import(place: &Place, jwk: &str) -> Result<String, String> {
    let mut command = place.command(&["signing-keys", "import"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // The command may refuse before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(jwk.as_bytes());
    let output = child.wait_with_output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    if output.status.success() {
        return Ok(printed.trim().to_owned());
    }
    assert_eq!(printed, "");
    Err(String::from_utf8(output.stderr).unwrap())
}

/// Returns the id of the key that signed a token.
fn kid_of(token: &str) -> String {
    use base64::Engine as _;
    let header = token.split('.').next().unwrap();
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}
