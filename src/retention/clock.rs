//! Whether the wall clock can be believed: ages are told by it, and a clock that jumps must not
//! make everything old at once. Pure.

use jiff::Timestamp;
use std::time::Duration;

/// Wall and monotonic time may drift apart by so much from one look to the next.
const DRIFT_MAX: Duration = Duration::from_secs(60);
/// After a jump the clock must have run steadily for so long.
const STEADY: Duration = Duration::from_secs(3600);

/// What was seen of the clocks.
#[derive(Debug, Default)]
pub(super) struct Steady {
    seen: Option<(Timestamp, Duration)>,
    /// On the monotonic clock; nothing goes before that.
    quiet_until: Duration,
}

impl Steady {
    /// Takes a look; says why nothing may be judged by the wall clock, if so.
    pub(super) fn check(
        &mut self,
        wall: Timestamp,
        monotonic: Duration,
        newest_ns: i64,
    ) -> Result<(), String> {
        if let Some((wall_before, monotonic_before)) = self.seen.replace((wall, monotonic)) {
            let moved = wall.duration_since(wall_before).as_nanos();
            let passed = monotonic.saturating_sub(monotonic_before).as_nanos();
            let drift = moved.saturating_sub(i128::try_from(passed).unwrap_or(i128::MAX));
            if drift.unsigned_abs() > DRIFT_MAX.as_nanos() {
                self.quiet_until = monotonic.saturating_add(STEADY);
                tracing::warn!(%wall, "the wall clock jumped; nothing is removed for an hour");
            }
        }
        if super::nanoseconds(wall) < newest_ns {
            return Err("the wall clock is before the newest record".to_owned());
        }
        if monotonic < self.quiet_until {
            return Err("the wall clock jumped; it must run steadily for an hour".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    #[test]
    fn after_a_jump_nothing_is_judged_for_an_hour_of_steady_time() {
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let at = |wall_s: i64, monotonic_s: u64| {
            let wall = start + SignedDuration::from_secs(wall_s);
            (wall, Duration::from_secs(monotonic_s))
        };
        for jump in [3600, -3600, 86_400 * 365] {
            let mut steady = Steady::default();
            let mut check = |wall_s, monotonic_s| {
                let (wall, monotonic) = at(wall_s, monotonic_s);
                steady.check(wall, monotonic, i64::MIN).is_ok()
            };
            assert!(check(0, 0) && check(5, 5) && check(300, 299));
            assert!(!check(305 + jump, 304), "{jump}");
            assert!(!check(305 + jump + 3595, 3899), "{jump}");
            assert!(check(305 + jump + 3605, 3909), "{jump}");
        }
    }

    #[test]
    fn a_clock_before_the_newest_record_is_wrong() {
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let newest_ns = 1_800_000_000_000_000_001;
        let mut steady = Steady::default();
        assert!(steady.check(start, Duration::ZERO, newest_ns).is_err());
        assert!(steady.check(start, Duration::ZERO, newest_ns - 1).is_ok());
    }
}
