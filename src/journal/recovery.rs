//! What happens when a journal is opened: the segments are checked and put in order, and a
//! batch that was being written when the power went is cut off.
//!
//! Rule: one batch at a time is written, so only the last can be torn. Whatever is unreadable
//! and has a sound batch after it is damage: that is an error, never a cut.

use super::disk::{Disk, DiskFile, write_zeros};
use super::frame::{Frame, HEADER_BYTES, Hash, Header, MAGIC, hash};
use super::index::Index;
use super::layout::{size, wide};
use super::segment::{
    Extent, HeaderFault, REMAINS_UNFINISHED, SEGMENT_HEADER_BYTES, SPARE_NAME, SPARE_UNFINISHED,
    Segment, SegmentHeader, file_name, first_of, frames_to, remains_of,
};
use super::{OpenError, io_error};
use bytes::Bytes;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// How much is searched at a time.
const CHUNK_BYTES: usize = 1024 * 1024;

/// The segment that is written.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) segment: Arc<Segment>,
    pub(super) file: Arc<dyn DiskFile>,
}

/// A journal as it stands after recovery.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) journal_id: [u8; 16],
    pub(super) segments: Vec<Arc<Segment>>,
    /// `None`: the next batch begins a new segment.
    pub(super) active: Option<Active>,
    /// Last durable position.
    pub(super) last: u64,
    /// Hash of the last batch.
    pub(super) hash: Hash,
    pub(super) spare: Option<Arc<dyn DiskFile>>,
}

/// How the batches of a segment end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With zeros.
    Clean,
    /// With something that is no sound batch, and nothing but zeros from there on.
    Torn { dirty_to: u64 },
    /// With something unreadable, and a sound batch after it.
    Damaged,
}

/// What a look at every batch of a segment found.
#[derive(Debug)]
pub(super) struct Scanned {
    pub(super) extent: Extent,
    pub(super) hash: Hash,
    pub(super) end: End,
}

/// The files that make up a log.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Segments, and remains in the place of those that were removed, in order.
    pub(super) log: Vec<String>,
    /// Segments whose remains are there as well: the machine stopped before they were unlinked.
    pub(super) left_over: Vec<String>,
}

/// Names of the files of a log in a folder.
pub(super) fn log_names(disk: &dyn Disk, folder: &Path) -> Result<Names, OpenError> {
    let mut names = Names::default();
    // Sorted: the remains of a segment stand before it.
    for name in disk.list(folder).map_err(io_error("list", folder))? {
        if remains_of(&name).is_some() {
            names.log.push(name);
        } else if let Some(first) = first_of(&name) {
            if names.log.last().and_then(|before| remains_of(before)) == Some(first) {
                names.left_over.push(name);
            } else {
                names.log.push(name);
            }
        }
    }
    Ok(names)
}

/// Reads the header of a segment and checks it against its name and what went before.
pub(super) fn read_header(
    file: &dyn DiskFile,
    name: &str,
    before: Option<(&SegmentHeader, u64, &Hash)>,
) -> Result<SegmentHeader, OpenError> {
    let mut bytes = [0; SEGMENT_HEADER_BYTES];
    file.read_at(&mut bytes, 0)
        .map_err(io_error("read", Path::new(name)))?;
    let damaged = |reason: &'static str| OpenError::Damaged {
        segment: name.to_owned(),
        offset: 0,
        reason,
    };
    let header = SegmentHeader::decode(&bytes).map_err(|fault| match fault {
        HeaderFault::Damaged => damaged("its header does not hold"),
        HeaderFault::Version(version) => OpenError::Version {
            segment: name.to_owned(),
            version,
        },
    })?;
    let named = match header.removed {
        None => first_of(name),
        Some(_) => remains_of(name),
    };
    if named != Some(header.first) {
        return Err(damaged("it is not the segment that its name says"));
    }
    // Segments that were removed have left remains: the log still begins with position 1.
    let expected = before.map_or(1, |(_, last, _)| last.saturating_add(1));
    if before.is_some_and(|(earlier, _, _)| header.journal_id != earlier.journal_id) {
        return Err(damaged("it is of another journal"));
    }
    if header.first < expected {
        return Err(damaged(
            "it begins with a position that is in the segment before it",
        ));
    }
    if header.first > expected {
        return Err(OpenError::Missing {
            from: expected,
            to: header.first - 1,
        });
    }
    if before.is_some_and(|(_, _, hash)| header.previous != *hash) {
        return Err(damaged("it does not continue the segment before it"));
    }
    Ok(header)
}

