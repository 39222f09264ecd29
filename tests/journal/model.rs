//! Random operations, also restarts, crashes, power cuts and faults, held against a plain list.
//! `ENTENTE_JOURNAL_SEED` plays one seed again, `ENTENTE_JOURNAL_SEEDS` plays more of them.

use crate::faulty::{Act, Done, EIO, ENOSPC, Fault, Faulty};
use crate::support::{Dice, open_on};
use entente::journal::{AppendError, Appended, Entry, Journal, Position, Stored};
use std::sync::Arc;
use tempfile::TempDir;

const STEPS: u64 = 60;
const SEEDS: u64 = 24;

/// What the journal should hold.
#[derive(Debug, Default)]
struct Model {
    stored: Vec<Stored>,
}

impl Model {
    /// What the answer to an entry should be; a new one is taken in.
    fn take(&mut self, entry: &Entry) -> (char, u64, Option<u64>) {
        let same_key = |stored: &&Stored| stored.entry.key == entry.key;
        let revisions: Vec<&Stored> = self.stored.iter().filter(same_key).collect();
        if let Some(known) = revisions
            .iter()
            .find(|stored| stored.entry.revision == entry.revision)
        {
            let same = known.entry.digest == entry.digest;
            let previous = known.previous.map(|position| position.0);
            return (if same { 'd' } else { 'c' }, known.position.0, previous);
        }
        let previous = revisions
            .iter()
            .filter(|stored| stored.entry.revision < entry.revision)
            .max_by_key(|stored| stored.entry.revision)
            .map(|stored| stored.position);
        let superseded = revisions
            .iter()
            .any(|stored| stored.entry.revision > entry.revision);
        let position = Position(self.stored.len() as u64 + 1);
        self.stored.push(Stored {
            position,
            previous,
            entry: entry.clone(),
        });
        let letter = if superseded { 'o' } else { 's' };
        (letter, position.0, previous.map(|position| position.0))
    }
}

fn told(answer: &Appended) -> (char, u64, Option<u64>) {
    let (letter, receipt) = match answer {
        Appended::Stored(receipt) => ('s', receipt),
        Appended::Superseded(receipt) => ('o', receipt),
        Appended::Duplicate(receipt) => ('d', receipt),
        Appended::Conflict(receipt) => ('c', receipt),
        Appended::TooManyRevisions | Appended::TooLarge { .. } => {
            panic!("none has so many revisions, or so many bytes")
        }
    };
    let previous = receipt.previous().map(|position| position.0);
    (letter, receipt.position().0, previous)
}

struct Run {
    dice: Dice,
    folder: TempDir,
    disk: Arc<Faulty>,
    journal: Option<Journal>,
    model: Model,
}

impl Run {
    fn new(seed: u64) -> Self {
        let folder = TempDir::new().unwrap();
        let disk = Faulty::new();
        let journal = open_on(folder.path(), disk.clone()).unwrap();
        Self {
            dice: Dice(seed),
            folder,
            disk,
            journal: Some(journal),
            model: Model::default(),
        }
    }

    fn journal(&self) -> &Journal {
        self.journal.as_ref().unwrap()
    }

    fn entries(&mut self) -> Vec<Entry> {
        let count = 1 + self.dice.roll(6);
        (0..count)
            .map(|_| {
                let size = usize::try_from(self.dice.roll(1200)).unwrap();
                Entry {
                    key: format!(
                        "key {}",
                        self.dice.roll(40 + self.model.stored.len() as u64)
                    )
                    .into_bytes()
                    .into(),
                    revision: 1 + u32::try_from(self.dice.roll(4)).unwrap(),
                    digest: [u8::from(self.dice.roll(4) == 0); 32],
                    stamp_ns: i64::try_from(self.dice.roll(1 << 40)).unwrap(),
                    body: vec![u8::try_from(self.dice.roll(256)).unwrap(); size].into(),
                }
            })
            .collect()
    }

