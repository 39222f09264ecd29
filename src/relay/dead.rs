//! Records that a target refused for good: one JSON object a line, appended and synced before the
//! record is acknowledged. They wait for a person, who mends the target and replays them.
//!
//! Invariant: a position stands here at most once, and a file that is full takes no more, so that
//! the relay waits rather than loses.

use super::RelayError;
use super::entry;
use crate::wire::proto::FeedEntry;
use data_encoding::BASE64;
use jiff::Timestamp;
use prost::Message as _;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Most dead letters that wait.
const LETTERS_MAX: usize = 10_000;
/// Largest file of them, bytes.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Longest reason that is kept, characters.
pub(super) const REASON_CHARACTERS_MAX: usize = 500;

/// A record that the target refused.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DeadLetter {
    /// Its place in the feed.
    pub position: u64,
    /// When it was refused, UTC.
    pub refused_at: String,
    /// Why, in the target's words.
    pub reason: String,
    /// The `FeedEntry` as the gateway served it, base64.
    pub bytes: String,
    /// The same, for people. Absent: it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<Box<RawValue>>,
}

/// The file of a relay's dead letters.
#[derive(Debug)]
pub struct DeadLetters {
    path: PathBuf,
    file: File,
    bytes: u64,
    letters: BTreeMap<u64, DeadLetter>,
}

impl DeadLetters {
    /// Opens the file, or makes it. A last line without an end was never acknowledged; it goes.
    ///
    /// # Errors
    /// The disk, or a line that is none of ours.
    pub fn open(folder: &Path) -> Result<Self, RelayError> {
        let path = folder.join("dead-letters.ndjson");
        Self::read(&path).map_err(|reason| RelayError::State { path, reason })
    }

    fn read(path: &Path) -> Result<Self, String> {
        let failed = |error: io::Error| format!("cannot be read: {error}");
        let mut options = File::options();
        options.read(true).write(true).create(true).mode(0o600);
        let mut file = options.open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.len() > FILE_BYTES_MAX {
            return Err(format!("has more than {FILE_BYTES_MAX} bytes"));
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n');
        text.truncate(whole.map_or(0, |end| end + 1));
        let bytes = text.len() as u64;
        file.set_len(bytes).map_err(failed)?;
        file.seek(SeekFrom::Start(bytes)).map_err(failed)?;
        let mut letters = BTreeMap::new();
        for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
            if line.is_empty() {
                continue;
            }
            let letter: DeadLetter = serde_json::from_slice(line)
                .map_err(|error| format!("line {number} is no dead letter: {error}"))?;
            letters.insert(letter.position, letter);
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            bytes,
            letters,
        })
    }

    /// How many wait.
    #[must_use]
    pub fn count(&self) -> usize {
        self.letters.len()
    }

    /// Those that wait, by position.
    pub fn letters(&self) -> impl Iterator<Item = &DeadLetter> {
        self.letters.values()
    }

    /// Writes one, durably. One that stands there already is well.
    ///
    /// # Errors
    /// The disk, or there are as many as may be; the record is not to be acknowledged then.
    pub(super) fn append(
        &mut self,
        served: &FeedEntry,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), String> {
        if self.letters.contains_key(&served.position) {
            return Ok(());
        }
        let json = entry::to_json(served).ok();
        let letter = DeadLetter {
            position: served.position,
            refused_at: now.to_string(),
            reason: reason.chars().take(REASON_CHARACTERS_MAX).collect(),
            bytes: BASE64.encode(&served.encode_to_vec()),
            entry: json.and_then(|json| RawValue::from_string(json).ok()),
        };
        let mut line = serde_json::to_vec(&letter).map_err(|error| error.to_string())?;
        line.push(b'\n');
        let grown = self.bytes.saturating_add(line.len() as u64);
        if self.letters.len() >= LETTERS_MAX || grown > FILE_BYTES_MAX {
            return Err(format!(
                "{} is full with {} dead letters: replay or drop some",
                self.path.display(),
                self.letters.len()
            ));
        }
        let written = self
            .file
            .write_all(&line)
            .and_then(|()| self.file.sync_all());
        if let Err(error) = written {
            // Half a line must not stand before the next one.
            let back = self.file.set_len(self.bytes);
            let _next_write_fails = back.and_then(|()| self.file.seek(SeekFrom::Start(self.bytes)));
            return Err(format!(
                "{}: cannot be written: {error}",
                self.path.display()
            ));
        }
        self.bytes = grown;
        self.letters.insert(letter.position, letter);
        Ok(())
    }

    /// Takes one out, durably.
    ///
    /// # Errors
    /// The disk; it stays then.
    pub(super) fn remove(&mut self, position: u64) -> Result<(), RelayError> {
        let mut text = Vec::new();
        for letter in self.letters.values().filter(|l| l.position != position) {
            let line = serde_json::to_vec(letter).map_err(|error| self.fault(error))?;
            text.extend_from_slice(&line);
            text.push(b'\n');
        }
        write_whole(&self.path, &text).map_err(|error| self.fault(error))?;
        *self = Self::read(&self.path).map_err(|reason| self.fault(reason))?;
        Ok(())
    }

    fn fault(&self, reason: impl std::fmt::Display) -> RelayError {
        RelayError::State {
            path: self.path.clone(),
            reason: reason.to_string(),
        }
    }
}

/// Replaces a file: written beside it, synced, renamed, and the folder synced.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    File::open(path.parent().unwrap_or_else(|| Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(position: u64) -> FeedEntry {
        FeedEntry {
            position,
            ..FeedEntry::default()
        }
    }

    #[test]
    fn a_position_stands_once_and_half_a_line_goes() {
        let folder = tempfile::TempDir::new().unwrap();
        let mut dead = DeadLetters::open(folder.path()).unwrap();
        for position in [3, 9, 3] {
            dead.append(&served(position), "too odd", Timestamp::UNIX_EPOCH)
                .unwrap();
        }
        let path = folder.path().join("dead-letters.ndjson");
        let mut torn = std::fs::read(&path).unwrap();
        torn.extend_from_slice(b"{\"position\":11,");
        std::fs::write(&path, torn).unwrap();
        let mut dead = DeadLetters::open(folder.path()).unwrap();
        let positions: Vec<_> = dead.letters().map(|letter| letter.position).collect();
        assert_eq!(positions, [3, 9]);
        dead.append(&served(11), "too odd", Timestamp::UNIX_EPOCH)
            .unwrap();
        dead.remove(3).unwrap();
        let dead = DeadLetters::open(folder.path()).unwrap();
        let letters: Vec<_> = dead.letters().collect();
        assert_eq!(letters.len(), 2);
        assert_eq!((letters[0].position, letters[1].position), (9, 11));
        assert_eq!(letters[0].reason, "too odd");
        let bytes = BASE64.decode(letters[0].bytes.as_bytes()).unwrap();
        assert_eq!(FeedEntry::decode(bytes.as_slice()).unwrap(), served(9));
    }
}