/// Brings a journal into order.
pub(super) fn recover(disk: &dyn Disk, folder: &Path, bytes: u64) -> Result<Recovered, OpenError> {
    let Names {
        log: names,
        left_over,
    } = log_names(disk, folder)?;
    let mut recovered = Recovered {
        journal_id: [0; 16],
        segments: Vec::with_capacity(names.len()),
        active: None,
        last: 0,
        hash: [0; 32],
        spare: None,
    };
    let count = names.len();
    for (index, name) in names.iter().enumerate() {
        let path = folder.join(name);
        let file = disk.open(&path).map_err(io_error("open", &path))?;
        let before = recovered
            .segments
            .last()
            .map(|segment| (&segment.header, recovered.last, &recovered.hash));
        let header = read_header(&*file, name, before)?;
        if before.is_none() {
            recovered.journal_id = header.journal_id;
            recovered.last = header.first.saturating_sub(1);
            recovered.hash = header.previous;
        }
        let (extent, hash, is_open) = if let Some((extent, hash)) =
            footer(&*file, &header).map_err(io_error("read", &path))?
        {
            (extent, hash, false)
        } else if header.removed.is_some() {
            return Err(OpenError::Damaged {
                segment: name.clone(),
                offset: frames_to(header.bytes),
                reason: "its footer does not hold, and remains cannot be made anew",
            });
        } else if index + 1 == count {
            let (extent, hash) = cut(&*file, &header, folder)?;
            (extent, hash, true)
        } else {
            let (extent, hash) = reseal(&*file, &header, name)?;
            (extent, hash, false)
        };
        recovered.last = extent.last;
        recovered.hash = hash;
        let segment = Arc::new(Segment::new(folder, header, extent));
        recovered.active = is_open.then(|| Active {
            segment: Arc::clone(&segment),
            file,
        });
        recovered.segments.push(segment);
    }
    if recovered
        .segments
        .last()
        .is_some_and(|last| last.is_remains())
    {
        // The last segment is never removed.
        let from = recovered.last.saturating_add(1);
        return Err(OpenError::Missing { from, to: from });
    }
    if count == 0 {
        aws_lc_rs::rand::fill(&mut recovered.journal_id).map_err(|_| OpenError::Random)?;
    }
    // Last, since it may remove what is left of one: a journal that is refused stays as it was.
    recovered.spare = spare(disk, folder, bytes)?;
    finish_removal(disk, folder, &left_over)?;
    Ok(recovered)
}

/// Unlinks what a removal that was cut short has left: remains that have no name yet, and
/// segments whose remains have one.
fn finish_removal(disk: &dyn Disk, folder: &Path, left_over: &[String]) -> Result<(), OpenError> {
    let remove = |name: &str| {
        let path = folder.join(name);
        disk.remove(&path).map_err(io_error("remove", &path))?;
        tracing::info!(name, "a removal that was cut short is finished");
        fail::fail_point!("journal::during_recovery");
        Ok(())
    };
    let names = disk.list(folder).map_err(io_error("list", folder))?;
    if names.iter().any(|name| name == REMAINS_UNFINISHED) {
        remove(REMAINS_UNFINISHED)?;
    }
    if !left_over.is_empty() {
        // The machine may have stopped before the names of the remains were durable.
        disk.sync_folder(folder).map_err(io_error("sync", folder))?;
    }
    left_over.iter().try_for_each(|name| remove(name))
}

