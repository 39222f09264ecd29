//! Batches as they stand in a segment: a header, then entries. Byte by byte in
//! `docs/JOURNAL.md`. It never does input or output.
//!
//! Invariant: a [`Frame`] exists only for bytes whose checksums hold and whose entries fill
//! the payload exactly.

use super::layout::{array_at, i64_at, length, put, size, u16_at, u32_at, u64_at, wide};
use super::{Entry, Position, Stored};
use bytes::Bytes;
use std::ops::Range;

/// Size of a batch header.
pub(super) const HEADER_BYTES: usize = 80;
/// Size of what stands before key and body of each entry.
pub(super) const ENTRY_FIXED_BYTES: usize = 60;
/// First bytes of a batch.
pub(super) const MAGIC: [u8; 4] = *b"ENTB";
const VERSION: u16 = 1;

/// BLAKE3 of a batch, header included; the next batch names it.
pub(super) type Hash = [u8; 32];

/// What the header of a batch says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) payload_bytes: u32,
    pub(super) count: u32,
    pub(super) first: u64,
    pub(super) stamp_ns: i64,
    /// The segment's random tag: bytes that a sender chose can never pass for a batch.
    pub(super) tag: u64,
    pub(super) previous: Hash,
    pub(super) payload_crc: u32,
}

impl Header {
    /// As it stands on disk.
    pub(super) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        put(&mut bytes, 0, &MAGIC);
        put(&mut bytes, 4, &VERSION.to_le_bytes());
        put(&mut bytes, 8, &self.payload_bytes.to_le_bytes());
        put(&mut bytes, 12, &self.count.to_le_bytes());
        put(&mut bytes, 16, &self.first.to_le_bytes());
        put(&mut bytes, 24, &self.stamp_ns.to_le_bytes());
        put(&mut bytes, 32, &self.tag.to_le_bytes());
        put(&mut bytes, 40, &self.previous);
        put(&mut bytes, 72, &self.payload_crc.to_le_bytes());
        let crc = crc32c::crc32c(bytes.get(..76).unwrap_or_default());
        put(&mut bytes, 76, &crc.to_le_bytes());
        bytes
    }

    /// Reads a header of a segment with this tag; `None` if it is none, or damaged.
    pub(super) fn decode(bytes: &[u8], tag: u64) -> Option<Self> {
        let crc = crc32c::crc32c(bytes.get(..76)?);
        let sound = array_at(bytes, 0) == Some(MAGIC)
            && u32_at(bytes, 76) == Some(crc)
            && u16_at(bytes, 4) == Some(VERSION)
            && u64_at(bytes, 32) == Some(tag);
        if !sound {
            return None;
        }
        Some(Self {
            payload_bytes: u32_at(bytes, 8)?,
            count: u32_at(bytes, 12)?,
            first: u64_at(bytes, 16)?,
            stamp_ns: i64_at(bytes, 24)?,
            tag,
            previous: array_at(bytes, 40)?,
            payload_crc: u32_at(bytes, 72)?,
        })
    }

    /// Size of the whole batch.
    pub(super) fn frame_bytes(&self) -> u64 {
        wide(HEADER_BYTES) + u64::from(self.payload_bytes)
    }

    /// Position after the last entry.
    pub(super) fn next(&self) -> u64 {
        self.first.saturating_add(u64::from(self.count))
    }
}

/// Bytes that an entry takes in a batch.
pub(super) fn entry_bytes(entry: &Entry) -> usize {
    ENTRY_FIXED_BYTES + entry.key.len() + entry.body.len()
}

/// Appends an entry to a batch.
pub(super) fn put_entry(out: &mut Vec<u8>, entry: &Entry, previous: Option<u64>) {
    let mut fixed = [0; ENTRY_FIXED_BYTES];
    let key_bytes = u16::try_from(entry.key.len()).unwrap_or(u16::MAX);
    put(&mut fixed, 0, &key_bytes.to_le_bytes());
    put(&mut fixed, 4, &entry.revision.to_le_bytes());
    put(&mut fixed, 8, &entry.stamp_ns.to_le_bytes());
    put(&mut fixed, 16, &previous.unwrap_or(0).to_le_bytes());
    put(&mut fixed, 24, &length(entry.body.len()).to_le_bytes());
    put(&mut fixed, 28, &entry.digest);
    out.extend_from_slice(&fixed);
    out.extend_from_slice(&entry.key);
    out.extend_from_slice(&entry.body);
}

/// An entry inside a batch, without its body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raw<'a> {
    pub(super) key: &'a [u8],
    pub(super) revision: u32,
    pub(super) stamp_ns: i64,
    pub(super) previous: Option<u64>,
    pub(super) digest: [u8; 32],
    key_from: usize,
    body_from: usize,
    body_to: usize,
}

