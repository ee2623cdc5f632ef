//! Foreign tokens presented to a server.

use crate::on_both_stores;
use crate::support::{Request, Test, claims, get, post};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use unitpay::testing::keys::KeyScopes;
use unitpay::testing::portal::PortalScopes;
use unitpay_token::{Claims, Environment, SigningKey};

const VECTORS: &str = include_str!("../../../../testdata/tokens.json");
/// The seed of RFC 8037, appendix A.1, which signs the vectors.
const PUBLISHED_SEED: [u8; 32] = [
    0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
    0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
];

/// The claims of a token of the server, to be changed and signed again.
fn read(token: &str) -> Claims {
    let claims = claims(token);
    let text = |name: &str| claims[name].as_str().unwrap().to_owned();
    Claims {
        issuer: text("iss"),
        subject: text("sub"),
        session_id: text("sid"),
        token_id: text("jti"),
        organization_id: text("org"),
        environment: Environment::parse(&text("env")).unwrap(),
        issued_at: claims["iat"].as_i64().unwrap(),
        expires_at: claims["exp"].as_i64().unwrap(),
        scope: text("scope"),
    }
}

/// Imports the published key into the server, so that the test can sign anything.
async fn import_published_key(t: &Test) -> SigningKey {
    t.app.signing.import(&PUBLISHED_SEED, &t.app.clock).await.unwrap();
    SigningKey::from_seed(&PUBLISHED_SEED).unwrap()
}

fn names(problem: &Value) -> Value {
    let mut problem = problem.clone();
    problem["requestId"] = Value::Null;
    problem
}

