//! Segments: files of one size that hold batches, their headers and their footers. Byte by
//! byte in `docs/JOURNAL.md`. It never does input or output.
//!
//! Invariant: everything between the last batch and the footer is zero.

use super::frame::{HEADER_BYTES, Hash};
use super::layout::{array_at, length, put, size, u16_at, u32_at, u64_at, wide};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

/// Where batches begin: the header has a page of its own.
pub(super) const FRAMES_FROM: u64 = 4096;
/// Size of what is used of that page.
pub(super) const SEGMENT_HEADER_BYTES: usize = 128;
/// A segment is at least so large.
pub(super) const SEGMENT_BYTES_MIN: u64 = 16 * 1024;
/// Name of the segment that is ready to be taken next.
pub(super) const SPARE_NAME: &str = "next.segment";
/// Name of that segment while it is being made.
pub(super) const SPARE_UNFINISHED: &str = "next.tmp";

/// Name of remains while they are written.
pub(super) const REMAINS_UNFINISHED: &str = "remains.tmp";

const MAGIC: [u8; 8] = *b"ENTSEGM1";
const REMAINS_MAGIC: [u8; 8] = *b"ENTREMA1";
const FOOTER_MAGIC: [u8; 8] = *b"ENTFOOT1";
const VERSION: u16 = 1;
const FOOTER_FIXED_BYTES: usize = 72;
const SPARSE_ITEM_BYTES: usize = 16;
const SPARSE_ITEMS_MAX: u64 = 512;
const SPARSE_STEP_MIN: u64 = 4096;
const SUFFIX: &str = ".segment";
const REMAINS_SUFFIX: &str = ".remains";

/// The header of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) journal_id: [u8; 16],
    pub(super) tag: u64,
    pub(super) first: u64,
    pub(super) bytes: u64,
    pub(super) stamp_ns: i64,
    /// Hash of the last batch before this segment.
    pub(super) previous: Hash,
    /// These are the remains of a segment that was removed.
    pub(super) removed: Option<Removed>,
}

/// How a segment was removed, as the header of its remains says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Removed {
    /// When, nanoseconds since the Unix epoch.
    pub(super) at_ns: i64,
    /// Size of the segment's file, bytes.
    pub(super) bytes: u64,
    /// By which rule; a number of whoever decided.
    pub(super) rule: u32,
}

/// What is wrong with the header of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderFault {
    /// Damaged.
    Damaged,
    /// Written by a later version.
    Version(u16),
}

impl SegmentHeader {
    /// Name of its file.
    fn file_name(&self) -> String {
        match self.removed {
            None => file_name(self.first),
            Some(_) => remains_name(self.first),
        }
    }

