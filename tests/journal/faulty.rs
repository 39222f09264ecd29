//! A disk over the real one that fails on demand, stops on demand, and forgets at a power cut
//! what was never synced.

use entente::journal::disk::{Disk, DiskFile, RealDisk};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

/// The error of a broken disk.
pub(crate) const EIO: i32 = 5;
/// The error of a full disk.
pub(crate) const ENOSPC: i32 = 28;

/// What is asked of a disk, as far as it can fail here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Create,
    Write,
    Sync,
    Rename,
    Remove,
    SyncFolder,
}

/// How much of a failing act is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    Nothing,
    /// So many bytes of a write.
    Some(usize),
    All,
}

/// Acts of one kind fail, after some that do not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) act: Act,
    pub(crate) skip: u64,
    pub(crate) times: u64,
    pub(crate) errno: i32,
    pub(crate) done: Done,
}

/// Something that a power cut takes back.
#[derive(Debug)]
enum Undo {
    Write {
        file: Arc<dyn DiskFile>,
        offset: u64,
        before: Vec<u8>,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
}

#[derive(Debug, Default)]
struct State {
    faults: Vec<Fault>,
    /// The disk stops at this act of the writer, counted from 0 down; `All`: after it is done.
    stop: Option<(u64, Done)>,
    stopped: bool,
    undo: Vec<Undo>,
    /// Acts that were asked for outside the thread that makes segments ahead.
    acts: u64,
}

/// Holds syncs back.
#[derive(Debug, Default)]
struct Gate {
    /// Whether it is shut, and how many syncs stand before it.
    state: Mutex<(bool, usize)>,
    changed: Condvar,
}

impl Gate {
    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.1 += 1;
        self.changed.notify_all();
        state = self.changed.wait_while(state, |state| state.0).unwrap();
        state.1 -= 1;
    }

    fn set(&self, is_shut: bool) {
        self.state.lock().unwrap().0 = is_shut;
        self.changed.notify_all();
    }
}

/// The disk.
#[derive(Debug)]
pub(crate) struct Faulty {
    state: Arc<Mutex<State>>,
    gate: Arc<Gate>,
    free_bytes: AtomicU64,
}

impl Faulty {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Arc::default(),
            gate: Arc::default(),
            free_bytes: AtomicU64::new(u64::MAX),
        })
    }

    /// From now on.
    pub(crate) fn fail(&self, fault: Fault) {
        self.state.lock().unwrap().faults.push(fault);
    }

    /// Nothing fails any more.
    pub(crate) fn mend(&self) {
        self.state.lock().unwrap().faults.clear();
    }

    /// Whether every fault has happened as often as it should.
    pub(crate) fn is_spent(&self) -> bool {
        let state = self.state.lock().unwrap();
        state.faults.iter().all(|fault| fault.times == 0)
    }

    /// Stops at the act that comes after `acts` others: nothing is done any more, as if the
    /// machine stood still.
    pub(crate) fn stop_after(&self, acts: u64, done: Done) {
        self.state.lock().unwrap().stop = Some((acts, done));
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.state.lock().unwrap().stopped
    }

    /// Acts so far, without those of the thread that makes segments ahead.
    pub(crate) fn acts(&self) -> u64 {
        self.state.lock().unwrap().acts
    }

    /// Free disk as it is told; by default more than enough.
    pub(crate) fn set_free_bytes(&self, bytes: u64) {
        self.free_bytes.store(bytes, Ordering::SeqCst);
    }

    /// From now on syncs wait.
    pub(crate) fn hold_syncs(&self) {
        self.gate.set(true);
    }

    /// Waits until a sync waits.
    pub(crate) fn wait_for_a_sync(&self) {
        let state = self.gate.state.lock().unwrap();
        let waited = self.gate.changed.wait_while(state, |state| state.1 == 0);
        drop(waited.unwrap());
    }

    /// Lets all syncs go on.
    pub(crate) fn release_syncs(&self) {
        self.gate.set(false);
    }

    /// What was never synced is gone where `lost` says so, newest first. The journal must be
    /// closed.
    pub(crate) fn cut_power(&self, mut lost: impl FnMut() -> bool) {
        let mut state = self.state.lock().unwrap();
        while let Some(undo) = state.undo.pop() {
            if !lost() {
                continue;
            }
            match undo {
                Undo::Write {
                    file,
                    offset,
                    before,
                } => file.write_at(&before, offset).unwrap(),
                Undo::Rename { from, to } => std::fs::rename(to, from).unwrap(),
            }
        }
    }
}

fn error(errno: i32) -> io::Error {
    io::Error::from_raw_os_error(errno)
}

