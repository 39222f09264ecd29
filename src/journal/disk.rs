//! The few things that the log asks of a disk, behind a trait, so that tests can let any of
//! them fail. It knows files and folders, never what is in them.
//!
//! Invariant: what [`Disk::create_zeroed`] returned and [`DiskFile::sync`] confirmed is on
//! stable storage; nothing else is.

use super::layout::{size, wide};
use std::fmt::Debug;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

/// A disk.
pub trait Disk: Debug + Send + Sync + 'static {
    /// Makes a folder that only its owner may enter; one that exists so is well.
    ///
    /// # Errors
    /// What the system says; one exists that others may enter.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;
    /// Names in a folder, sorted.
    ///
    /// # Errors
    /// What the system says.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;
    /// Makes a file of zeros, allocated, written and synced; one that exists is replaced.
    ///
    /// # Errors
    /// What the system says.
    fn create_zeroed(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn DiskFile>>;
    /// Opens a file to read and write.
    ///
    /// # Errors
    /// What the system says.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// Opens a file to read.
    ///
    /// # Errors
    /// What the system says.
    fn open_read(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// Gives a file another name. Durable after [`Disk::sync_folder`].
    ///
    /// # Errors
    /// What the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// What the system says.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
    /// Free bytes that an ordinary user may still take.
    ///
    /// # Errors
    /// What the system says.
    fn free_bytes(&self, folder: &Path) -> io::Result<u64>;
}

/// An open file.
pub trait DiskFile: Debug + Send + Sync + 'static {
    /// Size in bytes.
    ///
    /// # Errors
    /// What the system says.
    fn bytes(&self) -> io::Result<u64>;
    /// Fills the buffer from an offset, as far as the file goes; says how far that was.
    ///
    /// # Errors
    /// What the system says.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all bytes at an offset.
    ///
    /// # Errors
    /// What the system says; some of the bytes may have been written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Waits until all that was written is on stable storage (fdatasync).
    ///
    /// # Errors
    /// What the system says; what is stored is then unknown.
    fn sync(&self) -> io::Result<()>;
    /// Says that a range which is on stable storage will hardly be read again. Only advice:
    /// nothing depends on it.
    fn forget(&self, _from: u64, _bytes: u64) {}
    /// Says that a range will be read soon. Only advice.
    fn expect(&self, _from: u64, _bytes: u64) {}
}

/// The system's disk.
#[derive(Debug, Default)]
pub struct RealDisk;

/// Permission bits by which others than the owner reach a folder.
const OTHERS_MODE: u32 = 0o077;
/// How much is zero-filled at a time.
const ZEROS_BYTES: usize = 1024 * 1024;
/// The unit in which files are cached.
pub(super) const PAGE_BYTES: u64 = 4096;

/// Writes zeros over a range.
pub(super) fn write_zeros(file: &dyn DiskFile, from: u64, to: u64) -> io::Result<()> {
    let zeros = vec![0_u8; ZEROS_BYTES.min(size(to.saturating_sub(from)))];
    let mut at = from;
    while at < to {
        let step = wide(zeros.len()).min(to - at);
        file.write_at(zeros.get(..size(step)).unwrap_or(&zeros), at)?;
        at += step;
    }
    Ok(())
}

/// Writes zeros over a whole file past the page cache, where the file system can do that: the
/// pages would be written once more with batches, and nobody reads them before. Says whether.
fn zero_unbuffered(path: &Path, bytes: u64) -> io::Result<bool> {
    let flags = rustix::fs::OFlags::DIRECT | rustix::fs::OFlags::CLOEXEC;
    let flags = flags | rustix::fs::OFlags::WRONLY;
    let file = match rustix::fs::open(path, flags, rustix::fs::Mode::empty()) {
        Ok(file) => File::from(file),
        Err(rustix::io::Errno::INVAL) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    if !bytes.is_multiple_of(PAGE_BYTES) {
        return Ok(false);
    }
    // Unbuffered writes want memory, offset and length on the borders of blocks.
    let page = size(PAGE_BYTES);
    let memory = vec![0_u8; ZEROS_BYTES + page];
    let from = memory.as_ptr().align_offset(page);
    let zeros = memory.get(from..from.saturating_add(ZEROS_BYTES));
    let Some(zeros) = zeros else {
        return Ok(false);
    };
    let mut at = 0;
    while at < bytes {
        let step = wide(ZEROS_BYTES).min(bytes - at);
        let chunk = zeros.get(..size(step)).unwrap_or(zeros);
        match file.write_all_at(chunk, at) {
            Ok(()) => at += step,
            // Not every file system that opens so also writes so.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

impl Disk for RealDisk {
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let mode = std::fs::metadata(folder)?.permissions().mode() & 0o7777;
        if mode & OTHERS_MODE == 0 {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!(
                "it has mode {mode:04o}, so others than its owner have access; chmod 700 mends it"
            ),
        ))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for found in std::fs::read_dir(folder)? {
            // A name that is not UTF-8 is none of ours.
            if let Ok(name) = found?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn create_zeroed(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        match rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
            // Zeros are written in any case; allocation only asks for the space at once.
            Ok(()) | Err(rustix::io::Errno::OPNOTSUPP) => {}
            Err(error) => return Err(error.into()),
        }
        if !zero_unbuffered(path, bytes)? {
            write_zeros(&RealFile(file.try_clone()?), 0, bytes)?;
        }
        file.sync_all()?;
        Ok(Arc::new(RealFile(file)))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Arc::new(RealFile(file)))
    }

    fn open_read(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(RealFile(File::open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    fn free_bytes(&self, folder: &Path) -> io::Result<u64> {
        let found = rustix::fs::statvfs(folder)?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }
}

#[derive(Debug)]
struct RealFile(File);

impl DiskFile for RealFile {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.0.read_at(rest, offset.saturating_add(wide(filled))) {
                Ok(0) => break,
                Ok(some) => filled += some,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        // Not retried on any error, EINTR included: after a failed sync nobody knows what is
        // stored, and a second one may lie.
        rustix::fs::fdatasync(&self.0).map_err(io::Error::from)
    }

    fn forget(&self, from: u64, bytes: u64) {
        let bytes = std::num::NonZeroU64::new(bytes);
        // Advice that is not taken costs memory, nothing else.
        let _taken = rustix::fs::fadvise(&self.0, from, bytes, rustix::fs::Advice::DontNeed);
    }

    fn expect(&self, from: u64, bytes: u64) {
        let bytes = std::num::NonZeroU64::new(bytes);
        // Advice that is not taken costs time, nothing else.
        let _taken = rustix::fs::fadvise(&self.0, from, bytes, rustix::fs::Advice::WillNeed);
    }
}
