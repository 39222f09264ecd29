//! A token bucket that may run into debt: what is charged is always charged, and the debt
//! must be paid off before the next is admitted.

use std::time::Duration;

/// Longest wait that is ever told, so that a mistake in a rate locks nobody out for hours.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// A bucket that holds one second of its rate.
#[derive(Debug)]
pub struct Bucket {
    /// Tokens a second; 0: no limit.
    rate_per_s: f64,
    /// Tokens in the bucket; negative: debt.
    level: f64,
    /// Monotonic time of the last refill.
    filled_at: Duration,
}

impl Bucket {
    /// A full bucket; a rate of 0 sets no limit.
    #[must_use]
    pub fn new(rate_per_s: f64) -> Self {
        Self {
            rate_per_s,
            level: rate_per_s,
            filled_at: Duration::ZERO,
        }
    }

    fn refill(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.filled_at);
        self.filled_at = self.filled_at.max(now);
        self.level = (self.level + passed.as_secs_f64() * self.rate_per_s).min(self.rate_per_s);
    }

    /// How long until the bucket is out of debt.
    pub fn wait(&mut self, now: Duration) -> Duration {
        if self.rate_per_s <= 0.0 {
            return Duration::ZERO;
        }
        self.refill(now);
        if self.level >= 0.0 {
            return Duration::ZERO;
        }
        Duration::try_from_secs_f64(-self.level / self.rate_per_s)
            .map_or(WAIT_MAX, |w| w.min(WAIT_MAX))
    }

    /// How many tokens are there; `None`: no limit.
    pub fn level(&mut self, now: Duration) -> Option<f64> {
        (self.rate_per_s > 0.0).then(|| {
            self.refill(now);
            self.level
        })
    }

    /// Takes tokens, into debt if need be.
    pub fn charge(&mut self, tokens: f64, now: Duration) {
        if self.rate_per_s > 0.0 {
            self.refill(now);
            self.level -= tokens;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debt_is_paid_off_at_the_rate() {
        let mut bucket = Bucket::new(10.0);
        bucket.charge(15.0, Duration::ZERO);
        assert_eq!(bucket.wait(Duration::ZERO), Duration::from_millis(500));
        assert_eq!(bucket.wait(Duration::from_millis(500)), Duration::ZERO);
    }

    #[test]
    fn a_clock_that_stands_still_or_goes_back_gives_nothing() {
        let mut bucket = Bucket::new(10.0);
        bucket.charge(20.0, Duration::from_secs(5));
        assert_eq!(bucket.wait(Duration::from_secs(4)), Duration::from_secs(1));
    }

    #[test]
    fn a_rate_of_zero_sets_no_limit() {
        let mut bucket = Bucket::new(0.0);
        bucket.charge(1e12, Duration::ZERO);
        assert_eq!(bucket.wait(Duration::ZERO), Duration::ZERO);
    }
}
