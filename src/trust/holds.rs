//! Blocks that were given to the running gateway, kept on disk, so that a restart lifts none.

use super::block::Hold;
use crate::identity::NationCode;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The file, in the folder of trust.
const FILE: &str = "holds.json";
/// Largest file of this kind, bytes.
const BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Most blocks at a time; more belong into the nations' files and revocation lists.
const HOLDS_MAX: usize = 4096;
/// Longest reason, bytes.
pub(super) const REASON_BYTES_MAX: usize = 500;

/// The blocks, and where they are kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Holds {
    folder: Option<PathBuf>,
    pub(super) all: Vec<Hold>,
}

/// A block as the file has it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    nation: String,
    what: String,
    reason: String,
}

impl Holds {
    /// Reads the file in a folder. No folder: nothing is kept.
    pub(super) fn open(folder: Option<&Path>) -> Result<Self, String> {
        let Some(folder) = folder else {
            return Ok(Self::default());
        };
        super::keep::make_folder(folder)?;
        let file = folder.join(FILE);
        let at = |error: &dyn std::fmt::Display| {
            format!(
                "{}: {error}; it holds who is suspended and blocked: mend it, or remove it and \
                 block them again",
                file.display()
            )
        };
        let written: Vec<Written> = match super::keep::read(&file, BYTES_MAX)? {
            None => Vec::new(),
            Some(text) => serde_json::from_str(&text).map_err(|e| at(&e))?,
        };
        let mut all = Vec::with_capacity(written.len());
        for one in written {
            all.push(Hold {
                nation: NationCode::parse(&one.nation).map_err(|e| at(&e))?,
                what: one.what.parse().map_err(|e| at(&e))?,
                reason: one.reason,
            });
        }
        Ok(Self {
            folder: Some(folder.to_owned()),
            all,
        })
    }

    /// With one more; an earlier one of the same is replaced.
    pub(super) fn with(&self, hold: Hold) -> Result<Self, String> {
        if hold.reason.len() > REASON_BYTES_MAX {
            return Err(format!("the reason has more than {REASON_BYTES_MAX} bytes"));
        }
        let mut next = self.clone();
        next.all
            .retain(|h| h.nation != hold.nation || h.what != hold.what);
        if next.all.len() >= HOLDS_MAX {
            return Err(format!("there are {HOLDS_MAX} blocks already, the most"));
        }
        next.all.push(hold);
        Ok(next)
    }

    /// Writes the file.
    pub(super) fn keep(&self) -> Result<(), String> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let written: Vec<_> = self
            .all
            .iter()
            .map(|hold| Written {
                nation: hold.nation.to_string(),
                what: hold.what.to_string(),
                reason: hold.reason.clone(),
            })
            .collect();
        let text = serde_json::to_string_pretty(&written).map_err(|e| e.to_string())?;
        super::keep::write(&folder.join(FILE), &text)
    }
}
