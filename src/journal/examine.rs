//! Reads a whole journal without changing it, beside a running gateway or on a copy, and says
//! what is in it: `entente journal verify` and `dump`. It never opens the index.
//!
//! Invariant: what it shows as an entry stands in a sound batch. After damage it goes on with
//! the next batch, so that everything that can be read is read, and all damage is found.

mod rest;

use super::disk::{Disk, DiskFile, RealDisk};
use super::frame::{HEADER_BYTES, Hash, Header};
use super::layout::{u64_at, wide};
use super::recovery::{footer, log_names, read_batch};
use super::remains::Removal;
use super::segment::{
    Extent, FRAMES_FROM, HeaderFault, SEGMENT_HEADER_BYTES, SegmentHeader, first_of, frames_to,
    remains_of,
};
use super::{OpenError, Position, Stored, io_error};
use rest::Rest;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

/// Places of damage that are kept in a [`Summary`]; the others are only counted.
pub const DAMAGE_MAX: usize = 1000;

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The segment's file.
    pub segment: String,
    /// Where in it, bytes.
    pub offset: u64,
    /// What is wrong.
    pub reason: String,
    /// First and last position that cannot be read because of it, where that is known.
    pub positions: Option<(u64, u64)>,
}

/// What was found in a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentFound {
    /// The file's name.
    pub name: String,
    /// Size of the file, bytes.
    pub bytes: u64,
    /// Sound batches.
    pub batches: u64,
    /// Entries in them.
    pub entries: u64,
    /// Offset after the last batch.
    pub end: u64,
    /// Whether it has a sound footer.
    pub is_sealed: bool,
}

/// What was found in a journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// What all its segments share.
    pub journal_id: Option<[u8; 16]>,
    /// Its segments, and what remains of those that were removed, in order.
    pub segments: Vec<SegmentFound>,
    /// What was removed, in order, as its remains say.
    pub removals: Vec<Removal>,
    /// Entries of which only remains are there.
    pub removed_entries: u64,
    /// First and last position that can be read.
    pub positions: Option<(Position, Position)>,
    /// Entries that can be read.
    pub entries: u64,
    /// Bytes of their keys.
    pub key_bytes: u64,
    /// Bytes of their bodies.
    pub body_bytes: u64,
    /// When the first and the last of them were taken in, nanoseconds since the Unix epoch.
    pub taken_ns: Option<(i64, i64)>,
    /// Segment and offset of a batch at the very end that is not whole: being written now, or
    /// when the machine stopped. The next start cuts it off.
    pub torn: Option<(String, u64)>,
    /// Segments without a sound footer that should have one; the next start makes it anew.
    pub unsealed: Vec<String>,
    /// Damage, the first [`DAMAGE_MAX`] places.
    pub damage: Vec<Damage>,
    /// How many places of damage there are.
    pub damage_count: u64,
}

