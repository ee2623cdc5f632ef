//! The load: a closed loop of keep-alive connections, each with one request in flight.
//!
//! It reads only the status and length of a response, so that the load's core does not limit the
//! result. An unexpected status aborts the benchmark.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::process::{self, Process};
use crate::requests::Requests;

/// Concurrent connections, unless a case sets another number.
pub(crate) const CONNECTIONS: usize = 64;
/// The maximum number of requests per run.
const MOST: usize = 2_000_000;
/// A run is aborted when it exceeds its duration by this much.
const GRACE: Duration = Duration::from_secs(60);

/// The requests to send and when to stop. The position in the list carries over to the next run.
#[derive(Clone)]
pub(crate) struct Load {
    addr: SocketAddr,
    requests: Requests,
    expect: &'static [u16],
    connections: usize,
    count: usize,
    time: Duration,
    keep_every: usize,
    awake: bool,
    next: Arc<AtomicUsize>,
}

/// The measurements of one run.
pub(crate) struct Run {
    pub(crate) requests: usize,
    pub(crate) elapsed: Duration,
    /// CPU time of the measured process during the run.
    pub(crate) cpu: Duration,
    /// CPU time of the load.
    pub(crate) load_cpu: Duration,
    /// CPU time of the rest of the machine, including kernel threads.
    pub(crate) other_cpu: Duration,
    /// Microseconds, unordered.
    pub(crate) latencies: Vec<u32>,
    /// The kept bodies with the position of their request, in order.
    pub(crate) kept: Vec<(usize, Vec<u8>)>,
}

impl Load {
    pub(crate) fn new(addr: SocketAddr, requests: &Requests, expect: &'static [u16]) -> Load {
        Load {
            addr,
            requests: requests.clone(),
            expect,
            connections: CONNECTIONS,
            count: MOST,
            time: Duration::from_secs(1),
            keep_every: 0,
            awake: false,
            next: Arc::default(),
        }
    }

    pub(crate) fn connections(mut self, connections: usize) -> Load {
        self.connections = connections;
        self
    }

    /// Limits the number of requests per run.
    pub(crate) fn count(mut self, count: usize) -> Load {
        self.count = count.min(MOST);
        self
    }

    /// Limits the duration of a run.
    pub(crate) fn time(mut self, time: Duration) -> Load {
        self.time = time;
        self
    }

    /// Keeps the body of every n-th response, by the position of its request; 0 keeps none.
    pub(crate) fn keep_every(mut self, n: usize) -> Load {
        self.keep_every = n;
        self
    }

    /// Whether the load's core polls instead of sleeping. Waking it would cost time on the server's
    /// core, which a client on another machine does not. Needs a core for the load alone.
    pub(crate) fn awake(mut self, awake: bool) -> Load {
        self.awake = awake;
        self
    }

    pub(crate) async fn run(&self, measured: &Process) -> Result<Run> {
        let mut connections = Vec::new();
        for _ in 0..self.connections {
            connections.push(Connection::open(self.addr).await?);
        }
        let end = self.next.load(Ordering::Relaxed) + self.count;
        let before = (measured.cpu_time()?, process::own_cpu_time()?, process::busy_time()?);
        let started = Instant::now();
        let tasks: Vec<_> = connections
            .into_iter()
            .map(|connection| tokio::spawn(self.clone().drive(connection, end, started)))
            .collect();
        let mut run = Run {
            requests: 0,
            elapsed: Duration::ZERO,
            cpu: Duration::ZERO,
            load_cpu: Duration::ZERO,
            other_cpu: Duration::ZERO,
            latencies: Vec::new(),
            kept: Vec::new(),
        };
        let awake = self.awake.then(|| tokio::spawn(stay_awake()));
        for task in tasks {
            let (latencies, kept) = tokio::time::timeout(self.time + GRACE, task)
                .await
                .context("the load does not end")???;
            run.latencies.extend(latencies);
            run.kept.extend(kept);
        }
        run.elapsed = started.elapsed();
        if let Some(awake) = awake {
            awake.abort();
        }
        run.cpu = measured.cpu_time()?.saturating_sub(before.0);
        run.load_cpu = process::own_cpu_time()?.saturating_sub(before.1);
        let busy = process::busy_time()?.saturating_sub(before.2);
        run.other_cpu = busy.saturating_sub(run.cpu + run.load_cpu);
        // Each connection may have advanced one position past the end before it stopped.
        self.next.fetch_min(end, Ordering::Relaxed);
        run.requests = run.latencies.len();
        run.kept.sort_unstable_by_key(|(place, _)| *place);
        if run.requests == 0 {
            bail!("nothing was sent");
        }
        Ok(run)
    }

