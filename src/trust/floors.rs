//! The highest number of each revocation list ever taken up, kept on disk, so that not even a
//! restart brings an older list back.
//!
//! One small file, written whole beside itself, synced and renamed. If it is unreadable the
//! gateway does not start: silently forgetting it would be the rollback that it prevents.

use super::anchor::Anchor;
use super::revocation::{self, Number, RevocationList};
use super::snapshot::TrustSnapshot;
use super::verify::hex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The file, in the folder of trust.
const FILE: &str = "list-numbers.json";
/// Largest file of this kind, bytes; far more than all anchors of all nations need.
const BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Highest numbers by authority and scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Floors {
    folder: Option<PathBuf>,
    lists: BTreeMap<String, Floor>,
}

/// What was in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Floor {
    // Hexadecimal.
    number: String,
    // Of what was signed: another list under the same number is a rollback, too.
    content_sha256: String,
}

impl Floors {
    /// Reads the file in a folder, which is made if it is missing. No folder: nothing is kept.
    pub(super) fn open(folder: Option<&Path>) -> Result<Self, String> {
        let Some(folder) = folder else {
            return Ok(Self::default());
        };
        super::keep::make_folder(folder)?;
        let file = folder.join(FILE);
        let lists = match super::keep::read(&file, BYTES_MAX)? {
            None => BTreeMap::new(),
            Some(text) => serde_json::from_str(&text).map_err(|error| {
                format!(
                    "{}: {error}; it remembers the highest number of each revocation list. \
                     Make sure that every list in place is the newest, then remove the file",
                    file.display()
                )
            })?,
        };
        Ok(Self {
            folder: Some(folder.to_owned()),
            lists,
        })
    }

    /// Whether a list is not older than what was ever in force.
    pub(super) fn check(&self, anchor: &Anchor, list: &RevocationList) -> Result<(), String> {
        let Some(floor) = self.lists.get(&key(anchor, list)) else {
            return Ok(());
        };
        let Some(number) = Number::from_hex(&floor.number) else {
            return Err(format!(
                "{FILE} holds `{}`, which is no number",
                floor.number
            ));
        };
        if list.number < number {
            return Err(format!(
                "has number {}, but number {number} was in force; a list never goes back",
                list.number
            ));
        }
        if list.number == number && hex(&list.content_sha256) != floor.content_sha256 {
            return Err(format!(
                "differs from the list that was in force under the same number {number}; its \
                 authority has to raise the number"
            ));
        }
        Ok(())
    }

    /// Raises the floors to the lists of a snapshot, and keeps them. Floors of authorities
    /// that are not there now stay: they may come back.
    pub(super) fn raise(&mut self, snapshot: &TrustSnapshot) -> Result<(), String> {
        let mut raised = self.lists.clone();
        for anchor in snapshot.authorities() {
            for list in revocation::highest(&anchor.lists) {
                let floor = Floor {
                    number: list.number.to_hex(),
                    content_sha256: hex(&list.content_sha256),
                };
                raised.insert(key(anchor, list), floor);
            }
        }
        if raised == self.lists {
            return Ok(());
        }
        if let Some(folder) = &self.folder {
            let text = serde_json::to_string_pretty(&raised).map_err(|e| e.to_string())?;
            super::keep::write(&folder.join(FILE), &text)?;
        }
        self.lists = raised;
        Ok(())
    }
}

fn key(anchor: &Anchor, list: &RevocationList) -> String {
    let scope = list.scope().map_or_else(String::new, hex);
    format!("{}/{scope}", hex(&anchor.spki_sha256))
}