/// Whether this is the thread that makes segments ahead, whose acts come whenever it runs.
fn is_spare_thread() -> bool {
    std::thread::current().name() == Some("journal-spare")
}

impl State {
    /// Decides about an act: how much of it is done, and what it says.
    fn ask(&mut self, act: Act) -> (Done, io::Result<()>) {
        if self.stopped {
            return (Done::Nothing, Err(error(EIO)));
        }
        if !is_spare_thread() {
            self.acts += 1;
            match &mut self.stop {
                Some((0, done)) => {
                    self.stopped = true;
                    return (*done, Err(error(EIO)));
                }
                Some((acts, _)) => *acts -= 1,
                None => {}
            }
        }
        // Its names are not what faults are about: whether it comes before or after one that
        // is set would be chance.
        let counts = act == Act::Create || !is_spare_thread();
        let mut faults = self.faults.iter_mut();
        while let Some(fault) = faults.find(|fault| counts && fault.act == act) {
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if fault.times > 0 {
                fault.times -= 1;
                return (fault.done, Err(error(fault.errno)));
            }
        }
        (Done::All, Ok(()))
    }
}

impl Disk for Faulty {
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        RealDisk.create_folder(folder)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        RealDisk.list(folder)
    }

    fn create_zeroed(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
        let (done, said) = self.state.lock().unwrap().ask(Act::Create);
        match done {
            Done::Nothing => {}
            // What a full disk leaves: a file that is shorter than asked for.
            Done::Some(part) => std::fs::write(path, vec![0; part])?,
            Done::All => {
                let file = RealDisk.create_zeroed(path, bytes)?;
                said?;
                return Ok(self.wrap(file));
            }
        }
        said?;
        Err(error(EIO))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.wrap(RealDisk.open(path)?))
    }

    fn open_read(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.wrap(RealDisk.open_read(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        let (done, said) = state.ask(Act::Rename);
        if done == Done::All {
            RealDisk.rename(from, to)?;
            // The thread that makes segments ahead may be cut short anywhere; its names are
            // not what these tests are about.
            if !is_spare_thread() {
                let (from, to) = (from.to_owned(), to.to_owned());
                state.undo.push(Undo::Rename { from, to });
            }
        }
        said
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let (done, said) = self.state.lock().unwrap().ask(Act::Remove);
        if done == Done::All {
            RealDisk.remove(path)?;
        }
        said
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        let (done, said) = state.ask(Act::SyncFolder);
        if done == Done::All {
            RealDisk.sync_folder(folder)?;
            state
                .undo
                .retain(|undo| !matches!(undo, Undo::Rename { .. }));
        }
        said
    }

    fn free_bytes(&self, _folder: &Path) -> io::Result<u64> {
        Ok(self.free_bytes.load(Ordering::SeqCst))
    }
}

impl Faulty {
    fn wrap(&self, inner: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(FaultyFile {
            inner,
            state: Arc::clone(&self.state),
            gate: Arc::clone(&self.gate),
        })
    }
}

#[derive(Debug)]
struct FaultyFile {
    inner: Arc<dyn DiskFile>,
    state: Arc<Mutex<State>>,
    gate: Arc<Gate>,
}

impl FaultyFile {
    /// Forgets how to take back what is durable now, or takes it back.
    fn settle(&self, state: &mut State, lost: bool) {
        let mut index = state.undo.len();
        while index > 0 {
            index -= 1;
            let ours = matches!(&state.undo[index],
                Undo::Write { file, .. } if Arc::ptr_eq(file, &self.inner));
            if ours
                && let Undo::Write { offset, before, .. } = state.undo.remove(index)
                && lost
            {
                self.inner.write_at(&before, offset).unwrap();
            }
        }
    }
}

impl DiskFile for FaultyFile {
    fn bytes(&self) -> io::Result<u64> {
        self.inner.bytes()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        let (done, said) = state.ask(Act::Write);
        let length = match done {
            Done::Nothing => 0,
            Done::Some(part) => part.min(bytes.len()),
            Done::All => bytes.len(),
        };
        let written = &bytes[..length];
        if !written.is_empty() {
            let mut before = vec![0; length];
            self.inner.read_at(&mut before, offset)?;
            self.inner.write_at(written, offset)?;
            state.undo.push(Undo::Write {
                file: Arc::clone(&self.inner),
                offset,
                before,
            });
        }
        said
    }

    fn sync(&self) -> io::Result<()> {
        self.gate.pass();
        let mut state = self.state.lock().unwrap();
        let (done, said) = state.ask(Act::Sync);
        // A sync that fails and does nothing drops what was to be written, as Linux does. When
        // the machine stands still, the power cut decides.
        if done == Done::All || !state.stopped {
            self.settle(&mut state, done != Done::All);
        }
        said
    }
}
