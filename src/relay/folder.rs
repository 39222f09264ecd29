//! The folder of a relay: its owner's alone, and one process at a time.

use super::RelayError;
use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Holds a relay's folder until it is dropped.
#[derive(Debug)]
pub struct Folder {
    _lock: File,
}

impl Folder {
    /// Makes the folder if it is not there, and takes it.
    ///
    /// # Errors
    /// Others than its owner may enter it, another process has it, or the disk refuses.
    pub fn take(path: &Path) -> Result<Self, RelayError> {
        let fault = |reason: String| RelayError::State {
            path: path.to_owned(),
            reason,
        };
        let failed = |error: std::io::Error| fault(format!("cannot be used: {error}"));
        let mut builder = DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(path);
        made.map_err(failed)?;
        let mode = std::fs::metadata(path).map_err(failed)?;
        let mode = mode.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(fault(format!(
                "its mode is {mode:04o}, so others than its owner have access; set it to 0700"
            )));
        }
        let mut options = File::options();
        options.write(true).create(true).truncate(false).mode(0o600);
        let lock = options.open(path.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(fault(
                "another process of this relay is at work; stop it first".to_owned(),
            )),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}
