//! The index is derived from the log: lost, damaged or of another journal, the answers stay.

use crate::support::{append, clock, entry, fill, image, open, settings};
use entente::journal::{AppendError, Appended, Entry, Journal, Position};
use std::collections::HashMap;
use std::path::Path;
use tempfile::TempDir;

const BODY: usize = 20;
const COUNT: u64 = 300;

/// A closed journal with entries 1 to `COUNT`, and a second revision of every third.
fn written() -> (TempDir, HashMap<(u64, u32), Position>) {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    fill(&journal, COUNT, BODY);
    let mut places: HashMap<_, _> = (1..=COUNT).map(|n| ((n, 1), Position(n))).collect();
    for number in (3..=COUNT).step_by(3) {
        let second = Entry {
            revision: 2,
            ..entry(number, BODY)
        };
        let position = crate::support::store(&journal, second);
        places.insert((number, 2), position);
    }
    journal.close();
    (folder, places)
}

/// Every entry is known at its place, with either digest; a new one is new.
fn assert_answers(journal: &Journal, places: &HashMap<(u64, u32), Position>) {
    for ((number, revision), position) in places {
        let same = Entry {
            revision: *revision,
            ..entry(*number, BODY)
        };
        let other = Entry {
            digest: [9; 32],
            ..same.clone()
        };
        let answers = append(journal, vec![same, other]).unwrap();
        let [Appended::Duplicate(one), Appended::Conflict(two)] = answers[..] else {
            panic!("{number}/{revision}: {answers:?}");
        };
        assert_eq!((one.position(), two.position()), (*position, *position));
    }
    assert_eq!(journal.durable().0, places.len() as u64);
    let third = Entry {
        revision: 3,
        ..entry(3, BODY)
    };
    let answers = append(journal, vec![third, entry(999_999, BODY)]).unwrap();
    let [Appended::Stored(third), Appended::Stored(new)] = answers[..] else {
        panic!("{answers:?}");
    };
    assert_eq!(third.previous(), Some(places[&(3, 2)]));
    assert_eq!(new.previous(), None);
}

#[test]
fn d13_a_deleted_index_is_rebuilt() {
    let (folder, places) = written();
    std::fs::remove_dir_all(folder.path().join("index")).unwrap();
    assert_answers(&open(folder.path()), &places);
}

#[test]
fn d13_an_index_that_is_no_folder_is_moved_aside() {
    let (folder, places) = written();
    let index = folder.path().join("index");
    std::fs::remove_dir_all(&index).unwrap();
    std::fs::write(&index, b"not a database").unwrap();
    assert_answers(&open(folder.path()), &places);
}

#[test]
fn d13_an_empty_index_is_filled() {
    let (folder, places) = written();
    let index = folder.path().join("index");
    std::fs::remove_dir_all(&index).unwrap();
    std::fs::create_dir(&index).unwrap();
    assert_answers(&open(folder.path()), &places);
}

