//! Reading: recent batches from memory, the rest from the segments.
//!
//! Invariant: nothing is ever returned that is not durable, and nothing from disk whose
//! checksum does not hold.

use super::disk::{Disk, DiskFile};
use super::frame::{Frame, HEADER_BYTES, Header};
use super::layout::{size, wide};
use super::segment::{Segment, SegmentId};
use super::{Position, ReadError, Stored};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// How many readers can go on where they stopped without searching.
const CURSORS_MAX: usize = 64;
/// How many segment files are kept open for reading.
const FILES_MAX: usize = 64;
/// Room for entries that a reader asks for; more is made where there are more.
const GATHERED_ROOM: usize = 512;
/// How many bytes of batches read from disk are kept.
const FRAMES_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Reading on is announced to the disk in steps of this size.
const AHEAD_BYTES: u64 = 4 * 1024 * 1024;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Batches in memory, oldest first, bounded in bytes.
#[derive(Debug, Default)]
struct Shelf {
    frames: VecDeque<Arc<Frame>>,
    memory: usize,
}

impl Shelf {
    /// Takes a batch in; says which one, the last of them, had to go for it.
    fn push(&mut self, frame: Arc<Frame>, bytes_max: usize) -> Option<Arc<Frame>> {
        self.memory += frame.memory();
        self.frames.push_back(frame);
        let mut gone = None;
        // One is always kept: most readers want the newest.
        while self.memory > bytes_max && self.frames.len() > 1 {
            gone = self.frames.pop_front();
            self.memory -= gone.as_ref().map_or(0, |gone| gone.memory());
        }
        gone
    }
}

/// Where a batch begins that a reader will want next.
#[derive(Clone, Copy, Debug)]
struct Cursor {
    position: u64,
    segment: SegmentId,
    offset: u64,
}

/// The log as it can be read.
#[derive(Debug)]
pub(super) struct Log {
    disk: Arc<dyn Disk>,
    segments: RwLock<Vec<Arc<Segment>>>,
    durable: AtomicU64,
    /// First position that readers may have; what lies before it was removed.
    first: AtomicU64,
    tail: RwLock<Shelf>,
    tail_bytes_max: usize,
    read: Mutex<Shelf>,
    cursors: Mutex<VecDeque<Cursor>>,
    files: Mutex<VecDeque<(SegmentId, Arc<dyn DiskFile>)>>,
}

