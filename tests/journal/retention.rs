//! Segments are removed and their remains stay: retries, the index, positions and the chain of
//! hashes go on as if nothing had been, whatever moment the machine stops at (D11).

use crate::faulty::{Done, Faulty};
use crate::support::{
    append, assert_filled, clock, contents, entry, fill, image, name, open, open_on, segments,
    settings, store, try_open,
};
use bytes::Bytes;
use entente::clock::FixedClock;
use entente::journal::examine::{Seen, Summary, examine};
use entente::journal::{
    Appended, Journal, OpenError, Position, ReadError, Removal, RemovalOrder, RemoveError, Stored,
};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

const BODY: usize = 1000;
const REMOVED_AT_NS: i64 = 1_800_000_000_000_000_000;
const RULE: u32 = 0x0003_0001;

fn order(first: Position) -> RemovalOrder {
    RemovalOrder {
        first,
        at_ns: REMOVED_AT_NS,
        rule: RULE,
    }
}

/// What stays of a body: its first word.
fn shorten(stored: &Stored) -> Bytes {
    stored.entry.body.slice(..4)
}

fn remove_oldest(journal: &Journal) -> Result<Removal, RemoveError> {
    let oldest = journal.sealed()[0];
    journal.remove(&order(oldest.first), &mut shorten)
}

fn verified(folder: &Path) -> Summary {
    let everything = (Position(1), Position(u64::MAX));
    examine(folder, everything, &mut |_| ControlFlow::Continue(())).unwrap()
}

/// Entries 1 to `count` get the receipts that they got first, and conflicting ones theirs.
#[track_caller]
fn assert_retries_are_exact(journal: &Journal, count: u64) {
    for number in 1..=count {
        let first = entry(number, BODY);
        let mut other = first.clone();
        other.digest[31] = 9;
        let answers = append(journal, vec![first.clone(), other]).unwrap();
        let [Appended::Duplicate(receipt), Appended::Conflict(earlier)] = answers[..] else {
            panic!("{number}: {answers:?}");
        };
        assert_eq!(receipt, earlier);
        assert_eq!(receipt.position(), Position(number));
        assert_eq!(receipt.stamp_ns(), first.stamp_ns);
        assert_eq!(receipt.digest(), &first.digest);
    }
}

#[test]
fn what_was_removed_is_gone_for_readers_and_remembered_for_senders() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    fill(&journal, 50, BODY);
    let sealed = journal.sealed();
    assert_eq!(sealed.len() + 1, segments(folder.path()).len());
    let before = journal.log_bytes();
    let removal = remove_oldest(&journal).unwrap();
    assert_eq!(
        (removal.first, removal.last),
        (sealed[0].first, sealed[0].last)
    );
    assert_eq!((removal.at_ns, removal.rule), (REMOVED_AT_NS, RULE));
    assert_eq!(removal.bytes, sealed[0].bytes);
    assert!(journal.log_bytes() <= before);
    let first = Position(sealed[0].last.0 + 1);
    let looks_so = |journal: &Journal| {
        assert_eq!((journal.first(), journal.durable()), (first, Position(50)));
        assert_eq!(journal.removals(), [removal]);
        for gone in [0, 1, sealed[0].last.0] {
            let read = journal.read(Position(gone), 10, 10_000);
            let Err(ReadError::Removed { first: said, .. }) = read else {
                panic!("{gone}: {read:?}");
            };
            assert_eq!(said, first);
            assert_eq!(journal.read_recent(Position(gone), 1, 1), None);
        }
        let read = journal.read(first, 1, 1).unwrap();
        assert_eq!(read[0].entry, entry(first.0, BODY));
        let left = journal.read_with_remains(Position(1), 1, 1).unwrap();
        assert_eq!(left[0].entry.key, entry(1, BODY).key);
        assert_eq!(&left[0].entry.body[..], b"body");
        assert_retries_are_exact(journal, 50);
    };
    looks_so(&journal);
    journal.close();
    looks_so(&open(folder.path()));
}

#[test]
fn only_the_oldest_goes_and_never_the_segment_that_is_written() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    fill(&journal, 30, BODY);
    let sealed = journal.sealed();
    assert!(sealed.len() >= 2);
    let refused = journal.remove(&order(sealed[1].first), &mut shorten);
    assert!(
        matches!(refused, Err(RemoveError::NotRemovable(_))),
        "{refused:?}"
    );
    for _ in 0..sealed.len() {
        remove_oldest(&journal).unwrap();
    }
    assert_eq!(journal.sealed(), []);
    let refused = journal.remove(&order(journal.first()), &mut shorten);
    assert!(
        matches!(refused, Err(RemoveError::NotRemovable(_))),
        "{refused:?}"
    );
    journal.close();
    // After a start, too, when nothing may have been written to it since.
    let journal = open(folder.path());
    assert_eq!(journal.sealed(), []);
    assert_eq!(store(&journal, entry(31, BODY)), Position(31));
    assert_retries_are_exact(&journal, 31);
}

