//! Legal holds: what must not be removed whatever its age, kept on disk, so that a restart
//! lifts none.

use super::facts::Facts;
use crate::identity::NationCode;
use crate::journal::{Position, Sealed};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The file, in the journal's folder.
const FILE: &str = "holds.json";
/// Largest such file, bytes.
const BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Most holds at a time.
const HOLDS_MAX: usize = 1024;
/// Longest reason, bytes.
const REASON_BYTES_MAX: usize = 500;

/// What is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Positions, both included.
    Positions(Position, Position),
    /// Every record of a nation.
    Nation(NationCode),
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Positions(from, to) => write!(f, "positions:{from}-{to}"),
            Self::Nation(nation) => write!(f, "nation:{nation}"),
        }
    }
}

impl FromStr for What {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("`{text}` is neither positions:FROM-TO nor nation:XXX");
        let (kind, rest) = text.split_once(':').ok_or_else(expected)?;
        match kind {
            "positions" => {
                let (from, to) = rest.split_once('-').ok_or_else(expected)?;
                let position = |text: &str| text.parse().map(Position).map_err(|_| expected());
                Ok(Self::Positions(position(from)?, position(to)?))
            }
            "nation" => NationCode::parse(rest)
                .map(Self::Nation)
                .map_err(|_| expected()),
            _ => Err(expected()),
        }
    }
}

/// A hold that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// What is held.
    pub what: What,
    /// Why.
    pub reason: String,
}

/// A hold that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What is held, and why.
    pub hold: Hold,
    /// By whom.
    pub by: String,
    /// Since when.
    pub at: Timestamp,
}

/// A hold as the file has it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    what: String,
    reason: String,
    by: String,
    at: String,
}

/// The holds, and where they are kept.
#[derive(Clone, Debug)]
pub(super) struct Holds {
    folder: PathBuf,
    all: Vec<Held>,
}

impl Holds {
    /// Reads the file in a folder.
    pub(super) fn open(folder: &Path) -> Result<Self, String> {
        let file = folder.join(FILE);
        let at = |error: &dyn fmt::Display| {
            let file = file.display();
            format!(
                "{file}: {error}; it holds what must not be removed: mend it, or remove it and hold that again"
            )
        };
        let text = read(&file).map_err(|error| at(&error))?;
        let written: Vec<Written> = match text {
            None => Vec::new(),
            Some(text) => serde_json::from_str(&text).map_err(|error| at(&error))?,
        };
        let mut all = Vec::with_capacity(written.len());
        for one in written {
            all.push(Held {
                hold: Hold {
                    what: one.what.parse().map_err(|error: String| at(&error))?,
                    reason: one.reason,
                },
                by: one.by,
                at: one.at.parse().map_err(|error: jiff::Error| at(&error))?,
            });
        }
        Ok(Self {
            folder: folder.to_owned(),
            all,
        })
    }

    pub(super) fn all(&self) -> &[Held] {
        &self.all
    }

    /// Why a segment is held, if it is.
    pub(super) fn reason(&self, segment: &Sealed, facts: &Facts) -> Option<String> {
        let holds = |held: &&Held| match &held.hold.what {
            What::Positions(from, to) => *from <= segment.last && *to >= segment.first,
            What::Nation(nation) => facts.nations.contains(nation.as_str()),
        };
        let held = self.all.iter().find(holds)?;
        Some(format!("held ({}): {}", held.hold.what, held.hold.reason))
    }

    /// With one more; an earlier one of the same is replaced.
    pub(super) fn with(&self, hold: Hold, by: &str, at: Timestamp) -> Result<Self, String> {
        if hold.reason.trim().is_empty() || hold.reason.len() > REASON_BYTES_MAX {
            return Err(format!("a reason of at most {REASON_BYTES_MAX} bytes"));
        }
        let mut next = self.clone();
        next.all.retain(|held| held.hold.what != hold.what);
        if next.all.len() >= HOLDS_MAX {
            return Err(format!("at most {HOLDS_MAX} holds; release one first"));
        }
        let by = by.to_owned();
        next.all.push(Held { hold, by, at });
        Ok(next)
    }

    /// Without one; `None`: there is none such.
    pub(super) fn without(&self, what: &What) -> Option<Self> {
        let mut next = self.clone();
        next.all.retain(|held| held.hold.what != *what);
        (next.all.len() < self.all.len()).then_some(next)
    }

    /// Writes the file: beside it, synced, renamed, and the folder synced.
    pub(super) fn keep(&self) -> io::Result<()> {
        let written = self.all.iter().map(|held| Written {
            what: held.hold.what.to_string(),
            reason: held.hold.reason.clone(),
            by: held.by.clone(),
            at: held.at.to_string(),
        });
        let text = serde_json::to_string_pretty(&written.collect::<Vec<_>>())?;
        let new = self.folder.join("holds.new");
        let mut options = std::fs::File::options();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, self.folder.join(FILE))?;
        std::fs::File::open(&self.folder)?.sync_all()
    }
}

fn read(file: &Path) -> io::Result<Option<String>> {
    let opened = match std::fs::File::open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut text = String::new();
    opened.take(BYTES_MAX).read_to_string(&mut text)?;
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn hold(what: &str) -> Hold {
        Hold {
            what: what.parse().unwrap(),
            reason: "inquiry 7".to_owned(),
        }
    }

    #[test]
    fn holds_outlive_a_restart_and_cover_what_they_name() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let mut holds = Holds::open(folder.path()).unwrap();
        for what in ["positions:10-20", "nation:GBR", "nation:GBR"] {
            holds = holds.with(hold(what), "GBR/ops", now).unwrap();
            holds.keep().unwrap();
        }
        let holds = Holds::open(folder.path()).unwrap();
        assert_eq!(holds.all().len(), 2);
        let covers = |first, last, nation: &str| {
            let segment = Sealed {
                first: Position(first),
                last: Position(last),
                bytes: 1,
            };
            let facts = Facts {
                newest_ns: 0,
                of_age: None,
                nations: BTreeSet::from([nation.to_owned()]),
            };
            holds.reason(&segment, &facts).is_some()
        };
        assert!(covers(20, 30, "FRA") && covers(1, 10, "FRA") && covers(12, 13, "FRA"));
        assert!(!covers(21, 30, "FRA") && !covers(1, 9, "FRA") && covers(1, 9, "GBR"));
        let left = holds.without(&"nation:GBR".parse().unwrap()).unwrap();
        assert_eq!(left.all().len(), 1);
        assert!(left.without(&"nation:GBR".parse().unwrap()).is_none());
        assert!(
            holds
                .with(
                    Hold {
                        reason: " ".to_owned(),
                        ..hold("nation:FRA")
                    },
                    "x",
                    now
                )
                .is_err()
        );
    }

    #[test]
    fn a_file_that_cannot_be_read_is_said() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["[", "[{}]", r#"[{"what":"x","reason":"","by":"","at":""}]"#] {
            std::fs::write(folder.path().join(FILE), text).unwrap();
            let error = Holds::open(folder.path()).unwrap_err();
            assert!(error.contains("must not be removed"), "{error}");
        }
        for bad in ["", "positions:1", "positions:a-b", "nation:xx", "other:GBR"] {
            assert!(bad.parse::<What>().is_err(), "{bad}");
        }
    }
}
