//! The end of the log: the segment that is written, its successor, and the commit point.
//!
//! Invariants: one batch at a time is written, so only the last can be torn; nothing is
//! published before its sync has returned. Only the writer's thread comes here.

use super::Position;
use super::disk::{Disk, DiskFile, PAGE_BYTES, write_zeros};
use super::error::is_full;
use super::frame::{Frame, HEADER_BYTES, Hash, Header, hash};
use super::layout::{length, put, size, wide};
use super::log::Log;
use super::recovery::Active;
use super::segment::{Extent, SPARE_NAME, Segment, SegmentHeader, file_name, frames_to};
use super::spare::Spare;
use crate::clock::Clock;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;

/// The page cache is given back in pieces of this size: small ones, since receipts wait meanwhile
/// (16 MiB take 3 ms).
const FORGET_BYTES: u64 = 1024 * 1024;

/// Why a batch was not stored.
pub(super) enum Failure {
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

/// A batch in room of its own size, and the room that it needed not, for another batch. A batch
/// that leaves most of its room empty would keep it from memory for as long as it is read.
fn fitted(mut bytes: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    if bytes.len() >= bytes.capacity() / 2 {
        return (bytes, Vec::new());
    }
    let own = bytes.as_slice().to_vec();
    bytes.clear();
    (own, bytes)
}

/// The end of the log, where batches are appended.
pub(super) struct Appender {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) folder: PathBuf,
    pub(super) log: Arc<Log>,
    pub(super) durable: watch::Sender<Position>,
    pub(super) spare: Spare,
    pub(super) active: Option<Active>,
    pub(super) journal_id: [u8; 16],
    /// Position of the next entry.
    pub(super) next: u64,
    /// Hash of the last batch.
    pub(super) hash: Hash,
    /// Empty room for a batch; fresh memory has to be cleared by the system first.
    pub(super) room: Vec<u8>,
}

impl Appender {
    /// Writes a batch and syncs it; it stands at [`Self::next`].
    pub(super) fn append(&mut self, mut bytes: Vec<u8>, offsets: Vec<u32>) -> Result<(), Failure> {
        let frame_bytes = wide(bytes.len());
        let active = self.active_for(frame_bytes)?;
        let (segment, file) = (Arc::clone(&active.segment), Arc::clone(&active.file));
        let payload = bytes.get(HEADER_BYTES..).unwrap_or_default();
        let header = Header {
            payload_bytes: length(payload.len()),
            count: length(offsets.len()),
            first: self.next,
            stamp_ns: stamp_ns(&*self.clock),
            tag: segment.header.tag,
            previous: self.hash,
            payload_crc: crc32c::crc32c(payload),
        };
        put(&mut bytes, 0, &header.encode());
        let at = segment.extent(|extent| extent.end);
        // The zeros that stand behind the batch are written again up to the end of their page:
        // a page that is written whole need not be read first.
        let end = (at + frame_bytes).next_multiple_of(PAGE_BYTES);
        bytes.resize(size(end.min(segment.header.bytes) - at), 0);
        let written = file.write_at(&bytes, at);
        bytes.truncate(size(frame_bytes));
        if let Err(error) = written {
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
        let started = self.clock.monotonic();
        // THE COMMIT POINT. Before this returns nothing is promised; after it all is kept.
        file.sync()
            .map_err(|error| Failure::Fatal(format!("cannot sync a batch: {error}")))?;
        fail::fail_point!("journal::after_sync");
        let took = self.clock.monotonic().saturating_sub(started);
        metrics::histogram!("entente_journal_sync_seconds").record(took.as_secs_f64());
        metrics::histogram!("entente_journal_batch_entries").record(f64::from(header.count));
        self.give_back(&*file, at, frame_bytes);
        self.hash = hash(&bytes);
        self.next = header.next();
        segment.extend(header.first, header.next(), frame_bytes);
        let (bytes, room) = fitted(bytes);
        let frame = Frame::built(header.first, bytes, offsets);
        let given_back = self.log.publish(Arc::new(frame)).unwrap_or_default();
        self.room = if room.capacity() < given_back.capacity() {
            given_back
        } else {
            room
        };
        self.durable.send_replace(Position(header.next() - 1));
        Ok(())
    }

    /// Gives back the page cache of what was written some time ago, a piece at a time: recent
    /// batches are in memory anyway, and a log that fills all memory slows everything else.
    fn give_back(&self, file: &dyn DiskFile, at: u64, frame_bytes: u64) {
        let (from, to) = (at / FORGET_BYTES, (at + frame_bytes) / FORGET_BYTES);
        if from < to {
            file.forget(from * FORGET_BYTES, (to - from) * FORGET_BYTES);
        }
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

    /// Begins a new segment, unless nothing stands in this one.
    pub(super) fn seal(&mut self) -> Result<(), Failure> {
        let is_empty = |active: &Active| active.segment.first() == self.next;
        match self.active.as_ref().is_none_or(is_empty) {
            true => Ok(()),
            false => self.roll(),
        }
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
            stamp_ns: stamp_ns(&*self.clock),
            previous: self.hash,
            removed: None,
        };
        file.write_at(&header.encode(), 0)
            .map_err(fatal("write a segment's header"))?;
        file.sync().map_err(fatal("sync a segment's header"))?;
        fail::fail_point!("journal::during_roll");
        let folder = &self.folder;
        let disk = &self.disk;
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