    async fn drive(
        self,
        mut connection: Connection,
        end: usize,
        started: Instant,
    ) -> Result<(Vec<u32>, Vec<(usize, Vec<u8>)>)> {
        let mut latencies = Vec::with_capacity(1 << 14);
        let mut kept = Vec::new();
        let mut now = started;
        while now.duration_since(started) < self.time {
            let place = self.next.fetch_add(1, Ordering::Relaxed);
            if place >= end {
                break;
            }
            let sent = now;
            let answer = connection.exchange(&self.requests.get(place)).await?;
            now = Instant::now();
            latencies.push(u32::try_from(now.duration_since(sent).as_micros())?);
            if !self.expect.contains(&answer.status) {
                let body = String::from_utf8_lossy(answer.body(&connection)).into_owned();
                bail!("status {} instead of {:?}: {body}", answer.status, self.expect);
            }
            if self.keep_every > 0 && place.is_multiple_of(self.keep_every) {
                kept.push((place, answer.body(&connection).to_vec()));
            }
        }
        Ok((latencies, kept))
    }
}

/// Keeps the runtime polling instead of sleeping.
async fn stay_awake() {
    loop {
        tokio::task::yield_now().await;
    }
}

/// One keep-alive connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A response whose bytes are still in the connection's buffer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: usize,
    end: usize,
}

impl Answer {
    /// Length of the whole response, including status line and headers.
    pub(crate) fn bytes(self) -> usize {
        self.end
    }

    pub(crate) fn head(self, connection: &Connection) -> &[u8] {
        &connection.buffer[..self.head]
    }

    pub(crate) fn body(self, connection: &Connection) -> &[u8] {
        &connection.buffer[self.head..self.end]
    }
}

impl Connection {
    pub(crate) async fn open(addr: SocketAddr) -> Result<Connection> {
        let stream = TcpStream::connect(addr).await.context("cannot connect")?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, buffer: vec![0; 64 * 1024] })
    }

    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Answer> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                bail!("the connection was closed in the middle of an exchange");
            }
            filled += read;
            if let Some(answer) = parse(&self.buffer[..filled])? {
                if answer.end == filled {
                    return Ok(answer);
                }
                if answer.end < filled || answer.end > self.buffer.len() {
                    bail!("a response of unexpected length");
                }
            }
        }
    }
}

/// Returns `None` while the head is incomplete.
fn parse(bytes: &[u8]) -> Result<Option<Answer>> {
    const LENGTH: &[u8] = b"content-length:";
    let mut length = None;
    let mut start = 0;
    while let Some(end) = bytes[start..].iter().position(|byte| *byte == b'\n') {
        let line = bytes[start..start + end].trim_ascii();
        start += end + 1;
        if line.is_empty() {
            let status = bytes.get(9..12).and_then(|status| str::from_utf8(status).ok());
            let status = status.and_then(|status| status.parse().ok()).context("no status")?;
            let length = match (length, status) {
                (Some(length), _) => length,
                (None, 204) => 0,
                (None, _) => bail!("a response without a length"),
            };
            return Ok(Some(Answer { status, head: start, end: start + length }));
        }
        if line.len() > LENGTH.len() && line[..LENGTH.len()].eq_ignore_ascii_case(LENGTH) {
            let value = str::from_utf8(line[LENGTH.len()..].trim_ascii())?;
            length = Some(value.parse::<usize>()?);
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_complete_at_its_length_and_not_before() {
        let whole = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}";
        assert!(parse(&whole[..30]).unwrap().is_none());
        let answer = parse(whole).unwrap().unwrap();
        assert_eq!((answer.status, answer.head, answer.end), (201, 43, 45));
    }

    #[test]
    fn only_a_204_may_come_without_a_length() {
        let answer = parse(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().unwrap();
        assert_eq!((answer.status, answer.end), (204, 27));
        assert!(parse(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