    pub(super) fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        let magic = self.removed.map_or(MAGIC, |_| REMAINS_MAGIC);
        put(&mut bytes, 0, &magic);
        put(&mut bytes, 8, &VERSION.to_le_bytes());
        put(&mut bytes, 16, &self.journal_id);
        put(&mut bytes, 32, &self.tag.to_le_bytes());
        put(&mut bytes, 40, &self.first.to_le_bytes());
        put(&mut bytes, 48, &self.bytes.to_le_bytes());
        put(&mut bytes, 56, &self.stamp_ns.to_le_bytes());
        put(&mut bytes, 64, &self.previous);
        if let Some(removed) = self.removed {
            put(&mut bytes, 96, &removed.at_ns.to_le_bytes());
            put(&mut bytes, 104, &removed.bytes.to_le_bytes());
            put(&mut bytes, 112, &removed.rule.to_le_bytes());
        }
        let crc = crc32c::crc32c(bytes.get(..124).unwrap_or_default());
        put(&mut bytes, 124, &crc.to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, HeaderFault> {
        Self::parts(bytes).ok_or(HeaderFault::Damaged)?
    }

    fn parts(bytes: &[u8]) -> Option<Result<Self, HeaderFault>> {
        let crc = crc32c::crc32c(bytes.get(..124)?);
        let magic = array_at(bytes, 0)?;
        let is_ours = magic == MAGIC || magic == REMAINS_MAGIC;
        (is_ours && u32_at(bytes, 124) == Some(crc)).then_some(())?;
        let version = u16_at(bytes, 8)?;
        if version != VERSION {
            return Some(Err(HeaderFault::Version(version)));
        }
        Some(Ok(Self {
            journal_id: array_at(bytes, 16)?,
            tag: u64_at(bytes, 32)?,
            first: u64_at(bytes, 40)?,
            bytes: Some(u64_at(bytes, 48)?).filter(|bytes| *bytes >= SEGMENT_BYTES_MIN)?,
            stamp_ns: super::layout::i64_at(bytes, 56)?,
            previous: array_at(bytes, 64)?,
            removed: (magic == REMAINS_MAGIC).then_some(Removed {
                at_ns: super::layout::i64_at(bytes, 96)?,
                bytes: u64_at(bytes, 104)?,
                rule: u32_at(bytes, 112)?,
            }),
        }))
    }
}

/// File name of the segment that begins with a position.
pub(super) fn file_name(first: u64) -> String {
    format!("{first:020}{SUFFIX}")
}

/// File name of the remains of the segment that began with a position.
pub(super) fn remains_name(first: u64) -> String {
    format!("{first:020}{REMAINS_SUFFIX}")
}

/// The position that a segment's file name says; `None` if it is no segment's.
pub(super) fn first_of(name: &str) -> Option<u64> {
    position_in(name, SUFFIX)
}

/// The position that the file name of remains says; `None` if it is of none.
pub(super) fn remains_of(name: &str) -> Option<u64> {
    position_in(name, REMAINS_SUFFIX)
}

fn position_in(name: &str, suffix: &str) -> Option<u64> {
    let digits = name.strip_suffix(suffix)?;
    (digits.len() == 20).then(|| digits.parse().ok()).flatten()
}

/// Size of a file of remains whose last batch ends at an offset: its footer has room, and the
/// last page is whole.
pub(super) fn remains_bytes(end: u64) -> u64 {
    let footer = wide(FOOTER_FIXED_BYTES + 4 + SPARSE_ITEM_BYTES) + (SPARSE_ITEMS_MAX + 2) * 16;
    (end.saturating_add(footer))
        .next_multiple_of(SPARSE_STEP_MIN)
        .max(SEGMENT_BYTES_MIN)
}

fn sparse_step(bytes: u64) -> u64 {
    (bytes / SPARSE_ITEMS_MAX).max(SPARSE_STEP_MIN)
}

/// Where the footer stands, and batches end at the latest.
pub(super) fn frames_to(bytes: u64) -> u64 {
    let items = bytes / sparse_step(bytes) + 2;
    let footer = wide(FOOTER_FIXED_BYTES + 4) + items * wide(SPARSE_ITEM_BYTES);
    bytes.saturating_sub(footer)
}

/// The largest batch that such a segment can hold.
pub(super) fn batch_bytes_max(bytes: u64) -> usize {
    size(frames_to(bytes).saturating_sub(FRAMES_FROM))
}

/// How far a segment is filled, and where some of its batches begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Extent {
    /// Last position, or the one before the first if there is none.
    pub(super) last: u64,
    /// Offset after the last batch.
    pub(super) end: u64,
    /// Position and offset of some batches, rising.
    pub(super) sparse: Vec<(u64, u64)>,
}

impl Extent {
    /// Nothing yet.
    pub(super) fn empty(first: u64) -> Self {
        Self {
            last: first.saturating_sub(1),
            end: FRAMES_FROM,
            sparse: Vec::new(),
        }
    }

    /// Takes in a batch at the end.
    pub(super) fn extend(&mut self, segment_bytes: u64, first: u64, next: u64, frame_bytes: u64) {
        let step = sparse_step(segment_bytes);
        if self
            .sparse
            .last()
            .is_none_or(|(_, offset)| self.end >= offset.saturating_add(step))
        {
            self.sparse.push((first, self.end));
        }
        self.end += frame_bytes;
        self.last = next.saturating_sub(1);
    }

