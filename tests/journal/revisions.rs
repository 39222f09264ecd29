//! Keys, revisions and digests: what is new, what was there, what is refused. And one folder,
//! one journal.

use crate::support::{append, clock, entry, open, settings, store, try_open, wait};
use entente::journal::{AppendError, Appended, Entry, Journal, OpenError, Position};
use tempfile::TempDir;

fn revision(key: &str, revision: u32, digest: u8) -> Entry {
    Entry {
        key: key.as_bytes().to_vec().into(),
        revision,
        digest: [digest; 32],
        ..entry(1, 20)
    }
}

fn one(journal: &Journal, entry: Entry) -> Appended {
    append(journal, vec![entry]).unwrap()[0]
}

#[test]
fn a_repeated_entry_gets_its_first_receipt() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    let Appended::Stored(first) = one(&journal, entry(1, 20)) else {
        panic!("it is new");
    };
    // Only key, revision and digest count; the time of the first stays.
    let again = Entry {
        stamp_ns: 77,
        body: Vec::new().into(),
        ..entry(1, 20)
    };
    assert_eq!(one(&journal, again.clone()), Appended::Duplicate(first));
    assert_eq!(first.stamp_ns(), entry(1, 20).stamp_ns);
    journal.close();
    let journal = open(folder.path());
    assert_eq!(one(&journal, again), Appended::Duplicate(first));
    assert_eq!(journal.durable(), Position(1));
}

#[test]
fn the_same_key_with_another_digest_is_a_conflict_and_the_first_stays() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    let Appended::Stored(first) = one(&journal, revision("a", 1, 1)) else {
        panic!("it is new");
    };
    assert_eq!(
        one(&journal, revision("a", 1, 2)),
        Appended::Conflict(first)
    );
    assert_eq!(
        one(&journal, revision("a", 1, 1)),
        Appended::Duplicate(first)
    );
    assert_eq!(first.digest(), &[1; 32]);
    assert_eq!(journal.durable(), Position(1));
}

#[test]
fn revisions_name_what_they_supersede() {
    let folder = TempDir::new().unwrap();
    let mut journal = open(folder.path());
    let expected = [
        // Revision, position, what it supersedes, whether a higher one was there.
        (3, 1, None, false),
        (1, 2, None, true),
        (2, 3, Some(2), true),
        (9, 4, Some(1), false),
        (4, 5, Some(1), true),
    ];
    for (number, position, previous, superseded) in expected {
        let answer = one(&journal, revision("a", number, 1));
        let (receipt, is_superseded) = match answer {
            Appended::Stored(receipt) => (receipt, false),
            Appended::Superseded(receipt) => (receipt, true),
            other => panic!("{other:?}"),
        };
        assert_eq!(is_superseded, superseded, "revision {number}");
        assert_eq!(receipt.position(), Position(position));
        assert_eq!(
            receipt.previous(),
            previous.map(Position),
            "revision {number}"
        );
        let stored = journal.read(Position(position), 1, 1).unwrap();
        assert_eq!(stored[0].previous, previous.map(Position));
        // The same from the index as from memory.
        journal.close();
        journal = open(folder.path());
        assert_eq!(
            one(&journal, revision("a", number, 1)),
            Appended::Duplicate(receipt)
        );
    }
    // Another key knows nothing of it.
    assert!(matches!(
        one(&journal, revision("b", 1, 1)),
        Appended::Stored(_)
    ));
}

#[test]
fn entries_of_one_batch_see_each_other() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    let batch = vec![
        revision("a", 1, 1),
        revision("a", 1, 1),
        revision("a", 1, 2),
        revision("a", 2, 1),
        revision("b", 1, 1),
    ];
    let answers = append(&journal, batch).unwrap();
    let [
        Appended::Stored(first),
        Appended::Duplicate(same),
        Appended::Conflict(conflict),
        Appended::Stored(second),
        Appended::Stored(other),
    ] = answers[..]
    else {
        panic!("{answers:?}");
    };
    assert_eq!((first, first), (same, conflict));
    assert_eq!(second.previous(), Some(first.position()));
    assert_eq!(other.position(), Position(3));
    assert_eq!(journal.durable(), Position(3));
}

#[test]
fn a_key_has_at_most_4096_revisions() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    let revisions: Vec<Entry> = (1..=4097).map(|number| revision("a", number, 1)).collect();
    for chunk in revisions[..4096].chunks(32) {
        for answer in append(&journal, chunk.to_vec()).unwrap() {
            assert!(matches!(answer, Appended::Stored(_)), "{answer:?}");
        }
    }
    for _ in 0..2 {
        assert_eq!(
            one(&journal, revisions[4096].clone()),
            Appended::TooManyRevisions
        );
    }
    assert!(matches!(
        one(&journal, revisions[0].clone()),
        Appended::Duplicate(_)
    ));
    assert!(matches!(
        one(&journal, revision("b", 1, 1)),
        Appended::Stored(_)
    ));
    journal.close();
    let journal = open(folder.path());
    assert_eq!(
        one(&journal, revisions[4096].clone()),
        Appended::TooManyRevisions
    );
    assert!(matches!(
        one(&journal, revisions[4095].clone()),
        Appended::Duplicate(_)
    ));
}

