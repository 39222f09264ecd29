//! Everything stands still at any act of the disk, and the power may go: at every step of
//! beginning a new segment, and of recovery itself.

use crate::faulty::{Done, Faulty};
use crate::support::{
    append, assert_filled, batches, entry, fill, image, open, open_on, segments, store,
};
use entente::journal::{AppendError, Position};
use std::path::Path;
use tempfile::TempDir;

const BODY: usize = 1000;

/// How a machine can stop at an act: before it, in it, after it; and with the power gone or
/// not, which decides whether what was not synced is still there.
const STOPS: [(Done, bool); 6] = [
    (Done::Nothing, false),
    (Done::Nothing, true),
    (Done::Some(30), false),
    (Done::Some(30), true),
    (Done::All, false),
    (Done::All, true),
];

#[test]
fn d12_a_crash_at_any_step_of_a_new_segment_loses_nothing() {
    for (done, power_cut) in STOPS {
        let mut step = 0;
        loop {
            let folder = TempDir::new().unwrap();
            let disk = Faulty::new();
            let journal = open_on(folder.path(), disk.clone()).unwrap();
            // The next one does not fit any more.
            fill(&journal, 10, BODY);
            assert_eq!(segments(folder.path()).len(), 1);
            disk.stop_after(step, done);
            let receipted = match append(&journal, vec![entry(11, BODY)]) {
                Ok(_) => 11,
                Err(AppendError::Poisoned(_)) => 10,
                Err(other) => panic!("{other:?}"),
            };
            let was_stopped = disk.is_stopped();
            journal.close();
            if power_cut {
                disk.cut_power(|| true);
            }
            assert_recovers(
                folder.path(),
                receipted,
                &format!("{done:?} {power_cut} {step}"),
            );
            if !was_stopped {
                assert!(step >= 8, "footer, header, name and batch are {step} acts");
                break;
            }
            step += 1;
        }
    }
}

/// What has a receipt is there, perhaps one more, and it goes on.
fn assert_recovers(folder: &Path, receipted: u64, what: &str) {
    let journal = open(folder);
    let kept = journal.durable().0;
    assert!(
        kept == receipted || kept == receipted + 1,
        "{what}: {kept} of {receipted}"
    );
    assert_filled(&journal, kept, BODY);
    for number in kept + 1..=40 {
        assert_eq!(
            store(&journal, entry(number, BODY)),
            Position(number),
            "{what}"
        );
    }
    journal.close();
    assert_filled(&open(folder), 40, BODY);
}

/// A journal whose last batch is torn, and whose next segment is half made.
fn torn() -> TempDir {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    fill(&journal, 7, BODY);
    let torn = image(folder.path(), false);
    let segment = segments(torn.path())[0].clone();
    let mut bytes = std::fs::read(&segment).unwrap();
    let last = usize::try_from(batches(&bytes)[6]).unwrap();
    bytes[last + 200..last + 300].fill(0);
    std::fs::write(&segment, bytes).unwrap();
    std::fs::write(torn.path().join("next.tmp"), b"half").unwrap();
    torn
}

#[test]
fn d03_a_crash_during_recovery_is_recovered_from() {
    for (done, power_cut) in STOPS {
        let mut step = 0;
        loop {
            let folder = torn();
            let disk = Faulty::new();
            disk.stop_after(step, done);
            let opened = open_on(folder.path(), disk.clone());
            let was_stopped = disk.is_stopped();
            assert_eq!(opened.is_err(), was_stopped, "{done:?} {step}");
            drop(opened);
            if power_cut {
                disk.cut_power(|| true);
            }
            assert_recovers(folder.path(), 6, &format!("{done:?} {power_cut} {step}"));
            if !was_stopped {
                assert!(step >= 3, "removing, cutting and syncing are {step} acts");
                break;
            }
            step += 1;
        }
    }
}

#[test]
fn d03_any_number_of_crashes_during_recovery_are_recovered_from() {
    let folder = torn();
    for round in 0..12 {
        let (done, power_cut) = STOPS[round % STOPS.len()];
        let disk = Faulty::new();
        disk.stop_after(round as u64 % 3, done);
        drop(open_on(folder.path(), disk.clone()));
        if power_cut {
            disk.cut_power(|| true);
        }
    }
    assert_recovers(folder.path(), 6, "after twelve");
}

#[test]
fn d03_a_crash_while_a_lost_footer_is_made_anew_is_recovered_from() {
    for (done, power_cut) in STOPS {
        let mut step = 0;
        loop {
            let folder = TempDir::new().unwrap();
            let journal = open(folder.path());
            fill(&journal, 30, BODY);
            let crashed = image(folder.path(), false);
            drop(journal);
            let sealed = segments(crashed.path())[0].clone();
            let mut bytes = std::fs::read(&sealed).unwrap();
            let footer = bytes
                .windows(8)
                .rposition(|part| part == b"ENTFOOT1")
                .unwrap();
            bytes[footer..].fill(0);
            std::fs::write(&sealed, bytes).unwrap();
            let disk = Faulty::new();
            disk.stop_after(step, done);
            drop(open_on(crashed.path(), disk.clone()));
            let was_stopped = disk.is_stopped();
            if power_cut {
                disk.cut_power(|| true);
            }
            assert_recovers(crashed.path(), 30, &format!("{done:?} {power_cut} {step}"));
            if !was_stopped {
                assert!(step >= 2, "writing and syncing are {step} acts");
                break;
            }
            step += 1;
        }
    }
}