impl Raw<'_> {
    /// The entry itself, as slices of the bytes that it was read from.
    pub(super) fn stored(&self, bytes: &Bytes, position: u64) -> Stored {
        Stored {
            position: Position(position),
            previous: self.previous.map(Position),
            entry: Entry {
                key: bytes.slice(self.key_from..self.body_from),
                revision: self.revision,
                digest: self.digest,
                stamp_ns: self.stamp_ns,
                body: bytes.slice(self.body_from..self.body_to),
            },
        }
    }

    /// Where key and body stand in the bytes that it was read from.
    pub(super) fn places(&self) -> (Range<usize>, Range<usize>) {
        (self.key_from..self.body_from, self.body_from..self.body_to)
    }
}

/// Reads the entry at an offset.
pub(super) fn raw_at(bytes: &[u8], at: usize) -> Option<Raw<'_>> {
    let key_from = at.checked_add(ENTRY_FIXED_BYTES)?;
    let body_from = key_from.checked_add(usize::from(u16_at(bytes, at)?))?;
    let body_to = body_from.checked_add(size(u64::from(u32_at(bytes, at + 24)?)))?;
    (body_to <= bytes.len()).then_some(())?;
    Some(Raw {
        key: bytes.get(key_from..body_from)?,
        revision: u32_at(bytes, at + 4)?,
        stamp_ns: i64_at(bytes, at + 8)?,
        previous: Some(u64_at(bytes, at + 16)?).filter(|position| *position > 0),
        digest: array_at(bytes, at + 28)?,
        key_from,
        body_from,
        body_to,
    })
}

/// A sound batch in memory. Entries are slices of it.
#[derive(Debug)]
pub(super) struct Frame {
    first: u64,
    bytes: Bytes,
    offsets: Vec<u32>,
    /// What it takes in memory.
    memory: usize,
}

impl Frame {
    /// A batch that was built in memory, with the offsets of its entries.
    pub(super) fn built(first: u64, bytes: Vec<u8>, offsets: Vec<u32>) -> Self {
        let memory = bytes.capacity() + offsets.capacity() * size_of::<u32>();
        Self {
            first,
            bytes: Bytes::from(bytes),
            offsets,
            memory,
        }
    }

    /// The room that its bytes took, empty, if nobody else has a slice of it.
    pub(super) fn into_room(self) -> Option<Vec<u8>> {
        let mut room = self.bytes.try_into_mut().ok()?;
        room.clear();
        Some(room.into())
    }

    /// A batch read from disk, whose header has been read; `None` if the payload is damaged.
    pub(super) fn decode(header: &Header, bytes: Bytes) -> Option<Self> {
        let payload = bytes.get(HEADER_BYTES..)?;
        if wide(payload.len()) != u64::from(header.payload_bytes)
            || crc32c::crc32c(payload) != header.payload_crc
        {
            return None;
        }
        // The count is checked against the payload before memory is asked for.
        let count = size(u64::from(header.count));
        (count <= payload.len() / ENTRY_FIXED_BYTES).then_some(())?;
        let mut offsets = Vec::with_capacity(count);
        let mut at = HEADER_BYTES;
        for _ in 0..count {
            offsets.push(u32::try_from(at).ok()?);
            at = raw_at(&bytes, at)?.body_to;
        }
        let memory = bytes.len() + offsets.capacity() * size_of::<u32>();
        (at == bytes.len()).then_some(Self {
            first: header.first,
            bytes,
            offsets,
            memory,
        })
    }

    /// Position of the first entry.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// Position after the last entry.
    pub(super) fn next(&self) -> u64 {
        self.first + wide(self.offsets.len())
    }

    /// What it takes in memory.
    pub(super) fn memory(&self) -> usize {
        self.memory
    }

    /// The entry at a position, without its body.
    pub(super) fn raw(&self, position: u64) -> Option<Raw<'_>> {
        let index = size(position.checked_sub(self.first)?);
        raw_at(&self.bytes, size(u64::from(*self.offsets.get(index)?)))
    }

    /// The entry at a position. Cheap: key and body are slices of the batch.
    pub(super) fn stored(&self, position: u64) -> Option<Stored> {
        Some(self.raw(position)?.stored(&self.bytes, position))
    }
}

