//! Makes the next segment ahead of need: allocated, zero-filled, synced and named, on a thread
//! of its own, so that the writer only has to put a header on it.

use super::disk::{Disk, DiskFile};
use super::segment::{SPARE_NAME, SPARE_UNFINISHED};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

type Made = io::Result<Arc<dyn DiskFile>>;

/// The next segment, or the promise of one.
#[derive(Debug)]
pub(super) struct Spare {
    ready: Option<Arc<dyn DiskFile>>,
    asked: bool,
    orders: Option<SyncSender<()>>,
    made: Receiver<Made>,
    thread: Option<JoinHandle<()>>,
}

impl Spare {
    /// Starts the thread. A segment that was made before is taken as it is.
    pub(super) fn start(
        disk: Arc<dyn Disk>,
        folder: PathBuf,
        bytes: u64,
        ready: Option<Arc<dyn DiskFile>>,
    ) -> io::Result<Self> {
        let (orders, ordered) = sync_channel(1);
        let (done, made) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("journal-spare".to_owned())
            .spawn(move || {
                while ordered.recv().is_ok() {
                    if done.send(make(&*disk, &folder, bytes)).is_err() {
                        return;
                    }
                }
            })?;
        Ok(Self {
            ready,
            asked: false,
            orders: Some(orders),
            made,
            thread: Some(thread),
        })
    }

    /// Has the next one made, unless it is there or on its way.
    pub(super) fn order(&mut self) {
        if self.ready.is_none() && !self.asked {
            self.asked = self
                .orders
                .as_ref()
                .is_some_and(|orders| orders.try_send(()).is_ok());
        }
    }

    /// Takes it; waits until it is made.
    pub(super) fn take(&mut self) -> Made {
        if let Some(ready) = self.ready.take() {
            return Ok(ready);
        }
        let was_asked = self.asked;
        match self.make() {
            // It failed at some time since it was ordered; what counts is whether it fails now.
            Err(_) if was_asked => self.make(),
            made => made,
        }
    }

    fn make(&mut self) -> Made {
        self.order();
        self.asked = false;
        self.made
            .recv()
            .map_err(|_| io::Error::other("the thread that makes segments has ended"))?
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

fn make(disk: &dyn Disk, folder: &Path, bytes: u64) -> Made {
    let unfinished = folder.join(SPARE_UNFINISHED);
    let file = disk.create_zeroed(&unfinished, bytes).inspect_err(|_| {
        // What was allocated so far would only keep the disk full.
        let _gone = disk.remove(&unfinished);
    })?;
    disk.rename(&unfinished, &folder.join(SPARE_NAME))?;
    disk.sync_folder(folder)?;
    Ok(file)
}
