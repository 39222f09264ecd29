//! A wall clock that a test moves under a process that runs: libfaketime, which `tests/run`
//! installs. Monotonic time stays as it is, as with a bad time server.

use std::path::{Path, PathBuf};

/// The library, where Debian puts it.
fn library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").unwrap();
    let folders = folders.map(|folder| folder.unwrap().path().join("faketime"));
    folders
        .map(|folder| folder.join("libfaketimeMT.so.1"))
        .find(|library| library.is_file())
        .expect("no libfaketime: run `tests/run toolchain` once")
}

/// How far a process's clock is off, in a file that it looks into.
#[derive(Debug)]
pub(crate) struct MovedClock {
    file: PathBuf,
    library: PathBuf,
}

impl MovedClock {
    /// A clock that is right so far.
    pub(crate) fn new(file: &Path) -> Self {
        let clock = Self {
            file: file.to_owned(),
            library: library(),
        };
        clock.set_hours(0);
        clock
    }

    /// Moves it to so many hours from the right time, for whoever runs by it.
    pub(crate) fn set_hours(&self, hours: i32) {
        // Nobody reads it half-written.
        let next = self.file.with_extension("next");
        std::fs::write(&next, format!("{hours:+}h\n")).unwrap();
        std::fs::rename(next, &self.file).unwrap();
    }

    /// What a process that runs by it needs.
    pub(crate) fn environment(&self) -> [(&'static str, &str); 4] {
        [
            ("LD_PRELOAD", self.library.to_str().unwrap()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.to_str().unwrap()),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ]
    }
}
