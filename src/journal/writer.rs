//! The one writer: takes what waits, decides what is new, writes once, syncs once, answers.
//!
//! Invariants: one batch at a time is written, so only the last can be torn. After a failed
//! sync, or any failed write but for want of room, nothing is written again in this process.
//! No answer says "stored" before the sync has returned.

use super::disk::{Disk, write_zeros};
use super::error::{io_error, is_full};
use super::frame::{Frame, HEADER_BYTES, Hash, Header, hash, put_entry};
use super::index::Index;
use super::indexer::{Indexer, Start, replay};
use super::layout::{length, put, wide};
use super::log::Log;
use super::queue::{OVERLOADED_RETRY, Queue, Request, Taken};
use super::recent::{Generation, Keys, Known, Unknown};
use super::recovery::{Active, recover};
use super::segment::{Extent, SPARE_NAME, Segment, SegmentHeader, file_name, frames_to};
use super::spare::Spare;
use super::{AppendError, Appended, Entry, Health, OpenError, Position, Receipt, Settings};
use crate::clock::Clock;
use std::io;
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
}

/// Why a batch was not stored.
enum Failure {
    /// No room; nothing of it is left, and the next may be tried.
    Full,
    /// What is on disk is unknown, or the index is.
    Fatal(String),
}

impl Failure {
    /// Before anything of the batch is written.
    fn before(doing: &str, error: &io::Error) -> Self {
        if is_full(error) {
            Self::Full
        } else {
            Self::Fatal(format!("cannot {doing}: {error}"))
        }
    }
}

struct Writer {
    parts: Parts,
    log: Arc<Log>,
    keys: Keys,
    spare: Spare,
    active: Option<Active>,
    journal_id: [u8; 16],
    next: u64,
    hash: Hash,
    free_seen: Option<(Duration, bool)>,
}

/// Recovers the journal and starts the writer.
pub(super) fn start(parts: Parts) -> Result<(Arc<Log>, JoinHandle<()>), OpenError> {
    let (disk, settings) = (&parts.disk, &parts.settings);
    let folder = &settings.folder;
    let recovered = recover(&**disk, folder, settings.segment_bytes)?;
    let log = Arc::new(Log::new(
        Arc::clone(disk),
        recovered.segments,
        recovered.last,
        settings.tail_bytes_max,
    ));
    let keys = open_keys(settings, &log, recovered.journal_id, recovered.last)?;
    let spare = recovered.spare;
    let thread = io_error("start a thread for", folder);
    let mut spare = Spare::start(
        Arc::clone(disk),
        folder.clone(),
        settings.segment_bytes,
        spare,
    )
    .map_err(thread)?;
    spare.order();
    parts.durable.send_replace(Position(recovered.last));
    let folder = folder.clone();
    let mut writer = Writer {
        log: Arc::clone(&log),
        keys,
        spare,
        active: recovered.active,
        journal_id: recovered.journal_id,
        next: recovered.last + 1,
        hash: recovered.hash,
        free_seen: None,
        parts,
    };
    let thread = std::thread::Builder::new()
        .name("journal-writer".to_owned())
        .spawn(move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| writer.run()));
            let reason = match outcome {
                Ok(Ok(())) => {
                    writer.parts.queue.fail_all(&AppendError::Closed);
                    writer.keys.close();
                    return;
                }
                Ok(Err(reason)) => reason,
                Err(_panic) => "the writer panicked".to_owned(),
            };
            tracing::error!(reason, "the journal is stopped");
            writer
                .parts
                .health
                .send_replace(Health::Poisoned(reason.clone()));
            writer.parts.queue.fail_all(&AppendError::Poisoned(reason));
        })
        .map_err(io_error("start a thread for", &folder))?;
    Ok((log, thread))
}

/// Opens the index. A short part of the log that it lacks is read now; a long one in the
/// background.
fn open_keys(
    settings: &Settings,
    log: &Arc<Log>,
    journal_id: [u8; 16],
    last: u64,
) -> Result<Keys, OpenError> {
    let failed = |error: &dyn std::fmt::Display| OpenError::Index(error.to_string());
    let folder = &settings.folder;
    let (index, upto) =
        Index::open(folder, journal_id, last, INDEX_CACHE_BYTES).map_err(|error| failed(&error))?;
    let mut young = Generation::default();
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
        GENERATION_ENTRIES,
        GENERATION_BYTES,
    ))
}

/// What was decided of an entry.
enum Decision {
    /// It is in this batch, at this position.
    New { position: u64, superseded: bool },
    /// It was stored before, or stands earlier in this batch.
    Present { position: u64 },
    /// Its key has too many revisions.
    TooManyRevisions,
}

