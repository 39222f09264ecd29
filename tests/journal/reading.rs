//! Reading: from memory and from disk, across batches and segments, never past what is durable.

use crate::support::{append, assert_filled, clock, entry, open, segments, settings, store, wait};
use entente::journal::{Journal, Position};
use tempfile::TempDir;

const BODY: usize = 300;

/// Stores entries 1 to `count` in batches of 1 to 7.
fn fill_unevenly(journal: &Journal, count: u64) {
    let mut next = 1;
    while next <= count {
        let end = (next + next % 7).min(count);
        append(journal, (next..=end).map(|n| entry(n, BODY)).collect()).unwrap();
        next = end + 1;
    }
}

#[test]
fn any_range_reads_the_same_across_batches_and_segments() {
    let folder = TempDir::new().unwrap();
    let mut memory = settings(folder.path());
    memory.tail_bytes_max = 4 * 1024;
    let journal = Journal::open(memory, clock()).unwrap();
    fill_unevenly(&journal, 200);
    assert!(segments(folder.path()).len() > 5);
    for from in 1..=200 {
        for entries_max in [1, 2, 64, 1000] {
            let read = journal
                .read(Position(from), entries_max, usize::MAX)
                .unwrap();
            assert_eq!(
                read.len(),
                entries_max.min(201 - usize::try_from(from).unwrap())
            );
            for (stored, number) in read.iter().zip(from..) {
                assert_eq!(stored.position, Position(number));
                assert_eq!(stored.entry, entry(number, BODY));
            }
        }
    }
    journal.close();
    assert_filled(&open(folder.path()), 200, BODY);
}

#[test]
fn limits_of_bytes_hold_but_one_entry_always_comes() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    fill_unevenly(&journal, 50);
    for from in [1, 10, 49] {
        assert_eq!(journal.read(Position(from), 10, 1).unwrap().len(), 1);
        let two = journal.read(Position(from), 10, 2 * (BODY + 80)).unwrap();
        assert!((1..=2).contains(&two.len()), "{}", two.len());
    }
}

#[test]
fn there_is_nothing_beyond_what_is_durable() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    assert_eq!(journal.durable(), Position(0));
    assert!(journal.read(Position(1), 10, 1000).unwrap().is_empty());
    store(&journal, entry(1, BODY));
    assert!(journal.read(Position(2), 10, 1000).unwrap().is_empty());
    assert_eq!(journal.read_recent(Position(2), 10, 1000), Some(Vec::new()));
    assert!(
        journal
            .read(Position(u64::MAX), 10, 1000)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn the_durable_position_is_followed_and_read_as_soon_as_it_is_told() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    let mut durable = journal.watch_durable();
    let reader = std::thread::spawn({
        let journal = journal.clone();
        move || {
            let mut seen = 0;
            while seen < 100 {
                wait(durable.wait_for(|durable| durable.0 > seen)).unwrap();
                let last = durable.borrow_and_update().0;
                for number in seen + 1..=last {
                    let read = journal.read(Position(number), 1, 1).unwrap();
                    assert_eq!(read[0].entry, entry(number, BODY));
                }
                seen = last;
            }
        }
    });
    for number in 1..=100 {
        store(&journal, entry(number, BODY));
    }
    reader.join().unwrap();
}

#[test]
fn many_readers_at_places_of_their_own_do_not_disturb_each_other() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    fill_unevenly(&journal, 200);
    let readers: Vec<_> = (0..80_u64)
        .map(|reader| {
            let journal = journal.clone();
            std::thread::spawn(move || {
                let mut next = 1 + reader * 2;
                while next <= 200 {
                    let read = journal.read(Position(next), 3, usize::MAX).unwrap();
                    for stored in read {
                        assert_eq!(stored.entry, entry(next, BODY));
                        next += 1;
                    }
                }
            })
        })
        .collect();
    for reader in readers {
        reader.join().unwrap();
    }
}
