//! Prepares a case: customers, sessions, and single requests.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::load::{Connection, Load, Run};
use crate::requests::{self, Requests};
use crate::server::Server;

/// The time limit for preparation, which is bounded by its count.
const PATIENCE: Duration = Duration::from_secs(900);

/// A complete response.
pub(crate) struct Once {
    pub(crate) status: u16,
    /// Including status line and headers.
    pub(crate) bytes: usize,
    pub(crate) body: Vec<u8>,
}

/// Sends one request on a new connection.
pub(crate) async fn once(addr: SocketAddr, request: &[u8]) -> Result<Once> {
    let mut connection = Connection::open(addr).await?;
    let answer = connection.exchange(request).await?;
    let body = answer.body(&connection).to_vec();
    Ok(Once { status: answer.status, bytes: answer.bytes(), body })
}

/// Sends every request once and returns the bodies in order.
pub(crate) async fn all(
    server: &Server,
    requests: &Requests,
    count: usize,
    expect: &'static [u16],
) -> Result<Vec<Vec<u8>>> {
    let load = Load::new(server.addr, requests, expect).count(count).time(PATIENCE).keep_every(1);
    let run = load.run(&server.process).await?;
    anyhow::ensure!(run.requests == count, "sent {} of {count} in time", run.requests);
    server.log.clear()?;
    Ok(run.kept.into_iter().map(|(_, body)| body).collect())
}

/// The parts of a minted session that a case needs.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) token: String,
    pub(crate) jti: String,
}

/// A server's customers, and the requests that mint sessions for them in turn.
pub(crate) struct Customers {
    pub(crate) ids: Vec<String>,
    pub(crate) mints: Requests,
}

pub(crate) async fn customers(server: &Server, key: &str, count: usize) -> Result<Customers> {
    let requests = (0..count).map(|number| requests::customer(key, number)).collect();
    let made = all(server, &requests, count, &[201]).await.context("creating customers")?;
    let ids: Vec<String> = made.iter().map(|body| member(body, "id")).collect::<Result<_>>()?;
    let mints = ids.iter().map(|id| requests::mint(key, id)).collect();
    Ok(Customers { ids, mints })
}

/// Mints `count` sessions and keeps every n-th one.
pub(crate) async fn sessions(
    server: &Server,
    mints: &Requests,
    count: usize,
    keep_every: usize,
) -> Result<(Vec<Session>, Run)> {
    let load = Load::new(server.addr, mints, &[201]).count(count).time(PATIENCE);
    let run = load.keep_every(keep_every).run(&server.process).await.context("minting")?;
    anyhow::ensure!(run.requests == count, "minted {} of {count} in time", run.requests);
    let sessions = run
        .kept
        .iter()
        .map(|(_, body)| Ok(Session { token: member(body, "token")?, jti: member(body, "jti")? }))
        .collect::<Result<_>>()?;
    server.log.clear()?;
    Ok((sessions, run))
}

/// Returns a string member of a JSON object.
pub(crate) fn member(body: &[u8], name: &str) -> Result<String> {
    let body: serde_json::Value = serde_json::from_slice(body)?;
    let value = body.get(name).and_then(serde_json::Value::as_str);
    value.map(str::to_owned).with_context(|| format!("an answer without {name}"))
}

/// Returns at most `count` items, spread evenly over the list.
pub(crate) fn spread<T>(items: &[T], count: usize) -> impl Iterator<Item = &T> {
    let count = count.min(items.len());
    (0..count).filter_map(move |place| items.get(place * items.len() / count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_takes_evenly_and_never_more_than_there_are() {
        let items: Vec<_> = (0..10).collect();
        assert_eq!(spread(&items, 3).copied().collect::<Vec<_>>(), [0, 3, 6]);
        assert_eq!(spread(&items, 99).count(), 10);
        assert_eq!(spread(&items[..0], 5).count(), 0);
    }
}
