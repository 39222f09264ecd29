//! Removal of the oldest segments, and what remains of each: the same batches with the same
//! entries, whose bodies are shortened. So a retry of a removed entry still gets its first
//! receipt, the index can be rebuilt, and the chain of hashes goes on.
//!
//! Invariant: a segment is unlinked only when its remains are on stable storage under their
//! name. That name is the floor: there is no second place that says what was removed.

use super::disk::{Disk, DiskFile};
use super::frame::{Frame, HEADER_BYTES, Hash, Header, put_entry};
use super::layout::{length, put, size, wide};
use super::log::Log;
use super::recovery::read_batch;
use super::segment::{
    Extent, FRAMES_FROM, REMAINS_UNFINISHED, Removed, Segment, SegmentHeader, frames_to,
    remains_bytes, remains_name,
};
use super::{Position, RemoveError, Stored};
use bytes::Bytes;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// How much is gathered before it is written.
const CHUNK_BYTES: usize = 1024 * 1024;

/// A segment that could be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Its first position.
    pub first: Position,
    /// Its last position.
    pub last: Position,
    /// Size of its file, bytes.
    pub bytes: u64,
}

/// What is to be removed, and what is recorded of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemovalOrder {
    /// First position of the oldest segment that is there.
    pub first: Position,
    /// When, nanoseconds since the Unix epoch.
    pub at_ns: i64,
    /// By which rule; a number that the caller knows.
    pub rule: u32,
}

/// A segment that was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removal {
    /// Its first position.
    pub first: Position,
    /// Its last position.
    pub last: Position,
    /// Size of its file, bytes.
    pub bytes: u64,
    /// Size of its remains, bytes.
    pub remains_bytes: u64,
    /// When, nanoseconds since the Unix epoch.
    pub at_ns: i64,
    /// By which rule; a number of whoever decided.
    pub rule: u32,
}

/// What the remains of a segment say; `None`: it was not removed.
pub(super) fn removal(segment: &Segment) -> Option<Removal> {
    let removed = segment.header.removed?;
    Some(Removal {
        first: Position(segment.first()),
        last: Position(segment.extent(|extent| extent.last)),
        bytes: removed.bytes,
        remains_bytes: segment.header.bytes,
        at_ns: removed.at_ns,
        rule: removed.rule,
    })
}

/// Segments that could be removed, the oldest first: all but the last, which is written.
pub(super) fn sealed(log: &Log) -> Vec<Sealed> {
    let mut segments = log.segments();
    segments.pop();
    let there = segments.iter().filter(|segment| !segment.is_remains());
    let sealed = there.map(|segment| Sealed {
        first: Position(segment.first()),
        last: Position(segment.extent(|extent| extent.last)),
        bytes: segment.header.bytes,
    });
    sealed.collect()
}

fn failed(doing: &'static str) -> impl Fn(io::Error) -> RemoveError {
    move |cause| RemoveError::Io { doing, cause }
}

/// Removes the oldest segment. Blocks.
pub(super) fn remove(
    disk: &dyn Disk,
    folder: &Path,
    log: &Log,
    order: &RemovalOrder,
    shorten: &mut dyn FnMut(&Stored) -> Bytes,
) -> Result<Removal, RemoveError> {
    let segments = log.segments();
    let oldest = segments.iter().position(|segment| !segment.is_remains());
    let pair = oldest.and_then(|at| Some((segments.get(at)?, segments.get(at + 1)?)));
    let pair = pair.filter(|(segment, _)| segment.first() == order.first.0);
    let (segment, next) = pair.ok_or(RemoveError::NotRemovable(order.first))?;
    let unfinished = folder.join(REMAINS_UNFINISHED);
    let written = write(
        disk,
        &unfinished,
        segment,
        &next.header.previous,
        order,
        shorten,
    );
    let (header, extent) = written.inspect_err(|_| {
        // What is left of it would only take room; the next start removes it, too.
        let _gone = disk.remove(&unfinished);
    })?;
    fail::fail_point!("journal::remains_written");
    let named = folder.join(remains_name(segment.first()));
    disk.rename(&unfinished, &named)
        .map_err(RemoveError::Unknown)?;
    // THE POINT OF NO RETURN. From here on the remains count, at every later start, too.
    disk.sync_folder(folder).map_err(RemoveError::Unknown)?;
    fail::fail_point!("journal::remains_named");
    let remains = Arc::new(Segment::new(folder, header, extent));
    let removal = removal(&remains).ok_or(RemoveError::NotRemovable(order.first))?;
    log.put_remains(remains);
    log.close_file(segment);
    if let Err(error) = disk.remove(&segment.path) {
        // It takes room, and nothing else; the next start tries again.
        tracing::error!(segment = segment.name(), %error, "a removed segment cannot be unlinked");
    }
    fail::fail_point!("journal::segment_unlinked");
    if let Err(error) = disk.sync_folder(folder) {
        tracing::error!(%error, "the unlinking of a segment may not be durable");
    }
    Ok(removal)
}

