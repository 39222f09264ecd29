//! Wall and monotonic time behind one trait, so that tests can move both.
//! Nothing else in the house asks the system for the time.

use jiff::Timestamp;
use std::fmt::Debug;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Tells the time.
pub trait Clock: Debug + Send + Sync {
    /// Wall time, UTC. May jump; only for what people read and for certificate validity.
    fn now(&self) -> Timestamp;
    /// Time since an arbitrary start. Never jumps; for deadlines, rates and ages.
    fn monotonic(&self) -> Duration;
}

/// The system's clock.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that asks")]
        Self {
            start: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that asks")]
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub struct FixedClock {
    // Both hands move together, under one lock.
    hands: Mutex<(Timestamp, Duration)>,
}

impl FixedClock {
    /// Stands at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            hands: Mutex::new((now, Duration::ZERO)),
        }
    }

    /// Moves wall and monotonic time on by `by`.
    pub fn advance(&self, by: Duration) {
        let mut hands = self
            .hands
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        hands.0 = hands.0.saturating_add(by).unwrap_or(Timestamp::MAX);
        hands.1 = hands.1.saturating_add(by);
    }

    /// Sets wall time alone, as a bad time server would.
    pub fn jump_to(&self, now: Timestamp) {
        self.hands
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .0 = now;
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.hands
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .0
    }

    fn monotonic(&self) -> Duration {
        self.hands
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .1
    }
}
