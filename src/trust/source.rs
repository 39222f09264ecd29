//! Where trusted material comes from: files named by configuration, or memory in tests.

use super::block::Blocked;
use super::error::{Severity, TrustProblem};
use crate::identity::NationCode;
use crate::identity::spiffe::TrustDomain;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Largest anchor or revocation list file, bytes. A partner supplies them.
pub(super) const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Most anchor files, and most list files, of one nation.
pub(super) const FILES_MAX: usize = 32;

/// Endings of the files in a folder that are read as revocation lists.
const LIST_ENDINGS: [&str; 3] = ["crl", "pem", "der"];

/// Where an anchor stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Known ahead of its use; vouches for nobody yet.
    Published,
    /// Vouches for the nation's systems.
    Active,
    /// Vouches until then; its systems' connections end with it.
    Retiring {
        /// The last moment.
        until: Timestamp,
    },
    /// Vouches for nobody any more, not even from within another authority's chain.
    Withdrawn,
}

impl Standing {
    /// A short, stable word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Active => "active",
            Self::Retiring { .. } => "retiring",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// What is said of a nation's trust besides its active anchors and its lists.
#[derive(Clone, Debug)]
pub struct Terms<T> {
    /// Anchors that are not simply active.
    pub anchors: Vec<(T, Standing)>,
    /// Authorities below the anchors, so that their lists are proven when they are loaded.
    pub intermediates: Vec<T>,
    /// What is blocked.
    pub blocked: Vec<Blocked>,
    /// Loosens: how long a revocation list past its renewal still admits.
    pub overdue_grace: SignedDuration,
}

impl<T> Default for Terms<T> {
    fn default() -> Self {
        Self {
            anchors: Vec::new(),
            intermediates: Vec::new(),
            blocked: Vec::new(),
            overdue_grace: SignedDuration::ZERO,
        }
    }
}

/// A nation's trusted files, as configuration names them.
#[derive(Clone, Debug)]
pub struct NationSources {
    /// The nation.
    pub code: NationCode,
    /// Its trust domain.
    pub domain: TrustDomain,
    /// PEM files with the certificates of its active authorities.
    pub anchors: Vec<PathBuf>,
    /// PEM or DER files with their revocation lists, or folders of such files.
    pub revocation_lists: Vec<PathBuf>,
    /// Loosens: anchors made by `entente certs init` are taken.
    pub allow_development_anchors: bool,
    /// Everything else.
    pub terms: Terms<PathBuf>,
}

/// Bytes with the name under which an operator knows them.
#[derive(Clone, Debug)]
pub struct Material {
    /// File name, or another name.
    pub name: String,
    /// PEM or DER.
    pub bytes: Vec<u8>,
}

/// A nation's trusted material, read.
#[derive(Clone, Debug)]
pub struct NationMaterial {
    /// The nation.
    pub code: NationCode,
    /// Its trust domain.
    pub domain: TrustDomain,
    /// Certificates of its authorities, PEM or DER.
    pub anchors: Vec<Material>,
    /// Their revocation lists, PEM or DER.
    pub revocation_lists: Vec<Material>,
    /// Loosens: anchors made by `entente certs init` are taken.
    pub allow_development_anchors: bool,
    /// Everything else.
    pub terms: Terms<Material>,
}

/// Anchors by file, as they were when they came into force.
pub(super) type Pinned = BTreeMap<PathBuf, Vec<u8>>;

impl NationMaterial {
    /// Its anchors by file.
    pub(super) fn anchors_by_file(&self) -> impl Iterator<Item = (PathBuf, Vec<u8>)> {
        let others = self.terms.anchors.iter().map(|(material, _)| material);
        let all = self.anchors.iter().chain(others);
        let all = all.chain(&self.terms.intermediates);
        all.map(|m| (PathBuf::from(&m.name), m.bytes.clone()))
    }
}

impl NationSources {
    /// Reads the files; every one that cannot be read is a problem of its own. Files that are
    /// pinned are not read: they count as they were.
    pub(super) fn read(
        &self,
        pinned: Option<&Pinned>,
        problems: &mut Vec<TrustProblem>,
    ) -> NationMaterial {
        let mut read_anchor = |path: &PathBuf| match pinned.and_then(|pinned| pinned.get(path)) {
            Some(bytes) => Some(Material {
                name: path.display().to_string(),
                bytes: bytes.clone(),
            }),
            None => {
                let mut read = self.read_all(std::slice::from_ref(path), "anchor", problems);
                read.pop()
            }
        };
        let others = self.terms.anchors.iter();
        let anchors = others
            .filter_map(|(path, standing)| Some((read_anchor(path)?, *standing)))
            .collect();
        let below = self.terms.intermediates.iter();
        let intermediates = below.filter_map(&mut read_anchor).collect();
        let active = self.anchors.iter().filter_map(&mut read_anchor).collect();
        if self.anchors.len() > FILES_MAX {
            let count = self.anchors.len();
            problems.push(TrustProblem {
                nation: self.code,
                source_name: "anchors".to_owned(),
                reason: format!("{count} files are named; at most {FILES_MAX} are allowed"),
                severity: Severity::Error,
            });
        }
        NationMaterial {
            code: self.code,
            domain: self.domain.clone(),
            anchors: active,
            revocation_lists: self.read_all(&self.list_files(), "revocation list", problems),
            allow_development_anchors: self.allow_development_anchors,
            terms: Terms {
                anchors,
                intermediates,
                blocked: self.terms.blocked.clone(),
                overdue_grace: self.terms.overdue_grace,
            },
        }
    }

