//! The form of the journal: `docs/JOURNAL.md` and a journal that version 1 wrote agree with
//! each other and with this version (D15).
//!
//! A release adds a fixture and never changes one. While version 1 is not released:
//! `ENTENTE_FIXTURES=write cargo test --test journal format` writes it anew.

use crate::support::{FRAMES_FROM, SEGMENT_BYTES, all, append, clock, name, segments, settings};
use entente::clock::FixedClock;
use entente::journal::{Appended, Entry, Journal, Position};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/journal/v1")
}

/// Batches of the fixture. Never changed: a released journal holds them.
fn written() -> Vec<Vec<Entry>> {
    let entry = |number: u32, revision: u32, bytes: usize| Entry {
        key: format!("GBR/uav-cell-4\0fixture-{number:04}")
            .into_bytes()
            .into(),
        revision,
        digest: [u8::try_from(number % 256).unwrap(); 32],
        stamp_ns: 1_767_722_400_000_000_000 + i64::from(number) * 1_500_000_000,
        body: (0..bytes)
            .map(|at| u8::try_from((at * 7 + usize::try_from(number).unwrap()) % 256).unwrap())
            .collect::<Vec<_>>()
            .into(),
    };
    vec![
        vec![entry(1, 1, 0)],
        vec![entry(2, 1, 100), entry(1, 2, 50), entry(3, 5, 300)],
        // Superseded when it came: revision 5 was there.
        vec![entry(3, 1, 10)],
        (10..36).map(|number| entry(number, 1, 200)).collect(),
        (40..50).map(|number| entry(number, 1, 500)).collect(),
        (50..52).map(|number| entry(number, 7, 1500)).collect(),
    ]
}

/// Position of the revision that each entry supersedes, where there is one.
const SUPERSEDES: [(u64, u64); 1] = [(3, 1)];

fn write_fixture() {
    let folder = TempDir::new().unwrap();
    let now = jiff::Timestamp::from_second(1_767_722_400).unwrap();
    let clock = Arc::new(FixedClock::at(now));
    let journal = Journal::open(settings(folder.path()), clock).unwrap();
    for batch in written() {
        append(&journal, batch).unwrap();
    }
    journal.close();
    let _was_there = std::fs::remove_dir_all(fixture());
    std::fs::create_dir_all(fixture()).unwrap();
    for segment in segments(folder.path()) {
        std::fs::copy(&segment, fixture().join(name(&segment))).unwrap();
    }
}

/// One test, so that nothing reads the fixture while it is written.
#[test]
fn d15_a_journal_of_version_1_opens_and_the_manual_describes_it() {
    if std::env::var("ENTENTE_FIXTURES").is_ok_and(|what| what == "write") {
        write_fixture();
    }
    opens_with_every_entry_and_goes_on();
    the_manual_describes_every_byte();
}

fn opens_with_every_entry_and_goes_on() {
    let folder = TempDir::new().unwrap();
    let stored = segments(&fixture());
    assert_eq!(stored.len(), 2, "over two segments");
    for segment in &stored {
        std::fs::copy(segment, folder.path().join(name(segment))).unwrap();
    }
    let journal = Journal::open(settings(folder.path()), clock()).unwrap();
    let entries: Vec<Entry> = written().into_iter().flatten().collect();
    let found = all(&journal);
    assert_eq!(found.len(), entries.len());
    for ((stored, entry), number) in found.iter().zip(&entries).zip(1..) {
        assert_eq!(stored.position, Position(number));
        let supersedes = SUPERSEDES.iter().find(|(position, _)| *position == number);
        assert_eq!(
            stored.previous,
            supersedes.map(|(_, previous)| Position(*previous))
        );
        assert_eq!(&stored.entry, entry, "position {number}");
    }
    for (entry, number) in entries.iter().zip(1..) {
        let answers = append(&journal, vec![entry.clone()]).unwrap();
        let [Appended::Duplicate(receipt)] = answers[..] else {
            panic!("position {number}: {answers:?}");
        };
        assert_eq!(receipt.position(), Position(number));
        assert_eq!(receipt.stamp_ns(), entry.stamp_ns);
    }
    let new = crate::support::store(&journal, crate::support::entry(1, 100));
    assert_eq!(new.0, entries.len() as u64 + 1);
}

