//! The one writer: takes what waits, decides what is new, writes once, syncs once, answers.
//!
//! Invariants: one batch at a time is written, so only the last can be torn. After a failed
//! sync, or any failed write but for want of room, nothing is written again in this process.
//! No answer says "stored" before the sync has returned.

use super::appender::{Appender, Failure};
use super::disk::{Disk, PAGE_BYTES};
use super::error::io_error;
use super::frame::{HEADER_BYTES, entry_bytes, put_entry};
use super::generation::Generation;
use super::index::Index;
use super::indexer::{Indexer, Start, replay};
use super::layout::{length, size, wide};
use super::log::Log;
use super::queue::{OVERLOADED_RETRY, Queue, Request, Taken};
use super::recent::{Keys, Known, Unknown};
use super::recovery::recover;
use super::repeats::{Decision, Repeats, receipts};
use super::spare::Spare;
use super::{AppendError, Entry, Health, OpenError, Position, Settings};
use crate::clock::Clock;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;

/// How often free disk is looked at while nothing arrives.
const IDLE: Duration = Duration::from_millis(500);
/// How long the free disk that was seen counts.
const FREE_DISK_AGE_MAX: Duration = Duration::from_millis(200);
/// When it is worth coming back to a full disk.
const DISK_FULL_RETRY: Duration = Duration::from_secs(5);
/// Keys that are gathered in memory before the index takes them.
const GENERATION_ENTRIES: usize = 262_144;
/// Bytes of keys that are gathered in memory before the index takes them.
const GENERATION_BYTES: usize = 64 * 1024 * 1024;
/// A batch of more entries tells that there is load: at 2,000 a second there is none.
const BUSY_ENTRIES: usize = 8;
/// Cache of the index, bytes.
const INDEX_CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// What the writer works with.
pub(super) struct Parts {
    pub(super) settings: Settings,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) queue: Arc<Queue>,
    pub(super) durable: watch::Sender<Position>,
    pub(super) health: watch::Sender<Health>,
    /// Most revisions of a key.
    pub(super) revisions_max: usize,
}

struct Writer {
    settings: Settings,
    queue: Arc<Queue>,
    health: watch::Sender<Health>,
    appender: Appender,
    keys: Keys,
    repeats: Repeats,
    free_seen: Option<(Duration, bool)>,
    /// The last batch had many entries, so the next one may, too.
    under_load: bool,
}

/// Recovers the journal and starts the writer.
pub(super) fn start(parts: Parts) -> Result<(Arc<Log>, JoinHandle<()>), OpenError> {
    let (disk, settings) = (&parts.disk, &parts.settings);
    let folder = settings.folder.clone();
    let recovered = recover(&**disk, &folder, settings.segment_bytes)?;
    let log = Arc::new(Log::new(
        Arc::clone(disk),
        recovered.segments,
        recovered.last,
        settings.tail_bytes_max,
    ));
    let (journal_id, revisions_max) = (recovered.journal_id, parts.revisions_max);
    let keys = open_keys(settings, &log, journal_id, recovered.last, revisions_max)?;
    let spare = recovered.spare;
    let thread = io_error("start a thread for", &folder);
    let mut spare = Spare::start(
        Arc::clone(disk),
        folder.clone(),
        settings.segment_bytes,
        spare,
    )
    .map_err(thread)?;
    spare.order();
    parts.durable.send_replace(Position(recovered.last));
    let thread = io_error("start a thread for", &folder);
    let repeats = Repeats::start(Arc::clone(&log)).map_err(thread)?;
    let thread = io_error("start a thread for", &folder);
    let appender = Appender {
        disk: parts.disk,
        clock: parts.clock,
        folder: folder.clone(),
        log: Arc::clone(&log),
        durable: parts.durable,
        spare,
        active: recovered.active,
        journal_id: recovered.journal_id,
        next: recovered.last + 1,
        hash: recovered.hash,
        room: Vec::new(),
    };
    let mut writer = Writer {
        settings: parts.settings,
        queue: parts.queue,
        health: parts.health,
        appender,
        keys,
        repeats,
        free_seen: None,
        under_load: false,
    };
    let handle = std::thread::Builder::new()
        .name("journal-writer".to_owned())
        .spawn(move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| writer.run()));
            let reason = match outcome {
                Ok(Ok(())) => {
                    writer.queue.fail_all(&AppendError::Closed);
                    writer.keys.close();
                    return;
                }
                Ok(Err(reason)) => reason,
                Err(_panic) => "the writer panicked".to_owned(),
            };
            tracing::error!(reason, "the journal is stopped");
            writer.health.send_replace(Health::Poisoned(reason.clone()));
            writer.queue.fail_all(&AppendError::Poisoned(reason));
        })
        .map_err(thread)?;
    Ok((log, handle))
}

