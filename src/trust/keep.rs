//! Small files of our own in the folder of trust: read under a limit, written whole or not at
//! all.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Makes a folder that others cannot enter; one that exists has to be so.
pub(super) fn make_folder(folder: &Path) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("{}: cannot be made: {e}", folder.display());
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(failed)?;
    let mode = std::fs::metadata(folder).map_err(failed)?;
    let mode = mode.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(format!(
        "{}: it has mode {mode:04o}, so others than its owner have access; chmod 700 mends it",
        folder.display()
    ))
}

/// A file's text; none: there is no such file.
pub(super) fn read(file: &Path, bytes_max: u64) -> Result<Option<String>, String> {
    let failed = |e: std::io::Error| format!("{}: cannot be read: {e}", file.display());
    let opened = match std::fs::File::open(file) {
        Ok(opened) => opened,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut text = String::new();
    opened
        .take(bytes_max + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > bytes_max {
        return Err(format!(
            "{}: has more than {bytes_max} bytes",
            file.display()
        ));
    }
    Ok(Some(text))
}

/// Replaces a file: written beside it, synced, renamed, and the folder synced.
pub(super) fn write(file: &Path, text: &str) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("{}: cannot be written: {e}", file.display());
    let new = file.with_extension("new");
    let mut options = std::fs::File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut opened = options.open(&new).map_err(failed)?;
    opened.write_all(text.as_bytes()).map_err(failed)?;
    opened.sync_all().map_err(failed)?;
    std::fs::rename(&new, file).map_err(failed)?;
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    let folder = std::fs::File::open(folder).map_err(failed)?;
    folder.sync_all().map_err(failed)
}
