//! Metrics as the operator's collector reads them.

use crate::support::{Client, Engine, Place, Program, Request, get};
use serde_json::json;
use std::collections::BTreeSet;

/// Returns the values in a `/metrics` response by name and labels.
struct Measured(String);

impl Measured {
    async fn measure(server: &Program) -> Self {
        let said = server.wait_for("metrics are at http://");
        let address = said.split("http://").nth(1).unwrap().strip_suffix("/metrics").unwrap();
        let client = Client::new(address.parse().unwrap());
        client.call(get("/")).await.expect(404);
        Self(String::from_utf8(client.call(get("/metrics")).await.expect(200).body).unwrap())
    }

    fn lines(&self) -> impl Iterator<Item = (&str, &str)> {
        let numbers = self.0.lines().filter(|line| !line.starts_with('#'));
        numbers.filter_map(|line| line.rsplit_once(' '))
    }

    fn number(&self, name: &str) -> f64 {
        let found = self.lines().find(|(known, _)| *known == name);
        found.unwrap_or_else(|| panic!("no {name} in {}", self.0)).1.parse().unwrap()
    }

    fn labels(&self, label: &str) -> BTreeSet<&str> {
        let opening = format!("{label}=\"");
        let values = self.lines().filter_map(|(name, _)| name.split_once(&opening));
        values.map(|(_, rest)| rest.split('"').next().unwrap()).collect()
    }
}

#[tokio::test]
async fn metrics_count_events_without_client_chosen_labels() {
    let place = Place::new(Engine::Sqlite).await;
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("UNITPAY_METRICS_LISTEN", "127.0.0.1:0");
    let server = Program::start(command);
    let key = place.key();
    server.customer(&key, "one").await.expect(201);
    for body in [json!({ "customerId": "one" }), json!({ "jti": "ps_01kwgt3qt8f689ez1ekre217xw" })]
    {
        server.token(&key, "one").await;
        server.revoke(&key, body).await.expect(204);
    }
    for method in ["BREW", "PURGE", "get", "TRACE"] {
        server.client.call(Request::new(method, "/healthz")).await.expect(405);
        server.client.call(Request::new(method, format!("/{method}"))).await.expect(404);
    }
    // Metrics are not public.
    server.client.call(get("/metrics")).await.expect(404);

    let measured = Measured::measure(&server).await;
    assert_eq!(measured.number("unitpay_portal_sessions_minted_total"), 2.0);
    for by in ["customer", "jti"] {
        let name = format!("unitpay_portal_sessions_revocations_total{{by=\"{by}\"}}");
        assert_eq!(measured.number(&name), 1.0);
    }
    // A customer, two mints, two revocations, each in a request of its own.
    let (commits, writes) = (
        measured.number("unitpay_store_batch_writes_count"),
        measured.number("unitpay_store_batch_writes_sum"),
    );
    assert!(commits >= 5.0 && writes >= commits, "{commits} {writes}");
    for (method, route, status, count) in [
        ("POST", "/v1/portal-sessions", "201", 2.0),
        ("POST", "/v1/customers", "201", 1.0),
        ("other", "/healthz", "405", 4.0),
        ("other", "none", "404", 4.0),
        ("GET", "none", "404", 1.0),
    ] {
        let labels = format!("method=\"{method}\",route=\"{route}\",status=\"{status}\"");
        let name = format!("unitpay_http_request_duration_seconds_count{{{labels}}}");
        assert_eq!(measured.number(&name), count);
    }
    assert_eq!(measured.labels("method"), BTreeSet::from(["GET", "POST", "other"]));
}
