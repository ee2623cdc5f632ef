//! Outbound HTTP requests to URLs that an organization chooses, such as webhook endpoints.
//!
//! A request never reaches an address that the policy refuses: the host name is resolved once, every
//! address is checked, and the connection goes to a checked address, so DNS rebinding has no effect.
//! Redirects are not followed. Time, header size and body size are bounded. Nothing here logs a URL,
//! a header or a body.

mod address;
mod connection;
mod policy;
mod target;

pub use policy::Policy;
pub use target::Target;

use connection::{Connection, Outgoing};
use http::{HeaderMap, Method};
use hyper::body::Bytes;
use parking_lot::Mutex;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// The open connections to a target that wait for another request.
const MAX_IDLE: usize = 16;

/// Opens connections under one policy; cheap to clone.
#[derive(Clone)]
pub struct Outbound(Arc<Shared>);

struct Shared {
    policy: Policy,
    tls: OnceLock<TlsConnector>,
}

/// Open connections to one target, which are used again.
pub struct Peer {
    outbound: Outbound,
    target: Target,
    idle: Mutex<Vec<Connection>>,
}

/// A response: its status and the first bytes of its body.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboundError {
    /// The host name has no address.
    Unresolved,
    /// The policy refuses every address of the host.
    AddressRefused,
    /// The connection could not be opened.
    ConnectionFailed,
    /// The certificate is not valid for the host, or the peer does not speak TLS.
    TlsFailed,
    /// The connection failed, or the response is not HTTP, after the request was sent.
    RequestFailed,
    TimedOut,
}

impl Outbound {
    pub fn new(policy: Policy) -> Self {
        Self(Arc::new(Shared { policy, tls: OnceLock::new() }))
    }

    pub fn policy(&self) -> &Policy {
        &self.0.policy
    }

    /// Returns a peer without open connections.
    pub fn peer(&self, target: Target) -> Peer {
        Peer { outbound: self.clone(), target, idle: Mutex::default() }
    }

    /// Returns the TLS client. Reads the certificate authorities on first use, because that takes a
    /// while; the server's start calls this if the configuration names a file of authorities.
    pub fn tls(&self) -> Result<&TlsConnector, Box<dyn Error + Send + Sync>> {
        if let Some(tls) = self.0.tls.get() {
            return Ok(tls);
        }
        let mut config = tls_config(self.0.policy.root_certificates.as_ref())?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(self.0.tls.get_or_init(|| TlsConnector::from(Arc::new(config))))
    }
}

/// Returns a TLS client that trusts the authorities of a file, or those of the system.
pub fn tls_config(
    file: Option<&PathBuf>,
) -> Result<rustls::ClientConfig, Box<dyn Error + Send + Sync>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots(file)?)
        .with_no_client_auth())
}

fn roots(file: Option<&PathBuf>) -> Result<rustls::RootCertStore, Box<dyn Error + Send + Sync>> {
    let mut roots = rustls::RootCertStore::empty();
    match file {
        Some(path) => {
            for certificate in CertificateDer::pem_file_iter(path)? {
                roots.add(certificate?)?;
            }
            if roots.is_empty() {
                return Err("the file contains no certificate".into());
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    Ok(roots)
}

impl Peer {
    /// Sends a POST and reads at most `keep` bytes of the response body, all `within` this time.
    pub async fn post(
        &self,
        headers: &HeaderMap,
        body: &Bytes,
        keep: usize,
        within: Duration,
    ) -> Result<Answer, OutboundError> {
        let request = Outgoing { method: Method::POST, path: self.target.path(), headers, body };
        self.send(&request, keep, within).await
    }

    /// Sends a POST to a path below the target's.
    pub async fn post_below(
        &self,
        name: &str,
        headers: &HeaderMap,
        body: &Bytes,
        (keep, within): (usize, Duration),
    ) -> Result<Answer, OutboundError> {
        let path = format!("{}/{name}", self.target.path().trim_end_matches('/'));
        let request = Outgoing { method: Method::POST, path: &path, headers, body };
        self.send(&request, keep, within).await
    }

    /// Sends a GET of another path of the same peer.
    pub async fn get(
        &self,
        path: &str,
        headers: &HeaderMap,
        keep: usize,
        within: Duration,
    ) -> Result<Answer, OutboundError> {
        let request = Outgoing { method: Method::GET, path, headers, body: &Bytes::new() };
        self.send(&request, keep, within).await
    }

    /// Uses an idle connection if there is one. A request that an idle connection did not take,
    /// because the peer had closed it, is sent on a new one.
    async fn send(
        &self,
        request: &Outgoing<'_>,
        keep: usize,
        within: Duration,
    ) -> Result<Answer, OutboundError> {
        let exchange = async {
            let idle = self.idle.lock().pop();
            if let Some(connection) = idle {
                match connection.send(request, keep).await {
                    Ok(done) => return Ok(self.reuse(done)),
                    Err(connection::Failed { was_sent: false, .. }) => self.idle.lock().clear(),
                    Err(failed) => return Err(failed.error),
                }
            }
            let connection = Connection::open(&self.outbound, &self.target).await?;
            let done = connection.send(request, keep).await.map_err(|failed| failed.error)?;
            Ok(self.reuse(done))
        };
        timeout(within, exchange).await.unwrap_or(Err(OutboundError::TimedOut))
    }

    fn reuse(&self, (answer, connection): (Answer, Option<Connection>)) -> Answer {
        let mut idle = self.idle.lock();
        if idle.len() < MAX_IDLE {
            idle.extend(connection);
        }
        answer
    }
}

impl OutboundError {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unresolved => "unresolved",
            Self::AddressRefused => "address_refused",
            Self::ConnectionFailed => "connection_failed",
            Self::TlsFailed => "tls_failed",
            Self::RequestFailed => "request_failed",
            Self::TimedOut => "timed_out",
        }
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("policy", &self.0.policy).finish_non_exhaustive()
    }
}
