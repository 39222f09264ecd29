//! What stands on the disk is not what was written: torn tails are cut off, damage is loud.

use crate::support::{
    FRAMES_FROM, SEGMENT_BYTES, all, assert_filled, batches, contents, entry, fill, image, name,
    open, segments, store, try_open,
};
use entente::journal::{OpenError, Position, ReadError};
use std::path::Path;
use tempfile::TempDir;

const BODY: usize = 24;

/// A journal of one segment with `count` batches, as a crash leaves it: no index.
fn written(count: u64, body_bytes: usize) -> TempDir {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    fill(&journal, count, body_bytes);
    image(folder.path(), false)
}

/// Puts the folder back as it was, but with these bytes in its segment.
fn put_back(folder: &Path, segment: &Path, bytes: &[u8]) {
    let index = folder.join("index");
    if index.exists() {
        std::fs::remove_dir_all(index).unwrap();
    }
    std::fs::write(segment, bytes).unwrap();
}

/// Opens a folder whose fourth and last batch is torn at `at`: three are there, the fourth can
/// be stored again, and all four are there at the next start.
fn assert_cut_off(folder: &Path, at: u64) {
    let journal = try_open(folder).unwrap_or_else(|error| panic!("{at}: {error}"));
    assert_filled(&journal, 3, BODY);
    assert_eq!(store(&journal, entry(4, BODY)), Position(4), "{at}");
    journal.close();
    // Once more only now and then: it takes as long as all before.
    if !at.is_multiple_of(8) {
        return;
    }
    let journal = try_open(folder).unwrap_or_else(|error| panic!("{at}, again: {error}"));
    assert_filled(&journal, 4, BODY);
}

fn assert_damaged(folder: &Path, segment: &str, offset: u64) {
    // A crash may have left half of a next segment; not even that goes.
    std::fs::write(folder.join("next.tmp"), b"half").unwrap();
    let before = contents(folder);
    match try_open(folder) {
        Err(OpenError::Damaged {
            segment: s,
            offset: o,
            ..
        }) => assert_eq!((s.as_str(), o), (segment, offset)),
        other => panic!("not found to be damaged: {other:?}"),
    }
    assert!(before == contents(folder), "something was changed");
}

#[test]
fn d04_a_tail_torn_at_any_byte_is_cut_off() {
    let folder = written(4, BODY);
    let segment = segments(folder.path())[0].clone();
    let whole = std::fs::read(&segment).unwrap();
    let ends = batches(&whole);
    assert_eq!(ends.len(), 5);
    for cut in ends[3]..ends[4] {
        let kept = usize::try_from(cut).unwrap();
        // Half of them as a short file, half as a file whose rest was never written.
        let mut torn = whole[..kept].to_vec();
        if cut % 2 == 0 {
            torn.resize(whole.len(), 0);
        }
        put_back(folder.path(), &segment, &torn);
        assert_cut_off(folder.path(), cut);
        assert_eq!(std::fs::metadata(&segment).unwrap().len(), SEGMENT_BYTES);
    }
}

#[test]
fn d04_a_tail_of_which_any_page_is_missing_is_cut_off() {
    // One batch over several pages; the disk wrote them in an order of its own.
    let folder = written(3, BODY);
    let journal = open(folder.path());
    let entries = (4..8).map(|number| entry(number, 1800)).collect();
    crate::support::append(&journal, entries).unwrap();
    let folder = image(folder.path(), false);
    drop(journal);
    let segment = segments(folder.path())[0].clone();
    let whole = std::fs::read(&segment).unwrap();
    let ends = batches(&whole);
    let (from, to) = (
        usize::try_from(ends[3]).unwrap(),
        usize::try_from(ends[4]).unwrap(),
    );
    assert!(to - from > 7000);
    let mut page = from;
    while page < to {
        let end = (page / 512 + 1) * 512;
        let mut torn = whole.clone();
        torn[page..end.min(to)].fill(0);
        put_back(folder.path(), &segment, &torn);
        assert_cut_off(folder.path(), page as u64);
        page = end;
    }
}

/// A flipped bit in the last batch of the open segment cannot be told from a torn write, so it
/// is cut off. That is right for a batch nobody has a receipt for; for one with a receipt, see
/// [`d05_the_index_remembers_what_a_flipped_bit_takes_away`].
#[test]
fn d05_a_bit_flipped_in_any_byte_of_the_last_batch_cuts_it_off() {
    let folder = written(4, BODY);
    let segment = segments(folder.path())[0].clone();
    let whole = std::fs::read(&segment).unwrap();
    let ends = batches(&whole);
    for at in ends[3]..ends[4] {
        let mut flipped = whole.clone();
        flipped[usize::try_from(at).unwrap()] ^= 1 << (at % 8);
        put_back(folder.path(), &segment, &flipped);
        assert_cut_off(folder.path(), at);
    }
}

