//! A feed is exported and imported: the same positions, bytes and receipts, wherever either was
//! broken off, and with what remains of what was removed.

use crate::faulty::{Act, Done, Fault, Faulty};
use crate::support::{
    append, assert_filled, clock, entry, fill, open, settings, store, try_open, wait,
};
use entente::journal::portable::{PortableError, Reader};
use entente::journal::{
    AppendError, Appended, Entry, Journal, OpenError, Position, RemovalOrder, Settings, Stored,
};
use entente::transfer::{ExportError, ImportError, Imported, export, export_to, go_on, import};
use std::path::Path;
use tempfile::TempDir;

const BODY: usize = 1000;
const REMOVED_AT_NS: i64 = 1_800_000_000_000_000_000;
const RULE: u32 = 0x0003_0001;

fn importing(folder: &Path) -> Settings {
    let mut settings = settings(folder);
    settings.importing = true;
    settings
}

/// Exports a folder into memory.
fn exported(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    export_to(folder, &mut bytes, &mut |_, _| {}).unwrap();
    bytes
}

/// Imports into a journal that is open for it.
fn imported_into(journal: &Journal, bytes: &[u8]) -> Result<Imported, ImportError> {
    let mut reader = Reader::open(bytes)?;
    wait(import(journal, &mut reader, &mut |_, _| {}))
}

/// Imports into a folder.
fn imported(settings: Settings, bytes: &[u8]) -> Result<Imported, ImportError> {
    let journal = Journal::open(settings, clock()).unwrap();
    let imported = imported_into(&journal, bytes);
    journal.close();
    imported
}

/// Everything that stands there, what remains included.
fn everything(journal: &Journal) -> Vec<Stored> {
    let mut all: Vec<Stored> = Vec::new();
    while all.len() < usize::try_from(journal.durable().0).unwrap() {
        let from = Position(all.len() as u64 + 1);
        all.extend(journal.read_with_remains(from, 7, 4096).unwrap());
    }
    all
}

/// Stores entries 1 to `count`, many at a time: more than one block of an export.
fn fill_much(journal: &Journal, count: u64) {
    let entries: Vec<_> = (1..=count).map(|number| entry(number, BODY)).collect();
    for part in entries.chunks(48) {
        append(journal, part.to_vec()).unwrap();
    }
}

/// More entries than one block of an export holds.
const MUCH: u64 = 2500;

/// Several revisions of the same keys, in no order.
fn revised(journal: &Journal) {
    for (number, revision) in [(1, 1), (2, 1), (1, 5), (1, 3), (2, 2), (1, 7)] {
        let entry = Entry {
            revision,
            ..entry(number, 10)
        };
        let answers = append(journal, vec![entry]).unwrap();
        assert!(matches!(
            answers[0],
            Appended::Stored(_) | Appended::Superseded(_)
        ));
    }
}

/// Removes the oldest segments, up to so many.
fn remove(journal: &Journal, count: usize) {
    for segment in journal.sealed().into_iter().take(count) {
        let order = RemovalOrder {
            first: segment.first,
            at_ns: REMOVED_AT_NS,
            rule: RULE,
        };
        let shorten = &mut |stored: &Stored| stored.entry.body.slice(..4);
        journal.remove(&order, shorten).unwrap();
    }
}

#[test]
fn a_feed_arrives_with_its_positions_its_bytes_and_its_receipts() {
    let (from, to) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let journal = open(from.path());
    revised(&journal);
    let before = everything(&journal);
    // The gateway may run meanwhile.
    let bytes = exported(from.path());
    journal.close();
    let done = imported(importing(to.path()), &bytes).unwrap();
    assert_eq!((done.from, done.totals.last), (Position(1), 6));
    let moved = open(to.path());
    assert_eq!(everything(&moved), before);
    for stored in &before {
        let again = append(&moved, vec![stored.entry.clone()]).unwrap();
        let [Appended::Duplicate(receipt)] = again[..] else {
            panic!("{again:?}");
        };
        assert_eq!(receipt.position(), stored.position);
        assert_eq!(receipt.previous(), stored.previous);
        assert_eq!(receipt.stamp_ns(), stored.entry.stamp_ns);
    }
    assert_eq!(store(&moved, entry(9, 10)), Position(7));
    moved.close();
    // Moved once more, it is the same file but for the entry that came.
    let again = exported(to.path());
    assert_eq!(
        Reader::open(&again[..])
            .unwrap()
            .resume()
            .unwrap()
            .totals
            .last,
        7
    );
}