/// Opens the index. A short part of the log that it lacks is read now; a long one in the
/// background.
fn open_keys(
    settings: &Settings,
    log: &Arc<Log>,
    journal_id: [u8; 16],
    last: u64,
    revisions_max: usize,
) -> Result<Keys, OpenError> {
    let failed = |error: &dyn std::fmt::Display| OpenError::Index(error.to_string());
    let folder = &settings.folder;
    let index =
        Index::open(folder, journal_id, last, INDEX_CACHE_BYTES).map_err(OpenError::from)?;
    let upto = index.upto();
    let mut young = Generation::with_room(GENERATION_ENTRIES);
    young.last = last;
    let mut base = last;
    if last - upto <= wide(GENERATION_ENTRIES) {
        base = upto;
        let mut scratch = Vec::new();
        let mut next = upto + 1;
        while next <= last {
            let frame = log.frame(next).map_err(|error| failed(&error))?;
            next = replay(&mut young, &frame, next, last, &index, &mut scratch)
                .map_err(|error| failed(&error))?;
        }
    }
    let indexer = Indexer::start(Start {
        journal: folder.clone(),
        log: Arc::clone(log),
        index,
        upto,
        base,
        generation_entries: GENERATION_ENTRIES,
        generation_bytes: GENERATION_BYTES,
    })
    .map_err(io_error("start a thread for", folder))?;
    Ok(Keys::new(
        young,
        indexer,
        (GENERATION_ENTRIES, GENERATION_BYTES),
        revisions_max,
    ))
}

/// A batch while it is put together.
struct Batch {
    bytes: Vec<u8>,
    offsets: Vec<u32>,
    next: u64,
    requests: Vec<(Request, Vec<Decision>)>,
}

impl Batch {
    /// How far it is: bytes, entries, and the next position.
    fn mark(&self) -> (usize, usize, u64) {
        (self.bytes.len(), self.offsets.len(), self.next)
    }

    /// Forgets what came behind a mark.
    fn take_back(&mut self, (bytes, entries, next): (usize, usize, u64)) {
        self.bytes.truncate(bytes);
        self.offsets.truncate(entries);
        self.next = next;
    }
}

impl Writer {
    /// Works until the queue is closed.
    fn run(&mut self) -> Result<(), String> {
        loop {
            match self.queue.take(IDLE, self.under_load) {
                Taken::Closed => return Ok(()),
                Taken::Nothing => {
                    let full = self.lacks_room();
                    self.tell(full);
                }
                Taken::Requests(requests) => self.store(requests)?,
            }
            for question in self.queue.questions() {
                question.answer(|(key, revision)| self.keys.look_up(key, *revision))?;
            }
            for sealing in self.queue.sealings() {
                let (answer, outcome) = match self.appender.seal() {
                    Ok(()) => (Ok(()), Ok(())),
                    Err(Failure::Full) => {
                        let retry_after = DISK_FULL_RETRY;
                        (Err(AppendError::DiskFull { retry_after }), Ok(()))
                    }
                    Err(Failure::Fatal(reason)) => {
                        (Err(AppendError::Poisoned(reason.clone())), Err(reason))
                    }
                };
                let _gone = sealing.send(answer);
                outcome?;
            }
            if let Some(reason) = self.keys.failure() {
                return Err(reason);
            }
        }
    }

    /// Whether there is too little room for more.
    fn lacks_room(&mut self) -> bool {
        let now = self.appender.clock.monotonic();
        if let Some((seen, full)) = self.free_seen
            && now.saturating_sub(seen) < FREE_DISK_AGE_MAX
            && !full
        {
            return false;
        }
        let settings = &self.settings;
        // A disk that does not tell is found out by writing to it.
        let free = self
            .appender
            .disk
            .free_bytes(&settings.folder)
            .unwrap_or(u64::MAX);
        let full = free < settings.free_bytes_floor || self.keys.is_stalled();
        self.free_seen = Some((now, full));
        full
    }

    fn tell(&self, full: bool) {
        let state = if full {
            Health::DiskFull
        } else {
            Health::Ready
        };
        self.health.send_if_modified(|known| {
            let changed = *known != state;
            *known = state;
            changed
        });
    }

