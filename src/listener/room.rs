//! The room where hands are shaken: threads of their own that step back behind those who serve.
//! A handshake is some hundred microseconds of arithmetic at a time. On the threads that serve,
//! a flood of them would stand in every report's way, however few at a time; here the system's
//! scheduler lets a report go first, and the flood gets what processor time is left over.
//!
//! Sockets still belong to the runtime that serves: only the work on them happens here.

use std::fmt;
use std::future::Future;
use std::io;
use std::num::NonZero;
use std::pin::Pin;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

/// How far the room steps back (in nice values) from where the process stands. Under full load
/// of all others it still gets about a tenth of a processor, so that a busy gateway remains one
/// that lets people in.
const NICE: i32 = 10;
/// The system knows nothing further back.
const NICE_MAX: i32 = 19;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A room that waits for its work. Dropped without any, it closes.
pub(super) struct Room(oneshot::Sender<Work>);

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Room")
    }
}

impl Room {
    /// Opens a room with a thread for every second processor, and at least one.
    pub(super) async fn open() -> io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let threads = (cores / 2).max(1);
        let (work, wanted) = oneshot::channel::<Work>();
        let (opened, is_open) = oneshot::channel();
        // The runtime is made, used and dropped on this thread: none may be dropped on another
        // runtime's.
        let keep = move || match runtime(threads) {
            Ok(runtime) => {
                let _nobody_waits = opened.send(Ok(()));
                if let Ok(work) = runtime.block_on(wanted) {
                    runtime.block_on(work);
                }
            }
            Err(error) => {
                let _nobody_waits = opened.send(Err(error));
            }
        };
        std::thread::Builder::new()
            .name("handshakes".into())
            .spawn(keep)?;
        is_open
            .await
            .unwrap_or_else(|_| Err(io::Error::other("the thread for handshakes ended")))?;
        Ok(Self(work))
    }

    /// Works here until the work is done.
    pub(super) fn work(self, work: impl Future<Output = ()> + Send + 'static) {
        // A simulation has one runtime for everything.
        #[cfg(feature = "simulation")]
        drop((self.0, tokio::spawn(work)));
        #[cfg(not(feature = "simulation"))]
        // The thread waits for nothing else.
        let _it_waits = self.0.send(Box::pin(work));
    }
}

/// On a small machine the accepting thread shakes hands itself; on a large one it has others
/// that do.
fn runtime(threads: usize) -> io::Result<Runtime> {
    // A thread begins where the one that makes it stands: this one is read before it steps.
    let nice = further_back();
    step_back(nice);
    let mut builder = if threads == 1 {
        Builder::new_current_thread()
    } else {
        Builder::new_multi_thread()
    };
    builder
        .worker_threads(threads)
        .thread_name("handshakes")
        .on_thread_start(move || step_back(nice))
        .enable_all()
        .build()
}

/// Behind this thread, which may have been given another priority than the usual one.
fn further_back() -> i32 {
    let here = rustix::process::getpriority_process(Some(rustix::thread::gettid()));
    here.unwrap_or(0).saturating_add(NICE).min(NICE_MAX)
}

/// Of this thread alone. Where the system does not allow it, hands are shaken all the same.
fn step_back(nice: i32) {
    let thread = rustix::thread::gettid();
    if let Err(error) = rustix::process::setpriority_process(Some(thread), nice) {
        tracing::warn!(%error, "handshakes cannot be given a lower priority: a flood of them \
            will slow down those who are in");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::getpriority_process;
    use rustix::thread::gettid;

    #[tokio::test]
    async fn the_room_steps_back_and_nobody_else_does() {
        let before = getpriority_process(Some(gettid())).unwrap();
        let room = Room::open().await.unwrap();
        let (told, nice) = oneshot::channel();
        room.work(async move {
            let here = getpriority_process(Some(gettid())).unwrap();
            let there = tokio::spawn(async { getpriority_process(Some(gettid())).unwrap() });
            told.send((here, there.await.unwrap())).unwrap();
        });
        let (here, there) = nice.await.unwrap();
        let expected = (before + NICE).min(NICE_MAX);
        assert_eq!((here, there), (expected, expected));
        assert_eq!(getpriority_process(Some(gettid())).unwrap(), before);
    }

    #[test]
    fn a_multi_threaded_room_steps_back_with_all_of_its_threads_from_where_the_process_stands() {
        let before = getpriority_process(Some(gettid())).unwrap();
        let here = (before + 4).min(NICE_MAX);
        let nice = std::thread::spawn(move || {
            step_back(here);
            let runtime = runtime(2).unwrap();
            let task = || async { getpriority_process(Some(gettid())).unwrap() };
            runtime.block_on(async { tokio::spawn(task()).await.unwrap() })
        });
        assert_eq!(nice.join().unwrap(), (here + NICE).min(NICE_MAX));
    }
}
