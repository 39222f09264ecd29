//! The command line: one file a command. Exit codes: 0 all well, 1 failure, 2 usage, 3 some
//! reports refused.

mod bench;
mod certs;
mod check;
mod demo;
mod doctor;
mod explain;
mod feed;
mod feed_line;
mod foreign;
mod gaps;
mod ground;
mod input;
mod journal;
mod lines;
mod normalise;
mod partner;
mod relay;
mod reports;
mod retention;
mod serve;
mod submit;
mod tail;
mod trust;
mod wanted;

use crate::clock::SystemClock;
use clap::{Parser, Subcommand, ValueEnum};
use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;

/// The command line is wrong; clap uses the same code.
const EXIT_USAGE: u8 = 2;
/// Some reports were refused; everything else went well.
const EXIT_REFUSED: u8 = 3;

/// Federation gateway: partner nations report over mutual TLS, one durable feed carries it.
///
/// Exit codes: 0 all well, 1 failure, 2 usage, 3 some reports refused.
#[derive(Debug, Parser)]
#[command(name = "entente", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes, signs, renews, revokes, lists, explains and exports certificates.
    Certs(certs::CertsArguments),
    Serve(serve::Serve),
    Check(check::Check),
    Doctor(doctor::Doctor),
    Demo(demo::Demo),
    Bench(bench::Bench),
    Submit(submit::Submit),
    Tail(Box<tail::Tail>),
    Feed(feed::FeedArguments),
    Gaps(gaps::Gaps),
    Normalise(normalise::Normalise),
    Trust(trust::Trust),
    Retention(retention::Retention),
    Journal(journal::JournalArguments),
    Relay(relay::RelayArguments),
}

/// Who reads the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// A person.
    #[default]
    Readable,
    /// A machine: JSON, one object a line.
    Json,
}

/// Why a command ends without success.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It failed, for this reason.
    Failed(String),
    /// It ran, but some reports were refused; they have been shown.
    Refused,
    /// It failed, and has said why.
    Shown,
    /// The command line is wrong.
    Usage(String),
}

/// Makes a failure of an error, with the errors behind it.
pub(crate) fn fail(error: impl Display) -> Failure {
    Failure::Failed(error.to_string())
}

/// Writes a line to standard output. A reader that has gone away is no error of ours.
pub(crate) fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let _reader_is_gone = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Certs(arguments) => {
            certs::run(&arguments, &SystemClock::default(), &mut std::io::stdout())
        }
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Submit(arguments) => submit::run(&arguments),
        Command::Tail(arguments) => tail::run(&arguments),
        Command::Feed(arguments) => feed::run(&arguments),
        Command::Gaps(arguments) => gaps::run(&arguments),
        Command::Normalise(arguments) => normalise::run(&arguments),
        Command::Trust(arguments) => trust::run(&arguments),
        Command::Retention(arguments) => retention::run(&arguments),
        Command::Journal(arguments) => journal::run(&arguments),
        Command::Relay(arguments) => relay::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Shown) => ExitCode::FAILURE,
        Err(Failure::Refused) => ExitCode::from(EXIT_REFUSED),
        Err(Failure::Usage(reason)) => {
            let _nobody_reads = writeln!(std::io::stderr(), "entente: {reason}");
            ExitCode::from(EXIT_USAGE)
        }
        Err(Failure::Failed(reason)) => {
            let _nobody_reads = writeln!(std::io::stderr(), "entente: {reason}");
            ExitCode::FAILURE
        }
    }
}
