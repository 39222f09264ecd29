//! `entente journal dump`: one line for each entry. What a report says is shown only when that
//! is asked for: the marking of a report holds for a terminal too.

use super::verify::shown;
use super::{hexadecimal, time};
use crate::cli::{Failure, Output, fail};
use crate::journal::examine::{Seen, examine};
use crate::journal::{Position, Stored};
use crate::wire::json;
use crate::wire::stored::{Body, Kind, StoredError};
use clap::Args;
use serde_json::{Value, json};
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;

/// Shows the entries of a journal, one a line: position, when it was taken in, nation and
/// system, report id, revision, kind, sizes.
///
/// Of an entry that retention has removed it shows what remains: key, revision, time, digest.
/// Goes on after damage, which it says on standard error. Changes nothing.
///
/// Exit codes: 0 all was shown, 1 something is damaged or cannot be read.
#[derive(Debug, Args)]
pub(super) struct Dump {
    /// The journal's folder, as `journal.folder` in the configuration names it.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// First position, included.
    #[arg(long, default_value_t = 1, value_name = "POSITION")]
    from: u64,
    /// Last position, included [default: the last]
    #[arg(long, value_name = "POSITION")]
    to: Option<u64>,
    /// Also shows what the reports say: the record, and the report as it was submitted.
    /// Mind their markings.
    #[arg(long)]
    content: bool,
    /// How to print: for people, or one object a line.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

pub(super) fn run(arguments: &Dump) -> Result<(), Failure> {
    let to = arguments.to.unwrap_or(u64::MAX);
    if to < arguments.from {
        let reason = format!("--to {to} is before --from {}", arguments.from);
        return Err(Failure::Usage(reason));
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let mut written = Ok(());
    let range = (Position(arguments.from.max(1)), Position(to));
    let summary = examine(&arguments.folder, range, &mut |seen| {
        match seen {
            Seen::Entry(stored) => written = show(&mut out, arguments, stored),
            Seen::Removed(stored) => written = show_removed(&mut out, arguments, stored),
            Seen::Damage(damage) => {
                let _nobody_reads = writeln!(io::stderr(), "entente: damage: {}", shown(damage));
            }
            Seen::Removal(_) | Seen::Progress { .. } => {}
        }
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    })
    .map_err(fail)?;
    match written.and_then(|()| out.flush()) {
        // As `entente journal dump DIR | head` wants it.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        other => other.map_err(fail)?,
    }
    if summary.damage_count == 0 {
        Ok(())
    } else {
        Err(Failure::Shown)
    }
}

fn show(out: &mut impl Write, arguments: &Dump, stored: &Stored) -> io::Result<()> {
    let body = Body::decode(&stored.entry.body);
    match arguments.output {
        Output::Json => writeln!(out, "{}", as_json(stored, body, arguments.content)),
        Output::Readable => {
            writeln!(out, "{}", readable(stored, &body))?;
            match body {
                Ok(body) if arguments.content => writeln!(
                    out,
                    "  record: {}\n  original ({}): {}",
                    record(&body),
                    body.media_type,
                    original(&body)
                ),
                _ => Ok(()),
            }
        }
    }
}

/// What remains of an entry.
fn show_removed(out: &mut impl Write, arguments: &Dump, stored: &Stored) -> io::Result<()> {
    let (position, entry) = (stored.position, &stored.entry);
    let (taken, key) = (time(entry.stamp_ns), entry.key.escape_ascii());
    match arguments.output {
        Output::Readable => {
            let revision = entry.revision;
            writeln!(
                out,
                "{position:>10} {taken:<30} {key} revision {revision} REMOVED"
            )
        }
        Output::Json => {
            let object = json!({
                "position": position.0,
                "takenAt": taken,
                "revision": entry.revision,
                "supersedes": stored.previous.map(|position| position.0),
                "digest": hexadecimal(&entry.digest),
                "key": key.to_string(),
                "removed": true,
            });
            writeln!(out, "{object}")
        }
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Sighting => "sighting",
        Kind::Contribution => "contribution",
        Kind::Retraction => "retraction",
    }
}

fn readable(stored: &Stored, body: &Result<Body, StoredError>) -> String {
    let Stored {
        position,
        previous,
        entry,
    } = stored;
    let mut text = format!("{position:>10} {:<30} ", time(entry.stamp_ns));
    match body {
        Ok(body) => {
            let label = &body.label;
            text += &format!(
                "{}/{} {} revision {} {} record {} B, original {} B",
                label.nation,
                label.system,
                label.report_id.escape_debug(),
                entry.revision,
                kind(label.kind),
                body.record.len(),
                body.original.len(),
            );
        }
        Err(error) => {
            text += &format!(
                "{} revision {} {} B: {error}",
                entry.key.escape_ascii(),
                entry.revision,
                entry.body.len()
            );
        }
    }
    if let Some(previous) = previous {
        text += &format!(", supersedes {previous}");
    }
    text
}

fn as_json(stored: &Stored, body: Result<Body, StoredError>, content: bool) -> Value {
    let entry = &stored.entry;
    let mut object = json!({
        "position": stored.position.0,
        "takenAt": time(entry.stamp_ns),
        "revision": entry.revision,
        "supersedes": stored.previous.map(|position| position.0),
        "digest": hexadecimal(&entry.digest),
        "bodyBytes": entry.body.len(),
    });
    let Value::Object(fields) = &mut object else {
        return object;
    };
    match body {
        Ok(body) => {
            let label = &body.label;
            fields.insert("nation".into(), json!(label.nation));
            fields.insert("system".into(), json!(label.system));
            fields.insert("reportId".into(), json!(label.report_id));
            fields.insert("kind".into(), json!(kind(label.kind)));
            fields.insert("recordBytes".into(), json!(body.record.len()));
            fields.insert("originalBytes".into(), json!(body.original.len()));
            fields.insert("mediaType".into(), json!(body.media_type));
            if content {
                fields.insert("record".into(), record(&body));
                fields.insert("original".into(), json!(hexadecimal(&body.original)));
            }
        }
        Err(error) => {
            fields.insert("key".into(), json!(entry.key.escape_ascii().to_string()));
            fields.insert("error".into(), json!(error.to_string()));
        }
    }
    object
}

/// The record as the contract's JSON.
fn record(body: &Body) -> Value {
    match json::to_json(json::RECORD, &body.record) {
        Ok(record) => serde_json::from_str(record.get()).unwrap_or(Value::Null),
        Err(error) => json!({ "error": error.to_string() }),
    }
}

/// The report as it was submitted: as text where it is text, or else in hexadecimal.
fn original(body: &Body) -> String {
    match std::str::from_utf8(&body.original) {
        Ok(text) if !text.chars().any(|c| c.is_control() && !c.is_whitespace()) => {
            text.escape_debug().to_string()
        }
        _ => hexadecimal(&body.original),
    }
}