    /// The files of revocation lists: those that are named, and those in named folders. What
    /// a folder holds besides, such as a file that is still being written under another
    /// ending, is not looked at.
    pub(super) fn list_files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for path in &self.revocation_lists {
            let Ok(entries) = std::fs::read_dir(path) else {
                // A file, or something that reading it will complain of.
                files.push(path.clone());
                continue;
            };
            let mut within: Vec<_> = entries
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|file| {
                    file.extension()
                        .is_some_and(|e| LIST_ENDINGS.iter().any(|ending| e == *ending))
                })
                .collect();
            within.sort();
            files.append(&mut within);
        }
        files
    }

    /// Files of anchors, in whatever standing.
    pub(super) fn anchor_files(&self) -> impl Iterator<Item = &PathBuf> {
        let others = self.terms.anchors.iter().map(|(path, _)| path);
        let others = others.chain(&self.terms.intermediates);
        self.anchors.iter().chain(others)
    }

    fn read_all(
        &self,
        paths: &[PathBuf],
        what: &str,
        problems: &mut Vec<TrustProblem>,
    ) -> Vec<Material> {
        let mut problem = |name: String, reason: String| {
            problems.push(TrustProblem {
                nation: self.code,
                source_name: name,
                reason,
                severity: Severity::Error,
            });
        };
        if paths.len() > FILES_MAX {
            problem(
                format!("{what}s"),
                format!(
                    "{} files are named; at most {FILES_MAX} are allowed",
                    paths.len()
                ),
            );
        }
        paths
            .iter()
            .take(FILES_MAX)
            .filter_map(|path| match read_bounded(path) {
                Ok(bytes) => Some(Material {
                    name: path.display().to_string(),
                    bytes,
                }),
                Err(reason) => {
                    problem(path.display().to_string(), format!("{what}: {reason}"));
                    None
                }
            })
            .collect()
    }
}

/// Reads a file of at most [`FILE_BYTES_MAX`].
pub(super) fn read_bounded(path: &Path) -> Result<Vec<u8>, String> {
    let file = std::fs::File::open(path).map_err(|e| format!("cannot be opened: {e}"))?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| format!("cannot be read: {e}"))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("has more than {FILE_BYTES_MAX} bytes"));
    }
    Ok(bytes)
}
