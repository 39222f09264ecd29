//! `entente journal verify`: reads every batch, and says what holds and what does not.

use super::{hexadecimal, time};
use crate::cli::{Failure, Output, fail, line};
use crate::journal::Position;
use crate::journal::examine::{DAMAGE_MAX, Damage, Seen, Summary, examine};
use clap::Args;
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::path::PathBuf;

/// Reads every batch of a journal: checksums, the chain of hashes, positions, footers.
///
/// Says what is in it: segments, positions, entries, bytes, first and last times; a batch at
/// the very end that is not whole (no damage: the next start cuts it off); and all damage with
/// segment and offset. Changes nothing, and does not look at the index.
///
/// Exit codes: 0 it is sound, 1 it is damaged or cannot be read.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The journal's folder, as `journal.folder` in the configuration names it.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// How to print: for people, or one object.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

pub(super) fn run(arguments: &Verify) -> Result<(), Failure> {
    // Draws on standard error, and only if that is a terminal.
    let progress = ProgressBar::new(0);
    if let Ok(style) =
        ProgressStyle::with_template("{bar:30} {percent}% {bytes_per_sec}, {eta} left")
    {
        progress.set_style(style);
    }
    let everything = (Position(1), Position(u64::MAX));
    let summary = examine(&arguments.folder, everything, &mut |seen| {
        if let Seen::Progress { done, total } = seen {
            progress.set_length(total);
            progress.set_position(done);
        }
        ControlFlow::Continue(())
    });
    progress.finish_and_clear();
    let summary = summary.map_err(fail)?;
    match arguments.output {
        Output::Json => line(&as_json(&summary).to_string()),
        Output::Readable => line(&readable(&summary)),
    }
    if summary.damage_count == 0 {
        Ok(())
    } else {
        Err(Failure::Shown)
    }
}

fn as_json(summary: &Summary) -> Value {
    let segment = |found: &crate::journal::examine::SegmentFound| {
        json!({
            "name": found.name,
            "bytes": found.bytes,
            "batches": found.batches,
            "entries": found.entries,
            "end": found.end,
            "sealed": found.is_sealed,
        })
    };
    let damage = |damage: &Damage| {
        json!({
            "segment": damage.segment,
            "offset": damage.offset,
            "reason": damage.reason,
            "positions": damage.positions.map(|(from, to)| [from, to]),
        })
    };
    json!({
        "sound": summary.damage_count == 0,
        "journalId": summary.journal_id.map(|id| hexadecimal(&id)),
        "segments": summary.segments.iter().map(segment).collect::<Vec<_>>(),
        "firstPosition": summary.positions.map(|(first, _)| first.0),
        "lastPosition": summary.positions.map(|(_, last)| last.0),
        "entries": summary.entries,
        "removedEntries": summary.removed_entries,
        "removals": summary.removals.iter().map(|removal| json!({
            "firstPosition": removal.first.0,
            "lastPosition": removal.last.0,
            "bytes": removal.bytes,
            "remainsBytes": removal.remains_bytes,
            "removedAt": time(removal.at_ns),
            "rule": removal.rule,
        })).collect::<Vec<_>>(),
        "keyBytes": summary.key_bytes,
        "bodyBytes": summary.body_bytes,
        "firstTakenAt": summary.taken_ns.map(|(first, _)| time(first)),
        "lastTakenAt": summary.taken_ns.map(|(_, last)| time(last)),
        "torn": summary.torn.as_ref().map(|(segment, offset)| {
            json!({ "segment": segment, "offset": offset })
        }),
        "unsealed": summary.unsealed,
        "damage": summary.damage.iter().map(damage).collect::<Vec<_>>(),
        "damageCount": summary.damage_count,
    })
}

fn readable(summary: &Summary) -> String {
    let sealed = summary.segments.iter().filter(|s| s.is_sealed).count();
    let bytes = summary.segments.iter().map(|s| s.bytes).sum();
    let batches = summary.segments.iter().map(|s| s.batches).sum();
    let mut text = format!(
        "segments   {}, {sealed} of them sealed, {} on disk\n",
        summary.segments.len(),
        HumanBytes(bytes),
    );
    match summary.positions {
        Some((first, last)) => text += &format!("positions  {first} to {last}\n"),
        None => text += "positions  none\n",
    }
    if let (Some(first), Some(last)) = (summary.removals.first(), summary.removals.last()) {
        text += &format!(
            "removed    {} to {}: {} entries in {} segments; the last of them at {}; remains {}\n",
            first.first,
            last.last,
            HumanCount(summary.removed_entries),
            summary.removals.len(),
            time(last.at_ns),
            HumanBytes(summary.removals.iter().map(|r| r.remains_bytes).sum()),
        );
    }
    text += &format!(
        "entries    {} in {} batches; keys {}, bodies {}\n",
        HumanCount(summary.entries),
        HumanCount(batches),
        HumanBytes(summary.key_bytes),
        HumanBytes(summary.body_bytes),
    );
    if let Some((first, last)) = summary.taken_ns {
        text += &format!("taken in   {} to {}\n", time(first), time(last));
    }
    if let Some((segment, offset)) = &summary.torn {
        text += &format!(
            "torn       {segment} at offset {offset}: a batch that is not whole, being written \
             now or when the machine stopped; the next start cuts it off\n"
        );
    }
    for name in &summary.unsealed {
        text += &format!("unsealed   {name} has no sound footer; the next start makes it anew\n");
    }
    for damage in &summary.damage {
        text += &format!("DAMAGE     {}\n", shown(damage));
    }
    if summary.damage_count > DAMAGE_MAX as u64 {
        let more = summary.damage_count - DAMAGE_MAX as u64;
        text += &format!("DAMAGE     and {more} more places\n");
    }
    text + if summary.damage_count == 0 {
        "sound"
    } else {
        "damaged; docs/JOURNAL.md says what to do"
    }
}

/// Damage on one line.
pub(super) fn shown(damage: &Damage) -> String {
    let lost = match damage.positions {
        Some((from, to)) if from == to => format!("; position {from} cannot be read"),
        Some((from, to)) => format!("; positions {from} to {to} cannot be read"),
        None => String::new(),
    };
    let Damage {
        segment,
        offset,
        reason,
        ..
    } = damage;
    format!("{segment} at offset {offset}: {reason}{lost}")
}