/// Hash of a whole batch.
pub(super) fn hash(frame: &[u8]) -> Hash {
    blake3::hash(frame).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            payload_bytes: 0x0102_0304,
            count: 5,
            first: 0x1112_1314_1516_1718,
            stamp_ns: -2,
            tag: 0x2122_2324_2526_2728,
            previous: [0xAB; 32],
            payload_crc: 0x3132_3334,
        }
    }

    /// As the manual has it; changing this is changing the format.
    #[test]
    fn a_header_stands_on_disk_as_the_manual_says() {
        let mut expected = b"ENTB\x01\0\0\0\x04\x03\x02\x01\x05\0\0\0".to_vec();
        expected.extend([0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11]);
        expected.extend([0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]);
        expected.extend([0x28, 0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x21]);
        expected.extend([0xAB; 32]);
        expected.extend([0x34, 0x33, 0x32, 0x31]);
        expected.extend(crc32c::crc32c(&expected).to_le_bytes());
        assert_eq!(header().encode().as_slice(), expected);
        assert_eq!(Header::decode(&expected, header().tag), Some(header()));
    }

    #[test]
    fn a_header_with_any_bit_flipped_or_of_another_segment_is_none() {
        let whole = header().encode();
        for bit in 0..HEADER_BYTES * 8 {
            let mut flipped = whole;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(&flipped, header().tag), None, "bit {bit}");
        }
        assert_eq!(Header::decode(&whole, header().tag + 1), None);
        for length in 0..HEADER_BYTES {
            assert_eq!(Header::decode(&whole[..length], header().tag), None);
        }
    }

    fn entry() -> Entry {
        Entry {
            key: Bytes::from_static(b"key"),
            revision: 7,
            digest: [0xCD; 32],
            stamp_ns: 0x0102_0304_0506_0708,
            body: Bytes::from_static(b"body!"),
        }
    }

    #[test]
    fn an_entry_stands_on_disk_as_the_manual_says() {
        let mut expected = vec![3, 0, 0, 0, 7, 0, 0, 0];
        expected.extend([8, 7, 6, 5, 4, 3, 2, 1]);
        expected.extend([9, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0]);
        expected.extend([0xCD; 32]);
        expected.extend(b"keybody!");
        let mut bytes = Vec::new();
        put_entry(&mut bytes, &entry(), Some(9));
        assert_eq!(bytes, expected);
        assert_eq!(bytes.len(), entry_bytes(&entry()));
    }

    /// A batch of entries whose header says so many.
    fn batch(payload: &[u8], count: u32) -> (Header, Bytes) {
        let header = Header {
            payload_bytes: length(payload.len()),
            payload_crc: crc32c::crc32c(payload),
            count,
            first: 10,
            ..header()
        };
        let bytes = [header.encode().as_slice(), payload].concat();
        (header, Bytes::from(bytes))
    }

    #[test]
    fn entries_come_back_at_their_positions() {
        let mut payload = Vec::new();
        put_entry(&mut payload, &entry(), None);
        put_entry(&mut payload, &entry(), Some(10));
        let (header, bytes) = batch(&payload, 2);
        let frame = Frame::decode(&header, bytes).unwrap();
        assert_eq!((frame.first(), frame.next()), (10, 12));
        for (position, previous) in [(10, None), (11, Some(Position(10)))] {
            let expected = Stored {
                position: Position(position),
                previous,
                entry: entry(),
            };
            assert_eq!(frame.stored(position), Some(expected));
        }
        assert_eq!(frame.stored(9), None);
        assert_eq!(frame.stored(12), None);
    }

    #[test]
    fn entries_that_do_not_fill_the_payload_exactly_are_no_batch() {
        let mut payload = Vec::new();
        put_entry(&mut payload, &entry(), None);
        let decoded = |payload: &[u8], count| {
            let (header, bytes) = batch(payload, count);
            Frame::decode(&header, bytes).is_some()
        };
        assert!(decoded(&payload, 1));
        assert!(!decoded(&payload, 0));
        assert!(!decoded(&payload, 2));
        assert!(!decoded(&payload, u32::MAX));
        assert!(!decoded(&payload[..payload.len() - 1], 1));
        assert!(!decoded(&[payload.as_slice(), b"x"].concat(), 1));
        // Sizes that reach beyond the payload, or beyond all numbers.
        for at in [0, 1, 24, 25, 26, 27] {
            let mut wrong = payload.clone();
            wrong[at] = 0xFF;
            assert!(!decoded(&wrong, 1), "byte {at}");
        }
        let (header, bytes) = batch(&payload, 1);
        let mut flipped = bytes.to_vec();
        flipped[HEADER_BYTES + 61] ^= 1;
        assert!(Frame::decode(&header, flipped.into()).is_none());
        assert!(Frame::decode(&header, bytes.slice(..bytes.len() - 1)).is_none());
    }
}
