//! `entente feed export`, `import` and `verify`: a whole feed, without a gateway.

use crate::cli::{Failure, Output, fail, line};
use crate::clock::{Clock, SystemClock};
use crate::config::{self, Loaded};
use crate::journal::examine::{Seen, examine};
use crate::journal::portable::{Block, Reader, Totals};
use crate::journal::{Journal, Position, Stored};
use crate::transfer::{self, Checker, Fault, Imported, Verdict};
use clap::Args;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How much of a file is read at a time.
const IN_BYTES: usize = 1024 * 1024;

/// Writes the whole feed of a journal's folder to a file, beside a running gateway or not.
///
/// With the jetstream engine the folder is this gateway's copy of the stream. The file keeps
/// positions, bytes and receipts, is checked as it is read back, and can be gone on with: after
/// a break, or later with what has come meanwhile. docs/EXPORT.md has its form. It holds
/// everything that the feed holds: guard it like the feed.
///
/// Exit codes: 0 all is in the file, 1 it is not, and the reason is said.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// The file, which must not be there yet; `-`: standard output.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Goes on with a file that is there.
    #[arg(long = "continue")]
    go_on: bool,
    /// The journal's folder [default: `journal.folder` of the configuration]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Configuration of the gateway.
    #[arg(long, default_value = "config/gateway.toml", value_name = "FILE")]
    config: PathBuf,
    /// How to print what was done.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Stores an exported feed with the engine that a configuration names, at the same positions.
///
/// The folder, or the stream, is empty or holds the beginning of the same feed; that is
/// compared, and the rest is stored. No gateway may write to it meanwhile, and none opens a
/// folder with half a feed. After a break run it again: it goes on where it ended.
///
/// Exit codes: 0 the whole feed is there, 1 it is not, and the reason is said.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// The file; `-`: standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Configuration of the gateway.
    #[arg(long, default_value = "config/gateway.toml", value_name = "FILE")]
    config: PathBuf,
    /// How to print what was done.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Reads a whole feed back, from an export or a journal's folder, and checks every invariant.
///
/// Checksums, chain and positions; that each report stands once and supersedes what it must;
/// that key, label, record, report and receipt agree. docs/EXPORT.md lists the rules. Changes
/// nothing.
///
/// Exit codes: 0 everything holds, 1 something does not, or cannot be read.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// An export, or a journal's folder.
    #[arg(value_name = "FILE|DIR")]
    source: PathBuf,
    /// Also compares every entry with this export; what one has more is no fault.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// How to print: for people, or one object.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// A bar on standard error, if that is a terminal.
fn bar(total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    let form = "{bar:30} {percent}% {bytes_per_sec}, {eta} left {msg}";
    if let Ok(style) = ProgressStyle::with_template(form) {
        bar.set_style(style);
    }
    bar
}

fn totals(totals: &Totals) -> Value {
    json!({
        "lastPosition": totals.last,
        "entries": totals.entries,
        "removedEntries": totals.removed,
    })
}

fn load(file: &Path) -> Result<Loaded, Failure> {
    config::load(file).map_err(fail)
}

pub(super) fn export(arguments: &Export) -> Result<(), Failure> {
    let folder = match &arguments.folder {
        Some(folder) => folder.clone(),
        None => load(&arguments.config)?.gateway.journal.folder,
    };
    let to_stream = arguments.file.as_os_str() == "-";
    if to_stream && arguments.go_on {
        let reason = "--continue needs a file to go on with".to_owned();
        return Err(Failure::Usage(reason));
    }
    if !arguments.go_on && !to_stream && arguments.file.exists() {
        return Err(fail(format!(
            "{} is there already; --continue goes on with it",
            arguments.file.display()
        )));
    }
    let bar = bar(0);
    let mut progress = |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    };
    let exported = match (to_stream, arguments.go_on) {
        (true, _) => transfer::export_to(&folder, io::stdout().lock(), &mut progress),
        (false, true) => transfer::go_on(&folder, &arguments.file, &mut progress),
        (false, false) => transfer::export(&folder, &arguments.file, &mut progress),
    };
    bar.finish_and_clear();
    let exported = exported.map_err(fail)?;
    if to_stream {
        return Ok(());
    }
    let mut object = totals(&exported.totals);
    if let Value::Object(fields) = &mut object {
        fields.insert("fromPosition".to_owned(), json!(exported.from.0));
    }
    match arguments.output {
        Output::Json => line(&object.to_string()),
        Output::Readable => line(&said("exported", exported.from, &exported.totals)),
    }
    Ok(())
}