/// Writes what remains of a segment, and syncs it.
fn write(
    disk: &dyn Disk,
    path: &Path,
    segment: &Segment,
    last_hash: &Hash,
    order: &RemovalOrder,
    shorten: &mut dyn FnMut(&Stored) -> Bytes,
) -> Result<(SegmentHeader, Extent), RemoveError> {
    let source = disk
        .open_read(&segment.path)
        .map_err(failed("open a segment"))?;
    let target = disk
        .create_zeroed(path, FRAMES_FROM)
        .map_err(failed("make remains"))?;
    let batches = copy(&*source, &*target, segment, last_hash, shorten)?;
    let end = FRAMES_FROM + batches.iter().map(|(_, _, bytes)| bytes).sum::<u64>();
    let header = SegmentHeader {
        bytes: remains_bytes(end),
        removed: Some(Removed {
            at_ns: order.at_ns,
            bytes: segment.header.bytes,
            rule: order.rule,
        }),
        ..segment.header.clone()
    };
    let mut extent = Extent::empty(header.first);
    for (first, next, bytes) in batches {
        extent.extend(header.bytes, first, next, bytes);
    }
    let at = frames_to(header.bytes);
    let mut footer = extent.footer(header.first, last_hash);
    footer.resize(size(header.bytes - at), 0);
    let write = failed("write remains");
    target.write_at(&footer, at).map_err(&write)?;
    target.write_at(&header.encode(), 0).map_err(&write)?;
    target.sync().map_err(failed("sync remains"))?;
    Ok((header, extent))
}

/// Copies the batches of a segment with their bodies shortened: of each its first position, the
/// position after it, and its size there. What does not hold, to the last hash, is damage.
fn copy(
    source: &dyn DiskFile,
    target: &dyn DiskFile,
    segment: &Segment,
    last_hash: &Hash,
    shorten: &mut dyn FnMut(&Stored) -> Bytes,
) -> Result<Vec<(u64, u64, u64)>, RemoveError> {
    let (tag, end) = (segment.header.tag, segment.extent(|extent| extent.end));
    let (mut at, mut to) = (FRAMES_FROM, FRAMES_FROM);
    let mut hash = segment.header.previous;
    let mut next = segment.first();
    let mut chunk = Vec::new();
    let mut batches = Vec::new();
    let damaged = |offset| RemoveError::Damaged {
        segment: segment.name(),
        offset,
    };
    while at < end {
        let found = read_batch(source, tag, at, end).map_err(failed("read a segment"))?;
        let found = found.filter(|(batch, ..)| batch.first == next && batch.previous == hash);
        let (batch, frame, batch_hash) = found.ok_or_else(|| damaged(at))?;
        let before = chunk.len();
        shortened(&batch, &frame, &mut chunk, shorten);
        batches.push((batch.first, batch.next(), wide(chunk.len() - before)));
        (at, next, hash) = (at + batch.frame_bytes(), batch.next(), batch_hash);
        if chunk.len() >= CHUNK_BYTES {
            target
                .write_at(&chunk, to)
                .map_err(failed("write remains"))?;
            to += wide(chunk.len());
            chunk.clear();
        }
    }
    target
        .write_at(&chunk, to)
        .map_err(failed("write remains"))?;
    (hash == *last_hash)
        .then_some(batches)
        .ok_or_else(|| damaged(end))
}

/// Appends a batch with its bodies shortened. A body that would become longer stays away.
fn shortened(
    batch: &Header,
    frame: &Frame,
    out: &mut Vec<u8>,
    shorten: &mut dyn FnMut(&Stored) -> Bytes,
) {
    let start = out.len();
    out.resize(start + HEADER_BYTES, 0);
    for position in batch.first..batch.next() {
        if let Some(mut stored) = frame.stored(position) {
            let short = shorten(&stored);
            let fits = short.len() <= stored.entry.body.len();
            stored.entry.body = if fits { short } else { Bytes::new() };
            put_entry(
                out,
                &stored.entry,
                stored.previous.map(|previous| previous.0),
            );
        }
    }
    let payload = out.get(start + HEADER_BYTES..).unwrap_or_default();
    let header = Header {
        payload_bytes: length(payload.len()),
        payload_crc: crc32c::crc32c(payload),
        ..batch.clone()
    };
    put(out, start, &header.encode());
}