#[test]
fn the_index_is_rebuilt_from_remains_and_log() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    fill(&journal, 40, BODY);
    let mut second = entry(1, BODY);
    second.revision = 3;
    store(&journal, second.clone());
    for _ in 0..2 {
        remove_oldest(&journal).unwrap();
    }
    journal.close();
    std::fs::remove_dir_all(folder.path().join("index")).unwrap();
    let journal = open(folder.path());
    assert_retries_are_exact(&journal, 40);
    // Revisions know each other across the border.
    let mut between = entry(1, BODY);
    between.revision = 2;
    let answers = append(&journal, vec![between, second]).unwrap();
    let [Appended::Superseded(receipt), Appended::Duplicate(again)] = answers[..] else {
        panic!("{answers:?}");
    };
    assert_eq!(
        (receipt.position(), receipt.previous()),
        (Position(42), Some(Position(1)))
    );
    assert_eq!(again.position(), Position(41));
}

#[test]
fn verify_proves_the_chain_across_what_was_removed() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    fill(&journal, 50, BODY);
    let removals = [
        remove_oldest(&journal).unwrap(),
        remove_oldest(&journal).unwrap(),
    ];
    let summary = verified(folder.path());
    assert_eq!(summary.damage, []);
    assert_eq!(summary.removals, removals);
    assert_eq!(summary.removed_entries + summary.entries, 50);
    assert_eq!(summary.positions, Some((journal.first(), Position(50))));
    journal.close();
    let mut seen = Vec::new();
    let range = (Position(2), Position(3));
    examine(folder.path(), range, &mut |found| {
        if let Seen::Removed(stored) = found {
            seen.push(stored.position.0);
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(seen, [2, 3]);
    // Remains of another segment do not fit into the chain.
    let copy = image(folder.path(), false);
    let first = &remains(copy.path())[0];
    let mut bytes = std::fs::read(first).unwrap();
    bytes[70] ^= 1;
    let crc = crc32c::crc32c(&bytes[..124]);
    bytes[124..128].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(first, bytes).unwrap();
    assert!(verified(copy.path()).damage_count > 0);
}

fn remains(folder: &Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir(folder)
        .unwrap()
        .map(|item| item.unwrap().path());
    let mut found: Vec<_> = all
        .filter(|path| name(path).ends_with(".remains"))
        .collect();
    found.sort();
    found
}

#[test]
fn damaged_or_missing_remains_are_said_and_nothing_is_changed() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    fill(&journal, 40, BODY);
    remove_oldest(&journal).unwrap();
    remove_oldest(&journal).unwrap();
    journal.close();
    let whole = std::fs::read(&remains(folder.path())[1]).unwrap();
    let footer_at = 16 * 1024 - 76 - 16 * 6;
    assert_eq!(whole.len(), 16 * 1024);
    let damaged = remains(folder.path())[1].clone();
    for (at, opens) in [
        (3, false),
        (70, false),
        (footer_at + 3, false),
        // With its index it is only met by whoever asks for it.
        (4200, true),
    ] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&damaged, bytes).unwrap();
        let before = contents(folder.path());
        let opened = try_open(folder.path());
        assert_eq!(opened.is_ok(), opens, "{at}: {opened:?}");
        if !opens {
            assert_eq!(contents(folder.path()), before);
        }
        assert!(verified(folder.path()).damage_count > 0, "{at}");
    }
    std::fs::write(&damaged, whole).unwrap();
    let copy = image(folder.path(), false);
    std::fs::remove_file(&remains(copy.path())[0]).unwrap();
    let opened = try_open(copy.path());
    assert!(
        matches!(opened, Err(OpenError::Missing { from: 1, .. })),
        "{opened:?}"
    );
    assert!(verified(copy.path()).damage_count > 0);
}

#[test]
fn a_damaged_segment_is_never_removed() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    fill(&journal, 30, BODY);
    let oldest = segments(folder.path())[0].clone();
    let mut bytes = std::fs::read(&oldest).unwrap();
    bytes[6000] ^= 1;
    std::fs::write(&oldest, bytes).unwrap();
    let refused = remove_oldest(&journal);
    assert!(
        matches!(refused, Err(RemoveError::Damaged { .. })),
        "{refused:?}"
    );
    assert!(oldest.exists());
    assert_eq!(
        (remains(folder.path()).len(), journal.first()),
        (0, Position(1))
    );
    assert!(!contents(folder.path()).contains_key("remains.tmp"));
}

