//! A journal's folder into a file. Reads only the folder, beside a running gateway or not.

use super::Progress;
use crate::journal::examine::{Damage, Seen, examine};
use crate::journal::portable::{PortableError, Reader, Totals, Writer};
use crate::journal::{OpenError, Position, Stored};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek as _, SeekFrom, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use thiserror::Error;

/// Why a feed is not exported. What was written can be gone on with.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The folder cannot be read.
    #[error(transparent)]
    Journal(#[from] OpenError),
    /// What stands in the folder does not hold.
    #[error(
        "the journal is damaged: segment {}, offset {}: {}; see `entente journal verify`",
        .0.segment, .0.offset, .0.reason
    )]
    Damaged(Damage),
    /// The file cannot be written.
    #[error("cannot write the export: {0}")]
    Write(io::Error),
    /// The file that is gone on with does not hold.
    #[error(transparent)]
    File(#[from] PortableError),
    /// The file that is gone on with is of another feed.
    #[error("the file is an export of another feed than the folder holds")]
    OtherFeed,
    /// The file that is gone on with has what the folder has not.
    #[error("the file ends at position {0}, which the journal does not have")]
    Behind(Position),
    /// What the file lacks was removed.
    #[error(
        "retention removed what comes behind position {0}, where the file ends; export to a new \
         file"
    )]
    Removed(Position),
}

/// What was exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The position that this export began with.
    pub from: Position,
    /// What the file holds now.
    pub totals: Totals,
}

/// How much is gathered before it is written.
const OUT_BYTES: usize = 1024 * 1024;

/// Exports a folder to a stream, which cannot be gone on with.
///
/// # Errors
/// See [`ExportError`].
pub fn export_to(
    folder: &Path,
    out: impl Write,
    progress: Progress<'_>,
) -> Result<Exported, ExportError> {
    let writer = Writer::begin(buffered(out), journal_id(folder)?).map_err(ExportError::Write)?;
    Ok(run(folder, writer, None, progress)?.1)
}

/// Exports a folder to a new file of mode 0600, durably.
///
/// # Errors
/// See [`ExportError`]; the file is there already.
pub fn export(folder: &Path, path: &Path, progress: Progress<'_>) -> Result<Exported, ExportError> {
    let id = journal_id(folder)?;
    let file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(ExportError::Write)?;
    let writer = Writer::begin(buffered(file), id).map_err(ExportError::Write)?;
    durable(run(folder, writer, None, progress)?, path)
}

/// Goes on with a file, finished or not, with what the folder has more; durably.
///
/// # Errors
/// See [`ExportError`].
pub fn go_on(folder: &Path, path: &Path, progress: Progress<'_>) -> Result<Exported, ExportError> {
    let mut file = File::options()
        .read(true)
        .write(true)
        .open(path)
        .map_err(ExportError::Write)?;
    let resume = Reader::open(BufReader::with_capacity(OUT_BYTES, &file))?.resume()?;
    // A feed that was moved has another journal; then its last entry says that it is the same.
    if resume.last.is_none() && resume.journal_id != journal_id(folder)? {
        return Err(ExportError::OtherFeed);
    }
    file.set_len(resume.offset)
        .and_then(|()| file.seek(SeekFrom::End(0)).map(drop))
        .map_err(ExportError::Write)?;
    let writer = Writer::go_on(buffered(file), &resume);
    durable(run(folder, writer, resume.last, progress)?, path)
}

fn buffered<W: Write>(out: W) -> BufWriter<W> {
    BufWriter::with_capacity(OUT_BYTES, out)
}

/// Syncs what was written, and its name.
fn durable(
    (out, exported): (BufWriter<File>, Exported),
    path: &Path,
) -> Result<Exported, ExportError> {
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let file = out.into_inner().map_err(|error| error.into_error());
    file.and_then(|file| file.sync_all())
        .and_then(|()| File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all())
        .map_err(ExportError::Write)?;
    Ok(exported)
}

/// The id of a journal; zeros: it is empty.
fn journal_id(folder: &Path) -> Result<[u8; 16], OpenError> {
    let first = (Position(1), Position(1));
    let summary = examine(folder, first, &mut |_| ControlFlow::Break(()))?;
    Ok(summary.journal_id.unwrap_or_default())
}

/// An export while the folder is read.
struct Export<W> {
    writer: Writer<W>,
    /// The last entry that the file had before; the folder must have the same.
    known: Option<Stored>,
    /// The first position that is written.
    from: Position,
    /// The last position that was seen.
    last: Position,
    fault: Option<ExportError>,
}

impl<W: Write> Export<W> {
    fn see(&mut self, seen: &Seen<'_>) -> Result<(), ExportError> {
        match seen {
            Seen::Entry(stored) | Seen::Removed(stored) => {
                self.last = stored.position;
                let is_removed = matches!(seen, Seen::Removed(_));
                let known = self.known.take();
                if stored.position < self.from {
                    return match known {
                        Some(known) if !is_removed && known != **stored => {
                            Err(ExportError::OtherFeed)
                        }
                        _ => Ok(()),
                    };
                }
                let written = match is_removed {
                    false => self.writer.entry(stored),
                    true if self.writer.totals().entries > 0 => {
                        return Err(ExportError::Removed(Position(self.from.0 - 1)));
                    }
                    true => self.writer.removed(stored),
                };
                written.map_err(ExportError::Write)
            }
            Seen::Removal(removal) if removal.last >= self.from => {
                self.writer.removal(removal).map_err(ExportError::Write)
            }
            Seen::Damage(damage) => Err(ExportError::Damaged((*damage).clone())),
            Seen::Removal(_) | Seen::Progress { .. } => Ok(()),
        }
    }
}

fn run<W: Write>(
    folder: &Path,
    writer: Writer<W>,
    known: Option<Stored>,
    progress: Progress<'_>,
) -> Result<(W, Exported), ExportError> {
    let from = writer.next();
    let mut export = Export {
        writer,
        known,
        from,
        last: Position(0),
        fault: None,
    };
    // What the file ends with is looked at again: it must be what the folder has there.
    let again = Position((from.0 - 1).max(1));
    examine(folder, (again, Position(u64::MAX)), &mut |seen| {
        if let Seen::Progress { done, total } = seen {
            progress(done, total);
        }
        if export.fault.is_none() {
            export.fault = export.see(&seen).err();
        }
        match export.fault {
            None => ControlFlow::Continue(()),
            Some(_) => ControlFlow::Break(()),
        }
    })?;
    let Export {
        writer,
        last,
        fault,
        ..
    } = export;
    if let Some(fault) = fault {
        return Err(fault);
    }
    let file = Position(from.0 - 1);
    if last < file {
        return Err(ExportError::Behind(file));
    }
    let (out, totals) = writer.finish().map_err(ExportError::Write)?;
    Ok((out, Exported { from, totals }))
}
