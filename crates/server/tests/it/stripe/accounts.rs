//! Connecting accounts: what is refused, what is never shown, what stays separate.

use super::stand_in::{PUBLISHABLE, SECRET, StandIn, WEBHOOK_SECRET};
use super::{connect, connected, credentials, unconnected};
use crate::on_both_stores;
use crate::support::{Engine, Place, Program, get, post};
use serde_json::json;
use std::io::Write as _;
use std::process::{Command, Stdio};
use unitpay::testing::base::Secret;
use unitpay::testing::keys::KeyScopes;
use unitpay::testing::payments::stripe::{ConnectError, NewCredentials, accounts};

const OTHER_SECRET: &str = "sk_test_standin000000000002";

fn secret_key(key: &str) -> NewCredentials {
    NewCredentials { secret_key: Some(Secret::new(key.into())), ..credentials() }
}

on_both_stores! {
    async fn stripe_keys_of_the_wrong_kind_are_refused(t) {
        let (t, stand_in) = unconnected(t.engine).await;
        for key in ["sk_live_standin000000000001", "pk_test_standin000000000001", "sk_test_", "sk_test_a b", "", "sk_test_1\r\nx: y"] {
            let refused = connect(&t, secret_key(key)).await;
            assert!(matches!(refused, Err(ConnectError::Malformed(_))), "{key}");
        }
        for new in [
            NewCredentials { publishable_key: Some("pk_live_standin00000001".into()), ..credentials() },
            NewCredentials { publishable_key: Some(SECRET.into()), ..credentials() },
            NewCredentials { webhook_secret: Some(Secret::new("   ".into())), ..credentials() },
            NewCredentials { webhook_secret: Some(Secret::new(SECRET.into())), ..credentials() },
        ] {
            assert!(matches!(connect(&t, new).await, Err(ConnectError::Malformed(_))));
        }
        let nothing = NewCredentials { publishable_key: None, ..credentials() };
        assert!(matches!(connect(&t, nothing).await, Err(ConnectError::Missing(_))));
        assert!(stand_in.calls().is_empty());
        let revoked = connect(&t, secret_key("sk_test_unknown00000000001")).await;
        assert!(matches!(revoked, Err(ConnectError::Refused(401))));
        let shown = t.call(get("/v1/processors").key(&t.key)).await.expect(200).json();
        assert_eq!(shown, json!({ "data": [{ "processor": "sandbox", "status": "built_in", "isUsed": true }] }));
    }

    async fn stripe_credentials_are_shown_by_their_last_four(t) {
        let (t, _stand_in) = connected(t.engine).await;
        let shown = t.call(get("/v1/processors").key(&t.key)).await.expect(200);
        let text = String::from_utf8(shown.body.clone()).unwrap();
        assert!(!text.contains(SECRET) && !text.contains(WEBHOOK_SECRET));
        let stripe = &shown.json()["data"][0];
        assert_eq!((&stripe["status"], &stripe["secretKeyLast4"]), (&json!("connected"), &json!("0001")));
        assert_eq!((&stripe["account"], &stripe["publishableKey"]), (&json!("acct_1"), &json!(PUBLISHABLE)));
        assert_eq!(shown.json()["data"][1]["isUsed"], false);
        let debug = format!("{:?}", credentials());
        assert!(!debug.contains(SECRET) && !debug.contains(WEBHOOK_SECRET), "{debug}");
        // Another organization, and the live environment, have none of it.
        for tenant in [t.organization("another").await, t.live(t.tenant.organization_id).await] {
            let key = t.key_of(tenant, KeyScopes::ALL).await;
            let text = t.call(get("/v1/processors").key(&key)).await.expect(200).json().to_string();
            assert!(!text.contains("stripe"), "{text}");
        }
    }

    async fn stripe_account_is_not_swapped_under_its_customers(t) {
        let (t, stand_in) = connected(t.engine).await;
        stand_in.add_secret(OTHER_SECRET, "acct_2");
        t.stripe_customer(&stand_in, "c", "pm_card_visa").await;
        let swapped = connect(&t, secret_key(OTHER_SECRET)).await;
        assert!(matches!(swapped, Err(ConnectError::OtherAccount(old)) if old == "acct_1"));
        // A new key of the same account is taken, and is used from the next call on.
        let rolled = "sk_test_standin000000000003";
        stand_in.add_secret(rolled, "acct_1");
        let new = NewCredentials { secret_key: Some(Secret::new(rolled.into())), ..NewCredentials::default() };
        connect(&t, new).await.unwrap();
        let shown = t.call(get("/v1/processors").key(&t.key)).await.expect(200).json();
        assert_eq!(shown["data"][0]["secretKeyLast4"], "0003");
    }

    async fn stripe_accounts_of_two_tenants_stay_apart(t) {
        let (t, stand_in) = connected(t.engine).await;
        stand_in.add_secret(OTHER_SECRET, "acct_2");
        let other = t.organization("other").await;
        let now = t.app.clock.now();
        let new = secret_key(OTHER_SECRET);
        t.app.processors.stripe().connect(&t.app.db, &other, new, now).await.unwrap();
        t.stripe_customer(&stand_in, "c", "pm_card_visa").await;
        let key = t.key_of(other, KeyScopes::ALL).await;
        let body = json!({ "name": "A", "email": "a@example.com" });
        let theirs = t.call(post("/v1/customers", &body).key(&key)).await.text("id");
        let path = format!("/v1/customers/{theirs}/payment-methods");
        t.call(post(format!("{path}/setup"), &json!({})).key(&key)).await.expect(200);
        let card = stand_in.all("payment_method")[0]["id"].clone();
        let stolen = post(path, &json!({ "processorToken": card })).key(&key);
        t.call(stolen).await.refused(422, "validation_failed");
        let accounts: Vec<String> = stand_in.calls().iter().map(|call| call.account.clone()).collect();
        assert!(accounts.contains(&"acct_1".to_owned()) && accounts.contains(&"acct_2".to_owned()));
    }

    async fn pay_page_is_served_only_while_stripe_is_connected(t) {
        let (t, _stand_in) = unconnected(t.engine).await;
        t.call(get("/portal/pay")).await.refused(404, "not_found");
        connect(&t, credentials()).await.unwrap();
        let page = t.call(get("/portal/pay")).await.expect(200);
        let policy = "default-src 'none'; script-src 'self' https://js.stripe.com \
             https://*.js.stripe.com; style-src 'self'; frame-src https://js.stripe.com \
             https://*.js.stripe.com https://hooks.stripe.com; connect-src https://api.stripe.com; \
             img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
        assert_eq!(page.header("content-security-policy"), Some(policy));
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        // The portal itself lets nobody else's script in, whatever is connected.
        let portal = t.call(get("/portal")).await.expect(200);
        assert!(!portal.header("content-security-policy").unwrap().contains("stripe"));
        accounts::disconnect(&t.app.db, &t.tenant, &t.app.random, t.app.clock.now()).await.unwrap();
        t.call(get("/portal/pay")).await.refused(404, "not_found");
    }

    async fn stripe_webhook_secrets_overlap_while_one_is_replaced(t) {
        let (t, stand_in) = connected(t.engine).await;
        for secret in ["whsec_second00000", "whsec_third000000"] {
            let new = NewCredentials { webhook_secret: Some(Secret::new(secret.into())), ..NewCredentials::default() };
            connect(&t, new).await.unwrap();
        }
        let event = json!({ "id": "evt_x", "object": "event", "livemode": false, "type": "x", "data": {} });
        for (secret, good) in [
            (WEBHOOK_SECRET, false), ("whsec_second00000", true), ("whsec_third000000", true),
        ] {
            let answer = t.stripe_webhook(&event, &stand_in.signature(secret, &event.to_string())).await;
            if good { answer.expect(204) } else { answer.refused(400, "malformed_request") };
        }
    }

    async fn stripe_disconnected_leaves_the_sandbox(t) {
        let (t, stand_in) = connected(t.engine).await;
        let customer = t.stripe_customer(&stand_in, "c", "pm_card_visa").await;
        let invoice = t.bill(&customer, 1_000).await;
        accounts::disconnect(&t.app.db, &t.tenant, &t.app.random, t.app.clock.now()).await.unwrap();
        let calls = stand_in.calls().len();
        t.pay(&invoice, json!({})).await.refused(409, "conflict");
        let shown = t.call(get("/v1/processors").key(&t.key)).await.expect(200).json();
        assert_eq!((&shown["data"][0]["status"], &shown["data"][1]["isUsed"]), (&json!("disconnected"), &json!(true)));
        assert!(shown["data"][0].get("secretKeyLast4").is_none());
        assert_eq!(stand_in.calls().len(), calls);
        let again = accounts::disconnect(&t.app.db, &t.tenant, &t.app.random, t.app.clock.now()).await;
        assert!(matches!(again, Err(ConnectError::NotConnected)));
        // Connected again, the card is still there.
        connect(&t, credentials()).await.unwrap();
        t.pay(&invoice, json!({})).await.expect(200);
        assert!(t.is_paid(&invoice).await);
    }
}

