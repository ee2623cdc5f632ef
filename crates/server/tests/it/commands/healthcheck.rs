//! `unitpay healthcheck`.

use crate::support::{Engine, Place, Program, ok, refused};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

#[tokio::test]
async fn healthcheck_follows_the_server() {
    let place = Place::new(Engine::Sqlite).await;
    let mut server = place.serve();
    let address = server.client.address().to_string();
    let check = || Program::bare(&["healthcheck", "--listen", &address]);
    assert_eq!(ok(&mut check()), "ready\n");
    assert_eq!(ok(Program::bare(&["healthcheck"]).env("UNITPAY_LISTEN", &address)), "ready\n");
    server.kill();
    assert!(refused(&mut check()).contains(&format!("no server answers at {address}")));
}

#[test]
fn healthcheck_says_why_a_server_is_not_ready() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = std::thread::spawn(move || {
        let body = r#"{"code":"unavailable","detail":"The clock is 9 s late."}"#;
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 512];
        let length = stream.read(&mut request).unwrap();
        write!(
            stream,
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    let said = refused(&mut Program::bare(&["healthcheck", "--listen", &address]));
    assert!(said.contains("not ready: The clock is 9 s late."), "{said}");
    assert!(server.join().unwrap().starts_with("GET /readyz HTTP/1.1\r\n"));
}
