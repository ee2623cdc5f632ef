//! Decides whether this node's clock may be trusted with money.
//!
//! On PostgreSQL the store's clock is the reference. The embedded store has no clock of its own:
//! there the wall clock must not run away from the monotonic clock. A node that does not trust its
//! clock runs no job that goes by time and serves no write that bills, mints or expires.

mod sql;

pub use sql::accept;

use crate::base::{Clock, Time, clock::MAX_STEP};
use crate::db::{Db, DbError};
use parking_lot::Mutex;
use std::fmt;
use std::time::Duration;

/// The furthest that a node's clock may be from PostgreSQL's.
const MAX_DIFFERENCE: Duration = Duration::from_secs(2);
/// The interval at which the log repeats that the clock is not trusted.
const LOG_EVERY_SECONDS: i64 = 60;

/// The result of the last comparison. Differences are in microseconds, positive if this node is ahead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    #[default]
    Trusted,
    /// The clock that this process goes by, or the wall clock, differs from the store's.
    DiffersFromStore { now: i64, wall: i64 },
    /// The wall clock left the monotonic one.
    RanAway { wall: i64 },
}

/// A request needs a clock that this verdict does not trust.
#[derive(Clone, Copy, Debug)]
pub struct Untrusted(pub Verdict);

/// The verdict that holds until the next comparison.
#[derive(Debug, Default)]
pub struct ClockGuard(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    verdict: Verdict,
    /// When the log last said that the clock is not trusted.
    logged: Option<Time>,
    /// The newest confirmation of an operator that was read.
    confirmation: i64,
}

impl ClockGuard {
    /// Prepares a clock: with PostgreSQL it follows the wall clock only as far as nodes may differ.
    pub fn new(clock: &Clock, db: &Db) -> Self {
        match db {
            Db::Sqlite(_) => {}
            Db::Postgres(_) => clock.limit_steps(MAX_DIFFERENCE),
        }
        Self::default()
    }

    pub fn verdict(&self) -> Verdict {
        self.0.lock().verdict
    }

    /// Compares this node's clock with its reference. The verdict holds until the next comparison.
    pub async fn compare(&self, clock: &Clock, db: &Db) -> Result<(), DbError> {
        let verdict = match db.ahead_of_store(|| clock.now()).await? {
            Some(ahead) => compare_with_store(clock, ahead),
            None => self.compare_with_monotonic(clock, db).await?,
        };
        self.note(verdict, clock.now());
        Ok(())
    }

    async fn compare_with_monotonic(&self, clock: &Clock, db: &Db) -> Result<Verdict, DbError> {
        let newest = sql::newest(&mut db.read().await?).await?;
        let wall = clock.wall_ahead();
        let mut state = self.0.lock();
        let read = std::mem::replace(&mut state.confirmation, newest.map_or(0, |(no, _)| no));
        if wall.abs() <= micros(MAX_STEP) {
            return Ok(Verdict::Trusted);
        }
        // A confirmation means the time that the operator saw, not every later one.
        let means = |at: Time| (clock.now().0 + wall - at.0).abs() <= micros(MAX_STEP);
        if newest.is_some_and(|(no, at)| no > read && means(at)) {
            clock.accept_wall();
            tracing::warn!("an operator confirmed the wall clock; billing goes on by it");
            return Ok(Verdict::Trusted);
        }
        Ok(Verdict::RanAway { wall })
    }

    /// Keeps a verdict. The log says when it changes, and every minute while the clock is not
    /// trusted.
    fn note(&self, verdict: Verdict, now: Time) {
        let mut state = self.0.lock();
        let was = std::mem::replace(&mut state.verdict, verdict);
        match verdict {
            Verdict::Trusted => {
                if state.logged.take().is_some() {
                    tracing::warn!("the clock is trusted again; billing goes on");
                }
            }
            Verdict::DiffersFromStore { .. } | Verdict::RanAway { .. } => {
                let again = |at: Time| {
                    (now.0 - at.0).unsigned_abs() >= LOG_EVERY_SECONDS.unsigned_abs() * 1_000_000
                };
                if was == Verdict::Trusted || state.logged.is_none_or(again) {
                    state.logged = Some(now);
                    tracing::warn!("{verdict}; billing and retention are stopped");
                }
            }
        }
    }
}

/// A wall clock that agrees with the store is right, whatever this process took for the time.
fn compare_with_store(clock: &Clock, ahead: i64) -> Verdict {
    let most = micros(MAX_DIFFERENCE);
    let wall = ahead + clock.wall_ahead();
    if wall.abs() > most {
        return Verdict::DiffersFromStore { now: ahead, wall };
    }
    if ahead.abs() > most {
        clock.accept_wall();
    }
    Verdict::Trusted
}

impl Verdict {
    /// Whether work may go by this clock: renewals, dunning, retention, writes that bill.
    pub fn may_bill(self) -> bool {
        self == Self::Trusted
    }

    /// Whether this clock may decide what has expired. One that was set back on the embedded store
    /// may: the process continues by its monotonic clock, and nothing revives.
    pub const fn may_expire(self) -> bool {
        match self {
            Self::Trusted => true,
            Self::DiffersFromStore { .. } => false,
            Self::RanAway { wall } => wall < 0,
        }
    }

    /// The time by which credentials expire: the store's, or the later one of two that disagree.
    pub fn expiry_time(self, now: Time) -> Time {
        match self {
            Self::Trusted => now,
            Self::DiffersFromStore { now: ahead, .. } => Time(now.0 - ahead),
            Self::RanAway { wall } => Time(now.0 + wall.max(0)),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Trusted => f.write_str("this node's clock is trusted"),
            Self::DiffersFromStore { wall, .. } => {
                write!(f, "this node's clock is {} PostgreSQL's", Difference(wall))
            }
            Self::RanAway { wall } => write!(
                f,
                "the wall clock is {} the monotonic clock; set it right, or confirm it by: \
                 unitpay accept-clock",
                Difference(wall)
            ),
        }
    }
}

struct Difference(i64);

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = if self.0 < 0 { "behind" } else { "ahead of" };
        write!(f, "{:.1} s {direction}", self.0.unsigned_abs() as f64 / 1e6)
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_expire_by_the_store_or_by_the_later_clock() {
        let (now, second) = (Time::from_seconds(1_000), 1_000_000);
        assert_eq!(Verdict::Trusted.expiry_time(now), now);
        let ahead = Verdict::DiffersFromStore { now: 10 * second, wall: 10 * second };
        assert_eq!(ahead.expiry_time(now), Time::from_seconds(990));
        let behind = Verdict::DiffersFromStore { now: -10 * second, wall: -10 * second };
        assert_eq!(behind.expiry_time(now), Time::from_seconds(1_010));
        let jumped = Verdict::RanAway { wall: 7_200 * second };
        assert_eq!(jumped.expiry_time(now), Time::from_seconds(8_200));
        let set_back = Verdict::RanAway { wall: -7_200 * second };
        assert_eq!(set_back.expiry_time(now), now);
        assert!(set_back.may_expire() && !set_back.may_bill() && !jumped.may_expire());
    }
}
