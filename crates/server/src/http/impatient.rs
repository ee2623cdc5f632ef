//! Closes a connection whose client takes too long to read a response.
//!
//! hyper limits how long a client may send, not how long it may leave a response unread. Without
//! this, a client that never reads, or reads a byte a minute, would keep its connection slot forever.

use std::future::Future as _;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

pub struct Impatient {
    stream: TcpStream,
    /// Bounds each wait for the client to read something.
    stall: Limit,
    /// Bounds the time from the first such wait until the response is written.
    response: Limit,
}

/// A time limit, and its timer while it runs.
struct Limit {
    after: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Limit {
    const fn new(after: Duration) -> Self {
        Self { after, timer: None }
    }

    /// Starts the timer unless it runs. Ready if the time is over.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let after = self.after;
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(after)));
        timer.as_mut().poll(context)
    }
}

impl Impatient {
    pub const fn new(stream: TcpStream, stall: Duration, response: Duration) -> Self {
        Self { stream, stall: Limit::new(stall), response: Limit::new(response) }
    }

    fn bound(
        &mut self,
        written: Poll<Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<Result<usize>> {
        if written.is_ready() {
            self.stall.timer = None;
            return written;
        }
        let over = self.stall.poll(context).is_ready() | self.response.poll(context).is_ready();
        if over { Poll::Ready(Err(Error::from(ErrorKind::TimedOut))) } else { Poll::Pending }
    }
}

impl AsyncRead for Impatient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Impatient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.bound(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.bound(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes when everything that it has of a response is written. Our bodies are whole, so
    /// that is its end.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.response.timer = None;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
