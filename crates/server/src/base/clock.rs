//! The only `now` of the program.
//!
//! Within a process time never decreases: `now` is the wall clock or the last `now` plus the
//! monotonic time since, whichever is later, so a clock set back revives nothing. A wall clock that
//! steps ahead too far is not followed either: `clock_guard` decides about it. Timeouts and rate
//! limits do not use this clock; they use the monotonic clock of the runtime.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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

/// Prints RFC 3339 in UTC, to the microsecond.
type TimeText = [u8; 27];

impl Time {
    /// RFC 3339 in UTC, truncated to so many fraction digits, at most six. An instant outside of
    /// the years 0000 to 9999 is written as the nearest one within.
    pub fn write(self, fraction_digits: usize, to: &mut impl fmt::Write) -> fmt::Result {
        to.write_str(text(self, fraction_digits, &mut TimeText::default()))
    }
}

/// Prints RFC 3339 in UTC with exactly three fraction digits and `Z`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(3, f)
    }
}

impl serde::Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text(*self, 3, &mut TimeText::default()))
    }
}

impl<'de> serde::Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let time = text.parse::<jiff::Timestamp>();
        time.map(|time| Self(time.as_microsecond())).map_err(serde::de::Error::custom)
    }
}

fn text(time: Time, fraction_digits: usize, buffer: &mut TimeText) -> &str {
    const SECOND: i64 = 1_000_000;
    // The last instant whose year has four digits in every time zone.
    let micros = time.0.clamp(-62_167_219_200 * SECOND, 253_402_207_200 * SECOND);
    let time = jiff::Timestamp::from_microsecond(micros).unwrap_or_default();
    let at = jiff::tz::Offset::UTC.to_datetime(time);
    let [month, day, hour, minute, second] =
        [at.month(), at.day(), at.hour(), at.minute(), at.second()].map(i64::from);
    *buffer = *b"0000-00-00T00:00:00.000000Z";
    for (digits, value) in [
        (0..4, i64::from(at.year())),
        (5..7, month),
        (8..10, day),
        (11..13, hour),
        (14..16, minute),
        (17..19, second),
        (20..26, i64::from(at.subsec_nanosecond()) / 1_000),
    ] {
        let mut rest = value;
        for digit in buffer[digits].iter_mut().rev() {
            *digit += (rest % 10) as u8;
            rest /= 10;
        }
    }
    let end = 20 + fraction_digits.min(6);
    buffer[end] = b'Z';
    std::str::from_utf8(&buffer[..=end]).unwrap_or_default()
}

/// The furthest that `now` follows a step of the wall clock, until [`Clock::limit_steps`].
pub const MAX_STEP: Duration = Duration::from_secs(3_600);

/// The clock of a process. Clones share their state.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Source>);

#[derive(Debug)]
enum Source {
    System {
        /// The largest difference between the wall clock and the monotonic clock that was trusted.
        offset: AtomicI64,
        /// A wall clock that is further ahead of `now` than this is not followed.
        max_step: AtomicI64,
    },
    Manual {
        now: AtomicI64,
        wall_ahead: AtomicI64,
    },
}

impl Clock {
    pub fn system() -> Self {
        let offset = AtomicI64::new(wall() - monotonic());
        Self(Arc::new(Source::System { offset, max_step: AtomicI64::new(micros(MAX_STEP)) }))
    }

    /// A clock that only [`Clock::advance`] moves, for tests.
    pub fn manual(start: Time) -> Self {
        let now = AtomicI64::new(start.0);
        Self(Arc::new(Source::Manual { now, wall_ahead: AtomicI64::new(0) }))
    }

    pub fn now(&self) -> Time {
        match &*self.0 {
            Source::System { offset, max_step } => {
                let monotonic = monotonic();
                let drift = wall() - monotonic;
                let trusted = offset.load(Ordering::Relaxed);
                if drift <= trusted || drift - trusted > max_step.load(Ordering::Relaxed) {
                    return Time(monotonic + trusted);
                }
                Time(monotonic + offset.fetch_max(drift, Ordering::Relaxed).max(drift))
            }
            Source::Manual { now, .. } => Time(now.load(Ordering::SeqCst)),
        }
    }