#[test]
fn d05_the_index_remembers_what_a_flipped_bit_takes_away() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    fill(&journal, 4, BODY);
    journal.close();
    let segment = segments(folder.path())[0].clone();
    let whole = std::fs::read(&segment).unwrap();
    let mut flipped = whole.clone();
    flipped[usize::try_from(batches(&whole)[3]).unwrap() + 100] ^= 4;
    std::fs::write(&segment, &flipped).unwrap();
    let before = contents(folder.path());
    match try_open(folder.path()) {
        Err(OpenError::Lost { last, indexed }) => assert_eq!((last, indexed), (3, 4)),
        other => panic!("an acknowledged batch is gone, and nobody says so: {other:?}"),
    }
    assert!(before == contents(folder.path()), "something was changed");
    // Put right, it opens; and so it does without the index, when the loss is accepted.
    std::fs::write(&segment, &whole).unwrap();
    let journal = open(folder.path());
    assert_filled(&journal, 4, BODY);
    journal.close();
    put_back(folder.path(), &segment, &flipped);
    assert_filled(&open(folder.path()), 3, BODY);
}

#[test]
fn d05_a_bit_flipped_before_the_last_batch_is_damage() {
    let folder = written(4, BODY);
    let segment = segments(folder.path())[0].clone();
    let whole = std::fs::read(&segment).unwrap();
    let ends = batches(&whole);
    for (batch, offset) in ends.iter().take(3).enumerate() {
        for at in (*offset..ends[batch + 1]).step_by(5) {
            let mut flipped = whole.clone();
            flipped[usize::try_from(at).unwrap()] ^= 1 << (at % 8);
            put_back(folder.path(), &segment, &flipped);
            assert_damaged(folder.path(), &name(&segment), *offset);
        }
    }
}

#[test]
fn d06_a_zeroed_page_in_the_middle_is_damage() {
    let folder = written(60, BODY);
    let segment = segments(folder.path())[0].clone();
    let whole = std::fs::read(&segment).unwrap();
    let ends = batches(&whole);
    let page = 8192;
    assert!(
        *ends.last().unwrap() > page as u64 + 4096,
        "it is in the middle"
    );
    let mut zeroed = whole;
    zeroed[page..page + 4096].fill(0);
    put_back(folder.path(), &segment, &zeroed);
    let broken = ends.iter().rfind(|offset| **offset <= page as u64).unwrap();
    assert_damaged(folder.path(), &name(&segment), *broken);
}

#[test]
fn d06_a_zeroed_page_in_a_sealed_segment_is_found_when_it_is_read() {
    let folder = written(150, BODY);
    let sealed = segments(folder.path())[0].clone();
    assert!(segments(folder.path()).len() > 1);
    let whole = std::fs::read(&sealed).unwrap();
    let broken = batches(&whole)
        .into_iter()
        .rfind(|offset| *offset <= 8192)
        .unwrap();
    let mut zeroed = whole;
    zeroed[8192..8192 + 4096].fill(0);
    std::fs::write(&sealed, zeroed).unwrap();
    // The index has to be made anew from the log, which reads it.
    match try_open(folder.path()) {
        Err(OpenError::Index(reason)) => {
            let expected = format!("segment {} is damaged at offset {broken}", name(&sealed));
            assert!(reason.contains(&expected), "{reason}");
        }
        other => panic!("not found to be damaged: {other:?}"),
    }
}

#[test]
fn d06_damage_in_a_sealed_segment_stops_reading_there_and_nowhere_else() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    fill(&journal, 150, BODY);
    journal.close();
    let sealed = segments(folder.path())[0].clone();
    let mut bytes = std::fs::read(&sealed).unwrap();
    let offset = batches(&bytes)[10];
    bytes[usize::try_from(offset).unwrap() + 90] ^= 1;
    std::fs::write(&sealed, bytes).unwrap();
    let journal = open(folder.path());
    match journal.read(Position(11), 1, 1) {
        Err(ReadError::Damaged {
            segment,
            offset: at,
        }) => assert_eq!((segment, at), (name(&sealed), offset)),
        other => panic!("{other:?}"),
    }
    assert_eq!(journal.read(Position(10), 1, 1).unwrap().len(), 1);
    assert_eq!(journal.read(Position(12), 1, 1).unwrap().len(), 1);
}

#[test]
fn a_damaged_header_of_a_segment_is_damage_at_offset_0() {
    let folder = written(150, BODY);
    for segment in segments(folder.path()) {
        let whole = std::fs::read(&segment).unwrap();
        for at in (0..128).step_by(3) {
            let mut flipped = whole.clone();
            flipped[at] ^= 0x10;
            std::fs::write(&segment, flipped).unwrap();
            assert_damaged(folder.path(), &name(&segment), 0);
        }
        std::fs::write(&segment, whole).unwrap();
    }
    assert_filled(&open(folder.path()), 150, BODY);
}

