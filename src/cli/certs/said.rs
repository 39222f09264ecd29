//! How the commands print: text for people, one JSON object for machines.

use super::Output;
use crate::cli::{Failure, fail};
use jiff::Timestamp;
use serde_json::Value;
use std::io::Write;

/// Prints lines, or an object.
pub(super) fn say(
    out: &mut dyn Write,
    output: Output,
    lines: &[String],
    object: &Value,
) -> Result<(), Failure> {
    match output {
        Output::Text => {
            for line in lines {
                writeln!(out, "{line}").map_err(fail)?;
            }
        }
        Output::Json => {
            serde_json::to_writer_pretty(&mut *out, object).map_err(fail)?;
            writeln!(out).map_err(fail)?;
        }
    }
    Ok(())
}

/// A day for people.
pub(super) fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Whole days from now, rounded down; negative: over.
pub(super) fn days_left(until: Timestamp, now: Timestamp) -> i64 {
    until.duration_since(now).as_secs().div_euclid(86_400)
}
