//! `entente normalise`: the normaliser alone, no server. For each line either the record with
//! its trace, or every reason why not.

use super::explain::{self, Page};
use super::input::{Input, NativeFile};
use super::{Failure, fail, line};
use crate::clock::{Clock as _, SystemClock};
use crate::config;
use crate::identity::{Identity, NationCode, SystemName};
use crate::intake::read_native;
use crate::normalise::contribution::Totals;
use crate::normalise::{Context, Profile, Violations, catalogue, marking, normalise};
use crate::record::{Record, Text};
use crate::report::Report;
use crate::wire;
use crate::wire::json::{self, Faulty};
use crate::wire::proto::submit_stream_request::Payload;
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use std::io::{self, BufWriter, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// As the gateway notes it of a report that comes as protobuf.
const REPORT_MEDIA_TYPE: &str = "application/vnd.entente.report.v1+protobuf";
/// Where the gateway's configuration lies unless told otherwise.
const CONFIG_DEFAULT: &str = "config/gateway.toml";

/// Normalises reports without a gateway: NDJSON in, for each line the record or all violations;
/// or with --media-type a file in a format of its own, for each report in it.
///
/// Each line of the answer is {"record":{...},"trace":[...]} or {"violations":[...]}; with
/// --explain a page for people instead: the original beside the record, with every rule. The
/// notation comes from --nation-file, or from the nation's file of the gateway's configuration
/// (certificates are of no interest), or, where there is none, as this program was shipped
/// with it. Contributions whose parts have together more than they have are named on standard
/// error. Exit code 3: some lines were refused.
#[derive(Debug, Args)]
pub(super) struct Normalise {
    /// Nation whose notation is used, such as UKR.
    #[arg(long, value_name = "CODE", required_unless_present = "rules")]
    nation: Option<String>,
    /// System that is taken as the sender.
    #[arg(long, default_value = "system", value_name = "NAME")]
    system: String,
    /// Time of receipt, RFC 3339 [default: now].
    #[arg(long, value_name = "TIME")]
    received_at: Option<Timestamp>,
    /// Configuration of a gateway: its rules and its nations [default: config/gateway.toml,
    /// where there is one].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The nation's file itself, under the default rules.
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    nation_file: Option<PathBuf>,
    #[command(flatten)]
    native: NativeFile,
    /// For people: the original beside the record, line by line, and the rules behind it.
    #[arg(long)]
    explain: bool,
    /// Gives the record's marking as a STANAG 4774 confidentiality label too.
    #[arg(long)]
    label: bool,
    /// Lists every rule of the normaliser, as in docs/NORMALISATION.md, and ends.
    #[arg(long, exclusive = true)]
    rules: bool,
    /// File with the reports; `-`: standard input.
    #[arg(default_value = "-")]
    file: PathBuf,
}

/// An answer to a line.
#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Normalised {
        record: Box<RawValue>,
        trace: Box<RawValue>,
        #[serde(skip_serializing_if = "Option::is_none")]
        label: Option<String>,
    },
    Refused {
        violations: Vec<Reason>,
        #[serde(rename = "violationsOmitted", skip_serializing_if = "is_zero")]
        omitted: u32,
    },
}