#[test]
fn a_later_format_is_refused_by_its_number() {
    let folder = written(1, BODY);
    let segment = segments(folder.path())[0].clone();
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[8] = 99;
    let crc = crc32c::crc32c(&bytes[..124]).to_le_bytes();
    bytes[124..128].copy_from_slice(&crc);
    std::fs::write(&segment, bytes).unwrap();
    match try_open(folder.path()) {
        Err(OpenError::Version {
            segment: s,
            version,
        }) => {
            assert_eq!((s, version), (name(&segment), 99));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_damaged_footer_is_made_anew_from_the_batches() {
    let folder = written(150, BODY);
    let sealed = segments(folder.path())[0].clone();
    let whole = std::fs::read(&sealed).unwrap();
    let footer = whole
        .windows(8)
        .rposition(|part| part == b"ENTFOOT1")
        .unwrap();
    for at in [footer, footer + 20, footer + 40, footer + 70, footer + 80] {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x20;
        put_back(folder.path(), &sealed, &flipped);
        assert_filled(&open(folder.path()), 150, BODY);
        assert!(whole == std::fs::read(&sealed).unwrap(), "sealed as it was");
    }
    let mut zeroed = whole.clone();
    zeroed[footer..].fill(0);
    put_back(folder.path(), &sealed, &zeroed);
    assert_filled(&open(folder.path()), 150, BODY);
    assert!(whole == std::fs::read(&sealed).unwrap(), "sealed as it was");
}

#[test]
fn a_segment_that_is_missing_is_named_by_its_positions() {
    let folder = written(400, BODY);
    let names = segments(folder.path());
    assert!(names.len() > 3);
    let first = |path: &Path| name(path)[..20].parse::<u64>().unwrap();
    for gone in [0, 1, 2] {
        let aside = folder.path().join("aside");
        std::fs::rename(&names[gone], &aside).unwrap();
        match try_open(folder.path()) {
            Err(OpenError::Missing { from, to }) => {
                let expected = (first(&names[gone]), first(&names[gone + 1]) - 1);
                assert_eq!((from, to), expected);
            }
            other => panic!("{other:?}"),
        }
        std::fs::rename(&aside, &names[gone]).unwrap();
    }
    assert_filled(&open(folder.path()), 400, BODY);
}

#[test]
fn case_54_the_last_segment_is_missed_by_the_index() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    fill(&journal, 150, BODY);
    journal.close();
    std::fs::remove_file(segments(folder.path()).last().unwrap()).unwrap();
    match try_open(folder.path()) {
        Err(OpenError::Lost { indexed: 150, .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn case_54_a_segment_of_another_journal_is_refused() {
    let (ours, theirs) = (written(150, BODY), written(150, BODY));
    let second = segments(ours.path())[1].clone();
    std::fs::copy(segments(theirs.path())[1].clone(), &second).unwrap();
    assert_damaged(ours.path(), &name(&second), 0);
}

#[test]
fn a_segment_under_another_name_is_refused() {
    let folder = written(150, BODY);
    let last = segments(folder.path()).pop().unwrap();
    let wrong = folder.path().join("00000000000000000777.segment");
    std::fs::rename(&last, &wrong).unwrap();
    assert_damaged(folder.path(), &name(&wrong), 0);
}

#[test]
fn what_is_left_of_a_next_segment_is_taken_or_removed() {
    let folder = written(3, BODY);
    let (unfinished, next) = (
        folder.path().join("next.tmp"),
        folder.path().join("next.segment"),
    );
    std::fs::write(&unfinished, b"half").unwrap();
    std::fs::write(&next, b"too short").unwrap();
    let journal = open(folder.path());
    // Enough for two more segments.
    for number in 4..=250 {
        store(&journal, entry(number, BODY));
    }
    assert_filled(&journal, 250, BODY);
    journal.close();
    for segment in segments(folder.path()) {
        assert_eq!(std::fs::metadata(segment).unwrap().len(), SEGMENT_BYTES);
    }
    assert_filled(&open(folder.path()), 250, BODY);
}

#[test]
fn a_next_segment_with_an_old_header_in_it_is_taken_all_the_same() {
    // As a crash between writing the header and naming the segment leaves it.
    let folder = written(3, BODY);
    let mut bytes = vec![0; usize::try_from(SEGMENT_BYTES).unwrap()];
    let header = std::fs::read(&segments(folder.path())[0]).unwrap();
    let page = usize::try_from(FRAMES_FROM).unwrap();
    bytes[..page].copy_from_slice(&header[..page]);
    std::fs::write(folder.path().join("next.segment"), bytes).unwrap();
    let journal = open(folder.path());
    for number in 4..=150 {
        store(&journal, entry(number, BODY));
    }
    journal.close();
    let journal = open(folder.path());
    assert_filled(&journal, 150, BODY);
    assert_eq!(all(&journal).len(), 150);
}
