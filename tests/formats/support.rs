//! The gateway's side: a payload with its envelope, judged as a nation's system sent it.

use bytes::Bytes;
use entente::identity::{Identity, NationCode};
use entente::intake::read_native;
use entente::normalise::{Context, Notation, Profile, Rules, Violations, normalise};
use entente::record::{Body, Contribution, Record, Sighting, TraceEntry};
use entente::report::{Marking, Report};
use entente::wire::Native;

pub(crate) const COT: &str = "application/x-cot+xml";
pub(crate) const TAK: &str = "application/x-tak-protobuf";
pub(crate) const GEOJSON: &str = "application/geo+json";
pub(crate) const OSCE: &str = "text/x-osce-csv";
pub(crate) const SITREP: &str = "application/x-edxl-sitrep+xml";
pub(crate) const SPOTREP: &str = "text/x-spotrep";
pub(crate) const SK42: &str = "text/x-sk42-report";

/// When all payloads come in.
const RECEIVED_AT: &str = "2026-01-09T12:00:00Z";

/// The profile that ships for a nation.
pub(crate) fn profile(nation: &str) -> Profile {
    let file = format!(
        "{}/config/nations/{nation}.toml",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&file).expect("a nation's file");
    let table: toml::Table = text.parse().expect("TOML");
    let notation = table.get("notation").expect("a notation").clone();
    let notation: Notation = notation.try_into().expect("a notation");
    let code = NationCode::parse(nation).expect("a nation");
    Profile::compile(code, &notation, &Rules::default()).expect("a profile")
}

/// An envelope that says what a form cannot: id, revision, LIVE, and a NATO marking.
pub(crate) fn envelope(environment: i32) -> Report {
    Report {
        report_id: "ENVELOPE-1".to_owned(),
        revision: 1,
        environment,
        marking: Some(Marking {
            text: "NATO RESTRICTED".to_owned(),
            releasable_to: vec!["USA".to_owned(), "UKR".to_owned()],
            ..Marking::default()
        }),
        ..Report::default()
    }
}

/// Judges a payload as a system of that nation, in an envelope that says LIVE.
pub(crate) fn judge(
    nation: &str,
    media_type: &str,
    content: impl AsRef<[u8]>,
) -> Result<Record, Violations> {
    judge_in(nation, media_type, content, envelope(1))
}

/// The same, in that envelope.
pub(crate) fn judge_in(
    nation: &str,
    media_type: &str,
    content: impl AsRef<[u8]>,
    envelope: Report,
) -> Result<Record, Violations> {
    let content = Bytes::copy_from_slice(content.as_ref());
    let native = Native {
        media_type: media_type.to_owned(),
        submitted: content.clone(),
        content,
        envelope,
    };
    let report = read_native(&native)?;
    let profile = profile(nation);
    let identity = Identity::parse(&format!("{nation}/system-1")).expect("an identity");
    let context = Context {
        identity: &identity,
        profile: &profile,
        received_at: RECEIVED_AT.parse().expect("a time"),
        original_sha256: [7; 32],
        original_media_type: media_type.to_owned().into(),
    };
    normalise(report, &context)
}

pub(crate) fn sighting(record: &Record) -> &Sighting {
    match &record.body {
        Some(Body::Sighting(sighting)) => sighting,
        other => panic!("no sighting: {other:?}"),
    }
}

pub(crate) fn contribution(record: &Record) -> &Contribution {
    match &record.body {
        Some(Body::Contribution(contribution)) => contribution,
        other => panic!("no contribution: {other:?}"),
    }
}

/// The entries of a rule.
pub(crate) fn traced<'r>(record: &'r Record, rule: &str) -> Vec<&'r TraceEntry> {
    let entries = record.trace.iter();
    entries.filter(|entry| entry.rule == rule).collect()
}

/// Field and rule of each violation.
pub(crate) fn refused(outcome: Result<Record, Violations>) -> Vec<(String, &'static str)> {
    let violations = outcome.expect_err("a refusal").list;
    let pairs = violations
        .into_iter()
        .map(|v| (v.field.into_owned(), v.rule));
    pairs.collect()
}

/// The rules of a refusal.
pub(crate) fn rules(outcome: Result<Record, Violations>) -> Vec<&'static str> {
    refused(outcome).into_iter().map(|(_, rule)| rule).collect()
}

pub(crate) fn near(value: f64, expected: f64, within: f64) {
    assert!(
        (value - expected).abs() <= within,
        "{value}, not {expected}"
    );
}