/// An import that ends anywhere: the folder opens for nobody, and the next import goes on.
#[test]
fn an_import_that_was_broken_off_goes_on() {
    let from = TempDir::new().unwrap();
    let journal = open(from.path());
    fill_much(&journal, MUCH);
    journal.close();
    let bytes = exported(from.path());
    for part in 1..4 {
        let to = TempDir::new().unwrap();
        let cut = &bytes[..bytes.len() * part / 4];
        let broken = imported(importing(to.path()), cut).unwrap_err();
        assert!(
            matches!(broken, ImportError::File(PortableError::Unfinished { .. })),
            "{broken}"
        );
        match try_open(to.path()) {
            // The first block was not whole: nothing was stored.
            Ok(journal) if part == 1 => journal.close(),
            opened => {
                let refused = opened.unwrap_err();
                assert!(matches!(refused, OpenError::Settings(_)), "{refused}");
                let said = refused.to_string();
                assert!(said.contains("entente feed import"), "{said}");
            }
        }
        imported(importing(to.path()), &bytes).unwrap();
        let moved = open(to.path());
        assert_filled(&moved, MUCH, BODY);
        moved.close();
    }
}

/// Later the same export, gone on with, brings what came meanwhile.
#[test]
fn what_came_meanwhile_is_brought_by_a_second_export_and_import() {
    let (from, to) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let at = to.path().join("feed");
    let (folder, moved) = (from.path().join("journal"), to.path().join("journal"));
    let journal = open(&folder);
    fill_much(&journal, MUCH);
    let first = export(&folder, &at, &mut |_, _| {}).unwrap();
    assert_eq!((first.from, first.totals.last), (Position(1), MUCH));
    imported(importing(&moved), &std::fs::read(&at).unwrap()).unwrap();
    for number in MUCH + 1..=MUCH + 10 {
        store(&journal, entry(number, BODY));
    }
    journal.close();
    let again = export(&folder, &at, &mut |_, _| {}).unwrap_err();
    assert!(matches!(again, ExportError::Write(_)), "{again}");
    let second = go_on(&folder, &at, &mut |_, _| {}).unwrap();
    assert_eq!(
        (second.from, second.totals.last),
        (Position(MUCH + 1), MUCH + 10)
    );
    let third = go_on(&folder, &at, &mut |_, _| {}).unwrap();
    assert_eq!(
        (third.from, third.totals.last),
        (Position(MUCH + 11), MUCH + 10)
    );
    let whole = std::fs::read(&at).unwrap();
    let done = imported(importing(&moved), &whole).unwrap();
    assert_eq!(
        (done.from, done.totals.last),
        (Position(MUCH + 1), MUCH + 10)
    );
    let journal = open(&moved);
    assert_filled(&journal, MUCH + 10, BODY);
    journal.close();
    // Cut off anywhere, as by a kill, it becomes the same.
    for part in 1..8 {
        std::fs::write(&at, &whole[..whole.len() * part / 8]).unwrap();
        go_on(&folder, &at, &mut |_, _| {}).unwrap();
        let brought = std::fs::read(&at).unwrap();
        let totals = Reader::open(&brought[..]).unwrap().resume().unwrap().totals;
        assert_eq!((totals.last, totals.entries), (MUCH + 10, MUCH + 10));
    }
}

