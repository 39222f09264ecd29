//! Messages of this gateway that the servers have acknowledged and that are not in the copy yet.
//! While no other gateway stores anything, the copy is made of these: the servers need not give
//! back what they were given a moment ago.

use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// How long a position may be missing while later ones are acknowledged: answers overtake each
/// other by less.
const GAP_PATIENCE: Duration = Duration::from_millis(20);
/// How long nothing at all may be acknowledged, while something is on its way to the servers.
const SENDING_PATIENCE: Duration = Duration::from_millis(500);
/// How long nothing may be acknowledged otherwise, but for when the copy is waited for.
const QUIET_PATIENCE: Duration = Duration::from_millis(100);
/// Messages that may wait; what is more is read from the stream.
const WAITING_MAX: usize = 65_536;

#[derive(Debug, Default)]
struct State {
    /// The position that the copy needs next.
    next: u64,
    waiting: BTreeMap<u64, Bytes>,
}

/// What was acknowledged, by position.
#[derive(Debug, Default)]
pub(super) struct Own {
    state: Mutex<State>,
    news: Notify,
}

/// What becomes of a position.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// This message of ours stands there.
    Ours(Bytes),
    /// Messages of ours stand behind it: it is somebody else's, or its answer was lost.
    Missing,
    /// Nothing was acknowledged for a while.
    Quiet,
}

/// What this gateway does with entries of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Busy {
    /// The copy is being written. Until it is, nothing more may be sent.
    Copying,
    /// Some are on their way to the servers.
    Sending,
    /// There are none.
    No,
}

impl Own {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The servers say that this message stands at a position.
    pub(super) fn acknowledged(&self, position: u64, message: Bytes) {
        let mut state = self.state();
        if position >= state.next && state.waiting.len() < WAITING_MAX {
            // If another is there already, its sender finds it in the copy and stops the gateway.
            state.waiting.entry(position).or_insert(message);
            drop(state);
            self.news.notify_one();
        }
    }

    /// Forgets what stands before a position: the copy has it.
    pub(super) fn passed(&self, next: u64) {
        let mut state = self.state();
        state.next = next;
        while let Some(first) = state.waiting.first_entry() {
            if *first.key() >= next {
                break;
            }
            first.remove();
        }
    }

    /// What becomes of a position. `busy` says why nothing may be acknowledged for a while.
    pub(super) async fn at(&self, position: u64, busy: impl Fn() -> Busy) -> Next {
        let mut since = Instant::now();
        loop {
            let (patience, next) = {
                let mut state = self.state();
                if let Some(message) = state.waiting.remove(&position) {
                    return Next::Ours(message);
                }
                match (state.waiting.is_empty(), busy()) {
                    (false, _) => (GAP_PATIENCE, Some(Next::Missing)),
                    (true, Busy::Sending) => (SENDING_PATIENCE, Some(Next::Quiet)),
                    (true, Busy::No) => (QUIET_PATIENCE, Some(Next::Quiet)),
                    (true, Busy::Copying) => {
                        since = Instant::now();
                        (QUIET_PATIENCE, None)
                    }
                }
            };
            let news = timeout_at(since + patience, self.news.notified()).await;
            if let (Err(_), Some(next)) = (news, next) {
                return next;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: u64) -> Bytes {
        Bytes::from(number.to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_in_any_order_is_given_in_the_streams() {
        let own = Own::default();
        own.passed(5);
        for position in [7, 4, 6, 5, 5] {
            own.acknowledged(position, message(position));
        }
        for position in 5..=7 {
            assert_eq!(
                own.at(position, || Busy::No).await,
                Next::Ours(message(position))
            );
            own.passed(position + 1);
        }
        assert_eq!(own.at(8, || Busy::No).await, Next::Quiet);
    }

    #[tokio::test(start_paused = true)]
    async fn a_position_that_is_not_ours_is_waited_for_briefly() {
        let own = Own::default();
        own.passed(1);
        let began = Instant::now();
        assert_eq!(own.at(1, || Busy::No).await, Next::Quiet);
        assert_eq!(began.elapsed(), QUIET_PATIENCE);
        let began = Instant::now();
        assert_eq!(own.at(1, || Busy::Sending).await, Next::Quiet);
        assert_eq!(began.elapsed(), SENDING_PATIENCE);
        // However long the copy takes.
        let began = Instant::now();
        let copying = || match began.elapsed() < 10 * QUIET_PATIENCE {
            true => Busy::Copying,
            false => Busy::No,
        };
        assert_eq!(own.at(1, copying).await, Next::Quiet);
        assert!(began.elapsed() >= 10 * QUIET_PATIENCE);
        own.acknowledged(2, message(2));
        let began = Instant::now();
        assert_eq!(own.at(1, || Busy::No).await, Next::Missing);
        // The patience for a gap; the clock of the test counts whole milliseconds.
        assert!(began.elapsed() <= GAP_PATIENCE + Duration::from_millis(1));
        own.passed(3);
        assert!(own.state().waiting.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_is_bounded() {
        let own = Own::default();
        for position in 1..=WAITING_MAX as u64 + 5 {
            own.acknowledged(position, message(position));
        }
        assert_eq!(own.state().waiting.len(), WAITING_MAX);
    }
}
