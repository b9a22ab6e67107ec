//! When to try again.
//!
//! A [`Schedule`] is a list of waits; the n-th failure waits the n-th of them, and after the last there is no more.
//! Jitter spreads a crowd of failures out, and only ever later: a receiver that was promised five seconds gets them.
//! A Retry-After is honoured within bounds, and never makes a try come earlier than the schedule says.

use std::borrow::Cow;
use std::time::Duration;

use crate::instant::Instant;
use crate::limits;

/// Waits between attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    seconds: Cow<'static, [u32]>,
    jitter_percent: u32,
}

/// What a receiver or provider said about coming back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// After this long.
    Delay(Duration),
    /// Not before then.
    At(Instant),
}

impl RetryAfter {
    /// Reads the header's value: seconds, or an HTTP date (RFC 9110 §10.2.3). Anything else says nothing.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let value = value.trim();
        if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Self::Delay(Duration::from_secs(value.parse().unwrap_or(u64::MAX))));
        }
        let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
        Some(Self::At(Instant::from_millis(at.as_millisecond())))
    }

    fn from(self, now: Instant) -> Duration {
        let wait = match self {
            Self::Delay(wait) => wait,
            Self::At(at) => at.since(now),
        };
        wait.min(limits::RETRY_AFTER_MAX)
    }
}

impl Schedule {
    /// Waits that are known when the program is written.
    #[must_use]
    pub const fn fixed(seconds: &'static [u32], jitter_percent: u32) -> Self {
        Self { seconds: Cow::Borrowed(seconds), jitter_percent }
    }

    /// Waits that a subscription asked for; they are kept to the second.
    #[must_use]
    pub fn custom(seconds: Vec<u32>) -> Self {
        Self { seconds: Cow::Owned(seconds), jitter_percent: 0 }
    }

    /// How many attempts there are in all: the first, and one after each wait.
    #[must_use]
    pub fn attempts(&self) -> usize {
        self.seconds.len() + 1
    }

    /// When to try again after attempt `failed` (from 1) failed at `now`; nothing where that was the last.
    /// `chance` is between 0 and 1 and decides the jitter.
    #[must_use]
    pub fn next(&self, failed: u32, now: Instant, after: Option<RetryAfter>, chance: f64) -> Option<Instant> {
        let index = usize::try_from(failed.checked_sub(1)?).ok()?;
        let wait = Duration::from_secs(u64::from(*self.seconds.get(index)?));
        let jitter = wait.mul_f64(f64::from(self.jitter_percent) / 100.0 * chance.clamp(0.0, 1.0));
        let asked = after.map_or(Duration::ZERO, |after| after.from(now));
        Some(now.plus((wait + jitter).max(asked)))
    }
}

/// The wait before try `tries + 1` of `normalize`: doubling from two seconds to an hour.
#[must_use]
pub fn normalize_backoff(tries: u32) -> Duration {
    Duration::from_secs(2u64.saturating_pow(tries.clamp(1, 12)).min(3600))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Instant = Instant::EPOCH;

    #[test]
    fn a_schedule_ends_after_its_last_wait() {
        let schedule = Schedule::fixed(&[1, 4, 15], 0);
        let waits: Vec<_> =
            (1..=4).map(|n| schedule.next(n, NOW, None, 0.5).map(|at| at.since(NOW).as_secs())).collect();
        assert_eq!(waits, [Some(1), Some(4), Some(15), None]);
        assert_eq!(schedule.attempts(), 4);
        assert_eq!(schedule.next(0, NOW, None, 0.5), None, "there is no attempt 0");
    }

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date_and_clamped() {
        assert_eq!(RetryAfter::parse("120"), Some(RetryAfter::Delay(Duration::from_secs(120))));
        let date = RetryAfter::parse("Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(date, Some(RetryAfter::At(Instant::from_millis(1_445_412_480_000))));
        for nonsense in ["", "-1", "soon", "1.5", "0x10"] {
            assert_eq!(RetryAfter::parse(nonsense), None, "{nonsense:?}");
        }
        let schedule = Schedule::fixed(&[5], 0);
        let wait = |value: &str| schedule.next(1, NOW, RetryAfter::parse(value), 0.0).unwrap().since(NOW);
        assert_eq!(wait("99999999999999999999999"), limits::RETRY_AFTER_MAX);
        assert_eq!(wait("1"), Duration::from_secs(5), "never earlier than the schedule");
    }

    proptest! {
        #[test]
        fn jitter_only_ever_delays_and_within_its_share(chance in 0.0f64..=1.0, wait in 1u32..100_000) {
            let schedule = Schedule { seconds: vec![wait].into(), jitter_percent: 20 };
            let waited = schedule.next(1, NOW, None, chance).unwrap().since(NOW).as_secs_f64();
            prop_assert!(waited >= f64::from(wait) - 0.001 && waited <= f64::from(wait) * 1.2 + 0.001);
        }
    }
}
