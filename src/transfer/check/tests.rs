use super::*;
use crate::journal::{Entry, Position};
use bytes::Bytes;

fn stored(position: u64, key: &str, revision: u32, previous: u64) -> Stored {
    Stored {
        position: Position(position),
        previous: (previous > 0).then_some(Position(previous)),
        entry: Entry {
            key: Bytes::copy_from_slice(key.as_bytes()),
            revision,
            digest: [0; 32],
            stamp_ns: 0,
            body: Bytes::new(),
        },
    }
}

/// What is found of these in so many passes, by rule and position; the bodies are not looked at.
fn found(entries: &[Stored], keys_max: usize) -> (Vec<(&'static str, u64)>, u32) {
    let mut checker = Checker::with_keys(keys_max);
    let mut passes = 0;
    loop {
        for stored in entries {
            checker.removed(stored);
        }
        passes += 1;
        if !checker.ends() {
            break;
        }
    }
    let verdict = checker.verdict();
    assert_eq!(verdict.removed, entries.len() as u64);
    let faults = verdict.faults.iter();
    let faults = faults.map(|fault| (fault.rule, fault.position)).collect();
    (faults, passes)
}

#[test]
fn revisions_name_the_highest_lower_one_that_was_there() {
    let mut entries = [
        stored(1, "a", 1, 0),
        stored(2, "b", 1, 0),
        stored(3, "a", 5, 1),
        stored(4, "a", 3, 1),
        stored(5, "a", 7, 3),
        stored(6, "b", 2, 2),
    ];
    assert_eq!(found(&entries, 100), (Vec::new(), 1));
    entries[4].previous = Some(Position(4));
    entries[5].previous = None;
    let expected = vec![("supersedes", 5), ("supersedes", 6)];
    assert_eq!(found(&entries, 100).0, expected);
}

#[test]
fn a_report_that_stands_twice_and_a_gap_are_found() {
    let twice = [
        stored(1, "a", 1, 0),
        stored(2, "a", 2, 1),
        stored(4, "a", 2, 1),
    ];
    let expected = vec![("position", 4), ("once", 4)];
    assert_eq!(found(&twice, 100).0, expected);
}

/// However many passes it takes, the same is found.
#[test]
fn a_feed_of_more_keys_than_memory_is_read_again() {
    let mut entries: Vec<_> = (1..=500)
        .map(|position| stored(position, &format!("key {position}"), 1, 0))
        .collect();
    for position in 501..=1000 {
        let key = format!("key {}", position - 500);
        entries.push(stored(position, &key, 2, position - 500));
    }
    assert_eq!(found(&entries, 10_000), (Vec::new(), 1));
    entries[700].previous = None;
    entries[900].entry.revision = 1;
    entries[900].previous = None;
    let expected = vec![("supersedes", 701), ("once", 901)];
    assert_eq!(found(&entries, 10_000), (expected.clone(), 1));
    let (faults, passes) = found(&entries, 100);
    assert_eq!(faults, expected);
    assert_eq!(passes, 1 + 13);
}