#[test]
fn what_cannot_be_stored_at_all_is_refused_with_the_limit() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    let refused = |entry: Entry| match append(&journal, vec![entry]) {
        Ok(answers) => format!("{answers:?}"),
        Err(error) => format!("{error:?}"),
    };
    let long_key = Entry {
        key: vec![b'k'; 513].into(),
        ..entry(1, 20)
    };
    let between = vec![long_key.clone(), entry(7, 20), long_key.clone()];
    assert!(refused(long_key).contains("TooLarge { bytes: 513, bytes_max: 512 }"));
    let limit = "bytes_max: 8192";
    assert!(refused(entry(1, 9000)).contains(limit));
    assert_eq!(journal.durable(), Position(0));
    let longest_key = Entry {
        key: vec![b'k'; 512].into(),
        ..entry(1, 20)
    };
    assert_eq!(store(&journal, longest_key), Position(1));
    // As large as a batch may be, to the byte.
    let whole = 8192 - 80 - 60 - "key-000002".len();
    assert_eq!(store(&journal, entry(2, whole)), Position(2));
    assert!(refused(entry(3, whole + 1)).contains("TooLarge { bytes: 8193, bytes_max: 8192 }"));
    assert_eq!(journal.durable(), Position(2));
    // One that cannot be stored takes no neighbour with it.
    let answers = append(&journal, between).unwrap();
    assert!(
        matches!(
            answers.as_slice(),
            [
                Appended::TooLarge { .. },
                Appended::Stored(_),
                Appended::TooLarge { .. }
            ]
        ),
        "{answers:?}"
    );
    assert_eq!(append(&journal, Vec::new()), Ok(Vec::new()));
}

#[test]
fn d16_a_second_journal_on_the_same_folder_is_refused() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    match try_open(folder.path()) {
        Err(OpenError::InUse { folder: named }) => assert_eq!(named, folder.path()),
        other => panic!("{other:?}"),
    }
    assert_eq!(store(&journal, entry(1, 20)), Position(1));
    let reader = journal.clone();
    journal.close();
    // A clone keeps nothing open for writing, but the folder is still ours.
    assert!(matches!(
        append(&reader, vec![entry(2, 20)]),
        Err(AppendError::Closed)
    ));
    assert!(matches!(
        try_open(folder.path()),
        Err(OpenError::InUse { .. })
    ));
    drop(reader);
    assert_eq!(open(folder.path()).durable(), Position(1));
}

#[test]
fn the_folder_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    let journal = folder.path().join("new/journal");
    store(&open(&journal), entry(1, 20));
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&journal), 0o700);
    for file in crate::support::segments(&journal) {
        assert_eq!(mode(&file), 0o600);
    }
}

/// S1 and S2: a storm of retries of one report, some with other bytes.
#[test]
fn fifty_tasks_with_the_same_key_get_one_position() {
    let folder = TempDir::new().unwrap();
    let journal = Journal::open(settings(folder.path()), clock()).unwrap();
    let (mut stored, mut duplicates, mut conflicts) = (0, 0, 0);
    wait(async {
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..50_u8 {
            let journal = journal.clone();
            let entry = revision("storm", 1, u8::from(number % 5 == 4));
            tasks.spawn(async move { journal.append(vec![entry]).await });
        }
        let mut first_digest = None;
        let mut answers = Vec::new();
        while let Some(answer) = tasks.join_next().await {
            answers.push(answer.unwrap().unwrap()[0]);
        }
        for answer in answers {
            let receipt = match answer {
                Appended::Stored(receipt) => {
                    stored += 1;
                    receipt
                }
                Appended::Duplicate(receipt) => {
                    duplicates += 1;
                    receipt
                }
                Appended::Conflict(receipt) => {
                    conflicts += 1;
                    receipt
                }
                other => panic!("{other:?}"),
            };
            assert_eq!(receipt.position(), Position(1));
            assert_eq!(
                *first_digest.get_or_insert_with(|| *receipt.digest()),
                *receipt.digest()
            );
        }
    });
    assert_eq!((stored, stored + duplicates + conflicts), (1, 50));
    assert!(conflicts == 10 || conflicts == 40, "{conflicts}");
    assert_eq!(journal.durable(), Position(1));
}
