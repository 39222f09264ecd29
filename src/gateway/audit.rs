//! The audit log: every change of trust, every removal and legal hold, one JSON object a line, with who, what, when and
//! effect. Append-only, synced before the change is answered, bounded by rotation.

use crate::retention::Note;
use crate::rpc::changes::{Plan, Who};
use jiff::Timestamp;
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The file, in the folder of trust.
const FILE: &str = "audit.jsonl";
/// Bytes after which a new file is begun.
const BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Older files that are kept, as `audit.jsonl.1` (the newest) and so on.
const OLD_FILES: u32 = 15;
/// Most changes, cuts or faults that one line lists.
const LISTED_MAX: usize = 1000;

/// The log.
#[derive(Debug)]
pub(super) struct Audit {
    file: PathBuf,
    bytes_max: u64,
    /// Held while a line is written: trust and retention write alike.
    writing: Mutex<()>,
}

impl Audit {
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            file: folder.join(FILE),
            bytes_max: BYTES_MAX,
            writing: Mutex::default(),
        }
    }

    /// Whether a line could be written now: asked before a change is made.
    pub(super) fn ready(&self) -> io::Result<()> {
        self.open().map(drop)
    }

    /// A change that was made.
    pub(super) fn applied(
        &self,
        now: Timestamp,
        who: &Who,
        epoch: u64,
        plan: &Plan,
    ) -> io::Result<()> {
        let cuts = plan.cuts.iter().take(LISTED_MAX).map(|cut| {
            let identity = cut.peer.identity();
            json!({
                "connection": cut.peer.number(),
                "who": identity.identity.to_string(),
                "serial": identity.serial_hex,
                "reason": cut.reason,
            })
        });
        let changes = plan.changes.iter().take(LISTED_MAX).map(|change| {
            let nation = change.nation.map(|n| n.to_string());
            json!({ "nation": nation, "what": change.what })
        });
        let admits = plan.admits.iter().take(LISTED_MAX).map(|one| {
            let system = one.system.as_ref().map(ToString::to_string);
            json!({ "nation": one.nation.to_string(), "system": system, "why": one.why })
        });
        self.append(&json!({
            "at": now.to_string(),
            "who": who.to_string(),
            "outcome": "applied",
            "what": changes.collect::<Vec<_>>(),
            "effect": {
                "epoch": epoch,
                "ended": plan.cuts.len(),
                "kept": plan.kept,
                "cuts": cuts.collect::<Vec<_>>(),
                "admits": admits.collect::<Vec<_>>(),
            },
        }))
    }

    /// A change that was refused: nothing is different.
    pub(super) fn refused(&self, now: Timestamp, who: &Who, why: &[String]) -> io::Result<()> {
        let why: Vec<_> = why.iter().take(LISTED_MAX).collect();
        self.append(&json!({
            "at": now.to_string(),
            "who": who.to_string(),
            "outcome": "refused",
            "why": why,
        }))
    }

    /// A certificate that was renewed over the wire.
    pub(super) fn renewed(&self, now: Timestamp, who: &Who, serial: &str) -> io::Result<()> {
        self.append(&json!({
            "at": now.to_string(),
            "who": who.to_string(),
            "outcome": "renewed",
            "what": [{ "what": "a certificate was renewed over the wire" }],
            "effect": { "serial": serial },
        }))
    }

    /// What retention decided, and what operators hold and release.
    pub(super) fn retention(&self, now: Timestamp, note: &Note) -> io::Result<()> {
        self.append(&json!({
            "at": now.to_string(),
            "who": note.who,
            "outcome": note.outcome,
            "what": [{ "what": note.what }],
            "effect": note.effect,
        }))
    }

    fn append(&self, line: &serde_json::Value) -> io::Result<()> {
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if self
            .file
            .metadata()
            .is_ok_and(|seen| seen.len() >= self.bytes_max)
        {
            self.rotate()?;
        }
        let mut file = self.open()?;
        let mut text = line.to_string();
        text.push('\n');
        // One write, so that a line is whole or, after a crash, the torn last one.
        file.write_all(text.as_bytes())?;
        file.sync_data()
    }

    fn open(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.file)
    }

    /// Each file takes the next number; the oldest goes.
    fn rotate(&self) -> io::Result<()> {
        let numbered = |number: u32| {
            let mut name = self.file.clone().into_os_string();
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        for number in (1..OLD_FILES).rev() {
            match std::fs::rename(numbered(number), numbered(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        std::fs::rename(&self.file, numbered(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_bounded_and_keeps_the_newest() {
        let folder = tempfile::tempdir().unwrap();
        let audit = Audit {
            bytes_max: 200,
            ..Audit::new(folder.path())
        };
        for number in 0..100 {
            let why = [format!("fault {number}")];
            audit
                .refused(Timestamp::UNIX_EPOCH, &Who::Watch, &why)
                .unwrap();
        }
        let files = std::fs::read_dir(folder.path()).unwrap().count();
        assert!(files <= 1 + OLD_FILES as usize, "{files}");
        let newest = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
        let last: serde_json::Value = serde_json::from_str(newest.lines().last().unwrap()).unwrap();
        assert_eq!(last["why"][0], "fault 99");
        assert_eq!(last["who"], "file watch");
        assert_eq!(last["outcome"], "refused");
    }
}