/// The segment that was made ahead, if it is whole. What is not is removed.
fn spare(
    disk: &dyn Disk,
    folder: &Path,
    bytes: u64,
) -> Result<Option<Arc<dyn DiskFile>>, OpenError> {
    let names = disk.list(folder).map_err(io_error("list", folder))?;
    let remove = |path: &Path| disk.remove(path).map_err(io_error("remove", path));
    if names.iter().any(|name| name == SPARE_UNFINISHED) {
        remove(&folder.join(SPARE_UNFINISHED))?;
    }
    if !names.iter().any(|name| name == SPARE_NAME) {
        return Ok(None);
    }
    let path = folder.join(SPARE_NAME);
    let file = disk.open(&path).map_err(io_error("open", &path))?;
    if file.bytes().map_err(io_error("read", &path))? == bytes {
        return Ok(Some(file));
    }
    remove(&path)?;
    Ok(None)
}

/// The footer of a segment, if it is sealed.
pub(super) fn footer(
    file: &dyn DiskFile,
    header: &SegmentHeader,
) -> io::Result<Option<(Extent, Hash)>> {
    let at = frames_to(header.bytes);
    let mut bytes = vec![0; size(header.bytes.saturating_sub(at)).min(CHUNK_BYTES)];
    file.read_at(&mut bytes, at)?;
    Ok(Extent::from_footer(&bytes, header.first))
}

fn damaged(name: &str, offset: u64) -> OpenError {
    OpenError::Damaged {
        segment: name.to_owned(),
        offset,
        reason: "what stands there is no sound batch, and sound batches follow",
    }
}

/// A segment that is not the last, without a footer: every batch must be there.
fn reseal(
    file: &dyn DiskFile,
    header: &SegmentHeader,
    name: &str,
) -> Result<(Extent, Hash), OpenError> {
    let failed = |what| io_error(what, Path::new(name));
    let scanned = scan(file, header, &mut |_| {}).map_err(failed("read"))?;
    if scanned.end != End::Clean {
        return Err(damaged(name, scanned.extent.end));
    }
    let footer = scanned.extent.footer(header.first, &scanned.hash);
    file.write_at(&footer, frames_to(header.bytes))
        .map_err(failed("write"))?;
    file.sync().map_err(failed("sync"))?;
    tracing::warn!(
        segment = name,
        "a segment had no sound footer; sealed again"
    );
    Ok((scanned.extent, scanned.hash))
}

/// The last segment: what is torn is cut off, durably, before anything is appended.
fn cut(
    file: &dyn DiskFile,
    header: &SegmentHeader,
    folder: &Path,
) -> Result<(Extent, Hash), OpenError> {
    let name = file_name(header.first);
    let failed = |what| io_error(what, Path::new(&name));
    let scanned = scan(file, header, &mut |_| {}).map_err(failed("read"))?;
    let end = scanned.extent.end;
    let length = file.bytes().map_err(failed("read"))?;
    fail::fail_point!("journal::during_recovery");
    let wiped = match scanned.end {
        End::Damaged => return Err(damaged(&name, end)),
        End::Torn { dirty_to } => {
            // What the index has seen was durable: then this is no torn batch, but a damaged one.
            let (last, indexed) = (scanned.extent.last, Index::seen(folder, header.journal_id));
            if indexed > last {
                return Err(OpenError::Lost { last, indexed });
            }
            tracing::warn!(
                segment = name,
                offset = end,
                "a batch was being written when the journal stopped; it is cut off"
            );
            write_zeros(file, end, dirty_to).map_err(failed("write"))?;
            true
        }
        End::Clean => false,
    };
    if length < header.bytes {
        write_zeros(file, length.max(end), header.bytes).map_err(failed("write"))?;
    }
    if wiped || length < header.bytes {
        file.sync().map_err(failed("sync"))?;
    }
    fail::fail_point!("journal::during_recovery");
    Ok((scanned.extent, scanned.hash))
}

