//! A message of the stream: what stands before an entry, and the subject it stands under. Byte
//! by byte in `docs/ENGINES.md`. Pure.
//!
//! Invariant: [`Message::decode`] gives nothing whose hash does not hold.

use super::super::Entry;
use super::super::frame::{Hash, entry_bytes, put_entry, raw_at};
use super::super::layout::{array_at, put, size, u16_at, u64_at};
use bytes::Bytes;
use std::fmt::Write as _;

/// Size of what stands before the entry.
pub(super) const FIXED_BYTES: usize = 80;
const MAGIC: [u8; 4] = *b"ENTS";
const VERSION: u16 = 1;
const WRITER_AT: usize = 6;
/// Bytes of the hash that names a report in its subject.
const NAME_BYTES: usize = 20;

/// A point of the stream's past: the chain up to a position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) position: u64,
    pub(super) hash: Hash,
}

impl Point {
    /// The point after one more entry.
    pub(super) fn next(&self, entry: &Hash) -> Self {
        let position = self.position + 1;
        let mut chain = blake3::Hasher::new();
        chain.update(&self.hash);
        chain.update(&position.to_le_bytes());
        chain.update(entry);
        let hash = chain.finalize().into();
        Self { position, hash }
    }
}

/// A message, read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// Which gateway wrote it, for all that two bytes can tell.
    pub(super) writer: u16,
    /// What the gateway that wrote it had read of the stream then.
    pub(super) seen: Point,
    /// Hash of the entry.
    pub(super) hash: Hash,
    pub(super) entry: Entry,
}

/// Bytes of the message of an entry.
pub(super) fn message_bytes(entry: &Entry) -> usize {
    FIXED_BYTES + entry_bytes(entry)
}

/// Hash of an entry: of its bytes as they stand in a message.
pub(super) fn entry_hash(entry: &Entry) -> Hash {
    let mut bytes = Vec::with_capacity(entry_bytes(entry));
    put_entry(&mut bytes, entry, None);
    blake3::hash(&bytes).into()
}

/// The message of an entry.
pub(super) fn encode(entry: &Entry, seen: &Point, writer: u16) -> Bytes {
    let mut bytes = Vec::with_capacity(message_bytes(entry));
    bytes.resize(FIXED_BYTES, 0);
    put_entry(&mut bytes, entry, None);
    put(&mut bytes, 0, &MAGIC);
    put(&mut bytes, 4, &VERSION.to_le_bytes());
    put(&mut bytes, WRITER_AT, &writer.to_le_bytes());
    put(&mut bytes, 8, &seen.position.to_le_bytes());
    put(&mut bytes, 16, &seen.hash);
    let hash = blake3::hash(bytes.get(FIXED_BYTES..).unwrap_or_default());
    put(&mut bytes, 48, hash.as_bytes());
    bytes.into()
}

impl Message {
    /// Reads a message; the error: what is wrong with it.
    pub(super) fn decode(bytes: &Bytes) -> Result<Self, &'static str> {
        const FOREIGN: &str = "it is no message of a gateway";
        if array_at(bytes, 0) != Some(MAGIC) {
            return Err(FOREIGN);
        }
        if u16_at(bytes, 4) != Some(VERSION) {
            return Err("it was written by a later version");
        }
        let fixed = || {
            let position = u64_at(bytes, 8)?;
            let hash = array_at(bytes, 16)?;
            Some((Point { position, hash }, array_at(bytes, 48)?))
        };
        let (seen, hash) = fixed().ok_or(FOREIGN)?;
        if blake3::hash(bytes.get(FIXED_BYTES..).unwrap_or_default()) != blake3::Hash::from(hash) {
            return Err("its bytes are damaged");
        }
        let raw = raw_at(bytes, FIXED_BYTES).ok_or(FOREIGN)?;
        let (key, body) = raw.places();
        let unused = u16_at(bytes, FIXED_BYTES + 2);
        if body.end != bytes.len() || raw.previous.is_some() || unused != Some(0) {
            return Err(FOREIGN);
        }
        let entry = Entry {
            key: bytes.slice(key),
            revision: raw.revision,
            digest: raw.digest,
            stamp_ns: raw.stamp_ns,
            body: bytes.slice(body),
        };
        let writer = writer(bytes).ok_or(FOREIGN)?;
        Ok(Self {
            writer,
            seen,
            hash,
            entry,
        })
    }
}

/// Which gateway wrote a message, if one did.
pub(super) fn writer(bytes: &Bytes) -> Option<u16> {
    u16_at(bytes, WRITER_AT)
}