impl Log {
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        segments: Vec<Arc<Segment>>,
        durable: u64,
        tail_bytes_max: usize,
    ) -> Self {
        let remains = segments.iter().filter(|segment| segment.is_remains());
        let removed = remains
            .map(|segment| segment.extent(|extent| extent.last))
            .max();
        Self {
            disk,
            segments: RwLock::new(segments),
            durable: AtomicU64::new(durable),
            first: AtomicU64::new(removed.unwrap_or(0) + 1),
            tail: RwLock::default(),
            tail_bytes_max,
            read: Mutex::default(),
            cursors: Mutex::default(),
            files: Mutex::default(),
        }
    }

    pub(super) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// The first position that readers may have.
    pub(super) fn first(&self) -> u64 {
        self.first.load(Ordering::Acquire)
    }

    /// The segments, and the remains of those that were removed, in order.
    pub(super) fn segments(&self) -> Vec<Arc<Segment>> {
        self.segments
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Puts remains into the place of their segment. First readers are kept out, then the place
    /// changes hands: whoever finds remains also finds that they are not for readers.
    pub(super) fn put_remains(&self, remains: Arc<Segment>) {
        let last = remains.extent(|extent| extent.last);
        self.first.fetch_max(last + 1, Ordering::AcqRel);
        let mut segments = self
            .segments
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let place = segments
            .iter_mut()
            .find(|segment| segment.first() == remains.first());
        if let Some(place) = place {
            *place = remains;
        }
    }

    /// Fails where a position was removed.
    fn check_there(&self, position: u64) -> Result<(), ReadError> {
        let first = self.first();
        if position < first {
            let position = Position(position);
            let first = Position(first);
            return Err(ReadError::Removed { position, first });
        }
        Ok(())
    }

    /// Takes in a new segment. Only the writer calls this.
    pub(super) fn add_segment(&self, segment: Arc<Segment>) {
        self.segments
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(segment);
    }

    /// Publishes a durable batch. Only the writer calls this, after the commit point. Gives
    /// back the room of a batch that nobody reads any more, for another.
    pub(super) fn publish(&self, frame: Arc<Frame>) -> Option<Vec<u8>> {
        let last = frame.next().saturating_sub(1);
        let gone = self
            .tail
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(frame, self.tail_bytes_max);
        self.durable.store(last, Ordering::Release);
        Arc::into_inner(gone?)?.into_room()
    }

    /// Entries from memory; `None` if they are not all there. Never waits for the disk.
    pub(super) fn recent(
        &self,
        from: u64,
        entries_max: usize,
        bytes_max: usize,
    ) -> Option<Vec<Stored>> {
        if from > self.durable() {
            return Some(Vec::new());
        }
        if from.max(1) < self.first() {
            return None;
        }
        let mut gathered = Gathered::new(from, entries_max, bytes_max);
        let tail = self.tail.read().unwrap_or_else(PoisonError::into_inner);
        let after = tail.frames.partition_point(|frame| frame.first() <= from);
        let start = after.checked_sub(1)?;
        for frame in tail.frames.range(start..) {
            if !gathered.take(frame) {
                break;
            }
        }
        (!gathered.entries.is_empty()).then_some(gathered.entries)
    }

    /// Entries from memory or from disk.
    pub(super) fn read(
        &self,
        from: u64,
        entries_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Stored>, ReadError> {
        if let Some(recent) = self.recent(from, entries_max, bytes_max) {
            return Ok(recent);
        }
        self.gather(from, entries_max, bytes_max, |position| {
            self.check_there(position)
        })
    }

    /// Entries, where they were removed what remains of them.
    pub(super) fn read_with_remains(
        &self,
        from: u64,
        entries_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Stored>, ReadError> {
        self.gather(from, entries_max, bytes_max, |_| Ok(()))
    }

    fn gather(
        &self,
        from: u64,
        entries_max: usize,
        bytes_max: usize,
        check: impl Fn(u64) -> Result<(), ReadError>,
    ) -> Result<Vec<Stored>, ReadError> {
        let durable = self.durable();
        let mut gathered = Gathered::new(from, entries_max, bytes_max);
        while gathered.next <= durable {
            let frame = self.frame(gathered.next);
            // After the batch was found: it may be removed at any time.
            match check(gathered.next) {
                Err(_) if !gathered.entries.is_empty() => break,
                checked => checked?,
            }
            if !gathered.take(&*frame?) {
                break;
            }
        }
        Ok(gathered.entries)
    }

    /// The batch that holds a durable position, if it is in memory.
    pub(super) fn recent_frame(&self, position: u64) -> Option<Arc<Frame>> {
        let tail = self.tail.read().unwrap_or_else(PoisonError::into_inner);
        let after = tail
            .frames
            .partition_point(|frame| frame.first() <= position);
        let frame = tail.frames.get(after.checked_sub(1)?)?;
        (position < frame.next()).then(|| Arc::clone(frame))
    }

    /// The batch that holds a durable position.
    pub(super) fn frame(&self, position: u64) -> Result<Arc<Frame>, ReadError> {
        if let Some(frame) = self.recent_frame(position) {
            return Ok(frame);
        }
        let holds = |frame: &&Arc<Frame>| frame.first() <= position && position < frame.next();
        if let Some(frame) = lock(&self.read).frames.iter().find(holds) {
            return Ok(Arc::clone(frame));
        }
        let frame = match self.find(position) {
            // It may have been removed while it was looked for; now its remains are there.
            Err(_) if position < self.first() => self.find(position)?,
            found => found?,
        };
        let frame = Arc::new(frame);
        lock(&self.read).push(Arc::clone(&frame), FRAMES_BYTES_MAX);
        Ok(frame)
    }

    /// Looks for the batch that holds a position, in the segments.
    fn find(&self, position: u64) -> Result<Frame, ReadError> {
        let missing = || ReadError::Missing { position };
        let segment = {
            let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
            let after = segments.partition_point(|segment| segment.first() <= position);
            let found = after.checked_sub(1).and_then(|index| segments.get(index));
            found.cloned().ok_or_else(missing)?
        };
        let end = segment.extent(|extent| extent.end);
        let file = self.file(&segment)?;
        let mut offset = self
            .cursor(position)
            .filter(|cursor| cursor.segment == segment.id())
            .map_or_else(|| segment.before(position), |cursor| cursor.offset);
        while offset < end {
            let damaged = || ReadError::Damaged {
                segment: segment.name(),
                offset,
            };
            let mut bytes = vec![0; HEADER_BYTES];
            file.read_at(&mut bytes, offset)?;
            let header = Header::decode(&bytes, segment.header.tag)
                .filter(|header| segment.fits(offset, header.frame_bytes()))
                .filter(|header| header.first <= position)
                .ok_or_else(damaged)?;
            let next = offset + header.frame_bytes();
            if position < header.next() {
                // Whoever reads on finds the next part of the segment in memory.
                if offset / AHEAD_BYTES < next / AHEAD_BYTES {
                    file.expect(next, 2 * AHEAD_BYTES);
                }
                bytes.resize(size(header.frame_bytes()), 0);
                let payload = bytes.get_mut(HEADER_BYTES..).unwrap_or_default();
                file.read_at(payload, offset + wide(HEADER_BYTES))?;
                let frame = Frame::decode(&header, Bytes::from(bytes)).ok_or_else(damaged)?;
                self.remember(Cursor {
                    position: header.next(),
                    segment: segment.id(),
                    offset: next,
                });
                return Ok(frame);
            }
            offset = next;
        }
        Err(missing())
    }

    fn file(&self, segment: &Segment) -> Result<Arc<dyn DiskFile>, ReadError> {
        let id = segment.id();
        if let Some((_, file)) = lock(&self.files).iter().find(|(of, _)| *of == id) {
            return Ok(Arc::clone(file));
        }
        let file = self.disk.open_read(&segment.path)?;
        let mut files = lock(&self.files);
        if files.len() >= FILES_MAX {
            files.pop_front();
        }
        files.push_back((id, Arc::clone(&file)));
        Ok(file)
    }

    /// Closes the file of a segment that is unlinked, or its room would not be free.
    pub(super) fn close_file(&self, segment: &Segment) {
        lock(&self.files).retain(|(of, _)| *of != segment.id());
    }

    fn cursor(&self, position: u64) -> Option<Cursor> {
        let mut cursors = lock(&self.cursors);
        let index = cursors
            .iter()
            .position(|cursor| cursor.position == position)?;
        cursors.remove(index)
    }

    fn remember(&self, cursor: Cursor) {
        let mut cursors = lock(&self.cursors);
        if cursors.len() >= CURSORS_MAX {
            cursors.pop_front();
        }
        cursors.push_back(cursor);
    }
}

/// Entries on their way to a reader.
struct Gathered {
    entries: Vec<Stored>,
    next: u64,
    entries_left: usize,
    bytes_left: usize,
}

impl Gathered {
    fn new(from: u64, entries_max: usize, bytes_max: usize) -> Self {
        Self {
            entries: Vec::with_capacity(entries_max.min(GATHERED_ROOM)),
            next: from.max(1),
            entries_left: entries_max.max(1),
            bytes_left: bytes_max,
        }
    }

    /// Takes what is wanted of a batch; says whether more is.
    fn take(&mut self, frame: &Frame) -> bool {
        while let Some(stored) = frame.stored(self.next) {
            let bytes = stored.entry.key.len() + stored.entry.body.len();
            // The first is always given: a reader must be able to go on.
            if self.entries_left == 0 || (bytes > self.bytes_left && !self.entries.is_empty()) {
                return false;
            }
            self.entries_left -= 1;
            self.bytes_left = self.bytes_left.saturating_sub(bytes);
            self.next += 1;
            self.entries.push(stored);
        }
        self.entries_left > 0
    }
}
