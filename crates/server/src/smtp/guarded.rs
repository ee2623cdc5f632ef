//! A connection to a server that may answer without end.

use lettre::transport::smtp::client::AsyncTokioStream;
use std::collections::VecDeque;
use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The bytes that a server may send while it takes one message, its certificates included.
const MAX_READ_BYTES: usize = 256 * 1024;

/// Reads a bounded number of bytes, and at most one line at a time. So no line of a server fills the
/// memory, and nothing that came in the clear after the answer to STARTTLS counts as an answer under
/// TLS: it breaks the handshake.
#[derive(Debug)]
pub struct Guarded<S> {
    stream: S,
    peer: SocketAddr,
    /// Bytes that were read and not handed out.
    held: VecDeque<u8>,
    left: usize,
}

impl Guarded<TcpStream> {
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        let peer = stream.peer_addr()?;
        Ok(Self { stream, peer, held: VecDeque::new(), left: MAX_READ_BYTES })
    }

    /// Puts TLS over the connection, and guards what comes out of it.
    pub async fn wrap(
        self,
        tls: &tokio_rustls::TlsConnector,
        name: rustls::pki_types::ServerName<'static>,
    ) -> io::Result<Guarded<tokio_rustls::client::TlsStream<Self>>> {
        let peer = self.peer;
        let stream = tls.connect(name, self).await?;
        Ok(Guarded { stream, peer, held: VecDeque::new(), left: MAX_READ_BYTES })
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.held.is_empty() {
            let mut bytes = [0; 1024];
            let mut bytes = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut this.stream).poll_read(context, &mut bytes))?;
            let left = this.left.checked_sub(bytes.filled().len());
            this.left = left.ok_or_else(|| io::Error::other("the server sends too much"))?;
            this.held.extend(bytes.filled());
        }
        let line = this.held.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        let most = line.unwrap_or(this.held.len()).min(out.remaining());
        for byte in this.held.drain(..most) {
            out.put_slice(&[byte]);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

impl<S> AsyncTokioStream for Guarded<S>
where
    S: AsyncRead + AsyncWrite + Send + Sync + Unpin + Debug,
{
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}
