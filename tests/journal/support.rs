//! A journal in a folder of its own, entries to put into it, and what a crash leaves of it.

use entente::clock::{Clock, SystemClock};
use entente::journal::disk::Disk;
use entente::journal::{
    AppendError, Appended, Entry, Journal, OpenError, Position, Settings, Stored,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// The smallest segments that there are: a few batches fill one.
pub(crate) const SEGMENT_BYTES: u64 = 16 * 1024;
/// Where batches begin.
pub(crate) const FRAMES_FROM: u64 = 4096;
/// Size of a batch's header.
pub(crate) const HEADER_BYTES: u64 = 80;

thread_local! {
    static RUNTIME: tokio::runtime::Runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
}

/// Waits for something asynchronous.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    RUNTIME.with(|runtime| runtime.block_on(future))
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::default())
}

/// Small segments, everything read from disk, no floor. The folder is closed to others.
pub(crate) fn settings(folder: &Path) -> Settings {
    use std::os::unix::fs::PermissionsExt as _;
    if folder.exists() {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    let mut settings = Settings::new(folder.to_owned());
    settings.segment_bytes = SEGMENT_BYTES;
    settings.batch_bytes_max = 8 * 1024;
    settings.batch_entries_max = 64;
    settings.queue_bytes_max = 64 * 1024;
    settings.queue_entries_max = 1024;
    settings.free_bytes_floor = 0;
    settings.tail_bytes_max = 0;
    settings
}

pub(crate) fn try_open(folder: &Path) -> Result<Journal, OpenError> {
    Journal::open(settings(folder), clock())
}

pub(crate) fn open(folder: &Path) -> Journal {
    try_open(folder).unwrap()
}

pub(crate) fn open_on(folder: &Path, disk: Arc<dyn Disk>) -> Result<Journal, OpenError> {
    Journal::open_on(settings(folder), clock(), disk)
}

pub(crate) fn append(journal: &Journal, entries: Vec<Entry>) -> Result<Vec<Appended>, AppendError> {
    wait(journal.append(entries))
}

/// An entry that says its number, with a body of so many bytes.
pub(crate) fn entry(number: u64, body_bytes: usize) -> Entry {
    let mut body = format!("body {number} ").into_bytes();
    body.resize(body_bytes.max(body.len()), b'x');
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&number.to_le_bytes());
    Entry {
        key: format!("key-{number:06}").into_bytes().into(),
        revision: 1,
        digest,
        stamp_ns: 1_000_000_000 * i64::try_from(number).unwrap(),
        body: body.into(),
    }
}

/// Stores one entry in a batch of its own; its position.
pub(crate) fn store(journal: &Journal, entry: Entry) -> Position {
    match append(journal, vec![entry]).unwrap().as_slice() {
        [Appended::Stored(receipt)] => receipt.position(),
        other => panic!("not stored: {other:?}"),
    }
}

/// Stores entries 1 to `count`, each in a batch of its own, at these positions.
pub(crate) fn fill(journal: &Journal, count: u64, body_bytes: usize) {
    for number in 1..=count {
        assert_eq!(store(journal, entry(number, body_bytes)), Position(number));
    }
}

/// Everything that is in a journal, read a few at a time.
pub(crate) fn all(journal: &Journal) -> Vec<Stored> {
    let mut found: Vec<Stored> = Vec::new();
    loop {
        let from = Position(found.len() as u64 + 1);
        if from > journal.durable() {
            return found;
        }
        let read = journal.read(from, 7, 4096).unwrap();
        assert!(!read.is_empty(), "nothing at {from}");
        found.extend(read);
    }
}

/// The journal holds entries 1 to `count` as [`fill`] made them, and nothing else.
#[track_caller]
pub(crate) fn assert_filled(journal: &Journal, count: u64, body_bytes: usize) {
    assert_eq!(journal.durable(), Position(count));
    for (stored, number) in all(journal).into_iter().zip(1..) {
        assert_eq!(stored.position, Position(number));
        assert_eq!(stored.previous, None);
        assert_eq!(stored.entry, entry(number, body_bytes));
    }
}

/// The files of a folder as a crash would leave them now; the lock, and the index unless it
/// is wanted, stay behind.
pub(crate) fn image(folder: &Path, with_index: bool) -> TempDir {
    let image = TempDir::new().unwrap();
    copy(folder, image.path(), with_index);
    image
}

fn copy(from: &Path, to: &Path, with_folders: bool) {
    for item in std::fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        let target = to.join(item.file_name());
        if item.file_type().unwrap().is_dir() {
            if with_folders {
                std::fs::create_dir(&target).unwrap();
                copy(&item.path(), &target, true);
            }
        } else if item.file_name() != "lock" {
            // The next segment may be renamed while this looks.
            let _gone = std::fs::copy(item.path(), target);
        }
    }
}

/// The segments of a journal, in order.
pub(crate) fn segments(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|item| item.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.ends_with(".segment") && name.starts_with('0')
        })
        .collect();
    found.sort();
    found
}

pub(crate) fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// Where the batches of a segment begin, and where the last one ends.
pub(crate) fn batches(bytes: &[u8]) -> Vec<u64> {
    let mut offsets = vec![FRAMES_FROM];
    loop {
        let at = usize::try_from(*offsets.last().unwrap()).unwrap();
        if bytes.get(at..at + 4) != Some(b"ENTB") {
            return offsets;
        }
        let payload = u32::from_le_bytes(bytes[at + 8..at + 12].try_into().unwrap());
        offsets.push(at as u64 + HEADER_BYTES + u64::from(payload));
    }
}

/// Every file of the folder with its bytes, but for the lock.
pub(crate) fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|item| item.unwrap().path())
        .filter(|path| path.is_file() && name(path) != "lock")
        .map(|path| (name(&path), std::fs::read(&path).unwrap()))
        .collect()
}

/// A seeded sequence (splitmix64), so that a run can be played again.
#[derive(Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}