#[test]
fn what_remains_of_removed_entries_arrives_as_that() {
    let (from, to) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let journal = open(from.path());
    fill_much(&journal, MUCH);
    remove(&journal, 120);
    let (before, floor) = (everything(&journal), journal.first());
    let removals = journal.removals();
    assert_eq!(removals.len(), 120);
    journal.close();
    let bytes = exported(from.path());
    for (segment_bytes, part) in [(16, 4), (16, 1), (64, 3), (64, 2)] {
        let folder = to.path().join(format!("{segment_bytes}-{part}"));
        let mut settings = importing(&folder);
        settings.segment_bytes = segment_bytes * 1024;
        if part < 4 {
            imported(settings.clone(), &bytes[..bytes.len() * part / 4]).unwrap_err();
        }
        imported(settings, &bytes).unwrap();
        let moved = open(&folder);
        assert_eq!(everything(&moved), before);
        assert_eq!(moved.first(), floor);
        let arrived = moved.removals();
        assert!(
            arrived
                .iter()
                .all(|r| (r.at_ns, r.rule) == (REMOVED_AT_NS, RULE))
        );
        assert_eq!(arrived.last().unwrap().last, removals[119].last);
        // Retries of what was removed get their first receipts.
        let again = append(&moved, vec![entry(1, BODY), entry(MUCH, BODY)]).unwrap();
        assert!(
            again.iter().all(|a| matches!(a, Appended::Duplicate(_))),
            "{again:?}"
        );
        moved.close();
    }
}

/// What retention took from the folder after an export cannot be gone on with; and a folder
/// that kept more than the export keeps it.
#[test]
fn removals_between_two_exports_are_said() {
    let (from, to) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (at, moved) = (to.path().join("feed"), to.path().join("journal"));
    let journal = open(from.path());
    fill_much(&journal, MUCH);
    let whole = exported(from.path());
    std::fs::write(&at, &whole[..whole.len() * 3 / 4]).unwrap();
    remove(&journal, 190);
    journal.close();
    let refused = go_on(from.path(), &at, &mut |_, _| {}).unwrap_err();
    assert!(matches!(refused, ExportError::Removed(_)), "{refused}");
    imported(importing(&moved), &whole).unwrap();
    imported(importing(&moved), &exported(from.path())).unwrap();
    let journal = open(&moved);
    assert_filled(&journal, MUCH, BODY);
    journal.close();
}

#[test]
fn another_feed_a_longer_one_and_a_damaged_export_are_refused() {
    let folders: Vec<_> = (0..4).map(|_| TempDir::new().unwrap()).collect();
    let at = folders[0].path().join("feed");
    let journal = open(folders[1].path());
    fill(&journal, 10, BODY);
    journal.close();
    let other = open(folders[2].path());
    store(&other, entry(1, BODY));
    store(&other, entry(99, BODY));
    other.close();
    let bytes = exported(folders[1].path());
    let refused = imported(importing(folders[2].path()), &bytes).unwrap_err();
    assert!(
        matches!(refused, ImportError::OtherFeed(Position(2))),
        "{refused}"
    );
    std::fs::write(&at, &bytes).unwrap();
    let refused = go_on(folders[2].path(), &at, &mut |_, _| {}).unwrap_err();
    assert!(
        matches!(refused, ExportError::Behind(_) | ExportError::OtherFeed),
        "{refused}"
    );
    // A shorter feed does not shorten a longer one.
    let journal = open(folders[1].path());
    store(&journal, entry(11, BODY));
    journal.close();
    let refused = imported(importing(folders[1].path()), &bytes).unwrap_err();
    assert!(matches!(refused, ImportError::Longer { .. }), "{refused}");
    let mut damaged = bytes;
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    let refused = imported(importing(folders[3].path()), &damaged).unwrap_err();
    assert!(
        matches!(refused, ImportError::File(PortableError::Damaged { .. })),
        "{refused}"
    );
}

