//! Turns at the processor for handshakes. A handshake is some hundred microseconds of arithmetic
//! at a time; a flood of them would put hundreds of such pieces into the runtime's queue, and
//! every call would wait behind them. Here at most a few pieces are in the queue at any moment;
//! the other handshakes wait outside, first come, first served.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// Hands out turns.
#[derive(Clone, Debug)]
pub(super) struct Gate(Arc<Semaphore>);

impl Gate {
    /// So many pieces of work at a time.
    pub(super) fn new(turns: usize) -> Self {
        Self(Arc::new(Semaphore::new(turns)))
    }

    /// The same future; each time it has something to do it takes a turn.
    pub(super) fn pass<F: Future>(&self, work: F) -> Passing<F> {
        Passing {
            work: Box::pin(work),
            gate: Arc::clone(&self.0),
            turn: None,
        }
    }
}

type Turn = Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send>>;

/// Work that goes on turn by turn.
pub(super) struct Passing<F> {
    work: Pin<Box<F>>,
    gate: Arc<Semaphore>,
    // The turn that is waited for.
    turn: Option<Turn>,
}

impl<F: Future> Future for Passing<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        let gate = &this.gate;
        let turn = this
            .turn
            .get_or_insert_with(|| Box::pin(Arc::clone(gate).acquire_owned()));
        let permit = std::task::ready!(turn.as_mut().poll(context));
        this.turn = None;
        // Held for this piece alone, not while the peer is waited for. The gate is never closed.
        let outcome = this.work.as_mut().poll(context);
        drop(permit);
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn no_more_pieces_are_worked_on_than_there_are_turns() {
        let gate = Gate::new(2);
        let (working, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let (working, most) = (Arc::clone(&working), Arc::clone(&most));
            let work = async move {
                for _ in 0..20 {
                    let now = working.fetch_add(1, Ordering::SeqCst) + 1;
                    most.fetch_max(now, Ordering::SeqCst);
                    std::hint::spin_loop();
                    working.fetch_sub(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                }
            };
            tasks.spawn(gate.pass(work));
        }
        let all = tokio::time::timeout(Duration::from_secs(20), tasks.join_all());
        assert_eq!(all.await.unwrap().len(), 50);
        let most = most.load(Ordering::SeqCst);
        assert!((1..=2).contains(&most), "{most} at a time");
    }
}
