//! The listener: HTTP/1.1 with hyper's builder, with every wait and size bounded.
//!
//! No HTTP/2: browsers use it over TLS only, and the proxy in front terminates TLS.

use super::impatient::Impatient;
use super::request::Peer;
use crate::config::HttpConfig;
use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tower::ServiceExt as _;
use tower::util::MapRequest;

const MAX_HEAD_BYTES: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;

/// Serves until `stop` resolves, then finishes open requests within the drain time.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    config: &HttpConfig,
    mut stop: watch::Receiver<bool>,
) {
    let room = Arc::new(Semaphore::new(config.max_connections));
    let mut connections = JoinSet::new();
    let stopped = stop.clone();
    loop {
        let permit = tokio::select! {
            biased;
            () = wait_for_stop(&mut stop) => break,
            permit = Arc::clone(&room).acquire_owned() => permit,
        };
        let (stream, peer) = tokio::select! {
            biased;
            () = wait_for_stop(&mut stop) => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Probably out of file descriptors: waits for connections to end.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let connection = connection(stream, peer, router.clone(), config, stopped.clone());
        connections.spawn(async move {
            connection.await;
            drop(permit);
        });
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    let limit = Duration::from_secs(config.drain_seconds);
    if tokio::time::timeout(limit, drained).await.is_err() {
        tracing::warn!("some requests did not end within the drain time");
    }
}

async fn wait_for_stop(stop: &mut watch::Receiver<bool>) {
    // A dropped sender also means shutdown.
    let _ = stop.wait_for(|stop| *stop).await;
}

fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    config: &HttpConfig,
    mut stop: watch::Receiver<bool>,
) -> impl Future<Output = ()> + Send + 'static {
    // Sends small responses immediately.
    let _ = stream.set_nodelay(true);
    let stall = Duration::from_secs(config.request_timeout_seconds);
    let response = Duration::from_secs(config.response_timeout_seconds);
    let stream = Impatient::new(stream, stall, response);
    let peer = Peer(peer.ip());
    let service = MapRequest::new(router, move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request.map(axum::body::Body::new)
    })
    .map_err(|never: Infallible| match never {});
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(config.header_timeout_seconds))
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS);
    async move {
        let service = TowerToHyperService::new(service);
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        // The client broke the connection. Nothing to report.
        let ended = tokio::select! {
            ended = connection.as_mut() => Some(ended),
            () = wait_for_stop(&mut stop) => None,
        };
        if ended.is_none() {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
