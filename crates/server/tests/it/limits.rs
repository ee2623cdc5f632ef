//! Rate limits: they run on the monotonic clock, so these tests ask until they are refused.

use crate::on_both_stores;
use crate::support::{Answer, Engine, Request, Test, get, patch, post};
use serde_json::{Value, json};

/// What any of the limits here lets pass at once.
const AT_ONCE: u32 = 5;

#[tokio::test]
async fn a_portal_session_that_asks_too_often_is_told_when_to_come_back() {
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
    // It has no effect, and its body is not looked at.
    let before = t.state().await;
    let read = || t.read(&token);
    limited_too(&read, 200, || t.refresh(&token)).await;
    let no_object = || t.call(patch("/v1/customers/one", &json!(1)).bearer(&token));
    limited_too(&read, 200, no_object).await;
    assert_eq!(t.state().await, before);
    // Neither another session nor the backend is concerned.
    let other = t.token("one").await;
    t.read(&other).await.expect(200);
    for _ in 0..2 * AT_ONCE {
        t.call(get("/v1/customers").key(&t.key)).await.expect(200);
    }
    // Nor are other reasons to refuse: they are found first.
    t.revoke(json!({ "customerId": "one" })).await.expect(204);
    t.read(&token).await.refused(401, "session_revoked");
}

#[tokio::test]
async fn a_link_that_is_opened_beyond_the_limit_opens_later() {
    let t = Test::start_with(Engine::Sqlite, |config| {
        config.limits.portal_session_per_second = 1;
        config.limits.portal_session_burst = AT_ONCE;
    })
    .await;
    t.customer("one").await;
    // A slow machine lets some of it fill up again in between: then the link opens at once.
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
async fn a_spent_link_is_limited_by_peer_and_uses_up_nothing_of_its_session() {
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
    // A good one is opened all the same.
    open(&t, &t.mint(json!({ "customerId": "one" })).await).await.expect(200);
}

#[tokio::test]
async fn a_secret_key_is_limited_where_it_is_configured_and_never_for_revoking() {
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
    // Nor does revoking use up what the other calls may.
    let other = t.key_of(t.tenant, unitpay::keys::KeyScopes::ALL).await;
    for _ in 0..4 * AT_ONCE {
        let body = json!({ "jti": "ps_01kwgt3qt8f689ez1ekre217xw" });
        t.call(post("/v1/portal-sessions/revoke", &body).key(&other)).await.expect(204);
    }
    for _ in 0..AT_ONCE {
        t.call(get("/v1/customers").key(&other)).await.expect(200);
    }
}

#[tokio::test]
async fn bad_keys_are_limited_by_peer_and_good_ones_pass_beside_them() {
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
    // Whoever shares the address of an attacker is not shut out, least of all from revoking.
    let good = |request: Request| t.call(request.key(&t.key).header("x-forwarded-for", one));
    good(get("/v1/customers")).await.expect(200);
    let body = json!({ "jti": "ps_01kwgt3qt8f689ez1ekre217xw" });
    good(post("/v1/portal-sessions/revoke", &body)).await.expect(204);
    limited_too(&|| bad(one), 401, || bad(one)).await;
}

#[tokio::test]
async fn a_forwarded_address_counts_only_from_a_trusted_proxy_and_only_the_nearest() {
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
    // Whoever has one IPv6 address has all of its network.
    limited_too(&|| bad("2001:db8::1"), 401, || bad("2001:db8::ffff:1")).await;
    bad("2001:db8:0:1::1").await.refused(401, "invalid_api_key");

    let t = with_proxy(false).await;
    let mut peers = (0..).map(|n| format!("203.0.113.{n}"));
    let next = || t.call(bad_key(&t).header("x-forwarded-for", peers.next().unwrap()));
    until_limited(next, 401).await;
}

#[tokio::test]
async fn wrong_signatures_on_a_real_session_are_limited_and_its_token_is_not() {
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
    // The backend may ask what it likes of any token: it is not the forger.
    for _ in 0..4 * AT_ONCE {
        let body = json!({ "token": forged });
        let answer = t.call(post("/v1/portal-sessions/introspect", &body).key(&t.key)).await;
        assert_eq!(answer.expect(200).json(), json!({ "active": false }));
    }
}

on_both_stores! {
    async fn tokens_that_were_good_once_never_count_as_bad_credentials(t) {
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
        // One bad key is no more than one.
        t.call(bad_key(&t)).await.refused(401, "invalid_api_key");
        t.read(&unknown).await.expect(200);
    }

    async fn a_limit_of_0_is_off(t) {
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

/// A server that limits bad credentials and is called by a proxy on this host.
async fn with_proxy(trusted: bool) -> Test {
    Test::start_with(Engine::Sqlite, |config| {
        config.limits.bad_credentials_per_second = AT_ONCE;
        if trusted {
            config.http.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        }
    })
    .await
}

/// Asks until it is refused as too much.
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

/// Uses up what one may and asks as the other, which is too much then, too. A slow machine lets some
/// of it fill up again in between, so this is done anew, less often than the other may ask alone.
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

/// Opens the hosted page by the link of a mint.
async fn open(t: &Test, minted: &Answer) -> Answer {
    let code = minted.text("url").split_once('#').unwrap().1.to_owned();
    t.call(post("/v1/portal-sessions/exchange", &json!({ "code": code }))).await
}

fn bad_key(t: &Test) -> Request {
    get("/v1/customers").key(&t.mistyped_key())
}

/// The same token with another signature, of good form.
fn forge(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let forged = format!("{signed}.{first}{}", &signature[1..]);
    assert_ne!(Value::from(forged.clone()), token);
    forged
}
