//! A recorded corpus of requests with their outcomes: bodies and queries, good ones and every
//! systematic mistake.
//!
//! `testdata/requests.jsonl` has one line for each field of each operation and caller. A change of
//! how requests are read must leave every outcome as it is: the status, the code and the set of
//! `errors[].param`. Wording is not recorded. To record a change that is meant:
//! `UNITPAY_RECORD=1 cargo test -p unitpay-server --test it requests`, then read the diff.

mod bodies;
mod cases;

use crate::operations::{Access, OPERATIONS, Row, World, description, path};
use crate::support::{Answer, Engine, Request, Test};
use bodies::bodies;
use cases::{Line, Place, lines};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The most names of fields that an outcome writes out.
const MOST_NAMES: usize = 16;

/// Credentials that a request of the corpus may carry.
const CALLERS: [&str; 3] = ["key", "token", "nobody"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_requests_have_their_recorded_outcomes() {
    let record = std::env::var_os("UNITPAY_RECORD").is_some();
    let recorded = if record { generated() } else { read() };
    let t = Test::start(Engine::Sqlite).await;
    let (mut replayed, mut differences, mut requests) = (Vec::new(), Vec::new(), 0);
    let described = description();
    for row in OPERATIONS {
        let (_, method, template, _) = described.iter().find(|found| found.0 == row.0).unwrap();
        for caller in CALLERS {
            let mut lines = recorded.iter().filter(|line| line.is_of(row.0, caller)).peekable();
            if lines.peek().is_none() {
                continue;
            }
            let world = World::make(&t).await;
            let bodies = bodies(row, &world);
            let sender = Sender { t: &t, row, world: &world, caller, method, template, bodies };
            for line in lines {
                let now = sender.replay(line).await;
                requests += line.len();
                if !record && now != *line {
                    differences.push(format!("recorded {}\n     now {}", line.json(), now.json()));
                }
                replayed.push(now);
            }
        }
    }
    if record {
        let text: String = replayed.iter().map(|line| format!("{}\n", line.json())).collect();
        std::fs::write(file(), text).unwrap();
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert_eq!(replayed.len(), recorded.len(), "a line is of no known operation or caller");
    assert!(requests >= 2_000, "{requests}");
}

/// Sends the requests of one operation and one caller.
struct Sender<'a> {
    t: &'a Test,
    row: &'a Row,
    world: &'a World,
    caller: &'static str,
    method: &'a str,
    template: &'a str,
    bodies: Vec<Value>,
}

impl Sender<'_> {
    async fn replay(&self, line: &Line) -> Line {
        let mut outcomes = Vec::new();
        for case in line.cases() {
            outcomes.push((case.clone(), outcome(&self.send(line, case).await)));
        }
        line.with_outcomes(outcomes)
    }

    async fn send(&self, line: &Line, case: &Value) -> Answer {
        let path = path(self.row, self.template, self.world);
        let request = match &line.place {
            Place::Query(name) => {
                let query = cases::query(&path, name, case.as_str().unwrap());
                Request::new(self.method, query)
            }
            Place::Body(at, field) => {
                let body = cases::body(&self.bodies[*at], field, case);
                Request::new(self.method, path).raw_json(body)
            }
        };
        let request = match self.caller {
            "key" => request.key(&self.t.key),
            "token" => request.bearer(&self.world.token),
            _ => request,
        };
        self.t.call(request).await
    }
}

/// Returns `ok`, or a status with its code; for an invalid request with the names of its fields.
fn outcome(answer: &Answer) -> String {
    if answer.status < 300 {
        return "ok".to_owned();
    }
    let body = answer.json();
    let code = body["code"].as_str().unwrap();
    if code != "validation_failed" {
        return format!("{} {code}", answer.status);
    }
    let errors = body["errors"].as_array().unwrap().iter();
    let params: BTreeSet<&str> = errors.map(|error| error["param"].as_str().unwrap()).collect();
    let more = params.len().saturating_sub(MOST_NAMES);
    let named = params.into_iter().take(MOST_NAMES);
    let text = named.fold(answer.status.to_string(), |text, param| format!("{text} {param}"));
    if more > 0 { format!("{text} and {more} more") } else { text }
}

/// Builds the corpus again, without outcomes, from the description of each operation.
fn generated() -> Vec<Line> {
    let whole = serde_json::to_value(unitpay::testing::routes::openapi()).unwrap();
    let described = description();
    let mut all = Vec::new();
    for row in OPERATIONS {
        let (.., operation) = described.iter().find(|found| found.0 == row.0).unwrap();
        for caller in callers(row.1) {
            all.extend(lines(&whole, operation, row.0, caller, &bodies(row, &World::named())));
        }
    }
    all
}

const fn callers(access: Access) -> &'static [&'static str] {
    match access {
        Access::Key(_) | Access::Sandbox(_) => &["key"],
        Access::Portal => &["token"],
        Access::Either(..) | Access::Form(_) | Access::Catalog => &["key", "token"],
        Access::Page | Access::Login => &["nobody"],
        Access::Public | Access::Signed => &[],
    }
}

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/requests.jsonl")
}

fn read() -> Vec<Line> {
    let text = std::fs::read_to_string(file()).unwrap();
    text.lines().map(|line| Line::parse(&serde_json::from_str(line).unwrap())).collect()
}

/// The corpus has every operation that reads a body or a query.
#[test]
fn corpus_covers_every_operation_that_reads_fields() {
    let recorded = read();
    for (id, _, _, operation) in description() {
        let query = operation["parameters"].as_array().into_iter().flatten();
        let reads = operation.get("requestBody").is_some_and(|body| *body != json!(null))
            || query.into_iter().any(|parameter| parameter["in"] == "query");
        let covered = recorded.iter().any(|line| line.operation == id);
        assert!(covered || !reads || id == "receiveWebhook", "{id}: record its requests");
    }
}