/// Looks at every batch of a segment.
pub(super) fn scan(
    file: &dyn DiskFile,
    header: &SegmentHeader,
    each: &mut dyn FnMut(&Frame),
) -> io::Result<Scanned> {
    let mut scanned = Scanned {
        extent: Extent::empty(header.first),
        hash: header.previous,
        end: End::Clean,
    };
    let limit = frames_to(header.bytes);
    loop {
        let at = scanned.extent.end;
        let next = scanned.extent.last.saturating_add(1);
        let Some((batch, frame, frame_hash)) = read_batch(file, header.tag, at, limit)? else {
            scanned.end = ending(file, header.tag, at, limit)?;
            return Ok(scanned);
        };
        if batch.first != next || batch.count == 0 || batch.previous != scanned.hash {
            scanned.end = End::Damaged;
            return Ok(scanned);
        }
        each(&frame);
        scanned.hash = frame_hash;
        scanned
            .extent
            .extend(header.bytes, batch.first, batch.next(), batch.frame_bytes());
    }
}

/// The batch at an offset, if a sound one stands there.
pub(super) fn read_batch(
    file: &dyn DiskFile,
    tag: u64,
    at: u64,
    limit: u64,
) -> io::Result<Option<(Header, Frame, Hash)>> {
    let mut bytes = vec![0; HEADER_BYTES];
    file.read_at(&mut bytes, at)?;
    let fits = |header: &Header| at.saturating_add(header.frame_bytes()) <= limit;
    let Some(header) = Header::decode(&bytes, tag).filter(fits) else {
        return Ok(None);
    };
    bytes.resize(size(header.frame_bytes()), 0);
    let payload = bytes.get_mut(HEADER_BYTES..).unwrap_or_default();
    file.read_at(payload, at + wide(HEADER_BYTES))?;
    let bytes = Bytes::from(bytes);
    let frame_hash = hash(&bytes);
    Ok(Frame::decode(&header, bytes).map(|frame| (header, frame, frame_hash)))
}

/// What stands from an offset on, where no sound batch does. A later batch is known by its
/// header alone: its tag is random, so no sender's bytes look like it.
fn ending(file: &dyn DiskFile, tag: u64, from: u64, limit: u64) -> io::Result<End> {
    let mut dirty_to = None;
    let mut at = from;
    let mut chunk = vec![0; CHUNK_BYTES];
    while at < limit {
        let wanted = chunk.len().min(size(limit - at));
        let chunk = chunk.get_mut(..wanted).unwrap_or_default();
        let filled = file.read_at(chunk, at)?;
        let chunk = chunk.get(..filled).unwrap_or_default();
        if let Some(index) = chunk.iter().rposition(|byte| *byte != 0) {
            dirty_to = Some(at + wide(index) + 1);
            // The batch that begins at `from` itself is the torn one.
            let skip = usize::from(at == from);
            if holds_header(chunk, skip, tag) {
                return Ok(End::Damaged);
            }
        }
        if filled < wanted || filled <= HEADER_BYTES {
            break;
        }
        // A header may lie across the border.
        at += wide(filled - HEADER_BYTES + 1);
    }
    Ok(dirty_to.map_or(End::Clean, |dirty_to| End::Torn { dirty_to }))
}

fn holds_header(chunk: &[u8], skip: usize, tag: u64) -> bool {
    let mut rest = chunk.get(skip..).unwrap_or_default();
    while let Some(index) = rest.iter().position(|byte| *byte == MAGIC[0]) {
        let here = rest.get(index..).unwrap_or_default();
        if here.starts_with(&MAGIC) && Header::decode(here, tag).is_some() {
            return true;
        }
        rest = here.get(1..).unwrap_or_default();
    }
    false
}