#[test]
fn d13_the_index_of_another_journal_is_refused() {
    let (folder, places) = written();
    let other = TempDir::new().unwrap();
    let journal = open(other.path());
    for number in 1..=5 {
        append(&journal, vec![entry(7000 + number, BODY)]).unwrap();
    }
    journal.close();
    let other = image(other.path(), true);
    let index = folder.path().join("index");
    std::fs::remove_dir_all(&index).unwrap();
    std::fs::rename(other.path().join("index"), &index).unwrap();
    assert_answers(&open(folder.path()), &places);
    assert!(
        folder.path().join("index.refused").exists(),
        "it is kept aside"
    );
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for item in std::fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.metadata().unwrap().len() > 0 {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Bytes of the index are wrong, in one file at a time, all over it or at one place: the journal
/// may have to be started again to notice, but it never gives a wrong answer, and it never
/// stays down.
#[test]
fn d13_a_damaged_index_gives_no_wrong_answer_and_is_rebuilt() {
    let (folder, places) = written();
    let names = files(&folder.path().join("index"));
    let mut starts = 0;
    for name in names {
        let length = usize::try_from(name.metadata().unwrap().len()).unwrap();
        let mut damages: Vec<Vec<usize>> = vec![(0..length).step_by(3).collect()];
        damages.extend([1, 3, 5, 7].map(|eighths| vec![length * eighths / 8]));
        for damage in damages {
            let damaged = image(folder.path(), true);
            let path = damaged
                .path()
                .join(name.strip_prefix(folder.path()).unwrap());
            let mut bytes = std::fs::read(&path).unwrap();
            for at in damage {
                bytes[at] ^= 0x55;
            }
            std::fs::write(&path, bytes).unwrap();
            starts += starts_until_answers(damaged.path(), &places);
        }
    }
    println!("{starts} starts");
}

fn starts_until_answers(folder: &Path, places: &HashMap<(u64, u32), Position>) -> u32 {
    for start in 1..=2 {
        let journal = open(folder);
        let all = (1..=COUNT).try_for_each(|number| {
            let answers = append(&journal, vec![entry(number, BODY)])?;
            let [Appended::Duplicate(receipt)] = answers[..] else {
                panic!("{number}: {answers:?}");
            };
            assert_eq!(receipt.position(), places[&(number, 1)]);
            Ok(())
        });
        match all {
            Ok(()) => {
                assert_answers(&journal, places);
                return start;
            }
            // The process ends, and is started again.
            Err(AppendError::Poisoned(_)) => journal.close(),
            Err(other) => panic!("{other:?}"),
        }
    }
    panic!("it stays down");
}

/// A log that is too long to be indexed before it serves: answers about keys that the index
/// has not reached may be "later", never wrong.
#[test]
fn d13_while_a_long_log_is_indexed_no_answer_is_wrong() {
    const LONG: u64 = 270_000;
    let folder = TempDir::new().unwrap();
    let mut large = settings(folder.path());
    large.segment_bytes = 16 * 1024 * 1024;
    large.batch_entries_max = 4096;
    large.batch_bytes_max = 2 * 1024 * 1024;
    large.queue_bytes_max = 8 * 1024 * 1024;
    large.queue_entries_max = 16_384;
    let open = || Journal::open(large.clone(), clock()).unwrap();
    let journal = open();
    let numbers: Vec<u64> = (1..=LONG).collect();
    for chunk in numbers.chunks(4096) {
        append(&journal, chunk.iter().map(|n| entry(*n, 1)).collect()).unwrap();
    }
    journal.close();
    std::fs::remove_dir_all(folder.path().join("index")).unwrap();
    let journal = open();
    let (mut later, mut new) = (0, 0);
    let mut waiting: Vec<u64> = (1..=LONG).rev().step_by(997).collect();
    while let Some(number) = waiting.pop() {
        match append(&journal, vec![entry(number, 1)]) {
            Ok(answers) => {
                let [Appended::Duplicate(receipt)] = answers[..] else {
                    panic!("{number}: {answers:?}");
                };
                assert_eq!(receipt.position(), Position(number));
            }
            Err(AppendError::Overloaded { .. }) => {
                later += 1;
                waiting.insert(0, number);
            }
            Err(other) => panic!("{other:?}"),
        }
        // New ones go on being stored, once each, unless the filter takes one for known.
        if later % 50 == 0 {
            match append(&journal, vec![entry(LONG + 1 + new, 1)]) {
                Ok(answers) => {
                    let [Appended::Stored(receipt)] = answers[..] else {
                        panic!("{answers:?}");
                    };
                    new += 1;
                    assert_eq!(receipt.position(), Position(LONG + new));
                }
                Err(AppendError::Overloaded { .. }) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(journal.durable(), Position(LONG + new));
    println!("{later} answers were put off, {new} new entries stored meanwhile");
    journal.close();
    let journal = open();
    for number in [1, LONG, LONG + 1] {
        let answers = append(&journal, vec![entry(number, 1)]).unwrap();
        assert!(matches!(answers[..], [Appended::Duplicate(r)] if r.position().0 == number));
    }
}