#[derive(Serialize)]
struct Reason {
    field: String,
    rule: &'static str,
    message: String,
    expected: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

pub(super) fn run(arguments: &Normalise) -> Result<(), Failure> {
    let usage = |error: &dyn std::fmt::Display| Failure::Usage(error.to_string());
    if arguments.rules {
        line(catalogue::markdown().trim());
        return Ok(());
    }
    let nation = arguments.nation.as_deref().unwrap_or_default();
    let nation = NationCode::parse(nation).map_err(|error| usage(&error))?;
    let system = SystemName::parse(&arguments.system).map_err(|error| usage(&error))?;
    let profile = profile(arguments, nation)?;
    let identity = Identity { nation, system };
    let received_at = arguments.received_at;
    let received_at = received_at.unwrap_or_else(|| SystemClock::default().now());
    let mut input = Input::open(&arguments.file, &arguments.native, None)?;
    let mut out = BufWriter::new(io::stdout());
    let watched = io::stdout().is_terminal() || arguments.file == Path::new("-");
    let mut refused = false;
    let page = arguments.explain.then(Page::of_stdout);
    let mut totals = Totals::default();
    while let Some((_, payload)) = input.next().map_err(fail)? {
        let label = arguments.label.then_some(&*profile);
        let judged = judged(payload, &identity, &profile, received_at);
        match &judged.outcome {
            Ok(record) => totals.take(record),
            Err(_) => refused = true,
        }
        let text = match &page {
            Some(page) => judged.explained(page, label),
            None => serde_json::to_string(&judged.answer(label)).map_err(fail)?,
        };
        let written = writeln!(out, "{text}").and_then(|()| {
            // Whoever types lines wants each answer at once.
            if watched { out.flush() } else { Ok(()) }
        });
        match written {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(fail(error)),
        }
    }
    out.flush().map_err(fail)?;
    for excess in totals.excesses() {
        let _nobody_reads = writeln!(io::stderr(), "entente: {excess}");
    }
    if refused {
        Err(Failure::Refused)
    } else {
        Ok(())
    }
}

fn profile(arguments: &Normalise, nation: NationCode) -> Result<Arc<Profile>, Failure> {
    let file = match (&arguments.nation_file, &arguments.config) {
        (Some(file), _) => config::load_nation(file).map_err(fail)?,
        (None, Some(config)) => config::load_nation_of(config, nation).map_err(fail)?,
        (None, None) if Path::new(CONFIG_DEFAULT).exists() => {
            config::load_nation_of(Path::new(CONFIG_DEFAULT), nation).map_err(fail)?
        }
        (None, None) => config::load_shipped(nation).map_err(fail)?,
    };
    if file.nation.code != nation {
        return Err(Failure::Usage(format!(
            "{} is the file of {}, not of {nation}",
            file.file.display(),
            file.nation.code
        )));
    }
    Ok(file.profile)
}

/// What became of a line: the report as far as it could be read, and the outcome.
struct Judged {
    report: Report,
    outcome: Result<Record, Violations>,
}

fn judged(
    payload: Result<Payload, Faulty>,
    identity: &Identity,
    profile: &Profile,
    received_at: Timestamp,
) -> Judged {
    let refused = |violations| Judged {
        report: Report::default(),
        outcome: Err(violations),
    };
    let judge = |(report, original, original_media_type): (Report, Bytes, Text)| {
        let mut original_sha256 = [0; 32];
        original_sha256.copy_from_slice(digest(&SHA256, &original).as_ref());
        let context = Context {
            identity,
            profile,
            received_at,
            original_sha256,
            original_media_type,
        };
        let outcome = normalise(report.clone(), &context);
        Judged { report, outcome }
    };
    match payload {
        Ok(payload) => read(payload).map_or_else(refused, judge),
        Err(mut faulty) => {
            // What is wrong with the rest is said too, so that all can be mended at once.
            let rest = faulty.rest.take().map(Payload::Report).map(read);
            let mut judged = match rest {
                Some(rest) => rest.map_or_else(refused, judge),
                None => refused(Violations::default()),
            };
            let of_the_rest = judged.outcome.err().unwrap_or_default();
            judged.outcome = Err(faulty.with(of_the_rest));
            judged
        }
    }
}

/// The report of a payload, its original bytes and their media type.
fn read(payload: Payload) -> Result<(Report, Bytes, Text), Violations> {
    match payload {
        Payload::Report(report) => {
            let read = wire::decode_report(&report)?;
            Ok((read, report, REPORT_MEDIA_TYPE.into()))
        }
        Payload::Native(native) => {
            let native = wire::Native::from(native);
            let read = read_native(&native)?;
            Ok((read, native.content, native.media_type.into()))
        }
    }
}

impl Judged {
    /// The label, or why there can be none; `profile`: whose rules it is made by, where one is
    /// wanted.
    fn label(&self, profile: Option<&Profile>) -> Option<String> {
        let record = self.outcome.as_ref().ok()?;
        let label = marking::label(record, profile?);
        Some(label.unwrap_or_else(|reason| format!("none: {reason}")))
    }

    fn explained(&self, page: &Page, profile: Option<&Profile>) -> String {
        let text = match &self.outcome {
            Ok(record) => {
                let label = self.label(profile).map(|label| format!("\n{label}"));
                explain::record(&self.report, record, page) + &label.unwrap_or_default()
            }
            Err(violations) => {
                let name = match self.report.report_id.as_str() {
                    "" => "a report without an id",
                    id => id,
                };
                explain::refused(name, violations, page)
            }
        };
        text + "\n"
    }

    fn answer(self, profile: Option<&Profile>) -> Answer {
        let label = self.label(profile);
        let record = match self.outcome {
            Ok(record) => record,
            Err(violations) => return reasons(violations),
        };
        match json::record_and_trace(&wire::encode_record(&record)) {
            Ok((record, trace)) => Answer::Normalised {
                record,
                trace,
                label,
            },
            Err(error) => {
                // Cannot happen: the record was encoded a moment ago.
                let mut violations = Violations::default();
                violations.push(crate::normalise::Violation {
                    field: "".into(),
                    rule: "json.record",
                    message: error.to_string().into(),
                    expected: "a word to whoever gave you this program".into(),
                });
                reasons(violations)
            }
        }
    }
}

fn reasons(violations: Violations) -> Answer {
    let reason = |violation: crate::normalise::Violation| Reason {
        field: violation.field.into_owned(),
        rule: violation.rule,
        message: violation.message.into_owned(),
        expected: violation.expected.into_owned(),
    };
    Answer::Refused {
        violations: violations.list.into_iter().map(reason).collect(),
        omitted: violations.omitted,
    }
}
