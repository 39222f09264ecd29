//! Answers to entries, from the log alone, so that a first answer and a repeated one are the
//! same. What stands in old batches is read on a thread of its own: the writer never waits for
//! the disk on behalf of somebody who repeats himself.

use super::frame::Frame;
use super::log::Log;
use super::pending::Answer;
use super::queue::{OVERLOADED_RETRY, Request};
use super::{AppendError, Appended, Entry, Position, ReadError, Receipt};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

/// Requests that may wait to be looked up; more are told to come back.
const WAITING_MAX: usize = 64;

/// What was decided of an entry.
#[derive(Clone, Copy, Debug)]
pub(super) enum Decision {
    /// It is in this batch, at this position.
    New { position: u64, superseded: bool },
    /// It was stored before, or stands earlier in this batch.
    Present { position: u64 },
    /// Its key has too many revisions.
    TooManyRevisions,
}

/// The answers to a request whose entries are all durable; `None`: a batch is not to be had
/// from `find`.
pub(super) fn receipts(
    entries: &[Entry],
    decisions: &[Decision],
    find: impl Fn(u64) -> Result<Option<Arc<Frame>>, ReadError>,
) -> Option<Answer> {
    let mut held: Option<Arc<Frame>> = None;
    let mut answers = Vec::with_capacity(entries.len());
    for (entry, decision) in entries.iter().zip(decisions) {
        let (position, superseded) = match *decision {
            Decision::New {
                position,
                superseded,
            } => (position, Some(superseded)),
            Decision::Present { position } => (position, None),
            Decision::TooManyRevisions => {
                answers.push(Appended::TooManyRevisions);
                continue;
            }
        };
        let frame = match held.take().filter(|frame| frame.raw(position).is_some()) {
            Some(frame) => frame,
            None => match find(position) {
                Ok(found) => found?,
                Err(error) => return Some(Err(unreadable(position, &error))),
            },
        };
        let frame = held.insert(frame);
        let Some(raw) = frame.raw(position) else {
            return Some(Err(unreadable(position, &"it is not in its batch")));
        };
        let receipt = Receipt {
            position: Position(position),
            previous: raw.previous.map(Position),
            digest: raw.digest,
            stamp_ns: raw.stamp_ns,
        };
        answers.push(match superseded {
            Some(false) => Appended::Stored(receipt),
            Some(true) => Appended::Superseded(receipt),
            None if raw.digest == entry.digest => Appended::Duplicate(receipt),
            None => Appended::Conflict(receipt),
        });
    }
    Some(Ok(answers))
}

fn unreadable(position: u64, error: &dyn std::fmt::Display) -> AppendError {
    tracing::error!(position, %error, "a stored entry cannot be read");
    AppendError::Unreadable(Position(position))
}

/// The thread that looks up what is only on disk.
pub(super) struct Repeats {
    orders: Option<SyncSender<(Request, Vec<Decision>)>>,
    thread: Option<JoinHandle<()>>,
}

impl Repeats {
    pub(super) fn start(log: Arc<Log>) -> io::Result<Self> {
        let (orders, ordered) = sync_channel::<(Request, Vec<Decision>)>(WAITING_MAX);
        let thread = std::thread::Builder::new()
            .name("journal-repeats".to_owned())
            .spawn(move || {
                while let Ok((request, decisions)) = ordered.recv() {
                    let on_disk = |position| log.frame(position).map(Some);
                    let answer = receipts(&request.entries, &decisions, on_disk);
                    // From disk there is always a batch, or an error.
                    request.answer(answer.unwrap_or(Err(AppendError::Closed)));
                }
            })?;
        Ok(Self {
            orders: Some(orders),
            thread: Some(thread),
        })
    }

    /// Answers a request when its entries were found; at once, where too many wait.
    pub(super) fn look_up(&self, request: Request, decisions: Vec<Decision>) {
        let Some(orders) = &self.orders else { return };
        if let Err(TrySendError::Full((request, _)) | TrySendError::Disconnected((request, _))) =
            orders.try_send((request, decisions))
        {
            request.answer(Err(AppendError::Overloaded {
                retry_after: OVERLOADED_RETRY,
            }));
        }
    }
}

impl Drop for Repeats {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}
