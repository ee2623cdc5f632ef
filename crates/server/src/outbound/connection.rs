//! One HTTP/1.1 connection to a checked address.

use super::{Answer, Outbound, OutboundError, Target};
use http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_HEADERS: usize = 64;
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// A response body up to this size is read to its end, so that the connection can be reused.
const MAX_DRAINED_BYTES: usize = 64 * 1024;

/// An open connection, for several requests one after the other.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: HeaderValue,
}

pub struct Outgoing<'a> {
    pub method: Method,
    pub path: &'a str,
    pub headers: &'a HeaderMap,
    pub body: &'a Bytes,
}

/// A request that got no response.
pub struct Failed {
    pub error: OutboundError,
    pub was_sent: bool,
}

/// A response, and the connection if it can be used again.
type Done = (Answer, Option<Connection>);

impl Connection {
    /// Opens a connection to an address that the policy allows.
    pub async fn open(outbound: &Outbound, target: &Target) -> Result<Self, OutboundError> {
        let stream = timeout(CONNECT_TIMEOUT, connect(outbound, target)).await;
        let stream = stream.unwrap_or(Err(OutboundError::TimedOut))?;
        let sender = if target.is_tls() {
            let failed = |_| OutboundError::TlsFailed;
            let name = ServerName::try_from(target.host().to_owned()).map_err(failed)?;
            let client = outbound.tls().map_err(|error| {
                tracing::error!(%error, "cannot read the certificate authorities for webhooks");
                OutboundError::TlsFailed
            })?;
            let tls = timeout(CONNECT_TIMEOUT, client.connect(name, stream)).await;
            let tls = tls.map_err(|_| OutboundError::TimedOut)?;
            handshake(tls.map_err(|_| OutboundError::TlsFailed)?).await?
        } else {
            handshake(stream).await?
        };
        Ok(Self { sender, host: target.authority() })
    }

    /// Sends a request and reads at most `keep` bytes of the response body.
    pub async fn send(mut self, request: &Outgoing<'_>, keep: usize) -> Result<Done, Failed> {
        let not_sent = || Failed { error: OutboundError::RequestFailed, was_sent: false };
        let Outgoing { method, path, headers, body } = request;
        let mut request = Request::builder()
            .method(method)
            .uri(*path)
            .body(Full::new(Bytes::clone(body)))
            .map_err(|_| not_sent())?;
        *request.headers_mut() = HeaderMap::clone(headers);
        request.headers_mut().insert(header::HOST, self.host.clone());
        self.sender.ready().await.map_err(|_| not_sent())?;
        let sent = self.sender.try_send_request(request).await;
        let response = sent.map_err(|mut error| Failed {
            error: OutboundError::RequestFailed,
            was_sent: error.take_message().is_none(),
        })?;
        let (answer, is_open) =
            read(response, keep).await.map_err(|error| Failed { error, was_sent: true })?;
        Ok((answer, is_open.then_some(self)))
    }
}

/// Resolves the host once and connects to the first allowed address that answers.
async fn connect(outbound: &Outbound, target: &Target) -> Result<TcpStream, OutboundError> {
    let resolved = tokio::net::lookup_host((target.host(), target.port())).await;
    let addresses: Vec<SocketAddr> = resolved.map_err(|_| OutboundError::Unresolved)?.collect();
    if addresses.is_empty() {
        return Err(OutboundError::Unresolved);
    }
    let mut failure = OutboundError::AddressRefused;
    for address in addresses.into_iter().filter(|to| outbound.policy().allows_address(to.ip())) {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Best effort: without it, small requests wait for a delayed acknowledgement.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(_) => failure = OutboundError::ConnectionFailed,
        }
    }
    Err(failure)
}

async fn handshake<S>(stream: S) -> Result<SendRequest<Full<Bytes>>, OutboundError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = http1::Builder::new()
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| OutboundError::ConnectionFailed)?;
    // Ends when the sender is dropped or the peer closes the connection.
    tokio::spawn(connection);
    Ok(sender)
}

/// Reads a response: the first `keep` bytes of its body, and whether the connection stays open. The
/// rest of a large body is not read, and the connection is closed.
async fn read(response: Response<Incoming>, keep: usize) -> Result<(Answer, bool), OutboundError> {
    let closes = response
        .headers()
        .get(header::CONNECTION)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"close"));
    let status = response.status().as_u16();
    let (mut kept, mut length) = (Vec::new(), 0);
    let mut incoming = response.into_body();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|_| OutboundError::RequestFailed)?;
        let Ok(data) = frame.into_data() else { continue };
        length += data.len();
        kept.extend_from_slice(&data[..data.len().min(keep - kept.len())]);
        if length > keep.max(MAX_DRAINED_BYTES) {
            return Ok((Answer { status, body: kept }, false));
        }
    }
    Ok((Answer { status, body: kept }, !closes))
}