/// A batch while it is put together.
struct Batch {
    bytes: Vec<u8>,
    offsets: Vec<u32>,
    next: u64,
    requests: Vec<(Request, Vec<Decision>)>,
}

impl Writer {
    /// Works until the queue is closed.
    fn run(&mut self) -> Result<(), String> {
        loop {
            match self.parts.queue.take(IDLE) {
                Taken::Closed => return Ok(()),
                Taken::Nothing => {
                    let full = self.lacks_room();
                    self.tell(full);
                }
                Taken::Requests(requests) => self.store(requests)?,
            }
            if let Some(reason) = self.keys.failure() {
                return Err(reason);
            }
        }
    }

    /// Whether there is too little room for more.
    fn lacks_room(&mut self) -> bool {
        let now = self.parts.clock.monotonic();
        if let Some((seen, full)) = self.free_seen
            && now.saturating_sub(seen) < FREE_DISK_AGE_MAX
            && !full
        {
            return false;
        }
        let settings = &self.parts.settings;
        // A disk that does not tell is found out by writing to it.
        let free = self
            .parts
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
        self.parts.health.send_if_modified(|known| {
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
        if !offsets.is_empty() {
            match self.write(bytes, offsets) {
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
        for (request, decisions) in requests {
            let answers = self.receipts(&request.entries, &decisions);
            request.answer(answers);
        }
        fail::fail_point!("journal::after_index");
        // A stall shows as a full disk before the next batch.
        let _stalled = self.keys.committed(self.next.saturating_sub(1));
        Ok(())
    }

    /// Decides every entry, and puts what is new into a batch.
    fn decide(&mut self, requests: Vec<Request>) -> Result<Batch, (Vec<Request>, String)> {
        let mut batch = Batch {
            bytes: vec![0; HEADER_BYTES],
            offsets: Vec::new(),
            next: self.next,
            requests: Vec::with_capacity(requests.len()),
        };
        let mut requests = requests.into_iter();
        while let Some(request) = requests.next() {
            let mark = (batch.bytes.len(), batch.offsets.len(), batch.next);
            match self.decide_request(&request.entries, &mut batch) {
                Ok(decisions) => batch.requests.push((request, decisions)),
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
                    batch.bytes.truncate(mark.0);
                    batch.offsets.truncate(mark.1);
                    batch.next = mark.2;
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

    /// Answers from the log alone, so that a first answer and a repeated one are the same.
    fn receipts(
        &self,
        entries: &[Entry],
        decisions: &[Decision],
    ) -> Result<Vec<Appended>, AppendError> {
        let mut held: Option<Arc<Frame>> = None;
        let answer = |(entry, decision): (&Entry, &Decision)| {
            let position = match decision {
                Decision::New { position, .. } | Decision::Present { position } => *position,
                Decision::TooManyRevisions => return Ok(Appended::TooManyRevisions),
            };
            let unreadable = |error: &dyn std::fmt::Display| {
                tracing::error!(position, %error, "a stored entry cannot be read");
                AppendError::Poisoned(error.to_string())
            };
            let frame = match held.take().filter(|frame| frame.raw(position).is_some()) {
                Some(frame) => frame,
                None => self
                    .log
                    .frame(position)
                    .map_err(|error| unreadable(&error))?,
            };
            let frame = held.insert(frame);
            let raw = frame
                .raw(position)
                .ok_or_else(|| unreadable(&"it is not in its batch"))?;
            let receipt = Receipt {
                position: Position(position),
                previous: raw.previous.map(Position),
                digest: raw.digest,
                stamp_ns: raw.stamp_ns,
            };
            Ok(match decision {
                Decision::New {
                    superseded: false, ..
                } => Appended::Stored(receipt),
                Decision::New {
                    superseded: true, ..
                } => Appended::Superseded(receipt),
                _ if raw.digest == entry.digest => Appended::Duplicate(receipt),
                _ => Appended::Conflict(receipt),
            })
        };
        entries.iter().zip(decisions).map(answer).collect()
    }

    /// Writes a batch and syncs it.
    fn write(&mut self, mut bytes: Vec<u8>, offsets: Vec<u32>) -> Result<(), Failure> {
        let frame_bytes = wide(bytes.len());
        let active = self.active_for(frame_bytes)?;
        let (segment, file) = (Arc::clone(&active.segment), Arc::clone(&active.file));
        let payload = bytes.get(HEADER_BYTES..).unwrap_or_default();
        let header = Header {
            payload_bytes: length(payload.len()),
            count: length(offsets.len()),
            first: self.next,
            stamp_ns: stamp_ns(&*self.parts.clock),
            tag: segment.header.tag,
            previous: self.hash,
            payload_crc: crc32c::crc32c(payload),
        };
        put(&mut bytes, 0, &header.encode());
        let at = segment.extent(|extent| extent.end);
        if let Err(error) = file.write_at(&bytes, at) {
            if !is_full(&error) {
                return Err(Failure::Fatal(format!("cannot write a batch: {error}")));
            }
            // Nothing of it may be left: a later start would take it for a torn batch.
            return match write_zeros(&*file, at, at + frame_bytes) {
                Ok(()) => Err(Failure::Full),
                Err(error) => Err(Failure::Fatal(format!("cannot undo a batch: {error}"))),
            };
        }
        fail::fail_point!("journal::after_write");
        fail::fail_point!("journal::before_sync");
        let started = self.parts.clock.monotonic();
        // THE COMMIT POINT. Before this returns nothing is promised; after it all is kept.
        file.sync()
            .map_err(|error| Failure::Fatal(format!("cannot sync a batch: {error}")))?;
        fail::fail_point!("journal::after_sync");
        let took = self.parts.clock.monotonic().saturating_sub(started);
        metrics::histogram!("entente_journal_sync_seconds").record(took.as_secs_f64());
        metrics::histogram!("entente_journal_batch_entries").record(f64::from(header.count));
        self.hash = hash(&bytes);
        self.next = header.next();
        segment.extend(header.first, header.next(), frame_bytes);
        self.log
            .publish(Arc::new(Frame::built(header.first, bytes, offsets)));
        self.parts.durable.send_replace(Position(header.next() - 1));
        Ok(())
    }

    /// The segment for the next batch; a new one when it does not fit.
    fn active_for(&mut self, frame_bytes: u64) -> Result<&Active, Failure> {
        let fits = self.active.as_ref().is_some_and(|active| {
            active
                .segment
                .fits(active.segment.extent(|extent| extent.end), frame_bytes)
        });
        if !fits {
            self.roll()?;
        }
        self.active
            .as_ref()
            .ok_or_else(|| Failure::Fatal("there is no segment".to_owned()))
    }

    /// Seals the segment and begins the next. The next is there before the old one is sealed,
    /// so that a full disk leaves everything as it was.
    fn roll(&mut self) -> Result<(), Failure> {
        let file = self
            .spare
            .take()
            .map_err(|e| Failure::before("make a segment", &e))?;
        let fatal = |doing: &'static str| {
            move |e: io::Error| Failure::Fatal(format!("cannot {doing}: {e}"))
        };
        if let Some(active) = self.active.take() {
            let footer = active
                .segment
                .extent(|extent| extent.footer(active.segment.first(), &self.hash));
            let at = frames_to(active.segment.header.bytes);
            active
                .file
                .write_at(&footer, at)
                .map_err(fatal("write a footer"))?;
            active.file.sync().map_err(fatal("sync a footer"))?;
        }
        fail::fail_point!("journal::during_roll");
        let mut tag = [0; 8];
        aws_lc_rs::rand::fill(&mut tag)
            .map_err(|_| Failure::Fatal("the system gives no random numbers".to_owned()))?;
        let bytes = file.bytes().map_err(fatal("read the size of a segment"))?;
        let header = SegmentHeader {
            journal_id: self.journal_id,
            tag: u64::from_le_bytes(tag),
            first: self.next,
            bytes,
            stamp_ns: stamp_ns(&*self.parts.clock),
            previous: self.hash,
        };
        file.write_at(&header.encode(), 0)
            .map_err(fatal("write a segment's header"))?;
        file.sync().map_err(fatal("sync a segment's header"))?;
        fail::fail_point!("journal::during_roll");
        let folder = &self.parts.settings.folder;
        let disk = &self.parts.disk;
        disk.rename(&folder.join(SPARE_NAME), &folder.join(file_name(self.next)))
            .map_err(fatal("name a segment"))?;
        disk.sync_folder(folder).map_err(fatal("sync the folder"))?;
        fail::fail_point!("journal::during_roll");
        let segment = Arc::new(Segment::new(folder, header, Extent::empty(self.next)));
        self.log.add_segment(Arc::clone(&segment));
        self.active = Some(Active { segment, file });
        self.spare.order();
        Ok(())
    }
}

fn stamp_ns(clock: &dyn Clock) -> i64 {
    i64::try_from(clock.now().as_nanosecond()).unwrap_or(i64::MAX)
}