    /// The footer of a sealed segment.
    pub(super) fn footer(&self, first: u64, hash: &Hash) -> Vec<u8> {
        let mut bytes = vec![0; FOOTER_FIXED_BYTES];
        put(&mut bytes, 0, &FOOTER_MAGIC);
        put(&mut bytes, 8, &first.to_le_bytes());
        put(&mut bytes, 16, &self.last.to_le_bytes());
        put(&mut bytes, 24, &self.end.to_le_bytes());
        put(&mut bytes, 32, hash);
        put(&mut bytes, 64, &length(self.sparse.len()).to_le_bytes());
        for (position, offset) in &self.sparse {
            bytes.extend_from_slice(&position.to_le_bytes());
            bytes.extend_from_slice(&offset.to_le_bytes());
        }
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads the footer of the segment that begins with a position; `None` if there is none,
    /// or it is damaged.
    pub(super) fn from_footer(bytes: &[u8], first: u64) -> Option<(Self, Hash)> {
        let sound = array_at(bytes, 0) == Some(FOOTER_MAGIC) && u64_at(bytes, 8) == Some(first);
        sound.then_some(())?;
        let items = size(u64::from(u32_at(bytes, 64)?));
        let crc_at = items
            .checked_mul(SPARSE_ITEM_BYTES)?
            .checked_add(FOOTER_FIXED_BYTES)?;
        (u32_at(bytes, crc_at)? == crc32c::crc32c(bytes.get(..crc_at)?)).then_some(())?;
        let mut sparse = Vec::with_capacity(items);
        for at in (FOOTER_FIXED_BYTES..crc_at).step_by(SPARSE_ITEM_BYTES) {
            sparse.push((u64_at(bytes, at)?, u64_at(bytes, at + 8)?));
        }
        let extent = Self {
            last: u64_at(bytes, 16)?,
            end: u64_at(bytes, 24)?,
            sparse,
        };
        Some((extent, array_at(bytes, 32)?))
    }
}

/// First position, and whether only remains are there.
pub(super) type SegmentId = (u64, bool);

/// A segment as the reader and the writer know it.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) header: SegmentHeader,
    pub(super) path: PathBuf,
    extent: RwLock<Extent>,
}

impl Segment {
    pub(super) fn new(folder: &Path, header: SegmentHeader, extent: Extent) -> Self {
        let path = folder.join(header.file_name());
        Self {
            header,
            path,
            extent: RwLock::new(extent),
        }
    }

    /// First position.
    pub(super) fn first(&self) -> u64 {
        self.header.first
    }

    /// Tells it from all others, its own remains included.
    pub(super) fn id(&self) -> SegmentId {
        (self.header.first, self.is_remains())
    }

    /// Whether only the remains are there.
    pub(super) fn is_remains(&self) -> bool {
        self.header.removed.is_some()
    }

    /// The file's name, for messages.
    pub(super) fn name(&self) -> String {
        self.header.file_name()
    }

