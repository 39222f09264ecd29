//! `entente journal`: what is in a journal's folder, and whether it is sound. Reads only.

mod dump;
mod verify;

use super::Failure;
use clap::{Args, Subcommand};
use jiff::Timestamp;

/// Looks at a journal without changing it, beside a running gateway or on a copy.
#[derive(Debug, Args)]
pub(super) struct JournalArguments {
    #[command(subcommand)]
    command: JournalCommand,
}

#[derive(Debug, Subcommand)]
enum JournalCommand {
    Verify(verify::Verify),
    Dump(dump::Dump),
}

pub(super) fn run(arguments: &JournalArguments) -> Result<(), Failure> {
    match &arguments.command {
        JournalCommand::Verify(arguments) => verify::run(arguments),
        JournalCommand::Dump(arguments) => dump::run(arguments),
    }
}

/// A time as the journal keeps it, for people and machines.
fn time(nanoseconds: i64) -> String {
    Timestamp::from_nanosecond(nanoseconds.into())
        .map_or_else(|_| nanoseconds.to_string(), |time| time.to_string())
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _written = write!(text, "{byte:02x}");
        text
    })
}