/// An entry that the new journal's batches cannot hold is named, and nothing is stored in its
/// place: with larger batches the import goes on.
#[test]
fn an_entry_that_does_not_fit_is_named_and_nothing_takes_its_place() {
    let (from, to) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let journal = open(from.path());
    store(&journal, entry(1, 10));
    store(&journal, entry(2, 6000));
    store(&journal, entry(3, 10));
    let whole = everything(&journal);
    journal.close();
    let bytes = exported(from.path());
    let mut small = importing(to.path());
    small.batch_bytes_max = 4096;
    let refused = imported(small, &bytes).unwrap_err();
    assert!(
        refused.to_string().contains("journal.batch_bytes_max"),
        "{refused}"
    );
    assert!(
        matches!(
            refused,
            ImportError::TooLarge {
                position: Position(2),
                ..
            }
        ),
        "{refused}"
    );
    imported(importing(to.path()), &bytes).unwrap();
    let moved = open(to.path());
    assert_eq!(everything(&moved), whole);
    moved.close();
}

/// What is for a position stands there or nowhere, and so does all that comes with it.
#[test]
fn an_entry_for_another_position_is_not_stored() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    store(&journal, entry(1, 10));
    let at = |position, entries| {
        wait(async {
            let pending = journal.enqueue_at(Position(position), entries).await?;
            pending.durable().await
        })
    };
    // Behind the end, before it, and one that is there already with one that is not.
    for (position, numbers) in [(3, [2, 3]), (1, [2, 3]), (2, [1, 2]), (2, [2, 1])] {
        let entries = numbers.map(|number| entry(number, 10)).to_vec();
        let refused = at(position, entries).unwrap_err();
        let displaced = AppendError::Displaced { next: Position(2) };
        assert_eq!(refused, displaced, "{position} {numbers:?}");
        assert_eq!(journal.durable(), Position(1));
    }
    at(2, vec![entry(2, 10), entry(3, 10)]).unwrap();
    assert_filled(&journal, 3, 10);
    journal.close();
}

/// The disk is full for one write, with more on its way behind it: what follows does not slip
/// into its place, and the next import goes on.
#[test]
fn a_disk_that_is_full_for_a_moment_puts_nothing_out_of_place() {
    const ENOSPC: i32 = 28;
    let from = TempDir::new().unwrap();
    let journal = open(from.path());
    fill_much(&journal, MUCH);
    journal.close();
    let bytes = exported(from.path());
    for skip in [1, 5, 50] {
        let to = TempDir::new().unwrap();
        let disk = Faulty::new();
        let journal = Journal::open_on(importing(to.path()), clock(), disk.clone()).unwrap();
        disk.fail(Fault {
            act: Act::Write,
            skip,
            times: 1,
            errno: ENOSPC,
            done: Done::Nothing,
        });
        let refused = imported_into(&journal, &bytes).unwrap_err();
        assert!(
            matches!(refused, ImportError::Append { .. }),
            "{skip}: {refused}"
        );
        journal.close();
        imported(importing(to.path()), &bytes).unwrap();
        let moved = open(to.path());
        assert_filled(&moved, MUCH, BODY);
        moved.close();
    }
}

/// An import that stores nothing leaves the folder as it was: a gateway opens it.
#[test]
fn an_import_of_the_wrong_file_closes_no_folder() {
    let folders: Vec<_> = (0..2).map(|_| TempDir::new().unwrap()).collect();
    let journal = open(folders[0].path());
    fill(&journal, 3, BODY);
    journal.close();
    let other = open(folders[1].path());
    store(&other, entry(9, BODY));
    other.close();
    let refused = imported(importing(folders[0].path()), &exported(folders[1].path()));
    assert!(
        matches!(refused, Err(ImportError::OtherFeed(_))),
        "{refused:?}"
    );
    let journal = open(folders[0].path());
    assert_filled(&journal, 3, BODY);
    journal.close();
}

/// Sealing twice, or an empty journal, makes no empty segment.
#[test]
fn a_segment_is_sealed_once() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    wait(journal.seal()).unwrap();
    assert!(journal.sealed().is_empty());
    store(&journal, entry(1, BODY));
    wait(journal.seal()).unwrap();
    wait(journal.seal()).unwrap();
    assert_eq!(journal.sealed().len(), 1);
    store(&journal, entry(2, BODY));
    journal.close();
    assert_filled(&open(folder.path()), 2, BODY);
}