/// A table of the manual: field → offset and size. Rows follow each other without a gap.
struct Layout {
    fields: BTreeMap<String, (usize, usize)>,
    bytes: usize,
}

impl Layout {
    fn of(heading: &str) -> Self {
        let manual =
            std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/JOURNAL.md"))
                .unwrap();
        let section = manual
            .split_once(&format!("\n### {heading}\n"))
            .unwrap_or_else(|| panic!("no section {heading}"))
            .1;
        let section = section.split("\n#").next().unwrap();
        let mut layout = Self {
            fields: BTreeMap::new(),
            bytes: 0,
        };
        for row in section.lines().filter(|line| line.starts_with("| ")) {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let Ok(offset) = cells[1].parse::<usize>() else {
                continue;
            };
            let size: usize = cells[2].parse().unwrap();
            assert_eq!(offset, layout.bytes, "{heading}: {row}");
            layout.fields.insert(cells[3].to_owned(), (offset, size));
            layout.bytes = offset + size;
        }
        layout
    }

    fn bytes<'a>(&self, bytes: &'a [u8], field: &str) -> &'a [u8] {
        let (offset, size) = self.fields[field];
        &bytes[offset..offset + size]
    }

    fn number(&self, bytes: &[u8], field: &str) -> u64 {
        let mut number = [0; 8];
        let field = self.bytes(bytes, field);
        number[..field.len()].copy_from_slice(field);
        u64::from_le_bytes(number)
    }

    /// The checksum in a field holds for all that stands before it.
    fn assert_checksum(&self, bytes: &[u8], field: &str) {
        let before = &bytes[..self.fields[field].0];
        assert_eq!(
            self.number(bytes, field),
            u64::from(crc32c::crc32c(before)),
            "{field}"
        );
    }
}

fn blake3(bytes: &[u8]) -> Vec<u8> {
    blake3::hash(bytes).as_bytes().to_vec()
}

/// A place in the file.
fn at(number: u64) -> usize {
    usize::try_from(number).unwrap()
}

fn the_manual_describes_every_byte() {
    let [segment, batch, entry, footer] =
        ["Segment header", "Batch header", "Entry", "Footer"].map(Layout::of);
    assert_eq!(
        [segment.bytes, batch.bytes, entry.bytes, footer.bytes],
        [128, 80, 60, 72]
    );
    let files: Vec<Vec<u8>> = segments(&fixture())
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    let mut expected = written().into_iter();
    let mut position = 1;
    let mut last_hash = vec![0; 32];
    let mut journal_id = None;
    for (bytes, path) in files.iter().zip(segments(&fixture())) {
        assert_eq!(bytes.len() as u64, SEGMENT_BYTES);
        assert_eq!(name(&path), format!("{position:020}.segment"));
        assert_header(&segment, bytes, position, &last_hash);
        let id = segment.bytes(bytes, "journal id");
        assert_eq!(*journal_id.get_or_insert(id), id);
        let footer_at = bytes.len() - 76 - 16 * (bytes.len() / 4096 + 2);
        let first = position;
        let mut offset = at(FRAMES_FROM);
        while bytes[offset] != 0 && offset < footer_at {
            let frame = &bytes[offset..];
            assert_eq!(batch.bytes(frame, "magic"), b"ENTB");
            assert_eq!(batch.number(frame, "version"), 1);
            assert_eq!(batch.number(frame, "first position"), position);
            assert_eq!(batch.bytes(frame, "tag"), segment.bytes(bytes, "tag"));
            assert_eq!(batch.bytes(frame, "previous hash"), last_hash);
            batch.assert_checksum(frame, "header checksum");
            let size = at(batch.number(frame, "payload size"));
            let payload = &frame[batch.bytes..batch.bytes + size];
            let checksum = u64::from(crc32c::crc32c(payload));
            assert_eq!(batch.number(frame, "payload checksum"), checksum);
            let entries = expected.next().expect("no more batches than were written");
            assert_eq!(batch.number(frame, "count"), entries.len() as u64);
            assert_payload(&entry, payload, &entries, position);
            position += entries.len() as u64;
            last_hash = blake3(&frame[..batch.bytes + size]);
            offset += batch.bytes + size;
        }
        assert!(bytes[offset..footer_at].iter().all(|byte| *byte == 0));
        let end = &bytes[footer_at..];
        if end[0] == 0 {
            assert!(
                end.iter().all(|byte| *byte == 0),
                "the last one is not sealed"
            );
            continue;
        }
        assert_footer(
            &footer,
            end,
            [first, position - 1, offset as u64],
            &last_hash,
        );
    }
    assert_eq!(expected.next(), None);
}

