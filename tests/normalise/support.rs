//! Reports to start from, and the gateway's side of a test.

use entente::identity::{Identity, NationCode};
use entente::normalise::{Context, Notation, Profile, Rules, Violations, normalise};
use entente::record::{Body, Record, Sighting, TraceEntry};
use entente::report::{self, Report, Term};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::OnceLock;

/// When all reports of these tests come in, unless a test says otherwise.
pub(crate) const RECEIVED_AT: &str = "2026-01-09T12:00:00Z";

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().expect("a timestamp")
}

/// Normalises as `identity` with `profile`.
pub(crate) fn judge_as(
    identity: &str,
    profile: &Profile,
    report: Report,
) -> Result<Record, Violations> {
    let identity = Identity::parse(identity).expect("an identity");
    let context = Context {
        identity: &identity,
        profile,
        received_at: time(RECEIVED_AT),
        original_sha256: [7; 32],
        original_media_type: "application/json".into(),
    };
    normalise(report, &context)
}

/// The profile that ships for a nation.
pub(crate) fn profile(nation: &str) -> Profile {
    static SHIPPED: OnceLock<HashMap<String, Profile>> = OnceLock::new();
    let compile = |nation: &str| {
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
    };
    let shipped = SHIPPED.get_or_init(|| {
        [
            "CZE", "DEU", "ESP", "EST", "FRA", "GBR", "ITA", "NLD", "POL", "ROU", "UKR", "USA",
        ]
        .map(|nation| (nation.to_owned(), compile(nation)))
        .into()
    });
    shipped.get(nation).expect("a shipped nation").clone()
}

/// Normalises as a system of that nation.
pub(crate) fn judge_of(nation: &str, report: Report) -> Result<Record, Violations> {
    judge_as(&format!("{nation}/system-1"), &profile(nation), report)
}

/// Normalises as a British system.
pub(crate) fn judge(report: Report) -> Result<Record, Violations> {
    static BRITISH: OnceLock<Profile> = OnceLock::new();
    let profile = BRITISH.get_or_init(|| profile("GBR"));
    judge_as("GBR/uav-cell-4", profile, report)
}

pub(crate) fn coded(code: i32) -> Term {
    Term {
        code,
        ..Term::default()
    }
}

/// A typed sighting in Donetsk that is accepted as it stands.
pub(crate) fn typed() -> Report {
    let sighting = report::Sighting {
        origin: 1,
        verification_status: 1,
        observed_from: Some(report::Time {
            utc: Some(report::WireTime {
                seconds: time("2026-01-06T18:30:00Z").as_second(),
                nanos: 0,
            }),
            ..report::Time::default()
        }),
        means: vec![coded(2)],
        location: Some(report::Location {
            wgs84: Some(report::Wgs84Point {
                latitude_deg: 48.0159,
                longitude_deg: 37.8029,
            }),
            horizontal_uncertainty_m: Some(25.0),
            ..report::Location::default()
        }),
        observations: vec![report::Observation {
            kind: Some(coded(1)),
            count: Some(report::Count {
                min: Some(4),
                ..report::Count::default()
            }),
            count_basis: 1,
            phase: Some(coded(1)),
            ..report::Observation::default()
        }],
        confidence: Some(report::Confidence {
            source_reliability: "B".to_owned(),
            credibility: "2".to_owned(),
            ..report::Confidence::default()
        }),
        ..report::Sighting::default()
    };
    Report {
        report_id: "GBR-000017".to_owned(),
        revision: 1,
        action: 1,
        environment: 1,
        marking: Some(report::Marking {
            text: "NATO RESTRICTED".to_owned(),
            releasable_to: vec!["USA".to_owned(), "UKR".to_owned()],
            ..report::Marking::default()
        }),
        body: Some(report::Body::Sighting(Box::new(sighting))),
        ..Report::default()
    }
}

/// The typed sighting, changed.
pub(crate) fn typed_with(change: impl FnOnce(&mut report::Sighting)) -> Report {
    let mut report = typed();
    if let Some(report::Body::Sighting(sighting)) = &mut report.body {
        change(sighting);
    }
    report
}

/// A location of text.
pub(crate) fn place(text: &str, reference_system: &str) -> report::Location {
    report::Location {
        text: text.to_owned(),
        reference_system: reference_system.to_owned(),
        ..report::Location::default()
    }
}

pub(crate) fn sighting(record: &Record) -> &Sighting {
    match &record.body {
        Some(Body::Sighting(sighting)) => sighting,
        other => panic!("no sighting: {other:?}"),
    }
}

/// The rules of all violations, in order, with their fields.
pub(crate) fn refused(outcome: Result<Record, Violations>) -> Vec<(String, &'static str)> {
    let violations = outcome.expect_err("a refusal");
    violations
        .list
        .iter()
        .map(|violation| (violation.field.to_string(), violation.rule))
        .collect()
}

/// The entries of a rule.
pub(crate) fn traced<'r>(record: &'r Record, rule: &str) -> Vec<&'r TraceEntry> {
    record
        .trace
        .iter()
        .filter(|entry| entry.rule == rule)
        .collect()
}
