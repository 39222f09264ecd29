//! A cursor on disk: one small file, replaced whole, so it holds the old state or the new one.
//!
//! Form: a line of JSON, then CRC32C of that line in hexadecimal. The name says whose it is, so
//! a file that cannot be read is still known to be that cursor's.

use crate::feed::ranges::Range;
use crate::identity::{Identity, NationCode, SystemName};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Version of the form.
const FORM: u32 = 1;
/// Largest file; 512 ranges of two 20-digit numbers fit.
const FILE_BYTES_MAX: u64 = 64 * 1024;
/// The end of a cursor's file name.
const ENDING: &str = ".cursor";

/// What is kept of a cursor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    form: u32,
    pub(super) acknowledged: u64,
    pub(super) beyond: Vec<Range>,
    updated_unix_ms: i64,
}

impl Kept {
    pub(super) fn new(acknowledged: u64, beyond: &[Range], updated_at: Timestamp) -> Self {
        Self {
            form: FORM,
            acknowledged,
            beyond: beyond.to_vec(),
            updated_unix_ms: updated_at.as_millisecond(),
        }
    }

    pub(super) fn updated_at(&self) -> Timestamp {
        Timestamp::from_millisecond(self.updated_unix_ms).unwrap_or_default()
    }

    fn to_text(&self) -> io::Result<String> {
        let line = serde_json::to_string(self)?;
        let sum = crc32c::crc32c(line.as_bytes());
        Ok(format!("{line}\n{sum:08x}\n"))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let (line, sum) = text.split_once('\n').ok_or("it has no checksum")?;
        if sum.trim_end() != format!("{:08x}", crc32c::crc32c(line.as_bytes())) {
            return Err("its checksum is not that of what it says".to_owned());
        }
        let kept: Self = serde_json::from_str(line).map_err(|error| error.to_string())?;
        if kept.form != FORM {
            return Err(format!("it has form {}; expected {FORM}", kept.form));
        }
        Ok(kept)
    }
}

/// `GBR@desk+north@analysts.cursor`: no nation, system or name holds an `@` or a `+`.
pub(super) fn file_name(identity: &Identity, name: &str) -> String {
    let system = identity.system.as_str().replace('/', "+");
    format!("{}@{system}@{name}{ENDING}", identity.nation)
}

fn owner(file_name: &str) -> Option<(Identity, String)> {
    let mut parts = file_name.strip_suffix(ENDING)?.split('@');
    let (nation, system, name) = (parts.next()?, parts.next()?, parts.next()?);
    let identity = Identity {
        nation: NationCode::parse(nation).ok()?,
        system: SystemName::parse(&system.replace('+', "/")).ok()?,
    };
    (parts.next().is_none() && super::is_name(name)).then(|| (identity, name.to_owned()))
}

/// A cursor that was found: whose it is, its name, and what it says or what is wrong with it.
pub(super) type Found = (Identity, String, Result<Kept, String>);

/// Reads a folder of cursors; one that does not exist is made.
pub(super) fn read_folder(folder: &Path) -> io::Result<Vec<Found>> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        // What is half written, or was set aside, is no cursor.
        if let Some((identity, name)) = name.to_str().and_then(owner) {
            found.push((identity, name, read(&entry.path())));
        }
    }
    Ok(found)
}

fn read(path: &Path) -> Result<Kept, String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut text = String::new();
    let read = file.take(FILE_BYTES_MAX).read_to_string(&mut text);
    read.map_err(|error| error.to_string())?;
    Kept::parse(&text)
}

/// Writes a cursor beside its file, syncs it, and puts it in the place of the old one.
pub(super) fn write(path: &Path, kept: &Kept) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut options = std::fs::File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&new)?;
    file.write_all(kept.to_text()?.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    sync_folder(path)
}

pub(super) fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => sync_folder(path),
    }
}

/// Keeps a file that cannot be read under another name.
pub(super) fn set_aside(path: &Path, now: Timestamp) -> io::Result<PathBuf> {
    let aside = path.with_extension(format!("damaged-{}", now.as_millisecond()));
    std::fs::rename(path, &aside)?;
    sync_folder(path)?;
    Ok(aside)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_touched_anywhere_is_not_believed() {
        let kept = Kept::new(7, &[(9, 12)], Timestamp::UNIX_EPOCH);
        let text = kept.to_text().unwrap();
        assert_eq!(Kept::parse(&text), Ok(kept));
        for at in 0..text.trim_end().len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let touched = String::from_utf8(bytes).unwrap();
            assert!(Kept::parse(&touched).is_err(), "{touched}");
            assert!(Kept::parse(&text[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_name_of_a_file_is_one_cursor_and_nothing_else_is_taken_for_one() {
        let identity = Identity::parse("GBR/desk/north.2").unwrap();
        let name = file_name(&identity, "analysts-1");
        assert_eq!(name, "GBR@desk+north.2@analysts-1.cursor");
        assert_eq!(owner(&name), Some((identity, "analysts-1".to_owned())));
        for other in [
            "GBR@desk@a.new",
            "GBR@desk@a.damaged-1",
            "GBR@@a.cursor",
            "gbr@desk@a.cursor",
            "GBR@desk@a@b.cursor",
            "GBR@desk@A.cursor",
            "GBR@..@a.cursor",
        ] {
            assert_eq!(owner(other), None, "{other}");
        }
    }
}
