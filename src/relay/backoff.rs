//! How long to wait before trying again: doubled each time, capped, with jitter, so that relays
//! that lost one target do not come back to it at one moment.

use std::time::Duration;

/// Wait before the second attempt.
const WAIT_MIN: Duration = Duration::from_millis(200);
/// Longest wait. With the attempts to connect before it, it stays below the minute after which a
/// gauge that nobody sets is taken for gone.
const WAIT_MAX: Duration = Duration::from_secs(15);

/// Attempts without progress.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Something went well.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The wait after one more failure; `chance` is from 0 to 1 and decides where between half of
    /// the wait and the whole.
    pub(super) fn next(&mut self, chance: f64) -> Duration {
        let factor = 2_u32.saturating_pow(self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        let whole = WAIT_MIN.saturating_mul(factor).min(WAIT_MAX);
        whole.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
    }

    /// Waits as [`Self::next`] says.
    pub(super) async fn pause(&mut self) {
        tokio::time::sleep(self.next(chance())).await;
    }
}

/// Somewhere from 0 to 1; the middle where the system gives no chance.
fn chance() -> f64 {
    let mut bytes = [0_u8; 4];
    match aws_lc_rs::rand::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 0.5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_cap_and_begin_anew() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..10).map(|_| backoff.next(1.0).as_millis()).collect();
        assert_eq!(
            waits,
            [
                200, 400, 800, 1600, 3200, 6400, 12_800, 15_000, 15_000, 15_000
            ]
        );
        backoff.reset();
        assert_eq!(backoff.next(0.0).as_millis(), 100, "half of the wait");
        let chance = chance();
        assert!((0.0..=1.0).contains(&chance), "{chance}");
    }
}