    /// Looks at the extent.
    pub(super) fn extent<R>(&self, look: impl FnOnce(&Extent) -> R) -> R {
        look(&self.extent.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes in a batch that is durable.
    pub(super) fn extend(&self, first: u64, next: u64, frame_bytes: u64) {
        self.extent
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(self.header.bytes, first, next, frame_bytes);
    }

    /// Offset of a batch at or before a position.
    pub(super) fn before(&self, position: u64) -> u64 {
        self.extent(|extent| {
            let after = extent
                .sparse
                .partition_point(|(first, _)| *first <= position);
            after
                .checked_sub(1)
                .and_then(|index| extent.sparse.get(index))
                .map_or(FRAMES_FROM, |(_, offset)| *offset)
        })
    }

    /// Where batches end at the latest.
    pub(super) fn frames_to(&self) -> u64 {
        frames_to(self.header.bytes)
    }

    /// Whether a batch of so many payload bytes could stand at an offset.
    pub(super) fn fits(&self, offset: u64, frame_bytes: u64) -> bool {
        frame_bytes >= wide(HEADER_BYTES)
            && offset
                .checked_add(frame_bytes)
                .is_some_and(|end| end <= self.frames_to())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> SegmentHeader {
        SegmentHeader {
            journal_id: [0x11; 16],
            tag: 0x2122_2324_2526_2728,
            first: 300,
            bytes: 1 << 20,
            stamp_ns: 5,
            previous: [0x33; 32],
            removed: None,
        }
    }

    /// Remains differ from a segment in their name, their first bytes, and what was zero.
    #[test]
    fn the_header_of_remains_stands_on_disk_as_the_manual_says() {
        let remains = SegmentHeader {
            removed: Some(Removed {
                at_ns: 6,
                bytes: 7,
                rule: 0x0102_0304,
            }),
            ..header()
        };
        let mut expected = header().encode();
        expected[..8].copy_from_slice(b"ENTREMA1");
        expected[96] = 6;
        expected[104] = 7;
        expected[112..116].copy_from_slice(&[4, 3, 2, 1]);
        let crc = crc32c::crc32c(&expected[..124]);
        expected[124..].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(remains.encode(), expected);
        assert_eq!(SegmentHeader::decode(&expected), Ok(remains));
        assert_eq!(remains_of(&remains_name(7)), Some(7));
        assert_eq!(
            (remains_of(&file_name(7)), first_of(&remains_name(7))),
            (None, None)
        );
    }

    #[test]
    fn remains_have_room_for_their_footer() {
        for end in [FRAMES_FROM, 10_000, 16_000, 1 << 20, 100 << 20, 3 << 30] {
            let bytes = remains_bytes(end);
            assert!(frames_to(bytes) >= end, "{end}");
            assert!(bytes < end + 16 * 1024, "{end}");
        }
    }

    /// As the manual has it; changing this is changing the format.
    #[test]
    fn a_header_stands_on_disk_as_the_manual_says() {
        let mut expected = b"ENTSEGM1\x01\0\0\0\0\0\0\0".to_vec();
        expected.extend([0x11; 16]);
        expected.extend([0x28, 0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x21]);
        expected.extend([0x2C, 1, 0, 0, 0, 0, 0, 0]);
        expected.extend([0, 0, 0x10, 0, 0, 0, 0, 0]);
        expected.extend([5, 0, 0, 0, 0, 0, 0, 0]);
        expected.extend([0x33; 32]);
        expected.extend([0; 28]);
        expected.extend(crc32c::crc32c(&expected).to_le_bytes());
        assert_eq!(header().encode().as_slice(), expected);
        assert_eq!(SegmentHeader::decode(&expected), Ok(header()));
        for bit in 0..SEGMENT_HEADER_BYTES * 8 {
            let mut flipped = header().encode();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let decoded = SegmentHeader::decode(&flipped);
            assert_eq!(decoded, Err(HeaderFault::Damaged), "bit {bit}");
        }
    }

    #[test]
    fn names_are_twenty_digits() {
        assert_eq!(file_name(7), "00000000000000000007.segment");
        assert_eq!(first_of(&file_name(u64::MAX)), Some(u64::MAX));
        for other in [
            SPARE_NAME,
            SPARE_UNFINISHED,
            "7.segment",
            "lock",
            "",
            "index",
        ] {
            assert_eq!(first_of(other), None, "{other}");
        }
    }

    /// A footer has room for all its items, whatever the size of the segment.
    #[test]
    fn batches_end_before_the_footer() {
        assert_eq!(frames_to(16 * 1024), 16 * 1024 - 76 - 16 * 6);
        assert_eq!(frames_to(256 << 20), (256 << 20) - 76 - 16 * 514);
        for bytes in [16 * 1024, 16_387, 1 << 20, 9 << 20, 256 << 20, 4 << 30] {
            let mut extent = Extent::empty(1);
            let mut next = 1;
            // As many batches as there may be, as small as they may be.
            while extent.end + 200 <= frames_to(bytes) {
                let batch = if bytes > 1 << 24 { 100_000 } else { 200 };
                extent.extend(bytes, next, next + 1, batch);
                next += 1;
            }
            let footer = extent.footer(1, &[9; 32]);
            assert!(frames_to(bytes) + wide(footer.len()) <= bytes, "{bytes}");
            assert_eq!(Extent::from_footer(&footer, 1), Some((extent, [9; 32])));
            assert_eq!(Extent::from_footer(&footer, 2), None);
        }
    }

    #[test]
    fn a_footer_with_any_bit_flipped_is_none() {
        let mut extent = Extent::empty(300);
        extent.extend(1 << 20, 300, 310, 5000);
        extent.extend(1 << 20, 310, 320, 5000);
        let whole = extent.footer(300, &[9; 32]);
        assert_eq!(whole.len(), 72 + 2 * 16 + 4);
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Extent::from_footer(&flipped, 300), None, "bit {bit}");
        }
        for length in 0..whole.len() {
            assert_eq!(Extent::from_footer(&whole[..length], 300), None);
        }
    }

    #[test]
    fn a_batch_is_looked_for_from_the_last_item_before_it() {
        let segment = Segment::new(Path::new("x"), header(), Extent::empty(300));
        assert_eq!(segment.before(300), FRAMES_FROM);
        for first in [300, 310, 320] {
            segment.extend(first, first + 10, 5000);
        }
        assert_eq!(segment.before(299), FRAMES_FROM);
        assert_eq!(segment.before(309), FRAMES_FROM);
        assert_eq!(segment.before(310), FRAMES_FROM + 5000);
        assert_eq!(segment.before(329), FRAMES_FROM + 10_000);
        assert!(segment.fits(FRAMES_FROM, frames_to(1 << 20) - FRAMES_FROM));
        assert!(!segment.fits(FRAMES_FROM, frames_to(1 << 20) - FRAMES_FROM + 1));
        assert!(!segment.fits(u64::MAX, 100));
        assert!(!segment.fits(FRAMES_FROM, 79));
    }
}