/// What the examination comes by.
#[derive(Debug)]
pub enum Seen<'a> {
    /// An entry, in order of positions.
    Entry(&'a Stored),
    /// What remains of an entry that was removed.
    Removed(&'a Stored),
    /// A segment was removed; what remains of it came before.
    Removal(&'a Removal),
    /// Damage.
    Damage(&'a Damage),
    /// How far it is.
    Progress {
        /// Bytes that are done.
        done: u64,
        /// Bytes of all segments.
        total: u64,
    },
}

/// Examines the positions `from` to `to` of a journal; everything, where they say nothing else.
/// Batches before `from` are passed over unread. `see` may break off.
///
/// # Errors
/// The folder cannot be read, or holds no journal. Damage is no error here: it is reported.
pub fn examine(
    folder: &Path,
    (from, to): (Position, Position),
    see: &mut dyn FnMut(Seen<'_>) -> ControlFlow<()>,
) -> Result<Summary, OpenError> {
    let names = log_names(&RealDisk, folder)?.log;
    if names.is_empty() && !folder.join("lock").exists() {
        let cause = io::Error::new(io::ErrorKind::NotFound, "no segment of a journal is there");
        return Err(io_error("examine", folder)(cause));
    }
    let mut examination = Examination {
        from: from.0,
        to: to.0,
        see,
        summary: Summary::default(),
        next: 1,
        hash: Some([0; 32]),
        is_remains: false,
        done: 0,
        total: 0,
    };
    let mut files = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let path = folder.join(name);
        let bytes = std::fs::metadata(&path)
            .map_err(io_error("read", &path))?
            .len();
        let after = names.get(index + 1).and_then(|name| named(name));
        let first = named(name).unwrap_or(0);
        if after.is_some_and(|after| after <= from.0) || first > to.0 {
            continue;
        }
        if files.is_empty() && index > 0 {
            (examination.next, examination.hash) = (first, None);
        }
        examination.total += bytes;
        files.push((path, name, bytes, index + 1 == names.len()));
    }
    for (path, name, bytes, is_last) in files {
        let file = RealDisk.open_read(&path).map_err(io_error("open", &path))?;
        let flow = examination
            .segment(&*file, name, bytes, is_last)
            .map_err(io_error("read", &path))?;
        if flow.is_break() {
            break;
        }
    }
    Ok(examination.summary)
}

/// The position that a file's name says, of a segment or of remains.
fn named(name: &str) -> Option<u64> {
    first_of(name).or_else(|| remains_of(name))
}

struct Examination<'a> {
    from: u64,
    to: u64,
    see: &'a mut dyn FnMut(Seen<'_>) -> ControlFlow<()>,
    summary: Summary,
    /// The position that should come next.
    next: u64,
    /// Hash of the batch before, if it was read.
    hash: Option<Hash>,
    /// Only remains are there: the hashes of batches are those of the batches that were removed.
    is_remains: bool,
    done: u64,
    total: u64,
}

impl Examination<'_> {
    fn damage(
        &mut self,
        segment: &str,
        offset: u64,
        reason: impl Into<String>,
        positions: Option<(u64, u64)>,
    ) -> ControlFlow<()> {
        let damage = Damage {
            segment: segment.to_owned(),
            offset,
            reason: reason.into(),
            positions: positions.filter(|(from, to)| from <= to),
        };
        let flow = (self.see)(Seen::Damage(&damage));
        self.summary.damage_count += 1;
        if self.summary.damage.len() < DAMAGE_MAX {
            self.summary.damage.push(damage);
        }
        flow
    }

    /// Examines a segment.
    fn segment(
        &mut self,
        file: &dyn DiskFile,
        name: &str,
        bytes: u64,
        is_last: bool,
    ) -> io::Result<ControlFlow<()>> {
        let before = self.summary.damage_count;
        let Some(header) = self.header(file, name, bytes)? else {
            return Ok(ControlFlow::Continue(()));
        };
        let footer = footer(file, &header)?;
        self.is_remains = header.removed.is_some();
        let found = SegmentFound {
            name: name.to_owned(),
            bytes,
            batches: 0,
            entries: 0,
            end: FRAMES_FROM,
            is_sealed: footer.is_some(),
        };
        self.summary.segments.push(found);
        let mut extent = Extent::empty(header.first);
        let last = footer.as_ref().map(|(extent, _)| extent.last);
        if self
            .batches(file, name, &header, &mut extent, (is_last, last))?
            .is_break()
        {
            return Ok(ControlFlow::Break(()));
        }
        let is_sound = before == self.summary.damage_count && self.from <= header.first;
        let flow = match footer {
            Some((said, hash))
                if is_sound
                    && (said != extent || (Some(hash) != self.hash && !self.is_remains)) =>
            {
                let reason = "its footer does not agree with its batches";
                self.damage(name, frames_to(header.bytes), reason, None)
            }
            Some((said, hash)) if self.is_remains => self.removed(&header, said.last, hash),
            None if self.is_remains => {
                let reason = "its footer does not hold, and remains cannot be made anew";
                self.damage(name, frames_to(header.bytes), reason, None)
            }
            None if !is_last => {
                self.summary.unsealed.push(name.to_owned());
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Continue(()),
        };
        self.done += bytes;
        Ok(flow)
    }

    /// Takes in remains. The chain goes on with the hash of the last batch that was removed.
    fn removed(&mut self, header: &SegmentHeader, last: u64, hash: Hash) -> ControlFlow<()> {
        self.hash = Some(hash);
        let Some(removed) = header.removed else {
            return ControlFlow::Continue(());
        };
        let removal = Removal {
            first: Position(header.first),
            last: Position(last),
            bytes: removed.bytes,
            remains_bytes: header.bytes,
            at_ns: removed.at_ns,
            rule: removed.rule,
        };
        self.summary.removals.push(removal);
        (self.see)(Seen::Removal(&removal))
    }

    /// Reads the header of a segment and holds it against its name and what went before. One
    /// that does not hold is made up from the first batch, where that is sound.
    fn header(
        &mut self,
        file: &dyn DiskFile,
        name: &str,
        bytes: u64,
    ) -> io::Result<Option<SegmentHeader>> {
        let is_remains = remains_of(name).is_some();
        let named = named(name).unwrap_or(0);
        let mut head = [0; SEGMENT_HEADER_BYTES];
        file.read_at(&mut head, 0)?;
        let header = SegmentHeader::decode(&head);
        let header = header.and_then(|header| match header.removed.is_some() == is_remains {
            true => Ok(header),
            false => Err(HeaderFault::Damaged),
        });
        let header = match header {
            Ok(header) => header,
            Err(fault) => {
                let reason = match fault {
                    HeaderFault::Damaged => "its header does not hold".to_owned(),
                    HeaderFault::Version(version) => {
                        format!("it has format {version}, which this version does not know")
                    }
                };
                let _goes_on = self.damage(name, 0, reason, None);
                self.hash = None;
                return salvaged(file, named, bytes);
            }
        };
        let id = *self.summary.journal_id.get_or_insert(header.journal_id);
        if header.first != named {
            let _goes_on = self.damage(name, 0, "it is not the segment that its name says", None);
        } else if header.journal_id != id {
            let _goes_on = self.damage(name, 0, "it is of another journal", None);
        } else if header.first > self.next {
            let missing = Some((self.next, header.first - 1));
            let _goes_on = self.damage(name, 0, "a segment before it is missing", missing);
        } else if header.first < self.next {
            let _goes_on = self.damage(name, 0, "it begins with a position seen before", None);
        } else if self.hash.is_some_and(|hash| hash != header.previous) {
            let reason = "it does not continue the segment before it";
            let _goes_on = self.damage(name, 0, reason, None);
        }
        self.next = header.first;
        self.hash = Some(header.previous);
        Ok(Some(header))
    }

    /// Examines the batches of a segment; `footer_last`: the last position by its footer.
    fn batches(
        &mut self,
        file: &dyn DiskFile,
        name: &str,
        header: &SegmentHeader,
        extent: &mut Extent,
        (is_last, footer_last): (bool, Option<u64>),
    ) -> io::Result<ControlFlow<()>> {
        let (tag, limit) = (header.tag, frames_to(header.bytes));
        loop {
            let at = extent.end;
            if let Some(passed) = self.passed_over(file, tag, at, limit)? {
                extent.extend(
                    header.bytes,
                    passed.first,
                    passed.next(),
                    passed.frame_bytes(),
                );
                continue;
            }
            let done = self.done + at;
            let total = self.total;
            if (self.see)(Seen::Progress { done, total }).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            if self.batch(file, name, header, extent)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            if extent.end > at {
                continue;
            }
            let rest = Rest::find(file, tag, at, limit)?;
            // A running gateway may have written it meanwhile.
            if !matches!(rest, Rest::Zeros) && read_batch(file, tag, at, limit)?.is_some() {
                continue;
            }
            let reason = "what stands there is no sound batch";
            match rest {
                Rest::Batch(offset, found) => {
                    let lost = Some((self.next, found.first.saturating_sub(1)));
                    (extent.end, self.next, self.hash) = (offset, found.first, None);
                    if self.damage(name, at, reason, lost).is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                Rest::Other if is_last && footer_last.is_none() => {
                    self.summary.torn = Some((name.to_owned(), at));
                    return Ok(ControlFlow::Continue(()));
                }
                Rest::Other | Rest::Zeros => {
                    let lost = footer_last.map(|last| (self.next, last));
                    let is_short = footer_last.is_some_and(|last| last >= self.next);
                    if matches!(rest, Rest::Zeros) && !is_short {
                        return Ok(ControlFlow::Continue(()));
                    }
                    // The next segment says what is missing where no footer does.
                    self.next = footer_last.map_or(self.next, |last| last.saturating_add(1));
                    self.hash = None;
                    return Ok(self.damage(name, at, reason, lost));
                }
            }
        }
    }

    /// The header of a batch that ends before what is asked for.
    fn passed_over(
        &mut self,
        file: &dyn DiskFile,
        tag: u64,
        at: u64,
        limit: u64,
    ) -> io::Result<Option<Header>> {
        let mut bytes = [0; HEADER_BYTES];
        file.read_at(&mut bytes, at)?;
        let passed = Header::decode(&bytes, tag)
            .filter(|header| header.next() <= self.from && header.first == self.next)
            .filter(|header| at.saturating_add(header.frame_bytes()) <= limit);
        if let Some(header) = &passed {
            (self.next, self.hash) = (header.next(), None);
        }
        Ok(passed)
    }

    /// Takes the batch at the end of the extent, if a sound one stands there.
    fn batch(
        &mut self,
        file: &dyn DiskFile,
        name: &str,
        header: &SegmentHeader,
        extent: &mut Extent,
    ) -> io::Result<ControlFlow<()>> {
        let at = extent.end;
        let limit = frames_to(header.bytes);
        let Some((batch, frame, hash)) = read_batch(file, header.tag, at, limit)? else {
            return Ok(ControlFlow::Continue(()));
        };
        let broken = if batch.first != self.next || batch.count == 0 {
            Some("its positions do not follow the batch before it")
        } else if self.hash.is_some_and(|before| before != batch.previous) {
            Some("it does not name the batch before it")
        } else {
            None
        };
        if let Some(reason) = broken
            && self.damage(name, at, reason, None).is_break()
        {
            return Ok(ControlFlow::Break(()));
        }
        extent.extend(header.bytes, batch.first, batch.next(), batch.frame_bytes());
        (self.next, self.hash) = (batch.next(), Some(hash).filter(|_| !self.is_remains));
        if let Some(found) = self.summary.segments.last_mut() {
            found.batches += 1;
            found.entries += u64::from(batch.count);
            found.end = extent.end;
        }
        for position in batch.first.max(self.from)..batch.next() {
            if position > self.to {
                return Ok(ControlFlow::Break(()));
            }
            let Some(stored) = frame.stored(position) else {
                break;
            };
            let seen = if self.is_remains {
                self.summary.removed_entries += 1;
                Seen::Removed(&stored)
            } else {
                self.summary.take(&stored);
                Seen::Entry(&stored)
            };
            if (self.see)(seen).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

impl Summary {
    fn take(&mut self, stored: &Stored) {
        let (position, taken) = (stored.position, stored.entry.stamp_ns);
        let first = self.positions.map_or(position, |(first, _)| first);
        self.positions = Some((first, position));
        let first = self.taken_ns.map_or(taken, |(first, _)| first);
        self.taken_ns = Some((first, taken));
        self.entries += 1;
        self.key_bytes += wide(stored.entry.key.len());
        self.body_bytes += wide(stored.entry.body.len());
    }
}

/// A header for a segment whose own does not hold, from the tag of its first batch.
fn salvaged(file: &dyn DiskFile, first: u64, bytes: u64) -> io::Result<Option<SegmentHeader>> {
    let mut head = [0; HEADER_BYTES];
    file.read_at(&mut head, FRAMES_FROM)?;
    let tag = u64_at(&head, 32).unwrap_or(0);
    Ok(Header::decode(&head, tag).map(|batch| SegmentHeader {
        journal_id: [0; 16],
        tag,
        first,
        bytes,
        stamp_ns: batch.stamp_ns,
        previous: batch.previous,
        removed: None,
    }))
}
