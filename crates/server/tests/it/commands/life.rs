//! Starting, stopping, the lock of the one server, the demo.

use super::on_both_places;
use crate::support::{Client, Engine, Place, Program, get, post, refused};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

on_both_places! {
    async fn the_first_start_tells_what_to_do_next_and_a_later_one_does_not(place) {
        let mut server = place.serve();
        server.wait_for("unitpay keys create --env sandbox --d");
        assert!(server.terminate());
        place.key();
        let mut server = place.serve();
        server.client.call(get("/readyz")).await.expect(200);
        assert!(server.terminate());
        assert!(!server.whole_log().join("\n").contains("keys create"));
    }

    async fn told_to_stop_it_answers_what_is_under_way_and_ends_well(place) {
        let mut server = place.serve();
        let key = place.key();
        let address = server.client.address();
        let body = json!({ "name": "A", "email": "a@example.com" }).to_string();
        let mut slow = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /v1/customers HTTP/1.1\r\nHost: t\r\nx-api-key: {key}\r\nExpect: 100-continue\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        slow.write_all(head.as_bytes()).await.unwrap();
        // The server logs this when the handler begins to read the body.
        let mut go_on = [0; 25];
        slow.read_exact(&mut go_on).await.unwrap();
        assert!(go_on.starts_with(b"HTTP/1.1 100 Continue"));
        server.signal("-TERM");
        server.wait_for("stopping");
        slow.write_all(body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        slow.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
        assert!(server.wait().success());
        assert!(TcpStream::connect(address).await.is_err());
    }
}

#[tokio::test]
async fn server_exits_cleanly_when_stopped_right_after_start() {
    let place = Place::new(Engine::Sqlite).await;
    for signal in ["-TERM", "-INT"] {
        let mut server = place.serve();
        server.signal(signal);
        assert!(server.wait().success());
    }
}

#[tokio::test]
async fn second_server_on_one_data_dir_refuses_to_start() {
    let place = Place::new(Engine::Sqlite).await;
    let mut first = place.serve();
    let said = place.refused(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(said.contains("another server is running"), "{said}");
    first.client.call(get("/readyz")).await.expect(200);
    // The lock is released with the process, however it ends.
    first.kill();
    place.serve().client.call(get("/readyz")).await.expect(200);
}

/// Commands and servers start and stop without blocking each other.
#[tokio::test]
async fn server_starts_while_commands_run() {
    let place = Place::new(Engine::Sqlite).await;
    place.ok(&["migrate"]);
    let mut commands: Vec<_> = (0..8)
        .map(|_| place.command(&["keys", "list"]).stdout(Stdio::null()).spawn().unwrap())
        .collect();
    let mut server = place.serve();
    for command in &mut commands {
        assert!(command.wait().unwrap().success());
    }
    assert!(server.terminate());
}

/// The demo. Stopped and awaited on drop.
pub struct Demo(pub std::process::Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn every_command_printed_by_the_demo_works() {
    let curl = Command::new("curl").arg("--version").output();
    assert!(curl.is_ok(), "curl is not installed, and the demo's steps need it");
    let place = Place::new(Engine::Sqlite).await;
    let mut command = Program::bare(&["demo", "--listen", "127.0.0.1:0"]);
    command.env("TMPDIR", &place.folder.0).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut demo = Demo(command.spawn().unwrap());
    let mut lines = BufReader::new(demo.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut printed = Vec::new();
    // The last step is the second one that starts with a read.
    while printed.iter().filter(|line: &&String| line.contains("portal-sessions/current")).count()
        < 2
    {
        printed.push(lines.next().unwrap());
    }
    let issuer = printed[0].split(' ').nth(4).unwrap();
    assert!(printed.iter().any(|line| line.starts_with(&format!("{issuer}/portal#ps_"))));
    let first = printed.iter().position(|line| line.starts_with("# ")).unwrap();
    let script = printed[first - 1..].join("\n").replace("\n# ", "\necho '####'\n# ");
    let mut shell = Command::new("sh");
    // Downloads are written next to the demo's own folder.
    let downloads = Place::new(Engine::Sqlite).await;
    shell
        .args(["-eu"])
        .current_dir(&downloads.folder.0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut shell = shell.spawn().unwrap();
    shell.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = shell.wait_with_output().unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    let steps: Vec<&str> = said.split("####").map(str::trim).collect();
    let [_, export, mint, link, read, billing @ .., refresh, list, revoke] = &steps[..] else {
        panic!("{said}")
    };
    let json =
        |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|_| panic!("{text}"));
    assert_eq!(*export, "");
    assert_eq!(mint.split('.').count(), 3, "{mint}");
    assert!(link.starts_with(&format!("{issuer}/portal#ps_")), "{link}");
    assert!(printed.concat().contains(json(read)["customer"]["id"].as_str().unwrap()));
    let billing: Vec<Vec<Value>> =
        billing.iter().map(|said| said.lines().map(json).collect()).collect();
    let [subscription, plans, invoices, credits, usage, upgrade, cancel, top_up, pay] =
        &billing[..]
    else {
        panic!("{said}")
    };
    assert_eq!(subscription[0]["data"][0]["status"], "active");
    assert_eq!(plans[0]["tiers"].as_array().unwrap().len(), 3);
    assert!(invoices[0]["data"].as_array().unwrap().len() > 3);
    let pdf = std::fs::read(downloads.folder.0.join("invoice.pdf")).unwrap();
    assert!(pdf.starts_with(b"%PDF"));
    assert_eq!(credits[0]["data"][0]["balance"], credits[1]["data"][0]["balanceAfter"]);
    assert!(usage[0]["data"].as_array().unwrap().len() > 60);
    assert!(upgrade[0]["totalAmount"].as_i64().unwrap() > 0);
    for outcome in [&upgrade[1], &top_up[0], &pay[0]] {
        assert_eq!(outcome["kind"], "charged_inline", "{outcome}");
    }
    let canceled: Vec<_> = cancel.iter().map(|answer| &answer["cancelAtPeriodEnd"]).collect();
    assert_eq!(canceled, [true, false]);
    assert_eq!(json(refresh)["token"], *mint);
    assert_eq!(json(list)["data"][0]["status"], "active");
    let (status, read_again) = revoke.split_once('\n').unwrap();
    assert_eq!(status, "204");
    assert_eq!(json(read_again)["code"], "session_revoked");
    assert_eq!(json(read_again)["status"], 401);
    // It leaves no files behind.
    assert_eq!(std::fs::read_dir(&place.folder.0).unwrap().count(), 1);
    let killed = Command::new("kill").arg("-TERM").arg(demo.0.id().to_string()).status().unwrap();
    assert!(killed.success() && demo.0.wait().unwrap().success());
    assert_eq!(std::fs::read_dir(&place.folder.0).unwrap().count(), 0);
}

#[tokio::test]
async fn demo_continues_on_an_existing_store() {
    let place = Place::new(Engine::Sqlite).await;
    for _ in 0..2 {
        let mut command = place.command(&["demo", "--listen", "127.0.0.1:0"]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut demo = Demo(command.spawn().unwrap());
        let mut lines = BufReader::new(demo.0.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut value = |name: &str| {
            let line = lines.find(|line| line.starts_with(&format!("export {name}="))).unwrap();
            line.split_once('=').unwrap().1.to_owned()
        };
        let (key, base) = (value("UNITPAY_API_KEY"), value("UNITPAY_BASE_URL"));
        let address = base.strip_prefix("http://").unwrap().strip_suffix("/v1").unwrap();
        let client = Client::new(address.parse().unwrap());
        let body = json!({ "customerId": "cus_123" });
        client.call(post("/v1/portal-sessions", &body).key(&key)).await.expect(201);
        let customers = client.call(get("/v1/customers").key(&key)).await.expect(200).json();
        assert_eq!(customers["data"].as_array().unwrap().len(), 3);
        let killed =
            Command::new("kill").arg("-TERM").arg(demo.0.id().to_string()).status().unwrap();
        assert!(killed.success() && demo.0.wait().unwrap().success());
    }
    assert!(place.data().join("unitpay.db").exists());
}

#[tokio::test]
async fn error_names_the_address_when_it_is_in_use() {
    let place = Place::new(Engine::Sqlite).await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = refused(&mut place.command(&["serve", "--listen", &address]));
    assert!(said.contains(&format!("cannot listen on {address}")), "{said}");
}
