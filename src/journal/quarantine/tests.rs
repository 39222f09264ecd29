//! The quarantine on a disk that fills up, and a database that has to be opened again.

use super::store::REOPEN_PAUSE;
use super::{Bounds, Quarantine, QuarantineError, Settings};
use crate::clock::FixedClock;
use crate::journal::disk::{Disk, DiskFile, RealDisk};
use bytes::Bytes;
use jiff::Timestamp;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

const FLOOR: u64 = 1000;
const BOUNDS: Bounds = Bounds {
    reports_max: 100,
    bytes_max: 1_000_000,
};

/// The real disk, but it says what the test wants of its free bytes, and when.
#[derive(Debug)]
struct Narrow {
    free: AtomicU64,
    asked: AtomicU64,
    gate: Mutex<()>,
}

impl Disk for Narrow {
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        RealDisk.create_folder(folder)
    }
    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        RealDisk.list(folder)
    }
    fn create_zeroed(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
        RealDisk.create_zeroed(path, bytes)
    }
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        RealDisk.open(path)
    }
    fn open_read(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        RealDisk.open_read(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        RealDisk.sync_folder(folder)
    }
    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let _open = self.gate.lock().unwrap();
        Ok(self.free.load(Ordering::Relaxed))
    }
}

struct Site {
    folder: TempDir,
    disk: Arc<Narrow>,
    clock: Arc<FixedClock>,
    quarantine: Arc<Quarantine>,
}

fn site() -> Site {
    let folder = TempDir::new().unwrap();
    let disk = Arc::new(Narrow {
        free: AtomicU64::new(FLOOR),
        asked: AtomicU64::new(0),
        gate: Mutex::default(),
    });
    let clock = Arc::new(FixedClock::at(Timestamp::UNIX_EPOCH));
    let settings = Settings {
        queue_bytes_max: 1000,
        free_bytes_floor: FLOOR,
        ..Settings::new(folder.path().join("quarantine"))
    };
    let quarantine = Quarantine::open_on(settings, clock.clone(), disk.clone()).unwrap();
    Site {
        folder,
        disk,
        clock,
        quarantine: Arc::new(quarantine),
    }
}

impl Site {
    async fn put(&self, body: &'static str) -> Result<(), QuarantineError> {
        let bodies = vec![Bytes::from_static(body.as_bytes())];
        self.quarantine.put("GBR", BOUNDS, bodies).await
    }

    fn kept(&self) -> Vec<(u64, Bytes)> {
        let mut kept = Vec::new();
        let visit = |number, body| {
            kept.push((number, body));
            ControlFlow::Continue(())
        };
        self.quarantine.scan("GBR", 1, visit).unwrap();
        kept
    }
}

#[tokio::test]
async fn below_the_floor_nothing_is_taken_and_above_it_goes_on() {
    let site = site();
    site.put("one").await.unwrap();
    site.disk.free.store(FLOOR - 1, Ordering::Relaxed);
    let refused = site.put("two").await.unwrap_err();
    assert!(matches!(refused, QuarantineError::Full { .. }), "{refused}");
    assert_eq!(site.quarantine.count("GBR"), 1);
    site.disk.free.store(FLOOR, Ordering::Relaxed);
    site.put("three").await.unwrap();
    let kept = [(1, Bytes::from("one")), (2, Bytes::from("three"))];
    assert_eq!(site.kept(), kept);
}

#[tokio::test]
async fn a_database_that_stopped_is_opened_again_but_not_all_the_time() {
    let site = site();
    site.put("one").await.unwrap();
    let (folder, aside) = (
        site.folder.path().join("quarantine"),
        site.folder.path().join("aside"),
    );
    *site.quarantine.store.opened.write().unwrap() = None;
    std::fs::rename(&folder, &aside).unwrap();
    std::fs::write(&folder, "in the way").unwrap();
    let failed = site.put("two").await.unwrap_err();
    assert!(matches!(failed, QuarantineError::Database(_)), "{failed}");
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&aside, &folder).unwrap();
    let early = site.put("two").await.unwrap_err();
    assert!(matches!(early, QuarantineError::Stopped), "{early}");
    assert_eq!(site.quarantine.count("GBR"), 1);
    site.clock.advance(REOPEN_PAUSE);
    site.put("two").await.unwrap();
    assert_eq!(
        site.kept(),
        [(1, Bytes::from("one")), (2, Bytes::from("two"))]
    );
}

#[test]
fn what_waits_is_bounded_in_bytes() {
    let site = site();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let put = |bytes: usize| {
        let quarantine = Arc::clone(&site.quarantine);
        let bodies = vec![Bytes::from(vec![7; bytes])];
        runtime.spawn(async move { quarantine.put("GBR", BOUNDS, bodies).await })
    };
    let closed = site.disk.gate.lock().unwrap();
    let mut puts = vec![put(1)];
    runtime.block_on(async {
        while site.disk.asked.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
    });
    // The thread stands before the gate with the first; what follows waits in the queue.
    puts.extend([put(800), put(800), put(5000)]);
    runtime.block_on(async {
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
    });
    let queue = site.quarantine.puts.as_ref().unwrap();
    let queued = queue.max_capacity() - queue.capacity();
    drop(closed);
    assert_eq!(queued, 1);
    for put in puts {
        runtime.block_on(put).unwrap().unwrap();
    }
    assert_eq!(site.kept().len(), 4);
}

#[test]
fn a_folder_that_others_may_enter_is_not_used() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    let mode = |mode| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(folder.path(), mode).unwrap();
    };
    let open = || {
        let clock = Arc::new(FixedClock::at(Timestamp::UNIX_EPOCH));
        Quarantine::open(Settings::new(folder.path().to_owned()), clock)
    };
    mode(0o750);
    let refused = open().unwrap_err().to_string();
    assert!(refused.contains("mode 0750"), "{refused}");
    assert!(refused.contains("chmod 700"), "{refused}");
    mode(0o700);
    open().unwrap();
}