/// Runs a command of the program with this text on its standard input.
pub fn run(place: &Place, stand_in: &StandIn, arguments: &[&str], input: &str) -> (bool, String) {
    run_command(place.command(arguments), stand_in, input)
}

fn run_command(mut command: Command, stand_in: &StandIn, input: &str) -> (bool, String) {
    command.env("UNITPAY_STRIPE_API_BASE", stand_in.url()).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let said = [done.stdout, done.stderr].concat();
    (done.status.success(), String::from_utf8(said).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stripe_is_connected_from_the_command_line() {
    let (place, stand_in) = (Place::new(Engine::Sqlite).await, StandIn::start().await);
    let connect = ["processors", "connect", "stripe", "--env", "sandbox"];
    let input = format!("secret_key={SECRET}\npublishable_key={PUBLISHABLE}\n");
    for (wrong, reason) in [
        ("", "nothing was given"),
        ("sk_test_x", "line 1"),
        (&format!("{input}{input}"), "line 3"),
        (&input.replace("sk_test", "sk_live"), "sk_test_… or rk_test_… in sandbox"),
        ("publishable_key=pk_test_standin1", "secret_key is needed"),
        (&input.replace("000001", "000009"), "does not accept the secret key"),
    ] {
        let (done, said) = run(&place, &stand_in, &connect, wrong);
        assert!(!done && said.contains(reason), "{said}");
        assert!(!said.contains("standin0000"), "{said}");
    }
    let rotate = ["processors", "rotate", "stripe", "--env", "sandbox"];
    let webhook = format!("webhook_secret={WEBHOOK_SECRET}\n");
    let (done, said) = run(&place, &stand_in, &rotate, &webhook);
    assert!(!done && said.contains("no Stripe account is connected"), "{said}");
    let (done, said) = run(&place, &stand_in, &connect, &input);
    assert!(done && said.contains("/v1/webhooks/stripe/"), "{said}");
    assert!(run(&place, &stand_in, &rotate, &webhook).0);
    let (_, listed) = run(&place, &stand_in, &["processors", "list"], "");
    assert!(listed.contains("sandbox connected acct_1 …0001"), "{listed}");
    // Neither the store nor a backup of it holds a secret in plain.
    let backup = place.path("backup.db");
    place.ok(&["backup", backup.to_str().unwrap()]);
    let mut files = vec![backup];
    files.extend(std::fs::read_dir(place.data()).unwrap().map(|entry| entry.unwrap().path()));
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        for secret in [SECRET, WEBHOOK_SECRET] {
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "{}", file.display());
        }
    }
    let disconnect = ["processors", "disconnect", "stripe", "--env", "sandbox"];
    assert!(run(&place, &stand_in, &disconnect, "").0);
    let (_, listed) = run(&place, &stand_in, &["processors", "list"], "");
    assert!(listed.contains("disconnected"), "{listed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stripe_webhook_endpoint_is_registered_on_request() {
    let (place, stand_in) = (Place::new(Engine::Sqlite).await, StandIn::start().await);
    let input = format!("secret_key={SECRET}\npublishable_key={PUBLISHABLE}\n");
    let connect = ["processors", "connect", "stripe", "--env", "sandbox", "--register-webhook"];
    let (done, said) = run(&place, &stand_in, &connect, &input);
    assert!(!done && said.contains("needs public_url") && stand_in.calls().is_empty(), "{said}");
    let public = |input: &str, arguments: &[&str]| {
        let mut command = place.command(arguments);
        command.env("UNITPAY_PUBLIC_URL", "https://billing.example.com");
        run_command(command, &stand_in, input)
    };
    let (done, said) = public(&input, &connect);
    assert!(done && said.contains("write Webhook Endpoints"), "{said}");
    assert!(!said.contains(SECRET) && !said.contains(WEBHOOK_SECRET), "{said}");
    let made = stand_in.all("webhook_endpoint");
    let url = made[0]["url"].as_str().unwrap();
    assert!(
        url.starts_with("https://billing.example.com/v1/webhooks/stripe/") && said.contains(url)
    );
    assert_eq!((made.len(), &made[0]["api_version"]), (1, &json!("2026-10-28.endive")));
    // Its secret is kept: what it signs is taken.
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("UNITPAY_STRIPE_API_BASE", stand_in.url());
    let node = Program::start(command);
    let event =
        json!({ "id": "evt_1", "object": "event", "livemode": false, "type": "x", "data": {} });
    let path = url.strip_prefix("https://billing.example.com").unwrap();
    for (secret, status) in [("whsec_another0", 400), (WEBHOOK_SECRET, 204)] {
        let signed = post(path, &event)
            .header("stripe-signature", stand_in.signature(secret, &event.to_string()));
        assert_eq!(node.client.call(signed).await.status, status);
    }
    // A second one would send each event twice.
    let (done, said) = public(&input, &connect);
    assert!(!done && said.contains("an endpoint with this address exists"), "{said}");
    assert_eq!(stand_in.all("webhook_endpoint").len(), 1);
}