on_both_stores! {
    async fn published_vectors_are_refused_even_with_our_key(t) {
        import_published_key(&t).await;
        let vectors: Value = serde_json::from_str(VECTORS).unwrap();
        let vectors = vectors["tokens"].as_array().unwrap();
        assert!(vectors.len() > 300);
        let mut bodies = Vec::new();
        for vector in vectors {
            let (name, token) = (&vector["name"], vector["token"].as_str().unwrap());
            let introspect = post("/v1/portal-sessions/introspect", &json!({ "token": token })).key(&t.key);
            let answer = t.call(introspect).await;
            if token.contains('\0') {
                answer.refused(422, "validation_failed");
            } else {
                assert_eq!(answer.expect(200).body, br#"{"active":false}"#, "{name}");
            }
            // A header cannot contain these bytes; HTTP refuses them.
            if token.contains(['\0', '\n', '\r']) {
                continue;
            }
            let answer = t.read(token).await;
            assert_eq!(answer.status, 401, "{name}");
            bodies.push(names(&answer.refused(401, "invalid_token").json()));
            t.refresh(token).await.refused(401, "invalid_token");
        }
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "one body for all");
    }

    async fn token_with_one_changed_character_is_refused(t) {
        t.customer("c").await;
        let token = t.token("c").await;
        for at in 0..token.len() {
            let old = token.as_bytes()[at];
            let new = match old {
                b'.' => b'A',
                b'A' => b'B',
                _ => if at % 2 == 0 { b'A' } else { old ^ 1 },
            };
            let mut bytes = token.clone().into_bytes();
            bytes[at] = new;
            let changed = String::from_utf8(bytes).unwrap();
            let answer = t.read(&changed).await;
            assert_eq!(answer.status, 401, "at {at}: {changed}");
            answer.refused(401, "invalid_token");
        }
        // The last character of a signature has four unused bits.
        let (start, last) = token.split_at(token.len() - 1);
        for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".chars() {
            let changed = format!("{start}{other}");
            let status = if last.starts_with(other) { 200 } else { 401 };
            t.read(&changed).await.expect(status);
        }
        for changed in [&token[1..], start, &format!("{token}="), &format!("{token}.")] {
            t.read(changed).await.refused(401, "invalid_token");
        }
        t.read(&token).await.expect(200);
    }

    async fn signed_token_not_in_its_row_is_refused(t) {
        let key = import_published_key(&t).await;
        t.customer("c").await;
        let other_customer = t.customer("d").await;
        let token = t.mint(json!({ "customerId": "c", "readOnly": true })).await.expect(201).text("token");
        let other = claims(&t.token("d").await)["sid"].as_str().unwrap().to_owned();
        let honest = read(&token);
        // The same claims with the same key are the same bytes.
        assert_eq!(key.sign(&honest).unwrap(), token);
        let forged: Vec<(&str, Claims)> = vec![
            ("scope", Claims { scope: PortalScopes::ALL.to_string(), ..honest.clone() }),
            ("sub", Claims { subject: other_customer, ..honest.clone() }),
            ("exp", Claims { expires_at: honest.expires_at + 1, ..honest.clone() }),
            ("iat", Claims { issued_at: honest.issued_at + 1, ..honest.clone() }),
            ("jti", Claims { token_id: format!("{}.1", honest.session_id), ..honest.clone() }),
            ("env", Claims { environment: Environment::Live, ..honest.clone() }),
            ("org", Claims { organization_id: "org_01kwgt0hv2e1ms9k4n7xj3qw8t".into(), ..honest.clone() }),
            ("iss", Claims { issuer: "https://billing.example.org".into(), ..honest.clone() }),
            ("sid", Claims { session_id: other.clone(), token_id: other, ..honest.clone() }),
            ("no such sid", Claims {
                session_id: "ps_01kwgt4c3tfy2rqm6p0dz8h5ab".into(),
                token_id: "ps_01kwgt4c3tfy2rqm6p0dz8h5ab".into(),
                ..honest.clone()
            }),
        ];
        for (what, claims) in &forged {
            let forged = key.sign(claims).unwrap();
            let answer = t.read(&forged).await;
            assert_eq!(answer.status, 401, "{what}");
            answer.refused(401, "invalid_token");
        }
        let stranger = SigningKey::from_seed(&t.app.random.bytes()).unwrap();
        t.read(&stranger.sign(&honest).unwrap()).await.refused(401, "invalid_token");
        let named: Vec<&str> = token.split('.').collect();
        let by_stranger = stranger.sign(&honest).unwrap();
        let signature = by_stranger.rsplit('.').next().unwrap();
        t.read(&format!("{}.{}.{signature}", named[0], named[1])).await.refused(401, "invalid_token");
        // The parts of two valid tokens of the session's customer do not make a third.
        let second = t.token("c").await;
        let parts: Vec<&str> = second.split('.').collect();
        t.read(&format!("{}.{}.{}", named[0], named[1], parts[2])).await.refused(401, "invalid_token");
        t.read(&token).await.expect(200);
    }

    async fn token_expired_is_returned_only_for_our_tokens(t) {
        let key = import_published_key(&t).await;
        t.customer("c").await;
        let first = t.mint(json!({ "customerId": "c", "ttlSeconds": 60 })).await.expect(201).text("token");
        t.advance(45);
        let second = t.refresh(&first).await.expect(200).text("token");
        t.advance(45);
        let third = t.refresh(&second).await.expect(200).text("token");
        t.advance(14);
        // The first is neither current nor predecessor any more: its signature shows that it is
        // ours.
        t.read(&first).await.refused(401, "token_expired");
        t.read(&second).await.expect(200);
        let mut forged = first.clone().into_bytes();
        let at = forged.len() - 10;
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        t.read(&String::from_utf8(forged).unwrap()).await.refused(401, "invalid_token");
        let foreign = Claims { issuer: "https://billing.example.org".into(), ..read(&first) };
        t.read(&key.sign(&foreign).unwrap()).await.refused(401, "invalid_token");
        let live = Claims { environment: Environment::Live, ..read(&first) };
        t.read(&key.sign(&live).unwrap()).await.refused(401, "invalid_token");
        // Expired takes precedence over revoked, and a forgery learns of neither.
        t.revoke(json!({ "customerId": "c" })).await.expect(204);
        t.read(&first).await.refused(401, "token_expired");
        t.read(&third).await.refused(401, "session_revoked");
        let forged = Claims { expires_at: read(&third).expires_at + 1, ..read(&third) };
        t.read(&key.sign(&forged).unwrap()).await.refused(401, "invalid_token");
    }

    async fn token_accesses_only_its_own_customer(t) {
        let customer = t.customer("c").await;
        let neighbour = t.customer("d").await;
        let live = t.live(t.tenant.organization_id).await;
        let foreign_tenants = [t.organization("other").await, live];
        let mut foreign = vec![neighbour];
        for tenant in foreign_tenants {
            let key = t.key_of(tenant, KeyScopes::USUAL).await;
            let new = json!({ "name": "B", "email": "b@example.com", "externalId": "foreign" });
            foreign.push(t.call(post("/v1/customers", &new).key(&key)).await.expect(201).text("id"));
        }
        let token = t.token("c").await;
        let read = async |id: &str| t.call(get(format!("/v1/customers/{id}")).bearer(&token)).await;
        read(&customer).await.expect(200);
        read("c").await.expect(200);
        let missing = read("cus_01kwgt3qt8f689ez1ekre217xw").await.refused(404, "customer_not_found");
        for id in foreign.iter().map(String::as_str).chain(["d", "foreign"]) {
            let answer = read(id).await.refused(404, "customer_not_found");
            assert_eq!(names(&answer.json()), names(&missing.json()));
        }
    }

    async fn token_is_accepted_only_as_bearer(t) {
        t.customer("c").await;
        let token = t.token("c").await;
        let path = "/v1/portal-sessions/current";
        for (request, code) in [
            (get(format!("{path}?token={token}")), "missing_credentials"),
            (get(format!("{path}?access_token={token}")), "missing_credentials"),
            (get(path).header("cookie", format!("token={token}")), "missing_credentials"),
            (get(path).header("x-api-key", token.as_str()), "invalid_token"),
            (get(path).header("authorization", token.as_str()), "invalid_token"),
            (get(path).header("authorization", format!("Basic {token}")), "invalid_token"),
            (get(path).header("authorization", format!("Bearer Bearer {token}")), "invalid_token"),
            (get(path).header("authorization", format!("Bearer {token}, Bearer {token}")), "invalid_token"),
            (get(path).header("authorization", "Bearer"), "invalid_token"),
            (get(path).bearer(&t.key), "invalid_token"),
        ] {
            t.call(request).await.refused(401, code);
        }
        let twice = get(path).bearer(&token).bearer(&token);
        t.call(twice).await.refused(400, "malformed_request");
        t.call(get(path).bearer(&token).key(&t.key)).await.refused(400, "ambiguous_credentials");
        let form = Request::new("POST", "/v1/portal-sessions/refresh")
            .header("content-type", "application/x-www-form-urlencoded");
        let form = Request { body: format!("access_token={token}").into_bytes(), ..form };
        t.call(form).await.refused(401, "missing_credentials");
        t.call(get(path).header("authorization", format!("bearer {token}"))).await.expect(200);
    }

    /// Uses nothing but the published key set.
    async fn token_verifies_with_the_published_jwks(t) {
        t.customer("c").await;
        let token = t.token("c").await;
        let set = t.call(get("/.well-known/jwks.json")).await.expect(200);
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let header = URL_SAFE_NO_PAD.decode(signed.split('.').next().unwrap()).unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        let kid = header["kid"].as_str().unwrap();
        assert_eq!(header, json!({ "alg": "EdDSA", "typ": "portal+jwt", "kid": kid }));
        let set = set.json();
        let keys = set["keys"].as_array().unwrap();
        let jwk = keys.iter().find(|jwk| jwk["kid"] == kid).unwrap();
        let public = URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        UnparsedPublicKey::new(&ED25519, public).verify(signed.as_bytes(), &signature).unwrap();
        assert!(token.len() <= 2_048);
        let names: Vec<_> = claims(&token).as_object().unwrap().keys().cloned().collect();
        assert_eq!(names, ["aud", "env", "exp", "iat", "iss", "jti", "org", "scope", "sid", "sub"]);
        assert_eq!(claims(&token)["aud"], "unitpay:portal");
    }
}
