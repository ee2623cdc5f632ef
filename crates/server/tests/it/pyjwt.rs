//! Tokens and PyJWT, a third-party library: it reads our tokens with our key set, and the server
//! reads its tokens.

use crate::commands::{import, private_jwk};
use crate::support::{Engine, Place, post};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::{Command, Stdio};
use unitpay_token::{Expected, SigningKey, VerifyError, verify};

const SCRIPT: &str = include_str!("pyjwt.py");

/// Runs the script with a Python that has PyJWT: the system's, or the first on the path.
fn pyjwt(given: &Value) -> Value {
    let has_it = |python: &&str| {
        let mut probe = Command::new(python);
        probe.args(["-c", "import jwt, cryptography"]).stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    };
    let python = ["/usr/bin/python3", "python3"].into_iter().find(has_it);
    let mut command = Command::new(python.expect("PyJWT is not installed; run `make test`"));
    command.args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pyjwt_and_our_verifier_agree_on_tokens() {
    let place = Place::new(Engine::Sqlite).await;
    let server = place.serve();
    let key = place.key();
    server.customer(&key, "a").await.expect(201);
    let jwk = private_jwk();
    import(&place, &jwk.to_string()).unwrap();
    let token = server.token(&key, "a").await;
    let url = format!("http://{}", server.client.address());
    let report = pyjwt(&json!({ "url": url, "issuer": url, "token": token, "jwk": jwk }));

    let read = server.read(&token).await.expect(200).json();
    let claims = crate::support::claims(&token);
    assert_eq!(report["read"], claims);
    assert_eq!(claims["sid"], read["session"]["id"]);
    let refused = [
        "InvalidSignatureError",
        "InvalidAudienceError",
        "InvalidIssuerError",
        "InvalidAlgorithmError",
    ];
    assert_eq!(report["refused"], json!(refused));

    // With the same key, PyJWT produces the same bytes, and the server accepts them.
    assert_eq!(report["same"], token);
    let (signer, _) = SigningKey::from_jwk(&jwk.to_string()).unwrap();
    let expected = Expected { issuer: &url, environment: None };
    let issued_at = claims["iat"].as_i64().unwrap();
    let check = |name: &str| {
        let token = report[name].as_str().unwrap();
        verify(token, |_| Some(signer.public_key()), &expected, issued_at)
    };
    let verified = check("other").unwrap();
    assert_eq!(verified.claims().expires_at, claims["exp"].as_i64().unwrap() - 1);
    assert_eq!(verified.claims().session_id, claims["sid"]);
    // A token has one spelling, and a valid signature alone does not make a session's token.
    assert_eq!(check("unordered"), Err(VerifyError::Malformed));
    for name in ["other", "unordered"] {
        let body = json!({ "token": report[name] });
        let asked = post("/v1/portal-sessions/introspect", &body).key(&key);
        assert_eq!(server.client.call(asked).await.expect(200).json(), json!({ "active": false }));
        server.read(report[name].as_str().unwrap()).await.refused(401, "invalid_token");
    }
}
