//! Files of certificates and keys: born with their mode, written whole or not at all, and never
//! over another file unless that was asked for.

use super::PkiError;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// For everybody to read.
pub const MODE_PUBLIC: u32 = 0o644;
/// For the owner alone.
pub const MODE_SECRET: u32 = 0o600;
const MODE_FOLDER: u32 = 0o700;
/// Bits by which others than the owner reach a file.
pub(super) const MODE_OTHERS: u32 = 0o077;
/// Largest file that is read here, bytes.
pub const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// A file that is to be written.
#[derive(Clone, Debug)]
pub struct NewFile {
    /// Where.
    pub path: PathBuf,
    /// What.
    pub bytes: Vec<u8>,
    /// Its permission bits.
    pub mode: u32,
}

impl NewFile {
    /// A file that everybody may read.
    #[must_use]
    pub fn public(path: PathBuf, text: impl Into<Vec<u8>>) -> Self {
        let bytes = text.into();
        Self {
            path,
            bytes,
            mode: MODE_PUBLIC,
        }
    }

    /// A file that holds a key.
    #[must_use]
    pub fn secret(path: PathBuf, text: impl Into<Vec<u8>>) -> Self {
        Self {
            mode: MODE_SECRET,
            ..Self::public(path, text)
        }
    }
}

/// Writes files that must not be there yet: all, or none if one is in the way.
///
/// # Errors
/// One exists, two are the same, or the disk refuses.
pub fn write_new(files: &[NewFile]) -> Result<(), PkiError> {
    let mut planned = BTreeSet::new();
    if let Some(twice) = files.iter().find(|f| !planned.insert(&f.path)) {
        return Err(PkiError::Twice(twice.path.clone()));
    }
    let existing = |f: &&NewFile| f.path.symlink_metadata().is_ok();
    let mut found = files.iter().filter(existing);
    if let Some(first) = found.next() {
        return Err(PkiError::Exists {
            first: first.path.clone(),
            others: found.count(),
        });
    }
    files.iter().try_for_each(|file| place(file, false))
}

/// Writes one file over whatever is there: at every moment it is the old or the new one, whole.
///
/// # Errors
/// The disk refuses.
pub fn replace(file: &NewFile) -> Result<(), PkiError> {
    place(file, true)
}

/// Writes beside, makes it durable, and renames.
fn place(file: &NewFile, over: bool) -> Result<(), PkiError> {
    let path = &file.path;
    let failed = |reason: std::io::Error| PkiError::Write {
        path: path.clone(),
        reason,
    };
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut builder = std::fs::DirBuilder::new();
    builder
        .recursive(true)
        .mode(MODE_FOLDER)
        .create(folder)
        .map_err(failed)?;
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = folder.join(name);
    let written = write_beside(&beside, file).and_then(|()| {
        let flags = if over {
            RenameFlags::empty()
        } else {
            // New or nothing, whoever else writes here at the same time.
            RenameFlags::NOREPLACE
        };
        renameat_with(CWD, &beside, CWD, path, flags).map_err(std::io::Error::from)
    });
    if let Err(reason) = written {
        // What is left of it is of no use to anybody.
        let _gone = std::fs::remove_file(&beside);
        if !over && reason.kind() == std::io::ErrorKind::AlreadyExists {
            return Err(PkiError::Exists {
                first: path.clone(),
                others: 0,
            });
        }
        return Err(failed(reason));
    }
    let folder = std::fs::File::open(folder).map_err(failed)?;
    folder.sync_all().map_err(failed)
}

fn write_beside(beside: &Path, file: &NewFile) -> std::io::Result<()> {
    // Of an earlier run of the same number that was killed here.
    let _none = std::fs::remove_file(beside);
    // Born with its mode: a key is never readable for a moment.
    let mut out = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(file.mode)
        .open(beside)?;
    out.write_all(&file.bytes)?;
    out.sync_all()
}

/// Reads a file of at most so many bytes.
///
/// # Errors
/// It cannot be read, or is larger.
pub fn read_bounded(path: &Path, bytes_max: u64) -> Result<Vec<u8>, PkiError> {
    let failed = |reason: std::io::Error| PkiError::Read {
        path: path.to_owned(),
        reason,
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(bytes_max + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > bytes_max {
        let reason = format!("it has more than {bytes_max} bytes");
        return Err(failed(std::io::Error::other(reason)));
    }
    Ok(bytes)
}

/// The permission bits of a file.
pub(super) fn mode(path: &Path) -> Result<u32, PkiError> {
    let metadata = std::fs::metadata(path).map_err(|reason| PkiError::Read {
        path: path.to_owned(),
        reason,
    })?;
    Ok(metadata.permissions().mode() & 0o7777)
}

/// Base 64 in lines of 64 characters between PEM's marks (RFC 7468).
#[must_use]
pub fn pem(label: &str, der: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in der.chunks(48) {
        for group in line.chunks(3) {
            let octet = |i: usize| u32::from(group.get(i).copied().unwrap_or(0));
            let bits = octet(0) << 16 | octet(1) << 8 | octet(2);
            for place in 0..4 {
                let index = (bits >> (18 - 6 * place)) & 0x3f;
                let letter = ALPHABET.get(index as usize).copied().unwrap_or(b'=');
                let is_there = place <= group.len();
                text.push(char::from(if is_there { letter } else { b'=' }));
            }
        }
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pem_is_what_others_read() {
        let text = pem("X", b"Man");
        assert_eq!(text, "-----BEGIN X-----\nTWFu\n-----END X-----\n");
        assert!(pem("X", b"Ma").contains("\nTWE=\n"));
        assert!(pem("X", b"M").contains("\nTQ==\n"));
        let long = pem("X", &[0; 100]);
        assert!(long.lines().all(|line| line.len() <= 64), "{long}");
    }

    #[test]
    fn what_is_there_stays_unless_it_is_to_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/a.key");
        let file = NewFile::secret(path.clone(), "one");
        write_new(std::slice::from_ref(&file)).unwrap();
        assert_eq!(mode(&path).unwrap(), MODE_SECRET);
        let error = write_new(&[NewFile::secret(path.clone(), "two")]).unwrap_err();
        assert!(matches!(error, PkiError::Exists { .. }), "{error}");
        assert!(place(&NewFile::secret(path.clone(), "two"), false).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one");
        replace(&NewFile::secret(path.clone(), "three")).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "three");
        let left = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(left, 1, "nothing is left beside");
    }
}
