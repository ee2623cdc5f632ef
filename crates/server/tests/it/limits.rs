//! Rate limits. They use the monotonic clock, so these tests send requests until they are refused.

use crate::on_both_stores;
use crate::support::{Answer, Engine, Request, Test, get, patch, post};
use serde_json::{Value, json};

/// A burst that every limit here allows.
const AT_ONCE: u32 = 5;

#[tokio::test]
async fn portal_session_over_its_limit_gets_retry_after() {
    let t = Test::start_with(Engine::Sqlite, |config| {
        config.limits.portal_session_per_second = 1;
        config.limits.portal_session_burst = AT_ONCE;
    })
    .await;
    t.customer("one").await;
    let token = t.token("one").await;
    for _ in 0..AT_ONCE {
        t.read(&token).await.expect(200);
    }
    let refused = until_limited(|| t.read(&token), 200).await;
    assert_eq!(refused.header("ratelimit-policy"), Some("\"portal-session\";q=5;w=5"));
    let wait = refused.header("retry-after").unwrap();
    assert!(["1", "2"].contains(&wait));
    assert_eq!(refused.header("ratelimit"), Some(&*format!("\"portal-session\";r=0;t={wait}")));
    // It has no effect, and its body is not read.
    let before = t.state().await;
    let read = || t.read(&token);
    limited_too(&read, 200, || t.refresh(&token)).await;
    let no_object = || t.call(patch("/v1/customers/one", &json!(1)).bearer(&token));
    limited_too(&read, 200, no_object).await;
    assert_eq!(t.state().await, before);
    // Neither another session nor the backend is affected.
    let other = t.token("one").await;
    t.read(&other).await.expect(200);
    for _ in 0..2 * AT_ONCE {
        t.call(get("/v1/customers").key(&t.key)).await.expect(200);
    }
    // Other refusals take precedence.
    t.revoke(json!({ "customerId": "one" })).await.expect(204);
    t.read(&token).await.refused(401, "session_revoked");
}

#[tokio::test]
async fn customers_writes_a_day_are_bounded() {
    let t = Test::start_with(Engine::Sqlite, |config| {
        config.limits.customer_writes_per_day = AT_ONCE;
    })
    .await;
    t.customer("one").await;
    t.customer("two").await;
    // All sessions of a customer count together.
    let tokens = [t.token("one").await, t.token("one").await];
    let write = |token: &str, customer: &str, n: usize| {
        let path = format!("/v1/customers/{customer}");
        t.call(patch(path, &json!({ "name": format!("A{n}") })).bearer(token))
    };
    for n in 0..AT_ONCE as usize {
        write(&tokens[n % 2], "one", n).await.expect(200);
    }
    let before = t.state().await;
    let refused = write(&tokens[0], "one", 9).await.refused(429, "rate_limited");
    assert_eq!(refused.header("ratelimit-policy"), Some("\"customer-writes\";q=5;w=86400"));
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((17_000..=17_281).contains(&wait), "{wait}");
    assert_eq!(t.state().await, before);
    // Reads go on, those by POST too, and other customers and the backend are not affected.
    t.read(&tokens[0]).await.expect(200);
    let check = post("/v1/check", &json!({ "featureSlug": "none" }));
    assert_ne!(t.call(check.bearer(&tokens[0])).await.status, 429);
    write(&t.token("two").await, "two", 1).await.expect(200);
    t.call(patch("/v1/customers/one", &json!({ "name": "B" })).key(&t.key)).await.expect(200);
}

#[tokio::test]
async fn link_opens_after_the_rate_limit_has_passed() {
    let t = Test::start_with(Engine::Sqlite, |config| {
        config.limits.portal_session_per_second = 1;
        config.limits.portal_session_burst = AT_ONCE;
    })
    .await;
    t.customer("one").await;
    // On a slow machine, the bucket may refill in between. Then the link opens at once.
    for _ in 1..AT_ONCE {
        let minted = t.mint(json!({ "customerId": "one" })).await.expect(201);
        let token = minted.text("token");
        until_limited(|| t.read(&token), 200).await;
        let answer = open(&t, &minted).await;
        if answer.status == 200 {
            continue;
        }
        let refused = answer.refused(429, "rate_limited");
        assert_eq!(refused.header("ratelimit-policy"), Some("\"portal-session\";q=5;w=5"));
        let mut later = open(&t, &minted).await;
        while later.status == 429 {
            later = open(&t, &minted).await;
        }
        later.expect(200);
        return;
    }
    panic!("never limited");
}

