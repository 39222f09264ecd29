//! `entente doctor`: why does my system not get in? Looks at the files, then at the network, then
//! asks the gateway's diagnosis listener, then tries the real door.

mod files;
mod network;

use super::certs::profile::ForProfile;
use super::partner::Partner;
use super::{Failure, Output, fail, line};
use crate::clock::SystemClock;
use clap::Args;
use serde::Serialize;
use serde_json::json;
use std::io::IsTerminal as _;

/// Finds out why a system cannot connect, and says how to mend it.
///
/// Checks certificate, key and authority file, the way to the gateway and its TLS; asks the
/// gateway's diagnosis listener, if there is one, what the gateway thinks of the certificate and
/// of this machine's clock; then tries the real door.
/// Exit codes: 0 the system gets in, 1 it does not, or a file is faulty.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    partner: Partner,
    /// Address of the gateway's diagnosis listener [default: the gateway's host, port 7444].
    #[arg(long, value_name = "HOST:PORT")]
    diagnosis: Option<String>,
    #[command(flatten)]
    profile: ForProfile,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Ok,
    Warning,
    Failed,
    Skipped,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
struct Check {
    name: &'static str,
    outcome: Outcome,
    message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    mend: String,
}

impl Check {
    fn new(name: &'static str, outcome: Outcome, message: impl Into<String>) -> Self {
        Self {
            name,
            outcome,
            message: message.into(),
            mend: String::new(),
        }
    }

    fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, Outcome::Ok, message)
    }

    fn skipped(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, Outcome::Skipped, message)
    }

    fn failed(name: &'static str, message: impl Into<String>, mend: impl Into<String>) -> Self {
        let mend = mend.into();
        Self {
            mend,
            ..Self::new(name, Outcome::Failed, message)
        }
    }

    fn warning(name: &'static str, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Warning,
            ..Self::failed(name, message, mend)
        }
    }
}

pub(super) fn run(arguments: &Doctor) -> Result<(), Failure> {
    let partner = arguments.partner.resolved()?;
    let identity = arguments.partner.identity()?;
    let clock = SystemClock::default();
    let mut checks = files::checks(
        &partner.files,
        identity.as_ref(),
        arguments.profile.profile(),
        &clock,
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(fail)?;
    let way = network::Way {
        partner: &partner,
        diagnosis: arguments.diagnosis.as_deref(),
        clock: &clock,
    };
    checks.extend(runtime.block_on(way.checks()));
    let is_well = checks.iter().all(|c| c.outcome != Outcome::Failed);
    match arguments.output {
        Output::Json => line(&json!({ "ok": is_well, "checks": checks }).to_string()),
        Output::Readable => print(&checks, is_well),
    }
    if is_well { Ok(()) } else { Err(Failure::Shown) }
}

fn print(checks: &[Check], is_well: bool) {
    let is_coloured = std::io::stdout().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    for check in checks {
        let (word, colour) = match check.outcome {
            Outcome::Ok => ("ok  ", "32"),
            Outcome::Warning => ("warn", "33"),
            Outcome::Failed => ("FAIL", "31"),
            Outcome::Skipped => ("skip", "2"),
        };
        let word = if is_coloured {
            format!("\u{1b}[{colour}m{word}\u{1b}[0m")
        } else {
            word.to_owned()
        };
        line(&format!("{word}  {:<22}  {}", check.name, check.message));
        if !check.mend.is_empty() {
            line(&format!("      {:<22}  mend: {}", "", check.mend));
        }
    }
    line(if is_well {
        "The system gets in."
    } else {
        "The system does not get in; the first FAIL is where to begin."
    });
}
