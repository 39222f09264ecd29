//! Replay at a rate: so many records a second, or so many times the pace at which they came in.
//! Counts only what the reader gets, so the pace tells nothing of what is withheld. Pure.

use std::time::Duration;

/// Slowest and fastest replay, records a second.
pub const RATE_RANGE: std::ops::RangeInclusive<f64> = 0.01..=1_000_000.0;
/// Slowest and fastest replay, times the pace at which records came in.
pub const PACE_RANGE: std::ops::RangeInclusive<f64> = 0.001..=100_000.0;

/// Records that are due within this time of each other go together.
pub(super) const TOGETHER: Duration = Duration::from_millis(50);

const NS_A_SECOND: f64 = 1e9;

/// How fast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// Records a second, in [`RATE_RANGE`].
    PerSecond(f64),
    /// Times the pace at which they came in, in [`PACE_RANGE`].
    Times(f64),
}

/// A replay, and how far it has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Replay {
    pace: Pace,
    /// When the next record is due, on the monotonic clock.
    next: Duration,
    /// The first record: when it came in, nanoseconds since the Unix epoch, and when it went out.
    first: Option<(i64, Duration)>,
}

impl Replay {
    /// A replay whose first record is due at once.
    #[must_use]
    pub fn new(pace: Pace) -> Self {
        Self {
            pace,
            next: Duration::ZERO,
            first: None,
        }
    }

    /// When a record is due that came in at `stamp_ns`.
    #[must_use]
    pub fn due(&self, stamp_ns: i64) -> Duration {
        match (self.pace, self.first) {
            (Pace::PerSecond(_), _) => self.next,
            (Pace::Times(_), None) => Duration::ZERO,
            (Pace::Times(times), Some((first_ns, went))) => {
                // A clock that was set back while records came in makes them due at once.
                let after_ns = stamp_ns.saturating_sub(first_ns).max(0);
                let after_s = after_ns as f64 / NS_A_SECOND / times;
                let after = Duration::try_from_secs_f64(after_s).unwrap_or(Duration::MAX);
                went.saturating_add(after)
            }
        }
    }

    /// Takes in that a record goes out now.
    pub fn gone(&mut self, stamp_ns: i64, now: Duration) {
        match self.pace {
            // Time in which there was nothing to send is not made up for.
            Pace::PerSecond(rate) => {
                let from = self.next.max(now.saturating_sub(TOGETHER));
                let gap = Duration::try_from_secs_f64(1.0 / rate).unwrap_or(Duration::MAX);
                self.next = from.saturating_add(gap);
            }
            Pace::Times(_) => self.first = self.first.or(Some((stamp_ns, now))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// How many of endless records go out within ten seconds, looked at each 50 ms.
    fn sent(rate: f64, idle_until: Duration) -> u32 {
        let mut replay = Replay::new(Pace::PerSecond(rate));
        let (mut now, mut sent) = (idle_until, 0);
        while now < idle_until + ms(10_000) {
            while replay.due(0) <= now {
                replay.gone(0, now);
                sent += 1;
            }
            now += TOGETHER;
        }
        sent
    }

    #[test]
    fn a_rate_is_kept_whether_slow_or_fast_and_idle_time_is_not_made_up_for() {
        for idle_until in [Duration::ZERO, ms(3_600_000)] {
            for (rate, expected) in [(0.2, 2), (2.0, 20), (1_000.0, 10_000), (7.0, 70)] {
                let sent = sent(rate, idle_until);
                let slack = 1 + expected / 100;
                assert!(sent.abs_diff(expected) <= slack, "{sent} at {rate}");
            }
        }
    }

    #[test]
    fn a_pace_keeps_the_distances_at_which_records_came_in() {
        let mut replay = Replay::new(Pace::Times(10.0));
        assert_eq!(replay.due(5_000_000_000), Duration::ZERO);
        replay.gone(5_000_000_000, ms(700));
        replay.gone(6_000_000_000, ms(800));
        assert_eq!(replay.due(7_000_000_000), ms(900));
        assert_eq!(
            replay.due(4_000_000_000),
            ms(700),
            "a clock that was set back"
        );
    }
}