#[tokio::test]
async fn used_link_is_limited_by_peer_not_by_session() {
    let t = Test::start_with(Engine::Sqlite, |config| {
        config.limits.bad_credentials_per_second = AT_ONCE;
        config.limits.portal_session_per_second = 1;
        config.limits.portal_session_burst = 10 * AT_ONCE;
    })
    .await;
    t.customer("one").await;
    let minted = t.mint(json!({ "customerId": "one" })).await.expect(201);
    open(&t, &minted).await.expect(200);
    for _ in 0..AT_ONCE {
        open(&t, &minted).await.refused(401, "invalid_code");
    }
    let refused = until_limited(|| open(&t, &minted), 401).await;
    assert_eq!(refused.header("ratelimit-policy"), Some("\"bad-credentials\";q=5;w=1"));
    for _ in 0..20 * AT_ONCE {
        assert!([401, 429].contains(&open(&t, &minted).await.status));
    }
    t.read(&minted.text("token")).await.expect(200);
    // A valid link still opens.
    open(&t, &t.mint(json!({ "customerId": "one" })).await).await.expect(200);
}

#[tokio::test]
async fn secret_key_limit_never_applies_to_revoking() {
    let t = Test::start_with(Engine::Sqlite, |config| {
        config.limits.secret_key_per_second = 1;
        config.limits.secret_key_burst = AT_ONCE;
    })
    .await;
    let customers = || t.call(get("/v1/customers").key(&t.key));
    let refused = until_limited(customers, 200).await;
    assert_eq!(refused.header("ratelimit-policy"), Some("\"secret-key\";q=5;w=5"));
    for _ in 0..4 * AT_ONCE {
        t.revoke(json!({ "jti": "ps_01kwgt3qt8f689ez1ekre217xw" })).await.expect(204);
        t.revoke(json!({ "customerId": "missing" })).await.refused(404, "customer_not_found");
    }
    // Revoking does not use the budget of the other calls.
    let other = t.key_of(t.tenant, unitpay::testing::keys::KeyScopes::ALL).await;
    for _ in 0..4 * AT_ONCE {
        let body = json!({ "jti": "ps_01kwgt3qt8f689ez1ekre217xw" });
        t.call(post("/v1/portal-sessions/revoke", &body).key(&other)).await.expect(204);
    }
    for _ in 0..AT_ONCE {
        t.call(get("/v1/customers").key(&other)).await.expect(200);
    }
}

#[tokio::test]
async fn bad_keys_are_limited_while_good_keys_pass() {
    let t = with_proxy(true).await;
    let [one, two] = ["198.51.100.7", "198.51.100.8"];
    let bad = |peer: &'static str| t.call(bad_key(&t).header("x-forwarded-for", peer));
    for _ in 0..AT_ONCE {
        bad(one).await.refused(401, "invalid_api_key");
    }
    let refused = until_limited(|| bad(one), 401).await;
    assert_eq!(refused.header("ratelimit-policy"), Some("\"bad-credentials\";q=5;w=1"));
    assert!(["1", "2"].contains(&refused.header("retry-after").unwrap()));
    bad(two).await.refused(401, "invalid_api_key");
    // A backend that shares an attacker's address is not blocked, least of all from revoking.
    let good = |request: Request| t.call(request.key(&t.key).header("x-forwarded-for", one));
    good(get("/v1/customers")).await.expect(200);
    let body = json!({ "jti": "ps_01kwgt3qt8f689ez1ekre217xw" });
    good(post("/v1/portal-sessions/revoke", &body)).await.expect(204);
    limited_too(&|| bad(one), 401, || bad(one)).await;
}

#[tokio::test]
async fn forwarded_address_counts_only_from_trusted_proxies() {
    let t = with_proxy(true).await;
    let bad = |peer: &str| t.call(bad_key(&t).header("x-forwarded-for", peer));
    let known = || bad("198.51.100.7");
    for same in [
        "198.51.100.7",
        "203.0.113.9, 198.51.100.7",
        "198.51.100.7, 127.0.0.1",
        "198.51.100.7,127.0.0.1 , 127.0.0.1",
        "garbage, 198.51.100.7",
        "::ffff:198.51.100.7",
    ] {
        limited_too(&known, 401, || bad(same)).await;
    }
    let lines = bad_key(&t).header("x-forwarded-for", "203.0.113.9");
    let lines = lines.header("x-forwarded-for", "198.51.100.7");
    limited_too(&known, 401, || t.call(lines.clone())).await;
    for other in ["198.51.100.7, 203.0.113.9", "garbage", "", "198.51.100.7, garbage"] {
        bad(other).await.refused(401, "invalid_api_key");
    }
    // An IPv6 client controls its whole network.
    limited_too(&|| bad("2001:db8::1"), 401, || bad("2001:db8::ffff:1")).await;
    bad("2001:db8:0:1::1").await.refused(401, "invalid_api_key");

    let t = with_proxy(false).await;
    let mut peers = (0..).map(|n| format!("203.0.113.{n}"));
    let next = || t.call(bad_key(&t).header("x-forwarded-for", peers.next().unwrap()));
    until_limited(next, 401).await;
}