/// The subject of an entry: `PREFIX.NATION.SYSTEM.REPORT.REVISION`. Nation and system can be
/// read; the report is a hash of the whole key, as ids are free text and may be long.
pub(super) fn subject(prefix: &str, entry: &Entry) -> String {
    let key = &entry.key;
    let named = key.split(|byte| *byte == 0).next().unwrap_or_default();
    let slash = named.iter().position(|byte| *byte == b'/');
    let (nation, system) = match slash.and_then(|at| named.split_at_checked(at)) {
        Some((nation, system)) => (nation, system.get(1..).unwrap_or_default()),
        None => (named, &[][..]),
    };
    let mut subject = String::with_capacity(prefix.len() + named.len() + 60);
    subject.push_str(prefix);
    for token in [nation, system] {
        subject.push('.');
        push_token(&mut subject, token);
    }
    subject.push('.');
    let hash = blake3::hash(key);
    for byte in hash.as_bytes().iter().take(NAME_BYTES) {
        // A string takes all that is written to it.
        let _infallible = write!(subject, "{byte:02x}");
    }
    let _infallible = write!(subject, ".{}", entry.revision);
    subject
}

/// Letters, digits, `-` and `_` as they are; anything else as `%XX`. Never empty.
fn push_token(subject: &mut String, token: &[u8]) {
    if token.is_empty() {
        subject.push('%');
    }
    for byte in token {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => {
                subject.push(char::from(*byte))
            }
            _ => {
                let _infallible = write!(subject, "%{byte:02X}");
            }
        }
    }
}

/// Positions from `first` to `at`, as an index.
pub(super) fn offset(at: u64, first: u64) -> Option<usize> {
    at.checked_sub(first).map(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry() -> Entry {
        Entry {
            key: Bytes::from_static(b"GBR/uav-cell-4/a.b c\0GBR-000017"),
            revision: 7,
            digest: [0xCD; 32],
            stamp_ns: -5,
            body: Bytes::from_static(b"body"),
        }
    }

    /// As the manual has it; changing this is changing the format.
    #[test]
    fn a_message_stands_in_the_stream_as_the_manual_says() {
        let seen = Point {
            position: 0x0102_0304,
            hash: [0xAB; 32],
        };
        let bytes = encode(&entry(), &seen, 0x0506);
        let mut expected = b"ENTS\x01\0\x06\x05\x04\x03\x02\x01\0\0\0\0".to_vec();
        expected.extend([0xAB; 32]);
        let mut of_entry = Vec::new();
        put_entry(&mut of_entry, &entry(), None);
        expected.extend(blake3::hash(&of_entry).as_bytes());
        expected.extend(&of_entry);
        assert_eq!(bytes, expected);
        assert_eq!(bytes.len(), message_bytes(&entry()));
        let read = Message::decode(&bytes).unwrap();
        assert_eq!((read.entry, read.seen), (entry(), seen));
        assert_eq!(read.writer, 0x0506);
        assert_eq!(read.hash, entry_hash(&entry()));
    }

    #[test]
    fn an_entry_with_any_bit_flipped_or_cut_is_none() {
        let whole = encode(&entry(), &Point::default(), 0);
        for bit in FIXED_BYTES * 8..whole.len() * 8 {
            let mut flipped = whole.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let read = Message::decode(&flipped.into());
            assert_eq!(read, Err("its bytes are damaged"), "bit {bit}");
        }
        for length in 0..whole.len() {
            assert!(Message::decode(&whole.slice(..length)).is_err());
        }
        let more = [&whole[..], b"x"].concat();
        assert!(Message::decode(&more.into()).is_err());
    }

    #[test]
    fn nation_and_system_can_be_read_in_a_subject_and_nothing_else_gets_in() {
        let whole = subject("entente", &entry());
        let tokens: Vec<_> = whole.split('.').collect();
        assert_eq!(tokens[..3], ["entente", "GBR", "uav-cell-4%2Fa%2Eb%20c"]);
        assert_eq!((tokens[3].len(), tokens[4], tokens.len()), (40, "7", 5));
        let plain = Entry {
            key: Bytes::from_static(b""),
            ..entry()
        };
        assert!(subject("e", &plain).starts_with("e.%.%."));
    }

    proptest! {
        /// Whatever a sender chooses as an id, a subject has five tokens that NATS takes, and
        /// another id or revision has another subject.
        #[test]
        fn subjects_are_lawful_and_tell_reports_apart(
            key in prop::collection::vec(any::<u8>(), 0..64),
            other in prop::collection::vec(any::<u8>(), 0..64),
            revision in any::<u32>(),
        ) {
            let with = |key: &[u8], revision| Entry {
                key: Bytes::copy_from_slice(key),
                revision,
                ..entry()
            };
            let one = subject("entente", &with(&key, revision));
            prop_assert_eq!(one.split('.').count(), 5);
            prop_assert!(one.split('.').all(|token| !token.is_empty()));
            prop_assert!(!one.contains(|c: char| c.is_whitespace() || "*>".contains(c) || !c.is_ascii()));
            prop_assert_ne!(&one, &subject("entente", &with(&key, revision.wrapping_add(1))));
            prop_assert_eq!(one == subject("entente", &with(&other, revision)), key == other);
        }

        #[test]
        fn whatever_stands_in_the_stream_is_read_or_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..256),
        ) {
            let with_magic = [b"ENTS\x01\0".as_slice(), &bytes].concat();
            prop_assert!(Message::decode(&bytes.into()).is_err());
            prop_assert!(Message::decode(&with_magic.into()).is_err());
        }
    }
}