    /// Appends; `false`: the journal is stopped, and the entries may or may not be stored.
    fn append(&mut self, entries: &[Entry]) -> bool {
        match crate::support::append(self.journal(), entries.to_vec()) {
            Ok(answers) => {
                let expected: Vec<_> = entries.iter().map(|e| self.model.take(e)).collect();
                assert_eq!(answers.iter().map(told).collect::<Vec<_>>(), expected);
                true
            }
            Err(AppendError::DiskFull { .. }) => true,
            Err(AppendError::Poisoned(_)) => false,
            Err(other) => panic!("{other:?}"),
        }
    }

    fn read(&mut self) {
        let total = self.model.stored.len();
        assert_eq!(self.journal().durable(), Position(total as u64));
        let from = usize::try_from(self.dice.roll(total as u64 + 2)).unwrap();
        let most = 1 + usize::try_from(self.dice.roll(20)).unwrap();
        let read = self
            .journal()
            .read(Position(from as u64 + 1), most, usize::MAX)
            .unwrap();
        let expected: Vec<_> = self.model.stored.iter().skip(from).take(most).collect();
        assert_eq!(read.iter().collect::<Vec<_>>(), expected);
    }

    /// Starts anew, and finds out what became of the entries that nobody has an answer for.
    fn restart(&mut self, in_doubt: &[Entry]) {
        self.journal.take().unwrap().close();
        let keep = self.dice.roll(3);
        let dice = &mut self.dice;
        // All of what was not synced is there, or nothing, or some of it.
        self.disk.cut_power(|| match keep {
            0 => false,
            1 => true,
            _ => dice.roll(2) == 0,
        });
        if self.dice.roll(4) == 0 {
            let _was_there = std::fs::remove_dir_all(self.folder.path().join("index"));
        }
        self.disk = Faulty::new();
        self.journal = Some(open_on(self.folder.path(), self.disk.clone()).unwrap());
        let durable = self.journal().durable().0;
        if durable != self.model.stored.len() as u64 {
            for entry in in_doubt {
                self.model.take(entry);
            }
        }
        // A batch is there as a whole or not at all.
        assert_eq!(durable, self.model.stored.len() as u64);
    }

    fn step(&mut self) {
        let entries = self.entries();
        match self.dice.roll(16) {
            0 => self.restart(&[]),
            1 | 2 => {
                let done = match self.dice.roll(3) {
                    0 => Done::Nothing,
                    1 => Done::Some(usize::try_from(self.dice.roll(500)).unwrap()),
                    _ => Done::All,
                };
                self.disk.stop_after(self.dice.roll(8), done);
                let mut batch = entries;
                while self.append(&batch) {
                    batch = self.entries();
                }
                self.restart(&batch);
            }
            3 => {
                let act = if self.dice.roll(2) == 0 {
                    Act::Sync
                } else {
                    Act::Write
                };
                let done = if self.dice.roll(2) == 0 {
                    Done::Nothing
                } else {
                    Done::All
                };
                self.disk.fail(Fault {
                    act,
                    skip: self.dice.roll(3),
                    times: 1,
                    errno: EIO,
                    done,
                });
                let mut batch = entries;
                while self.append(&batch) {
                    batch = self.entries();
                }
                self.restart(&batch);
            }
            4 => {
                // Only the batch itself: there a full disk is undone.
                self.disk.fail(Fault {
                    act: Act::Create,
                    skip: 0,
                    times: 1,
                    errno: ENOSPC,
                    done: Done::Some(100),
                });
                assert!(self.append(&entries));
            }
            5..=8 => self.read(),
            _ => assert!(self.append(&entries)),
        }
    }
}

/// D7: at a power cut what was never synced is gone, all of it, none, or some writes and names.
#[test]
fn random_operations_agree_with_a_plain_list() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap());
    let seeds = match number("ENTENTE_JOURNAL_SEED") {
        Some(seed) => seed..seed + 1,
        None => 1..1 + number("ENTENTE_JOURNAL_SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        println!("ENTENTE_JOURNAL_SEED={seed}");
        let mut run = Run::new(seed);
        for _ in 0..STEPS {
            run.step();
        }
        run.restart(&[]);
        run.disk.mend();
        assert_eq!(crate::support::all(run.journal()), run.model.stored);
    }
}