#[tokio::test]
async fn wrong_signatures_are_limited_while_the_token_passes() {
    let t = with_proxy(true).await;
    t.customer("one").await;
    let token = t.token("one").await;
    let forged = forge(&token);
    let read = |token: &str| {
        let request = get("/v1/portal-sessions/current").bearer(token);
        t.call(request.header("x-forwarded-for", "198.51.100.7"))
    };
    let refused = until_limited(|| read(&forged), 401).await;
    assert_eq!(refused.header("ratelimit-policy"), Some("\"bad-credentials\";q=5;w=1"));
    read(&token).await.expect(200);
    let elsewhere = get("/v1/portal-sessions/current").bearer(&forged);
    let elsewhere = t.call(elsewhere.header("x-forwarded-for", "198.51.100.8")).await;
    elsewhere.refused(401, "invalid_token");
    // The backend may introspect any token: it is not the forger.
    for _ in 0..4 * AT_ONCE {
        let body = json!({ "token": forged });
        let answer = t.call(post("/v1/portal-sessions/introspect", &body).key(&t.key)).await;
        assert_eq!(answer.expect(200).json(), json!({ "active": false }));
    }
}

on_both_stores! {
    async fn expired_tokens_never_count_as_bad_credentials(t) {
        let t = Test::start_with(t.engine, |config| config.limits.bad_credentials_per_second = AT_ONCE).await;
        t.customer("one").await;
        let expired = t.mint(json!({ "customerId": "one", "ttlSeconds": 60 })).await.text("token");
        let first = t.mint(json!({ "customerId": "one", "ttlSeconds": 60 })).await.text("token");
        t.advance(50);
        let second = t.refresh(&first).await.expect(200).text("token");
        t.advance(50);
        // Now `first` is neither the current token nor its predecessor.
        t.refresh(&second).await.expect(200);
        let revoked = t.mint(json!({ "customerId": "one" })).await.expect(201);
        t.revoke(json!({ "jti": revoked.text("jti") })).await.expect(204);
        let unknown = t.token("one").await;
        for _ in 0..4 * AT_ONCE {
            t.read(&expired).await.refused(401, "token_expired");
            t.read(&first).await.refused(401, "token_expired");
            t.read(&revoked.text("token")).await.refused(401, "session_revoked");
            t.read("garbage").await.refused(401, "invalid_token");
        }
        // One bad key counts once.
        t.call(bad_key(&t)).await.refused(401, "invalid_api_key");
        t.read(&unknown).await.expect(200);
    }

    async fn limit_of_zero_is_off(t) {
        t.customer("one").await;
        let token = t.token("one").await;
        let forged = forge(&token);
        for _ in 0..130 {
            t.read(&token).await.expect(200);
            t.read(&forged).await.refused(401, "invalid_token");
            t.call(bad_key(&t)).await.refused(401, "invalid_api_key");
        }
    }
}

/// A server that limits bad credentials and is called through a proxy on this host.
async fn with_proxy(trusted: bool) -> Test {
    Test::start_with(Engine::Sqlite, |config| {
        config.limits.bad_credentials_per_second = AT_ONCE;
        if trusted {
            config.http.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        }
    })
    .await
}

/// Sends requests until one is refused by the limit.
async fn until_limited<F: Future<Output = Answer>>(
    mut ask: impl FnMut() -> F,
    before: u16,
) -> Answer {
    for _ in 0..1_000 {
        let answer = ask().await;
        if answer.status == 429 {
            return answer.refused(429, "rate_limited");
        }
        assert_eq!(answer.status, before);
    }
    panic!("never limited");
}

/// Uses up one budget and calls with the other credential, which is then refused as well. On a slow
/// machine the bucket may refill, so this is repeated, fewer times than the other could call alone.
async fn limited_too<F: Future<Output = Answer>, G: Future<Output = Answer>>(
    one: &impl Fn() -> F,
    before: u16,
    other: impl Fn() -> G,
) {
    for _ in 1..AT_ONCE {
        until_limited(one, before).await;
        let answer = other().await;
        if answer.status == 429 {
            answer.refused(429, "rate_limited");
            return;
        }
    }
    panic!("not limited together");
}

/// Opens the hosted page with the link of a mint.
async fn open(t: &Test, minted: &Answer) -> Answer {
    let code = minted.text("url").split_once('#').unwrap().1.to_owned();
    t.call(post("/v1/portal-sessions/exchange", &json!({ "code": code }))).await
}

fn bad_key(t: &Test) -> Request {
    get("/v1/customers").key(&t.mistyped_key())
}

/// Returns the same token with another well-formed signature.
fn forge(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let forged = format!("{signed}.{first}{}", &signature[1..]);
    assert_ne!(Value::from(forged.clone()), token);
    forged
}
