//! The only `now` of the program.
//!
//! Within a process time never goes back: `now` is the wall clock or the last `now` plus the
//! monotonic time since, whichever is later, so a clock set back revives nothing. Time-outs and
//! rate limits do not ask here; they use the monotonic clock of the runtime.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// An instant in microseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Time {
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds * 1_000_000)
    }

    /// Whole Unix seconds, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    pub const fn milliseconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0 + seconds * 1_000_000)
    }

    pub const fn plus_days(self, days: i64) -> Self {
        self.plus_seconds(days * 86_400)
    }
}

/// RFC 3339 in UTC with exactly three fraction digits and `Z`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.milliseconds()) {
            Ok(timestamp) => write!(f, "{timestamp:.3}"),
            Err(_) => f.write_str("9999-12-30T22:00:00.000Z"),
        }
    }
}

impl serde::Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let time = text.parse::<jiff::Timestamp>();
        time.map(|time| Self(time.as_microsecond())).map_err(serde::de::Error::custom)
    }
}

/// Tells the time; cheap to clone, shared by all who hold a clone.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Source>);

#[derive(Debug)]
enum Source {
    System {
        started: Instant,
        /// The largest difference seen between the wall clock and the time since `started`.
        offset: AtomicI64,
    },
    Manual(AtomicI64),
}

impl Clock {
    pub fn system() -> Self {
        Self(Arc::new(Source::System { started: Instant::now(), offset: AtomicI64::new(i64::MIN) }))
    }

    /// A clock that moves only when it is told to, for tests.
    pub fn manual(start: Time) -> Self {
        Self(Arc::new(Source::Manual(AtomicI64::new(start.0))))
    }

    pub fn now(&self) -> Time {
        match &*self.0 {
            Source::System { started, offset } => {
                let elapsed = micros(started.elapsed());
                let seen = wall() - elapsed;
                Time(elapsed + offset.fetch_max(seen, Ordering::Relaxed).max(seen))
            }
            Source::Manual(now) => Time(now.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock forward; a system clock cannot be moved and stays as it is.
    pub fn advance(&self, by: Duration) {
        match &*self.0 {
            Source::System { .. } => {}
            Source::Manual(now) => {
                now.fetch_add(micros(by), Ordering::SeqCst);
            }
        }
    }
}

#[allow(clippy::disallowed_methods)] // This is the one place that may ask.
fn wall() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, micros)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_printed_with_three_fraction_digits() {
        assert_eq!(Time::from_seconds(1_700_000_000).to_string(), "2023-11-14T22:13:20.000Z");
        assert_eq!(Time(1_700_000_000_123_999).to_string(), "2023-11-14T22:13:20.123Z");
    }

    #[test]
    fn a_system_clock_never_goes_back() {
        let clock = Clock::system();
        if let Source::System { offset, .. } = &*clock.0 {
            // As though the wall clock had once been an hour ahead and was then set back.
            clock.now();
            offset.fetch_add(3_600_000_000, Ordering::Relaxed);
        }
        let first = clock.now();
        assert!(first.0 > wall() + 3_500_000_000);
        assert!(clock.now() >= first);
    }
}
