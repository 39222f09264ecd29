use super::*;
use crate::journal::{Entry, Removal, Stored};
use bytes::Bytes;

const ID: [u8; 16] = [0x11; 16];

fn stored(position: u64, body: &str) -> Stored {
    Stored {
        position: Position(position),
        previous: (position > 2).then_some(Position(1)),
        entry: Entry {
            key: Bytes::from(format!("key {position}")),
            revision: 7,
            digest: [0xCD; 32],
            stamp_ns: -5,
            body: Bytes::copy_from_slice(body.as_bytes()),
        },
    }
}

fn removal() -> Removal {
    Removal {
        first: Position(1),
        last: Position(2),
        bytes: 3,
        remains_bytes: 4,
        at_ns: -6,
        rule: 0x0102_0304,
    }
}

/// Two entries that were removed and two that are there.
fn export() -> Vec<u8> {
    let mut writer = Writer::begin(Vec::new(), ID).unwrap();
    writer.removed(&stored(1, "")).unwrap();
    writer.removed(&stored(2, "x")).unwrap();
    writer.removal(&removal()).unwrap();
    writer.entry(&stored(3, "body")).unwrap();
    writer.entry(&stored(4, "body!")).unwrap();
    writer.finish().unwrap().0
}

fn blocks(bytes: &[u8]) -> Result<Vec<Block>, PortableError> {
    let mut reader = Reader::open(bytes)?;
    let mut blocks = Vec::new();
    while let Some(block) = reader.block()? {
        blocks.push(block);
    }
    Ok(blocks)
}

fn whole() -> Vec<Block> {
    vec![
        Block::Removed(vec![stored(1, ""), stored(2, "x")]),
        Block::Removal(removal()),
        Block::Entries(vec![stored(3, "body"), stored(4, "body!")]),
        Block::End(Totals {
            last: 4,
            entries: 2,
            removed: 2,
        }),
    ]
}

#[test]
fn what_is_written_comes_back() {
    assert_eq!(blocks(&export()).unwrap(), whole());
}

/// As the manual has it; changing this is changing the format.
#[test]
fn it_stands_in_the_file_as_the_manual_says() {
    let bytes = export();
    let mut head = b"ENTFEED1\x01\0\0\0\0\0\0\0".to_vec();
    head.extend([0x11; 16]);
    assert_eq!(bytes[..32], head);
    let first = blake3::hash(&[[0; 32].as_slice(), &head].concat());
    assert_eq!(bytes[32..64], *first.as_bytes());
    // Two entries of 60 bytes, with keys of five, one with a body of one.
    let mut block = b"ENTX\x02\0\0\0\x83\0\0\0\x02\0\0\0".to_vec();
    block.extend([1, 0, 0, 0, 0, 0, 0, 0]);
    block.extend([0; 8]);
    assert_eq!(bytes[64..96], block);
    let payload = &bytes[128..128 + 131];
    let hashed = [first.as_bytes().as_slice(), &block, payload].concat();
    assert_eq!(bytes[96..128], *blake3::hash(&hashed).as_bytes());
}

#[test]
fn a_file_with_any_bit_flipped_is_damaged() {
    let bytes = export();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(blocks(&flipped).is_err(), "bit {bit}");
    }
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_gone_on_with() {
    let bytes = export();
    for length in 64..bytes.len() {
        let cut = &bytes[..length];
        let error = blocks(cut).unwrap_err();
        assert!(matches!(error, PortableError::Unfinished { .. }), "{error}");
        let resume = Reader::open(cut).unwrap().resume().unwrap();
        assert_eq!((resume.journal_id, resume.was_finished), (ID, false));
        let upto = usize::try_from(resume.offset).unwrap();
        let mut writer = Writer::go_on(cut[..upto].to_vec(), &resume);
        let next = writer.next().0;
        assert!([1, 3, 5].contains(&next), "{length}: {next}");
        for position in next..=4 {
            match position {
                1 => writer.removed(&stored(1, "")).unwrap(),
                2 => {
                    writer.removed(&stored(2, "x")).unwrap();
                    writer.removal(&removal()).unwrap();
                }
                3 => writer.entry(&stored(3, "body")).unwrap(),
                _ => writer.entry(&stored(4, "body!")).unwrap(),
            }
        }
        let (again, _) = writer.finish().unwrap();
        assert_eq!(again, bytes, "{length}");
    }
    for length in 0..64 {
        assert!(blocks(&bytes[..length]).is_err(), "{length}");
    }
}

#[test]
fn a_finished_file_is_gone_on_with_before_its_end_block() {
    let bytes = export();
    let resume = Reader::open(bytes.as_slice()).unwrap().resume().unwrap();
    assert!(resume.was_finished);
    let upto = usize::try_from(resume.offset).unwrap();
    let mut writer = Writer::go_on(bytes[..upto].to_vec(), &resume);
    assert_eq!(writer.next(), Position(5));
    writer.entry(&stored(5, "more")).unwrap();
    let (bytes, totals) = writer.finish().unwrap();
    assert_eq!((totals.last, totals.entries, totals.removed), (5, 3, 2));
    assert_eq!(blocks(&bytes).unwrap().len(), 5);
}

/// What was removed stands at the beginning, and each run of it is followed by its removal.
#[test]
fn remains_without_their_removal_are_refused() {
    let mut writer = Writer::begin(Vec::new(), ID).unwrap();
    writer.removed(&stored(1, "")).unwrap();
    writer.entry(&stored(2, "")).unwrap();
    assert!(blocks(&writer.finish().unwrap().0).is_err());
    let mut writer = Writer::begin(Vec::new(), ID).unwrap();
    writer.removed(&stored(1, "")).unwrap();
    assert!(blocks(&writer.finish().unwrap().0).is_err());
    let mut writer = Writer::begin(Vec::new(), ID).unwrap();
    writer.entry(&stored(1, "")).unwrap();
    writer.removed(&stored(2, "")).unwrap();
    writer.removal(&removal()).unwrap();
    assert!(blocks(&writer.finish().unwrap().0).is_err());
}

#[test]
fn positions_have_no_gap() {
    let mut writer = Writer::begin(Vec::new(), ID).unwrap();
    writer.entry(&stored(1, "")).unwrap();
    let error = writer.entry(&stored(3, "")).unwrap_err();
    assert_eq!(error.to_string(), "position 2 is missing");
}

#[test]
fn what_is_no_export_or_of_a_later_version_is_said() {
    let is = |bytes: &[u8]| blocks(bytes).unwrap_err().to_string();
    assert!(is(b"").contains("no export"));
    assert!(is(&[0; 100]).contains("no export"));
    let mut later = export();
    later[8] = 2;
    assert!(is(&later).contains("format 2"));
    let behind = [export(), b"x".to_vec()].concat();
    assert!(is(&behind).contains("behind the end block"));
}

/// Many entries are many blocks, none of them larger than it needs to be.
#[test]
fn blocks_are_closed() {
    let mut writer = Writer::begin(Vec::new(), ID).unwrap();
    let body = "x".repeat(1000);
    for position in 1..=10_000 {
        writer.entry(&stored(position, &body)).unwrap();
    }
    let bytes = writer.finish().unwrap().0;
    let blocks = blocks(&bytes).unwrap();
    assert!((10..15).contains(&blocks.len()), "{}", blocks.len());
}