/// What was done, for people.
fn said(done: &str, from: Position, totals: &Totals) -> String {
    let mut text = match totals.last >= from.0 {
        true => format!("{done} positions {from} to {}", totals.last),
        false => format!("nothing new; the last position is {}", totals.last),
    };
    text += &format!("; {} entries in all", HumanCount(totals.entries));
    if totals.removed > 0 {
        let removed = HumanCount(totals.removed);
        text += &format!(", and what remains of {removed} that were removed");
    }
    text
}

/// An export to read, with its size where that is known.
fn open(file: &Path) -> Result<(Reader<Box<dyn Read>>, u64), Failure> {
    let (from, bytes): (Box<dyn Read>, _) = if file.as_os_str() == "-" {
        (Box::new(io::stdin().lock()), 0)
    } else {
        let failed = |error| fail(format!("cannot read {}: {error}", file.display()));
        let opened = File::open(file).map_err(failed)?;
        let bytes = opened.metadata().map_err(failed)?.len();
        (Box::new(BufReader::with_capacity(IN_BYTES, opened)), bytes)
    };
    let reader = Reader::open(from).map_err(fail)?;
    Ok((reader, bytes))
}

pub(super) fn import(arguments: &Import) -> Result<(), Failure> {
    let loaded = load(&arguments.config)?;
    let (mut reader, bytes) = open(&arguments.file)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(fail)?;
    let bar = bar(bytes);
    let imported = runtime.block_on(stored(&loaded, &mut reader, &bar));
    bar.finish_and_clear();
    let Imported { from, totals: all } = imported?;
    match arguments.output {
        Output::Json => {
            let mut object = totals(&all);
            if let Value::Object(fields) = &mut object {
                fields.insert("fromPosition".to_owned(), json!(from.0));
            }
            line(&object.to_string());
        }
        Output::Readable => line(&said("imported", from, &all)),
    }
    Ok(())
}

/// Opens the engine, imports, and closes it whatever came of it.
async fn stored(
    loaded: &Loaded,
    reader: &mut Reader<Box<dyn Read>>,
    bar: &ProgressBar,
) -> Result<Imported, Failure> {
    let mut settings = loaded.gateway.journal.clone();
    settings.importing = true;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let journal = match loaded.gateway.stream.clone() {
        Some(stream) => Journal::open_stream(settings, stream, clock).await,
        None => Journal::open(settings, clock),
    };
    let journal = journal.map_err(fail)?;
    let mut progress = |done, position: Position| {
        bar.set_position(done);
        bar.set_message(format!("position {position}"));
    };
    let imported = transfer::import(&journal, reader, &mut progress).await;
    let closed = tokio::task::spawn_blocking(move || journal.close()).await;
    let imported = imported.map_err(fail)?;
    closed.map_err(fail)?;
    Ok(imported)
}

pub(super) fn verify(arguments: &Verify) -> Result<(), Failure> {
    let mut checker = Checker::new();
    let mut against = arguments.against.as_deref().map(Against::open);
    loop {
        let mut other = against.take().transpose()?;
        each(&arguments.source, &mut |stored, is_removed| {
            match is_removed {
                true => checker.removed(stored),
                false => checker.entry(stored),
            }
            match &mut other {
                Some(other) => other.compare(stored, is_removed),
                None => Ok(()),
            }
        })?;
        if !checker.ends() {
            break;
        }
    }
    let verdict = checker.verdict();
    match arguments.output {
        Output::Json => line(&as_json(&verdict).to_string()),
        Output::Readable => line(&readable(&verdict)),
    }
    match verdict.fault_count {
        0 => Ok(()),
        _ => Err(Failure::Shown),
    }
}

/// Goes through all entries of a folder or a file; what does not hold there is an error.
fn each(
    source: &Path,
    see: &mut dyn FnMut(&Stored, bool) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let bar = bar(0);
    let outcome = match source.is_dir() {
        true => each_of_folder(source, see, &bar),
        false => each_of_file(source, see, &bar),
    };
    bar.finish_and_clear();
    outcome
}

