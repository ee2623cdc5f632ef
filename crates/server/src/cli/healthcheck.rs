//! `unitpay healthcheck`: the readiness of a server on this machine.

use super::print;
use crate::config::Config;
use anyhow::{Context, bail};
use http::{Request, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

const ANSWER_WITHIN: Duration = Duration::from_secs(5);
const MAX_ANSWER_BYTES: usize = 16 * 1024;

/// Fails unless the server that this configuration describes is ready.
pub async fn run(config: &Config) -> anyhow::Result<()> {
    let address = reachable(config.listen)?;
    let asked = timeout(ANSWER_WITHIN, ask(address)).await;
    let (is_ready, answer) = asked
        .with_context(|| format!("{address} did not answer within {ANSWER_WITHIN:?}"))?
        .with_context(|| format!("no server answers at {address}"))?;
    if !is_ready {
        bail!("the server at {address} is not ready: {answer}");
    }
    print("ready")
}

/// Returns the address at which this machine reaches a listener.
fn reachable(listen: SocketAddr) -> anyhow::Result<SocketAddr> {
    if listen.port() == 0 {
        bail!("the server's port is unknown: name it with --listen");
    }
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    Ok(SocketAddr::new(ip, listen.port()))
}

/// Returns whether the server is ready, and its answer: the problem's detail if there is one.
async fn ask(address: SocketAddr) -> anyhow::Result<(bool, String)> {
    let stream = TcpStream::connect(address).await?;
    let (mut connection, driver) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(driver);
    let request = Request::get("/readyz")
        .header(header::HOST, address.to_string())
        .body(Empty::<Bytes>::new())?;
    let (head, body) = connection.send_request(request).await?.into_parts();
    let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
    let body = body.map_err(anyhow::Error::from_boxed)?.to_bytes();
    let problem = serde_json::from_slice::<serde_json::Value>(&body).unwrap_or_default();
    let detail = problem["detail"].as_str().map(str::to_owned);
    Ok((head.status.is_success(), detail.unwrap_or_else(|| head.status.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unspecified_addresses_are_reached_by_loopback() {
        for (listen, reached) in [
            ("0.0.0.0:4000", "127.0.0.1:4000"),
            ("[::]:4000", "[::1]:4000"),
            ("127.0.0.2:80", "127.0.0.2:80"),
            ("[fd00::1]:80", "[fd00::1]:80"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()).unwrap(), reached.parse().unwrap());
        }
        assert!(reachable("127.0.0.1:0".parse().unwrap()).is_err());
    }
}