    /// Stores what is new of the requests and answers them all.
    fn store(&mut self, requests: Vec<Request>) -> Result<(), String> {
        if self.lacks_room() {
            self.tell(true);
            for request in requests {
                request.answer(Err(AppendError::DiskFull {
                    retry_after: DISK_FULL_RETRY,
                }));
            }
            return Ok(());
        }
        self.tell(false);
        let batch = match self.decide(requests) {
            Ok(batch) => batch,
            Err((requests, reason)) => {
                for request in requests {
                    request.answer(Err(AppendError::Poisoned(reason.clone())));
                }
                return Err(reason);
            }
        };
        let Batch {
            bytes,
            offsets,
            requests,
            ..
        } = batch;
        self.under_load = offsets.len() > BUSY_ENTRIES;
        if !offsets.is_empty() {
            match self.appender.append(bytes, offsets) {
                Ok(()) => {}
                Err(Failure::Full) => {
                    self.tell(true);
                    self.free_seen = None;
                    for (request, decisions) in requests {
                        self.forget(&request.entries, &decisions);
                        let full = AppendError::DiskFull {
                            retry_after: DISK_FULL_RETRY,
                        };
                        request.answer(Err(full));
                    }
                    return Ok(());
                }
                Err(Failure::Fatal(reason)) => {
                    for (request, _) in requests {
                        request.answer(Err(AppendError::Poisoned(reason.clone())));
                    }
                    return Err(reason);
                }
            }
        }
        // Everything that is decided is durable from here on: receipts may exist.
        let mut answered = Vec::with_capacity(requests.len());
        for (request, decisions) in requests {
            let in_memory = |position| Ok(self.appender.log.recent_frame(position));
            match receipts(&request.entries, &decisions, in_memory) {
                Some(answer) => answered.push((request, answer)),
                None => self.repeats.look_up(request, decisions),
            }
        }
        self.queue.answer_all(answered.into_iter());
        fail::fail_point!("journal::after_index");
        // A stall shows as a full disk before the next batch.
        let _stalled = self.keys.committed(self.appender.next.saturating_sub(1));
        Ok(())
    }

    /// Decides every entry, and puts what is new into a batch.
    fn decide(&mut self, requests: Vec<Request>) -> Result<Batch, (Vec<Request>, String)> {
        let entries = || requests.iter().flat_map(|request| &request.entries);
        let batch_bytes = HEADER_BYTES + entries().map(entry_bytes).sum::<usize>();
        let mut bytes = std::mem::take(&mut self.appender.room);
        bytes.reserve(batch_bytes + size(PAGE_BYTES));
        bytes.resize(HEADER_BYTES, 0);
        let mut batch = Batch {
            bytes,
            offsets: Vec::with_capacity(entries().count()),
            next: self.appender.next,
            requests: Vec::with_capacity(requests.len()),
        };
        let mut requests = requests.into_iter();
        while let Some(request) = requests.next() {
            let mark = batch.mark();
            let decided = match request.at.is_some_and(|at| at != batch.next) {
                true => Ok(Vec::new()),
                false => self.decide_request(&request.entries, &mut batch),
            };
            let is_in_place = |decisions: &[Decision]| {
                request.at.is_none()
                    || (decisions.len() == request.entries.len()
                        && decisions.iter().all(|d| matches!(d, Decision::New { .. })))
            };
            match decided {
                Ok(decisions) if is_in_place(&decisions) => {
                    batch.requests.push((request, decisions));
                }
                Ok(decisions) => {
                    self.forget(&request.entries, &decisions);
                    batch.take_back(mark);
                    let next = Position(batch.next);
                    request.answer(Err(AppendError::Displaced { next }));
                }
                Err((decisions, Unknown::Index(error))) => {
                    self.forget(&request.entries, &decisions);
                    let mut all: Vec<_> = batch
                        .requests
                        .into_iter()
                        .map(|(request, _)| request)
                        .collect();
                    all.push(request);
                    all.extend(requests);
                    return Err((all, error.to_string()));
                }
                Err((decisions, Unknown::CatchingUp | Unknown::TooManyRevisions)) => {
                    // The request as a whole waits: half an answer would be none.
                    self.forget(&request.entries, &decisions);
                    batch.take_back(mark);
                    request.answer(Err(AppendError::Overloaded {
                        retry_after: OVERLOADED_RETRY,
                    }));
                }
            }
        }
        Ok(batch)
    }

    fn decide_request(
        &mut self,
        entries: &[Entry],
        batch: &mut Batch,
    ) -> Result<Vec<Decision>, (Vec<Decision>, Unknown)> {
        let mut decisions = Vec::with_capacity(entries.len());
        for entry in entries {
            let position = batch.next;
            decisions.push(
                match self.keys.decide(&entry.key, entry.revision, position) {
                    Ok(Known::New {
                        previous,
                        superseded,
                    }) => {
                        batch.offsets.push(length(batch.bytes.len()));
                        put_entry(&mut batch.bytes, entry, previous);
                        batch.next += 1;
                        Decision::New {
                            position,
                            superseded,
                        }
                    }
                    Ok(Known::Present(position)) => Decision::Present { position },
                    Err(Unknown::TooManyRevisions) => Decision::TooManyRevisions,
                    Err(unknown) => return Err((decisions, unknown)),
                },
            );
        }
        Ok(decisions)
    }

    /// Takes back what was decided as new and did not become durable.
    fn forget(&mut self, entries: &[Entry], decisions: &[Decision]) {
        for (entry, decision) in entries.iter().zip(decisions) {
            if matches!(decision, Decision::New { .. }) {
                self.keys.forget(&entry.key, entry.revision);
            }
        }
    }
}