    /// Microseconds that the wall clock is ahead of `now`; negative if it is behind.
    pub fn wall_ahead(&self) -> i64 {
        match &*self.0 {
            Source::System { .. } => wall() - self.now().0,
            Source::Manual { wall_ahead, .. } => wall_ahead.load(Ordering::SeqCst),
        }
    }

    /// Sets `now` to the wall clock, even back.
    pub fn accept_wall(&self) {
        match &*self.0 {
            Source::System { offset, .. } => offset.store(wall() - monotonic(), Ordering::Relaxed),
            Source::Manual { now, wall_ahead } => {
                now.fetch_add(wall_ahead.swap(0, Ordering::SeqCst), Ordering::SeqCst);
            }
        }
    }

    /// Has `now` follow no step of the wall clock that is longer than this.
    pub fn limit_steps(&self, to: Duration) {
        match &*self.0 {
            Source::System { max_step, .. } => max_step.store(micros(to), Ordering::Relaxed),
            Source::Manual { .. } => {}
        }
    }

    /// Moves a manual clock forward; a system clock cannot be moved.
    pub fn advance(&self, by: Duration) {
        match &*self.0 {
            Source::System { .. } => {}
            Source::Manual { now, .. } => {
                now.fetch_add(micros(by), Ordering::SeqCst);
            }
        }
    }

    /// Sets how far the wall clock is ahead of a manual clock, in seconds.
    pub fn set_wall_ahead(&self, seconds: i64) {
        match &*self.0 {
            Source::System { .. } => {}
            Source::Manual { wall_ahead, .. } => {
                wall_ahead.store(seconds * 1_000_000, Ordering::SeqCst);
            }
        }
    }
}

/// The wall clock, for the log only: it may go back.
pub fn wall_clock() -> Time {
    Time(wall())
}

/// Microseconds of a clock that nobody can set. It counts while the machine is suspended, so that
/// a suspended machine does not look like a wall clock that jumped.
#[cfg(target_os = "linux")]
fn monotonic() -> i64 {
    use nix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(0, |since| micros(since.into()))
}

#[cfg(not(target_os = "linux"))]
fn monotonic() -> i64 {
    static START: std::sync::LazyLock<std::time::Instant> =
        std::sync::LazyLock::new(std::time::Instant::now);
    micros(START.elapsed())
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
    fn time_prints_three_fraction_digits() {
        assert_eq!(Time::from_seconds(1_700_000_000).to_string(), "2023-11-14T22:13:20.000Z");
        assert_eq!(Time(1_700_000_000_123_999).to_string(), "2023-11-14T22:13:20.123Z");
        assert_eq!(Time(i64::MAX).to_string(), "9999-12-30T22:00:00.000Z");
        assert_eq!(Time(-1).to_string(), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn date_printing_matches_jiff_for_all_years() {
        for day in (-719_000..2_930_000).step_by(59) {
            let time = Time::default().plus_days(day).plus_seconds(day.rem_euclid(86_400));
            let read = jiff::Timestamp::from_microsecond(time.0).unwrap();
            assert_eq!(time.to_string(), format!("{read:.3}"));
        }
    }

    #[test]
    fn system_clock_never_goes_backwards() {
        let clock = Clock::system();
        move_offset(&clock, 3_600_000_000);
        let first = clock.now();
        assert!(first.0 > wall() + 3_500_000_000);
        assert!(clock.now() >= first);
        clock.accept_wall();
        assert!(clock.now().0 <= wall());
    }

    #[test]
    fn now_follows_a_short_step_and_no_long_one() {
        let clock = Clock::system();
        move_offset(&clock, -3_000_000);
        assert!(clock.wall_ahead().abs() < 1_000_000);
        move_offset(&clock, -3_601_000_000);
        assert!(clock.wall_ahead() > 3_600_000_000);
        clock.accept_wall();
        clock.limit_steps(Duration::from_secs(2));
        move_offset(&clock, -3_000_000);
        assert!(clock.wall_ahead() > 2_900_000);
    }

    /// As though the wall clock had once been this far ahead of what it is now.
    fn move_offset(clock: &Clock, by: i64) {
        if let Source::System { offset, .. } = &*clock.0 {
            offset.fetch_add(by, Ordering::Relaxed);
        }
    }
}
