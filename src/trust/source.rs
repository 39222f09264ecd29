//! Where trusted material comes from: files named by configuration, or memory in tests.

use super::error::{Severity, TrustProblem};
use crate::identity::NationCode;
use crate::identity::spiffe::TrustDomain;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Largest anchor or revocation list file, bytes. A partner supplies them.
pub(super) const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Most anchor files, and most list files, of one nation.
pub(super) const FILES_MAX: usize = 32;

/// A nation's trusted files, as configuration names them.
#[derive(Clone, Debug)]
pub struct NationSources {
    /// The nation.
    pub code: NationCode,
    /// Its trust domain.
    pub domain: TrustDomain,
    /// PEM files with the certificates of its authorities.
    pub anchors: Vec<PathBuf>,
    /// PEM or DER files with their revocation lists.
    pub revocation_lists: Vec<PathBuf>,
    /// Loosens: anchors made by `entente certs init` are taken.
    pub allow_development_anchors: bool,
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
}

impl NationSources {
    /// Reads the files; every one that cannot be read is a problem of its own.
    pub(super) fn read(&self, problems: &mut Vec<TrustProblem>) -> NationMaterial {
        NationMaterial {
            code: self.code,
            domain: self.domain.clone(),
            anchors: self.read_all(&self.anchors, "anchor", problems),
            revocation_lists: self.read_all(&self.revocation_lists, "revocation list", problems),
            allow_development_anchors: self.allow_development_anchors,
        }
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