fn assert_header(layout: &Layout, bytes: &[u8], first: u64, previous: &[u8]) {
    assert_eq!(layout.bytes(bytes, "magic"), b"ENTSEGM1");
    assert_eq!(layout.number(bytes, "version"), 1);
    assert_eq!(layout.number(bytes, "first position"), first);
    assert_eq!(layout.number(bytes, "segment size"), SEGMENT_BYTES);
    assert_eq!(layout.number(bytes, "made at"), 1_767_722_400_000_000_000);
    assert_eq!(layout.bytes(bytes, "previous hash"), previous);
    layout.assert_checksum(bytes, "checksum");
    let rest = &bytes[layout.bytes..at(FRAMES_FROM)];
    assert!(rest.iter().all(|byte| *byte == 0));
}

/// A footer that says first position, last position and end.
fn assert_footer(layout: &Layout, bytes: &[u8], [first, last, end]: [u64; 3], hash: &[u8]) {
    assert_eq!(layout.bytes(bytes, "magic"), b"ENTFOOT1");
    assert_eq!(layout.number(bytes, "first position"), first);
    assert_eq!(layout.number(bytes, "last position"), last);
    assert_eq!(layout.number(bytes, "end"), end);
    assert_eq!(layout.bytes(bytes, "last hash"), hash);
    let items_to = layout.bytes + 16 * at(layout.number(bytes, "items"));
    let item = [first, FRAMES_FROM].map(u64::to_le_bytes).concat();
    assert_eq!(bytes[layout.bytes..layout.bytes + 16], item);
    let checksum = crc32c::crc32c(&bytes[..items_to]).to_le_bytes();
    assert_eq!(bytes[items_to..items_to + 4], checksum);
}

fn assert_payload(layout: &Layout, payload: &[u8], entries: &[Entry], first: u64) {
    let mut rest = payload;
    for (entry, position) in entries.iter().zip(first..) {
        let supersedes = SUPERSEDES.iter().find(|(of, _)| *of == position);
        assert_eq!(layout.number(rest, "key size"), entry.key.len() as u64);
        assert_eq!(layout.number(rest, "revision"), u64::from(entry.revision));
        assert_eq!(
            layout.number(rest, "taken at"),
            entry.stamp_ns.cast_unsigned()
        );
        assert_eq!(
            layout.number(rest, "supersedes"),
            supersedes.map_or(0, |(_, of)| *of)
        );
        assert_eq!(layout.number(rest, "body size"), entry.body.len() as u64);
        assert_eq!(layout.bytes(rest, "digest"), entry.digest);
        rest = &rest[layout.bytes..];
        assert!(rest.starts_with(&entry.key));
        rest = &rest[entry.key.len()..];
        assert!(rest.starts_with(&entry.body));
        rest = &rest[entry.body.len()..];
    }
    assert!(rest.is_empty(), "entries fill the payload");
}
