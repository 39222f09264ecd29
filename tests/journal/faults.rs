//! The disk refuses: failing syncs and writes stop the journal for good, a full disk only
//! until there is room again, a slow one makes batches grow.

use crate::faulty::{Act, Done, EIO, ENOSPC, Fault, Faulty};
use crate::support::{
    SEGMENT_BYTES, all, append, assert_filled, clock, contents, entry, fill, image, open, open_on,
    settings, store, try_open, wait,
};
use entente::clock::FixedClock;
use entente::journal::{AppendError, Appended, Health, Journal, Position};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const BODY: usize = 1000;

fn fault(act: Act, skip: u64, errno: i32, done: Done) -> Fault {
    Fault {
        act,
        skip,
        times: 1,
        errno,
        done,
    }
}

/// Stores until the fault is met; how many entries have a receipt then.
fn store_until_poisoned(journal: &Journal) -> u64 {
    for number in 1..=200 {
        match append(journal, vec![entry(number, BODY)]) {
            Ok(answers) => assert!(matches!(answers[..], [Appended::Stored(_)])),
            Err(AppendError::Poisoned(_)) => return number - 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    panic!("the fault was not met");
}

/// A fault of this kind stops the journal, whenever it comes; what has a receipt stays.
fn stops_the_journal(act: Act, skip: u64, done: Done) {
    let what = format!("{act:?} after {skip}, {done:?}");
    let folder = TempDir::new().unwrap();
    let disk = Faulty::new();
    let journal = open_on(folder.path(), disk.clone()).unwrap();
    disk.fail(fault(act, skip, EIO, done));
    let receipted = store_until_poisoned(&journal);
    let acts = disk.acts();
    let mut health = journal.health();
    wait(health.wait_for(|health| matches!(health, Health::Poisoned(_)))).unwrap();
    // No later answer says stored, not even for what is stored already: nobody looks any more.
    for number in [1, receipted + 1, 777] {
        let later = append(&journal, vec![entry(number, BODY)]);
        assert!(matches!(later, Err(AppendError::Poisoned(_))), "{later:?}");
    }
    assert_eq!(disk.acts(), acts, "{what}: something was tried again");
    // Reading goes on, up to what is durable.
    assert_filled(&journal, receipted, BODY);
    journal.close();
    disk.cut_power(|| true);
    let journal = open(folder.path());
    let kept = journal.durable().0;
    assert!(kept == receipted || kept == receipted + 1, "{what}: {kept}");
    assert_filled(&journal, kept, BODY);
    let answers = append(&journal, vec![entry(receipted + 1, BODY)]).unwrap();
    match answers[..] {
        [Appended::Stored(receipt)] => assert_eq!(receipt.position().0, kept + 1),
        [Appended::Duplicate(receipt)] => assert_eq!(receipt.position().0, kept),
        _ => panic!("{what}: {answers:?}"),
    }
}

#[test]
fn d08_a_failed_sync_stops_the_journal_for_good() {
    for skip in 0..24 {
        // Failed and not stored; failed and stored all the same.
        stops_the_journal(Act::Sync, skip, Done::Nothing);
        stops_the_journal(Act::Sync, skip, Done::All);
    }
}

#[test]
fn d08_a_failed_write_stops_the_journal_for_good() {
    for skip in 0..16 {
        stops_the_journal(Act::Write, skip, Done::Nothing);
        stops_the_journal(Act::Write, skip, Done::Some(100));
        stops_the_journal(Act::Write, skip, Done::All);
    }
}

#[test]
fn d08_a_name_that_fails_stops_the_journal_for_good() {
    for skip in 0..2 {
        stops_the_journal(Act::Rename, skip, Done::Nothing);
        stops_the_journal(Act::SyncFolder, skip, Done::Nothing);
        stops_the_journal(Act::SyncFolder, skip, Done::All);
    }
}

/// No room while a batch is written: a clear answer, no trace of the batch, and on it goes.
fn full_while_writing(skip: u64, done: Done) {
    let folder = TempDir::new().unwrap();
    let disk = Faulty::new();
    let journal = open_on(folder.path(), disk.clone()).unwrap();
    fill(&journal, 3, BODY);
    disk.fail(fault(Act::Write, skip, ENOSPC, done));
    let refused = append(&journal, vec![entry(4, BODY), entry(1, BODY)]);
    assert!(
        matches!(refused, Err(AppendError::DiskFull { retry_after }) if !retry_after.is_zero())
    );
    assert_eq!(*journal.health().borrow(), Health::DiskFull);
    assert!(disk.is_spent());
    assert_filled(&journal, 3, BODY);
    // A crash now leaves no torn batch: nothing of it is on the disk.
    let crashed = image(folder.path(), false);
    let before = contents(crashed.path());
    let reopened = open(crashed.path());
    assert_filled(&reopened, 3, BODY);
    drop(reopened);
    let after = contents(crashed.path());
    for (name, bytes) in before.iter().filter(|(name, _)| name.starts_with('0')) {
        assert!(after.get(name) == Some(bytes), "{name} had to be mended");
    }
    // There is room again.
    assert_eq!(store(&journal, entry(4, BODY)), Position(4));
    assert_eq!(*journal.health().borrow(), Health::Ready);
    let again = append(&journal, vec![entry(4, BODY)]).unwrap();
    assert!(matches!(again[..], [Appended::Duplicate(_)]));
    journal.close();
    assert_filled(&open(folder.path()), 4, BODY);
}

#[test]
fn d09_a_disk_that_is_full_while_writing_refuses_and_resumes() {
    for done in [Done::Nothing, Done::Some(1), Done::Some(100), Done::All] {
        full_while_writing(0, done);
    }
}

#[test]
fn d09_a_batch_that_cannot_be_undone_stops_the_journal() {
    let folder = TempDir::new().unwrap();
    let disk = Faulty::new();
    let journal = open_on(folder.path(), disk.clone()).unwrap();
    fill(&journal, 3, BODY);
    disk.fail(fault(Act::Write, 0, ENOSPC, Done::Some(100)));
    disk.fail(fault(Act::Write, 0, EIO, Done::Nothing));
    let refused = append(&journal, vec![entry(4, BODY)]);
    assert!(
        matches!(refused, Err(AppendError::Poisoned(_))),
        "{refused:?}"
    );
    journal.close();
    assert_filled(&open(folder.path()), 3, BODY);
}

#[test]
fn d09_no_room_for_the_next_segment_refuses_and_resumes() {
    for done in [Done::Nothing, Done::Some(5000)] {
        let folder = TempDir::new().unwrap();
        let disk = Faulty::new();
        disk.fail(Fault {
            act: Act::Create,
            skip: 1,
            times: 2,
            errno: ENOSPC,
            done,
        });
        let journal = open_on(folder.path(), disk.clone()).unwrap();
        let (mut number, mut refused) = (1, 0);
        while number <= 40 {
            match append(&journal, vec![entry(number, BODY)]) {
                Ok(_) => number += 1,
                Err(AppendError::DiskFull { .. }) => {
                    refused += 1;
                    assert_filled(&journal, number - 1, BODY);
                    assert!(
                        !folder.path().join("next.tmp").exists(),
                        "it keeps the disk full"
                    );
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        // The second failure may be met by the thread that makes segments ahead, by itself.
        assert!((1..=2).contains(&refused) && disk.is_spent(), "{refused}");
        assert_filled(&journal, 40, BODY);
        journal.close();
        assert_filled(&open(folder.path()), 40, BODY);
    }
}

#[test]
fn d09_below_the_floor_it_refuses_and_resumes_by_itself() {
    let folder = TempDir::new().unwrap();
    let disk = Faulty::new();
    let clock = Arc::new(FixedClock::at(jiff::Timestamp::UNIX_EPOCH));
    let mut settings = settings(folder.path());
    settings.free_bytes_floor = 10 * SEGMENT_BYTES;
    disk.set_free_bytes(10 * SEGMENT_BYTES);
    let journal = Journal::open_on(settings, clock.clone(), disk.clone()).unwrap();
    fill(&journal, 3, BODY);
    disk.set_free_bytes(10 * SEGMENT_BYTES - 1);
    clock.advance(Duration::from_secs(1));
    let refused = append(&journal, vec![entry(4, BODY)]);
    assert!(matches!(refused, Err(AppendError::DiskFull { .. })));
    assert_eq!(*journal.health().borrow(), Health::DiskFull);
    assert_eq!(all(&journal).len(), 3, "reading goes on");
    disk.set_free_bytes(10 * SEGMENT_BYTES);
    // Nobody submits anything; it looks by itself.
    let mut health = journal.health();
    wait(health.wait_for(|health| *health == Health::Ready)).unwrap();
    assert_eq!(store(&journal, entry(4, BODY)), Position(4));
}

#[test]
fn d09_no_room_while_it_is_opened_is_an_error_that_passes() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    fill(&journal, 3, BODY);
    let torn = image(folder.path(), false);
    let segment = crate::support::segments(torn.path())[0].clone();
    let mut bytes = std::fs::read(&segment).unwrap();
    let end = crate::support::batches(&bytes).pop().unwrap();
    bytes[usize::try_from(end).unwrap()..][..7].fill(7);
    std::fs::write(&segment, bytes).unwrap();
    let disk = Faulty::new();
    disk.fail(fault(Act::Write, 0, ENOSPC, Done::Nothing));
    let refused = open_on(torn.path(), disk.clone()).expect_err("it cannot cut the tail off");
    assert!(refused.to_string().contains("cannot write"), "{refused}");
    assert_filled(&open_on(torn.path(), disk).unwrap(), 3, BODY);
}

/// While one sync takes long, what arrives meanwhile waits together and shares the next ones.
#[test]
fn d10_a_slow_sync_makes_batches_grow() {
    let folder = TempDir::new().unwrap();
    let disk = Faulty::new();
    let journal = open_on(folder.path(), disk.clone()).unwrap();
    fill(&journal, 3, 20);
    disk.hold_syncs();
    let first = wait(journal.enqueue(vec![entry(4, 20)])).unwrap();
    disk.wait_for_a_sync();
    let before = disk.acts();
    let waiting: Vec<_> = (5..=300)
        .map(|number| wait(journal.enqueue(vec![entry(number, 20)])).unwrap())
        .collect();
    assert_eq!(journal.figures().queued_entries, 297);
    assert_eq!(
        journal.durable(),
        Position(3),
        "nothing is durable before its sync"
    );
    disk.release_syncs();
    wait(first.durable()).unwrap();
    for (pending, number) in waiting.into_iter().zip(5..) {
        let answers = wait(pending.durable()).unwrap();
        let [Appended::Stored(receipt)] = answers[..] else {
            panic!("{answers:?}");
        };
        assert_eq!(receipt.position(), Position(number), "in order");
    }
    // 296 entries in batches of 64: five writes and syncs, and perhaps new segments.
    assert!(
        disk.acts() - before <= 5 * 2 + 3 * 6,
        "{}",
        disk.acts() - before
    );
    assert_eq!(journal.figures().queued_entries, 0);
    assert_filled(&journal, 300, 20);
}

#[test]
fn a_caller_that_never_looks_at_its_answer_holds_up_nobody() {
    let folder = TempDir::new().unwrap();
    let disk = Faulty::new();
    let journal = open_on(folder.path(), disk.clone()).unwrap();
    disk.hold_syncs();
    let first = wait(journal.enqueue(vec![entry(1, 20)])).unwrap();
    disk.wait_for_a_sync();
    // These two share a batch; only the second looks.
    let idle = wait(journal.enqueue(vec![entry(2, 20)])).unwrap();
    let eager = wait(journal.enqueue(vec![entry(3, 20)])).unwrap();
    disk.release_syncs();
    wait(first.durable()).unwrap();
    assert_eq!(wait(eager.durable()).unwrap().len(), 1);
    assert_eq!(wait(idle.durable()).unwrap().len(), 1);
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let folder = TempDir::new().unwrap();
    let try_with = |change: fn(&mut entente::journal::Settings)| {
        let mut settings = settings(folder.path());
        change(&mut settings);
        Journal::open(settings, clock())
            .expect_err("they cannot work")
            .to_string()
    };
    assert!(try_with(|s| s.segment_bytes = SEGMENT_BYTES - 1).contains("segment_bytes"));
    assert!(try_with(|s| s.batch_bytes_max = 12 * 1024).contains("batch_bytes_max"));
    assert!(try_with(|s| s.queue_entries_max = 0).contains("queue"));
    assert!(try_with(|s| s.queue_bytes_max = 1024).contains("queue"));
    assert!(try_open(folder.path()).is_ok());
}