fn each_of_folder(
    folder: &Path,
    see: &mut dyn FnMut(&Stored, bool) -> Result<(), Failure>,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    let mut outcome = Ok(());
    let everything = (Position(1), Position(u64::MAX));
    examine(folder, everything, &mut |seen| {
        if outcome.is_ok() {
            outcome = match seen {
                Seen::Entry(stored) => see(stored, false),
                Seen::Removed(stored) => see(stored, true),
                Seen::Removal(_) => Ok(()),
                Seen::Damage(damage) => Err(fail(format!(
                    "the journal is damaged: {} at offset {}: {}; `entente journal verify` \
                     lists all damage",
                    damage.segment, damage.offset, damage.reason
                ))),
                Seen::Progress { done, total } => {
                    bar.set_length(total);
                    bar.set_position(done);
                    Ok(())
                }
            };
        }
        match outcome {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    })
    .map_err(fail)?;
    outcome
}

fn each_of_file(
    file: &Path,
    see: &mut dyn FnMut(&Stored, bool) -> Result<(), Failure>,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    let (mut reader, bytes) = open(file)?;
    bar.set_length(bytes);
    while let Some(block) = reader.block().map_err(fail)? {
        let (entries, are_removed) = match block {
            Block::Entries(entries) => (entries, false),
            Block::Removed(entries) => (entries, true),
            Block::Removal(_) | Block::End(_) => continue,
        };
        for stored in &entries {
            see(stored, are_removed)?;
        }
        bar.set_position(reader.offset());
    }
    Ok(())
}

/// An export that is read beside another source.
struct Against {
    reader: Reader<Box<dyn Read>>,
    waiting: std::vec::IntoIter<Stored>,
    are_removed: bool,
}

impl Against {
    fn open(file: &Path) -> Result<Self, Failure> {
        Ok(Self {
            reader: open(file)?.0,
            waiting: Vec::new().into_iter(),
            are_removed: false,
        })
    }

    /// Compares with the next entry; where one of them was removed, all but the body.
    fn compare(&mut self, stored: &Stored, is_removed: bool) -> Result<(), Failure> {
        let Some(mut other) = self.next()? else {
            return Ok(());
        };
        if is_removed || self.are_removed {
            other.entry.body = stored.entry.body.clone();
        }
        if other == *stored {
            return Ok(());
        }
        let position = stored.position;
        Err(fail(format!(
            "position {position} is another in the export"
        )))
    }

    fn next(&mut self) -> Result<Option<Stored>, Failure> {
        loop {
            if let Some(stored) = self.waiting.next() {
                return Ok(Some(stored));
            }
            (self.waiting, self.are_removed) = match self.reader.block().map_err(fail)? {
                Some(Block::Entries(entries)) => (entries.into_iter(), false),
                Some(Block::Removed(entries)) => (entries.into_iter(), true),
                Some(Block::Removal(_) | Block::End(_)) => continue,
                None => return Ok(None),
            };
        }
    }
}

fn as_json(verdict: &Verdict) -> Value {
    let fault = |fault: &Fault| json!({ "position": fault.position, "rule": fault.rule, "message": fault.message });
    json!({
        "sound": verdict.fault_count == 0,
        "lastPosition": verdict.last,
        "entries": verdict.entries,
        "removedEntries": verdict.removed,
        "faults": verdict.faults.iter().map(fault).collect::<Vec<_>>(),
        "faultCount": verdict.fault_count,
    })
}

fn readable(verdict: &Verdict) -> String {
    let mut text = format!(
        "positions  1 to {}: {} entries",
        verdict.last,
        HumanCount(verdict.entries)
    );
    if verdict.removed > 0 {
        let removed = HumanCount(verdict.removed);
        text += &format!(", and what remains of {removed} that were removed");
    }
    for fault in &verdict.faults {
        text += &format!(
            "\nFAULT      position {}, {}: {}",
            fault.position,
            fault.rule,
            crate::cli::foreign::harmless(&fault.message)
        );
    }
    let shown = u64::try_from(verdict.faults.len()).unwrap_or(u64::MAX);
    if verdict.fault_count > shown {
        let more = verdict.fault_count - shown;
        text += &format!("\nFAULT      and {more} more");
    }
    text + match verdict.fault_count {
        0 => "\nevery invariant holds",
        _ => "\nnot every invariant holds; docs/EXPORT.md says what they are",
    }
}