/// The machine stops before, in and after every act of a removal, with and without the loss of
/// what was not synced, and once more in the start after it.
#[test]
fn d11_a_crash_at_any_step_of_a_removal_loses_nothing() {
    let stops = [Done::Nothing, Done::Some(30), Done::All];
    for (done, power_cut) in stops
        .into_iter()
        .flat_map(|done| [(done, false), (done, true)])
    {
        let mut step = 0;
        loop {
            let what = format!("{done:?} {power_cut} {step}");
            let folder = TempDir::new().unwrap();
            let disk = Faulty::new();
            let journal = open_on(folder.path(), disk.clone()).unwrap();
            fill(&journal, 30, BODY);
            let (oldest, count) = (journal.sealed()[0], journal.sealed().len());
            disk.stop_after(step, done);
            let removed = remove_oldest(&journal);
            let was_stopped = disk.is_stopped();
            journal.close();
            if power_cut {
                disk.cut_power(|| true);
            }
            let again = Faulty::new();
            again.stop_after(step % 4, done);
            drop(open_on(folder.path(), again.clone()));
            if power_cut {
                again.cut_power(|| true);
            }
            let journal = open(folder.path());
            let first = journal.first();
            let is_whole = first == Position(1);
            assert!(is_whole || first.0 == oldest.last.0 + 1, "{what}: {first}");
            assert!(
                removed.is_err() || !is_whole,
                "{what}: it was said to be removed"
            );
            if is_whole {
                assert_filled(&journal, 30, BODY);
            }
            assert_eq!(
                segments(folder.path()).len() - 1,
                count - usize::from(!is_whole),
                "{what}"
            );
            assert!(
                !contents(folder.path()).contains_key("remains.tmp"),
                "{what}"
            );
            assert_retries_are_exact(&journal, 30);
            for number in 31..=40 {
                assert_eq!(
                    store(&journal, entry(number, BODY)),
                    Position(number),
                    "{what}"
                );
            }
            remove_oldest(&journal).unwrap();
            assert_eq!(verified(folder.path()).damage, [], "{what}");
            if !was_stopped {
                assert!(step >= 6, "a removal has {step} acts");
                break;
            }
            step += 1;
        }
    }
}

/// After a failed sync nobody knows what is stored: nothing more is removed, and everything
/// else goes on.
#[test]
fn d11_a_failed_sync_of_the_name_ends_removal_and_nothing_else() {
    use crate::faulty::{Act, EIO, Fault};
    let folder = TempDir::new().unwrap();
    let disk = Faulty::new();
    let journal = open_on(folder.path(), disk.clone()).unwrap();
    fill(&journal, 30, BODY);
    disk.fail(Fault {
        act: Act::SyncFolder,
        skip: 0,
        times: 1,
        errno: EIO,
        done: Done::Nothing,
    });
    let failed = remove_oldest(&journal);
    assert!(matches!(failed, Err(RemoveError::Unknown(_))), "{failed:?}");
    let stopped = remove_oldest(&journal);
    assert!(matches!(stopped, Err(RemoveError::Stopped)), "{stopped:?}");
    assert_eq!(store(&journal, entry(31, BODY)), Position(31));
    assert_filled(&journal, 31, BODY);
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/journal/v1-remains")
}

fn write_fixture() {
    let folder = TempDir::new().unwrap();
    let now = jiff::Timestamp::from_second(1_767_722_400).unwrap();
    let journal = Journal::open(settings(folder.path()), Arc::new(FixedClock::at(now))).unwrap();
    fill(&journal, 20, BODY);
    remove_oldest(&journal).unwrap();
    journal.close();
    let _was_there = std::fs::remove_dir_all(fixture());
    std::fs::create_dir_all(fixture()).unwrap();
    for file in segments(folder.path())
        .into_iter()
        .chain(remains(folder.path()))
    {
        std::fs::copy(&file, fixture().join(name(&file))).unwrap();
    }
}

/// As `format.rs` does for segments: what was written once opens for ever.
#[test]
fn d15_a_journal_with_remains_of_version_1_opens() {
    if std::env::var("ENTENTE_FIXTURES").is_ok_and(|what| what == "write") {
        write_fixture();
    }
    let folder = TempDir::new().unwrap();
    for item in std::fs::read_dir(fixture()).unwrap() {
        let path = item.unwrap().path();
        std::fs::copy(&path, folder.path().join(name(&path))).unwrap();
    }
    let left = std::fs::read(&remains(folder.path())[0]).unwrap();
    assert_eq!(left[..8], *b"ENTREMA1");
    assert_eq!(left[96..104], REMOVED_AT_NS.to_le_bytes());
    assert_eq!(left[112..116], RULE.to_le_bytes());
    let journal = Journal::open(settings(folder.path()), clock()).unwrap();
    let removals = journal.removals();
    assert_eq!(left[104..112], removals[0].bytes.to_le_bytes());
    assert_eq!((removals.len(), removals[0].first), (1, Position(1)));
    assert_eq!(journal.first(), Position(removals[0].last.0 + 1));
    assert_retries_are_exact(&journal, 20);
    assert_eq!(store(&journal, entry(21, BODY)), Position(21));
    assert_eq!(verified(folder.path()).damage, []);
}
